#!/bin/sh
# Makes the certificates of the tests anew, with openssl(1). They are good until 2125; `expired` was until 2020.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
: > "$work/index"
cat > "$work/config" << END
[ca]
default_ca = test
[test]
database = $work/index
new_certs_dir = $work
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
[any]
commonName = supplied
END

# request NAME KEY "COMMON NAME"
request() {
    openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$2"
    openssl req -new -key "$2" -subj "/CN=$3" -out "$work/$1.csr"
}

# sign NAME NOT_AFTER EXTENSIONS OPTION...
sign() {
    name=$1 until=$2
    printf '%b\n' "$3" > "$work/$name.ext"
    shift 3
    openssl ca -batch -notext -config "$work/config" -startdate 20190101000000Z -enddate "$until" \
        -extfile "$work/$name.ext" -in "$work/$name.csr" -out "$name.pem" "$@"
}

# authority NAME "COMMON NAME"
authority() {
    request "$1" "$work/$1.key" "$2"
    sign "$1" 21250101000000Z 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign' \
        -selfsign -keyfile "$work/$1.key"
}

# certificate NAME ISSUER "COMMON NAME" USAGE NOT_AFTER SUBJECT_ALT_NAME
certificate() {
    request "$1" "$1.key" "$3"
    sign "$1" "$5" "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=$4\nsubjectAltName=$6" \
        -cert "$2.pem" -keyfile "$work/$2.key"
}

here="DNS:localhost,IP:127.0.0.1,IP:::1"
authority authority "wampproc test authority"
authority stranger "another test authority"
certificate server authority localhost serverAuth 21250101000000Z "$here"
certificate expired authority localhost serverAuth 20200601000000Z "$here"
certificate foreign stranger localhost serverAuth 21250101000000Z "$here"
certificate client authority "board 7" clientAuth 21250101000000Z DNS:board-7.example
# As openssl makes them unless it is told otherwise: an authority of its own.
request selfsigned selfsigned.key localhost
sign selfsigned 21250101000000Z "basicConstraints=critical,CA:TRUE\nsubjectAltName=$here" -selfsign -keyfile selfsigned.key
certificate unknown stranger "board 8" clientAuth 21250101000000Z DNS:board-8.example
