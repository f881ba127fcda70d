//! A target by a pid file: one process after another.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use wampproc::agent::RunningAgent;
use wampproc::supervisor::{AtExit, TargetChoice};

use super::{Process, builder, event, refusal, replace, result};
use crate::directory::Directory;
use crate::fake_router::{Client, FakeRouter};
use crate::support::{PATIENCE, Program, run, wampproc};

/// An agent that waits for what a file names.
fn wait_for(router: &FakeRouter, file: &Path) -> RunningAgent {
    let choice = TargetChoice::PidFile { path: file.to_owned(), at_exit: AtExit::Wait };
    builder(router, choice).build().unwrap().spawn().unwrap()
}

fn pid(client: &mut Client, names: &[String]) -> Value {
    result(client, names, "get_process_stats", &json!([]))["pid"].clone()
}

/// The next process, however the file came to name it.
fn next(client: &mut Client, names: &[String], process: &Process, restarts: u64) {
    let started = event(client, "on_process_started");
    assert_eq!((started["pid"].as_i64(), started["restarts"].as_u64()), (Some(process.pid().into()), Some(restarts)));
    assert_eq!(started["command"], Value::Null);
    assert_eq!(started["started"], result(client, names, "started", &json!([])));
    assert_eq!(pid(client, names), process.pid());
}

fn ended(client: &mut Client, process: &mut Process, restarts: u64) {
    process.end();
    let exit = event(client, "on_process_exited");
    assert_eq!((exit["pid"].as_i64(), exit["restarts"].as_u64()), (Some(process.pid().into()), Some(restarts)));
}

#[test]
fn one_process_after_another_however_the_file_is_written() {
    let directory = Directory::new();
    let file = directory.path("pump.pid");
    let mut first = Process::idle();
    fs::write(&file, format!("{}\n", first.pid())).unwrap();
    let router = FakeRouter::new();
    let running = wait_for(&router, &file);
    let (mut client, names) = router.serve();
    assert_eq!(pid(&mut client, &names), first.pid());
    // Two polls, so that the next one's first has no rates.
    let monitor = |client: &mut Client| result(client, &names, "get_process_monitor", &json!([]));
    monitor(&mut client);
    assert!(monitor(&mut client).get("cpu_user_per_sec").is_some());
    ended(&mut client, &mut first, 0);
    let gone = ("crossbar.error.runtime_error".to_owned(), format!("process {} has ended", first.pid()));
    assert_eq!(refusal(&mut client, &names, "get_process_monitor"), gone);

    let mut atomically = Process::idle();
    replace(&file, &atomically.pid().to_string());
    next(&mut client, &names, &atomically, 1);
    assert!(monitor(&mut client).get("cpu_user_per_sec").is_none(), "its first poll");
    ended(&mut client, &mut atomically, 1);

    let mut in_place = Process::idle();
    // By a program that never closes it, and writes more than the id.
    let mut open = OpenOptions::new().write(true).truncate(true).open(&file).unwrap();
    open.write_all(format!(" {} \n/usr/bin/pump\n", in_place.pid()).as_bytes()).unwrap();
    next(&mut client, &names, &in_place, 2);
    ended(&mut client, &mut in_place, 2);

    let mut anew = Process::idle();
    fs::remove_file(&file).unwrap();
    fs::write(&file, format!("{}\n", anew.pid())).unwrap();
    next(&mut client, &names, &anew, 3);

    // It is written while the one before runs still.
    let last = Process::idle();
    replace(&file, &last.pid().to_string());
    ended(&mut client, &mut anew, 3);
    next(&mut client, &names, &last, 4);
    drop(client);
    running.stop().unwrap();
}

#[test]
fn what_names_no_process_is_passed_over() {
    let directory = Directory::new();
    let file = directory.path("pump.pid");
    let url = "ws://127.0.0.1:9/ws";
    let path = file.to_str().unwrap();
    let mut program = Program::spawn(wampproc(["join", url, "--pidfile", path, "--wait", "--log-level", "info"]));
    program.wait_for_log("waiting for a process: cannot read the pid file ");
    for garbage in ["pump", "-1", "99999999999999", "0x12"] {
        replace(&file, garbage);
        program.wait_for_log(&format!("pump.pid: expected the id of a process, got {garbage:?}"));
    }
    // The highest that there can be: the id of a process that has just ended may be another's already, as a test beside this one
    // has ids given again.
    replace(&file, "4194303");
    program.wait_for_log("there is no such process; waiting for the next");
    // Left over from a process that had the id before, as in a container that was started again.
    replace(&file, &program.id().to_string());
    program.wait_for_log(&format!("expected the id of another process, got our own, {}; waiting", program.id()));
    let process = Process::idle();
    replace(&file, &process.pid().to_string());
    program.wait_for_log(&format!("the target is process {}", process.pid()));
    assert!(!program.ends_within(std::time::Duration::ZERO));
}

#[test]
fn a_stale_file_names_nobody_until_it_is_written_again() {
    let directory = Directory::new();
    let file = directory.path("pump.pid");
    let mut first = Process::idle();
    replace(&file, &first.pid().to_string());
    let router = FakeRouter::new();
    let running = wait_for(&router, &file);
    let (mut client, names) = router.serve();
    // It has ended, and its id is not free until it is waited for: the same text again names nobody.
    first.kill();
    let exit = event(&mut client, "on_process_exited");
    assert_eq!(exit["pid"], first.pid());
    replace(&file, &first.pid().to_string());
    let second = Process::idle();
    replace(&file, &second.pid().to_string());
    next(&mut client, &names, &second, 1);
    drop(client);
    running.stop().unwrap();
}

#[test]
fn the_directory_of_the_file_may_come_and_go() {
    let directory = Directory::new();
    let (run, file) = (directory.path("run"), directory.path("run/pump/pump.pid"));
    let router = FakeRouter::new();
    let running = wait_for(&router, &file);
    let (mut client, names) = router.serve();
    let (error, sentence) = refusal(&mut client, &names, "uptime");
    assert_eq!(error, "crossbar.error.runtime_error");
    assert!(sentence.starts_with("no process runs: "), "{sentence}");
    for restarts in 0..3 {
        let mut process = Process::idle();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, process.pid().to_string()).unwrap();
        next(&mut client, &names, &process, restarts);
        ended(&mut client, &mut process, restarts);
        fs::remove_dir_all(&run).unwrap();
    }
    drop(client);
    running.stop().unwrap();
}

#[test]
fn ends_while_the_router_is_away_are_told_when_it_is_back() {
    let directory = Directory::new();
    let file = directory.path("pump.pid");
    let mut first = Process::idle();
    replace(&file, &first.pid().to_string());
    let router = FakeRouter::new();
    let running = wait_for(&router, &file);
    let (client, _) = router.serve();
    drop(client);
    // The agent has a connection that is not answered yet.
    let mut client = router.accept();
    client.expect(1);
    first.end();
    let second = Process::idle();
    replace(&file, &second.pid().to_string());
    drop(client);
    let (mut client, names) = router.serve();
    assert_eq!(event(&mut client, "on_process_exited")["pid"], first.pid());
    next(&mut client, &names, &second, 1);
    drop(client);
    running.stop().unwrap();
}

#[test]
fn a_shortage_of_descriptors_is_waited_out() {
    let directory = Directory::new();
    let file = directory.path("pump.pid");
    let mut first = Process::idle();
    replace(&file, &first.pid().to_string());
    let path = file.to_str().unwrap();
    let url = "ws://127.0.0.1:9/ws";
    let mut program = Program::spawn(wampproc(["join", url, "--pidfile", path, "--wait", "--log-level", "info"]));
    // It has begun: its target is open, and it tries to reach the router.
    program.wait_for_log("cannot connect: ");
    let limit = |descriptors: &str| {
        let pid = program.id().to_string();
        let tried = Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={descriptors}:")]).status();
        tried.is_ok_and(|status| status.success())
    };
    // Its standard streams have the three: whatever it opens now is one too many.
    if !limit("3") {
        return eprintln!("skipped: there is no prlimit(1) here");
    }
    first.end();
    program.wait_for_log("pump.pid: Too many open files (os error 24); tried again every second");
    let second = Process::idle();
    replace(&file, &second.pid().to_string());
    assert!(!program.ends_within(std::time::Duration::ZERO));
    let pid = program.id().to_string();
    assert!(Command::new("prlimit").args(["--pid", &pid, "--nofile=1024:"]).status().unwrap().success());
    program.wait_for_log(&format!("the target is process {}", second.pid()));
}

#[test]
fn without_wait_the_file_must_name_a_process_at_once() {
    let directory = Directory::new();
    let file = directory.path("pump.pid");
    let path = file.to_str().unwrap();
    let serve = || run(["serve", "--listen", "127.0.0.1:0", "--pidfile", path]);
    let missing = serve();
    assert_eq!((missing.code, missing.text()), (Some(1), ""));
    assert_eq!(
        missing.stderr,
        format!("wampproc: cannot read the pid file {path}: No such file or directory (os error 2)\n")
    );
    fs::write(&file, "pump\n").unwrap();
    assert_eq!(serve().stderr, format!("wampproc: expected the id of a process in {path}, got \"pump\"\n"));

    let mut process = Process::idle();
    fs::write(&file, process.pid().to_string()).unwrap();
    let mut program =
        Program::spawn(wampproc(["serve", "--listen", "127.0.0.1:0", "--pidfile", path, "--log-level", "off"]));
    let url = program.line().split(' ').nth(1).unwrap().to_owned();
    // The worker is called like the file.
    let stats = run(["call", "--url", &url, "crossbar.worker.pump.get_process_stats"]);
    assert!(stats.text().contains(&format!("\"pid\":{},", process.pid())), "{}", stats.stderr);
    process.end();
    assert_eq!(program.end().code, Some(0));
}

/// A process with the id of one that has ended; `None` where we may not choose ids.
fn with_id(pid: i32) -> Option<Process> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        // Other processes start meanwhile, and may get it before us.
        fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).ok()?;
        let process = Process::idle();
        if process.pid() == pid {
            return Some(process);
        }
        assert!(std::time::Instant::now() < deadline, "the id {pid} does not come again");
    }
}

#[test]
fn whoever_gets_the_id_of_an_ended_process_is_somebody_else() {
    let directory = Directory::new();
    let file = directory.path("pump.pid");
    let mut first = Process::idle();
    replace(&file, &first.pid().to_string());
    let router = FakeRouter::new();
    let running = wait_for(&router, &file);
    let (mut client, names) = router.serve();
    ended(&mut client, &mut first, 0);
    if let Some(second) = with_id(first.pid()) {
        let gone = ("crossbar.error.runtime_error".to_owned(), format!("process {} has ended", first.pid()));
        for _ in 0..50 {
            assert_eq!(refusal(&mut client, &names, "get_process_stats"), gone, "nobody has said that it is the next");
            // Something happens to the file, but it is not written to.
            drop(OpenOptions::new().write(true).open(&file).unwrap());
        }
        let mut third = Process::idle();
        replace(&file, &third.pid().to_string());
        next(&mut client, &names, &third, 1);
        ended(&mut client, &mut third, 1);
        replace(&file, &second.pid().to_string());
        next(&mut client, &names, &second, 2);
    }
    drop(client);
    running.stop().unwrap();
}
