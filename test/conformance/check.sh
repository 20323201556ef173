#!/bin/sh
# Runs the scenarios of a conformance set and compares their traces, line for line, with those of CPython's asyncio.
#
#   sh test/conformance/check.sh BUILD-DIR SET-DIR
#
#   BUILD-DIR   where test/conformance/awl-scenario was built
#   SET-DIR     has scenarios/NAME.scn and expected/NAME.out, random/N.scn and random/N.out, or one of the two. Where
#               there is a NAME.SOMETHING.out as well, that trace is right, too.
#
# Prints one line for each scenario whose trace differs, and at the end `N passed, N failed, N skipped`: skipped are
# those that use an operation which awl does not have. Exit status 1 if there is a difference, or nothing that passed.
set -u
if [ $# -ne 2 ]; then
    echo "usage: sh $0 BUILD-DIR SET-DIR" >&2
    exit 2
fi
scenario=$1/test/conformance/awl-scenario set=$2
[ -x "$scenario" ] || {
    echo "$scenario is not there" >&2
    exit 2
}

got=$(mktemp) || exit 2
trap 'rm -f "$got" "$got.err"' EXIT
trap 'exit 2' HUP INT TERM
passed=0 failed=0 skipped=0

# The first line in which a trace differs from the expected one.
first_difference()
{
    awk '
        FNR == NR { expected[FNR] = $0; n = FNR; next }
        !found && (FNR > n || $0 != expected[FNR]) {
            printf("line %d: expected `%s`, got `%s`\n", FNR, (FNR > n ? "" : expected[FNR]), $0)
            found = 1
        }
        END {
            if (!found)
                printf "line %d: expected `%s`, got nothing\n", FNR + 1, expected[FNR + 1]
        }' "$1" "$2"
}

# one NAME FILE.scn EXPECTED, the last without its .out
one()
{
    timeout 20 ${MESON_EXE_WRAPPER-} "$scenario" "$2" >"$got" 2>"$got.err"
    status=$?
    if [ $status -eq 3 ]; then
        skipped=$((skipped + 1))
        return
    fi
    if [ $status -ne 0 ]; then
        echo "$1: exit status $status: $(head -n 1 "$got.err")"
        failed=$((failed + 1))
        return
    fi
    for expected in "$3.out" "$3".*.out; do
        if [ -f "$expected" ] && cmp -s "$expected" "$got"; then
            passed=$((passed + 1))
            return
        fi
    done
    if [ -s "$got" ]; then
        echo "$1: $(first_difference "$3.out" "$got")"
    else
        echo "$1: no trace"
    fi
    failed=$((failed + 1))
}

for file in "$set"/scenarios/*.scn; do
    name=$(basename "$file" .scn)
    [ ! -f "$file" ] || one "$name" "$file" "$set/expected/$name"
done
for file in "$set"/random/*.scn; do
    [ ! -f "$file" ] || one "random/$(basename "$file" .scn)" "$file" "${file%.scn}"
done

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
