#!/bin/sh
# Makes the certificates and keys of the programs about TLS anew. They are for tests only and valid from 2020 to 2120.
set -eu
cd "$(dirname "$0")"
here=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >settings <<'END'
[ca]
default_ca = tests
[tests]
database = index
new_certs_dir = .
default_md = sha256
policy = any
default_startdate = 20200101000000Z
default_enddate = 21200101000000Z
unique_subject = no
rand_serial = yes
copy_extensions = none
[any]
countryName = optional
organizationName = optional
commonName = supplied
[folder]
O = Tests
CN = Folder
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, DNS:*.example.test, IP:127.0.0.1, IP:::1, email:someone@example.test, URI:https://example.test/, RID:1.2.3.4, dirName:folder
authorityInfoAccess = OCSP;URI:http://ocsp.example.test/, caIssuers;URI:http://issuers.example.test/
crlDistributionPoints = URI:http://lists.example.test/
[other]
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:other.test
[client]
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
extendedKeyUsage = clientAuth
END
: >index

# certificate NAME SUBJECT [OPTION...]
certificate() {
    name=$1
    openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt >"$name.key"
    openssl req -new -key "$name.key" -subj "$2" -out request
    shift 2
    openssl ca -batch -notext -config settings -in request -extensions "$name" -out "$name.crt" "$@"
}

certificate authority "/O=Tests/CN=Authority" -selfsign -keyfile authority.key
for who in "server /C=XX/O=Tests/CN=localhost" "other /O=Tests/CN=other.test" "client /O=Tests/CN=client"; do
    certificate "${who%% *}" "${who#* }" -cert authority.crt -keyfile authority.key
    cat "${who%% *}.crt" "${who%% *}.key" >"$here/${who%% *}.pem"
done
cp authority.crt "$here/authority.pem"

# The server's key, locked with a password.
openssl pkey -in server.key -aes256 -passout pass:secret -out locked.key
cat server.crt locked.key >"$here/locked.pem"
