#!/bin/sh
# check_nginx.sh PEER: the dialogue through nginx as a TCP proxy, and pages from it.
. "$(dirname "$0")/common.sh"
peer=$1
begin nginx python3

listen "$peer" answer 3
web=$(free_port) proxy=$(free_port)
module=$(find /usr/lib/nginx/modules /usr/lib64/nginx/modules -name ngx_stream_module.so 2>/dev/null | head -n 1)
{
    [ -z "$module" ] || echo "load_module $module;"
    cat <<END
daemon off;
master_process off;
pid $dir/pid;
error_log $dir/error.log;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
    uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
    server { listen 127.0.0.1:$web; root $dir/www; location /moved { return 302 /page; } }
}
END
    [ -z "$module" ] || echo "stream { server { listen 127.0.0.1:$proxy; proxy_pass 127.0.0.1:$port;" \
        "proxy_buffer_size 100; proxy_half_close on; } }"
} >"$dir/conf"
mkdir "$dir/www"
chmod 755 "$dir"
head -c 300000 /dev/urandom >"$dir/www/page"
: >"$dir/www/empty"
nginx -p "$dir" -c "$dir/conf" -e "$dir/error.log" &
pids="$pids $!"
check await_port "$web"

check "$peer" get "http://127.0.0.1:$web/page" >"$dir/back" 2>"$dir/status"
check cmp -s "$dir/www/page" "$dir/back"
check grep -qx 200 "$dir/status"
check "$peer" get "http://127.0.0.1:$web/moved" >"$dir/back" 2>"$dir/status"
check cmp -s "$dir/www/page" "$dir/back"
check "$peer" get "http://127.0.0.1:$web/empty" >"$dir/back" 2>"$dir/status"
check cmp -s /dev/null "$dir/back"
check "$peer" get "http://127.0.0.1:$web/none" >"$dir/back" 2>"$dir/status"
check grep -qx 404 "$dir/status"

# Debian has the proxy in a package of its own, libnginx-mod-stream.
if [ -n "$module" ]; then
    check "$peer" ask "$proxy"
    check "$peer" ask "$proxy"
    check "$peer" ask "$proxy"
    check wait "$last"
else
    echo "without its stream module: not tested as a proxy"
fi
[ $failed -eq 0 ] || tail -n 5 "$dir/error.log"
finish
