//! `subscribe` and `publish`.

use std::io::Read;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use serde_json::json;

use super::{assert_end, part, serve, start};
use crate::fake_router::{Client, FakeRouter};
use crate::support::{PATIENCE, Program, pipe, run, wampproc};

#[test]
fn subscribe_prints_a_line_an_event_until_it_has_enough() {
    let router = FakeRouter::new();
    let mut program = start(&router, &["subscribe", "a.", "--match", "prefix", "--count", "2"]);
    let mut client = router.welcome();
    assert_eq!(client.expect(32), json!([32, 1, {"match": "prefix"}, "a."]));
    client.send(&json!([33, 1, 77]));
    client.send(&json!([36, 78, 1000, {}, ["of another subscription"]]));
    client.send(&json!([36, 77, 1001, {"topic": "a.x"}, [1], {"k": "v"}]));
    // At once, though the command has not ended.
    assert_eq!(program.line(), r#"{"topic":"a.x","args":[1],"kwargs":{"k":"v"},"publication":1001}"#);
    client.send(&json!([36, 77, 1002, {}]));
    part(&mut client);
    assert_end(&program.end(), 0, "{\"topic\":\"a.\",\"args\":[],\"kwargs\":{},\"publication\":1002}\n", "");
}

#[test]
fn a_star_is_no_wildcard_and_that_is_said() {
    let router = FakeRouter::new();
    for (topic, told) in [("a.on_*", "WARN wampproc::cli::subscribe: TOPIC: * stands for itself; "), ("a.on_x", "")] {
        let program = start(&router, &["subscribe", topic, "--count", "1"]);
        let mut client = router.welcome();
        assert_eq!(client.expect(32), json!([32, 1, {}, topic]));
        client.send(&json!([33, 1, 77]));
        client.send(&json!([36, 77, 1000, {}]));
        part(&mut client);
        let end = program.end();
        assert!(end.stderr.contains(told) && end.stderr.is_empty() == told.is_empty(), "{}", end.stderr);
    }
}

/// Starts `subscribe a.b` with further arguments and answers SUBSCRIBE.
fn subscribed(router: &FakeRouter, arguments: &[&str]) -> (Program, Client) {
    let mut program = start(router, &[&["subscribe", "a.b", "--log-level", "info"], arguments].concat());
    let mut client = router.welcome();
    client.expect(32);
    client.send(&json!([33, 1, 77]));
    program.wait_for_log("subscribed to a.b");
    (program, client)
}

#[test]
fn subscribe_ends_by_signal_or_time() {
    let router = FakeRouter::new();
    for (arguments, code, last) in [
        (&["--timeout", "1s"][..], 0, "subscribed to a.b\n"),
        (&["--timeout", "1s", "--count", "1"], 5, "wampproc: only 0 of 1 events within 1s\n"),
    ] {
        let (program, mut client) = subscribed(&router, arguments);
        part(&mut client);
        let end = program.end();
        assert_eq!((end.code, end.text()), (Some(code), ""), "{arguments:?}");
        assert!(end.stderr.ends_with(last), "{:?}", end.stderr);
    }
    for (arguments, code) in [(&[][..], 0), (&["--count", "1"], 130)] {
        let (program, mut client) = subscribed(&router, arguments);
        program.signal(Signal::SIGINT);
        part(&mut client);
        assert_eq!(program.end().code, Some(code), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_does_not_read_keeps_nobody_from_ending() {
    let router = FakeRouter::new();
    for (arguments, code) in
        [(&[][..], 0), (&["--count", "1"], 130), (&["--timeout", "1s"], 0), (&["--timeout", "1s", "--count", "2"], 5)]
    {
        let (mut reader, writer) = pipe();
        let url = router.url().to_string();
        let mut command = wampproc([&["subscribe", "a.b", "--url", &url], arguments].concat());
        let program = Program::start(command.stdout(writer));
        drop(command);
        let mut client = router.welcome();
        client.expect(32);
        client.send(&json!([33, 1, 77]));
        // More than a pipe holds.
        client.send(&json!([36, 77, 1001, {}, ["x".repeat(200_000)]]));
        let patience = PollTimeout::try_from(PATIENCE).unwrap();
        let readable = poll(&mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)], patience);
        assert_eq!(readable, Ok(1), "nothing was written");
        if !arguments.contains(&"--timeout") {
            program.signal(Signal::SIGTERM);
        }
        part(&mut client);
        assert_eq!(program.end().code, Some(code), "{arguments:?}");
        reader.read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn a_reader_that_goes_ends_subscribe_without_another_event() {
    let router = FakeRouter::new();
    let (reader, writer) = pipe();
    let mut command = wampproc(["subscribe", "a.b", "--url", &router.url().to_string()]);
    let program = Program::start(command.stdout(writer));
    drop(command);
    let mut client = router.welcome();
    client.expect(32);
    client.send(&json!([33, 1, 77]));
    drop(reader);
    part(&mut client);
    assert_end(&program.end(), 0, "", "");
}

#[test]
fn publish_with_and_without_an_acknowledgement() {
    let router = FakeRouter::new();
    let program = start(&router, &["publish", "a.b", "1", "-k", "x=y"]);
    let mut client = router.welcome();
    assert_eq!(client.expect(16), json!([16, 1, {}, "a.b", [1], {"x": "y"}]));
    part(&mut client);
    assert_end(&program.end(), 0, "", "");

    for (answer, code, sentence) in [
        (
            Some(json!([3, {"message": "too long"}, "wamp.error.protocol_violation"])),
            6,
            "wampproc: the router ended the session: wamp.error.protocol_violation: too long\n",
        ),
        (None, 6, "wampproc: connection lost: the peer hung up\n"),
    ] {
        let program = start(&router, &["publish", "a.b"]);
        let mut client = router.welcome();
        client.expect(16);
        client.expect(6);
        if let Some(answer) = answer {
            client.send(&answer);
        }
        drop(client);
        assert_end(&program.end(), code, "", sentence);
    }
    let program = start(&router, &["publish", "a.b", "--timeout", "1s"]);
    let mut client = router.welcome();
    client.expect(16);
    client.expect(6);
    assert_end(&program.end(), 5, "", "wampproc: the router did not answer GOODBYE in time\n");

    let program = start(&router, &["publish", "a.b", "--ack"]);
    let mut client = router.welcome();
    assert_eq!(client.expect(16)[2], json!({"acknowledge": true}));
    client.send(&json!([17, 1, 4242]));
    part(&mut client);
    assert_end(&program.end(), 0, "4242\n", "");

    let program = start(&router, &["publish", "a.b", "--ack"]);
    let mut client = router.welcome();
    client.expect(16);
    client.send(&json!([8, 16, 1, {}, "wamp.error.not_authorized"]));
    part(&mut client);
    assert_end(&program.end(), 1, "", "wampproc: wamp.error.not_authorized\n");
}

#[test]
fn an_event_goes_from_publish_through_serve_to_subscribe() {
    let (_server, url) = serve(&["--realm", "factory"]);
    let at = ["--url", &url, "--realm", "factory"];
    let arguments = [&["subscribe", "a.b", "--count", "1", "--log-level", "info"], &at[..]].concat();
    let mut subscriber = Program::spawn(wampproc(arguments));
    subscriber.wait_for_log("subscribed to a.b");
    let end = run([&["publish", "a.b", "1.0", "-k", "x=12345678901234567890123", "--ack"], &at[..]].concat());
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
    let publication = end.text().trim();
    let event = subscriber.line();
    assert_eq!(
        event,
        format!(
            r#"{{"topic":"a.b","args":[1.0],"kwargs":{{"x":12345678901234567890123}},"publication":{publication}}}"#
        )
    );
    assert_eq!(subscriber.end().code, Some(0));
}
