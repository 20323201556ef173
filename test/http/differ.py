#!/usr/bin/env python3
"""Compares what two servers make of requests: awl's (judge) and node's (judge.js).

    differ.py JUDGE REQUESTS DIFFERENCES [--n N] [--seed N] [--show N]

Inputs are the cases of REQUESTS and N more that are made of them by small changes. Where the answers differ, a line of
DIFFERENCES has to say why. Prints how many inputs each line explains, then those that none does, and
`N passed, N failed`. Exit status 1 if there are any of the latter, 77 without node.
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys

# Behind half of the inputs: whoever has lost count of where messages end answers it differently.
PROBE = b'\r\n\r\nGET /probe HTTP/1.1\r\nHost: a\r\n\r\n'
LONGEST = 1500  # bytes of an input: longer ones are about limits, which are each server's own

PIECES = [b'\r\n', b'\n', b'\r', b' ', b'\t', b':', b';', b',', b'0', b'5', b'a', b'\0', b'\x0b', b'\x7f', b'\xe9', b'"', b'\\',
          b'Content-Length: 5\r\n', b'Content-Length: 0\r\n', b'Transfer-Encoding: chunked\r\n', b'Host: b\r\n', b'X: y\r\n',
          b'Connection: close\r\n', b'Connection: keep-alive\r\n', b'Expect: 100-continue\r\n', b'5\r\nhello\r\n', b'0\r\n\r\n',
          b'GET / HTTP/1.1\r\nHost: a\r\n\r\n', b'HTTP/1.0', b'HTTP/1.1', b'%', b'/', b'?', b'*', b'+', b'-', b'chunked', b'gzip, ',
          b'100-continue', b'close', b'\r\n\r\n', b'x' * 20]


def unescape(text):
    """The bytes of a text with the escapes of the tables of cases."""
    out, i = bytearray(), 0
    single = {'r': 13, 'n': 10, 't': 9, '0': 0, '\\': 92, '"': 34}
    while i < len(text):
        if text[i] != '\\':
            out += text[i].encode('latin-1')
            i += 1
        elif text[i + 1] == 'x':
            out.append(int(text[i + 2:i + 4], 16))
            i += 4
        elif text[i + 1] == '{':
            number, rest = text[i + 2:].split('*', 1)
            depth, end = 1, 0
            while True:
                if rest.startswith('\\{', end):
                    depth += 1
                elif rest[end] == '}':
                    depth -= 1
                    if not depth:
                        break
                end += 1
            out += unescape(rest[:end]) * int(number)
            i += 2 + len(number) + 1 + end + 1
        else:
            out.append(single[text[i + 1]])
            i += 2
    return bytes(out)


def cases(path):
    """The bytes of all cases of a table."""
    with open(path, encoding='latin-1') as file:
        lines = file.read().split('\n')
    for at, line in enumerate(lines):
        if line.startswith('# '):
            yield unescape(lines[at + 1])


def mutated(seeds, rng):
    """One of the seeds with some changes."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at, how = rng.randrange(len(data) + 1), rng.randrange(6)
        if how == 0:
            data[at:at] = rng.choice(PIECES)
        elif how == 1:
            del data[at:at + rng.choice([1, 1, 2, 5])]
        elif how == 2 and at < len(data):
            data[at] = rng.choice(b'\r\n\t :;,/0159aAfFzZ\x00\x01\x7f\x80\xff"\\%')
        elif how == 3:  # a line twice, or elsewhere
            lines = bytes(data).split(b'\r\n')
            lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
            data = bytearray(b'\r\n'.join(lines))
        elif how == 4:
            other = rng.choice(seeds)
            data[at:] = other[rng.randrange(len(other) + 1):]
        else:
            data[at:at + rng.randrange(1, 4)] = rng.choice(PIECES)
    return bytes(data[:LONGEST]) + rng.choice([b'', PROBE, PROBE[2:], PROBE[4:]])


def judge(command, inputs):
    """What a judge says of each input."""
    text = ''.join(one.hex() + '\n' for one in inputs)
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    verdicts = done.stdout.split('\n')[:-1]
    if len(verdicts) != len(inputs):
        sys.exit(f'{command[0]} has judged {len(verdicts)} of {len(inputs)} inputs')
    return verdicts


def differences(path):
    """The known differences: OURS | NODE'S | WRONG | INPUT | why, each of the first four a regular expression."""
    with open(path, encoding='utf-8') as file:
        for line in file:
            if not line.startswith('#') and ' | ' in line:
                ours, theirs, wrong, data, why = line.rstrip('\n').split(' | ', 4)
                yield (re.compile(ours.strip()), re.compile(theirs.strip()), re.compile(wrong.strip()),
                       re.compile(data.strip().encode('latin-1'), re.S), why.strip())


def first_difference(ours, theirs):
    """The answers from the first one on that differs."""
    ours, theirs = ours.split('; '), theirs.split('; ')
    while ours and theirs and ours[0] == theirs[0]:
        ours, theirs = ours[1:], theirs[1:]
    return '; '.join(ours), '; '.join(theirs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('judge')
    parser.add_argument('requests')
    parser.add_argument('differences')
    parser.add_argument('--n', type=int, default=1000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--show', type=int, default=5)
    args = parser.parse_args()
    if not shutil.which('node'):
        print('node is not there')
        sys.exit(77)

    rng = random.Random(args.seed)
    seeds = [one for one in cases(args.requests) if len(one) <= LONGEST]
    inputs = seeds + [mutated(seeds, rng) for _ in range(args.n)]
    known = list(differences(args.differences))
    found = [0] * len(known)
    same, unknown = 0, []
    ours = judge(os.environ.get('MESON_EXE_WRAPPER', '').split() + [args.judge], inputs)
    theirs = judge(['node', sys.argv[0].replace('differ.py', 'judge.js')], inputs)
    for data, a, b in zip(inputs, ours, theirs):
        a, wrong = a.split('\t')
        if a == b:
            same += 1
            continue
        a, b = first_difference(a, b)
        for i, (one, other, words, text, _) in enumerate(known):
            if one.fullmatch(a) and other.fullmatch(b) and words.search(wrong) and text.search(data):
                found[i] += 1
                break
        else:
            unknown.append((data, a, wrong, b))

    print(f'{same} of {len(inputs)} judged alike')
    for n, (_, _, _, _, why) in zip(found, known):
        print(f'{n:6d}  {why}')
    for data, a, wrong, b in unknown[:args.show]:
        print(f'{data!r}\n    awl:  {a} ({wrong})\n    node: {b}')
    print(f'{len(inputs) - len(unknown)} passed, {len(unknown)} failed')
    sys.exit(bool(unknown))


main()
