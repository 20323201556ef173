#!/bin/sh
# check_http_site.sh SITE [EXAMPLES]: what browsers use of our server, by curl and, where they are, node and Python's aiohttp;
# and the examples that are servers.
. "$(dirname "$0")/common.sh"
site=$1 examples=${2-}
begin curl python3 gzip
mkdir "$dir/files"
head -c 5000000 /dev/urandom >"$dir/files/big"
printf 'hello' >"$dir/files/a.txt"
printf 'body{}' >"$dir/files/a.css"
gzip -k "$dir/files/a.css"
ln -s /etc/passwd "$dir/files/out"

listen "$site" "$dir/files"
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

# Files: whole, in parts, not again, compressed.
check is 200 code "$url/files/big"
check cmp -s "$dir/files/big" "$dir/back"
check is 206 code -r 1000000- "$url/files/big"
check sh -c "tail -c +1000001 '$dir/files/big' | cmp -s - '$dir/back'"
head -c 1234567 "$dir/files/big" >"$dir/part"
check is 206 curl -s -C - -o "$dir/part" -w '%{http_code}' "$url/files/big"
check cmp -s "$dir/part" "$dir/files/big"
check is 416 code -r 9999999- "$url/files/big"
touch -d 2001-01-01 "$dir/files/a.txt"
check is 200 code --etag-save "$dir/etag" "$url/files/a.txt"
check is 304 code --etag-compare "$dir/etag" "$url/files/a.txt"
check is 304 code -z "$dir/files/a.txt" "$url/files/a.txt"
check is 'body{}' curl -s --compressed "$url/files/a.css"
check is gzip sh -c "curl -sI -H 'Accept-Encoding: gzip' $url/files/a.css | sed -n 's/^Content-Encoding: \([a-z]*\).*/\1/p'"
check is 404 code --path-as-is "$url/files/../etc/passwd"
check is 400 code --path-as-is "$url/files/../../etc/passwd"
check is 404 code "$url/files/out"
check is 404 code "$url/files/.git"
check is 301 code "$url/files"
check sh -c "curl -s $url/files/ | grep -q '<a href=\"./a.css.gz\">a.css.gz</a>'"

# What browsers send.
check is '5' sh -c "curl -sN $url/events | grep -c '^data: line 2'"
check is '2' sh -c "curl -sN -H 'Last-Event-ID: 3' $url/events | grep -c '^id: '"
check is 'a - 1;f big 5000000;' curl -s -F a=1 -F "f=@$dir/files/big" "$url/upload"
check is 415 code -d a=1 "$url/upload"
check is 123 sh -c "for i in 1 2 3; do curl -s -b '$dir/jar' -c '$dir/jar' $url/cookie; done"
check is 'come in' curl -s -u me:pass:word "$url/secret"
check is 401 code -u me:pass "$url/secret"

# WebSockets and uploads from aiohttp, if it is there.
if python_with aiohttp; then
    check "$python" "$(dirname "$0")/websocket.py" "$url/ws"
fi

# Two processes, of which one dies.
listen "$site" "$dir/files" --workers 2
check is hello curl -s "http://127.0.0.1:$port/files/a.txt"
crew=$last
pkill -KILL -P "$crew" -o
check is hello curl -s --retry 5 --retry-all-errors --retry-delay 1 "http://127.0.0.1:$port/files/a.txt"
kill -TERM "$crew"
wait "$crew"
check [ $? = 0 ]

# The examples.
for lesson in 28_http_server 29_rest_api 30_sse_clock 31_chat; do
    [ -n "$examples" ] && [ -x "$examples/$lesson" ] || continue
    listen "$examples/$lesson"
    url=$(sed -n 's/^listening on //p' "$dir/port")
    case $lesson in
    28*)
        check is 'Hello, you' curl -s "$url/hello/you"
        check is text curl -s -d text "$url/echo"
        ;;
    29*)
        check is '{"id":1,"text":"milk"}' curl -s -d '{"text": "milk"}' "$url/notes"
        check is '[{"id":1,"text":"milk"}]' curl -s "$url/notes"
        check is 422 code -d '{"text": 1}' "$url/notes"
        check is 204 code -X DELETE "$url/notes/1"
        check is '[]' curl -s "$url/notes"
        ;;
    30*) check sh -c "curl -sN --max-time 2 $url/time | grep -q '^data: ..:..:..'" ;;
    31*)
        check sh -c "curl -s $url/ | grep -q '/chat'"
        python_with aiohttp && check "$python" - "$url/chat" <<'END'
import aiohttp, asyncio, sys

async def main():
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(sys.argv[1]) as a, session.ws_connect(sys.argv[1]) as b:
            await a.send_str("hello")
            assert await a.receive_str() == await b.receive_str() == "hello"
            await a.close()
            await b.send_str("is anybody there?")
            assert await b.receive_str() == "is anybody there?"

asyncio.run(main())
END
        ;;
    esac
    kill -TERM "$last"
    wait "$last"
    check [ $? = 0 ]
done
finish
