#!/bin/sh
# http_client.sh CLIENT SERVER [https]: our HTTP client against nginx, lighttpd, haproxy, node or python; with https, over TLS
# where the server is one that can. Skipped (77) where a program is missing.
. "$(dirname "$0")/common.sh"
client=$1 server=$2 secure=${3-}
begin python3
chmod 755 "$dir"
unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY

port=$(free_port) www=$dir/www scheme=http
mkdir "$www"
python3 -c 'print("\n".join(str(i) for i in range(40000)))' >"$www/page.txt"
: >"$www/empty.txt"
if [ "$secure" ]; then
    need openssl
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:TRUE \
        -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null || exit 2
    export SSL_CERT_FILE="$dir/cert.pem"
    scheme=https
fi

# nginx_at PORT
nginx_at()
{
    cat >"$dir/nginx.conf" <<END
daemon off; master_process off; pid $dir/pid; error_log $dir/error.log;
events { worker_connections 64; }
http {
    log_format conn '\$connection'; access_log $dir/access.log conn;
    client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
    uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
    types { text/plain txt; } gzip on; gzip_types text/plain; gzip_min_length 1;
    server {
        listen 127.0.0.1:$1 ${secure:+ssl}; root $www;
        ${secure:+ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem;}
        location /moved { return 302 /again; }
        location /again { return 301 /page.txt; }
        location /loop { return 302 /loop; }
    }
}
END
    nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/error.log" &
    pids="$pids $!"
}

case "$server" in
nginx)
    need nginx
    nginx_at "$port"
    ;;
lighttpd)
    need lighttpd
    cat >"$dir/lighttpd.conf" <<END
server.document-root = "$www"
server.port = $port
server.bind = "127.0.0.1"
server.modules = ("mod_redirect")
url.redirect = ("^/moved" => "/page.txt")
END
    lighttpd -D -f "$dir/lighttpd.conf" 2>"$dir/error.log" &
    pids="$pids $!"
    ;;
haproxy)
    need haproxy nginx
    behind=$(free_port)
    nginx_at "$behind"
    check await_port "$behind"
    cat >"$dir/haproxy.conf" <<END
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend f
    bind 127.0.0.1:$port
    default_backend b
backend b
    server s 127.0.0.1:$behind
END
    haproxy -f "$dir/haproxy.conf" 2>"$dir/error.log" &
    pids="$pids $!"
    ;;
node)
    need node
    cat >"$dir/server.js" <<'END'
const [, , port, www] = process.argv, fs = require('fs'), zlib = require('zlib');
require('http').createServer((q, r) => {
  if (q.url === '/moved') { r.writeHead(307, { Location: '/page.txt' }); r.end('x'); return; }
  if (q.method === 'PUT') { q.pipe(r); return; }          // chunked, both ways, at the same time
  if (!fs.existsSync(www + q.url)) { r.writeHead(404); r.end(); return; }
  r.writeHead(200, { 'Content-Encoding': 'deflate' });
  fs.createReadStream(www + q.url).pipe(zlib.createDeflate()).pipe(r);
}).listen(port, '127.0.0.1');
END
    node "$dir/server.js" "$port" "$www" &
    pids="$pids $!"
    ;;
python)
    (cd "$www" && exec python3 -c '
import http.server, sys
http.server.SimpleHTTPRequestHandler.protocol_version = "HTTP/1.1"
http.server.SimpleHTTPRequestHandler.log_message = lambda *a: None
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
' "$port") &
    pids="$pids $!"
    ;;
*)
    echo "usage: $0 CLIENT nginx|lighttpd|haproxy|node|python [https]" >&2
    exit 2
    ;;
esac

check await_port "$port"
base=$scheme://127.0.0.1:$port
check "$client" get "$base/page.txt" 50 "$www/page.txt"
check "$client" get "$base/empty.txt" 20 "$www/empty.txt"
[ "$server" = python ] || check "$client" get "$base/moved" 20 "$www/page.txt"
if "$client" get "$base/none" 1 "$www/empty.txt" 2>/dev/null; then
    check false
fi
if [ "$server" = nginx ]; then
    # Five at a time, and three programs of which none needed more: the connections were used again.
    check test "$(sort -u "$dir/access.log" | wc -l)" -le 16
    check grep -q . "$dir/access.log"
    if "$client" get "$base/loop" 1 "$www/empty.txt" 2>/dev/null; then
        check false
    fi
fi
if [ "$server" = node ]; then
    "$client" put "$base/echo" "$www/page.txt" >"$dir/back"
    check cmp -s "$www/page.txt" "$dir/back"
fi
[ $failed -eq 0 ] || tail -n 5 "$dir/error.log" 2>/dev/null
finish
