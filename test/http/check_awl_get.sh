#!/bin/sh
# check_awl_get.sh BUILD [tls]: whether tools/awl-get saves what is whole, says what is not, and obeys its options.
set -u
command -v python3 >/dev/null || exit 77
here=$(cd "$(dirname "$0")" && pwd)
build=$1
tls=${2-}
work=$(mktemp -d) || exit 2
servers=
trap 'kill $servers 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 2
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY

# serve ARG…: starts a server; its port is in $port.
serve()
{
    rm -f fifo
    mkfifo fifo
    python3 "$here/awl_get_server.py" "$@" >fifo &
    servers="$servers $!"
    read -r port <fifo
}

failed=0
check()
{
    "$@" || { echo "not so: $*"; failed=1; }
}

# get STATUS ARG…: runs it in an empty folder, or in the one of before if $same is set.
same=
get()
{
    want=$1
    shift
    [ -n "$same" ] || rm -rf files
    mkdir -p files
    (cd files && ${MESON_EXE_WRAPPER-} "$build/tools/awl-get" "$@" >../out 2>../err)
    status=$?
    [ $status = "$want" ] || { echo "exit status $status of: $*"; cat err; failed=1; }
}

serve
url=http://127.0.0.1:$port
get 0 "$url/whole"
cp files/whole whole
check [ "$(wc -c <whole)" = 240000 ]
check [ "$(tail -n 1 whole)" = "line 019999" ]

# Several, by -j and -P; names.
get 0 -j 3 -P "a/b" "$url/small/x" "$url/small/" "$url/small/x?q" "$url" "$url/small/.rc" "$url/small/%2e%2e%2Fy" \
    "$url/small/-rf" "$url/small/z.part" "$url/whole"
names=$(cd files/a/b && LC_ALL=C ls -A | tr '\n' ' ')
check [ "$names" = "_._y _rc _rf index.html index.html.1 whole x x.1 z.part_ " ]
check [ "$(cat files/a/b/x.1)" = "/small/x?q" ]
check cmp whole files/a/b/whole
check grep -q '^total: 9 of 9 arrived' err

# What fails leaves nothing under its name, and the others arrive.
get 1 "$url/missing" "$url/cut" "http://127.0.0.1:1/gone" "$url/small/x"
check [ "$(ls -A files | tr '\n' ' ')" = "cut.part x " ]
check grep -q "^awl-get: $url/missing: 404" err
check grep -q "^awl-get: $url/cut: " err
check grep -q "^awl-get: http://127.0.0.1:1/gone: .*Connection refused" err
check grep -q '^total: 1 of 4 arrived' err
get 1 --quiet --timeout 0.3 "$url/stall"
check [ "$(wc -l <err)" -eq 1 ]
check [ ! -e files/stall ]

# Checksums: only what is in the list, and as it says, gets its name; what an earlier run has begun wrongly, anew.
sha256sum whole | sed "s/whole/resume/" >sums
printf '%s  small\n' "$(printf 0%.0s $(seq 64))" >>sums
printf '\\%s  a\\\\b\n' "$(printf 0%.0s $(seq 64))" >>sums # of a name with a backslash in it
get 0 --sums ../sums "$url/resume"
check cmp whole files/resume
get 1 --quiet --sums ../sums "$url/small/small" "$url/small/unlisted" "$url/resume"
check [ "$(ls -A files)" = resume ]
check grep -q "^awl-get: $url/small/small: small: it is not what --sums says: its SHA-256 is another$" err
check grep -q "^awl-get: $url/small/unlisted: unlisted: it is not in the list of --sums$" err
rm -rf files
mkdir files
echo other >files/resume.part
same=yes
get 0 -C --sums ../sums "$url/resume"
check cmp whole files/resume
echo other >files/resume
get 0 -C --sums ../sums "$url/resume"
check cmp whole files/resume
same=
echo 12 >sums
get 2 --sums ../sums "$url/resume"
get 2 --sums ../missing "$url/resume"
get 2 --sums ../sums -O - "$url/resume"

# No server commands the terminal.
get 1 --quiet "$url/rude"
check grep -qxF "awl-get: $url/rude: 404 N$(printf '\303\266')\\xc2\\x9b31m\\x9b2J" err

# Nowhere; to stdout, in order, and nothing of what is not whole.
get 0 --discard "$url/whole" "$url/small/x"
check [ -z "$(ls -A files)" ]
check grep -q "whole: 240000 bytes" err
get 1 -O - "$url/whole" "$url/small/1" "$url/cut" "$url/missing" "$url/small/2"
{ cat whole; echo /small/1; echo /small/2; } >want
check cmp want out
check [ -z "$(ls -A files)" ]
set --
for i in $(seq 400); do set -- "$@" "$url/small/$i"; done
get 0 -j 50 --quiet -O - "$@"
check [ "$(md5sum <out)" = "$(seq 400 | sed 's,^,/small/,' | md5sum)" ]
check [ ! -s err ]

# Once more: what may pass is tried again, 404 is not.
get 0 --retries 1 "$url/flaky" "$url/busy"
check cmp whole files/flaky
check cmp whole files/busy
get 1 --retries 3 "$url/missing/once"
get 0 --quiet -O - "$url/asked/missing/once"
check [ "$(cat out)" = 1 ]

# What is there already is not asked for again: by Range, or anew where the server knows no Range.
same=yes
for have in 100000 240000 240001; do
    rm -rf files && mkdir files && head -c $have whole >files/resume.part
    [ $have -le 240000 ] || echo more >>files/resume.part
    [ $have != 100000 ] || printf 'LINE' | dd of=files/resume.part conv=notrunc 2>/dev/null
    get 0 -C "$url/resume"
    check [ "$(ls -A files)" = resume ]
    [ $have != 100000 ] || check [ "$(head -c 4 files/resume)" = LINE ]
    sed 1s/LINE/line/ files/resume >resumed
    check cmp whole resumed
done
rm -rf files && mkdir files && head -c 1000 whole >files/whole2.part
get 0 --continue "$url/whole2"
check cmp whole files/whole2
get 0 -C "$url/whole2"
get 0 --quiet -O - "$url/asked/whole2"
check [ "$(cat out)" = 1 ]
same=

# Where no file can be; bad options.
mkdir -p files/x
same=yes
get 1 "$url/small/x"
check grep -q '^awl-get: .*/small/x: x: Is a directory' err
same=
touch plain
get 2 -P ../plain/x "$url/x"
get 2
for bad in '-j 0' '-j x' '--timeout 0' '--retries -1' '-O name' '--discard -O -' '--no-such' '--quiet --progress'; do
    get 2 $bad "$url/x"
    check [ -s err ]
done
get 2 --cacert none.pem "$url/x"
get 0 --help
check grep -q -e --discard out
get 0 --version
check grep -qx 'awl-get [0-9.]*' out

# start ARG…: like get, in the background; its process is $last. await FILE [SIZE]: until it is there, and has that size.
caught="env --default-signal=INT,HUP" # what a shell ignores in the background, and nohup for all that runs under it
start()
{
    rm -rf files
    mkdir -p files
    rm -f out err
    (cd files && exec $caught ${MESON_EXE_WRAPPER-} "$build/tools/awl-get" "$@" >../out 2>../err) &
    last=$!
    servers="$servers $last"
}
await()
{
    tries=0
    until [ -e "$1" ] && [ "$(wc -c <"$1")" = "${2:-0}" ] || [ $tries -ge 200 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
    check [ $tries -lt 200 ]
}
ends()
{
    wait "$last"
    status=$?
    [ $status = "$1" ] || { echo "exit status $status, not $1"; cat err; failed=1; }
}

# A signal ends it as it ends others; what has come stays, for -C, and what has not leaves nothing.
for signal in INT:130 TERM:143 HUP:129; do
    start -j 3 "$url/small/x" "$url/stall" "$url/stall/empty"
    await files/stall.part 10
    await files/empty.part 0
    await files/x 9
    kill -${signal%:*} "$last"
    ends ${signal#*:}
    check [ "$(ls -A files | tr '\n' ' ')" = "stall.part x " ]
    check grep -q '^awl-get: interrupted$' err
    check grep -q '^total: 1 of 3 arrived' err
done

# On a terminal, that is clean then; and stopping to read it does not end anything.
check python3 "$here/../peers/terminal.py" ${MESON_EXE_WRAPPER-} "$build/tools/awl-get" --discard "$url/small/x" "$url/stall"

# Who reads stdout may go: then it is over, and is said. Or take his time: the others come meanwhile, and a signal ends it.
mkfifo pipe
start -j 1 --quiet -O - "$url/whole" "$url/small/x"
ends 0
(cd files && ${MESON_EXE_WRAPPER-} "$build/tools/awl-get" --quiet -O - "$url/whole" "$url/stall" 2>../err >../pipe
    echo $? >../status) &
servers="$servers $!"
head -c 10 <pipe >out
await status 2
check [ "$(cat status)" = 1 ]
check grep -qx 'awl-get: stdout: Broken pipe' err
if [ -w /dev/full ]; then
    ${MESON_EXE_WRAPPER-} "$build/tools/awl-get" --quiet -O - "$url/whole" >/dev/full 2>err
    check [ $? = 1 ]
    check grep -qx 'awl-get: stdout: No space left on device' err
    ${MESON_EXE_WRAPPER-} "$build/tools/awl-get" --help >/dev/full 2>err
    check [ $? = 1 ]
fi
${MESON_EXE_WRAPPER-} "$build/tools/awl-get" -O - "$url/whole" >&- 2>err
check [ $? = 2 ]
check grep -q '^awl-get: stdout: ' err
${MESON_EXE_WRAPPER-} "$build/tools/awl-get" --discard "$url/whole" <&- >&- 2>&-
check [ $? = 0 ]
$caught ${MESON_EXE_WRAPPER-} "$build/tools/awl-get" -O - "$url/whole" "$url/small/slow-reader" >pipe 2>err &
last=$!
servers="$servers $last"
exec 3<pipe
await_line()
{
    tries=0
    until grep -q "$1" err || [ $tries -ge 200 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
    check [ $tries -lt 200 ]
}
await_line 'slow-reader: 19 bytes' # though nothing of the first has been read
kill -INT "$last"
ends 130
exec 3<&-

# https: with the right CA, and with another one.
if [ "$tls" = tls ] && command -v openssl >/dev/null; then
    for name in ca other; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $name.key -out $name.pem \
            -subj /CN=$name -addext subjectAltName=IP:127.0.0.1 -days 2 2>/dev/null
    done
    serve ca.pem ca.key
    get 0 --cacert ../ca.pem "https://127.0.0.1:$port/whole"
    check cmp whole files/whole
    get 1 --cacert ../other.pem "https://127.0.0.1:$port/whole"
    check [ -z "$(ls -A files)" ]
    check grep -q "^awl-get: https://127.0.0.1:$port/whole: " err
fi
exit $failed
