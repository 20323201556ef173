"""What tools/mutate does; its options are described there."""
import argparse
import collections
import concurrent.futures
import errno
import glob
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

CC = os.environ.get("CC", "cc").split()
FLAGS = ["-std=c11", "-O1", "-w", "-D_FILE_OFFSET_BITS=64", "-pthread"]
FLAGS += ["-I" + d for d in ("include", "lib", "test/harness", "test/task")]
WRAPPED = "malloc calloc realloc reallocarray free aligned_alloc posix_memalign strdup strndup".split()
LIBRARY = ["lib/loop/*.c", "lib/task/*.c", "lib/sync/*.c", "lib/dns/*.c", "lib/stream/*.c"]
PROGRAMS = {
    "tests": ["test/harness/[!mt]*.c", "test/task/test_*.c", "test/sync/test_*.c"],
    "scenario": ["test/conformance/*.c"],
    "explore": ["test/explore/*.c"],
}
COUNT = re.compile(r"^(\d+) passed, (\d+) failed", re.M)

# ---- The mutants ------------------------------------------------------------------------------------------------

Mutant = collections.namedtuple("Mutant", "file line name start end text")  # text replaces [start, end) of the file

KEYWORDS = set("return if for while do switch case default goto break continue static const extern typedef struct enum "
               "union else sizeof co_begin co_end co_finally co_def".split())
ERRORS = set(errno.errorcode.values()) | {"ECANCELED"}
SWAPS = {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "&&": "||", "||": "&&",
         "++": "--", "--": "++", "+=": "-=", "-=": "+=", "+": "-", "-": "+"}
TOKEN = re.compile(r"->|<<=?|>>=?|==|!=|<=|>=|&&|\|\||\+\+|--|\+=|-=|&=|\|=|[-+<>!]|0[xX]\w+|\d[\w.]*|[A-Za-z_]\w*")


def masked(source):
    """The source with blanks for comments, strings, preprocessor lines and static assertions."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    source = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, source, flags=re.S)
    source = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, source, flags=re.M)
    source = re.sub(r"\bNULL, 0\);", blank, source)  # where a trap is
    return re.sub(r"_Static_assert\s*\(.*?\);|^(?:static )?const co_type .*?;|^const awl_instant_ .*?;", blank, source,
                  flags=re.M | re.S)


def closing(text, at):
    """The place of the parenthesis that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return None


def statements(text):
    """Calls and assignments: (start, end) of each, with its semicolon."""
    for match in re.finditer(r"^[ \t]+(?=[A-Za-z_*+(-])", text, re.M):
        start = match.end()
        before = text[:match.start()].rstrip()
        if not before or not (before[-1] in ";{})" or before.endswith("else") or before[-1] == ":"):
            continue
        depth = 0
        end = None
        for i in range(start, len(text)):
            c = text[i]
            if c in "([":
                depth += 1
            elif c in ")]":
                depth -= 1
            elif c in "{}" and depth == 0:
                break
            elif c == ";" and depth <= 0:
                end = i + 1
                break
        if end is None or depth < 0:
            continue
        body = text[start:end]
        first = re.match(r"[A-Za-z_]\w*", body)
        if first and first.group() in KEYWORDS or re.match(r"[A-Za-z_]\w*[\s*]+[A-Za-z_]\w*", body):
            continue
        if re.match(r"^[A-Za-z_]\w*:", body) or not re.search(r"[(=]|\+\+|--", body):
            continue
        yield start, end


def mutants_of(path):
    source = open(path).read()
    text = masked(source)
    found = []

    def add(start, end, replacement, what):
        found.append((start, end, replacement, what))

    in_body = [False] * (len(text) + 1)  # inside the braces of a function: depth > 0 of what begins in column 0
    depth = 0
    for i, c in enumerate(text):
        depth += {"{": 1, "}": -1}.get(c, 0)
        in_body[i] = depth > 0
    for token in TOKEN.finditer(text):
        start, end, word = token.start(), token.end(), token.group()
        if not in_body[start]:
            continue
        before = text[:start].rstrip()[-1:]
        operand = before.isalnum() or before in ("_", ")", "]")
        if word in ("+", "-") and not operand:
            continue
        if word in ("<", ">") and text[start - 1:start] == "#":
            continue
        if word in SWAPS:
            add(start, end, SWAPS[word], "`%s` -> `%s`" % (word, SWAPS[word]))
        elif word == "!":
            add(start, end, "", "`!` removed")
        elif word in ("0", "1"):
            add(start, end, "10"[int(word)], "`%s` -> `%s`" % (word, "10"[int(word)]))
        elif word in ("true", "false"):
            other = "false" if word == "true" else "true"
            add(start, end, other, "`%s` -> `%s`" % (word, other))
        elif word in ERRORS or re.match(r"AWL_E[A-Z]+$", word):
            add(start, end, "0", "`%s` -> `0`" % word)
        elif word == "|=":
            stop = text.find(";", end)
            flag = source[end:stop].strip()
            if stop > 0 and re.match(r"[\w |()]+$", flag):
                add(start, stop, "&= ~(uint32_t)(%s)" % flag, "`|=` -> `&= ~`")
        elif word == "&=":
            cleared = re.compile(r"\s*~\s*\(uint32_t\)\s*").match(text, end)
            if cleared:
                add(start, cleared.end(), "|= (uint32_t)", "`&= ~` -> `|=`")
        elif word in ("if", "while"):
            open_ = re.compile(r"\s*\(").match(text, end)
            close = closing(text, open_.end() - 1) if open_ else None
            if close:
                add(open_.end(), close, "!(" + source[open_.end():close] + ")", "`%s` negated" % word)
    for start, end in statements(text):
        if in_body[start]:
            add(start, end, ";", "removed")
    # `return 0;` becomes an error by the constant's change; a returned error or call becomes 0.
    for match in re.finditer(r"\breturn\s+(error|rc|false|true)\s*;", text):
        if match.group(1) in ("error", "rc"):
            add(match.start(1), match.end(1), "0", "`%s` -> `0`" % match.group(1))
    found.sort()
    seen = collections.Counter()
    result = []
    for start, end, replacement, what in found:
        number = source.count("\n", 0, start) + 1
        line = " ".join(source.split("\n")[number - 1].split())
        seen[(number, what)] += 1
        nth = seen[(number, what)]
        name = "%s%s in: %s" % (what, "" if nth == 1 else " (no. %d)" % nth, line)
        result.append(Mutant(path, number, name, start, end, replacement))
    return result


def explained():
    """The survivors with a reason: {"FILE: NAME": reason}."""
    reasons, name = {}, None
    try:
        lines = open("tools/mutate-survivors").read().split("\n")
    except FileNotFoundError:
        return reasons
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        if line[0].isspace():
            reasons[name] = (reasons.get(name) or "") + line.strip()
        else:
            name = line.strip()
            reasons[name] = None
    for name, reason in reasons.items():
        if not reason:
            sys.exit("tools/mutate-survivors: no reason for: " + name)
    return reasons


# ---- Building and running ---------------------------------------------------------------------------------------

def limits():
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))


def compile_one(tree, source, output, deps=None):
    command = CC + FLAGS + (["-MD", "-MF", deps] if deps else []) + ["-c", source, "-o", output]
    done = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0, done.stdout


class Build:
    """A copy of the sources and its objects, of which others take what they do not change."""

    def __init__(self, where, jobs):
        self.tree = os.path.abspath(where)
        self.jobs = jobs
        os.makedirs(self.tree, exist_ok=True)

    def copy(self):
        for folder in ("lib", "include", "test"):
            shutil.rmtree(os.path.join(self.tree, folder), ignore_errors=True)
            shutil.copytree(folder, os.path.join(self.tree, folder))

    def object(self, source):
        return os.path.join(self.tree, "objects", source.replace("/", "_") + ".o")

    def compile_all(self):
        os.makedirs(os.path.join(self.tree, "objects"), exist_ok=True)
        self.library = sorted(sum((glob.glob(p) for p in LIBRARY), []))
        self.programs = {}
        sources = list(self.library)
        for name, patterns in PROGRAMS.items():
            self.programs[name] = sorted(sum((glob.glob(p) for p in patterns), []))
            sources += self.programs[name]
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for source, (good, said) in zip(sources, pool.map(
                    lambda s: compile_one(self.tree, s, self.object(s), self.object(s) + ".d"), sources)):
                if not good:
                    sys.exit("%s does not compile:\n%s" % (source, said))
                if os.path.basename(source).startswith("test_"):  # a program of its own, but all are linked into one here
                    subprocess.run(["objcopy", "--wildcard", "--localize-symbol=*", self.object(source)], check=True)

    def users_of(self, path):
        """The sources of the library that include a header."""
        return [s for s in self.library if re.search(r"(^|[\s/])" + re.escape(os.path.basename(path)) + r"\s",
                                                     open(self.object(s) + ".d").read() + " ")]

    def link(self, where, changed):
        """Links the programs with the objects of `changed`, {source: object}; None, or what the linker said."""
        for name, sources in self.programs.items():
            if not sources:
                continue
            command = CC + ["-pthread", "-o", os.path.join(where, name)]
            command += [changed.get(s, self.object(s)) for s in self.library + sources]
            if name == "tests":
                command += ["-Wl,--wrap=" + w for w in WRAPPED]
            command += ["-levent_core", "-ldl"]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode:
                return done.stdout
        return None


class Tests:
    """What is run on a mutant, that which killed most first."""

    def __init__(self, record):
        self.record = record
        self.lock = threading.Lock()
        self.kills = collections.Counter()
        if os.path.exists(record):
            self.kills.update(json.load(open(record)))
        self.scenarios = []
        for scn in sorted(glob.glob("test/conformance/scenarios/*.scn") + glob.glob("test/conformance/random/*.scn")):
            base = os.path.splitext(os.path.basename(scn))[0]
            out = "test/conformance/expected/" + base if "/scenarios/" in scn else "test/conformance/random/" + base
            right = [open(f, "rb").read() for f in glob.glob(out + ".out") + glob.glob(out + ".*.out")]
            self.scenarios.append((base, os.path.abspath(scn), right))

    def killed(self, what):
        with self.lock:
            self.kills[what] += 1
            if sum(self.kills.values()) % 20 == 0:
                self.save()
        return what

    def save(self):
        json.dump(self.kills, open(self.record, "w"))

    def run(self, where, command, limit):
        """The exit status, and the output, of a command, which is stopped at the first failure it tells of."""
        process = subprocess.Popen([os.path.join(where, command[0])] + command[1:], cwd=where, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limits)
        timer = threading.Timer(limit, lambda: os.killpg(process.pid, signal.SIGKILL))
        timer.start()
        said = b""
        failed = None
        for line in process.stdout:
            said += line
            match = re.match(rb"[^ ]+:\d+: (\w+): ", line)
            if match:
                failed = match.group(1).decode()
                os.killpg(process.pid, signal.SIGTERM)
                break
        process.stdout.close()
        try:
            status = process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
        timer.cancel()
        return status, said, failed

    def harness(self, where, *arguments):
        status, said, failed = self.run(where, ["tests", "--jobs", "1", "--limit", "10"] + list(arguments), 300)
        return failed or (status != 0 and status != 77 and "the tests")

    def scenario(self, where, scenario):
        name, path, right = scenario
        status, said, failed = self.run(where, ["scenario", path], 10)
        return status != 3 and (status != 0 or said not in right)

    def kill(self, where):
        """What kills the mutant that was built in `where`; None."""
        first = [w for w, n in self.kills.most_common(12)]
        for name in first:
            if name.startswith("test ") and self.harness(where, "--filter", name[5:]):
                return self.killed(name)
        order = sorted(self.scenarios, key=lambda s: -self.kills["scenario " + s[0]])
        failed = self.harness(where)
        if failed:
            return self.killed("test " + failed)
        for scenario in order:
            if self.scenario(where, scenario):
                return self.killed("scenario " + scenario[0])
        if os.path.exists(os.path.join(where, "explore")):
            status, said, failed = self.run(where, ["explore"], 120)
            if status:
                return self.killed("explore")
        failed = self.harness(where, "--fail-alloc", "--max", "30")
        if failed:
            return self.killed("failing " + failed)
        return None


def attempt(mutant, build, tests, where):
    """Builds and runs one mutant: "killed", "same" code, "broken": does not compile, or "survived"."""
    source = open(mutant.file).read()
    place = os.path.join(where, mutant.file)
    users = [mutant.file] if mutant.file.endswith(".c") else build.users_of(mutant.file)
    changed = {}
    try:
        with open(place, "w") as out:
            out.write(source[:mutant.start] + mutant.text + source[mutant.end:])
        for user in users:
            out = os.path.join(where, "objects", user.replace("/", "_") + ".o")
            good, said = compile_one(where, user, out)
            if not good:
                return "broken", None
            if open(out, "rb").read() != open(build.object(user), "rb").read():
                changed[user] = out
    finally:
        with open(place, "w") as out:
            out.write(source)
    if not changed:
        return "same", None
    if build.link(where, changed):
        return "broken", None
    by = tests.kill(where)
    return ("killed", by) if by else ("survived", None)


def main():
    parser = argparse.ArgumentParser(prog="sh tools/mutate")
    parser.add_argument("--n", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="say what killed each mutant")
    parser.add_argument("--match", help="only mutants with this text in FILE:LINE: NAME")
    parser.add_argument("--again", help="only mutants that this file, the output of an earlier run, names")
    parser.add_argument("--keep", default="build-mutate")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    files = options.files or sorted(glob.glob("lib/task/*.c") + glob.glob("lib/sync/*.c"))
    mutants = sum((mutants_of(f) for f in files), [])
    if options.match:
        mutants = [m for m in mutants if options.match in "%s:%d: %s" % (m.file, m.line, m.name)]
    if options.again:
        named = {re.sub(r":\d+: ", ": ", line.strip(), count=1) for line in open(options.again)}
        mutants = [m for m in mutants if "%s: %s" % (m.file, m.name) in named]
    if options.n is not None and options.n < len(mutants):
        mutants = random.Random(options.seed).sample(mutants, options.n)
    if options.list:
        for m in sorted(mutants):
            print("%s:%d: %s" % (m.file, m.line, m.name))
        return 0
    reasons = explained()

    began = time.time()
    build = Build(os.path.join(options.keep, "base"), options.jobs)
    build.copy()
    build.compile_all()
    said = build.link(build.tree, {})
    if said:
        sys.exit("the tests do not link:\n" + said)
    tests = Tests(os.path.join(options.keep, "kills.json"))
    by = tests.kill(build.tree)
    if by:
        sys.exit("without a mutant, this fails: " + by)
    print("built and passed in %d s; %d mutants of %d files" % (time.time() - began, len(mutants), len(files)),
          flush=True)

    free = []
    for i in range(options.jobs):
        copy = Build(os.path.join(options.keep, "job%d" % i), 1)
        copy.copy()
        os.makedirs(os.path.join(copy.tree, "objects"), exist_ok=True)
        free.append(copy.tree)
    sums = collections.Counter()
    lock = threading.Lock()

    def one(mutant):
        with lock:
            where = free.pop()
        try:
            outcome, by = attempt(mutant, build, tests, where)
        finally:
            with lock:
                free.append(where)
        with lock:
            line = "%s:%d: %s" % (mutant.file, mutant.line, mutant.name)
            if outcome == "survived" and "%s: %s" % (mutant.file, mutant.name) in reasons:
                outcome = "explained"
            sums[outcome] += 1
            if outcome == "survived":
                print(line, flush=True)
            elif options.verbose:
                print("%s%s: %s" % (outcome, " by " + by if by else "", line), flush=True)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done in pool.map(one, mutants):
            pass
    tests.save()
    judged = sums["killed"] + sums["survived"]
    print("%d killed, %d survived, %d explained, %d the same code, %d did not compile; %d s" % (
        sums["killed"], sums["survived"], sums["explained"], sums["same"], sums["broken"], time.time() - began))
    if judged:
        print("killed: %.1f %%" % (100.0 * sums["killed"] / judged))
    print("%d passed, %d failed" % (sums["killed"] + sums["explained"], sums["survived"]))
    return 1 if sums["survived"] or not judged else 0


if __name__ == "__main__":
    sys.exit(main())
