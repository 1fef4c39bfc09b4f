#!/bin/sh
# make.sh DIR   a private CA (ca.pem), a certificate of it for 127.0.0.1, 0.0.0.0 (which leads there too) and localhost (server.pem, server.key),
# and another CA (other-ca.pem) that issued nothing.  Good for years.
set -eu
mkdir -p "$1"
cd "$1"
ca() { # name
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 3650 -subj "/CN=$1" \
    -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout "$1.key" -out "$1.pem"
}
{
  ca ca
  ca other-ca
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=platform" \
    -keyout server.key -out server.csr
  printf '%s\n' 'basicConstraints=CA:FALSE' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=serverAuth' \
    'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:0.0.0.0' > server.ext
  openssl x509 -req -sha256 -days 3650 -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile server.ext \
    -out server.pem
} 2>/dev/null
