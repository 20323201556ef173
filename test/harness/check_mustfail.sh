#!/bin/sh
# check_mustfail.sh MUSTFAIL SANITIZERS: runs the bad tests and compares what is reported, reason by reason.
# SANITIZERS is Meson's b_sanitize: none, or a list such as address,undefined.

set -u
mustfail=$1
sanitizers=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
wrong=0

# run ARGUMENT...: leaves the reports, sorted and without what differs from machine to machine, in $work/got.
run()
{
    # shellcheck disable=SC2086 # words are wanted: of a cross build, qemu and its arguments
    ${MESON_EXE_WRAPPER-} "$mustfail" "$@" >"$work/out" 2>"$work/err"
    status=$?
    closing=$(tail -n 1 "$work/out")
    # FILE:LINE: goes, as do places in the program. Output of tests is indented and not compared here.
    sed -n -e 's/[^ ]*+0x[0-9a-f]*/PLACE/g' -e 's/0x[0-9a-f]\{6,\}/PLACE/g' -e 's/^[^ ]*mustfail\.c:[0-9]*: //p' \
        "$work/err" | LC_ALL=C sort >"$work/got"
}

# expect STATUS CLOSING-LINE: compares the last run with the reports on standard input.
expect()
{
    LC_ALL=C sort >"$work/wanted"
    if [ "$status" != "$1" ] || [ "$closing" != "$2" ] || ! diff -u "$work/wanted" "$work/got"; then
        echo "WRONG: wanted exit status $1 and '$2', got $status and '$closing'"
        wrong=1
    fi
}

# expect_output PATTERN: standard error of the last run has such a line.
expect_output()
{
    if ! grep -q -- "$1" "$work/err"; then
        echo "WRONG: no line '$1'"
        wrong=1
    fi
}

# A sanitizer that handles SIGSEGV speaks for it.
segv='killed by SIGSEGV'
case $sanitizers in
*address*) segv='stopped by AddressSanitizer' ;;
*thread*) segv='stopped by ThreadSanitizer' ;;
*memory*) segv='stopped by MemorySanitizer' ;;
*undefined*) segv= ;; # clang's does, gcc's does not
esac

# Failed checks, and that output is kept: the end of it, and what came before counted.
run --filter bad_check
expect 1 '0 passed, 11 failed' <<'END'
bad_check: expected 1 + 1 == 3, it was false
bad_check_after_much_output: expected zero, it was false
bad_check_in_forked_child: expected zero, it was false
bad_check_in_thread: expected zero, it was false
bad_check_int: 1 + 1: expected -3, was 2
bad_check_mem: "abcdef": expected at byte 3 of 6: 78 65 66, was 64 65 66
bad_check_ptr: NULL: expected 0x10, was 0x0
bad_check_str: "was\n\"\001": expected "wanted", was "was\n\"\001"
bad_check_str_long: a: expected …"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"…, was …"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"…
bad_check_str_null: NULL: expected "wanted", was NULL
bad_check_with_output_closed: expected zero, it was false
END
expect_output '^    … [0-9]* bytes before this are lost …$'
expect_output '^    line 19999$'

# Ends that are none.
run --filter bad_end
expect 1 '0 passed, 8 failed' <<END
bad_end_abort: killed by SIGABRT
bad_end_exit_0: called exit with status 0
bad_end_exit_3: called exit with status 3
bad_end_forked_child_returns: a process forked by the test came to the test's end, it should have called _exit
bad_end_forked_child_skips: a process forked by the test came to the test's end, it should have called _exit
bad_end_kill: killed by SIGKILL
bad_end_quick_exit: called exit with status 0
bad_end_realtime_signal: killed by signal 40
END
if [ -n "$segv" ]; then
    run --filter bad_crash
    expect 1 '0 passed, 1 failed' <<END
bad_crash: $segv
END
fi

# Leaks. The numbers of descriptors depend on what this process has inherited.
run --filter bad_leak
sed 's/[0-9]* -> /N -> /g; s/leaked [0-9]* descriptors: N -> .* …$/leaked MANY/' "$work/got" >"$work/got2"
mv "$work/got2" "$work/got"
expect 1 '0 passed, 11 failed' <<'END'
bad_leak_block: leaked 1 block, 7 bytes: allocation 1 (7 bytes, PLACE)
bad_leak_blocks: leaked 10 blocks, 550 bytes: allocation 2 (10 bytes, PLACE), allocation 3 (20 bytes, PLACE), allocation 4 (30 bytes, PLACE), allocation 5 (40 bytes, PLACE), allocation 6 (50 bytes, PLACE), allocation 7 (60 bytes, PLACE), allocation 8 (70 bytes, PLACE), allocation 9 (80 bytes, PLACE), …
bad_leak_fd: leaked 2 descriptors: N -> /dev/null, N -> /dev/zero
bad_leak_fd_and_block: leaked 1 block, 4 bytes: allocation 1 (4 bytes, PLACE)
bad_leak_fd_and_block: leaked 1 descriptor: N -> /dev/null
bad_leak_fd_as_stdout: leaked 1 descriptor: N -> /dev/null
bad_leak_fds_up_to_the_limit: leaked MANY
bad_leak_of_stdin: closed descriptor 0, which was not the test's
bad_leak_process: left a child process running
bad_leak_said_by_hook: leaked frames: 7
bad_leak_said_by_hook: leaked tasks: 7
bad_leak_thread: left 1 thread running
bad_leak_zombie: left a child process that nobody waited for
END

# Traps that are none.
run --filter bad_trap
expect 1 '0 passed, 6 failed' <<'END'
bad_trap_check: CHECK(zero): expected a trap that says "x", exited with status 1
bad_trap_exits: exit(4): expected a trap that says "x", exited with status 4
bad_trap_goes_through: (void)zero: expected a trap that says "x", it went through
bad_trap_is_killed: raise(SIGKILL): expected a trap that says "x", was killed by SIGKILL
bad_trap_returns: return: expected a trap that says "x", it went through
bad_trap_says_else: say_and_abort("y"): expected a trap that says "x", it said something else
END
expect_output '^    y'

# No end. A process that outlived its test would keep descriptor 9 open, and then $(…) would not end either.
: "$(run --filter hang_ --limit 1 9>&1 >&2; echo "$status $closing" >"$work/end")"
read -r status closing <"$work/end"
expect 1 '0 passed, 5 failed' <<'END'
hang_busy_and_deaf: timed out after 1 s
hang_for_ever: timed out after 1 s
hang_stopped: timed out after 1 s
hang_with_grandchild: timed out after 1 s
hang_writing: timed out after 1 s
END

# A runner that is asked to end takes its tests, and what they have started, along.
mkfifo "$work/up" || exit 1
# shellcheck disable=SC2086
${MESON_EXE_WRAPPER-} "$mustfail" --filter hang_with_grandchild 9>"$work/up" >/dev/null 2>&1 &
exec 3<"$work/up"
read -r said <&3
kill -TERM $!
cat <&3
wait $!
status=$?
if [ "$status $said" != '143 up' ]; then
    echo "WRONG: a terminated runner exits with $status, after its test said '$said'"
    wrong=1
fi

# Refused allocations. What sees the error is not reported, and without refusals all is well.
run --filter oom_
expect 0 '9 passed, 0 failed' </dev/null
run --filter oom_ --fail-alloc
expect 1 '4 passed, 5 failed' <<'END'
oom_crash: allocation 1 failed, in PLACE: killed by SIGKILL
oom_crash_in_trap: allocation 1 failed, in PLACE: say_unless_null(block): expected a trap that says "x", was killed by SIGKILL
oom_exit: allocation 3 failed, in PLACE: called exit with status 0
oom_leak: allocation 2 failed, in PLACE: leaked 1 block, 11 bytes: allocation 1 (11 bytes, PLACE)
oom_two_of_five: allocation 2 failed, in PLACE: killed by SIGKILL
oom_two_of_five: allocation 4 failed, in PLACE: killed by SIGKILL
END
run --filter oom_two --fail-alloc --max 3
expect 1 '0 passed, 1 failed' <<'END'
oom_two_of_five: allocation 2 failed, in PLACE: killed by SIGKILL
END
run --filter oom_two --fail-alloc --from
expect 1 '0 passed, 1 failed' <<'END'
oom_two_of_five: allocation 2 and later failed, in PLACE: killed by SIGKILL
oom_two_of_five: allocation 4 and later failed, in PLACE: killed by SIGKILL
END
run --filter bad_check_int --fail-alloc
expect 1 '0 passed, 1 failed' <<'END'
bad_check_int: 1 + 1: expected -3, was 2
END

# The command line, and the closing line.
run --filter skip_
expect 77 '0 passed, 0 failed, 1 skipped' </dev/null
run --filter _is_ --jobs 1
expect 1 '0 passed, 1 failed, 1 skipped' <<'END'
bad_trap_is_killed: raise(SIGKILL): expected a trap that says "x", was killed by SIGKILL
END
run --filter 'no such test'
expect 1 '0 passed, 0 failed' </dev/null
run --list --filter oom_ok_c
expect 0 oom_ok_check </dev/null
for arguments in --nonsense '--jobs 0' '--jobs x' '--max -1' --from stray; do
    # shellcheck disable=SC2086 # words are wanted
    run $arguments
    expect 2 '' </dev/null
done
run -v --filter skip_
grep -q '^skipped .*mustfail\.c:[0-9]*: skip_is_counted: a reason$' "$work/out" || { echo 'WRONG: -v'; wrong=1; }

# Sanitizers.
case $sanitizers in
*address*)
    run --filter asan_
    expect 1 '0 passed, 1 failed' <<'END'
asan_overflow: stopped by AddressSanitizer
END
    ;;
esac
case $sanitizers in
*undefined*)
    run --filter ubsan_
    expect 1 '0 passed, 1 failed' <<'END'
ubsan_overflow: stopped by UndefinedBehaviorSanitizer
END
    expect_output '^    .*mustfail\.c:[0-9:]* runtime error: signed integer overflow'
    ;;
esac

exit $wrong
