#!/bin/sh
#
# check_bare.sh [INCLUDE-DIR]: what coro.h promises to those who copy it.
#
#   dialects   it compiles as C99 and C11, alone and with everything in bare/, without a warning (-Wpedantic -Werror)
#   bare       with -ffreestanding -nostdlib -Os, bare/*.c leave no undefined symbol: no libc, no libgcc; and they run
#   size       the code of a generator is at most 1.2 times that of the same switch written by hand
#
# Uses what is there of gcc, clang and arm-none-eabi-gcc; CC=... replaces the first two. Prints the code sizes, one line for each
# thing that is not so, and `N passed, N failed`.

here=$(cd "$(dirname "$0")" && pwd)
include=${1:-$here/../../include}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

have() { command -v "${1%% *}" >/dev/null 2>&1; }

pass() { passed=$((passed + 1)); }

fail()
{
    echo "$1"
    [ ! -s "$work/log" ] || sed 's/^/    /' "$work/log" | head -20
    failed=$((failed + 1))
}

compilers=
for cc in ${CC:-gcc clang}; do
    ! have "$cc" || compilers="$compilers $cc"
done
if [ -z "$compilers" ]; then
    echo "check_bare.sh: no compiler" >&2
    exit 2
fi

# ---- dialects

echo '#include "awl/coro.h"' >"$work/alone.c"
for cc in $compilers; do
    for std in c99 c11 gnu99 gnu11; do
        for source in "$work/alone.c" "$here/bare/generator.c" "$here/bare/coroutine.c" "$here/parts.c"; do
            for debug in "" -DAWL_DEBUG; do
                if "$cc" -std=$std -O2 -Wall -Wextra -Wpedantic -Werror $debug -I "$include" -c "$source" \
                    -o "$work/out.o" 2>"$work/log"; then
                    pass
                else
                    fail "$cc -std=$std $debug: $(basename "$source") does not compile cleanly"
                fi
            done
        done
    done
done

# ---- bare and size

size_of() # NM OBJECT SYMBOL: bytes of a function
{
    "$1" -S "$2" | awk -v symbol="$3" '$4 == symbol { print $2 }' | sed 's/^0*//'
}

check_bare() # NM COMPILER...
{
    nm=$1
    shift
    for source in generator coroutine; do
        if ! "$@" -std=c11 -Os -ffreestanding -nostdlib -I "$include" -c "$here/bare/$source.c" \
            -o "$work/$source.o" 2>"$work/log"; then
            fail "$*: $source.c does not compile"
            continue
        fi
        "$nm" -u "$work/$source.o" >"$work/log"
        if [ -s "$work/log" ]; then
            fail "$*: $source.c needs from elsewhere:"
        else
            pass
        fi
    done

    [ -f "$work/generator.o" ] || return
    : >"$work/log"
    ours=$((0x$(size_of "$nm" "$work/generator.o" squares_step_)))
    hands=$((0x$(size_of "$nm" "$work/generator.o" hand_step)))
    echo "$*: generator $ours bytes, by hand $hands, ratio $((ours * 100 / hands))/100;" \
        "text of coroutine.o $(text_of "$nm" "$work/coroutine.o")"
    if [ $((ours * 10)) -le $((hands * 12)) ]; then
        pass
    else
        fail "$*: the generator's code is too large"
    fi
    rm -f "$work/generator.o" "$work/coroutine.o"
}

text_of() # NM OBJECT: bytes of all its functions
{
    total=0
    for size in $("$1" -S "$2" | awk '$3 ~ /^[tTwW]$/ { print $2 }'); do
        total=$((total + 0x$size))
    done
    echo $total
}

echo 'int run(void); int sum_of_squares(int n); int main(void) { return run() != 26 || sum_of_squares(9); }' >"$work/main.c"
for cc in $compilers; do
    if "$cc" -std=c11 -Os -I "$include" "$work/main.c" "$here/bare/coroutine.c" "$here/bare/generator.c" \
        -o "$work/main" 2>"$work/log" && "$work/main"; then
        pass
    else
        fail "$cc: bare/*.c do not run"
    fi
done

# -fno-pic, as a shared library's code names its table of addresses.
for cc in $compilers; do
    check_bare nm "$cc" -fno-pic
done
if have arm-none-eabi-gcc; then
    check_bare arm-none-eabi-nm arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb
else
    echo "arm-none-eabi-gcc is not here: Cortex-M3 not checked"
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
