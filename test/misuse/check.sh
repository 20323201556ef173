#!/bin/sh
#
# check.sh [INCLUDE-DIR] [FILE.c...]: whether the compilers say of misuse what coro.h promises that they say.
#
# Each file begins with one or more lines
#
#     /* expect: WHAT WHO...: TEXT */
#
#   WHAT   error      it does not compile, and an error has TEXT in it
#          warning    it compiles, and a warning has TEXT in it
#          silence    it compiles and nothing is said, with -DAWL_DEBUG and -DAWL_LINT too; there is no TEXT
#   WHO    gcc clang  at -O0, -O2 and -Os; gcc-O2 and so on, at that level only; gcc+AWL_LINT, gcc-O2+AWL_LINT with that defined
#          lp64       the line counts where long has 64 bits only
#
# with -std=c11 -Wall -Wextra (and -Wpedantic for silence). Compilers that are not here are left out; of one that is not mentioned
# nothing is expected. Prints one line for each unexpected outcome, and `N passed, N failed`.

here=$(cd "$(dirname "$0")" && pwd)
include=${1:-$here/../../include}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- "$here"/*.c
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
LC_ALL=C
export LC_ALL
passed=0 failed=0

fail()
{
    echo "$1"
    failed=$((failed + 1))
}

# lp64 CC: whether this compiler's long has 64 bits
lp64() { echo __LP64__ | "$1" -E -P -x c - 2>/dev/null | grep -q 1; }

# said KIND TEXT: whether the log has a diagnostic of this kind with this text
said() { grep -F -e "$1: " "$log" | grep -F -q -e "$2"; }

# check_one FILE CC LEVEL WHAT TEXT [OPTION...]
check_one()
{
    file=$1 cc=$2 level=$3 what=$4 text=$5
    shift 5
    name="$(basename "$file"): $cc $level${*:+ $*}"
    "$cc" -std=c11 -Wall -Wextra "$level" "$@" -I "$include" -c "$file" -o /dev/null >"$log" 2>&1
    status=$?
    first=$(grep -E ': (error|warning): ' "$log" | head -1)

    if [ "$what" = error ] && [ $status -eq 0 ]; then
        fail "$name: compiles, expected the error \"$text\""
    elif [ "$what" != error ] && [ $status -ne 0 ]; then
        fail "$name: does not compile: $first"
    elif [ "$what" = silence ] && [ -s "$log" ]; then
        fail "$name: is not silent: $first"
    elif [ "$what" != silence ] && ! said "$what" "$text"; then
        fail "$name: expected the $what \"$text\", first is: ${first:-nothing}"
    else
        passed=$((passed + 1))
    fi
}

# check_levels FILE CC LEVELS WHAT TEXT [OPTION...]
check_levels()
{
    file=$1 cc=$2 levels=$3 what=$4 text=$5
    shift 5
    for each in $levels; do
        if [ "$what" = silence ]; then
            for macro in NDEBUG AWL_DEBUG AWL_LINT; do
                check_one "$file" "$cc" "$each" silence "" -Wpedantic -D$macro
            done
        else
            check_one "$file" "$cc" "$each" "$what" "$text" "$@"
        fi
    done
}

# check_who FILE CC WHO WHAT TEXT: WHO names this compiler, with or without a level and a macro.
check_who()
{
    level=${3%%+*}
    level=${level#"$2"}
    case $3 in
    *+*) check_levels "$1" "$2" "${level:--O0 -O2 -Os}" "$4" "$5" "-D${3#*+}" ;;
    *) check_levels "$1" "$2" "${level:--O0 -O2 -Os}" "$4" "$5" ;;
    esac
}

compilers=
for cc in gcc clang; do
    ! command -v $cc >/dev/null 2>&1 || compilers="$compilers $cc"
done
if [ -z "$compilers" ]; then
    echo "check.sh: neither gcc nor clang is here" >&2
    exit 2
fi

for file; do
    if ! head -1 "$file" | grep -q '^/\* expect: '; then
        fail "$(basename "$file"): does not begin with /* expect: ... */"
        continue
    fi
    sed -n 's|^/\* expect: \(.*\) \*/$|\1|p' "$file" >"$log.expect"
    while IFS= read -r expect; do
        # The part before the first ": " is WHAT and WHO, what follows is TEXT.
        heads=${expect%%: *}
        text=${expect#*: }
        what=${heads%% *}
        for cc in $compilers; do
            case " $heads " in
            *" lp64 "*) lp64 "$cc" || continue ;;
            esac
            for who in ${heads#* }; do
                case $who in
                "$cc" | "$cc"[-+]*) check_who "$file" "$cc" "$who" "$what" "$text" ;;
                esac
            done
        done
    done <"$log.expect"
    rm -f "$log.expect"
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
