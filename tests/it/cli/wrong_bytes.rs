//! What a router sends that is no message: cut off, in another serialization, with ids that are none, no UTF-8. Over WebSocket
//! and over RawSocket the router is told, and the user, each in its exact words. What is only deep or long is passed on.

use std::io::Write;
use std::net::{Shutdown, TcpListener};

use serde_json::json;
use tungstenite::Message;
use tungstenite::handshake::server::{Request, Response};
use tungstenite::http::HeaderValue;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};

use super::{assert_end, part, start};
use crate::fake_router::FakeRouter;
use crate::raw::{Raw, abort, no_message};
use crate::support::{Program, wampproc};

/// A router that a test plays by hand over RawSocket.
struct RawRouter(TcpListener);

impl RawRouter {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn call(&self) -> Program {
        let url = format!("rs://{}", self.0.local_addr().unwrap());
        Program::spawn(wampproc(["call", "a.b", "--url", &url]))
    }

    /// The next client, answered with this greeting.
    fn greet(&self, greeting: &[u8]) -> Raw {
        let (stream, _) = self.0.accept().unwrap();
        let mut client = Raw(stream);
        assert_eq!(client.bytes(2), [0x7f, 0xf1], "a greeting for JSON");
        assert_eq!(client.bytes(2), [0, 0]);
        client.0.write_all(greeting).unwrap();
        client
    }

    /// The next client, after its CALL.
    fn called(&self) -> Raw {
        let mut client = self.greet(&[0x7f, 0xf1, 0, 0]);
        assert_eq!(client.receive()[0], 1);
        client.send(json!([2, 4711, {"roles": {"dealer": {}}}]).to_string().as_bytes());
        assert_eq!(client.receive(), json!([48, 1, {}, "a.b"]));
        client
    }
}

/// What the user reads.
fn broke(sentence: &str) -> String {
    format!("wampproc: the router broke the protocol: {sentence}\n")
}

#[test]
fn the_router_is_told_what_was_expected_and_the_user_too_exit_6() {
    let no_id = "RESULT: expected a request id, got 9007199254740993 (invalid value: integer `9007199254740993`, expected \
                 an id from 0 to 2^53)";
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for (text, sentence) in [
        ("", no_message("EOF while parsing a value at line 1 column 0")),
        ("[50,1,{},[1", no_message("EOF while parsing a list at line 1 column 11")),
        ("[50,9007199254740993,{},[1]]", no_id.to_owned()),
        (
            "[50,9007199254740992,{},[1]]",
            "RESULT: expected the request id of a CALL that waits, got 9007199254740992".into(),
        ),
        (&deep, no_message(&format!("{}…", "[".repeat(80)))),
    ] {
        let router = FakeRouter::new();
        let program = start(&router, &["call", "a.b"]);
        let mut client = router.welcome();
        client.expect(48);
        client.send_text(text);
        assert_eq!(client.expect(3), abort(&sentence));
        client.expect_end();
        assert_end(&program.end(), 6, "", &broke(&sentence));

        let router = RawRouter::new();
        let program = router.call();
        let mut client = router.called();
        client.send(text.as_bytes());
        assert_eq!(client.receive(), abort(&sentence));
        client.expect_end();
        assert_end(&program.end(), 6, "", &broke(&sentence));
    }
}

#[test]
fn a_session_id_has_its_range() {
    for (id, is_one) in [("9007199254740992", true), ("9007199254740993", false), ("0", false)] {
        let router = FakeRouter::new();
        let program = start(&router, &["call", "a.b"]);
        let mut client = router.accept();
        client.expect(1);
        client.send_text(&format!(r#"[2,{id},{{"roles":{{"dealer":{{}}}}}}]"#));
        if is_one {
            client.expect(48);
            client.send(&json!([50, 1, {}, [1]]));
            part(&mut client);
            assert_end(&program.end(), 0, "1\n", "");
        } else {
            let why = format!("invalid value: integer `{id}`, expected an id from 1 to 2^53");
            let sentence = format!("WELCOME: expected a session id, got {id} ({why})");
            assert_eq!(client.expect(3), abort(&sentence));
            assert_end(&program.end(), 6, "", &broke(&sentence));
        }
    }
}

#[test]
fn what_a_callee_says_is_printed_however_great_or_deep_it_is() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for text in ["18446744073709551615", "-9223372036854775808", "9007199254740993", &deep] {
        let router = FakeRouter::new();
        let program = start(&router, &["call", "a.b"]);
        let mut client = router.welcome();
        client.expect(48);
        client.send_text(&format!("[50,1,{{}},[{text}]]"));
        part(&mut client);
        assert_end(&program.end(), 0, &format!("{text}\n"), "");
    }
}

#[test]
fn what_is_no_utf_8_is_told_so_by_each_transport_in_its_way_exit_6() {
    let wrong = b"[50,1,{},[\"\xff\"]]";
    let router = FakeRouter::new();
    let program = start(&router, &["call", "a.b"]);
    let mut client = router.welcome();
    client.expect(48);
    client.send_frame(Message::Frame(Frame::message(wrong.to_vec(), OpCode::Data(Data::Text), true)));
    assert_eq!(client.close_code(), Some(1007));
    let lost = "wampproc: connection lost: the peer broke the protocol: expected text in UTF-8\n";
    assert_end(&program.end(), 6, "", lost);

    let router = RawRouter::new();
    let program = router.call();
    let mut client = router.called();
    client.send(wrong);
    let sentence = no_message("text that is no UTF-8");
    assert_eq!(client.receive(), abort(&sentence));
    assert_end(&program.end(), 6, "", &broke(&sentence));
}

#[test]
fn a_frame_that_is_cut_off_is_a_lost_connection_exit_6() {
    // Ten bytes are announced.
    let router = FakeRouter::new();
    let program = start(&router, &["call", "a.b"]);
    let mut client = router.welcome();
    client.expect(48);
    client.send_last_bytes(b"\x81\x0a[50");
    assert_end(&program.end(), 6, "", "wampproc: connection lost: the peer hung up\n");

    let router = RawRouter::new();
    let program = router.call();
    let mut client = router.called();
    client.0.write_all(b"\0\0\0\x0a[50").unwrap();
    client.0.shutdown(Shutdown::Write).unwrap();
    assert_end(&program.end(), 6, "", "wampproc: connection lost: the peer hung up\n");
}

#[test]
fn another_serialization_than_was_agreed_on_is_no_message_exit_6() {
    let by_msgpack = b"\x94\x32\x01\x80\x91\x01";
    let router = FakeRouter::new();
    let program = start(&router, &["call", "a.b"]);
    let mut client = router.welcome();
    client.expect(48);
    client.send_frame(Message::binary(&by_msgpack[..]));
    let sentence = "expected a text frame, got a binary one";
    assert_eq!(client.expect(3), abort(sentence));
    assert_end(&program.end(), 6, "", &broke(sentence));

    let router = RawRouter::new();
    let program = router.call();
    let mut client = router.called();
    client.send(by_msgpack);
    let sentence = no_message("text that is no UTF-8");
    assert_eq!(client.receive(), abort(&sentence));
    assert_end(&program.end(), 6, "", &broke(&sentence));
}

#[test]
fn a_router_that_agrees_on_another_serialization_is_none_exit_3() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let program = Program::spawn(wampproc(["call", "a.b", "--url", &url]));
    #[allow(clippy::result_large_err)]
    let chosen = |_: &Request, mut response: Response| {
        response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("wamp.2.msgpack"));
        Ok(response)
    };
    let socket = tungstenite::accept_hdr(listener.accept().unwrap().0, chosen).unwrap();
    let got = "a WebSocket of another subprotocol than wamp.2.json (--serializer)";
    let sentence = format!("wampproc: cannot connect: expected a WebSocket upgrade to WAMP, got {got}\n");
    assert_end(&program.end(), 3, "", &sentence);
    drop(socket);

    for (greeting, got) in [
        (&[0x7f, 0xf2, 0, 0][..], "bytes that are no RawSocket handshake"),
        (&[0x7f, 0x10, 0, 0], "the word that the serialization is not spoken"),
    ] {
        let router = RawRouter::new();
        let program = router.call();
        let mut client = router.greet(greeting);
        let sentence = format!("expected the answer to a RawSocket handshake, got {got}");
        assert_end(&program.end(), 3, "", &format!("wampproc: cannot connect: {sentence}\n"));
        client.expect_end();
    }
    let router = RawRouter::new();
    let program = router.call();
    let client = router.greet(&[0x7f, 0xf1]);
    client.0.shutdown(Shutdown::Write).unwrap();
    let got = "the end of the connection: does it know json (--serializer)?";
    let sentence = format!("expected the answer to a RawSocket handshake, got {got}");
    assert_end(&program.end(), 3, "", &format!("wampproc: cannot connect: {sentence}\n"));
}
