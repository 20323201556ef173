"""What `sh tools/bench/http-server` runs when everything is built: see there."""

import argparse
import contextlib
import ctypes
import ctypes.util
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

from net import LOAD_CPU, TURN_LIMIT, Bench, Failed, compare, table

TARGETS = {"hello": {"epoll": 0.9, "nginx": 1}, "https": {"nginx": 1}, "static": {"nginx": 0.9}}
libc = ctypes.CDLL(ctypes.util.find_library("c"))


def cpu_seconds(pid):
    """The processor time of a process, with all its threads and the kernel's part."""
    clock = ctypes.c_int()
    if libc.clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise Failed("the server has ended")
    return time.clock_gettime(clock.value)


def resident(pid):
    """Bytes of a process that are its own and in memory: not those of files."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"^RssAnon:\s+(\d+) kB$", status.read(), re.M)[1]) * 1024


class HttpBench(Bench):
    """The servers, and wrk as their load."""

    build = property(lambda self: os.path.abspath(os.path.dirname(self.folder)))

    def awl(self, *arguments):
        return self.program("hello_awl", *arguments)

    def nginx(self, *arguments):
        """nginx on a port that was free just now; None if there is none."""
        if not shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"):
            return None
        return lambda: ["sh", os.path.join(self.sources, "nginx.sh"), os.path.join(self.build, "nginx"), free_port(),
                        *arguments]

    def aiohttp(self):
        for python in ("python3", "/usr/bin/python3"):
            with contextlib.suppress(OSError):
                if subprocess.run([python, "-c", "import aiohttp, uvloop"], stderr=subprocess.DEVNULL).returncode == 0:
                    return [python, os.path.join(self.sources, "hello_aiohttp.py")]
        return None

    def hello_peers(self):
        return self.chosen({
            "awl": self.awl(),
            "epoll": self.program("hello_epoll"),
            "nginx": self.nginx(),
            "evhttp": self.program("hello_evhttp"),
            "go": self.program("hello_go"),
            "aiohttp+uvloop": self.aiohttp(),
        })

    @contextlib.contextmanager
    def server(self, command, wrapper=()):
        """As Bench.server; and it can be connected to."""
        with super().server(command() if callable(command) else command, wrapper) as (process, port):
            end = time.monotonic() + 10
            while True:
                with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", int(port))):
                    break
                if time.monotonic() > end:
                    raise Failed("nobody listens")
                time.sleep(0.02)
            yield process, port

    def wrk(self, pid, url, connections, seconds=None, cipher=None):
        """Drives a server. Result: how many requests, and the server's processor time; pid 0: that is not asked for."""
        environment = dict(os.environ)
        if cipher:
            environment["OPENSSL_CONF"] = self.openssl_conf(cipher)
        seconds = seconds or self.options.seconds or 1
        begin, cpu = time.monotonic(), cpu_seconds(pid) if pid else 0
        done = subprocess.run(
            self.pinned(LOAD_CPU, ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", url]),
            capture_output=True, text=True, timeout=TURN_LIMIT, env=environment)
        cpu, passed = cpu_seconds(pid) - cpu if pid else 0, time.monotonic() - begin
        requests = re.search(r"^\s*(\d+) requests in", done.stdout, re.M)
        wrong = re.search(r"^.*(Non-2xx|Socket errors).*$", done.stdout, re.M)
        if done.returncode or not requests or wrong or not int(requests[1]):
            raise Failed("wrk: " + (wrong[0].strip() if wrong else done.stderr.strip() or "no requests"))
        return {"requests": int(requests[1]), "seconds": passed, "cpu": cpu}

    def openssl_conf(self, cipher):
        """A configuration in which OpenSSL's clients offer one cipher."""
        path = os.path.join(self.build, f"openssl-{cipher}.conf")
        with open(path, "w") as file:
            file.write("openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = default\n[default]\n"
                       f"MinProtocol = TLSv1.2\nMaxProtocol = TLSv1.2\nCipherString = {cipher}\n")
        return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def say_targets(kind, results):
    """What is aimed at, beside what was measured."""
    for peer, target in TARGETS[kind].items():
        if peer not in results or peer == "awl":
            continue
        each = [(a["requests"] / a["cpu"]) / (b["requests"] / b["cpu"]) for a, b in zip(results["awl"], results[peer])]
        ratio = statistics.median(each)
        verdict = "reached" if ratio >= target else "MISSED "
        print(f"  {verdict}: {ratio:.3f} of {peer}, where at least {target} is wanted")
    sys.stdout.flush()


def rate(turn):
    return turn["requests"] / turn["cpu"] / 1000


# ---- Small answers ---------------------------------------------------------------------------------------------------


def hello(bench, connections):
    def turn(command):
        with bench.server(command) as (process, port):
            return bench.wrk(process.pid, f"http://127.0.0.1:{port}/hello/world", connections)

    results = bench.interleaved(f"hello{connections}", bench.hello_peers(), turn)
    compare(f"hello, kept connections: {connections}", "k req/CPU-s", results, rate)
    say_targets("hello", results)


def syscalls(bench):
    """System calls of a request, counted by strace over a server's whole life but its start."""

    def strace(command, load):
        summary = os.path.join(bench.build, "strace.txt")
        with bench.server(command, ["strace", "-f", "-c", "-U", "calls,name", "-o", summary]) as (_, port):
            requests = bench.wrk(0, f"http://127.0.0.1:{port}/hello/world", 50)["requests"] if load else 0
        with open(summary) as file:
            calls = {name: int(n) for n, name in re.findall(r"^ *(\d+) +(\w+)$", file.read(), re.M) if name != "total"}
        return requests, calls

    def turn(command):
        _, idle = strace(command, False)
        requests, calls = strace(command, True)
        return {"requests": requests, "calls": {n: c - idle.get(n, 0) for n, c in calls.items() if c > idle.get(n, 0)}}

    if not shutil.which("strace"):
        raise Failed("strace is not here")
    results = bench.interleaved("syscalls", bench.hello_peers(), turn, rounds=1)
    rows = []
    for peer, (result,) in results.items():
        each = {name: n / result["requests"] for name, n in result["calls"].items()}
        most = sorted(each, key=each.get, reverse=True)
        calls = ", ".join(f"{n} {each[n]:.2f}" for n in most if each[n] > 0.05)
        rows.append([peer, f"{sum(each.values()):.2f}", "  " + calls])
    table("system calls a request, hello on 50 connections, by strace", ["peer", "calls", ""], rows)


# ---- https, and files ------------------------------------------------------------------------------------------------


def https(bench):
    cert = os.path.join(bench.build, "cert.pem")
    peers = bench.chosen({"awl": bench.awl("--cert", cert), "nginx": bench.nginx(cert)})
    for cipher in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"):
        def turn(command):
            with bench.server(command) as (process, port):
                return bench.wrk(process.pid, f"https://127.0.0.1:{port}/hello/world", 50,
                                 bench.options.seconds or 3, cipher)

        results = bench.interleaved(f"https-{cipher}", peers, turn)
        compare(f"hello by https, kept connections: 50, {cipher}", "k req/CPU-s", results, rate)
        say_targets("https", results)


def static(bench):
    www = os.path.join(bench.build, "nginx", "www")

    def turn(command):
        with bench.server(command) as (process, port):
            return bench.wrk(process.pid, f"http://127.0.0.1:{port}/files/100k", 50)

    peers = bench.chosen({"awl": bench.awl("--files", www), "nginx": bench.nginx()})
    results = bench.interleaved("static", peers, turn)
    compare("a file of 100 kB, kept connections: 50", "k req/CPU-s", results, rate)
    say_targets("static", results)


# ---- Idle connections ------------------------------------------------------------------------------------------------


def idle(bench):
    """As many connections as there are descriptors for, each after one request: what each takes of the server."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    n = 500 if bench.options.short else 100000 if most == resource.RLIM_INFINITY else min(100000, most - 100)

    def used(port):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/memory") as answer:
                return int(answer.read())
        except (OSError, ValueError):
            return 0

    def turn(command):
        with bench.server(command) as (process, port):
            used(port)
            before, counted = resident(process.pid), used(port)
            load = subprocess.Popen(bench.pinned(LOAD_CPU, bench.program("idle_load", port, str(n), "/hello/world")),
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            try:
                if load.stdout.readline().strip() != str(n):
                    raise Failed(f"{n} connections do not come about")
                return {"each": (resident(process.pid) - before) / n, "counted": (used(port) - counted) / n}
            finally:
                load.stdin.close()
                load.wait(TURN_LIMIT)
                load.stdout.close()

    results = bench.interleaved("idle", bench.hello_peers(), turn, rounds=min(3, bench.options.rounds))
    rows = []
    for peer, turns in results.items():
        counted = statistics.median(t["counted"] for t in turns)
        rows.append([peer, f"{statistics.median(t['each'] for t in turns):.0f}",
                     f"{counted:.0f}" if counted > 0 else "-"])
    table(f"{n} idle connections, each after one request: bytes of the server's memory for each",
          ["peer", "resident", "by its counters"], rows)


BENCHES = {
    "hello1": ("/hello/world on 1 connection", lambda bench: hello(bench, 1)),
    "hello50": ("on 50", lambda bench: hello(bench, 50)),
    "hello1000": ("on 1,000", lambda bench: hello(bench, 1000)),
    "https": ("on 50 by https, beside nginx with OpenSSL, the same cipher for both", https),
    "static": ("a file of 100 kB on 50, beside nginx with sendfile", static),
    "idle": ("memory of connections that wait, as many as there are descriptors for", idle),
    "syscalls": ("what a request costs in system calls, by strace", syscalls),
}
GROUPS = {"hello": ["hello1", "hello50", "hello1000"], "all": list(BENCHES)}


def main():
    parser = argparse.ArgumentParser(prog="sh tools/bench/http-server", add_help=False)
    parser.add_argument("folder")
    parser.add_argument("sources")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--json")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--help", action="store_true")
    options = parser.parse_intermixed_args()
    if options.list or options.help or not options.names:
        for name, (what, _) in BENCHES.items():
            print(f"{name:<12}{what}")
        for name, parts in GROUPS.items():
            print(f"{name:<12}{', '.join(parts)}")
        return 0 if options.list or options.help else 2
    unknown = [name for name in options.names if name not in BENCHES and name not in GROUPS]
    if unknown or options.rounds < 1 or (options.seconds is not None and options.seconds < 1):
        print(f"http-server: what is {', '.join(unknown) or 'that'}? --list names the benches", file=sys.stderr)
        return 2
    if options.short:
        options.rounds, options.seconds, options.only = 1, 1, options.only or "epoll,nginx"

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    bench = HttpBench(options.folder, options.sources, options)
    if not bench.pins:
        print("one processor only: server and load share it")
    failed = False
    for name in dict.fromkeys(part for name in options.names for part in GROUPS.get(name, [name])):
        try:
            BENCHES[name][1](bench)
        except Failed as why:
            print(f"http-server: {name}: {why}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
