//! `wampproc serve` as its users meet it: how long it takes to start, what it holds, whether it sleeps when idle, what a
//! call through its router costs, and how fast it delivers to many subscribers, also when one of them never reads.
//!
//! `cargo bench --bench serve`

// A bench prints, and stops at the first surprise.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::panic, missing_docs)]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

const STARTS: usize = 21;
const IDLE: Duration = Duration::from_secs(10);
const ROUNDS: usize = 5;

fn main() {
    startup();
    idle();
    routed_calls();
    fan_out();
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// A running `serve`, ended when it goes.
struct Serve {
    process: Child,
    url: String,
    ready_after: Duration,
}

impl Serve {
    fn start(flags: &[&str]) -> Self {
        let start = Instant::now();
        let mut process = Command::new(env!("CARGO_BIN_EXE_wampproc"))
            .args(["serve", "--listen", "127.0.0.1:0", "--worker", "w", "--log-level", "error"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .expect("start wampproc");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut line).expect("the ready line");
        let ready_after = start.elapsed();
        let url = line.split(' ').nth(1).expect("a URL").to_owned();
        Self { process, url, ready_after }
    }

    /// A number of `/proc/PID/status`.
    fn status(&self, key: &str) -> u64 {
        status_of(&format!("/proc/{}/status", self.process.id()), key)
    }

    /// Voluntary context switches of all threads.
    fn switches(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("tasks");
        tasks
            .map(|task| {
                let path = task.expect("task").path().join("status");
                status_of(path.to_str().expect("utf-8"), "voluntary_ctxt_switches")
            })
            .sum()
    }
}

fn status_of(path: &str, key: &str) -> u64 {
    let text = std::fs::read_to_string(path).expect("status");
    let line = text.lines().find(|line| line.starts_with(key)).expect("the key");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn startup() {
    let starts: Vec<Serve> = (0..STARTS).map(|_| Serve::start(&[])).collect();
    let ready = median(starts.iter().map(|serve| serve.ready_after.as_secs_f64() * 1e3).collect());
    let resident = median(starts.iter().map(|serve| serve.status("VmRSS") as f64).collect());
    let anonymous = median(starts.iter().map(|serve| serve.status("RssAnon") as f64).collect());
    println!(
        "start to ready: {ready:.1} ms; resident: {:.1} MB, of which anonymous: {:.1} MB",
        resident / 1024.0,
        anonymous / 1024.0
    );
}

fn idle() {
    let serve = Serve::start(&["--history", "0", "--ping-interval", "0"]);
    // Whatever the start still has to do is done when a call is answered.
    call_one(&serve.url);
    std::thread::sleep(Duration::from_millis(500));
    let before = serve.switches();
    std::thread::sleep(IDLE);
    println!(
        "voluntary context switches of all threads in {} idle seconds: {}",
        IDLE.as_secs(),
        serve.switches() - before
    );
}

fn call_one(url: &str) {
    let mut caller = join(url);
    caller.send(Message::text(r#"[48,1,{},"crossbar.worker.w.utcnow"]"#)).expect("send");
    assert!(read(&mut caller).to_string().starts_with("[50,"));
}

type Client = WebSocket<TcpStream>;

fn join(url: &str) -> Client {
    let tcp = TcpStream::connect(url.trim_start_matches("ws://").trim_end_matches("/ws")).expect("connect");
    tcp.set_nodelay(true).expect("nodelay");
    tcp.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
    let mut request = url.into_client_request().expect("request");
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("wamp.2.json"));
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let (mut client, _) = tungstenite::client::client_with_config(request, tcp, Some(config)).expect("upgrade");
    client.send(Message::text(r#"[1,"realm1",{"roles":{"caller":{},"subscriber":{},"publisher":{}}}]"#)).expect("send");
    assert_eq!(read(&mut client)[0], 2);
    client
}

fn read(client: &mut Client) -> Value {
    loop {
        if let Message::Text(text) = client.read().expect("a message in time") {
            return serde_json::from_str(&text).expect("JSON");
        }
    }
}

/// Caller → router → agent → router → caller: two threads of `serve`, one socket.
fn routed_calls() {
    const LATENCY: usize = 10_000;
    const THROUGHPUT: usize = 100_000;
    const IN_FLIGHT: usize = 64;
    let serve = Serve::start(&[]);
    let mut caller = join(&serve.url);
    let mut id = 0;
    for procedure in ["utcnow", "get_process_stats"] {
        let mut call = || {
            id += 1;
            Message::text(format!("[48,{id},{{}},\"crossbar.worker.w.{procedure}\"]"))
        };
        let (mut p50s, mut rates) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let times = (0..LATENCY).map(|_| {
                let start = Instant::now();
                caller.send(call()).expect("send");
                assert!(caller.read().expect("a result").to_text().expect("text").starts_with("[50,"));
                start.elapsed().as_secs_f64() * 1e6
            });
            p50s.push(median(times.collect()));
            let start = Instant::now();
            let (mut sent, mut answered) = (0, 0);
            while answered < THROUGHPUT {
                while sent < THROUGHPUT && sent - answered < IN_FLIGHT {
                    caller.write(call()).expect("write");
                    sent += 1;
                }
                caller.flush().expect("flush");
                for _ in 0..(IN_FLIGHT / 2).min(sent - answered) {
                    assert!(caller.read().expect("a result").to_text().expect("text").starts_with("[50,"));
                    answered += 1;
                }
            }
            rates.push(THROUGHPUT as f64 / start.elapsed().as_secs_f64());
        }
        println!(
            "through serve, {procedure}: p50 {:.1} µs, {:.0} calls/s with {IN_FLIGHT} in flight",
            median(p50s),
            median(rates)
        );
    }
}

/// A subscriber that counts frames off the socket and parses nothing.
struct Subscriber {
    tcp: TcpStream,
    buffer: Vec<u8>,
}

impl Subscriber {
    fn new(url: &str) -> Self {
        let mut client = join(url);
        client.send(Message::text(r#"[32,1,{},"bench.topic"]"#)).expect("send");
        assert_eq!(read(&mut client)[0], 33);
        // The WebSocket layer holds nothing back: one answer was due, and it was read whole.
        Self { tcp: client.into_inner(), buffer: Vec::new() }
    }

    fn read_events(&mut self, mut count: usize) {
        let mut chunk = [0; 64 * 1024];
        while count > 0 {
            let mut used = 0;
            while count > 0 {
                let Some(length) = frame_length(&self.buffer[used..]) else { break };
                used += length;
                count -= 1;
            }
            self.buffer.drain(..used);
            if count > 0 {
                let read = self.tcp.read(&mut chunk).expect("events in time");
                assert!(read > 0, "the router hung up");
                self.buffer.extend_from_slice(&chunk[..read]);
            }
        }
    }
}

/// The length of a whole unmasked frame at the beginning of `bytes`.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let length = match *bytes.get(1)? {
        126 => 4 + usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
        127 => panic!("a frame of more than 64 KiB"),
        short => 2 + usize::from(short),
    };
    (bytes.len() >= length).then_some(length)
}

fn fan_out() {
    println!("{:<44}{:>16}{:>14}", "fan-out", "events/s", "RSS, MB");
    for subscribers in [1, 100, 1000] {
        let serve = Serve::start(&[]);
        let mut readers: Vec<Subscriber> = (0..subscribers).map(|_| Subscriber::new(&serve.url)).collect();
        let mut publisher = join(&serve.url);
        let rate = median((0..ROUNDS).map(|_| deliver(&mut publisher, &mut readers)).collect());
        print_row(&format!("{subscribers} subscribers"), rate, &serve);
    }
    let serve = Serve::start(&[]);
    let mut readers: Vec<Subscriber> = (0..100).map(|_| Subscriber::new(&serve.url)).collect();
    let _mute = Subscriber::new(&serve.url);
    let mut publisher = join(&serve.url);
    // What the mute one may have waiting is reached in the first rounds, and stays.
    let rate = median((0..4 * ROUNDS).map(|_| deliver(&mut publisher, &mut readers)).collect());
    print_row("100 subscribers, one more never reads", rate, &serve);
}

fn print_row(what: &str, rate: f64, serve: &Serve) {
    println!("{what:<44}{rate:>16.0}{:>14.1}", serve.status("VmRSS") as f64 / 1024.0);
}

/// Publishes so many events that about 200,000 are delivered, in batches that fit the kernel's buffers: events delivered per
/// second, by the time the last subscriber has read the last one.
fn deliver(publisher: &mut Client, readers: &mut [Subscriber]) -> f64 {
    const BATCH: usize = 200;
    let batches = (200_000 / readers.len() / BATCH).max(1);
    let event = Message::text(json!([16, 1, {}, "bench.topic", ["x".repeat(64)]]).to_string());
    let start = Instant::now();
    for _ in 0..batches {
        for _ in 0..BATCH {
            publisher.write(event.clone()).expect("write");
        }
        publisher.flush().expect("flush");
        for reader in readers.iter_mut() {
            reader.read_events(BATCH);
        }
    }
    (batches * BATCH * readers.len()) as f64 / start.elapsed().as_secs_f64()
}
