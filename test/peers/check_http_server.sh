#!/bin/sh
# check_http_server.sh PEER: clients of others with our server: curl and Python; wget, node, ab, wrk and h2load where they are.
. "$(dirname "$0")/common.sh"
peer=$1
begin curl python3

listen "$peer"
[ -n "$port" ] || exit 1
url=http://127.0.0.1:$port

# is WHAT COMMAND…: whether the command prints just that.
is()
{
    wanted=$1
    shift
    got=$("$@" 2>>"$dir/errors")
    [ "$got" = "$wanted" ] || {
        echo "$*: expected '$wanted', was '$got'"
        false
    }
}
code() { curl -s -o "$dir/back" -w '%{http_code}' "$@"; }

# curl: one connection for several requests, bodies both ways, versions, and what is refused.
head -c 3000000 /dev/urandom >"$dir/data"
check is 'Hello a' curl -s "$url/hello/a"
check is 'Hello ü b' curl -s "$url/hello/%C3%BC%20b"
check is '1 0 ' curl -s -o /dev/null -o /dev/null -w '%{num_connects} ' "$url/hello/a" "$url/bytes/100000"
check is '1 1 ' curl -s -0 -o /dev/null -o /dev/null -w '%{num_connects} ' "$url/hello/a" "$url/hello/b"
check is 200 code --data-binary @"$dir/data" "$url/echo"
check cmp -s "$dir/data" "$dir/back"
check is 200 code -H 'Expect: 100-continue' --data-binary @"$dir/data" "$url/echo"
check cmp -s "$dir/data" "$dir/back"
check is 200 code -H 'Transfer-Encoding: chunked' --data-binary @"$dir/data" "$url/echo"
check cmp -s "$dir/data" "$dir/back"
check is 200 code -0 --data-binary @"$dir/data" "$url/echo"
check cmp -s "$dir/data" "$dir/back"
check is '1 0 ' curl -s -o /dev/null -o /dev/null -w '%{num_connects} ' "$url/length/5" "$url/bytes/1234567"
check is 1234567 sh -c "curl -s $url/bytes/1234567 | wc -c"
check is 5000000 sh -c "curl -s $url/length/5000000 | wc -c"
check is 200 code -I "$url/length/5000000"
check is 'Hello moved' curl -sL "$url/moved"
check is 404 code "$url/none"
check is 405 code -X DELETE "$url/hello/a"
check is 400 code --path-as-is "$url/../etc/passwd"
check is 400 code -H 'Host: a b' "$url/hello/a"
echo "X: $(head -c 9000 /dev/zero | tr '\0' x)" >"$dir/long"
check is 431 code -H @"$dir/long" "$url/hello/a"

# Python's client, with kept connections, and a socket on which sixteen requests are pipelined.
check python3 - "$port" <<'END'
import http.client, socket, sys

port = int(sys.argv[1])
connection = http.client.HTTPConnection('127.0.0.1', port)
for name in ['a', 'b']:
    connection.request('GET', f'/hello/{name}')
    assert connection.getresponse().read() == f'Hello {name}\n'.encode()
before = connection.sock
connection.request('POST', '/echo', body=(bytes([i]) * 1000 for i in range(50)), encode_chunked=True)
response = connection.getresponse()
assert response.getheader('Transfer-Encoding') == 'chunked'
assert response.read() == b''.join(bytes([i]) * 1000 for i in range(50))
connection.request('HEAD', '/length/77')
response = connection.getresponse()
assert response.getheader('Content-Length') == '77' and response.read() == b''
connection.request('GET', '/bytes/54321')
assert len(connection.getresponse().read()) == 54321
assert connection.sock is before

raw = socket.create_connection(('127.0.0.1', port))
raw.sendall(b''.join(b'GET /hello/%d HTTP/1.1\r\nHost: a\r\n\r\n' % i for i in range(15)) +
            b'GET /hello/15 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
data = b''
while piece := raw.recv(65536):
    data += piece
assert [line for line in data.split(b'\n') if line.startswith(b'Hello')] == [b'Hello %d' % i for i in range(16)]
END

# aiohttp and requests, where Python has them.
if python_with aiohttp; then
    check "$python" - "$url" <<'END'
import asyncio, sys, aiohttp

async def main():
    async with aiohttp.ClientSession(sys.argv[1]) as session:
        async with session.get('/hello/a') as response:
            assert await response.text() == 'Hello a\n'
        async with session.post('/echo', data=b'x' * 1000000) as response:
            assert await response.read() == b'x' * 1000000
        async def one(i):
            async with session.get(f'/hello/{i}') as response:
                assert await response.text() == f'Hello {i}\n'
        await asyncio.gather(*(one(i) for i in range(200)))

asyncio.run(main())
END
fi
if python_with requests; then
    check "$python" - "$url" <<'END'
import sys, requests

url, session = sys.argv[1], requests.Session()
moved = session.get(url + '/moved')
assert moved.text == 'Hello moved\n' and [r.status_code for r in moved.history] == [302]
assert session.post(url + '/echo', data=iter([b'a', b'b' * 100000])).content == b'a' + b'b' * 100000
assert session.post(url + '/echo', json={'a': [1, None]}).json() == {'a': [1, None]}
streamed = session.get(url + '/bytes/500000', stream=True)
assert sum(len(piece) for piece in streamed.iter_content(1000)) == 500000
assert session.head(url + '/length/77').headers['Content-Length'] == '77'
assert session.delete(url + '/hello/a').status_code == 405
END
fi

if has wget; then
    check is 'Hello a' wget -qO- "$url/hello/a"
    check is 'x=1&y=2' wget -qO- --post-data 'x=1&y=2' "$url/echo"
    check wget -qO "$dir/back" "$url/bytes/2000000"
    check is 2000000 stat -c %s "$dir/back"
    head -c 500000 "$dir/back" >"$dir/start"
    check wget -q -c -O "$dir/start" "$url/length/2000000" # without Range: anew
    check cmp -s "$dir/back" "$dir/start"
    check [ "$(wget -qO- -S "$url/none" 2>&1 | grep -c ' 404 ')" = 1 ]
fi

if has node; then
    check node - "$url" <<'END'
const url = process.argv[2];
const must = (so) => { if (!so) process.exit(1); };
(async () => {
  must(await (await fetch(`${url}/hello/a`)).text() === 'Hello a\n');
  const body = new ReadableStream({
    start(to) {
      for (let i = 0; i < 100; i++)
        to.enqueue(new Uint8Array(1000).fill(i));
      to.close();
    },
  });
  const back = await (await fetch(`${url}/echo`, { method: 'POST', body, duplex: 'half' })).arrayBuffer();
  must(back.byteLength === 100000 && new Uint8Array(back)[99999] === 99);
  must((await Promise.all([...Array(50).keys()].map(async (i) => (await fetch(`${url}/hello/${i}`)).text()))).join('') ===
    [...Array(50).keys()].map((i) => `Hello ${i}\n`).join(''));
  process.exit(0);
})();
END
fi

# Load, for a moment: nothing fails.
if has ab; then
    ab -q -k -n 2000 -c 20 "$url/hello/a" >"$dir/ab" 2>&1
    check grep -q '^Complete requests: *2000$' "$dir/ab"
    check grep -q '^Failed requests: *0$' "$dir/ab"
    check grep -q '^Keep-Alive requests: *2000$' "$dir/ab"
    check sh -c "! grep '^Non-2xx' $dir/ab"
    ab -q -n 500 -c 10 "$url/length/20000" >"$dir/ab" 2>&1
    check grep -q '^Failed requests: *0$' "$dir/ab"
    check grep -q '^HTML transferred: *10000000 bytes$' "$dir/ab"
    check sh -c "! grep '^Non-2xx' $dir/ab"
fi
if has wrk; then
    wrk -t1 -c20 -d1s "$url/hello/a" >"$dir/wrk" 2>&1
    check grep -q 'Requests/sec: *[1-9]' "$dir/wrk"
    check sh -c "! grep -E 'Socket errors|Non-2xx' $dir/wrk"
fi
if has h2load; then
    h2load --h1 -n 2000 -c 20 -m 8 "$url/bytes/1000" >"$dir/h2load" 2>&1
    check grep -q '2000 succeeded, 0 failed, 0 errored, 0 timeout' "$dir/h2load"
    check grep -q '^status codes: 2000 2xx' "$dir/h2load"
fi
check is 'Hello after' curl -s "$url/hello/after"
finish
