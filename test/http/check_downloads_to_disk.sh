#!/bin/sh
# check_downloads_to_disk.sh BUILD: whether examples/26_downloads_to_disk saves what tools/demo-server serves, and of what
# fails leaves nothing.
set -u
build=$1
work=$(mktemp -d) || exit 2
fifo=$work/fifo
mkfifo "$fifo" || exit 2
${MESON_EXE_WRAPPER-} "$build/tools/demo-server" >"$fifo" &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
shift
while read -r line && [ -n "$line" ]; do
    case $line in http*) set -- "$@" "$line" ;; esac
done <"$fifo"
unset http_proxy all_proxy ALL_PROXY
failed=0
check()
{
    "$@" || { echo "not so: $*"; failed=1; }
}

book=
for url; do
    case $url in *gutenberg*) book=$url ;; esac
done
mkdir "$work/files"
cd "$work/files" || exit 2
${MESON_EXE_WRAPPER-} "$build/examples/26_downloads_to_disk" "${1}none.html" "$book" "http://127.0.0.1:1/x.html" >"$work/out"
check [ $? = 1 ]
check grep -q '^http://127.*none.html: the HTTP status says failure$' "$work/out"
check grep -qx 'index.html: 1536000 bytes' "$work/out"
check grep -q '^http://127.0.0.1:1/x.html: Connection refused$' "$work/out"
check [ "$(ls)" = index.html ]
check [ "$(wc -c <index.html)" -eq 1536000 ]
exit $failed
