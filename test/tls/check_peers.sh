#!/bin/sh
# Sets awl's TLS against other implementations, in both roles: openssl, GnuTLS, socat, Python's asyncio.
#
#     check_peers.sh CERTS_H TLS_PEER WHO [ECHO_SERVER TLS_CLIENT TLS_SERVER]
#
# WHO is one of the functions below that begin with `with_`. Exit status: 77 if its program is not there, 1 if something is
# not as it should be; what that is, is said.
# shellcheck disable=SC2086,SC2317 # the wrapper, of a cross build, is a list of words; functions are called by name
set -u
. "$(dirname "$0")/../harness/ports.sh"
certs=$(realpath "$1") peer=$(realpath "$2") who=$3 wrapper=${MESON_EXE_WRAPPER-}
shift 3
for program; do
    set -- "$@" "$(realpath "$program")"
    shift
done
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 2' HUP INT TERM
cd "$dir" || exit 2
failed=0 pids=

# The PEM texts of certs.h, as files: ca_pem is ca.pem.
awk '
    /^static const char/ { name = $4; sub(/\[.*/, "", name); sub(/_pem$/, ".pem", name); sub(/_key$/, ".key", name); next }
    name != "" && /^    "/ { line = $0; sub(/^    "/, "", line); sub(/\\n";?$/, "", line); print line > name }
' "$certs"

# need PROGRAM: or there is nothing to do here.
need()
{
    command -v "$1" >/dev/null || exit 77
}

# expect TEXT FILE: a line of the file has the text in it.
expect()
{
    grep -qF -- "$1" "$2" && return
    echo "$who: expected \"$1\" in $2:"
    sed 's/^/    /' "$2"
    failed=1
}

# start NAME COMMAND…: in the background, with its output in NAME.out, and waits until it listens at $port, or, where that is
# empty, until it says at which port.
start()
{
    name=$1
    shift
    : >"$name.out" # of the one before
    "$@" >>"$name.out" 2>&1 </dev/null &
    pids="$pids $!"
    if [ "$port" ]; then
        await_port "$port" && return
    else
        for _ in $(seq 400); do
            port=$(sed -n 's/^listening on 127.0.0.1://p' "$name.out")
            [ -z "$port" ] || return
            sleep 0.05
        done
    fi
    echo "$who: $name does not listen:"
    cat "$name.out"
    failed=1
}

stop()
{
    for pid in $pids; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    pids=
}

# awl TEXT…: our client, against $port; its output is in awl.out.
awl()
{
    timeout 10 $wrapper "$peer" connect --port "$port" --ca ca.pem "$@" >awl.out 2>&1
}

# Our server, on a port that it picks.
start_awl()
{
    port=
    start awl-server $wrapper "$peer" serve --port 0 "$@"
}

with_openssl_server()
{
    need openssl
    for key in ec rsa; do
        port=$(free_port)
        start server openssl s_server -accept "$port" -cert server_$key.pem -key server_$key.key -rev -quiet
        awl --n 3 hello
        expect "resumed=0 peer=O=awl tests, CN=server_$key" awl.out
        expect "resumed=1 peer=O=awl tests, CN=server_$key" awl.out
        expect "got: olleh" awl.out
        stop
    done

    # It wants to know who we are.
    port=$(free_port)
    start server openssl s_server -accept "$port" -cert server_ec.pem -key server_ec.key -rev -quiet -Verify 2 \
        -CAfile ca.pem -verify_return_error
    for key in ec rsa; do
        awl --cert client_$key.pem --key client_$key.key hello
        expect "got: olleh" awl.out
    done
    awl hello
    expect "error: localhost:$port: the server wants a client certificate" awl.out
    awl --cert client_strange.pem --key client_strange.key hello
    expect "the server does not accept our certificate (received alert 48, unknown_ca)" awl.out
    stop

    # What it may be that we cannot talk to.
    port=$(free_port)
    start server openssl s_server -accept "$port" -cert server_ec.pem -key server_ec.key -rev -quiet -tls1_3
    awl hello
    expect "error: localhost:$port: the server requires TLS 1.3" awl.out
    stop
    port=$(free_port)
    start server openssl s_server -accept "$port" -cert server_rsa.pem -key server_rsa.key -rev -quiet -cipher AES128-SHA
    awl hello
    expect "there is no cipher suite in common" awl.out
    stop
    for suite in ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-CHACHA20-POLY1305; do
        port=$(free_port)
        start server openssl s_server -accept "$port" -cert server_rsa.pem -key server_rsa.key -rev -quiet -cipher $suite
        awl hello
        expect "got: olleh" awl.out
        stop
    done
}

with_openssl_client()
{
    need openssl
    start_awl --cert server_ec.pem --key server_ec.key --alpn http/1.1
    client="timeout 10 openssl s_client -connect 127.0.0.1:$port -CAfile ca.pem -verify_return_error -no_ign_eof"
    echo hello | $client -servername localhost -alpn http/1.1 >client.out 2>&1
    expect "Verify return code: 0 (ok)" client.out
    expect "ALPN protocol: http/1.1" client.out
    expect "Protocol  : TLSv1.2" client.out
    expect "protocol=http/1.1 name=localhost resumed=0" awl-server.out

    # Sessions, and what it may not reach us with.
    $client -servername localhost -no_ticket -sess_out session </dev/null >client.out 2>&1
    $client -servername localhost -no_ticket -sess_in session </dev/null >client.out 2>&1
    expect "Reused, TLSv1.2" client.out
    $client -servername example.org -no_ticket -sess_in session </dev/null >client.out 2>&1
    expect "New, TLSv1.2" client.out
    $client -tls1_3 </dev/null >client.out 2>&1
    expect "perhaps it speaks TLS 1.3 only" awl-server.out
    $client -tls1_1 -cipher DEFAULT@SECLEVEL=0 </dev/null >client.out 2>&1
    expect "the client speaks nothing later than TLS 1.1" awl-server.out
    $client -alpn h2 </dev/null >client.out 2>&1
    expect "alert no application protocol" client.out

    # It may ask to begin again, and is refused.
    (sleep 0.3; echo R; sleep 0.3) | timeout 10 openssl s_client -connect 127.0.0.1:"$port" -CAfile ca.pem -tls1_2 >client.out 2>&1
    expect "no renegotiation" client.out
    stop

    start_awl --cert server_rsa.pem --key server_rsa.key --ca ca.pem
    client="timeout 10 openssl s_client -connect 127.0.0.1:$port -CAfile ca.pem -no_ign_eof"
    for key in ec rsa; do
        $client -cert client_$key.pem -key client_$key.key </dev/null >client.out 2>&1
        expect "Verify return code: 0 (ok)" client.out
        expect "peer=O=awl tests, CN=client_$key" awl-server.out
    done
    $client </dev/null >client.out 2>&1
    expect "it has shown no certificate, which is required" awl-server.out
    stop
}

with_gnutls_server()
{
    need gnutls-serv
    for key in ec rsa; do
        port=$(free_port)
        start server gnutls-serv --echo -p "$port" --x509certfile server_$key.pem --x509keyfile server_$key.key -q
        awl --n 2 hello
        expect "got: hello" awl.out
        expect "peer=O=awl tests, CN=server_$key" awl.out
        stop
    done
}

with_gnutls_client()
{
    need gnutls-cli
    start_awl --cert server_rsa.pem --key server_rsa.key
    (echo hello; sleep 0.5) | timeout 10 gnutls-cli --x509cafile ca.pem -p "$port" localhost >client.out 2>&1
    expect "Status: The certificate is trusted" client.out
    expect "hello" client.out
    expect "name=localhost" awl-server.out
    stop
}

with_socat()
{
    need socat
    port=$(free_port)
    start server socat "OPENSSL-LISTEN:$port,fork,reuseaddr,cert=server_ec.pem,key=server_ec.key,verify=0" EXEC:cat
    awl hello
    expect "got: hello" awl.out
    stop
    start_awl --cert server_ec.pem --key server_ec.key
    (echo hello; sleep 0.5) | timeout 10 socat - "OPENSSL:127.0.0.1:$port,cafile=ca.pem,commonname=localhost" >client.out 2>&1
    expect "hello" client.out
    stop
}

with_python()
{
    need python3
    cat >echo.py <<'END'
import asyncio, ssl, sys

async def serve(reader, writer):
    if starttls:
        await reader.readline()
        writer.write(b"go on\n")
        await writer.start_tls(context)
    writer.write(await reader.readline())
    writer.close()

async def main(role, port):
    if role == "serve":
        context.load_cert_chain("server_ec.pem", "server_ec.key")
        server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=None if starttls else context)
        await server.serve_forever()
    context.load_verify_locations("ca.pem")
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    writer.write(b"x" * 300000 + b"\n")
    line = b""
    while not line.endswith(b"\n"):
        line += await reader.read(65536)
    print("got", len(line), writer.get_extra_info("cipher")[0])
    writer.close()
    await writer.wait_closed()
    print("closed")

role, port = sys.argv[1], int(sys.argv[2])
starttls = "starttls" in sys.argv
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if role == "serve" else ssl.PROTOCOL_TLS_CLIENT)
asyncio.run(main(role, port))
END
    port=$(free_port)
    start server python3 echo.py serve "$port"
    awl --n 2 hello
    expect "got: hello" awl.out
    stop
    if python3 -c 'import asyncio; asyncio.StreamWriter.start_tls' 2>/dev/null; then
        port=$(free_port)
        start server python3 echo.py serve "$port" starttls
        awl --starttls hello
        expect "got: hello" awl.out
        stop
    fi
    start_awl --cert server_ec.pem --key server_ec.key
    timeout 10 python3 echo.py connect "$port" >client.out 2>&1
    expect "got 300001 ECDHE-ECDSA-" client.out
    expect "closed" client.out
    stop
}

# The lessons: what they print is in their comments.
with_examples()
{
    echo_server=$1 tls_client=$2 tls_server=$3
    for server in "$tls_server" "$echo_server"; do
        port=
        start server $wrapper "$server" --port 0 --cert server_ec.pem --key server_ec.key
        timeout 10 $wrapper "$tls_client" --port "$port" --cacert ca.pem localhost >client.out 2>&1
        expect "TLSv1.2, TLS_ECDHE_ECDSA_WITH_" client.out
        expect "certificate of O=awl tests, CN=server_ec" client.out
        expect "got back: hello over TLS" client.out
        stop
    done
}

"with_$who" "$@"
stop
exit "$failed"
