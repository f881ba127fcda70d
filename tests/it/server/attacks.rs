//! Peers that break the rules: each gets a clean end, and nobody else notices.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::Message;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use wampproc::server::{Server, ServerConfig};
use wampproc::transport::MAX_MESSAGE;
use wampproc::transport::keepalive::KeepalivePolicy;

use super::client::{Client, connect_from, eventually, plain_server, server};

/// Two who talk to each other while a third does its worst.
struct Bystanders {
    callee: Client,
    caller: Client,
}

impl Bystanders {
    fn join(server: &Server) -> Self {
        let mut callee = Client::join(server);
        callee.register("com.example.echo");
        Self { callee, caller: Client::join(server) }
    }

    fn talk(&mut self) {
        let call = self.caller.begin(48, json!([{}, "com.example.echo", ["still here"]]));
        let invocation = self.callee.receive();
        self.callee.send(json!([70, invocation[1], {}, invocation[4]]));
        assert_eq!(self.caller.receive(), json!([50, call, {}, ["still here"]]));
    }
}

/// The sentence of the ABORT that a violation must be answered with, as the last thing that is said.
fn abort(client: &mut Client) -> String {
    let (messages, orderly) = client.until_closed();
    let last = messages.last().unwrap_or(&Value::Null);
    assert_eq!((&last[0], &last[2]), (&json!(3), &json!("wamp.error.protocol_violation")), "{last}");
    assert!(orderly, "the WebSocket is closed in good order");
    last[1]["message"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_no_message_ends_the_session_of_its_sender() {
    let server = plain_server();
    let mut bystanders = Bystanders::join(&server);
    let deep = format!("[48,1,{{}},\"a.b\",{}{}]", "[".repeat(100), "]".repeat(100));
    let texts =
        ["", "x", "{}", "[]", "[999,1]", "[48]", "[48,\"x\",{},\"a.b\"]", "[1,\"realm1\",{}]", "[2,1,{}]", &deep];
    for text in texts {
        let mut client = Client::join(&server);
        client.send_text(text.to_owned());
        let sentence = abort(&mut client);
        assert!(sentence.contains("expected"), "{text}: {sentence}");
        bystanders.talk();
    }
    assert_eq!(server.counters().violations.get(), texts.len() as u64);
}

#[test]
fn before_hello_there_is_nothing_to_say() {
    let server = server(|config| config.router.hello_timeout = Duration::from_millis(200), Vec::new());
    let mut early = Client::connect(&server);
    early.send(json!([48, 1, {}, "com.example.echo"]));
    assert!(abort(&mut early).contains("HELLO"));
    let mut mute = Client::connect(&server);
    assert!(abort(&mut mute).contains("HELLO"));
}

#[test]
fn a_binary_frame_and_a_message_too_long_are_told_what_was_expected() {
    let server = plain_server();
    let mut bystanders = Bystanders::join(&server);
    let mut client = Client::join(&server);
    client.socket.send(Message::binary(&b"[1]"[..])).unwrap();
    assert!(abort(&mut client).contains("text frame"));

    // In one frame: refused by its header, while its bytes are still under way.
    let mut client = Client::join(&server);
    client.send_text(format!("[{}]", " ".repeat(MAX_MESSAGE)));
    assert!(abort(&mut client).contains("1048576"));

    // In fragments: refused when it gets too long.
    let mut client = Client::join(&server);
    let piece = vec![b' '; MAX_MESSAGE / 2];
    for (index, last) in [(0, false), (1, false), (2, true)] {
        let kind = if index == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(piece.clone(), OpCode::Data(kind), last);
        client.socket.send(Message::Frame(frame)).unwrap();
    }
    assert!(abort(&mut client).contains("1048576"));

    // As long as may be is fine.
    let mut client = Client::join(&server);
    let call = json!([48, 1, {}, "com.example.none"]).to_string();
    client.send_text(format!("{call}{}", " ".repeat(MAX_MESSAGE - call.len())));
    assert_eq!(client.receive()[4], "wamp.error.no_such_procedure");
    bystanders.talk();
}

/// The bytes that the server sends until it closes.
fn answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_no_websocket_frame_gets_a_close_frame() {
    let server = plain_server();
    let mut bystanders = Bystanders::join(&server);
    let cases: [&[u8]; 5] = [
        b"\x83\x80\0\0\0\0", // a reserved kind of data
        b"\xc1\x80\0\0\0\0", // a reserved bit
        b"\x81\x02hi",       // not masked
        b"\x09\x80\0\0\0\0", // a ping in fragments
        b"\x80\x80\0\0\0\0", // the continuation of nothing
    ];
    for bytes in cases {
        let mut client = Client::join(&server);
        let stream = client.socket.get_mut();
        stream.write_all(bytes).unwrap();
        let answer = answer(stream);
        assert_eq!(answer.get(..4), Some(&[0x88, 2, 0x03, 0xea][..]), "{bytes:x?}: {answer:x?}, expected close 1002");
        bystanders.talk();
    }
    let mut client = Client::join(&server);
    client.socket.get_mut().write_all(b"\x81\x81\0\0\0\0\xff").unwrap();
    assert_eq!(answer(client.socket.get_mut()).get(..4), Some(&[0x88, 2, 0x03, 0xef][..]), "1007: no UTF-8");
    assert_eq!(server.counters().violations.get(), 1 + cases.len() as u64);
}

/// Writes the same bytes until the server has closed, or `enough`.
fn flood(stream: &mut TcpStream, bytes: &[u8], enough: usize) -> usize {
    let mut written = 0;
    while written < enough {
        match stream.write(bytes) {
            Ok(count) => written += count,
            Err(_) => break,
        }
    }
    written
}

#[test]
fn empty_fragments_without_end_keep_nobody_waiting() {
    let server = plain_server();
    let mut bystanders = Bystanders::join(&server);
    let mut flooder = Client::join(&server);
    let stream = flooder.socket.get_ref().try_clone().unwrap();
    stream.set_write_timeout(None).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let flood = std::thread::spawn(move || {
        writer.write_all(b"\x01\x80\0\0\0\0").unwrap();
        flood(&mut writer, &b"\x00\x80\0\0\0\0".repeat(10_000), usize::MAX)
    });
    for _ in 0..200 {
        bystanders.talk();
    }
    assert!(!flood.is_finished(), "the flood went on meanwhile");
    stream.shutdown(std::net::Shutdown::Both).unwrap();
    flood.join().unwrap();
    drop(flooder.socket.close(None));
}

#[test]
fn pings_whose_answers_are_not_read_do_not_pile_up() {
    let server = plain_server();
    let mut client = Client::join(&server);
    let ping = [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[b'x'; 125]].concat();
    let written = flood(client.socket.get_mut(), &ping.repeat(1000), 1 << 30);
    assert!(written < 1 << 30, "the server reads pings for ever");
    eventually("the flooder is closed", || server.counters().violations.get() == 1);
    Bystanders::join(&server).talk();
}

#[test]
fn a_peer_that_answers_no_ping_is_given_up_and_its_callers_are_told() {
    let policy = KeepalivePolicy { interval: Some(Duration::from_millis(100)), patience: Duration::from_millis(300) };
    let server = server(|config| config.keepalive = policy, Vec::new());
    // Half-open: the connection stands, but nobody reads or writes at the other end.
    let mut dead = Client::join(&server);
    dead.register("com.example.dead");
    let mut caller = Client::join(&server);
    let call = caller.begin(48, json!([{}, "com.example.dead"]));
    // Reading answers pings, so the caller lives on.
    let error = caller.receive();
    assert_eq!((&error[0], &error[2]), (&json!(8), &json!(call)), "{error}");
    assert_eq!(server.counters().silent_closed.get(), 1);
    drop(dead);
}

/// What the next test runs in a process of its own: a server with few descriptors, until its input ends.
#[test]
#[ignore = "started by another test"]
fn child_with_few_descriptors() {
    use nix::sys::resource::{Resource, setrlimit};
    // Set by the parent; otherwise every other test of this process would suffer.
    if std::env::var_os("FEW_DESCRIPTORS").is_none() {
        return;
    }
    setrlimit(Resource::RLIMIT_NOFILE, 40, 40).unwrap();
    let server = plain_server();
    println!("\nlistening {}", server.local_addrs()[0]);
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn without_descriptors_callers_are_sent_away_and_the_others_served() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["server::attacks::child_with_few_descriptors", "--exact", "--ignored", "--nocapture"])
        .env("FEW_DESCRIPTORS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.find_map(|line| line.unwrap().strip_prefix("listening ").map(|text| text.parse().unwrap()));
    let address = address.expect("the child listens");

    let mut first = super::client::connect(address);
    let upgrade = super::http::UPGRADE.replace('\n', "\r\n");
    let mut status = [0; 12];
    first.write_all(upgrade.as_bytes()).unwrap();
    first.read_exact(&mut status).unwrap();
    // More than there are descriptors: those for whom there are none are closed, not left waiting.
    let mut others: Vec<_> = (0..60).map(|_| super::client::connect(address)).collect();
    let sent_away = |stream: &mut TcpStream| matches!(stream.read(&mut [0]), Ok(0) | Err(_));
    assert!(others.iter_mut().rev().take(20).all(sent_away));
    // The one that was there first is still served, and when the others go, new ones are.
    first.write_all(b"\x89\x80\0\0\0\0").unwrap();
    drop(others);
    eventually("there are descriptors again", || {
        let mut stream = super::client::connect(address);
        // It may be sent away before it has written.
        let _ = stream.write_all(upgrade.as_bytes());
        stream.read_exact(&mut status).is_ok() && &status == b"HTTP/1.1 101"
    });
    let mut rest = Vec::new();
    drop(child.stdin.take());
    first.read_to_end(&mut rest).unwrap();
    assert!(rest.windows(2).any(|bytes| bytes == [0x8a, 0]), "a pong for the ping");
    assert!(child.wait().unwrap().success());
}

#[test]
fn who_connects_and_says_nothing_does_not_keep_others_out() {
    let patient = |config: &mut ServerConfig| {
        config.capacity.strangers = 4;
        config.timeouts.head = Duration::from_secs(600);
        config.router.hello_timeout = Duration::from_secs(600);
    };
    let server = server(patient, Vec::new());
    let mut bystanders = Bystanders::join(&server);
    // Two are before their upgrade, two before their HELLO.
    let mut mute: Vec<_> = (0..2).map(|_| connect_from([127, 0, 0, 2], server.local_addrs()[0])).collect();
    for _ in 0..2 {
        let mut stream = connect_from([127, 0, 0, 2], server.local_addrs()[0]);
        stream.write_all(&[0x7f, 0xf1, 0, 0]).unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        mute.push(stream);
    }
    let mut more = connect_from([127, 0, 0, 2], server.local_addrs()[0]);
    let mut answer = String::new();
    more.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let mut others = Vec::new();
    for displaced in 1..=3 {
        let mut other = connect_from([127, 0, 0, 2 + displaced], server.local_addrs()[0]);
        other.write_all(&[0x7f, 0xf1, 0, 0]).unwrap();
        let mut answer = [0; 4];
        other.read_exact(&mut answer).unwrap();
        assert_eq!(answer[0], 0x7f);
        let mut said = String::new();
        mute.remove(0).read_to_string(&mut said).unwrap();
        assert_eq!(said, "", "the oldest makes room");
        assert_eq!(server.counters().displaced.get(), u64::from(displaced));
        bystanders.talk();
        others.push(other);
    }
}
