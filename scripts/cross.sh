#!/usr/bin/env bash
# Builds a static `wampproc` for one architecture and tries it out:
#
#     scripts/cross.sh x86_64|aarch64|armv7
#
# Builds for release, runs the unit tests, then `serve` with `call` and `subscribe` against it (cross/smoke.sh), ARM
# under qemu-user-static. Prints sizes and, last, «N passed, N failed». For an x86_64 machine with Debian 12.
#
# The toolchain is the first of these that is there:
#   1. rustup's musl target (`rustup target add <arch>-unknown-linux-musl[eabihf]`), linked by the rust-lld it brings.
#   2. The machine's own Rust when it has the architecture's glibc target, as for x86_64; linked statically.
#   3. Debian's rustc-web, unpacked (cross/debian-toolchain.sh), with Debian's cross gcc; static glibc too.
# A static glibc (2.34 and later) looks host names up in /etc/hosts and DNS by itself; other NSS modules (mDNS, LDAP)
# need the shared glibc of the same version on the machine it runs on. musl knows no such modules; its binary is smaller.
#
# Everything made or downloaded is under target/cross and found there by the next run. The cross gcc and the emulator
# are installed with apt-get when they are missing (as root or by sudo); nothing else of the machine changes.
set -euo pipefail

usage() {
    echo 'usage: scripts/cross.sh x86_64|aarch64|armv7' >&2
    exit 2
}
[[ $# == 1 ]] || usage

emulator=''
declare -A not_emulated=() # unit tests that cannot work under the emulator, and why
# What the architecture is called by Rust, Debian, gcc, qemu and readelf.
case $1 in
x86_64)
    musl=x86_64-unknown-linux-musl gnu=x86_64-unknown-linux-gnu
    debian=amd64 gcc=gcc machine='Advanced Micro Devices X86-64'
    packages=(gcc libc6-dev)
    ;;
aarch64)
    musl=aarch64-unknown-linux-musl gnu=aarch64-unknown-linux-gnu
    debian=arm64 gcc=aarch64-linux-gnu-gcc machine=AArch64 emulator=qemu-aarch64-static
    packages=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
    ;;
armv7)
    musl=armv7-unknown-linux-musleabihf gnu=armv7-unknown-linux-gnueabihf
    debian=armhf gcc=arm-linux-gnueabihf-gcc machine=ARM emulator=qemu-arm-static
    packages=(gcc-arm-linux-gnueabihf libc6-dev-armhf-cross)
    not_emulated[process::memory::tests::both_ways_agree_on_the_size_of_memory]="\
qemu's sysinfo(2) cuts the host's memory to 32 bits with mem_unit 1, where a kernel raises mem_unit"
    ;;
*) usage ;;
esac
if [[ $emulator ]]; then
    not_emulated[process::maps::tests::ours_has_a_stack]="\
qemu shows the program's own maps, but the emulator's smaps"
fi

cd "$(dirname "$0")/.."
native_builds=("${CARGO_TARGET_DIR:-target}"/{release,debug}/wampproc)
cache=$PWD/target/cross
# Flags from outside would replace the ones that make the binary static.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS
export CARGO_TARGET_DIR=$cache/build CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=line-tables-only

passed=0 failed=0
pass() {
    passed=$((passed + 1))
    echo "ok      $1"
}
# fail TEXT [LOG]: shows the end of LOG too.
fail() {
    failed=$((failed + 1))
    echo "FAILED  $1"
    if [[ -s ${2-} ]]; then tail -n 20 "$2" | sed 's/^/        /'; fi
}
note() { echo "        $1"; }
step() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

# shellcheck source=scripts/cross/smoke.sh
source scripts/cross/smoke.sh
trap smoke_cleanup EXIT

finish() {
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    exit $((failed > 0))
}

install_packages() {
    local -a as_root=()
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            echo "missing here, and there is no sudo; as root: apt-get install $*" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    echo "installing $*"
    "${as_root[@]}" apt-get -qq update || echo 'some lists could not be read; going on with the others'
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

rust_has_target() { [[ -d $(rustc --print sysroot 2>/dev/null)/lib/rustlib/$1/lib ]]; }

# Whether the machine's own cargo is as new as Cargo.toml asks.
rust_is_new_enough() {
    local needed
    needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    cargo --version >/dev/null 2>&1 &&
        printf '%s\n' "$needed" "$(cargo --version | cut -d' ' -f2)" | sort --check --version-sort 2>/dev/null
}

step "toolchain for $1"
missing=()
if [[ -n $emulator ]] && ! command -v "$emulator" >/dev/null; then missing+=(qemu-user-static); fi
if ! command -v cc >/dev/null; then missing+=(gcc libc6-dev); fi # build scripts and procedural macros need a linker
if rust_is_new_enough && rust_has_target "$musl"; then
    triple=$musl linker=rust-lld
else
    triple=$gnu linker=$gcc
    if ! command -v "$gcc" >/dev/null; then missing+=("${packages[@]}"); fi
fi
if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi

cargo=cargo
if [[ $triple == "$gnu" ]] && ! { rust_is_new_enough && rust_has_target "$gnu"; }; then
    toolchain=$(scripts/cross/debian-toolchain.sh "$debian" "$cache")
    cargo=$toolchain/bin/cargo
    export RUSTC=$toolchain/bin/rustc
fi
note "$("${RUSTC:-rustc}" --version), $triple, linked by $linker"
if [[ $triple == "$gnu" ]]; then
    note "static glibc: host names by /etc/hosts and DNS only; \`rustup target add $musl\` gives a smaller binary"
fi
variable=${triple^^}
variable=CARGO_TARGET_${variable//-/_}
export "${variable}_LINKER=$linker" "${variable}_RUSTFLAGS=-C target-feature=+crt-static"
if [[ -n $emulator ]]; then export "${variable}_RUNNER=$emulator"; fi

step 'release build'
binary=$CARGO_TARGET_DIR/$triple/release/wampproc
if ! "$cargo" build --release --locked --bin wampproc --target "$triple"; then
    fail 'release build'
    finish
fi
headers=$(readelf --file-header --program-headers --wide "$binary")
if [[ $headers == *"$machine"* && $headers != *INTERP* ]]; then
    pass "a static binary for $1"
else
    fail "not a static binary for $1: $(grep -E 'Machine:|INTERP' <<<"$headers" | tr -s ' ' | tr '\n' ';')"
fi
note "stripped size: $(stat -c %s "$binary") bytes"

step "unit tests${emulator:+ under $emulator}"
skips=()
for test in "${!not_emulated[@]}"; do
    note "left out: $test: ${not_emulated[$test]}"
    skips+=(--skip "$test")
done
if "$cargo" test --lib --locked --target "$triple" -- --quiet --exact "${skips[@]}"; then
    pass 'unit tests'
else
    fail 'unit tests'
fi

step "serve and call${emulator:+ under $emulator}"
native='' # the newest one
for build in "${native_builds[@]}"; do
    if [[ -n $emulator && -x $build && $build -nt $native ]]; then native=$build; fi
done
smoke "$binary" "$emulator" "$native"
finish
