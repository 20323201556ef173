#!/bin/sh
# check_socat.sh PEER: 3 MB to socat and back, and from it; and the dialogue through relays of it.
. "$(dirname "$0")/common.sh"
peer=$1
begin socat python3
head -c 3000000 /dev/urandom >"$dir/much"

# awl serves, socat connects and says when it has sent all; and with short writes.
listen "$peer" echo
check socat -t 10 - "TCP:127.0.0.1:$port" <"$dir/much" >"$dir/back"
check cmp -s "$dir/much" "$dir/back"
check socat -t 10 -b 11 - "TCP:127.0.0.1:$port" <"$0" >"$dir/back"
check cmp -s "$0" "$dir/back"

# socat serves, with cat behind it; awl connects, and its standard input and output are files, then pipes.
to=$(free_port)
socat "TCP-LISTEN:$to,bind=127.0.0.1,reuseaddr,fork" EXEC:cat &
pids="$pids $!"
check await_port "$to"
check "$peer" send "$to" <"$dir/much" >"$dir/back"
check cmp -s "$dir/much" "$dir/back"
# shellcheck disable=SC2002 # a pipe is meant
cat "$dir/much" | "$peer" send "$to" | cat >"$dir/back"
check cmp -s "$dir/much" "$dir/back"

# The same over Unix sockets.
listen "$peer" echo "$dir/echo"
check socat -t 10 - "UNIX-CONNECT:$dir/echo" <"$dir/much" >"$dir/back"
check cmp -s "$dir/much" "$dir/back"
socat "UNIX-LISTEN:$dir/cat,fork" EXEC:cat &
pids="$pids $!"
await_file "$dir/cat"
check "$peer" send "$dir/cat" <"$dir/much" >"$dir/back"
check cmp -s "$dir/much" "$dir/back"

# awl on both sides, and two of socat between them, joined by a Unix socket.
listen "$peer" answer 2
socat "UNIX-LISTEN:$dir/relay,fork" "TCP:127.0.0.1:$port" &
pids="$pids $!"
way=$(free_port)
socat -b 97 "TCP-LISTEN:$way,bind=127.0.0.1,reuseaddr,fork" "UNIX-CONNECT:$dir/relay" &
pids="$pids $!"
await_file "$dir/relay"
check await_port "$way"
check "$peer" ask "$way"
check "$peer" ask "$way"
check wait "$last"
finish
