//! What is no message: cut off, in another serialization, with ids that are none, too deep, no UTF-8. Over WebSocket and over
//! RawSocket each gets its exact answer, and nobody else notices.

use std::io::{Read, Write};
use std::net::Shutdown;

use serde_json::json;
use tungstenite::Message;
use wampproc::server::Server;
use wampproc::wamp::codec::Serialization;

use super::client::{Client, connect, eventually, http, plain_server};
use crate::raw::{Raw, abort, no_message};

const HELLO: &str = r#"[1,"realm1",{"roles":{"caller":{},"subscriber":{}}}]"#;
/// The greeting of a RawSocket that writes JSON, and the router's, which takes 1 MiB.
const JSON: [u8; 4] = [0x7f, 0xf1, 0, 0];
const OURS: [u8; 4] = [0x7f, 0xb1, 0, 0];

fn greet(server: &Server, greeting: [u8; 4]) -> Raw {
    let mut stream = connect(server.local_addrs()[0]);
    stream.write_all(&greeting).unwrap();
    Raw(stream)
}

fn join(server: &Server) -> Raw {
    let mut raw = greet(server, JSON);
    assert_eq!(raw.bytes(4), OURS);
    raw.send(HELLO.as_bytes());
    assert_eq!(raw.receive()[0], 2);
    raw
}

fn no_id(message: &str, kind: &str, got: &str, why: &str) -> String {
    format!("{message}: expected a {kind} id, got {got} ({why})")
}

/// Whether the router still serves others.
fn is_served(server: &Server) {
    assert_eq!(Client::join(server).request(48, json!([{}, "wamp.session.count"]))[0], 50);
}

/// Each text as the message of a client that has joined, and what it is told.
fn wrong_messages() -> Vec<(String, String)> {
    let deep = |open: &str, inside: &str, close: &str| open.repeat(10_000) + inside + &close.repeat(10_000);
    let too_deep = "expected at most 64 levels of lists and dicts, got more";
    let end = |of: &str, column: u32| no_message(&format!("EOF while parsing a {of} at line 1 column {column}"));
    let above = |least: u32| format!("invalid value: integer `9007199254740993`, expected an id from {least} to 2^53");
    let cases = [
        // Cut off.
        ("", end("value", 0)),
        (r#"[48,1,{},"a.b"#, end("string", 13)),
        (r#"[48,1,{},"a.b""#, end("list", 14)),
        // Ids beyond 2^53, and what is none.
        (r#"[48,9007199254740993,{},"a.b"]"#, no_id("CALL", "request", "9007199254740993", &above(0))),
        (r#"[34,1,9007199254740993]"#, no_id("UNSUBSCRIBE", "subscription", "9007199254740993", &above(1))),
        (r#"[48,0,{},"a.b"]"#, "CALL: expected a request id from 1 to 2^53, got 0".to_owned()),
        (
            r#"[48,-1,{},"a.b"]"#,
            no_id("CALL", "request", "-1", "invalid value: integer `-1`, expected u64 at line 1 column 2"),
        ),
        (
            r#"[48,1.0,{},"a.b"]"#,
            no_id("CALL", "request", "1.0", "invalid type: floating point `1.0`, expected u64 at line 1 column 3"),
        ),
        // Deep: the message itself, and what it carries.
        (&deep("[", "", "]"), too_deep.to_owned()),
        (&format!(r#"[48,1,{{}},"a.b",{}]"#, deep("[", "", "]")), too_deep.to_owned()),
        (&format!(r#"[48,1,{{}},"a.b",[],{}]"#, deep(r#"{"a":"#, "1", "}")), too_deep.to_owned()),
    ];
    cases.map(|(text, sentence)| (text.to_owned(), sentence)).into()
}

#[test]
fn over_both_transports_the_sender_is_told_what_was_expected_and_loses_its_session() {
    let server = plain_server();
    for (text, sentence) in wrong_messages() {
        let mut web = Client::join(&server);
        web.send_text(text.clone());
        assert_eq!(web.until_closed(), (vec![abort(&sentence)], true), "{}", &text[..text.len().min(80)]);
        let mut raw = join(&server);
        raw.send(text.as_bytes());
        assert_eq!(raw.receive(), abort(&sentence));
        raw.expect_end();
    }
    is_served(&server);
}

#[test]
fn the_greatest_ids_are_ids() {
    let server = plain_server();
    let greatest = 1_u64 << 53;
    let mut raw = join(&server);
    let mut web = Client::join(&server);
    for (message, error) in [
        (json!([48, greatest, {}, "a.b"]), json!([8, 48, greatest, {}, "wamp.error.no_such_procedure"])),
        (json!([34, greatest, greatest]), json!([8, 34, greatest, {}, "wamp.error.no_such_subscription"])),
        (json!([66, greatest, greatest]), json!([8, 66, greatest, {}, "wamp.error.no_such_registration"])),
    ] {
        raw.send(message.to_string().as_bytes());
        web.send(message);
        for answer in [raw.receive(), web.receive()] {
            assert_eq!(answer.as_array().unwrap()[..5], error.as_array().unwrap()[..]);
        }
    }
}

#[test]
fn before_hello_it_is_the_same() {
    let server = plain_server();
    let deep = "[".repeat(10_000);
    for (bytes, sentence) in [
        (&b"[1,\"realm1\",{"[..], no_message("EOF while parsing an object at line 1 column 13")),
        (b"[1,\"realm\xff\",{}]", no_message("text that is no UTF-8")),
        (deep.as_bytes(), "expected at most 64 levels of lists and dicts, got more".to_owned()),
    ] {
        let mut raw = greet(&server, JSON);
        assert_eq!(raw.bytes(4), OURS);
        raw.send(bytes);
        assert_eq!(raw.receive(), abort(&sentence));
        raw.expect_end();
    }
    is_served(&server);
}

#[test]
fn what_is_no_utf_8_is_told_so_by_each_transport_in_its_way() {
    let server = plain_server();
    let wrong = b"[48,1,{},\"a.\xff\"]";
    let mut raw = join(&server);
    raw.send(wrong);
    assert_eq!(raw.receive(), abort(&no_message("text that is no UTF-8")));
    raw.expect_end();
    // RFC 6455, 8.1: the WebSocket fails, with 1007 in its close frame and no message.
    let mut web = Client::join(&server);
    let stream = web.socket.get_mut();
    stream.write_all(&[&[0x81, 0x80 | u8::try_from(wrong.len()).unwrap(), 0, 0, 0, 0], &wrong[..]].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer.get(..4), Some(&[0x88, 2, 0x03, 0xef][..]), "{answer:x?}");
    is_served(&server);
}

#[test]
fn a_frame_that_is_cut_off_ends_with_its_connection() {
    let server = plain_server();
    let sessions = |expected: u64| {
        eventually("the sessions are forgotten", || {
            Client::join(&server).request(48, json!([{}, "wamp.session.count"]))[3] == json!([expected])
        });
    };
    let mut web = Client::join(&server);
    let mut raw = join(&server);
    sessions(3);
    // Ten bytes are announced.
    web.socket.get_mut().write_all(b"\x81\x8a\0\0\0\0[48").unwrap();
    raw.0.write_all(b"\0\0\0\x0a[48").unwrap();
    for stream in [web.socket.get_mut(), &mut raw.0] {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    raw.expect_end();
    let mut rest = Vec::new();
    web.socket.get_mut().read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    sessions(1);
}

#[test]
fn another_serialization_than_was_agreed_on_is_no_message() {
    let server = plain_server();
    let hello_by_msgpack = b"\x93\x01\xa6realm1\x80";
    let mut raw = greet(&server, JSON);
    assert_eq!(raw.bytes(4), OURS);
    raw.send(hello_by_msgpack);
    assert_eq!(raw.receive(), abort(&no_message("text that is no UTF-8")));
    raw.expect_end();
    let mut web = Client::connect(&server);
    web.socket.send(Message::binary(&hello_by_msgpack[..])).unwrap();
    assert_eq!(web.until_closed(), (vec![abort("expected a text frame, got a binary one")], true));
    is_served(&server);
}

#[test]
fn a_serialization_that_is_not_spoken_is_refused_in_the_handshake() {
    let server = plain_server();
    // UBJSON; RawSocket, Handshake: error 1, "serializer unsupported".
    let mut raw = greet(&server, [0x7f, 0xf4, 0, 0]);
    assert_eq!(raw.bytes(4), [0x7f, 0x10, 0, 0]);
    raw.expect_end();
    let answer = http(
        server.local_addrs()[0],
        "GET /ws HTTP/1.1\nHost: localhost\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\nSec-WebSocket-Protocol: wamp.2.ubjson\n\n",
    );
    let spoken = Serialization::ALL.iter().map(|spoken| spoken.subprotocol()).collect::<Vec<_>>().join(" or ");
    let sentence = format!("\r\n\r\nexpected {spoken} in Sec-WebSocket-Protocol, got \"wamp.2.ubjson\"\n");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with(&sentence), "{answer}");
}
