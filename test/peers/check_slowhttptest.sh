#!/bin/sh
# check_slowhttptest.sh SITE headers|body|dribble|read|range: an attack by slowhttptest, while curl is served without a
# failure. The server's limits are scaled down, to one second each, and to 100 connections.
. "$(dirname "$0")/common.sh"
site=$1 attack=$2
begin slowhttptest curl python3
mkdir "$dir/files"
head -c 5000000 /dev/urandom >"$dir/files/big"
echo hello >"$dir/files/a.txt"

listen "$site" --most 100 --head 1000 --body 1000 --write 1000 --idle 1000 "$dir/files"
[ -n "$port" ] || exit 1
url=http://127.0.0.1:$port

# What each attack is, and how many descriptors it takes: each connection, one in sixteen that is being refused, and for
# what sends a file one more.
least=70 most=110
case $attack in
headers) least=90 && set -- -H -c 200 -i 1 -u "$url/files/a.txt" ;;
body) set -- -B -c 80 -i 10 -u "$url/count" ;;
dribble) set -- -B -c 80 -i 1 -s 1000000 -u "$url/count" ;;
read) most=210 && set -- -X -c 80 -w 10 -y 20 -n 5 -z 32 -u "$url/files/big" ;;
range) least=0 && most=210 && set -- -R -t GET -c 80 -a 10 -b 3000 -u "$url/files/big" ;;
*) exit 2 ;;
esac

# state NAME: "descriptors" or "bytes", now.
state() { curl -s --max-time 5 "$url/state" | sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p"; }
bytes=$(state bytes)
bytes=$(state bytes) # with what a first request leaves
descriptors=$(state descriptors)

slowhttptest "$@" -r 200 -l 3 -v 1 >"$dir/report" 2>&1 &
attacker=$!
pids="$pids $attacker"
served=0 unserved=0 peak=0
while kill -0 "$attacker" 2>/dev/null && [ $served -lt 1000 ]; do
    now=$(state descriptors)
    if [ -n "$now" ] && [ "$(curl -s --max-time 5 "$url/files/a.txt")" = hello ]; then
        served=$((served + 1))
        [ "$now" -le $peak ] || peak=$now
    else
        unserved=$((unserved + 1))
    fi
    sleep 0.02
done
wait "$attacker"
echo "$attack: $served served, $unserved not, at most $((peak - descriptors)) descriptors"
check [ $unserved = 0 ]
check [ $served -ge 5 ]
check [ $((peak - descriptors)) -ge $least ]
check [ $((peak - descriptors)) -le $most ]
sed -i 's/\x1b\[[0-9;]*m//g' "$dir/report"
check grep -qE 'Exit status: *(No open connections left|Hit test time limit)' "$dir/report"
check sh -c "! grep -q 'service available: *NO' '$dir/report'"

# Who had to be let go, is: slow bodies that come to a standstill, and what is not read, take no longer than their time.
# Afterwards there is nothing left of it.
tries=0
until [ "$(state descriptors)" = "$descriptors" ] || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
check [ "$(state descriptors)" = "$descriptors" ]
check [ "$(state bytes)" = "$bytes" ]
kill -TERM "$last"
check wait "$last"
finish
