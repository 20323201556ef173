"""What `sh tools/bench/net` runs when everything is built: see there."""

import argparse
import contextlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys

SERVER_CPU, LOAD_CPU = 0, 1
TURN_LIMIT = 120  # seconds after which a turn has failed


class Failed(Exception):
    """A turn that came to nothing; the text says why."""


class Bench:
    """Where the programs are, and what the command line asks for."""

    def __init__(self, folder, sources, options):
        self.folder, self.sources, self.options = folder, sources, options
        self.pins = len(os.sched_getaffinity(0)) > 1
        self.json = open(options.json, "a") if options.json else None

    def pinned(self, cpu, command):
        return ["taskset", "-c", str(cpu), *command] if self.pins else command

    def program(self, name, *arguments):
        """A program that was built; None if it was not."""
        path = os.path.join(self.folder, name)
        return [path, *arguments] if os.access(path, os.X_OK) else None

    def python(self, *arguments, module="asyncio"):
        """A server in Python, by the first interpreter that has the module; None if none has."""
        for python in ("python3", "/usr/bin/python3"):
            with contextlib.suppress(OSError):
                if subprocess.run([python, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode == 0:
                    return [python, os.path.join(self.sources, "echo_asyncio.py"), *arguments]
        return None

    @contextlib.contextmanager
    def server(self, command, wrapper=()):
        """Runs a server, which prints its port; gives the process and that."""
        process = subprocess.Popen(
            [*wrapper, *self.pinned(SERVER_CPU, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, process_group=0)
        try:
            port = process.stdout.readline().strip()
            if not port.isdigit():
                raise Failed(f"{command[0]} does not say where it listens")
            yield process, port
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
            process.wait(TURN_LIMIT)
            process.stdout.close()

    def run(self, cpu, command):
        """Runs a program to its end. Result: the JSON object that it prints."""
        if command is None:
            raise Failed("its load is not built")
        try:
            done = subprocess.run(self.pinned(cpu, command), capture_output=True, text=True, timeout=TURN_LIMIT)
        except subprocess.TimeoutExpired:
            raise Failed(f"{command[1]}: not done after {TURN_LIMIT} s") from None
        if done.returncode:
            raise Failed(done.stderr.strip())
        return json.loads(done.stdout)

    def load(self, what, pid, port, connections=1, seconds=None):
        """Drives a server. Result: what net-load prints."""
        return self.run(LOAD_CPU, self.program("net-load", what, str(pid), port, str(connections),
                                               str(seconds or self.options.seconds)))

    def interleaved(self, name, peers, turn, rounds=None):
        """All peers in turn, round by round. Result: for each peer its measurements; those that fail are left out."""
        results = {peer: [] for peer in peers}
        for number in range(rounds or self.options.rounds):
            for peer in list(results):
                try:
                    result = turn(peers[peer])
                except Failed as why:
                    print(f"  {peer}: {why}: left out", flush=True)
                    del results[peer]
                    continue
                results[peer].append(result)
                if self.json:
                    line = {"bench": name, "peer": peer, "round": number, **result}
                    print(json.dumps(line), file=self.json, flush=True)
        if "awl" in peers and "awl" not in results:
            raise Failed("awl itself failed")
        return results

    def chosen(self, peers):
        """Of the peers those that are built and asked for; says which are not there."""
        missing = [peer for peer, command in peers.items() if command is None]
        if missing:
            print("not here:", ", ".join(missing))
        only = self.options.only.split(",") + ["awl"] if self.options.only else peers
        chosen = {peer: command for peer, command in peers.items() if command and peer in only}
        if not chosen:
            raise Failed("none of its peers is here")
        return chosen

    def echo_peers(self):
        return self.chosen({
            "awl": self.program("echo_awl"),
            "epoll": self.program("echo_epoll"),
            "libuv": self.program("echo_libuv"),
            "libevent": self.program("echo_libevent"),
            "go": self.program("echo_go"),
            "uvloop": self.python("protocol", "uvloop", module="uvloop"),
            "uvloop-streams": self.python("streams", "uvloop", module="uvloop"),
            "asyncio": self.python("protocol"),
            "asyncio-streams": self.python("streams"),
        })


def table(title, columns, rows):
    """Prints rows of a name and texts."""
    print(f"\n{title}")
    print("  " + "".join([f"{columns[0]:<18}"] + [f"{column:>16}" for column in columns[1:]]))
    for row in rows:
        print("  " + "".join([f"{row[0]:<18}"] + [f"{text:>16}" for text in row[1:]]))
    sys.stdout.flush()


def compare(title, unit, results, rate, busy=True):
    """Prints the medians of all peers. The ratios are awl's to each, or the first one's where awl is not among them."""
    base = "awl" if "awl" in results else next(iter(results))
    rows = []
    for peer, turns in results.items():
        each = [rate(a) / rate(b) for a, b in zip(results[base], turns)]
        row = [peer, f"{statistics.median(map(rate, turns)):.1f}", f"{statistics.median(each):.2f}",
               f"{min(each):.2f} - {max(each):.2f}"]
        if busy:
            row.append(f"{statistics.median(turn['cpu'] / turn['seconds'] for turn in turns):.0%}")
        rows.append(row)
    table(f"{title}, medians of {len(results[base])} rounds",
          ["peer", unit, f"{base} / peer", "least - most"] + ["server busy"] * busy, rows)


# ---- Echo ----------------------------------------------------------------------------------------------------------


def echo(bench, connections):
    def turn(command):
        with bench.server(command) as (process, port):
            return bench.load("echo", process.pid, port, connections)

    results = bench.interleaved(f"echo{connections}", bench.echo_peers(), turn)
    compare(f"echo of 64 bytes, one message outstanding on each connection, connections: {connections}",
            "k msg/CPU-s", results, lambda turn: turn["requests"] / turn["cpu"] / 1000)


def syscalls(bench):
    """System calls of a message, counted by strace over a server's whole life but its start."""

    def turn(command):
        summary = os.path.join(bench.folder, "strace.txt")
        with bench.server(command, ["strace", "-f", "-c", "-U", "calls,name", "-o", summary]) as (_, port):
            idle = strace_start(bench, command)
            result = bench.load("echo", 0, port, 50, 2)
        calls = read_summary(summary)
        for name, count in idle.items():
            calls[name] = calls.get(name, 0) - count
        return {"all": result["all"], "calls": {name: n for name, n in calls.items() if n > 0}}

    def strace_start(bench, command):
        """The calls of a server that is started and ended."""
        summary = os.path.join(bench.folder, "strace-idle.txt")
        with bench.server(command, ["strace", "-f", "-c", "-U", "calls,name", "-o", summary]):
            pass
        return read_summary(summary)

    def read_summary(path):
        with open(path) as file:
            return {name: int(n) for n, name in re.findall(r"^ *(\d+) +(\w+)$", file.read(), re.M) if name != "total"}

    results = bench.interleaved("syscalls", bench.echo_peers(), turn, rounds=1)
    rows = []
    for peer, (result,) in results.items():
        each = {name: n / result["all"] for name, n in result["calls"].items()}
        most = sorted(each, key=each.get, reverse=True)
        calls = ", ".join(f"{n} {each[n]:.2f}" for n in most if each[n] > 0.005)
        rows.append([peer, f"{sum(each.values()):.2f}", "  " + calls])
    table("system calls a message, echo on 50 connections, by strace", ["peer", "calls", ""], rows)


# ---- Ten thousand connections --------------------------------------------------------------------------------------


def conns(bench):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    connections = 10000 if most == resource.RLIM_INFINITY else min(10000, most - 100)

    def turn(command):
        with bench.server(command) as (process, port):
            return bench.load("hold", process.pid, port, connections)

    results = bench.interleaved("conns", bench.echo_peers(), turn, rounds=min(3, bench.options.rounds))
    rows = []
    for peer, turns in results.items():
        def median(of):
            return statistics.median(of(turn) for turn in turns)

        rows.append([peer, f"{median(lambda t: (t['idle'] - t['empty']) / connections):.0f}",
                     f"{median(lambda t: (t['after'] - t['empty']) / connections):.0f}",
                     f"{median(lambda t: t['requests'] / t['cpu'] / 1000):.1f}",
                     f"{median(lambda t: t['opened']):.2f} s", str(sum(t["errors"] for t in turns))])
    rounds = len(results["awl"])
    table(f"{connections} connections to one server: bytes of its memory each, medians of {rounds} rounds",
          ["peer", "idle", "after 2 echoes", "k msg/CPU-s", "all opened in", "errors"], rows)


# ---- Bulk ----------------------------------------------------------------------------------------------------------


def bulk(bench):
    for role, what in (("send", "receive"), ("receive", "send")):
        def turn(program):
            with bench.server([*program, role]) as (process, port):
                return bench.load(what, process.pid, port)

        peers = bench.chosen({"awl": bench.program("bulk_awl"), "raw": bench.program("bulk_raw")})
        results = bench.interleaved(f"bulk-{role}", peers, turn)
        compare(f"one stream, 64 kB at a time: the server {role}s", "MB/CPU-s", results,
                lambda turn: turn["bytes"] / turn["cpu"] / 1e6)


# ---- TLS -----------------------------------------------------------------------------------------------------------


def tls(bench, what, kind):
    """`what` is full, resumed, send or receive; the last two are what the server does."""
    certs = os.path.join(os.path.dirname(bench.folder), "certs")
    load = {"send": "receive", "receive": "send"}.get(what, what)
    seconds = str(bench.options.seconds)

    def turn(command):
        with bench.server([*command, kind, certs]) as (process, port):
            client = bench.program("net-tls-load", load, kind, certs, str(process.pid), port, seconds)
            return bench.run(LOAD_CPU, client)

    def turn_in_memory(command):
        result = bench.run(SERVER_CPU, [*command, what if load == what else "bulk", kind, certs, seconds])
        return {"cpu": result.get("server_cpu", 0) + result.get("client_cpu", 0), **result}

    def report(place, results):
        if load == what:
            compare(f"TLS: {what} handshakes, {NAMES[kind]}, {place}", "per CPU-s", results,
                    lambda turn: turn["handshakes"] / turn["cpu"], busy=False)
        else:
            compare(f"TLS: one stream of 16 kB records, AES-128-GCM, {place}", "MB/CPU-s", results,
                    lambda turn: turn["bytes"] / turn["cpu"] / 1e6, busy=False)

    peers = bench.chosen({"awl": bench.program("tls_awl"), "bearssl": bench.program("tls_bearssl")})
    place = "a server on sockets" if load == what else f"on sockets: the server {what}s"
    report(place, bench.interleaved(f"tls-{what}-{kind}", peers, turn))
    if what == "receive":
        return  # in memory, one direction is like the other
    peers = bench.chosen({"awl": bench.program("tls_memory"), "engine": bench.program("tls_engine")})
    report("both sides in memory", bench.interleaved(f"tls-{what}-{kind}-memory", peers, turn_in_memory))


NAMES = {"ecdsa": "ECDSA P-256", "rsa": "RSA-2048"}


def tls_handshakes(bench):
    for what in ("full", "resumed"):
        for kind in NAMES:
            tls(bench, what, kind)


def tls_bulk(bench):
    for what in ("send", "receive"):
        tls(bench, what, "ecdsa")


BENCHES = {
    "echo1": ("64-byte messages on 1 connection", lambda bench: echo(bench, 1)),
    "echo50": ("on 50", lambda bench: echo(bench, 50)),
    "echo1000": ("on 1,000", lambda bench: echo(bench, 1000)),
    "syscalls": ("what an echo costs in system calls, by strace", syscalls),
    "bulk": ("one stream, as its sender and as its receiver, against blocking calls", bulk),
    "tls-handshakes": ("full and resumed ones, beside BearSSL on blocking sockets and its engine in memory",
                       tls_handshakes),
    "tls-bulk": ("one stream of full records, beside the same", tls_bulk),
    "conns": ("10,000 connections: memory of each, and whether all of them live", conns),
}
GROUPS = {
    "echo": ["echo1", "echo50", "echo1000", "syscalls"],
    "tls": ["tls-handshakes", "tls-bulk"],
    "all": list(BENCHES),
}


def main():
    parser = argparse.ArgumentParser(prog="sh tools/bench/net", add_help=False)
    parser.add_argument("folder")
    parser.add_argument("sources")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--only")
    parser.add_argument("--json")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--help", action="store_true")
    options = parser.parse_intermixed_args()
    if options.list or options.help or not options.names:
        for name, (what, _) in BENCHES.items():
            print(f"{name:<16}{what}")
        for name, parts in GROUPS.items():
            print(f"{name:<16}{', '.join(parts)}")
        return 0 if options.list or options.help else 2
    unknown = [name for name in options.names if name not in BENCHES and name not in GROUPS]
    if unknown or options.rounds < 1 or options.seconds <= 0:
        print(f"net: what is {', '.join(unknown) or 'that'}? --list names the benches", file=sys.stderr)
        return 2

    # As many descriptors as ten thousand connections take, here and in what is started from here.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    bench = Bench(options.folder, options.sources, options)
    if not bench.pins:
        print("one processor only: server and load share it")
    failed = False
    for name in [part for name in options.names for part in GROUPS.get(name, [name])]:
        try:
            BENCHES[name][1](bench)
        except Failed as why:
            print(f"net: {name}: {why}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
