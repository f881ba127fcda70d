//! How it ends: exit codes, restarts, giving up.

use std::net::TcpListener;

use nix::sys::signal::Signal;

use super::{run_script, supervise, words};
use crate::support::{Program, run, wampproc};

#[test]
fn the_exit_code_is_the_childs() {
    for code in [0, 1, 7, 125, 255] {
        let end = run_script(&[], &format!("exit {code}"));
        assert_eq!((end.code, end.text()), (Some(code), ""), "{}", end.stderr);
    }
}

#[test]
fn a_signal_is_128_and_its_number() {
    for (signal, code) in [(15, 143), (9, 137), (1, 129), (6, 134), (40, 168), (64, 192)] {
        assert_eq!(run_script(&[], &format!("kill -{signal} $$; sleep 100")).code, Some(code), "signal {signal}");
    }
}

#[test]
fn what_cannot_be_run_has_its_codes() {
    let serve = ["serve", "--listen", "127.0.0.1:0", "--"];
    for (program, code, reason) in [
        ("/nonexistent/program", 127, "No such file or directory"),
        ("no-such-program-in-path", 127, "No such file or directory"),
        ("/etc/passwd", 126, "Permission denied"),
        ("/", 126, "Permission denied"),
    ] {
        let end = run(serve.into_iter().chain([program]));
        assert_eq!(end.code, Some(code), "{program}: {}", end.stderr);
        assert!(end.stderr.contains(&format!("cannot run {program}: {reason}")), "{}", end.stderr);
    }
}

#[test]
fn our_own_failure_is_125_and_nothing_is_started() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let end = run(["serve", "--listen", &taken.local_addr().unwrap().to_string(), "--", "sh", "-c", "echo started"]);
    assert_eq!((end.code, end.text()), (Some(125), ""), "{}", end.stderr);
    assert!(end.stderr.contains("in use"), "{}", end.stderr);
}

#[test]
fn flags_without_a_child_and_dashes_without_a_program_are_refused() {
    for (words, expected) in [
        (&["serve", "--restart", "always"][..], "expected COMMAND behind -- with --restart, got none"),
        (&["join", "--capture", "64K"], "expected COMMAND behind -- with --capture, got none"),
        (&["serve", "--"], "COMMAND: expected a program behind --, got nothing"),
        (&["join", "ws://h/ws", "--", ""], "COMMAND: expected a program, got nothing"),
        (&["serve", "--ready-fd", "77", "--", "true"], "--ready-fd: expected an open descriptor, got 77"),
    ] {
        let end = run(words);
        assert_eq!(end.code, Some(2), "{words:?}");
        assert!(end.stderr.contains(expected), "{words:?}: {}", end.stderr);
    }
}

#[test]
fn it_is_restarted_until_there_were_too_many() {
    let flags = ["--restart", "on-failure", "--restart-delay", "1ms", "--restart-max", "3/1m"];
    let end = run_script(&flags, "echo run; exit 9");
    assert_eq!((end.code, end.text()), (Some(9), "run\nrun\nrun\nrun\n"));
    assert!(end.stderr.contains("it would be more often than --restart-max 3/60s allows"), "{}", end.stderr);
    let end = run_script(&flags, "echo run; exit 0");
    assert_eq!((end.code, end.text()), (Some(0), "run\n"));
}

#[test]
fn the_log_says_how_it_ended_and_then_what_follows() {
    let flags = ["--restart", "on-failure", "--restart-delay", "1ms", "--restart-max", "1/1m"];
    let end = run_script(&flags, "kill -9 $$");
    let logged: Vec<&str> = end.stderr.lines().filter(|line| !line.contains("ready ws://")).collect();
    let expected = ["has ended: SIGKILL", "is started again in", "has ended: SIGKILL", "is not started again"];
    assert_eq!(logged.len(), expected.len(), "{}", end.stderr);
    assert!(logged.iter().zip(expected).all(|(line, text)| line.contains(text)), "{}", end.stderr);
}

#[test]
fn a_signal_to_end_is_not_followed_by_a_restart_also_while_one_is_due() {
    let mut program = supervise(&["--restart", "always", "--restart-delay", "1h"], "echo run; exit 4");
    assert_eq!(program.line(), "run");
    program.wait_for_log("started again in 3600.0 s");
    program.signal(Signal::SIGTERM);
    let end = program.end();
    assert_eq!((end.code, end.text()), (Some(4), ""), "{}", end.stderr);
}

#[test]
fn the_child_goes_on_when_there_is_no_bus() {
    let mut command = wampproc(["join", "ws://127.0.0.1:9/ws", "--no-retry", "--", "sh", "-c", "read line; exit 6"]);
    let mut program = Program::spawn({
        command.stdin(std::process::Stdio::piped());
        command
    });
    program.wait_for_log("the child goes on without the bus");
    drop(program.input());
    assert_eq!(program.end().code, Some(6));
}

#[test]
fn the_ready_line_goes_to_stderr_or_where_it_is_told_and_logs_are_marked() {
    let mut command = std::process::Command::new("sh");
    let script = "exec 3>&1 >/dev/null; exec \"$0\" \"$@\" 2>/dev/null";
    command.args(["-c", script, env!("CARGO_BIN_EXE_wampproc"), "serve", "--listen", "127.0.0.1:0", "--ready-fd", "3"]);
    let mut program = Program::spawn(command);
    assert!(program.line().starts_with("ready ws://127.0.0.1:"));
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(0));

    let mut words = words(&[], "read line");
    words.retain(|word| !["--log-level", "warn"].contains(word));
    let mut command = wampproc(words);
    command.stdin(std::process::Stdio::piped());
    let mut program = Program::spawn(command);
    super::url(&mut program);
    drop(program.input());
    let end = program.end();
    assert_eq!((end.code, end.text()), (Some(1), ""));
    let is_ours = |line: &str| line.starts_with("wampproc: ") || line.starts_with("ready ws://");
    assert!(end.stderr.lines().all(is_ours) && end.stderr.lines().count() > 3, "{}", end.stderr);
}
