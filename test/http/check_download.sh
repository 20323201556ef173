#!/bin/sh
# check_download.sh BUILD: whether examples/14_download_sites gets all that tools/demo-server serves, and says so.
set -u
unset http_proxy all_proxy ALL_PROXY
fifo=$(mktemp -u)
mkfifo "$fifo" || exit 2
${MESON_EXE_WRAPPER-} "$1/tools/demo-server" >"$fifo" &
server=$!
trap 'kill $server; rm -f "$fifo" "$fifo.out"' EXIT

while read -r line && [ -n "$line" ]; do
    case $line in http*) set -- "$@" "$line" ;; esac
done <"$fifo"
build=$1
shift
failed=0
check()
{
    "$@" || { echo "not so: $*"; failed=1; }
}

check [ $# = 15 ]
${MESON_EXE_WRAPPER-} "$build/examples/14_download_sites" "$@" >"$fifo.out"
check [ $? = 0 ]
check [ "$(grep -c '^Read [0-9]* from http://127' "$fifo.out")" = 15 ]
check grep -q '^Read 1536000 from .*gutenberg' "$fifo.out"
check grep -q '^Downloaded 15 sites in [01]\.[0-9]* seconds$' "$fifo.out"

# One that fails is told, and the others arrive.
${MESON_EXE_WRAPPER-} "$build/examples/14_download_sites" "${1}none" "$1" "http://127.0.0.1:1/" >"$fifo.out"
check [ $? = 1 ]
check grep -q '^failed .*none: http.*none: 404 ' "$fifo.out"
check grep -q '^failed http://127.0.0.1:1/: .*Connection refused' "$fifo.out"
check grep -q '^Downloaded 1 sites' "$fifo.out"
exit $failed
