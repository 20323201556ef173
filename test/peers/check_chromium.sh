#!/bin/sh
# check_chromium.sh SITE [tls]: a page in Chromium that uses all that our server offers to browsers; with tls, once more
# by https. What it found is in the page when that is loaded.
. "$(dirname "$0")/common.sh"
site=$1 tls=${2-}
begin chromium python3 gzip timeout
here=$(cd "$(dirname "$0")" && pwd)
mkdir "$dir/files"
cp "$here/browser.html" "$here/browser.js" "$dir/files"
printf 'hello' >"$dir/files/a.txt"
echo 'body { color: rgb(1, 2, 3) }' >"$dir/files/browser.css"
gzip -k "$dir/files/browser.css"
head -c 5000000 /dev/urandom >"$dir/files/big"
sha256sum <"$dir/files/big" | tr -d ' \n-' >"$dir/files/big.sha256"

# browse SCHEME: as many verdicts as the page has checks, all good.
browse()
{
    timeout -k 5 100 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-dev-shm-usage \
        --disable-background-networking --disable-component-update --disable-sync --disable-extensions \
        --no-proxy-server --ignore-certificate-errors --user-data-dir="$dir/profile-$1" --timeout=90000 --dump-dom \
        "$1://127.0.0.1:$port/files/browser.html" >"$dir/page" 2>"$dir/log"
    sed 's/<li>/\n/g; s/<\/li>/\n/g' "$dir/page" | grep -E '^(ok|not so) ' >"$dir/verdicts"
    grep '^not so' "$dir/verdicts"
    wanted=$(grep -c '^checks\[' "$here/browser.js")
    check [ "$wanted" -ge 25 ]
    check [ "$(grep -c '^ok ' "$dir/verdicts")" = "$wanted" ]
    check grep -q "finished: $wanted<" "$dir/page"
    [ -s "$dir/page" ] || tail -n 5 "$dir/log"
}

listen "$site" --cancel "$dir/files"
check [ -n "$port" ]
browse http
kill -TERM "$last"
check wait "$last"

if [ "$tls" = tls ] && command -v openssl >/dev/null; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
    listen "$site" --cancel --cert "$dir/cert.pem" --key "$dir/key.pem" "$dir/files"
    browse https
    kill -TERM "$last"
    check wait "$last"
fi
finish
