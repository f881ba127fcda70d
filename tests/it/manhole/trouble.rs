//! Clients that mean no good, crowds, and starts and stops without end: calls go on, and nothing is left behind.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wampproc::link::client::{Client, Destination, Waited};
use wampproc::sync::waker::Waker;
use wampproc::transport::dial::Limit;
use wampproc::wamp::auth::Login;
use wampproc::wamp::codec::Serialization;
use wampproc::wamp::options::CallOptions;
use wampproc::wamp::{Event, Payload, Uri};

use super::board::{Board, UserKey, resources};
use crate::directory::Directory;
use crate::support::{PATIENCE, Program, wampproc};

/// A client of the board's router.
struct Caller(Client);

impl Caller {
    fn of(url: &str) -> Self {
        let waker = Waker::new().unwrap();
        let (url, realm, login) = (url.parse().unwrap(), Uri::from("realm1"), Login::default());
        let destination =
            Destination { url: &url, serialization: Serialization::Json, tls: None, realm: &realm, login: &login };
        Self(Client::join(destination, Limit::Until(Some(Instant::now() + PATIENCE)), waker).unwrap())
    }

    fn call(&mut self, name: &str, args: &[Value]) -> Value {
        let uri = Uri::from(format!("crossbar.worker.w1.{name}"));
        let payload = Payload::new(args, &serde_json::Map::new());
        self.0.session().call(uri, CallOptions::default(), payload).unwrap();
        match self.0.wait(Some(Instant::now() + PATIENCE)).unwrap() {
            Waited::Event(Event::Result { payload, .. }) => {
                serde_json::from_str(payload.arg_texts().unwrap()[0].get()).unwrap()
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_thousand_starts_and_stops_leave_nothing_behind() {
    const TIMES: usize = 1000;
    let directory = Directory::new();
    let key = UserKey::new(&directory, "joe");
    let mut program =
        Program::spawn(wampproc(["serve", "--listen", "127.0.0.1:0", "--worker", "w1", "--log-level", "warn"]));
    let mut caller = Caller::of(program.line().split(' ').nth(1).unwrap());
    let config = json!({
        "endpoint": {"type": "tcp", "port": 0},
        "users": [{"user": "joe", "authorized_keys": [key.public]}],
    });
    let mut host_keys = std::collections::BTreeSet::new();
    let mut times = 0;
    let mut start_and_stop = |caller: &mut Caller| {
        let map = caller.call("start_manhole", std::slice::from_ref(&config));
        host_keys.insert(map["host_key"].to_string());
        let port = u16::try_from(map["config"]["endpoint"]["port"].as_u64().unwrap()).unwrap();
        times += 1;
        if times % 50 != 0 {
            assert_eq!(caller.call("stop_manhole", &[]), Value::Null);
            return;
        }
        let mut stranger = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stranger.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(caller.call("stop_manhole", &[]), Value::Null);
        // One who calls and waits: whether it was let in or not, it is gone.
        let mut said = Vec::new();
        match stranger.read_to_end(&mut said) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    };
    for _ in 0..100 {
        start_and_stop(&mut caller);
    }
    let (descriptors, threads, memory) = resources(program.id());
    for _ in 100..TIMES {
        start_and_stop(&mut caller);
    }
    let after = resources(program.id());
    assert_eq!((after.0, after.1), (descriptors, threads));
    assert!(after.2 < memory + 2048, "{memory} kB became {} kB", after.2);
    assert_eq!(host_keys.len(), 1, "the key in memory is the process's");
}

#[test]
fn calls_are_answered_while_sixteen_watch_top() {
    let board = Board::new();
    let mut caller = Caller::of(&board.url);
    let watching: Vec<Program> = (0..16)
        .map(|_| {
            let mut command = board.ssh(&["-tt"], &["top"]);
            command.env("TERM", "xterm").stdin(Stdio::piped());
            let mut program = Program::spawn(command);
            program.line();
            program
        })
        .collect();
    assert_eq!(board.run(&["stats"]).code, Some(255), "a seventeenth is turned away");
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut calls = 0;
    while start.elapsed() < Duration::from_secs(3) {
        let before = Instant::now();
        assert_eq!(caller.call("get_process_stats", &[])["pid"], board.program.id());
        slowest = slowest.max(before.elapsed());
        calls += 1;
    }
    assert!(slowest < Duration::from_secs(1) && calls > 100, "{calls} calls, the slowest took {slowest:?}");
    for mut program in watching {
        program.input().write_all(b"q").unwrap();
        assert_eq!(program.end().code, Some(0));
    }
}

fn connect(board: &Board) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", board.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What the server says until it hangs up.
fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
    said
}

#[test]
fn garbage_and_silence_cost_a_connection_and_nothing_else() {
    let mut board = Board::new();
    let (descriptors, threads, _) = board.resources();
    for garbage in
        [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0xff; 100_000], b"SSH-1.0-old\r\n", b"SSH-2.0-x\r\n\0\0\0\0\0\0"]
    {
        let mut stream = connect(&board);
        // It may have hung up already.
        let _ = stream.write_all(garbage);
        let said = rest(stream);
        assert!(said.is_empty() || said.starts_with(b"SSH-2.0-wampproc"), "{}", String::from_utf8_lossy(&said));
    }
    // Until they are all gone, they count among those who have not logged in.
    let deadline = Instant::now() + PATIENCE;
    while board.resources().1 != threads {
        assert!(Instant::now() < deadline, "their threads end");
    }
    // Four who say nothing: a fifth is turned away, until one of them is gone.
    let silent: Vec<TcpStream> = (0..4)
        .map(|_| {
            let mut stream = connect(&board);
            stream.read_exact(&mut [0; 8]).unwrap();
            stream
        })
        .collect();
    assert_eq!(rest(connect(&board)), b"");
    board.program.wait_for_log("is turned away: there are too many connections");
    drop(silent);
    let deadline = Instant::now() + PATIENCE;
    while board.run(&["stats"]).code != Some(0) {
        assert!(Instant::now() < deadline, "there is room again");
    }
    // A thread that has ended still has descriptors until it is joined.
    loop {
        let (more_descriptors, more_threads, _) = board.resources();
        if (more_descriptors, more_threads) == (descriptors, threads) {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{descriptors} descriptors and {threads} threads before, {more_descriptors} and {more_threads} now"
        );
    }
}

#[test]
fn a_client_that_never_reads_or_is_killed_holds_up_nobody() {
    let board = Board::new();
    let mut caller = Caller::of(&board.url);
    caller.call("set_process_stats_monitoring", &[json!(0.01)]);
    let before = board.resources();
    // Nobody reads this program's output: it stops reading what the server sends when the pipe is full.
    let mut command = board.ssh(&["-T"], &[]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        let help = "help\n".repeat(1000);
        while input.write_all(help.as_bytes()).is_ok() {}
    });
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        assert!(caller.call("utcnow", &[]).is_string());
    }
    let full = board.resources();
    assert!(full.2 < before.2 + 4096, "{} kB became {} kB", before.2, full.2);
    // In the middle of it all.
    child.kill().unwrap();
    child.wait().unwrap();
    feeder.join().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while board.resources().1 > before.1 {
        assert!(Instant::now() < deadline, "its thread ends");
        assert!(caller.call("utcnow", &[]).is_string());
    }
    assert_eq!(board.run(&["stats"]).code, Some(0));
}
