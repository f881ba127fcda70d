# shellcheck shell=bash
# Sourced by cross.sh, which has pass, fail and note: drives a built `wampproc` the way a user does.
#
#     smoke BINARY EMULATOR NATIVE
#
# starts `BINARY serve` and checks it with `BINARY call` and `subscribe`; EMULATOR runs both, unless it is empty. With
# NATIVE, a build for this machine, it is called from there too: the two word sizes must understand each other.

server='' scratch='' # what is to be ended and removed, however this ends
out='' url='' realm='' prefix=''
client=() caller=''

smoke_cleanup() {
    if [[ -n $server ]]; then
        kill -KILL "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    if [[ -n $scratch ]]; then rm -rf "$scratch"; fi
}

smoke() {
    local binary=$1 emulator=$2 native=$3
    local -a run=(${emulator:+"$emulator"} "$binary")
    local stats='^\{"ts":"[0-9T:.-]+Z","time":[0-9]{19},"pid":'
    scratch=$(mktemp -d)
    serve "${run[@]}" || return 0

    client=("${run[@]}") caller=''
    answers utcnow '^"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z"$'
    answers started '^"20[0-9]{2}-.*Z"$'
    answers uptime '^[0-9]+(\.[0-9]+)?$'
    answers get_cpus '^\[[0-9]+(,[0-9]+)*\]$'
    answers get_process_stats "$stats$server,"
    answers get_process_monitor "\"pid\":$server,"
    answers get_process_info '^\{"descriptors":[0-9]+,"threads":[0-9]+,"files":\[.*\],"sockets":\[\{.*"status":"LISTEN"'
    refuses wamp.error.invalid_argument set_process_stats_monitoring fast
    refuses wamp.error.no_such_procedure no_such_thing
    events

    if [[ -n $native ]]; then
        client=("$native") caller=' (called from this machine)'
        answers utcnow '^"20.*Z"$'
        answers get_process_stats "$stats$server,"
    elif [[ -n $emulator ]]; then
        note 'target/ has no build for this machine to call it from'
    fi

    local rss
    rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$server/status")
    note "RSS of serve: $rss kB${emulator:+, the emulator and its translations included: no measure of the program}"
    stops
}

# Starts `serve` and takes `url`, `realm` and `prefix` from what it says when it is ready.
serve() {
    local word line=''
    mkfifo "$scratch/out"
    "$@" serve --listen 127.0.0.1:0 --node cross --worker smoke >"$scratch/out" 2>"$scratch/serve.log" &
    server=$!
    exec {out}<"$scratch/out"
    read -r -t 30 -u "$out" line || true
    read -r word url realm <<<"$line"
    prefix=crossbar.worker.smoke.
    if [[ $word == ready && $url == ws://127.0.0.1:* && -n $realm ]]; then
        pass "serve is ready at $url, realm $realm"
    else
        fail "serve said «$line» where «ready URL REALM» was expected" "$scratch/serve.log"
        return 1
    fi
}

# Runs the client; its output goes to "$scratch/result" and "$scratch/error".
wampproc() {
    local command=$1
    shift
    timeout 60 "${client[@]}" "$command" --url "$url" --realm "$realm" --timeout 30s "$@" \
        >"$scratch/result" 2>"$scratch/error"
}

# answers PROCEDURE REGEX [ARG…]: the call succeeds, and its one line of output matches.
answers() {
    local status=0
    wampproc call "$prefix$1" "${@:3}" || status=$?
    if ((status == 0)) && [[ $(wc -l <"$scratch/result") == 1 ]] && grep -Eq -- "$2" "$scratch/result"; then
        pass "$1$caller"
    else
        fail "$1$caller: exit $status; expected a match of $2, got: $(cat "$scratch/result")" "$scratch/error"
    fi
}

# refuses URI PROCEDURE [ARG…]: the call ends in that WAMP error.
refuses() {
    local uri=$1 status=0
    shift
    wampproc call "$prefix$1" "${@:2}" || status=$?
    if ((status == 1)) && grep -qF "$uri" "$scratch/error"; then
        pass "$* → $uri"
    else
        fail "$*: exit $status where 1 and $uri were expected" "$scratch/error"
    fi
}

# An event every 0.1 s reaches a subscriber, which therefore may come at any time.
events() {
    local status=0
    answers set_process_stats_monitoring '^null$' 0.1
    wampproc subscribe "${prefix}on_process_stats" --count 2 || status=$?
    if ((status == 0)) && [[ $(wc -l <"$scratch/result") == 2 ]]; then
        pass 'on_process_stats'
    else
        fail "on_process_stats: exit $status; expected two events, got: $(cat "$scratch/result")" "$scratch/error"
    fi
    answers set_process_stats_monitoring '^null$' 0
}

# SIGTERM ends the server in time with exit code 0, and its standard output held that one line.
stops() {
    local from=$EPOCHREALTIME line='' closed=0 status=0
    kill -TERM "$server"
    read -r -t 10 -u "$out" line || closed=$?
    if ((closed > 128)); then
        fail 'SIGTERM did not end serve within 10 s' "$scratch/serve.log"
        return
    fi
    wait "$server" || status=$?
    server=''
    local ms=$(((${EPOCHREALTIME/./} - ${from/./}) / 1000))
    if ((status == 0)) && [[ -z $line ]]; then
        pass "SIGTERM: exit 0 after $ms ms"
    else
        fail "SIGTERM: exit $status after $ms ms, further output «$line»" "$scratch/serve.log"
    fi
}
