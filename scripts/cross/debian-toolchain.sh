#!/usr/bin/env bash
# Makes a Rust toolchain for one more architecture out of Debian's packages, and prints its directory:
#
#     scripts/cross/debian-toolchain.sh amd64|arm64|armhf CACHE
#
# Nothing is installed and no setting of the machine changes: the packages (rustc-web, cargo-web, the libraries they
# miss here, the standard library of both architectures) are downloaded with apt lists of their own and unpacked under
# CACHE, where a second run finds them. rustc-web conflicts with rustup as an installed package; unpacked it does not.
set -euo pipefail

arch=${1:?} cache=$(realpath -m "${2:?}")
host=$(dpkg --print-architecture)
chosen=$cache/debian-$arch # a link to the toolchain, made last
mkdir -p "$cache"
exec {lock}>"$cache/lock"
flock "$lock"
if [[ -d $chosen/bin ]]; then
    realpath "$chosen"
    exit
fi

say() { printf '%s\n' "$*" >&2; }

# One set of lists for each architecture: an index that a mirror serves broken makes apt drop its whole suite, and that
# must not reach the other architecture.
lists=$cache/apt-$arch
mkdir -p "$lists/lists/partial" "$lists/archives/partial"
options=(
    -o "Dir::State=$lists" -o "Dir::Cache=$lists" -o Dir::State::status=/var/lib/dpkg/status
    -o "APT::Architectures::=$arch" -o Debug::NoLocking=true
)
apt_get() { apt-get -qq "${options[@]}" "$@" >&2; }
versions() { apt-cache "${options[@]}" madison "$1" | awk -F'|' '{ gsub(/ /, "", $2); print $2 }'; }

say "reading Debian's package lists"
apt_get update || say "some lists could not be read; going on with the others"

# Compiler and libraries must be of one version, and the architectures of one suite are not always level.
version=
for candidate in $(versions "rustc-web:$host"); do
    if versions "libstd-rust-web-dev:$arch" | grep -qxF "$candidate"; then
        version=$candidate
        break
    fi
done
if [[ -z $version ]]; then
    say "Debian's sources here have no rustc-web with a libstd-rust-web-dev for $arch (Debian 12 and its security suite do)"
    exit 1
fi
upstream=${version%%+*}
series=${upstream%.*}
toolchain=$cache/rust-web-$version

# Downloads with "$@" and unpacks what came into a directory that appears under its name only when complete.
unpack_into() {
    local directory=$1 package
    shift
    rm -rf "$directory.part" "$lists"/archives/*.deb
    mkdir -p "$directory.part"
    "$@"
    for package in "$lists"/archives/*.deb; do
        dpkg -x "$package" "$directory.part"
    done
    rm -f "$lists"/archives/*.deb
    mv "$directory.part" "$directory"
}

libraries=$(uname -m)-linux-gnu

# A program of the toolchain, run with the libraries beside it wherever the directory is.
wrapper() {
    cat >"$toolchain/bin/$1" <<WRAPPER
#!/bin/sh
root=\$(dirname "\$(dirname "\$(realpath "\$0")")")
export LD_LIBRARY_PATH="\$root/usr/lib/$libraries:\$root/lib/$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
exec "\$root/usr/bin/$1" $2 "\$@"
WRAPPER
    chmod +x "$toolchain/bin/$1"
}

if [[ ! -d $toolchain ]]; then
    say "unpacking Debian's Rust $upstream"
    unpack_into "$toolchain" apt_get -y --no-install-recommends --reinstall --download-only install \
        "rustc-web=$version" "cargo-web=$version" "libstd-rust-web-$series=$version" "libstd-rust-web-dev=$version"
fi
mkdir -p "$toolchain/bin"
wrapper rustc "--sysroot \"\$root/usr\""
wrapper cargo ""

if [[ $arch != "$host" ]]; then
    say "unpacking its standard library for $arch"
    download() { (cd "$lists/archives" && apt_get download "libstd-rust-web-dev:$arch=$version"); }
    unpack_into "$lists/std" download
    for directory in "$lists"/std/usr/lib/rustlib/*-linux-*; do
        rm -rf "$toolchain/usr/lib/rustlib/${directory##*/}"
        mv "$directory" "$toolchain/usr/lib/rustlib/"
    done
    rm -rf "$lists/std"
fi

ln -sfn "${toolchain##*/}" "$chosen"
realpath "$chosen"
