"""What check_awl_get.sh downloads from: awl_get_server.py [CERT KEY] prints its port. A path says how it is served."""
import http.server
import ssl
import sys

BODY = b"".join(b"line %06d\n" % i for i in range(20000))
asked = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def say(self, status, body, *fields, length=None):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = self.path
        asked[path] = asked.get(path, 0) + 1
        begin = self.headers.get("Range", "")
        begin = int(begin[6:-1]) if begin.startswith("bytes=") else 0
        if path.startswith("/asked/"):  # how often another one was asked for
            self.say(200, b"%d\n" % asked.get(path[6:], 0))
        elif path.startswith("/rude"):  # a reason that has a terminal's control characters, as UTF-8 and as bytes
            self.wfile.write(b"HTTP/1.1 404 N\xc3\xb6\xc2\x9b31m\x9b2J\r\nContent-Length: 0\r\n\r\n")
        elif path.startswith("/missing"):
            self.say(404, b"no\n")
        elif path.startswith("/cut") or (path.startswith("/flaky") and asked[path] == 1):
            self.say(200, BODY[:100000], length=len(BODY))
            self.close_connection = True
        elif path.startswith("/busy") and asked[path] == 1:
            self.say(503, b"later\n")
        elif path.startswith("/stall"):
            self.say(200, BODY[:10] if path == "/stall" else b"", length=len(BODY))
            self.wfile.flush()
            self.rfile.read(1)
            self.close_connection = True
        elif path.startswith("/resume") and begin >= len(BODY):
            self.say(416, b"", ("Content-Range", "bytes */%d" % len(BODY)))
        elif path.startswith("/resume") and begin:
            self.say(206, BODY[begin:], ("Content-Range", "bytes %d-%d/%d" % (begin, len(BODY) - 1, len(BODY))))
        elif path.startswith("/small/"):
            self.say(200, path.encode() + b"\n")
        else:
            self.say(200, BODY)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
