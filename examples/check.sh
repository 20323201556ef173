#!/bin/sh
# check.sh PROGRAM EXPECTED: runs a lesson, which must print exactly what is in the file EXPECTED, nothing on stderr, and exit
# with 0. Prints what is not so, and `N passed, N failed`.
set -u

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

# The wrapper, if there is one, is that of a cross build.
# shellcheck disable=SC2086 # a list of words
${MESON_EXE_WRAPPER-} "$1" >"$work/out" 2>"$work/all" </dev/null
status=$?
grep -v '^qemu: uncaught target signal' "$work/all" >"$work/err" # a word of the wrapper, for processes that are to die
failed=0

# says WHAT: a finding.
says()
{
    echo "$(basename "$1"): $2"
    failed=1
}

[ $status -eq 0 ] || says "$1" "exit status $status"
[ ! -s "$work/err" ] || says "$1" "on stderr: $(cat "$work/err")"
diff -u "$2" "$work/out" || says "$1" "this is not what $(basename "$2") says"
echo "$((1 - failed)) passed, $failed failed"
exit $failed
