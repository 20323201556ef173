#!/bin/sh
# check_asyncio.sh PEER: the dialogue with Python's asyncio, each of the two in both roles.
. "$(dirname "$0")/common.sh"
peer=$1 here=$(dirname "$0")
begin python3

listen "$peer" answer 3
check python3 "$here/dialogue.py" ask "$port"
check python3 "$here/dialogue.py" ask "$port"
check python3 "$here/dialogue.py" ask "$port"
check wait "$last"

listen python3 "$here/dialogue.py" answer 3
check "$peer" ask "$port"
check "$peer" ask "$port"
check "$peer" ask "$port"
check wait "$last"
finish
