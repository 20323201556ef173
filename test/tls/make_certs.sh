#!/bin/sh
# Makes the certificates and keys of these tests, good for 100 years, and prints them as C: sh make_certs.sh > certs.h
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
days=36500

# key NAME EC|RSA…: a private key. ca NAME ISSUER: a CA. leaf NAME ISSUER SAN EKU: a certificate for a key.
key() {
    case $2 in
    EC) openssl ecparam -genkey -name prime256v1 -noout | openssl pkey -out "$1.key" ;;
    P384) openssl ecparam -genkey -name secp384r1 -noout | openssl pkey -out "$1.key" ;;
    *) openssl genrsa "$2" 2>/dev/null | openssl pkey -out "$1.key" ;;
    esac
}
sign() { # NAME ISSUER, extensions on standard input
    openssl req -new -key "$1.key" -subj "/O=awl tests/CN=$1" -out "$1.csr"
    if [ "$1" = "$2" ]; then
        openssl x509 -req -in "$1.csr" -signkey "$1.key" -days $days -extfile /dev/stdin -out "$1.pem" 2>/dev/null
    else
        openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -set_serial "0x$(openssl rand -hex 8)" \
            -days $days -extfile /dev/stdin -out "$1.pem" 2>/dev/null
    fi
}
ca() { printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' | sign "$1" "$2"; }
leaf() { printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$3" "$4" | sign "$1" "$2"; }

both='DNS:localhost,DNS:example.org,DNS:*.wild.example.org,IP:127.0.0.1,IP:::1'
key ca EC && ca ca ca
key stranger EC && ca stranger stranger
key middle EC && ca middle ca
key server_ec EC && leaf server_ec ca "$both" serverAuth
key server_rsa 2048 && leaf server_rsa ca "$both" serverAuth
key server_p384 P384 && leaf server_p384 ca DNS:p384.example.org serverAuth
key deep EC && leaf deep middle DNS:deep.example.org serverAuth
key other EC && leaf other ca DNS:other.example.net serverAuth
key client_ec EC && leaf client_ec ca DNS:client.example.org clientAuth
key client_rsa 2048 && leaf client_rsa ca DNS:client.example.org clientAuth
key client_strange EC && leaf client_strange stranger DNS:client.example.org clientAuth
key rsa_1024 1024 && leaf rsa_1024 ca "$both" serverAuth
key rsa_4992 4992

# The same keys in other forms.
openssl rsa -in server_rsa.key -traditional -out server_rsa_pkcs1.key 2>/dev/null
openssl ec -in server_ec.key -out server_ec_sec1.key 2>/dev/null
openssl pkey -in server_ec.key -aes128 -passout pass:secret -out encrypted.key
openssl rsa -in server_rsa.key -traditional -aes128 -passout pass:secret -out encrypted_pkcs1.key 2>/dev/null
openssl genpkey -algorithm ed25519 -out ed25519.key

echo '/* Certificates and keys for tests, made by make_certs.sh. Their secrets are public. */'
for f in *.pem *.key; do
    printf '\nstatic const char %s[] __attribute__((unused)) =\n' "$(echo "$f" | tr . _)"
    sed 's/.*/    "&\\n"/; $s/$/;/' "$f"
done

# Digests of one certificate, and of its key.
digest() { openssl dgst -sha256 -r | cut -d' ' -f1; }
printf '\nstatic const char server_ec_sha256[] __attribute__((unused)) = "%s";\n' \
    "$(openssl x509 -in server_ec.pem -outform der | digest)"
printf 'static const char server_ec_key_sha256[] __attribute__((unused)) = "%s";\n' \
    "$(openssl pkey -in server_ec.key -pubout -outform der | digest)"
