#!/usr/bin/env python3
"""Compares awl-scenario with CPython's asyncio on programs and schedules that nobody has recorded.

    differ.py SCENARIO --seeds FROM TO         programs drawn from these seeds (reference/gen.py), half of them with all that
                                               it knows: the traces must be equal
    differ.py SCENARIO --shuffle N FILE.scn…   each under N shuffles of the ready queue

A shuffled queue has no one right trace: who comes first is what the shuffle decides. So CPython's loop is shuffled too,
again and again, and awl's trace, compared per task (reference/cmp.py, relaxed), must be one of those that come of it.

SCENARIO is the path of awl-scenario. The closing line is `N passed, N failed`. Needs Python 3.13 or newer; exit status 77
without it.
"""
import collections
import os
import random
import subprocess
import sys
import tempfile

if sys.version_info < (3, 13):
    print('differ.py: this takes Python 3.13 or newer')
    sys.exit(77)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'reference'))
import cmp  # noqa: E402
import gen  # noqa: E402
import ref  # noqa: E402

MOST_SHUFFLES = 4000  # of CPython's loop, for one trace


class ShuffledReady(collections.deque):
    """asyncio asks for the length when an iteration begins: then the queue is shuffled."""

    rng = random.Random(0)
    busy = False

    def __len__(self):
        if not self.busy and super().__len__() > 1:
            self.busy = True
            handles = [self.popleft() for _ in range(super().__len__())]
            self.rng.shuffle(handles)
            self.extend(handles)
            self.busy = False
        return super().__len__()


class ShuffledLoop(ref.VirtualLoop):
    def __init__(self, *args):
        super().__init__(*args)
        self._ready = ShuffledReady()


def run(command, path):
    try:
        done = subprocess.run(command + [path], capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return None, 'it takes more than 30 seconds'
    if done.returncode:
        return None, 'exit status %d: %s' % (done.returncode, done.stderr.strip())
    return done.stdout.splitlines(), None


def first_difference(want, got):
    for i in range(max(len(want), len(got))):
        a, b = (trace[i] if i < len(trace) else '(nothing)' for trace in (want, got))
        if a != b:
            return 'line %d: expected `%s`, got `%s`' % (i + 1, a, b)


def differ_on_seeds(command, first, last):
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'program.scn')
        for seed in range(first, last):
            text = gen.generate(seed, gen.DEFAULT if seed % 2 else gen.DEFAULT | gen.OPTIONAL)
            with open(path, 'w') as file:
                file.write(text)
            got, wrong = run(command, path)
            want = ref.run_scenario(ref.parse(text))
            if wrong is None and got != want:
                wrong = first_difference(want, got)
            if wrong:
                print('seed %d: %s' % (seed, wrong))
                failed += 1
    return last - first - failed, failed


def differ_on_shuffles(command, n, paths):
    plain, passed, failed = ref.VirtualLoop, 0, 0
    for path in paths:
        with open(path) as file:
            program = file.read()
        known = [cmp.parts(ref.run_scenario(ref.parse(program)))]
        ref.VirtualLoop = ShuffledLoop
        left = MOST_SHUFFLES
        for seed in range(1, n + 1):
            got, wrong = run(command + ['--shuffle', str(seed)], path)
            while wrong is None and cmp.parts(got) not in known and left > 0:
                left -= 1
                trace = cmp.parts(ref.run_scenario(ref.parse(program)))
                if trace not in known:
                    known.append(trace)
            if wrong is None and cmp.parts(got) not in known:
                wrong = 'CPython does this in none of %d shuffles (it knows %d ways)' % (MOST_SHUFFLES, len(known))
            if wrong:
                print('%s: shuffle %d: %s' % (os.path.basename(path), seed, wrong), flush=True)
                failed += 1
            else:
                passed += 1
        ref.VirtualLoop = plain
    return passed, failed


def main(arguments):
    if len(arguments) == 4 and arguments[1] == '--seeds':
        passed, failed = differ_on_seeds(arguments[:1], int(arguments[2]), int(arguments[3]))
    elif len(arguments) > 3 and arguments[1] == '--shuffle':
        passed, failed = differ_on_shuffles(arguments[:1], int(arguments[2]), arguments[3:])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
