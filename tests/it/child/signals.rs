//! Signals to wampproc: passed on to the child's group, or the beginning of the end.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::{call, run_script, stat, supervise, until, url, words};
use crate::support::{PATIENCE, Program};

/// Signals a program by a signal's number.
fn send(program: &Program, number: i32) {
    let status = Command::new("kill").arg(format!("-{number}")).arg(program.id().to_string()).status();
    assert!(status.unwrap().success());
}

#[test]
fn signals_are_passed_on_to_the_group() {
    // HUP, USR1, PIPE, ALRM, CONT, URG, XCPU, WINCH, IO, PWR, the first and the last of the real-time ones.
    let numbers = [1, 10, 13, 14, 18, 23, 24, 28, 29, 30, 34, 40, 64];
    let list = numbers.map(|number: i32| number.to_string()).join(" ");
    let script = format!(
        "for s in {list}; do trap \"echo $s\" $s; done
         sh -c 'for s in {list}; do trap \"echo group $s\" $s; done; echo up; while :; do sleep 100 & wait; done' &
         while :; do wait; done"
    );
    let mut program = supervise(&["--stop-timeout", "1s"], &script);
    assert_eq!(program.line(), "up");
    for number in numbers {
        send(&program, number);
        let mut lines = [program.line(), program.line()];
        lines.sort();
        assert_eq!(lines, [number.to_string(), format!("group {number}")]);
    }
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(143));
}

#[test]
fn a_flood_of_signals_holds_nothing_up() {
    let script = "trap '' 40; trap 'echo two' USR2; echo up; while :; do sleep 100 & wait; done";
    let mut program = supervise(&["--capture", "1"], script);
    let url = url(&mut program);
    assert_eq!(program.line(), "up");
    let flood = format!("while kill -40 {}; do :; done", program.id());
    let floods = [(); 2].map(|()| {
        let mut command = Command::new("sh");
        command.args(["-c", &flood]).stdin(Stdio::null());
        Program::spawn(command)
    });
    for _ in 0..3 {
        program.signal(Signal::SIGUSR2);
        assert_eq!(program.line(), "two", "its output is passed on");
    }
    assert_eq!(call(&url, &["stop_process"]).0, Some(0), "its end is seen");
    program.signal(Signal::SIGTERM);
    assert!(program.ends_within(PATIENCE));
    // Before the id is anybody else's.
    drop(floods);
    assert_eq!(program.end().code, Some(143));
}

#[test]
fn a_dead_childs_signal_is_not_passed_on() {
    let mut program = supervise(&[], "trap 'echo chld' CHLD; echo up; while :; do sleep 100 & wait; done");
    assert_eq!(program.line(), "up");
    send(&program, 17);
    send(&program, 15);
    let end = program.end();
    assert_eq!((end.code, end.text()), (Some(143), ""));
}

#[test]
fn sigterm_is_the_stop_signal_and_others_that_end_are_themselves() {
    for (signal, stop, expected) in [
        (Signal::SIGTERM, "TERM", "TERM"),
        (Signal::SIGTERM, "USR1", "USR1"),
        (Signal::SIGINT, "USR1", "INT"),
        (Signal::SIGQUIT, "USR1", "QUIT"),
    ] {
        let script = "for s in TERM USR1 INT QUIT; do trap \"echo $s; exit 3\" $s; done
                      echo up; while :; do sleep 100 & wait; done";
        let mut program = supervise(&["--stop-signal", stop, "--restart", "always"], script);
        assert_eq!(program.line(), "up");
        program.signal(signal);
        let end = program.end();
        assert_eq!((end.code, end.text().trim_end()), (Some(3), expected));
    }
}

#[test]
fn a_signal_before_the_start_ends_us_and_nothing_is_started() {
    // It waits already when wampproc begins, which is the earliest that there is.
    let mut command = Command::new("env");
    command.args([
        "--block-signal=TERM",
        "sh",
        "-c",
        "kill -TERM $$; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_wampproc"),
    ]);
    command.args(words(&["--restart", "always"], "echo never"));
    let end = Program::spawn(command).end();
    assert_eq!((end.code, end.text()), (Some(143), ""), "{}", end.stderr);
}

#[test]
fn a_second_sigterm_is_passed_on_again() {
    let script = "trap 'n=$((n+1)); echo $n; [ $n = 3 ] && exit 8' TERM; echo up; while :; do sleep 100 & wait; done";
    let mut program = supervise(&[], script);
    assert_eq!(program.line(), "up");
    for count in ["1", "2"] {
        program.signal(Signal::SIGTERM);
        assert_eq!(program.line(), count);
    }
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(8));
}

#[test]
fn who_ignores_the_stop_signal_is_killed_with_all_that_descends_from_it() {
    let script = "trap '' TERM
                  setsid sh -c 'echo $$; while :; do sleep 1; done' &
                  wait; wait; while :; do sleep 1; done";
    let mut program = supervise(&["--stop-timeout", "300ms"], script);
    let daemon = program.line();
    let since = Instant::now();
    program.signal(Signal::SIGTERM);
    let end = program.end();
    assert_eq!(end.code, Some(137), "{}", end.stderr);
    assert!((Duration::from_millis(300)..Duration::from_secs(5)).contains(&since.elapsed()), "{:?}", since.elapsed());
    assert_eq!(stat(&daemon), None);
}

#[test]
fn a_terminal_stop_stops_both_and_a_continue_lets_both_go_on() {
    for signal in [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU] {
        let mut program = supervise(&[], "echo $$; exec sleep 100");
        let child = program.line();
        let own = Pid::from_raw(program.id().try_into().unwrap());
        program.signal(signal);
        let stopped = waitid(Id::Pid(own), WaitPidFlag::WSTOPPED).unwrap();
        assert_eq!(stopped, WaitStatus::Stopped(own, Signal::SIGSTOP));
        until("the child is stopped", || stat(&child).is_some_and(|fields| fields[0] == "T"));
        program.signal(Signal::SIGCONT);
        until("the child goes on", || stat(&child).is_some_and(|fields| fields[0] == "S"));
        program.signal(Signal::SIGTERM);
        assert_eq!(program.end().code, Some(143));
    }
}

#[test]
fn a_stopped_child_can_be_ended() {
    let mut program = supervise(&[], "echo up; kill -STOP $$; echo never");
    assert_eq!(program.line(), "up");
    let own = program.id().to_string();
    until("the child is stopped", || {
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        let threads = std::fs::read_dir(format!("/proc/{own}/task")).unwrap().flatten();
        let children = threads.fold(children, |all, thread| {
            all + " " + &std::fs::read_to_string(thread.path().join("children")).unwrap_or_default()
        });
        children.split_whitespace().any(|child| stat(child).is_some_and(|fields| fields[0] == "T"))
    });
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(143));
}

/// The signals of a line of `/proc/PID/status`, without those that the C library keeps for itself (32 and 33): its
/// posix_spawn(3) has them ignored.
pub fn set(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t")).unwrap();
    u64::from_str_radix(line, 16).unwrap() & !(0b11 << 31)
}

#[test]
fn the_child_has_the_mask_and_the_dispositions_that_we_were_given() {
    // What this process ignores so does what it starts; but SIGPIPE, bit 12, only in Rust's programs themselves.
    let own = set(&std::fs::read_to_string("/proc/self/status").unwrap(), "SigIgn") & !(1 << 12);
    let end = run_script(&[], "exec cat /proc/self/status");
    assert_eq!((set(end.text(), "SigBlk"), set(end.text(), "SigIgn")), (0, own));
    let mut command = Command::new("env");
    command.args(["--ignore-signal=HUP", "--ignore-signal=CHLD", env!("CARGO_BIN_EXE_wampproc"), "serve"]);
    command.args(["--listen", "127.0.0.1:0", "--", "cat", "/proc/self/status"]);
    let end = Program::spawn(command).end();
    // SIGHUP is bit 0, SIGCHLD bit 16.
    assert_eq!((end.code, set(end.text(), "SigIgn")), (Some(0), own | 0x10001), "{}", end.stderr);
}
