#!/bin/sh
#
# check.sh: whether tools/lint finds in bad_*.c the lines that are marked, and no others, and in good_*.c nothing.
#
#   /* lint */         a finding is expected in this line
#   /* lint clang */   only where clang is there
#
# Everything is tried with what compilers are there, and with gcc alone. Prints one line for each unexpected outcome, and
# `N passed, N failed`.

here=$(cd "$(dirname "$0")" && pwd)
lint=${1:-$here/../../tools/lint}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# check_file FILE MARK: MARK is a pattern of the marks that count.
check_file()
{
    sed -n "/$2/=" "$1" >"$work/expected"
    sh "$lint" "$1" >"$work/out" 2>"$work/err"
    status=$?
    sed "s|^$1:\([0-9]*\): .*|\1|" "$work/out" | sort -n -u >"$work/found"
    wanted=0
    [ ! -s "$work/expected" ] || wanted=1
    if [ $status -ne $wanted ] || ! cmp -s "$work/expected" "$work/found"; then
        echo "$(basename "$1")${CLANG+ (gcc alone)}: expected lines: $(tr '\n' ' ' <"$work/expected")exit $wanted," \
            "found: $(tr '\n' ' ' <"$work/found")exit $status"
        cat "$work/out" "$work/err"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

check_all() # MARK
{
    for file in "$here"/bad_*.c "$here"/good_*.c; do
        check_file "$file" "$1"
    done
}

if command -v clang >/dev/null 2>&1; then
    check_all '\/\* lint\( clang\)* \*\/'
fi
if command -v gcc >/dev/null 2>&1; then
    CLANG=
    export CLANG
    check_all '\/\* lint \*\/'
fi

# The command line.
for wrong in "" "-x $here/good_loops.c" "-I" "$here/no_such_file.c"; do
    # shellcheck disable=SC2086 # several words
    sh "$lint" $wrong >"$work/out" 2>&1
    status=$?
    if [ $status -eq 2 ]; then
        passed=$((passed + 1))
    else
        echo "lint $wrong: expected exit 2, it was $status"
        failed=$((failed + 1))
    fi
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
