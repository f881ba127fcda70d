//! Calls without a router between: a driver that speaks just enough WAMP accepts one client, lets it register, and sends it
//! INVOCATIONs. Peers, each a process of its own, driven the same way in one run:
//! - `wampproc join`,
//! - a bare tungstenite client that sends every message back as it came: the floor,
//! - with `--agent-command COMMAND`, another WAMP client that registers the same procedures; the URL is appended.
//!
//! Both with driver and peer on one CPU, where a call costs what the two compute, and on two, where waking the other CPU
//! comes on top. (Left to itself the kernel chooses now this, now that.)
//!
//! `cargo bench --bench latency [-- --agent-command "python native_process.py"]`

// A bench prints, and stops at the first surprise.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tungstenite::handshake::server::{Request, Response};
use tungstenite::http::HeaderValue;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

const ROUNDS: usize = 5;
const IN_FLIGHT: usize = 64;
const PROCEDURES: [&str; 2] = ["utcnow", "get_process_stats"];

type Peer = WebSocket<TcpStream>;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["echo", url] => echo(url),
        ["--agent-command", command] => compare(Some(command)),
        [] => compare(None),
        _ => {
            eprintln!("expected no arguments, or --agent-command COMMAND");
            std::process::exit(2);
        }
    }
}

/// The floor: sends every message back.
fn echo(url: &str) {
    let tcp = TcpStream::connect(url.trim_start_matches("ws://").trim_end_matches("/ws")).expect("connect");
    tcp.set_nodelay(true).expect("nodelay");
    let (mut socket, _) = tungstenite::client::client_with_config(url, tcp, Some(config())).expect("upgrade");
    while let Ok(message) = socket.read() {
        if message.is_text() && socket.send(message).is_err() {
            break;
        }
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(16 * 1024)
}

/// One process under test, with the connection it made.
struct Candidate {
    name: &'static str,
    process: Child,
    socket: Peer,
    /// Registration ids of [`PROCEDURES`]; any number does for the echo.
    registrations: [u64; 2],
    calls_per_round: [usize; 2],
}

impl Drop for Candidate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn compare(other: Option<&str>) {
    let cpus: Vec<usize> = {
        let allowed = sched_getaffinity(Pid::this()).expect("affinity");
        (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false)).collect()
    };
    println!(
        "{:<8}{:<20}{:<12}{:>10}{:>16}{:>18}",
        "CPUs", "procedure", "peer", "p50 µs", "calls/s, 64", "of the echo"
    );
    compare_on("one", cpus[0], cpus[0], other);
    if let Some(second) = cpus.get(1) {
        compare_on("two", cpus[0], *second, other);
    }
}

/// What is started from now on runs there.
fn run_on(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu).expect("a CPU");
    sched_setaffinity(Pid::this(), &set).expect("affinity");
}

fn compare_on(place: &str, own: usize, peers: usize, other: Option<&str>) {
    run_on(peers);
    let myself = std::env::current_exe().expect("own path");
    let mut candidates = vec![
        start("echo", &[myself.to_str().expect("utf-8"), "echo"], [20_000, 200_000]),
        start("wampproc", &[env!("CARGO_BIN_EXE_wampproc"), "join", "--log-level", "error"], [20_000, 200_000]),
    ];
    if let Some(command) = other {
        candidates.push(start("other", &command.split_whitespace().collect::<Vec<_>>(), [2_000, 10_000]));
    }
    run_on(own);
    for (number, procedure) in PROCEDURES.iter().enumerate() {
        let mut figures: Vec<(Vec<f64>, Vec<f64>)> = candidates.iter().map(|_| (Vec::new(), Vec::new())).collect();
        // In turn, so that a machine that drifts drifts for all.
        for _ in 0..ROUNDS {
            for (candidate, figure) in candidates.iter_mut().zip(&mut figures) {
                figure.0.push(latency(candidate, number));
                figure.1.push(throughput(candidate, number));
            }
        }
        let medians: Vec<(f64, f64)> = figures.into_iter().map(|(a, b)| (median(a), median(b))).collect();
        for (candidate, (p50, rate)) in candidates.iter().zip(&medians) {
            let of_echo = format!("{:.2}× {:.2}×", p50 / medians[0].0, rate / medians[0].1);
            println!("{place:<8}{procedure:<20}{:<12}{p50:>10.1}{rate:>16.0}{of_echo:>18}", candidate.name);
        }
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn start(name: &'static str, command: &[&str], calls_per_round: [usize; 2]) -> Candidate {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let url = format!("ws://{}/ws", listener.local_addr().expect("address"));
    let process = Command::new(command[0])
        .args(&command[1..])
        .arg(&url)
        .stdout(Stdio::null())
        .stdin(Stdio::null())
        .spawn()
        .expect("start the peer");
    let (tcp, _) = listener.accept().expect("accept");
    tcp.set_nodelay(true).expect("nodelay");
    tcp.set_read_timeout(Some(Duration::from_secs(20))).expect("timeout");
    #[allow(clippy::result_large_err)]
    let subprotocol = |request: &Request, mut response: Response| {
        if request.headers().contains_key("Sec-WebSocket-Protocol") {
            response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("wamp.2.json"));
        }
        Ok(response)
    };
    let mut socket =
        tungstenite::accept_hdr_with_config(tcp, subprotocol, Some(config())).expect("upgrade the connection");
    let registrations = if name == "echo" { [1, 1] } else { serve_registrations(&mut socket) };
    Candidate { name, process, socket, registrations, calls_per_round }
}

/// Lets the client join and register until it has been quiet for a second.
fn serve_registrations(socket: &mut Peer) -> [u64; 2] {
    let mut found = [0, 0];
    let mut next = 1_u64;
    socket.get_ref().set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
    loop {
        let Ok(message) = socket.read() else {
            assert!(!found.contains(&0), "the peer did not register {PROCEDURES:?}");
            socket.get_ref().set_read_timeout(Some(Duration::from_secs(20))).expect("timeout");
            return found;
        };
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).expect("JSON");
        next += 1;
        let answer = match message[0].as_u64().expect("a message") {
            1 => {
                json!([2, 4711, {"roles": {"broker": {}, "dealer": {"features": {"progressive_call_results": true}}}}])
            }
            64 => {
                let uri = message[3].as_str().expect("a URI");
                for (number, procedure) in PROCEDURES.iter().enumerate() {
                    if uri.ends_with(&format!(".{procedure}")) {
                        found[number] = next;
                    }
                }
                if !found.contains(&0) {
                    socket.get_ref().set_read_timeout(Some(Duration::from_secs(1))).expect("timeout");
                }
                json!([65, message[1], next])
            }
            32 => json!([33, message[1], next]),
            48 => json!([8, 48, message[1], {}, "wamp.error.no_such_procedure"]),
            16 if message[2]["acknowledge"] == true => json!([17, message[1], next]),
            _ => continue,
        };
        socket.send(Message::text(answer.to_string())).expect("send");
    }
}

fn invocation(id: usize, registration: u64) -> Message {
    Message::text(format!("[68,{id},{registration},{{}}]"))
}

/// The next message that answers an invocation: anything else (an event, a publication) is passed over.
fn read_answer(socket: &mut Peer) {
    loop {
        match socket.read().expect("an answer within the time-out") {
            Message::Text(text) if text.starts_with("[70,") || text.starts_with("[68,") => return,
            Message::Text(text) => assert!(!text.starts_with("[8,"), "{text}"),
            _ => {}
        }
    }
}

/// Numbers the invocations of the whole run: a session must not see an id twice while it is open.
fn next_id() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// One call after the other: the median time of one, µs.
fn latency(candidate: &mut Candidate, procedure: usize) -> f64 {
    let times = (0..candidate.calls_per_round[0]).map(|_| {
        let start = Instant::now();
        candidate.socket.send(invocation(next_id(), candidate.registrations[procedure])).expect("send");
        read_answer(&mut candidate.socket);
        start.elapsed().as_secs_f64() * 1e6
    });
    median(times.collect())
}

/// Up to [`IN_FLIGHT`] calls at once, refilled by halves: calls per second.
fn throughput(candidate: &mut Candidate, procedure: usize) -> f64 {
    let (socket, registration) = (&mut candidate.socket, candidate.registrations[procedure]);
    let start = Instant::now();
    let (mut sent, mut answered) = (0, 0);
    while answered < candidate.calls_per_round[1] {
        while sent < candidate.calls_per_round[1] && sent - answered < IN_FLIGHT {
            socket.write(invocation(next_id(), registration)).expect("write");
            sent += 1;
        }
        socket.flush().expect("flush");
        for _ in 0..(IN_FLIGHT / 2).min(sent - answered) {
            read_answer(socket);
            answered += 1;
        }
    }
    candidate.calls_per_round[1] as f64 / start.elapsed().as_secs_f64()
}
