# TCP ports of loopback, for programs that cannot be given port 0. shellcheck shell=sh
#
#   free_port         prints one that nothing uses now and that the system gives to nobody by itself: it is still free when a
#                     program has come so far that it binds it
#   await_port PORT   until somebody listens there, for 20 s at most. That is looked up: to connect would be a connection, and to
#                     bind it could be in the way.

free_port()
{
    low=$(cut -f 1 /proc/sys/net/ipv4/ip_local_port_range)
    [ "$low" -gt 12000 ] || low=32768
    while :; do
        free=$((10000 + $(od -An -N2 -tu2 /dev/urandom) % (low - 10000)))
        grep -qs ":$(printf %04X $free) " /proc/net/tcp /proc/net/tcp6 || break
    done
    echo $free
}

await_port()
{
    listening=$(printf ':%04X 0*:0000 0A ' "$1")
    tries=0
    until grep -qs "$listening" /proc/net/tcp /proc/net/tcp6; do
        tries=$((tries + 1))
        [ $tries -lt 400 ] || return 1
        sleep 0.05
    done
}
