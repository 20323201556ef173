"""terminal.py COMMAND…: whether a program that draws on its terminal leaves it clean when ^C ends it.

The terminal is played: what the program writes goes to lines of text, as far as it uses carriage return, cursor up and erase
to the end of the screen. Of what it drew nothing may be left but its last words, each on a line of its own.
"""
import os
import pty
import re
import signal
import sys
import termios
import time


def screen(data):
    lines, row, column = [""], 0, 0
    for text in re.findall(r"\x1b\[(?:\d*)[A-Za-z]|[\r\n]|[^\x1b\r\n]+", data):
        if text == "\r":
            column = 0
        elif text == "\n":
            row += 1
            while len(lines) <= row:
                lines.append("")
        elif text.startswith("\x1b["):
            n = int(text[2:-1] or 1)
            if text[-1] == "A":
                row = max(0, row - n)
            elif text[-1] == "J":
                lines[row:] = [lines[row][:column]]
            else:
                sys.exit(f"unknown to this terminal: {text!r}")
        else:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text):]
            column += len(text)
    return lines, column


pid, terminal = pty.fork()
if pid == 0:
    modes = termios.tcgetattr(0)
    modes[3] |= termios.NOFLSH  # else ^C drops output that is on its way, and in a race what answers it
    termios.tcsetattr(0, termios.TCSANOW, modes)
    os.execvp(sys.argv[1], sys.argv[1:])
data = b""
started = time.monotonic()
asked = False
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:  # EIO: the other side is closed
        break
    if not piece:
        break
    data += piece
    if not asked and b"total: 1 of 2" in data and data.count(b"\x1b[") > 3:  # it has drawn, more than once
        os.write(terminal, b"\x03")
        asked = True
    if time.monotonic() - started > 20:
        os.kill(pid, signal.SIGKILL)
        break
status = os.waitpid(pid, 0)[1]
lines, column = screen(data.decode())
text = "\n".join(lines)
good = (asked and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT and column == 0 and lines[-1] == ""
        and b"stall" in data and "stall" not in text.replace("^C", "")
        and "awl-get: interrupted" in lines and text.count("total:") == 1)
if not good:
    print(f"status {status}\n{text}")
sys.exit(not good)
