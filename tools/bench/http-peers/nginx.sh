#!/bin/sh
# nginx.sh FOLDER PORT [CERT]: nginx as one process, which serves /hello/world from memory and /files/ from FOLDER/www;
# prints the port. With CERT, a PEM file with certificate and key, by TLS 1.2. FOLDER takes its configuration, too.
set -eu
folder=$1 port=$2 ssl=
mkdir -p "$folder/www"
[ $# -lt 3 ] || ssl="ssl; ssl_certificate $3; ssl_certificate_key $3; ssl_protocols TLSv1.2"
cat >"$folder/nginx.conf" <<END
daemon off; master_process off; pid $folder/nginx.pid; error_log $folder/nginx.log;
worker_rlimit_nofile 20000;
events { worker_connections 19980; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600; sendfile on; include /etc/nginx/mime.types;
       client_body_temp_path $folder/t1; proxy_temp_path $folder/t2; fastcgi_temp_path $folder/t3;
       uwsgi_temp_path $folder/t4; scgi_temp_path $folder/t5;
       server { listen 127.0.0.1:$port backlog=1024 $ssl;
                location /hello/ { default_type text/plain; return 200 "Hello world\n"; }
                location /files/ { alias $folder/www/; } } }
END
echo "$port"
exec nginx -p "$folder" -c "$folder/nginx.conf" -e "$folder/nginx.log"
