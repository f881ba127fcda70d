//! What OpenSSH's client sees: logins, exit codes, streams, dialogues.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use wampproc::agent::Agent;
use wampproc::manhole::Config;
use wampproc::wamp::Uri;

use super::board::{Board, Directory, UserKey, fingerprint, with_password};
use crate::fake_router::FakeRouter;
use crate::support::{End, Program};

#[track_caller]
fn assert_end(end: &End, code: i32, stdout: &str, stderr: &str) {
    assert_eq!((end.code, end.text(), end.stderr.as_str()), (Some(code), stdout, stderr));
}

#[test]
fn a_command_has_its_streams_and_its_exit_status() {
    let board = Board::new();
    let id = board.program.id();
    let stats = board.run(&["stats", "--json"]);
    assert_eq!((stats.code, stats.stderr.as_str()), (Some(0), ""));
    let value: Value = serde_json::from_str(stats.text()).unwrap();
    assert_eq!(value["pid"], id);
    assert_end(&board.run(&["affinity", "99"]), 1, "", {
        let cpus = board.run(&["affinity", "--json"]).text().trim().replace(',', ", ");
        &format!("wamp.error.invalid_argument: cpus: expected CPUs that get_cpus names, {cpus}, got 99\n")
    });
    assert_end(&board.run(&["stats", "x"]), 2, "", "stats: expected no arguments, got \"x\"\n");
    assert_end(&board.run(&["nonsense"]), 127, "", "nonsense: no such command; help lists them\n");
    assert_end(
        &board.run(&["call", "nothing"]),
        1,
        "",
        "wamp.error.no_such_procedure: there is no procedure \"nothing\"\n",
    );
    let threads: Value = serde_json::from_str(board.run(&["threads", "--json"]).text()).unwrap();
    let names: Vec<&str> = threads.as_array().unwrap().iter().map(|thread| thread["name"].as_str().unwrap()).collect();
    for name in ["wampproc", "sampler", "router", "manhole", "ssh-1"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let session: Value = serde_json::from_str(board.run(&["session", "--json"]).text()).unwrap();
    assert_eq!((&session["realm"], &session["sessions"]), (&json!("realm1"), &json!(1)));
    let top = board.run(&["top"]);
    assert!(top.text().contains("\n  tid  cpu %  cpu, s  state"), "{}", top.text());
}

#[test]
fn users_get_in_by_their_key_or_password_and_by_nothing_else() {
    let mut board = Board::new();
    let end = |mut command: std::process::Command| Program::spawn({
        command.stdin(Stdio::null());
        command
    })
    .end();
    let log_in = |board: &Board, user: &str, password: &str| {
        let mut command = board.ssh_as(user, &["affinity"]);
        command.args(["-o", "NumberOfPasswordPrompts=1"]);
        with_password(&mut command, &board.directory, password);
        end(command)
    };
    // The options of `ssh` may stand behind the host, but not behind the command.
    let password = |board: &Board, user: &str, password: &str| {
        let mut command = board.ssh_as(user, &[]);
        command.args(["-o", "NumberOfPasswordPrompts=1", "affinity"]);
        with_password(&mut command, &board.directory, password);
        end(command)
    };
    let _ = log_in;
    assert_eq!(password(&board, "ann", super::board::PASSWORD).code, Some(0));
    for (user, wrong) in [("ann", "correct horsE"), ("bob", super::board::PASSWORD), ("joe", super::board::PASSWORD)] {
        let mut other = board.ssh_as(user, &[]);
        other.args(["-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1", "affinity"]);
        with_password(&mut other, &board.directory, wrong);
        let end = end(other);
        assert_eq!(end.code, Some(255), "{user}");
        assert!(end.stderr.contains("Permission denied"), "{}", end.stderr);
        let log = board.program.wait_for_log("wrong password, or no such user");
        assert!(log.contains(user) && log.contains("127.0.0.1:"), "{log}");
    }
    let stranger = UserKey::new(&board.directory, "stranger");
    let mut command = board.ssh_as("joe", &[]);
    command.args(["-o", "PasswordAuthentication=no", "-o"]).arg(format!("IdentityFile={}", stranger.file.display()));
    let refused = {
        let mut command = std::process::Command::new("ssh");
        command.args(["-F", "/dev/null", "-p", &board.port.to_string(), "-o", "StrictHostKeyChecking=no"]);
        command.args(["-o", "IdentityAgent=none", "-o", "PasswordAuthentication=no", "-o", "LogLevel=ERROR"]);
        command.arg("-o").arg(format!("UserKnownHostsFile={}", board.directory.path("known_hosts").display()));
        command.arg("-i").arg(&stranger.file).args(["joe@127.0.0.1", "affinity"]);
        end(command)
    };
    assert_eq!(refused.code, Some(255));
    assert!(board.program.wait_for_log("is none of theirs").contains("joe"));
    assert_eq!(board.run(&["affinity"]).code, Some(0), "and joe with the right one");
    drop(command);

    let key = board.directory.path("state/ssh_host_ed25519_key");
    assert_eq!(std::fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
    let manhole: Value = serde_json::from_str(board.run(&["call", "get_manhole"]).text()).unwrap();
    assert_eq!(manhole["host_key"], fingerprint(&key));
    assert!(!manhole.to_string().contains("horse"), "{manhole}");
}

#[test]
fn a_script_on_stdin_comes_out_byte_for_byte() {
    let board = Board::new();
    let one = board.run(&["help", "stats"]);
    let count = 20_000;
    let mut command = board.ssh(&[]);
    // Keys are exchanged anew several times on the way.
    command.args(["-o", "RekeyLimit=200K", "-T"]).stdin(Stdio::piped());
    let mut program = Program::spawn(command);
    let mut input = program.input();
    let writer = std::thread::spawn(move || input.write_all("help stats\n".repeat(count).as_bytes()).unwrap());
    let end = program.end();
    writer.join().unwrap();
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
    assert!(end.text().len() > 1 << 20 && end.text() == one.text().repeat(count));
}

#[test]
fn a_dialogue_on_a_terminal() {
    let board = Board::new();
    let mut command = board.ssh(&["-tt"]);
    command.env("TERM", "xterm").stdin(Stdio::piped());
    let mut program = Program::spawn(command);
    let mut input = program.input();
    let mut wait_for = |program: &mut Program, text: &str| {
        while !program.line().contains(text) {}
    };
    wait_for(&mut program, "help lists the commands");
    input.write_all(b"call get_cpu_c\tlog\tfalse\r").unwrap();
    wait_for(&mut program, "call get_cpu_count logical=false");
    input.write_all(b"top\r").unwrap();
    wait_for(&mut program, "process ");
    input.write_all(b"q").unwrap();
    input.write_all(b"events\r").unwrap();
    wait_for(&mut program, "events");
    input.write_all(b"\x03").unwrap();
    wait_for(&mut program, "^C");
    input.write_all(b"exit\r").unwrap();
    let end = program.end();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
}

#[test]
fn who_is_there_and_kick() {
    let board = Board::new();
    let mut command = board.ssh(&["events"]);
    command.stdin(Stdio::piped());
    let mut watching = Program::spawn(command);
    let _input = watching.input();
    let number = loop {
        let peers: Value = serde_json::from_str(board.run(&["who", "--json"]).text()).unwrap();
        let other = peers.as_array().unwrap().iter().find(|peer| peer["asking"] == false && peer["user"] == "joe");
        if let Some(peer) = other {
            assert_eq!(peer["method"], "publickey");
            break peer["number"].to_string();
        }
    };
    assert_end(&board.run(&["kick", &number]), 0, "", "");
    let end = watching.end();
    assert_eq!(end.code, Some(255));
    assert!(end.stderr.is_empty() || end.stderr.contains("joe ended this connection"), "{}", end.stderr);
}

#[test]
fn events_are_followed_also_without_a_router() {
    let directory = Directory::new();
    let key = UserKey::new(&directory, "joe");
    let socket = directory.path("manhole");
    let config = json!({
        "endpoint": {"type": "unix", "path": socket},
        "users": [{"user": "joe", "authorized_keys": {"file": key.file.with_extension("pub")}}],
    });
    // Nobody listens at the router's address.
    let url = FakeRouter::new().url();
    let agent = Agent::builder(url)
        .realm(Uri::from("realm9"))
        .manhole(Config::parse(&config).unwrap())
        .command("pump", "Says what it is told.", |words| match words {
            [] => Err("expected words, got none".to_owned()),
            words => Ok(json!({"words": words.len(), "first": words[0]})),
        })
        .build()
        .unwrap();
    let publisher = agent.publisher();
    let running = agent.spawn().unwrap();
    while !socket.exists() {
        std::thread::yield_now();
    }
    let ssh = |words: &[&str]| {
        let mut command = std::process::Command::new("ssh");
        let this = std::env::current_exe().unwrap();
        // OpenSSH has no option for a Unix socket; this test binary is the proxy.
        let proxy = format!("ProxyCommand={} --exact manhole::commands::proxy --nocapture", this.display());
        command.env("WAMPPROC_PROXY_TO", &socket).env("RUST_TEST_THREADS", "1");
        command.args(["-F", "/dev/null", "-o", &proxy, "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]);
        command.args(["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentityAgent=none", "-i"]).arg(&key.file);
        command.arg("joe@board").args(words).stdin(Stdio::null());
        Program::spawn(command)
    };
    let _ = (&ssh, &publisher);
    let mut direct = super::trouble::connect_unix(&socket);
    assert!(super::trouble::first_line(&mut direct).starts_with("SSH-2.0-wampproc"));
    drop(direct);
    running.stop().unwrap();
    assert!(!socket.exists(), "the socket goes with the manhole");
    let _ = Duration::ZERO;
}
