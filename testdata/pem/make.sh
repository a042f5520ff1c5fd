#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# make.sh DIR: makes the PEM files of this folder anew in DIR, with OpenSSL 3. The
# keys are worth nothing: they were made for this, and the passphrase is "words".
# The tests run it where there is an openssl, and read what lies here besides.
set -eu
cd "$1"

new() { openssl genpkey -algorithm "$@" 2>/dev/null; }
seal() { from=$1 to=$2; shift 2; openssl pkcs8 -topk8 -in "$from" -out "$to" -passout pass:words "$@"; }
certify() { openssl req -x509 -new -key "$1" -subj '/DC=org/DC=scicred-test/CN=Test User' -days 365 -out "$2"; }

new EC -pkeyopt ec_paramgen_curve:P-256 >ec.key.pem
new RSA -pkeyopt rsa_keygen_bits:2048 >rsa.key.pem
certify ec.key.pem ec.cert.pem
certify rsa.key.pem rsa.cert.pem

# What is read: PBES2, and the traditional form.
seal ec.key.pem ec.default.pem
seal ec.key.pem ec.aes128-sha1.pem -v2 aes-128-cbc -v2prf hmacWithSHA1
seal ec.key.pem ec.aes192-sha224.pem -v2 aes-192-cbc -v2prf hmacWithSHA224
seal ec.key.pem ec.aes256-sha384.pem -v2 aes-256-cbc -v2prf hmacWithSHA384
seal ec.key.pem ec.aes256-sha512.pem -v2 aes-256-cbc -v2prf hmacWithSHA512 -iter 10000
seal ec.key.pem ec.des3.pem -v2 des3
seal rsa.key.pem rsa.default.pem
openssl ec -in ec.key.pem -aes256 -passout pass:words -out ec.traditional-aes256.pem 2>/dev/null
openssl rsa -in rsa.key.pem -traditional -aes128 -passout pass:words -out rsa.traditional-aes128.pem 2>/dev/null
openssl rsa -in rsa.key.pem -traditional -des3 -passout pass:words -out rsa.traditional-des3.pem 2>/dev/null

# What is refused: another key derivation, older schemes, other ciphers.
seal ec.key.pem unsupported.scrypt.pem -scrypt
seal ec.key.pem unsupported.pbe-sha1-3des.pem -v1 PBE-SHA1-3DES
seal ec.key.pem unsupported.pbe-md5-des.pem -v1 PBE-MD5-DES -provider legacy -provider default
seal ec.key.pem unsupported.camellia.pem -v2 camellia-256-cbc
openssl ec -in ec.key.pem -camellia256 -passout pass:words -out unsupported.traditional.pem 2>/dev/null

# ec.java.pem holds the key of ec.key.pem as Java 17 encrypts it by
# PBEWithHmacSHA256AndAES_256; unlike OpenSSL it states the key's length. It is not
# made anew here.
