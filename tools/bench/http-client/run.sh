#!/bin/sh
# run.sh CLIENT-AWL [ROUNDS]: objects of 100 bytes from nginx on loopback, 10,000 of them, 50 in flight: how many for each
# second of the client's CPU time. The clients take turns in each round; what is printed is the median of each, and the
# median of awl's ratios to the others of the same round. curl and Go are left out where they are missing.
set -u
awl=$1 rounds=${2:-7} n=10000 at_once=50
here=$(dirname "$0")
command -v nginx >/dev/null || { echo "nginx is missing"; exit 77; }
work=$(mktemp -d) || exit 2
trap 'kill $server 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$work/www"
chmod 755 "$work"
head -c 100 /dev/zero >"$work/www/object"
cat >"$work/conf" <<END
daemon off; master_process off; pid $work/pid; error_log $work/error.log;
events { worker_connections 512; }
http { access_log off; keepalive_requests 1000000; open_file_cache max=10;
       client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
       uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
       server { listen 127.0.0.1:$port; root $work/www; } }
END
taskset -c 1 nginx -p "$work" -c "$work/conf" -e "$work/error.log" &
server=$!
sleep 0.5
url=http://127.0.0.1:$port/object

clients=awl
if command -v go >/dev/null && GOFLAGS=-mod=mod GO111MODULE=off go build -o "$work/client-go" "$here/client.go" 2>"$work/go.log"; then
    clients="$clients go"
fi
if command -v curl >/dev/null; then
    clients="$clients curl"
    i=0
    while [ $i -lt $n ]; do
        printf 'url = "%s"\noutput = "/dev/null"\n' "$url"
        i=$((i + 1))
    done >"$work/curl.conf"
fi

# The CPU seconds of one run, user and system, are the last word that each prints.
one()
{
    case "$1" in
    awl) taskset -c 0 "$awl" "$url" $n $at_once ;;
    go) taskset -c 0 "$work/client-go" "$url" $n $at_once ;;
    curl) taskset -c 0 python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
u = resource.getrusage(resource.RUSAGE_CHILDREN)
print("%.3f" % (u.ru_utime + u.ru_stime))' curl -s -Z --parallel-max $at_once -K "$work/curl.conf" ;;
    esac | awk '{ print $NF }'
}

round=0
while [ $round -lt "$rounds" ]; do
    for client in $clients; do
        echo "$client $(one "$client")"
    done
    round=$((round + 1))
done | python3 -c '
import statistics, sys
n, times = int(sys.argv[1]), {}
for line in sys.stdin:
    name, seconds = line.split()
    times.setdefault(name, []).append(float(seconds))
for name, t in times.items():
    ratio = statistics.median(b / a for a, b in zip(times["awl"], t))
    print("%-5s %7.0f objects for each CPU second; awl does %.2f times that" % (name, n / statistics.median(t), ratio))' $n
