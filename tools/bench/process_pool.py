#!/usr/bin/env python3
"""Compares awl's pool of processes with Python's: one trivial job after the other, through warm workers.

    python3 tools/bench/process_pool.py BUILD-DIR [ROUNDS]

Runs `awl-bench process_pool` of BUILD-DIR, and the same with ProcessPoolExecutor under asyncio, in turn, ROUNDS times (7),
and prints the best and the median microseconds of a round trip of each, and the median of the ratios. Python's workers are
forked, as that is its fastest way.
"""
import asyncio
import json
import multiprocessing
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

AWL_JOBS, PYTHON_JOBS = 50000, 3000


def twice(x):
    return x * 2


async def trips(pool, n):
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(pool, twice, 1)
    start = time.perf_counter()
    for i in range(n):
        if await loop.run_in_executor(pool, twice, i) != i * 2:
            raise SystemExit("a wrong answer")
    return (time.perf_counter() - start) / n * 1e6


def python_trip():
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("fork")) as pool:
        return asyncio.run(trips(pool, PYTHON_JOBS))


def awl_trip(build):
    out = subprocess.run([build + "/tools/bench/awl-bench", "process_pool", "--n", str(AWL_JOBS)],
                         check=True, capture_output=True, text=True).stdout
    return json.loads(out)["ns_per_op"] / 1000


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    rounds = int(sys.argv[2]) if len(sys.argv) == 3 else 7
    figures = [(awl_trip(sys.argv[1]), python_trip()) for _ in range(rounds)]
    for name, of in zip(("awl", "Python"), zip(*figures)):
        print(f"{name}: best {min(of):.1f} us, median {statistics.median(of):.1f} us")
    print(f"Python / awl: {statistics.median(p / a for a, p in figures):.1f}")


if __name__ == "__main__":
    main()
