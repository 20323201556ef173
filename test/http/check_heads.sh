#!/bin/sh
# check_heads.sh HEADERS: the programs in the heads of HTTP's headers compile as they stand.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in http_client http_server http_forms http_files http_run websocket; do
    header=$1/$name.h
    awk '/\*\//{exit} sub(/^ \*     /, "") {print}' "$header" >"$work/$name.c"
    grep -q 'int main' "$work/$name.c" || { echo "$name.h has no program in its head" && exit 1; }
    ${CC:-cc} -Wall -Wextra -Werror -Wno-unused-parameter -fsyntax-only -I"$1/.." "$work/$name.c" ||
        { echo "the program in the head of $name.h does not compile" && exit 1; }
done
