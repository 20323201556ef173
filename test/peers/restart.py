"""restart.py PROXY COUNT FOLDER SITE…: requests through a proxy while the server behind it is restarted COUNT times.

SITE… is the command that starts the server on a port which those before and after it share: each new one accepts before
the old one gets SIGTERM. What may be sent twice is always answered. A POST that a proxy sends into a connection just when
that ends may fail, as nobody may send it again; but one that a server has handled is answered.
"""
import http.client
import signal
import subprocess
import sys
import threading
import time

proxy, count, folder, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
servers, wrong, answered, unanswered = [], [], [], []
over = False


def start():
    with open(f"{folder}/log.{len(servers)}", "w") as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    servers.append(server)
    server.stdout.readline()


def end(server):
    server.terminate()
    if server.wait(20):
        wrong.append(f"exit status {server.returncode}")


def ask(connection, method, path):
    """Whether it is answered well, and with what. If the proxy passes on that a connection has ended, instead of an answer,
    clients send again what may be sent twice, as RFC 9112, 9.3.1 has it; so does this one, once."""
    for attempt in range(1 if method == "POST" else 2):
        try:
            connection.request(method, path, b"x" * 5000 if method[0] == "P" else None)
            response = connection.getresponse()
            text = response.read()
            return response.status == 200 and (text == b"5000" or method == "GET"), text
        except (OSError, http.client.HTTPException) as e:
            connection.close()
            text = repr(e)
    return False, text


def client(n):
    connection, i = http.client.HTTPConnection("127.0.0.1", proxy, timeout=10), 0
    while not over:
        i += 1
        method, path = [("GET", "/slow/10"), ("PUT", "/count"), ("POST", "/count"), ("GET", "/files/a.txt")][i % 4]
        path = f"{path}?{n}.{i}"
        good, text = ask(connection, method, path)
        (answered if good else unanswered).append(path)
        if not good and method != "POST":
            wrong.append(f"{method} {path}: {text}")


signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
try:
    start()
    clients = [threading.Thread(target=client, args=[n], daemon=True) for n in range(8)]
    for thread in clients:
        thread.start()
    for _ in range(count):
        time.sleep(0.2)
        start()
        end(servers[-2])
    time.sleep(0.2)
    over = True
    for thread in clients:
        thread.join()
    end(servers[-1])
finally:
    for server in servers:
        server.kill()

# What the servers have handled.
handled = set()
for i in range(len(servers)):
    with open(f"{folder}/log.{i}") as log:
        handled.update(line.split()[1] for line in log if line.split()[2] == "200")
wrong += [f"{path} was handled, and not answered" for path in unanswered if path in handled]
wrong += [f"{path} was answered by nobody" for path in answered if path not in handled]
print(f"{len(answered)} answered, {len(unanswered)} not, {count} restarts")
for line in wrong[:10]:
    print(line)
sys.exit(bool(wrong) or len(answered) < 100)
