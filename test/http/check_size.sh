#!/bin/sh
# check_size.sh LIMIT ROOT CC…: that what both roles of HTTP are made of, the parser, the writer and the bodies that
# come in, has at most LIMIT bytes of text at -Os. Prints each. Exit status 77 where there is no tool `size`.
set -u
limit=$1 root=$2
shift 2
command -v size >/dev/null || exit 77
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

for name in parser writer incoming; do
    "$@" -Os -std=c11 -pthread -I"$root/include" -I"$root/lib" -c "$root/lib/http/$name.c" -o "$folder/$name.o" || exit 1
done
size "$folder"/*.o | awk -v limit="$limit" '
    NR > 1 {
        name = $6
        sub(/.*\//, "", name)
        printf "%-12s %6d\n", name, $1
        all += $1
    }
    END {
        passed = all > 0 && all <= limit
        printf "%-12s %6d of %d\n%d passed, %d failed\n", "all", all, limit, passed, !passed
        exit !passed
    }'
