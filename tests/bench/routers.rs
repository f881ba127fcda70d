//! Routers side by side, driven alike by one client: calls that go through them to a callee and back, events for many
//! subscribers, and what a thousand idle clients cost. Ours is started here; the others run already and are named:
//!
//! `cargo bench --features full --bench routers -- --router NAME URL PID …`
//!
//! `scripts/interop.sh bench` starts Crossbar.io's router and xconn's and does that. Memory is that of the process and all its
//! descendants. The ratios are what counts: the client is as slow with each.

// A bench prints, and stops at the first surprise.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::panic, missing_docs)]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Message as Frame, WebSocket};
use wampproc::wamp::Message;
use wampproc::wamp::codec::{Sender, Serialization, json};

const ROUNDS: usize = 5;
const CALLS: usize = 10_000;
const IN_FLIGHT: usize = 64;
const SUBSCRIBERS: usize = 100;
const EVENTS: usize = 500;
const IDLE_CLIENTS: usize = 1000;

/// A router that runs.
struct Router {
    name: String,
    url: String,
    pid: u32,
    _ours: Option<Ours>,
}

/// Ours, ended when it goes.
struct Ours(Child);

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
    let mut routers = vec![start_ours()];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        // Cargo adds `--bench`.
        if argument == "--router" {
            let mut next = || arguments.next().expect("--router NAME URL PID");
            let (name, url, pid) = (next(), next(), next().parse().expect("a process id"));
            routers.push(Router { name, url, pid, _ours: None });
        }
    }
    println!("{:<12}{:<10}{:>10}{:>14}{:>14}{:>10}", "router", "", "p50, µs", "calls/s", "events/s", "RSS, MB");
    for &serialization in Serialization::ALL {
        for router in &routers {
            let mut caller = Client::join(&router.url, serialization);
            let callee = Callee::start(&router.url, serialization);
            let p50 = median((0..ROUNDS).map(|_| latency(&mut caller)).collect());
            let rate = median((0..ROUNDS).map(|_| throughput(&mut caller)).collect());
            drop(callee);
            let events = fan_out(router, serialization);
            let resident = resident(router.pid) as f64 / 1024.0;
            println!(
                "{:<12}{:<10}{p50:>10.1}{rate:>14.0}{events:>14.0}{resident:>10.1}",
                router.name,
                serialization.name()
            );
        }
    }
    println!("\n{:<12}{:>20}{:>26}", "router", "KB an idle client", "p50 of a call, ratio");
    for router in &routers {
        let mut caller = Client::join(&router.url, Serialization::Json);
        let _callee = Callee::start(&router.url, Serialization::Json);
        let (alone, before) = (median((0..ROUNDS).map(|_| latency(&mut caller)).collect()), resident(router.pid));
        let crowd: Vec<Client> = (0..IDLE_CLIENTS).map(|_| Client::join(&router.url, Serialization::Json)).collect();
        let each = resident(router.pid).saturating_sub(before) as f64 / IDLE_CLIENTS as f64;
        let among = median((0..ROUNDS).map(|_| latency(&mut caller)).collect());
        println!("{:<12}{each:>20.1}{:>26.2}", router.name, among / alone);
        drop(crowd);
    }
}

fn start_ours() -> Router {
    let mut process = Command::new(env!("CARGO_BIN_EXE_wampproc"))
        .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("start wampproc");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut line).expect("the ready line");
    let url = line.split(' ').nth(1).expect("a URL").to_owned();
    Router { name: "wampproc".to_owned(), url, pid: process.id(), _ours: Some(Ours(process)) }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// KB of a process and of its descendants.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let own = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let below = children.split_whitespace().filter_map(|child| child.parse().ok()).map(resident);
    own.unwrap_or(0) + below.sum::<u64>()
}

/// A session that waits for what it reads.
struct Client {
    socket: WebSocket<TcpStream>,
    serialization: Serialization,
    requests: u64,
}

impl Client {
    fn join(url: &str, serialization: Serialization) -> Self {
        let authority = url.trim_start_matches("ws://").split('/').next().expect("an authority");
        let tcp = TcpStream::connect(authority).expect("connect");
        tcp.set_nodelay(true).expect("nodelay");
        tcp.set_read_timeout(Some(Duration::from_secs(60))).expect("timeout");
        let mut request = url.into_client_request().expect("request");
        let name = HeaderValue::from_static(serialization.subprotocol());
        request.headers_mut().insert("Sec-WebSocket-Protocol", name);
        let (socket, _) = tungstenite::client(request, tcp).expect("upgrade");
        let mut client = Self { socket, serialization, requests: 0 };
        let roles = r#"{"caller":{},"callee":{},"subscriber":{},"publisher":{}}"#;
        client.send(&format!(r#"[1,"realm1",{{"roles":{roles}}}]"#));
        assert!(matches!(client.read(), Message::Welcome { .. }));
        client
    }

    fn frame(&self, text: &str) -> Frame {
        let message = json::decode(text).expect("a message");
        match self.serialization {
            Serialization::Json => Frame::text(text),
            other => Frame::binary(other.encode(&message)),
        }
    }

    fn send(&mut self, text: &str) {
        let frame = self.frame(text);
        self.socket.send(frame).expect("send");
    }

    fn next(&mut self) -> Frame {
        loop {
            let frame = self.socket.read().expect("a message in time");
            if frame.is_text() || frame.is_binary() {
                return frame;
            }
        }
    }

    fn read(&mut self) -> Message {
        let frame = self.next();
        self.serialization.decode(&frame.into_data(), Sender::Router).expect("a message")
    }

    /// Queues a call.
    fn call(&mut self) {
        self.requests += 1;
        let frame = self.frame(&format!(r#"[48,{},{{}},"bench.echo",["some words",17]]"#, self.requests));
        self.socket.write(frame).expect("write");
    }

    /// Reads a result without looking further than that it is one.
    fn result(&mut self) {
        const RESULT: u8 = 50;
        let data = self.next().into_data();
        let is_result = match data.as_ref() {
            [b'[', b'5', b'0', b',', ..] => true,
            // MessagePack's list, and CBOR's with the number in a byte of its own.
            [_, RESULT, ..] | [_, 0x18, RESULT, ..] => true,
            _ => false,
        };
        assert!(is_result, "{data:?}");
    }
}

fn latency(caller: &mut Client) -> f64 {
    let times = (0..CALLS / 5).map(|_| {
        let start = Instant::now();
        caller.call();
        caller.socket.flush().expect("flush");
        caller.result();
        start.elapsed().as_secs_f64() * 1e6
    });
    median(times.collect())
}

fn throughput(caller: &mut Client) -> f64 {
    let start = Instant::now();
    let (mut sent, mut answered) = (0, 0);
    while answered < CALLS {
        while sent < CALLS && sent - answered < IN_FLIGHT {
            caller.call();
            sent += 1;
        }
        caller.socket.flush().expect("flush");
        for _ in 0..(IN_FLIGHT / 2).min(sent - answered) {
            caller.result();
            answered += 1;
        }
    }
    CALLS as f64 / start.elapsed().as_secs_f64()
}

/// Answers calls on a thread of its own, until it goes.
struct Callee {
    tcp: TcpStream,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Callee {
    fn start(url: &str, serialization: Serialization) -> Self {
        let mut client = Client::join(url, serialization);
        client.send(r#"[64,1,{},"bench.echo"]"#);
        assert!(matches!(client.read(), Message::Registered { .. }));
        let tcp = client.socket.get_ref().try_clone().expect("a descriptor");
        tcp.set_read_timeout(None).expect("no timeout");
        let thread = std::thread::spawn(move || {
            // What has come in one piece is answered in one.
            while let Ok(frame) = client.socket.read() {
                if !frame.is_text() && !frame.is_binary() {
                    continue;
                }
                let Ok(Message::Invocation { request, payload, .. }) =
                    serialization.decode(&frame.into_data(), Sender::Router)
                else {
                    panic!("expected an invocation");
                };
                let answer = Message::Yield { request, options: Default::default(), payload };
                let answer = match serialization {
                    Serialization::Json => Frame::text(json::encode(&answer)),
                    other => Frame::binary(other.encode(&answer)),
                };
                if client.socket.send(answer).is_err() {
                    return;
                }
            }
        });
        Self { tcp, thread: Some(thread) }
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        let _ = self.tcp.shutdown(std::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Events delivered per second, by the time the last subscriber has read the last one.
fn fan_out(router: &Router, serialization: Serialization) -> f64 {
    let mut readers: Vec<Client> = (0..SUBSCRIBERS).map(|_| Client::join(&router.url, serialization)).collect();
    for reader in &mut readers {
        reader.send(r#"[32,1,{},"bench.topic"]"#);
        assert!(matches!(reader.read(), Message::Subscribed { .. }));
    }
    let mut publisher = Client::join(&router.url, serialization);
    let rates = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        // In batches that fit the kernel's buffers.
        for _ in 0..EVENTS / 100 {
            for _ in 0..100 {
                publisher.requests += 1;
                let text = format!(r#"[16,{},{{}},"bench.topic",["{}"]]"#, publisher.requests, "x".repeat(64));
                let frame = publisher.frame(&text);
                publisher.socket.write(frame).expect("write");
            }
            publisher.socket.flush().expect("flush");
            for reader in &mut readers {
                (0..100).for_each(|_| drop(reader.next()));
            }
        }
        (EVENTS * SUBSCRIBERS) as f64 / start.elapsed().as_secs_f64()
    });
    median(rates.collect())
}
