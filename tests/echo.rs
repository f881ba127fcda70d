//! An echo server and an echo client for suites that try a WebSocket frame by frame, on the very layer that carries WAMP
//! ([`Frames`]). Only the upgrade is another: such suites know nothing of WAMP's subprotocols.
//!
//! `echo serve` listens at a free port of loopback, says `ready HOST:PORT` and sends every message back, until it is killed. `echo run HOST:PORT AGENT` connects to a fuzzing server once for every case that it counts, sends every
//! message back, and has it write its reports for that name.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Instant;

use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::{Response, generate_request};
use tungstenite::handshake::machine::TryParse;
use tungstenite::handshake::server::{Request, create_response, write_response};
use wampproc::sync::wait::{until, wait};
use wampproc::transport::MAX_FORWARDED;
use wampproc::transport::keepalive::KeepalivePolicy;
use wampproc::transport::websocket::End;
use wampproc::transport::websocket::frames::{Arrival, Data, Frames};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => serve(),
        ["run", address, agent] => run(address, agent),
        _ => Err("expected: echo serve, or echo run HOST:PORT AGENT".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves every caller on a thread of its own.
fn serve() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("ready {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || {
            // What a suite makes of the end of a case stands in its report.
            let _ = accepted(stream).and_then(|frames| echo(frames, drop));
        });
    }
    Ok(())
}

/// Runs every case of a fuzzing server.
fn run(address: &str, agent: &str) -> Result<(), Failure> {
    let mut count = None;
    echo(dialled(address, "/getCaseCount")?, |data| {
        if let Data::Text(text) = data {
            count = text.parse::<u32>().ok();
        }
    })?;
    let count = count.ok_or("expected a number of cases, got something else")?;
    for case in 1..=count {
        // A case may end the connection in any way.
        let _ = echo(dialled_at_last(address, &format!("/runCase?case={case}&agent={agent}"))?, drop);
    }
    // The server ends with its reports, and need not say so first.
    let _ = echo(dialled_at_last(address, &format!("/updateReports?agent={agent}"))?, drop);
    Ok(())
}

/// The suite may reset a connection that comes while it still ends the one before.
fn dialled_at_last(address: &str, path: &str) -> Result<Frames, Failure> {
    const TRIES: usize = 10;
    let mut result = dialled(address, path);
    for _ in 1..TRIES {
        if result.is_ok() {
            break;
        }
        result = dialled(address, path);
    }
    result
}

/// Sends back what comes, until the other end has closed; `told` is told of it too.
fn echo(mut frames: Frames, mut told: impl FnMut(Data)) -> Result<(), Failure> {
    loop {
        let now = Instant::now();
        if frames.deadline().is_some_and(|deadline| now >= deadline) {
            frames.expire(now)?;
        }
        loop {
            match frames.receive(now)? {
                Arrival::Nothing => break,
                Arrival::Data(data) => {
                    told(data.clone());
                    frames.send(data);
                }
                Arrival::TooLong { .. } => frames.close(now),
                Arrival::Closed => return Ok(()),
            }
        }
        frames.flush(now)?;
        wait([(frames.fd(), frames.interest())], until(frames.deadline(), now))?;
    }
}

fn accepted(mut stream: TcpStream) -> Result<Frames, Failure> {
    let (request, early) = head::<Request>(&mut stream)?;
    write_response(&mut stream, &create_response(&request)?)?;
    frames(stream, early, End::Server)
}

fn dialled(address: &str, path: &str) -> Result<Frames, Failure> {
    let (request, _key) = generate_request(format!("ws://{address}{path}").into_client_request()?)?;
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(&request)?;
    let (response, early) = head::<Response>(&mut stream)?;
    if response.status() != 101 {
        return Err(format!("expected an upgrade, got {}", response.status()).into());
    }
    frames(stream, early, End::Client)
}

fn frames(stream: TcpStream, early: Vec<u8>, end: End) -> Result<Frames, Failure> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let mut frames = Frames::new(stream.into(), early, end, KeepalivePolicy::default(), Instant::now());
    // Suites send 16 MiB, a WAMP client may not.
    frames.take_up_to(MAX_FORWARDED);
    Ok(frames)
}

/// Reads a head, and what came behind it.
fn head<T: TryParse>(stream: &mut TcpStream) -> Result<(T, Vec<u8>), Failure> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Err("expected a head of HTTP, got the end of the connection".into());
        }
        bytes.extend_from_slice(&chunk[..count]);
        if let Some((length, head)) = T::try_parse(&bytes)? {
            return Ok((head, bytes.split_off(length)));
        }
    }
}
