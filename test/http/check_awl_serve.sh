#!/bin/sh
# check_awl_serve.sh AWL_SERVE tls|no-tls VERSION: what awl-serve serves, logs and refuses, and how it ends.
. "$(dirname "$0")/../peers/common.sh"
serve=$1 tls=$2 version=$3
begin curl openssl
unset http_proxy https_proxy all_proxy ALL_PROXY HTTPS_PROXY
mkdir -p "$dir/site/sub" "$dir/site/page"
printf '0123456789' >"$dir/site/a.txt"
echo '<h1>Page</h1>' >"$dir/site/page/index.html"
echo 'inner' >"$dir/site/sub/b<c.txt"
echo 'secret' >"$dir/secret"
ln -s ../secret "$dir/site/link"

# serve_site ARGUMENT…: $url, and $last, its process.
serve_site()
{
    listen ${MESON_EXE_WRAPPER-} "$serve" --port 0 "$@" "$dir/site" 2>"$dir/log"
    url=${port#listening on }
}

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

# ends STATUS: whether the last server, asked to end, does so with that status.
ends()
{
    kill -TERM "$last"
    wait "$last"
    [ $? = "$1" ]
}

# refused STATUS PATTERN ARGUMENT…: whether it exits like that, says so in one line that fits on stderr, nothing on stdout.
refused()
{
    wanted=$1 pattern=$2
    shift 2
    ${MESON_EXE_WRAPPER-} "$serve" "$@" >"$dir/out" 2>"$dir/err"
    status=$?
    [ $status = "$wanted" ] && grep -q "^awl-serve: .*$pattern" "$dir/err" && [ "$(wc -l <"$dir/err")" -eq 1 ] && [ ! -s "$dir/out" ] || {
        echo "status $status:"
        cat "$dir/out" "$dir/err"
        false
    }
}

# Files, parts of them, folders.
serve_site
check expr "$port" : 'listening on http://127\.0\.0\.1:[1-9][0-9]*$' >/dev/null
check is 0123456789 curl -s "$url/a.txt"
check is 'text/plain; charset=utf-8' curl -s -o /dev/null -w '%{content_type}' "$url/a.txt"
check is 234 curl -s -r 2-4 "$url/a.txt"
check is 206 code -r 2-4 "$url/a.txt"
check is 416 code -r 20- "$url/a.txt"
check is '<h1>Page</h1>' curl -s "$url/page/"
check is 301 code "$url/sub"
check is 200 code "$url/"
check grep -q 'href="./a.txt"' "$dir/back"
check grep -q 'href="./sub/"' "$dir/back"
check is 200 code "$url/sub/"
check grep -q 'href="./b%3Cc.txt">b&lt;c.txt<' "$dir/back"
check is inner curl -s "$url/sub/b%3Cc.txt"
check is 404 code "$url/none"
check is 405 code -X DELETE "$url/a.txt"

# What is outside of the folder stays there.
check is 400 code --path-as-is "$url/../secret"
check is 400 code --path-as-is "$url/%2e%2e/secret"
check is 400 code --path-as-is "$url/sub/..%2f..%2fsecret"
check is 404 code "$url/link"

# The log: a line for each response; what a client sends neither ends it nor its quotes.
check is 404 code --path-as-is "$url/\"quoted\\"
check is 404 code "$url/none%0d%0aHTTP"
kept='^127\.0\.0\.1 - - \[[0-9][0-9]/[A-Z][a-z][a-z]/20[0-9][0-9]:[0-9:]\{8\} [+-][0-9]\{4\}\]'
check grep -q "$kept"' "GET /a.txt HTTP/1.1" 200 10$' "$dir/log"
check grep -q "$kept"' "GET /a.txt HTTP/1.1" 206 3$' "$dir/log"
check grep -qF 'GET /\x22quoted\x5c HTTP/1.1" 404 ' "$dir/log"
check is '' grep -v "$kept"' "[^"]*" [1-5][0-9][0-9] [-0-9]*$' "$dir/log"

# A log that nobody reads does not hold it up: some of it is kept, and what is lost is counted. Nor does one that cannot be
# written, or its end.
check ends 0
mkfifo "$dir/pipe"
exec 4<>"$dir/pipe"
listen ${MESON_EXE_WRAPPER-} "$serve" --port 0 "$dir/site" 2>"$dir/pipe"
url=${port#listening on }
long=$(head -c 8000 /dev/zero | tr '\0' x)
set --
for i in 1 2 3 4 5; do
    set -- "$@" "$url/$long" "$url/$long" "$url/$long" "$url/$long" "$url/$long" "$url/$long" "$url/$long" "$url/$long" "$url/$long"
done
curl -s "$@" >/dev/null
curl -s "$@" >/dev/null
check is 0123456789 curl -s "$url/a.txt"
timeout 10 sed '/^awl-serve: .* lines of the log are lost/q' <&4 >"$dir/log"
check [ "$(grep -c "$kept"' "GET /x*x HTTP/1.1" 404 ' "$dir/log")" -ge 20 ]
check grep -q '^awl-serve: [1-9][0-9]* lines of the log are lost' "$dir/log"
check is 90 awk '/lines of the log are lost/ { n += $2 } / 404 / { n++ } / 200 10$/ { n++ } END { print n - 1 }' "$dir/log"
check is 0123456789 curl -s "$url/a.txt"
timeout 10 sed q <&4 >"$dir/log"
check grep -q "$kept"' "GET /a.txt HTTP/1.1" 200 10$' "$dir/log"
for i in 1 2 3; do
    curl -s "$@" >/dev/null
done
check ends 0
exec 4<&-
mkfifo "$dir/pipe2"
cat "$dir/pipe2" >/dev/null &
reader=$!
listen ${MESON_EXE_WRAPPER-} "$serve" --port 0 "$dir/site" 2>"$dir/pipe2"
url=${port#listening on }
kill "$reader"
wait "$reader"
check is 0123456789 curl -s "$url/a.txt"
check is 0123456789 curl -s "$url/a.txt"
check ends 0

# A download that has begun is finished before the end; nobody else is let in.
serve_site
dd if=/dev/zero of="$dir/site/big" bs=1000000 count=20 2>/dev/null
curl -s --limit-rate 20000000 -o "$dir/big" "$url/big" &
download=$!
await_file "$dir/big"
check ends 0
wait "$download"
check [ $? = 0 ]
check cmp -s "$dir/site/big" "$dir/big"
check is 000 code "$url/a.txt"

# Several processes; no log. A port is taken but once.
serve_site --workers 2 --quiet
check is 0123456789 curl -s "$url/a.txt"
check is 234 curl -s -r 2-4 "$url/a.txt"
check ends 0
check is '' cat "$dir/log"
serve_site --bind 127.0.0.2
check expr "$port" : 'listening on http://127\.0\.0\.2:' >/dev/null
check refused 1 'cannot serve on 127.0.0.2, port .*: ' --bind 127.0.0.2 --port "${url##*:}" "$dir/site"
check ends 0

# https, for a client that checks the certificate.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/key.pem" -out "$dir/cert.pem" -days 2 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1 2>>"$dir/errors"
if [ "$tls" = tls ]; then
    serve_site --cert "$dir/cert.pem" --key "$dir/key.pem"
    check expr "$port" : 'listening on https://127\.0\.0\.1:' >/dev/null
    check is 0123456789 curl -s --cacert "$dir/cert.pem" "$url/a.txt"
    check is 234 curl -s --cacert "$dir/cert.pem" -r 2-4 "$url/a.txt"
    check is 0123456789 curl -s --http1.0 --cacert "$dir/cert.pem" "$url/a.txt"
    check ends 0
    check refused 1 "certificate: .*a.txt: " --cert "$dir/site/a.txt" "$dir/site"
    check refused 2 'without --cert' --key "$dir/key.pem" "$dir/site"
else
    check refused 2 'built without TLS' --cert "$dir/cert.pem" --key "$dir/key.pem" "$dir/site"
fi

# The command line.
check refused 2 'unrecognized option.*none' --none "$dir/site"
check refused 2 '--port takes a number from 0 to 65535' --port 65536 "$dir/site"
check refused 2 '--port takes' --port 80x "$dir/site"
check refused 2 '--port takes' --port '' "$dir/site"
check refused 2 '--workers takes' --workers 0 "$dir/site"
check refused 2 '--bind takes' --bind '' "$dir/site"
check refused 2 'requires an argument' --port
check refused 2 'which folder'
check refused 2 'only one folder' "$dir/site" "$dir/site"
check refused 1 'none: No such file' --port 0 "$dir/none"
check refused 1 'a.txt: Not a directory' --port 0 "$dir/site/a.txt"
check is "awl-serve $version" ${MESON_EXE_WRAPPER-} "$serve" --version
${MESON_EXE_WRAPPER-} "$serve" --help >"$dir/out"
check [ $? = 0 ]
check grep -q '^usage: awl-serve \[options\] DIR$' "$dir/out"
for option in port bind cert key workers quiet version help; do
    check grep -q "^  --$option " "$dir/out"
done
finish
