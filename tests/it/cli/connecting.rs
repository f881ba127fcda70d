//! The way into a realm, and every end that it can have.

use std::io::Write;

use serde_json::json;

use super::{assert_end, closed_port, start};
use crate::fake_router::FakeRouter;
use crate::support::{Program, run, wampproc};

#[test]
fn nobody_listens_exit_3() {
    let (_reserved, port) = closed_port();
    let url = format!("ws://127.0.0.1:{port}/ws");
    for arguments in [
        &["call", "a.b", "--url", &url][..],
        &["subscribe", "a.b", "--url", &url],
        &["publish", "a.b", "--url", &url],
        &["join", &url, "--no-retry"],
    ] {
        let end = run(arguments);
        assert_end(
            &end,
            3,
            "",
            &format!(
                "wampproc: cannot connect: no connection to 127.0.0.1:{port}: Connection refused (os error 111)\n"
            ),
        );
    }
}

/// A port where somebody listens who is no router: sends `greeting` to the first caller, and nothing more until the test
/// is over.
fn stranger(greeting: &'static [u8]) -> (String, std::thread::JoinHandle<std::net::TcpStream>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("WS://{}/ws", listener.local_addr().unwrap());
    let accepted = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(greeting).unwrap();
        stream
    });
    (url, accepted)
}

#[test]
fn who_is_no_router_is_told_in_plain_words_exit_3() {
    for (greeting, got) in [
        (&b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"[..], "no HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP 200 OK"),
        (b"HTTP/1.0 404 File not found\r\n\r\n", "an answer of HTTP/1.0, which knows no WebSocket"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP 400 Bad Request: does it know wamp.2.json (--serializer)?"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "an HTTP answer that is no WebSocket upgrade"),
    ] {
        for arguments in [&["call", "a.b", "--url"][..], &["join", "--no-retry", "--log-level", "off"]] {
            let (url, accepted) = stranger(greeting);
            let end = run(arguments.iter().copied().chain([url.as_str()]));
            let sentence = format!("wampproc: cannot connect: expected a WebSocket upgrade to WAMP, got {got}\n");
            assert_end(&end, 3, "", &sentence);
            accepted.join().unwrap();
        }
    }
}

#[test]
fn what_takes_too_long_is_named_exit_5() {
    let (url, accepted) = stranger(b"");
    let end = run(["call", "a.b", "--timeout", "500ms", "--url", &url]);
    assert_end(&end, 5, "", "wampproc: cannot connect: the peer took too long to answer the WebSocket upgrade\n");
    accepted.join().unwrap();

    let router = FakeRouter::new();
    let program = start(&router, &["call", "a.b", "--timeout", "1s"]);
    let mut client = router.accept();
    client.expect(1);
    assert_end(&program.end(), 5, "", "wampproc: the router did not answer HELLO in time\n");
}

#[test]
fn a_refused_realm_exit_4() {
    for arguments in [&["call", "a.b"][..], &["join"]] {
        let router = FakeRouter::new();
        let url = router.url().to_string();
        let place: &[&str] = if arguments[0] == "join" { &[&url] } else { &["--url", &url] };
        let program = Program::spawn(wampproc([arguments, place, &["--realm", "nowhere"]].concat()));
        let mut client = router.accept();
        assert_eq!(client.expect(1)[1], "nowhere");
        client.send(&json!([3, {"message": "no realm\u{1b}[2J here"}, "wamp.error.no_such_realm"]));
        let end = program.end();
        assert_eq!((end.code, end.text()), (Some(4), ""));
        let sentence = "wampproc: the router refuses the session: wamp.error.no_such_realm: no realm\\u{1b}[2J here\n";
        assert!(end.stderr.ends_with(sentence), "{:?}", end.stderr);
    }
}
