//! `trigger_gc` of another process: by a signal, by a command.

use std::io::{BufRead, BufReader, Write};
use std::process::Command;

use serde_json::{Value, json};
use wampproc::supervisor::{GcMethod, TargetChoice};

use super::{Process, builder};
use crate::directory::Directory;
use crate::fake_router::{Client, FakeRouter};

/// Calls it, and gives back the events before the answer, and that.
fn trigger(client: &mut Client, names: &[String], request: u64) -> (Vec<Value>, Value) {
    let number = 1001 + names.iter().position(|name| name == "crossbar.worker.w1.trigger_gc").unwrap();
    client.send(&json!([68, request, number, {"caller": 77, "caller_authid": "joe"}]));
    let mut events = Vec::new();
    loop {
        match client.receive().unwrap() {
            event if event[0] == 16 => events.push(event),
            answer => return (events, answer),
        }
    }
}

#[test]
fn by_a_signal() {
    let script = "trap 'echo collected' USR1; echo ready; while :; do read line; done";
    let mut process = Process::new(Command::new("sh").args(["-c", script]));
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let router = FakeRouter::new();
    let method = GcMethod::Signal("USR1".parse().unwrap());
    let running = builder(&router, TargetChoice::Pid(process.pid())).gc(method).build().unwrap().spawn().unwrap();
    let (mut client, names) = router.serve();
    let (events, answer) = trigger(&mut client, &names, 1);
    assert_eq!((answer[0].as_u64(), answer[3][0].as_u64()), (Some(70), Some(0)), "{answer}");
    let told = &events[0][4][0];
    assert_eq!(events.len(), 2);
    assert_eq!(told["requester"], json!({"session_id": 77, "auth_id": "joe", "auth_role": null}));
    assert!(told["resident_before"].as_u64().unwrap() > 0 && told["resident_after"].as_u64().unwrap() > 0);
    assert_eq!(told["supported"], true);
    // Some shells look at their traps when a builtin has read its line.
    process.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "collected");
    drop(client);
    running.stop().unwrap();
}

#[test]
fn by_a_command_that_holds_up_nobody() {
    let directory = Directory::new();
    let fifo = directory.path("go");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let process = Process::idle();
    let router = FakeRouter::new();
    // It ends when somebody writes into the pipe, well only if it was given the process's id.
    let script = format!("test $1 = {} && read line < {}", process.pid(), fifo.display());
    let words = ["sh", "-c", &script, "gc", "{pid}"].map(str::to_owned).to_vec();
    let method = GcMethod::Command(words);
    let running = builder(&router, TargetChoice::Pid(process.pid())).gc(method).build().unwrap().spawn().unwrap();
    let (mut client, names) = router.serve();
    let number = |name: &str| 1001 + names.iter().position(|known| known.ends_with(name)).unwrap();
    client.send(&json!([68, 1, number("w1.trigger_gc"), {}]));
    // Meanwhile everything else is answered, and a second command is not begun.
    client.send(&json!([68, 2, number("w1.get_process_stats"), {}]));
    assert_eq!(client.expect(70)[1], 2);
    let (events, answer) = trigger(&mut client, &names, 3);
    assert_eq!((events.len(), answer[2].as_u64(), &answer[4]), (0, Some(3), &json!("wampproc.error.busy")));
    std::fs::write(&fifo, "\n").unwrap();
    let [first, second] = [client.expect(16), client.expect(16)];
    assert_eq!((&first[4], first[4][0]["supported"].as_bool()), (&second[4], Some(true)));
    let answer = client.expect(70);
    assert_eq!((answer[1].as_u64(), &answer[3][0]), (Some(1), &first[4][0]["duration"]));

    // One that runs when the agent ends is ended too.
    client.send(&json!([68, 4, number("w1.trigger_gc"), {}]));
    client.send(&json!([68, 5, number("w1.utcnow"), {}]));
    assert_eq!(client.expect(70)[1], 5);
    drop(client);
    running.stop().unwrap();
}

#[test]
fn a_command_that_fails_is_told() {
    let process = Process::idle();
    let router = FakeRouter::new();
    let method = GcMethod::Command(vec!["false".to_owned()]);
    let running = builder(&router, TargetChoice::Pid(process.pid())).gc(method).build().unwrap().spawn().unwrap();
    let (mut client, names) = router.serve();
    let (events, answer) = trigger(&mut client, &names, 1);
    assert_eq!((events.len(), &answer[4]), (0, &json!("crossbar.error.runtime_error")));
    assert_eq!(answer[5][0], "false failed: exit status: 1");
    drop(client);
    running.stop().unwrap();
}

/// How many arenas beside the first a process's allocator has: each is set up in 64 MiB of its own, aligned to that.
#[cfg(all(target_env = "gnu", target_pointer_width = "64"))]
fn arenas(pid: u32) -> usize {
    const HEAP: u64 = 64 << 20;
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let bounds: Vec<(u64, u64, &str)> = maps
        .lines()
        .map(|line| {
            let (range, rest) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap(), &rest[..4])
        })
        .collect();
    let is_arena = |pair: &&[(u64, u64, &str)]| {
        let ((from, end, used), (next, to, kept)) = (pair[0], pair[1]);
        from % HEAP == 0 && end == next && to - from == HEAP && (used, kept) == ("rw-p", "---p")
    };
    bounds.windows(2).filter(is_arena).count()
}

#[cfg(all(target_env = "gnu", target_pointer_width = "64"))]
#[test]
fn all_threads_of_the_program_share_one_arena() {
    use crate::support::{Program, wampproc};

    // In this program each thread has its own.
    let (keep, stop) = std::sync::mpsc::channel::<()>();
    let (began, begins) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let held = vec![1_u8; 1000];
        began.send(()).unwrap();
        let _ = stop.recv();
        drop(held);
    });
    begins.recv().unwrap();
    assert!(arenas(std::process::id()) > 0);
    drop(keep);
    thread.join().unwrap();
    let mut program = Program::spawn(wampproc(["serve", "--listen", "127.0.0.1:0", "--log-level", "off"]));
    program.line();
    assert_eq!(arenas(program.id()), 0);
}
