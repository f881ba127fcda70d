#!/bin/bash
# Drives wampproc with real peers: Crossbar.io, autobahn-python, xconn, autobahn-js and wampy.js; OpenSSH, dropbear's client,
# plink, asyncssh and paramiko.
#
#   scripts/interop.sh            every check
#   scripts/interop.sh PART...    some parts (scripts/interop/main.py names them)
#   scripts/interop.sh bench      the agent beside Crossbar.io's NativeProcess, measuring another process beside psutil, the
#                                 manhole beside OpenSSH's and dropbear's servers
#
# One line a check, `ok NAME` or `FAILED NAME: reason`, and last `N passed, N failed`; the exit status is 0 when none
# failed. WAMPPROC names the binary to check; without it the release build is made first (WAMPPROC_ECHO: the same for the
# peer of the part `websocket`). Talks to loopback only, but
# for the installs: a venv in .venv and node_modules beside the scripts (kept for the next run), and, when they are
# missing, Debian's python3-venv, nodejs, npm, openssh-client, sshpass, dropbear-bin and putty-tools, for
# the bench openssh-server, too.

set -uo pipefail
cd "$(dirname "$0")/.." || exit

here=scripts/interop
venv=.venv
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
work=$(mktemp -d "${TMPDIR:-/tmp}/wampproc-interop.XXXXXX")
# Processes of other users reach sockets below it.
chmod 711 "$work"
results=$work/results
: > "$results"
child=

# Ends what this script started, by its id: the Python side ends its own processes when it is told to end.
cleanup() {
    if [ -n "$child" ] && kill -TERM "$child" 2>/dev/null; then
        wait "$child" 2>/dev/null
    fi
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

report() { echo "$@" | tee -a "$results"; }

# Runs a command in the background and waits for it, so that a signal to this script is acted on at once.
run() {
    "$@" &
    child=$!
    wait "$child"
    local status=$?
    child=
    return $status
}

# step NAME COMMAND...: a prerequisite is a check like any other. Its output is shown when it fails.
step() {
    local name=$1
    shift
    if run "$@" > "$work/step.log" 2>&1; then
        report "ok $name"
    else
        tail -n 30 "$work/step.log" | sed 's/^/    /' >&2
        report "FAILED $name: $* ended with an error"
        return 1
    fi
}

# debian PACKAGE...: installs as root, for a machine that lacks a tool.
debian() {
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

python_environment() {
    if ! python3 -c 'import ensurepip, venv'; then
        debian python3 python3-venv || return
    fi
    # The stamp says which requirements the environment was completed for.
    local stamp=$venv/interop.stamp
    if [ -x "$venv/bin/python" ] && cat "$here/requirements.txt" "$here/constraints.txt" | cmp -s - "$stamp" &&
        "$venv/bin/python" -c 'import asyncssh, autobahn, crossbar, kosoku, paramiko, psutil, websockets, xconn'; then
        return
    fi
    rm -rf "$venv"
    python3 -m venv "$venv" &&
        "$venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" -c "$here/constraints.txt" &&
        cat "$here/requirements.txt" "$here/constraints.txt" > "$stamp"
}

ssh_clients() {
    local tool
    for tool in ssh ssh-keygen sshpass dbclient dropbearkey plink puttygen; do
        if ! command -v "$tool"; then
            debian openssh-client sshpass dropbear-bin putty-tools
            return
        fi
    done
}

# The servers that the manhole is compared with, which the bench runs on ports of its own.
ssh_servers() {
    local tool
    for tool in ssh ssh-keygen /usr/sbin/sshd dropbear dropbearkey unshare; do
        if ! command -v "$tool"; then
            debian openssh-client openssh-server dropbear-bin util-linux || return
            break
        fi
    done
    # Run by root, sshd wants its directory, which its service would make.
    [ "$(id -u)" != 0 ] || mkdir -p /run/sshd
}

node_environment() {
    if ! command -v node || ! command -v npm; then
        debian nodejs npm || return
    fi
    cmp -s "$here/package-lock.json" "$here/node_modules/interop.stamp" && return
    # Not `npm ci`: it wants the optional packages of every platform in the lock file, and no optional one is used.
    (cd "$here" && npm install --no-save --omit=optional --no-audit --no-fund --ignore-scripts &&
        cp package-lock.json node_modules/interop.stamp)
}

build() { cargo build --release --locked --features full; }

xconn_router() {
    [ -x "$target/xconn/bin/xconn-router" ] \
        || cargo install --quiet --locked --version 0.1.0 --features router --root "$target/xconn" xconn-core
}

build_echo() { cargo build --locked --example echo; }

# Our agent and Crossbar.io's NativeProcess, driven alike by one program that plays the router: median latency of a call,
# and calls per second with 64 in flight. Then measuring, beside psutil; our router, Crossbar.io's and xconn's; the manhole,
# OpenSSH's server and dropbear's, driven alike by OpenSSH's client. The ratios are what counts.
bench() {
    step "prerequisite: Python environment with Crossbar.io" python_environment || return
    if run cargo bench --locked --bench latency -- --agent-command "$venv/bin/python $here/native_process.py"; then
        report "ok bench: wampproc beside Crossbar.io's NativeProcess"
    else
        report "FAILED bench: it ended with an error"
    fi
    if run cargo bench --locked --bench measure -- --python "$venv/bin/python"; then
        report "ok bench: measuring another process beside psutil"
    else
        report "FAILED bench: measuring another process ended with an error"
    fi
    # Without xconn's router, which takes minutes to build, Crossbar.io's is left to compare with.
    local xconn=$target/xconn/bin/xconn-router
    step "prerequisite: xconn's router" xconn_router || xconn=
    if run "$venv/bin/python" "$here/bench_routers.py" ${xconn:+"$xconn"}; then
        report "ok bench: the router beside Crossbar.io's and xconn's"
    else
        report "FAILED bench: that of the routers ended with an error"
    fi
    step "prerequisite: OpenSSH's and dropbear's servers" ssh_servers || return
    if run cargo bench --locked --bench manhole; then
        report "ok bench: the manhole beside OpenSSH's server and dropbear's"
    else
        report "FAILED bench: that of the manhole ended with an error"
    fi
}

main() {
    step "prerequisite: Python environment with Crossbar.io" python_environment || return
    step "prerequisite: Node environment with autobahn and wampy" node_environment || return
    step "prerequisite: OpenSSH's, dropbear's and PuTTY's clients" ssh_clients || return
    if [ -z "${WAMPPROC:-}" ]; then
        step "prerequisite: the release build" build || return
        WAMPPROC=$target/release/wampproc
    fi
    if [ -z "${WAMPPROC_ECHO:-}" ]; then
        step "prerequisite: the echo peer of the WebSocket layer" build_echo || return
        WAMPPROC_ECHO=$target/debug/examples/echo
    fi
    # All temporary files below go with $work, however the run ends.
    export WAMPPROC WAMPPROC_ECHO TMPDIR=$work PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
    mkfifo "$work/output"
    tee -a "$results" < "$work/output" &
    local copier=$!
    run "$venv/bin/python" "$here/main.py" "$@" > "$work/output"
    local status=$?
    wait "$copier"
    # A run that ended early without naming a failed check must not look like a good one.
    if [ $status -ne 0 ] && ! grep -q '^FAILED ' "$results"; then
        report "FAILED the checks: main.py ended with status $status"
    fi
}

if [ "${1:-}" = bench ]; then
    bench
else
    main "$@"
fi
passed=$(grep -c '^ok ' "$results")
failed=$(grep -c '^FAILED ' "$results")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
