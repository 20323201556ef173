#!/bin/sh
# check_http_behind.sh SITE nginx|haproxy [tls]: our server behind a proxy of others; with tls, its clients speak https to that.
. "$(dirname "$0")/common.sh"
site=$1 proxy=$2 tls=${3-}
begin "$proxy" curl python3
unset http_proxy https_proxy all_proxy ALL_PROXY HTTPS_PROXY
here=$(cd "$(dirname "$0")" && pwd)
[ -z "$tls" ] || command -v openssl >/dev/null || exit 77
chmod 755 "$dir"
mkdir "$dir/files"
head -c 12000000 /dev/urandom >"$dir/files/big"
echo hello >"$dir/files/a.txt"
echo '{}' >"$dir/files/a.json"

listen "$site" --cancel --log --bytes 15000000 "$dir/files" 2>"$dir/log"
[ -n "$port" ] || exit 1
behind=$port own=http://127.0.0.1:$port shared=$(free_port)
plain=$(free_port) other=$(free_port) scheme=http
if [ "$tls" ]; then
    scheme=https
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
    cat "$dir/cert.pem" "$dir/key.pem" >"$dir/both.pem"
fi

# The proxy: at $plain it passes bodies on as they come; nginx keeps them at $buffered until they are whole. Behind $other
# is a server that is restarted.
buffered=$plain
case $proxy in
nginx)
    buffered=$(free_port)
    cat >"$dir/conf" <<END
daemon off; master_process off; pid $dir/pid; error_log $dir/error.log;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
    uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
    client_max_body_size 0; keepalive_requests 100000;
    map \$http_upgrade \$connection_upgrade { default upgrade; '' ''; }
    upstream site { server 127.0.0.1:$behind; keepalive 4; }
    upstream shared { server 127.0.0.1:$shared max_fails=0; keepalive 16; }
    proxy_http_version 1.1;
    proxy_set_header Host \$http_host;
    proxy_set_header Upgrade \$http_upgrade;
    proxy_set_header Connection \$connection_upgrade;
    ${tls:+ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem;}
    server {
        listen 127.0.0.1:$plain ${tls:+ssl};
        proxy_buffering off; proxy_request_buffering off;
        location / { proxy_pass http://site; }
    }
    server { listen 127.0.0.1:$buffered ${tls:+ssl}; location / { proxy_pass http://site; } }
    server { listen 127.0.0.1:$other; location / { proxy_pass http://shared; } }
}
END
    nginx -p "$dir" -c "$dir/conf" -e "$dir/error.log" &
    ;;
haproxy)
    cat >"$dir/conf" <<END
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
    timeout tunnel 20s
    option abortonclose
    option http-keep-alive
    http-reuse always
    retries 3
    retry-on all-retryable-errors
frontend plain
    bind 127.0.0.1:$plain ${tls:+ssl crt $dir/both.pem}
    default_backend site
frontend other
    bind 127.0.0.1:$other
    default_backend shared
backend site
    option httpchk
    http-check send meth GET uri /files/a.txt ver HTTP/1.1 hdr Host a
    http-check expect rstring ^hello
    server s 127.0.0.1:$behind check inter 200ms
backend shared
    option redispatch 1
    http-request disable-l7-retry if METH_POST
    server a 127.0.0.1:$shared
    server b 127.0.0.1:$shared
END
    haproxy -q -f "$dir/conf" 2>"$dir/error.log" &
    ;;
*) exit 2 ;;
esac
pids="$pids $!"
check await_port "$plain"
check await_port "$other"
url=$scheme://127.0.0.1:$plain

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
curl() { command curl -s -k "$@"; }
code() { curl -o "$dir/back" -w '%{http_code}' "$@"; }
method_of() { curl -X "$@" -D- -o /dev/null | tr -d '\r' | sed -n 's/^x-method: //pI'; }
state() { command curl -s "$own/state" | sed -n "s/.*\"$1\": \"*\([^\",]*\).*/\1/p"; }

# haproxy may not have found out yet that the server is well.
curl -o /dev/null --retry 20 --retry-delay 1 --retry-all-errors -f "$url/files/a.txt"

# All methods; HEAD, conditions, parts, errors.
for method in GET POST PUT PATCH DELETE OPTIONS PROPFIND; do
    check is $method method_of $method "$url/echo"
    check is "body of $method" curl -X $method -d "body of $method" "$url/echo"
done
check is 12000000 sh -c "curl -skI $url/files/big | tr -d '\r' | sed -n 's/^content-length: //pI'"
check is 200 code --etag-save "$dir/etag" "$url/files/a.txt"
check is 304 code --etag-compare "$dir/etag" "$url/files/a.txt"
check is 206 code -r 1000- "$url/files/big"
check sh -c "tail -c +1001 '$dir/files/big' | cmp -s - '$dir/back'"
check is 404 code "$url/none"
check is 405 code -X DELETE "$url/state"
check is 401 code "$url/secret"

# Large bodies, of known length and in chunks, either way and both at once.
for base in "$url" "$scheme://127.0.0.1:$buffered"; do
    check is 200 code "$base/files/big"
    check cmp -s "$dir/files/big" "$dir/back"
    check is 12000000 curl --data-binary "@$dir/files/big" "$base/count?keep"
    check cmp -s "$dir/files/big" "$dir/files/kept"
    check is 12000000 curl -T - "$base/count?keep" <"$dir/files/big"
    check cmp -s "$dir/files/big" "$dir/files/kept"
    [ "$proxy" = nginx ] || { # which sends nothing more once an answer begins
        check is 200 code --data-binary "@$dir/files/big" "$base/echo"
        check cmp -s "$dir/files/big" "$dir/back"
        check is 200 code -H 'Transfer-Encoding: chunked' --data-binary "@$dir/files/big" "$base/echo"
        check cmp -s "$dir/files/big" "$dir/back"
    }
    check is "$(seq 0 19 | sed 's/^/tick /')" curl "$base/ticks/20"
    check is 'a - 1;f big 12000000;' curl -F a=1 -F "f=@$dir/files/big" "$base/upload"

    # More than is allowed: refused by its length, and when the chunks have come to more than that.
    check is 413 code -H 'Expect:' --data-binary "@$dir/files/big" --data-binary "@$dir/files/big" "$base/count"
    check is 413 code -H 'Expect:' -H 'Transfer-Encoding: chunked' --data-binary "@$dir/files/big" \
        --data-binary "@$dir/files/big" "$base/count"
    check is 5 curl -d abcde "$base/count"
done

# Connections are kept: by the port that requests one after the other come from.
: >"$dir/log"
for i in 1 2 3 4 5 6 7 8 9 10; do
    curl -o /dev/null "$url/form?$i" -d 'a=1&b=2'
done
check is 10 sh -c "grep -c '^POST /form?[0-9]* 200 ' '$dir/log'"
check is 1 sh -c "sed -n 's/^POST .* //p' '$dir/log' | sort -u | wc -l"

# Events, each as soon as it is sent: the second one is when the first has arrived. Also through a proxy that buffers.
for base in "$url" "$scheme://127.0.0.1:$buffered"; do
    check python3 - "$base" "$own" <<'END'
import ssl, sys, urllib.request

context = ssl._create_unverified_context() if sys.argv[1].startswith("https") else None
events = urllib.request.urlopen(sys.argv[1] + "/live", timeout=10, context=context)
assert events.headers["Content-Type"] == "text/event-stream"
assert [events.readline(), events.readline()] == [b"data: first\n", b"\n"]
urllib.request.urlopen(urllib.request.Request(sys.argv[2] + "/release", method="POST"), timeout=10).close()
assert events.read() == b"data: second\n\n"
END
    check is 3 sh -c "curl -skN -H 'Last-Event-ID: 3' $base/feed | grep -c '^id: [456]$'"
done

# WebSockets.
if python_with aiohttp; then
    check "$python" "$here/websocket.py" "$url/ws" proxy
fi

# A client that goes while its handler runs: the proxy goes, too, and the handler is cancelled.
check is 000 code --max-time 0.3 "$url/slow/60000"
tries=0
until [ "$(state cancelled)" = 1 ] || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
check is 1 state cancelled
check is hello curl "$url/files/a.txt"
check is 0 sh -c "grep -c ' 500 ' '$dir/log'"

# Restarts while requests come.
check python3 "$here/restart.py" "$other" "${RESTARTS-4}" "$dir" "$site" --shared --log --port "$shared" "$dir/files"

kill -TERM "$last"
check wait "$last"
[ $failed -eq 0 ] || tail -n 10 "$dir/error.log"
finish
