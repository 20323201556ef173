# What the scripts of this folder share. shellcheck shell=sh
#
#   need NAME…           exits with 77 where one of these programs is missing
#   begin NAME…          the same, and makes the folder $dir, gone at the end
#   listen COMMAND…      runs it in the background, killed at the end; $port is what it prints first
#   check COMMAND…       counts whether it succeeds
#   python_with MODULE   $python: one that has it; false, and counted as skipped, if there is none
#   has NAME             whether that program is there; likewise
#   finish               the last line, and the exit status
#   free_port, await_port PORT   as test/harness/ports.sh has them
set -u
passed=0 failed=0 skipped=0 pids=

. "$(dirname "$0")/../harness/ports.sh"

need()
{
    for program; do
        command -v "$program" >/dev/null || { echo "$program is missing"; exit 77; }
    done
}

begin()
{
    need "$@"
    dir=$(mktemp -d) || exit 2
    trap 'kill $pids 2>/dev/null; rm -rf "$dir"' EXIT
    trap 'exit 2' HUP INT TERM
}

listen()
{
    rm -f "$dir/port"
    "$@" >"$dir/port" &
    last=$!
    pids="$pids $last"
    tries=0
    until [ -s "$dir/port" ] || [ $tries -ge 200 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
    read -r port <"$dir/port"
}

# Until there is something at $1.
await_file()
{
    tries=0
    until [ -e "$1" ] || [ $tries -ge 200 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
}

check()
{
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "not so: $*"
    fi
}

skip()
{
    echo "skipped: $1 is missing"
    skipped=$((skipped + 1))
    return 1
}

has() { command -v "$1" >/dev/null || skip "$1"; }

python_with()
{
    for python in python3 /usr/bin/python3; do
        "$python" -c "import $1" 2>/dev/null && return
    done
    skip "Python's $1"
}

finish()
{
    [ $skipped -eq 0 ] || skipped_too=", $skipped skipped"
    echo "$passed passed, $failed failed${skipped_too-}"
    [ $failed -eq 0 ] && [ $passed -gt 0 ]
    exit
}
