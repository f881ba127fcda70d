//! What OpenSSH's client sees: logins, exit codes, streams, dialogues.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use serde_json::{Value, json};

use super::board::{Board, PASSWORD, UserKey, fingerprint, ssh};
use crate::support::{End, Program};

#[track_caller]
fn assert_end(end: &End, code: i32, stdout: &str, stderr: &str) {
    assert_eq!((end.code, end.text(), end.stderr.as_str()), (Some(code), stdout, stderr));
}

#[test]
fn a_command_has_its_streams_and_its_exit_status() {
    let board = Board::new();
    assert_eq!(board.json(&["stats"])["pid"], board.program.id());
    assert_end(&board.run(&["stats", "x"]), 2, "", "stats: expected no arguments, got \"x\"\n");
    assert_end(&board.run(&["nonsense"]), 127, "", "nonsense: no such command; help lists them\n");
    let unknown = "wamp.error.no_such_procedure: there is no procedure \"nothing\"\n";
    assert_end(&board.run(&["call", "nothing"]), 1, "", unknown);
    // A shell on the way takes the quotes off, and JSON is understood all the same.
    let refused = board.run(&["call set_cpu_affinity {\"a\": [1, 2]}"]);
    assert_end(&refused, 1, "", "wamp.error.invalid_argument: cpus: expected a list, got {\"a\": [1, 2]}\n");
    assert_eq!(board.json(&["call", "set_cpu_affinity", "cpus=[0]"]), json!([board.json(&["affinity"])[0]]));

    let threads = board.json(&["threads"]);
    let names: Vec<&str> = threads.as_array().unwrap().iter().map(|thread| thread["name"].as_str().unwrap()).collect();
    for name in ["wampproc", "sampler", "router", "manhole", "ssh-1"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let session = board.json(&["session"]);
    assert_eq!((&session["realm"], &session["sessions"]), (&json!("realm1"), &json!(1)));
    let top = board.run(&["top"]);
    assert!(top.text().contains("tid  cpu %  cpu, s  state"), "{}", top.text());
}

#[test]
fn every_command_answers_in_text_and_in_json() {
    let board = Board::new();
    let simple = wampproc::manhole::COMMANDS
        .iter()
        .filter(|command| !["call", "kick", "events", "exit", "quit"].contains(&command.name));
    for command in simple {
        let end = board.run(&[command.name]);
        assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""), "{}", command.name);
        assert!(!end.text().contains('\x1b') && end.text().ends_with('\n'), "{}: {}", command.name, end.text());
        board.json(&[command.name]);
    }
}

#[test]
fn users_get_in_by_their_key_or_password_and_by_nothing_else() {
    let mut board = Board::new();
    let run = |command| Program::spawn(command).end();
    assert_eq!(run(board.with_password("ann", PASSWORD)).code, Some(0));
    for (user, password) in [("ann", "correct horsE"), ("bob", PASSWORD), ("joe", PASSWORD)] {
        let end = run(board.with_password(user, password));
        assert_eq!(end.code, Some(255), "{user}");
        assert!(end.stderr.contains("Permission denied"), "{}", end.stderr);
        let log = board.program.wait_for_log("wrong password, or no such user");
        assert!(log.contains(&format!("{user} from 127.0.0.1:")), "{log}");
    }
    let stranger = UserKey::new(&board.directory, "stranger");
    let identity = ["-i", stranger.file.to_str().unwrap(), "-o", "PasswordAuthentication=no"];
    assert_eq!(run(ssh(board.port, "joe", &identity, &["affinity"])).code, Some(255));
    let log = board.program.wait_for_log("is none of theirs");
    assert!(log.contains(&fingerprint(&stranger.file)), "{log}");
    assert_eq!(board.run(&["affinity"]).code, Some(0));

    let key = board.directory.path("state/ssh_host_ed25519_key");
    assert_eq!(std::fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
    let manhole = board.json(&["call", "get_manhole"]);
    assert_eq!(manhole["host_key"], fingerprint(&key));
    assert!(!manhole.to_string().contains("horse"), "{manhole}");
    let end = {
        board.program.signal(nix::sys::signal::Signal::SIGTERM);
        board.program.end()
    };
    assert_eq!(end.code, Some(0));
    assert!(!end.stderr.contains("horse"), "no password is in the log");
}

#[test]
fn a_script_on_stdin_comes_out_byte_for_byte() {
    const LINES: usize = 30_000;
    let board = Board::new();
    let one = board.run(&["help", "stats"]);
    // Keys are exchanged anew several times on the way.
    let mut command = board.ssh(&["-T", "-o", "RekeyLimit=200K"], &[]);
    let mut program = Program::spawn({
        command.stdin(Stdio::piped());
        command
    });
    let mut input = program.input();
    let writer = std::thread::spawn(move || input.write_all("help stats\n".repeat(LINES).as_bytes()).unwrap());
    let end = program.end();
    writer.join().unwrap();
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
    assert!(end.text().len() > 1 << 20 && end.text() == one.text().repeat(LINES));
}

#[test]
fn a_dialogue_on_a_terminal() {
    let board = Board::new();
    let mut command = board.ssh(&["-tt"], &[]);
    command.env("TERM", "xterm").stdin(Stdio::piped());
    let mut program = Program::spawn(command);
    let mut input = program.input();
    let wait_for = |program: &mut Program, text: &str| while !program.line().contains(text) {};
    wait_for(&mut program, "help lists the commands");
    input.write_all(b"call get_cpu_c\tlog\tfalse\r").unwrap();
    // The editor draws up to there anew, and then what is typed.
    wait_for(&mut program, "false");
    input.write_all(b"top\r").unwrap();
    wait_for(&mut program, "process ");
    input.write_all(b"qevents\r").unwrap();
    input.write_all(b"\x03").unwrap();
    wait_for(&mut program, "^C");
    input.write_all(b"exit\r").unwrap();
    let end = program.end();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
}

#[test]
fn the_log_is_followed_as_it_is_written() {
    let board = Board::new();
    let mut watching = Program::spawn(board.ssh(&[], &["log", "follow", "--json"]));
    // What is logged before it follows does not reach it.
    let line = 'followed: loop {
        board.run(&["affinity"]);
        while let Some(line) = watching.line_within(std::time::Duration::from_millis(100)) {
            if line.contains("runs affinity") {
                break 'followed line;
            }
        }
    };
    let record: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&record["level"], record.as_object().unwrap().len()), (&json!("info"), 4), "{record}");
    assert!(record["message"].as_str().unwrap().starts_with("joe from 127.0.0.1:"), "{record}");
    watching.signal(nix::sys::signal::Signal::SIGTERM);
    watching.end();
}

#[test]
fn who_is_there_and_kick() {
    let board = Board::new();
    let watching = Program::spawn(board.ssh(&[], &["events"]));
    let number = loop {
        let peers = board.json(&["who"]);
        let other = peers.as_array().unwrap().iter().find(|peer| peer["asking"] == false && peer["user"] == "joe");
        if let Some(Value::Number(number)) = other.map(|peer| &peer["number"]) {
            break number.to_string();
        }
    };
    assert_end(&board.run(&["kick", &number]), 0, "", "");
    assert_eq!(watching.end().code, Some(255));
    let peers = board.json(&["who"]);
    assert_eq!(peers.as_array().unwrap().len(), 1, "{peers}");
}
