#!/bin/sh
# check_datagram.sh PROGRAM PEER: awl's UDP (PROGRAM, see datagram_peer.c) and somebody else's talk to each other, in
# both roles. PEER is `socat` or `python`. Prints what is not so, and `N passed, N failed`; 77 without that peer.
set -u

program=$1 peer=$2 here=$(dirname "$0")
case $peer in
socat) command=socat ;;
python) command=python3 ;;
*) exit 2 ;;
esac
if ! command -v $command >/dev/null; then
    echo "$command is not there"
    exit 77
fi

work=$(mktemp -d) || exit 2
server='' passed=0 failed=0
trap '[ -z "$server" ] || kill $server 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

# The wrapper, if there is one, is that of a cross build.
awl()
{
    # shellcheck disable=SC2086 # a list of words
    ${MESON_EXE_WRAPPER-} "$program" "$@"
}

# port FILE: what a server has written to FILE, as soon as it has.
port()
{
    tries=0
    while [ ! -s "$1" ] && [ $tries -lt 200 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    cat "$1"
}

# compare WHAT: the answers, of which each is the question.
compare()
{
    if diff -u "$work/expected" "$work/answers"; then
        passed=$((passed + 1))
    else
        echo "$1: these are not the answers"
        failed=$((failed + 1))
    fi
}

# ended: the server must have been told by "bye".
ended()
{
    if wait "$server"; then
        passed=$((passed + 1))
    else
        echo "$peer: a server ended with status $?"
        failed=$((failed + 1))
    fi
    server=''
}

printf 'hello\nwide world\nbye\n' >"$work/expected"

# They ask, awl answers.
awl serve >"$work/port" &
server=$!
where=$(port "$work/port")
if [ $peer = python ]; then
    python3 "$here/datagram_peer.py" ask 127.0.0.1 "$where" hello 'wide world' bye >"$work/answers"
else
    for text in hello 'wide world' bye; do
        printf '%s' "$text" | socat -t 5 - "UDP4-SENDTO:127.0.0.1:$where,readbytes=${#text}"
        echo
    done >"$work/answers"
fi
compare "$peer asks"
ended

# awl asks, they answer. Each text is a new process of socat's.
if [ $peer = python ]; then
    python3 "$here/datagram_peer.py" serve >"$work/port.theirs" &
    server=$!
    awl ask 127.0.0.1 "$(port "$work/port.theirs")" hello 'wide world' bye >"$work/answers"
    compare "$peer answers"
    ended
else
    socat "UDP4-RECVFROM:$where,bind=127.0.0.1,fork" PIPE &
    server=$!
    awl ask 127.0.0.1 "$where" hello 'wide world' bye >"$work/answers"
    compare "$peer answers"
    kill "$server"
    wait "$server"
    server=''
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
