#!/bin/sh
# The explorer must find what is wrong: builds lib/sync with one mistake after the other, and runs it on each.
#
#   sh test/explore/check_mustfail.sh SOURCE-DIR libawl.a COMPILER [ARGUMENT…]
#
# Prints a line for each mistake that is not found, and at the end `N passed, N failed`.
set -u
if [ $# -lt 3 ]; then
    echo "usage: sh $0 SOURCE-DIR libawl.a COMPILER [ARGUMENT…]" >&2
    exit 2
fi
source=$1 library=$2
shift 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM
mkdir "$work/lib" || exit 2
cp -R "$source/lib/loop" "$source/lib/task" "$source/lib/sync" "$work/lib"
passed=0 failed=0

# Builds the explorer with lib/sync of $work. Of the archive the linker takes what it misses then: the rest.
build()
{
    "$@" -std=c11 -D_FILE_OFFSET_BITS=64 -w -pthread -I"$source/include" -o "$work/explore" "$source"/test/explore/*.c \
        "$work"/lib/sync/*.c "$library" -levent_core >"$work/log" 2>&1
}

# mistake WORLD FILE FROM TO COMPILER [ARGUMENT…]: the first FROM in FILE becomes TO; then a world of that name fails.
mistake()
{
    world=$1 file=$2 from=$3 to=$4
    shift 4
    from=$from to=$to awk '
        BEGIN { from = ENVIRON["from"]; to = ENVIRON["to"] }
        !done && (at = index($0, from)) {
            $0 = substr($0, 1, at - 1) to substr($0, at + length(from))
            done = 1
        }
        { print }
        END { exit !done }' "$source/lib/sync/$file" >"$work/lib/sync/$file"
    if [ $? -ne 0 ]; then
        echo "lib/sync/$file: there is no $from"
        failed=$((failed + 1))
    elif ! build "$@"; then
        head -n 20 "$work/log"
        echo "lib/sync/$file: it does not compile with $to"
        failed=$((failed + 1))
    elif "$work/explore" "$world" >"$work/out" 2>&1 || ! grep -q ', after:' "$work/out"; then
        cat "$work/out"
        echo "lib/sync/$file: nothing fails in $world with $to for $from"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
    cp "$source/lib/sync/$file" "$work/lib/sync/$file"
}

# A wake-up is lost with the one that is cancelled.
mistake 'lock' lock.c 'else if (!lock->holder_)' 'else if (0)' "$@"
mistake 'semaphore of 1' semaphore.c 'if (error && awl__wait_state(self) == AWL__WOKEN)' 'if (0)' "$@"
mistake 'queue' queue.c 'if (awl__wait_state(self) == AWL__WOKEN && queue->count_)' 'if (0)' "$@"
mistake 'queue of 1' queue.c 'if (awl__wait_state(&self->w) == AWL__WOKEN && !is_full(queue))' 'if (0)' "$@"
mistake 'condition' condition.c 'if (frame->error_)' 'if (0)' "$@"
# One who comes later is faster; the last is woken first.
mistake 'lock' sync_priv.h 'lock->holder_ || lock->waiters_.n_' 'lock->holder_' "$@"
mistake 'semaphore of 1' semaphore.c '== 0 || semaphore->waiters_.n_)' '== 0)' "$@"
mistake 'event' sync_priv.h 'waiters->last_ = self;' 'if (waiters->first_ == self) waiters->last_ = self;' "$@"
# A lock that is cancelled while it is taken again is not held; a join, a reset, a shutdown wakes nobody.
mistake 'condition' condition.c 'if (!awl__lock_take(lock, stack))' 'if (!frame->error_ && !awl__lock_take(lock, stack))' "$@"
mistake 'queue, joined' queue.c 'while (queue->unfinished_ == 0' 'while (queue->unfinished_ == 1' "$@"
mistake 'barrier for 2' barrier.c 'if (barrier->state_ == RESETTING ||' 'if (' "$@"
mistake 'queue, shut down' queue.c 'queue->count_ = queue->head_ = 0;' ';' "$@"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
