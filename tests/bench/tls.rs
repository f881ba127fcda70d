//! What TLS costs: getting into a realm, and a call, over each kind of URL, to a router in a thread of this process.
//!
//! A way in is everything from the first packet to WELCOME, on loopback: with TLS anew each time, or with a client that has
//! been there before and resumes. A call is one of `wamp.session.count`, which the router answers itself. Last, what a client
//! that says nothing costs in memory: of a `serve` with a process of its own, so that the clients' is not counted.
//!
//! `cargo bench --features tls --bench tls`

// A bench prints, and stops at the first surprise.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use wampproc::link::client::{Client, Destination, Waited};
use wampproc::server::{Server, ServerConfig};
use wampproc::sync::waker::Waker;
use wampproc::transport::dial::Limit;
use wampproc::transport::tls::{Identity, TlsClient, TlsServer, Trust};
use wampproc::wamp::auth::Login;
use wampproc::wamp::codec::Serialization;
use wampproc::wamp::options::CallOptions;
use wampproc::wamp::{Event, Payload, Uri};

const ROUNDS: usize = 5;
const WAYS_IN: usize = 300;
const CALLS: usize = 10_000;
const IDLE_CLIENTS: usize = 400;

/// What each connection is made with.
type Clients<'a> = &'a dyn Fn() -> Option<TlsClient>;

fn main() {
    let shown = Identity {
        chain: include_bytes!("../it/tls/certificates/server.pem").to_vec(),
        key: include_bytes!("../it/tls/certificates/server.key").to_vec(),
    };
    let config = || ServerConfig::new("127.0.0.1:0".parse().expect("an address"));
    let plain = Server::start(config(), Vec::new()).expect("a router");
    let tls = Some(TlsServer::new(&shown, None).expect("a certificate"));
    let secured = Server::start(ServerConfig { tls, ..config() }, Vec::new()).expect("a router");
    let known = new_client();
    let candidates: [(&str, String, Clients<'_>); 6] = [
        ("ws", url("ws", &plain), &|| None),
        ("rs", url("rs", &plain), &|| None),
        ("wss", url("wss", &secured), &|| Some(new_client())),
        ("wss, resumed", url("wss", &secured), &|| Some(known.clone())),
        ("rss", url("rss", &secured), &|| Some(new_client())),
        ("rss, resumed", url("rss", &secured), &|| Some(known.clone())),
    ];
    let mut figures = candidates.each_ref().map(|_| (Vec::new(), Vec::new()));
    // In turn, so that a machine that drifts drifts for all.
    for _ in 0..ROUNDS {
        for ((_, url, tls), figure) in candidates.iter().zip(&mut figures) {
            figure.0.push(way_in(url, tls));
            figure.1.push(call(url, tls()));
        }
    }
    println!("{:<14}{:>14}{:>10}{:>14}{:>10}", "", "way in, µs", "of ws", "a call, µs", "of ws");
    let medians = figures.map(|(ways, calls)| (median(ways), median(calls)));
    for ((name, ..), (way, call)) in candidates.iter().zip(&medians) {
        let (of_way, of_call) = (way / medians[0].0, call / medians[0].1);
        println!("{name:<14}{way:>14.0}{of_way:>9.1}×{call:>14.1}{of_call:>9.2}×");
    }
    println!("\nKB an idle client: {:.1} over ws, {:.1} over wss", idle(&[], None), idle(CERTIFICATE, Some(known)));
}

const CERTIFICATE: &[&str] =
    &["--tls-cert", "tests/it/tls/certificates/server.pem", "--tls-key", "tests/it/tls/certificates/server.key"];

/// KB that a client costs a router, once it has joined.
fn idle(flags: &[&str], tls: Option<TlsClient>) -> f64 {
    let mut process = Command::new(env!("CARGO_BIN_EXE_wampproc"))
        .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error"])
        .args(flags)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("start wampproc");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut line).expect("the ready line");
    let url = line.split(' ').nth(1).expect("a URL");
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).expect("its status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
        line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<f64>().ok()).expect("KB")
    };
    // What the first client brings in is the program, not the client.
    let mut crowd = vec![join(url, tls.clone())];
    let before = resident();
    crowd.extend((0..IDLE_CLIENTS).map(|_| join(url, tls.clone())));
    let each = (resident() - before) / IDLE_CLIENTS as f64;
    drop(crowd);
    process.kill().expect("end wampproc");
    process.wait().expect("its end");
    each
}

fn new_client() -> TlsClient {
    let authority = include_bytes!("../it/tls/certificates/authority.pem");
    TlsClient::new(Trust::Authorities(authority), None).expect("an authority")
}

fn url(scheme: &str, server: &Server) -> String {
    format!("{scheme}://{}", server.local_addrs()[0])
}

fn join(url: &str, tls: Option<TlsClient>) -> Client {
    let (url, realm) = (url.parse().expect("a URL"), Uri::from("realm1"));
    let login = Login::default();
    let serialization = Serialization::default();
    let destination = Destination { url: &url, serialization, tls: tls.as_ref(), realm: &realm, login: &login };
    Client::join(destination, Limit::EachStep, Waker::new().expect("a waker")).expect("a session")
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The median time of a way in, µs.
fn way_in(url: &str, tls: Clients<'_>) -> f64 {
    let ways = (0..WAYS_IN).map(|_| {
        let tls = tls();
        let start = Instant::now();
        let client = join(url, tls);
        let time = start.elapsed();
        client.leave(None).expect("a GOODBYE");
        time.as_secs_f64() * 1e6
    });
    median(ways.collect())
}

/// The median time of a call, one after the other, µs.
fn call(url: &str, tls: Option<TlsClient>) -> f64 {
    let mut client = join(url, tls);
    let times = (0..CALLS).map(|_| {
        let start = Instant::now();
        let session = client.session();
        session
            .call(Uri::from("wamp.session.count"), CallOptions::default(), Payload::default())
            .expect("a session that takes calls");
        match client.wait(None).expect("a connection") {
            Waited::Event(Event::Result { .. }) => start.elapsed().as_secs_f64() * 1e6,
            other => panic!("expected a result, got {other:?}"),
        }
    });
    let time = median(times.collect());
    client.leave(None).expect("a GOODBYE");
    time
}
