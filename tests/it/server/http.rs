//! The port as a web server: what it answers to those who do not speak WAMP.

use std::io::{Read, Write};
use std::time::Duration;

use super::client::{Client, connect, http, plain_server, server};
use crate::support::{Program, wampproc};

/// An upgrade to WAMP, as a client on this machine asks for it.
pub const UPGRADE: &str = "GET /ws HTTP/1.1\nHost: localhost\nConnection: Upgrade\nUpgrade: websocket\n\
    Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Protocol: wamp.2.json\n\n";

fn status(answer: &str) -> u16 {
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .unwrap_or_else(|| panic!("{answer:?}"))
        .parse()
        .unwrap()
}

#[test]
fn every_request_gets_its_answer_and_the_end_of_the_connection() {
    let server = plain_server();
    let long = format!("GET / HTTP/1.1\nX: {}\n\n", "x".repeat(40_000));
    let cases = [
        ("GET / HTTP/1.1\nHost: localhost\n\n".to_owned(), 404),
        ("GET /elsewhere HTTP/1.1\nHost: 127.0.0.1:1\n\n".to_owned(), 404),
        ("GET /ws HTTP/1.1\nHost: localhost\n\n".to_owned(), 426),
        ("POST / HTTP/1.1\nHost: localhost\nContent-Length: 4\n\nbody".to_owned(), 405),
        ("no request\n\n".to_owned(), 400),
        (long, 431),
        (UPGRADE.replace("wamp.2.json", "wamp.2.ubjson"), 400),
        (UPGRADE.replace("Host: localhost", "Host: localhost\nOrigin: http://evil.example"), 403),
        (UPGRADE.replace("Host: localhost", "Host: evil.example"), 403),
        (UPGRADE.replace("Version: 13", "Version: 12"), 426),
    ];
    let count = cases.len() as u64;
    for (request, expected) in cases {
        let answer = http(server.local_addrs()[0], &request);
        assert_eq!(status(&answer), expected, "{request:.200} {answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.to_lowercase().contains(&format!("content-length: {}\r\n", body.len())), "{answer}");
        assert!(head.contains("nosniff") && !head.contains("access-control"), "{answer}");
    }
    super::client::eventually("all are counted", || server.counters().answered.get() == count);
    Client::join(&server);
}

#[test]
fn the_own_page_and_allowed_ones_are_let_in() {
    let server = server(|config| config.allow_origin = vec!["http://board-7:80".parse().unwrap()], Vec::new());
    let own = format!("Host: {0}\nOrigin: http://{0}", server.local_addrs()[0]);
    for host in [own.as_str(), "Host: localhost\nOrigin: http://board-7:80", "Host: board-7\nOrigin: http://board-7:80"]
    {
        let mut stream = connect(server.local_addrs()[0]);
        stream.write_all(UPGRADE.replace("Host: localhost", host).replace('\n', "\r\n").as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 101", "{host}");
    }
}

/// A name in front of a loopback port, as of a proxy: whoever runs the port learns of it, and by which words to let it in.
#[test]
fn a_name_that_is_refused_is_logged_with_the_flag_that_lets_it_in() {
    let request = UPGRADE.replace("Host: localhost", "Host: board-7:8080");
    let serve = |flags: &[&str]| {
        let mut program = Program::spawn(wampproc(["serve", "--listen", "127.0.0.1:0"].iter().chain(flags)));
        let url = program.line().split(' ').nth(1).unwrap().to_owned();
        (program, url.strip_prefix("ws://").unwrap().trim_end_matches("/ws").parse().unwrap())
    };
    let (mut program, address) = serve(&[]);
    let answer = http(address, &request);
    let (_, said) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(status(&answer), 403);
    let told = program.wait_for_log("HTTP 403 Forbidden: ");
    assert!(told.contains(said.trim_end()), "{told} {said}");
    let (_, flag) = said.split_once("; ").unwrap();
    let flag: Vec<&str> = flag.split(' ').take(2).collect();
    let (_program, address) = serve(&flag);
    let mut stream = connect(address);
    stream.write_all(request.replace('\n', "\r\n").as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101", "{flag:?}");
}

#[test]
fn a_request_may_come_in_pieces_but_not_for_ever() {
    let server = server(|config| config.timeouts.head = Duration::from_millis(300), Vec::new());
    let mut patient = connect(server.local_addrs()[0]);
    for piece in ["GET / HT", "TP/1.1\r\nHost: local", "host\r\n\r", "\n"] {
        patient.write_all(piece.as_bytes()).unwrap();
        patient.flush().unwrap();
    }
    let mut answer = String::new();
    patient.read_to_string(&mut answer).unwrap();
    assert_eq!(status(&answer), 404);

    let (mut slow, mut mute) = (connect(server.local_addrs()[0]), connect(server.local_addrs()[0]));
    slow.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
    answer.clear();
    slow.read_to_string(&mut answer).unwrap();
    assert_eq!(status(&answer), 408, "whoever began is told");
    assert_eq!(mute.read(&mut [0]).unwrap(), 0, "whoever said nothing is just closed");
}

#[test]
fn beyond_the_capacity_there_is_an_answer_and_room_comes_back() {
    let server = server(|config| config.capacity.connections = 2, Vec::new());
    let (first, _second) = (Client::join(&server), Client::join(&server));
    let mut third = connect(server.local_addrs()[0]);
    let mut answer = String::new();
    third.read_to_string(&mut answer).unwrap();
    assert_eq!(status(&answer), 503);
    assert_eq!(server.counters().rejected.get(), 1);
    drop(first);
    super::client::eventually("there is room again", || {
        let mut stream = connect(server.local_addrs()[0]);
        let mut answer = [0; 12];
        // The connection may be closed before the request is written.
        let _ = stream.write_all(UPGRADE.replace('\n', "\r\n").as_bytes());
        stream.read_exact(&mut answer).is_ok() && &answer == b"HTTP/1.1 101"
    });
}
