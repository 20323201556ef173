#!/bin/sh
# check_inject.sh ONCE: runs a dialogue by TCP in which system calls fail, as strace makes them.
set -u
once=$1
export ASAN_OPTIONS=detect_leaks=0 # which cannot be looked for below strace
command -v strace >/dev/null || { echo "strace is missing"; exit 77; }
log=$(mktemp) || exit 2
trap 'rm -f "$log" "$log.err"' EXIT
if ! strace -o "$log" -e trace=none true 2>/dev/null; then
    echo "strace may not trace here"
    exit 77
fi

failed=0 passed=0

# inject WHAT EXPECTED: with that injection the dialogue must end as expected (a pattern), and strace must have injected.
inject()
{
    said=$(timeout 60 strace -f -o "$log" -e "trace=${1%%:*}" -e "inject=$1" "$once" 2>"$log.err")
    status=$?
    # shellcheck disable=SC2254 # a pattern
    case $said in
    $2) ;;
    *) status=999 ;;
    esac
    grep -q INJECTED "$log" || { echo "$1: nothing was injected"; status=998; }
    if [ $status -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$1: status $status, said: $said; expected: $2"
        head -n 5 "$log.err"
    fi
}

# Interrupted calls are made again.
inject recvfrom:error=EINTR:when=1+2 'no error no error'
inject recvfrom:error=EINTR:when=2+3 'no error no error'
inject sendto:error=EINTR:when=1+2 'no error no error'
inject sendmsg:error=EINTR:when=1+2 'no error no error'
inject accept4:error=EINTR:when=1 'no error no error'
inject epoll_wait:error=EINTR:when=1+2 'no error no error'

# A connection that ended before it was accepted does not matter to the next one; a call that has nothing is made again.
for error in ECONNABORTED EPROTO; do
    inject "accept4:error=$error:when=1" 'no error no error'
    ! grep -q 'cannot accept' "$log.err" || { echo "$error of accept4 was reported"; failed=$((failed + 1)); }
done

# The kernel has no memory for a moment: accepting goes on after a second, and is reported.
for error in ENOBUFS ENOMEM EMFILE ENFILE; do
    inject "accept4:error=$error:when=1" 'no error no error'
    grep -q 'cannot accept' "$log.err" || { echo "$error of accept4 was not reported"; failed=$((failed + 1)); }
done

# For a stream it is the end, as in asyncio: it ends with that error, and the other side is told.
inject sendto:error=ENOBUFS:when=3 '* No buffer space available'
inject sendmsg:error=ENOBUFS:when=3 'No buffer space available *'
inject recvfrom:error=ENOMEM:when=3 '*Cannot allocate memory*'
inject recvfrom:error=ETIMEDOUT:when=4 '*timed out*'
inject recvfrom:error=EHOSTUNREACH:when=5 '*No route to host*'
inject sendto:error=EPIPE:when=2 '* Broken pipe'

# A socket that cannot be made.
inject socket:error=ENOBUFS:when=2 'No buffer space available *'

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
