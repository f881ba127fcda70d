//! Clients that do not read as fast as there is something to read, or not at all.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use serde_json::json;
use tungstenite::Error;
use wampproc::transport::keepalive::KeepalivePolicy;

use super::client::{Client, PATIENCE, eventually, server};
use super::inside::Inside;

const NO_PINGS: KeepalivePolicy = KeepalivePolicy { interval: None, patience: Duration::from_secs(10) };

#[test]
fn a_subscriber_that_never_reads_loses_events_and_then_its_connection() {
    let drain = Duration::from_secs(2);
    let server = server(
        |config| {
            config.keepalive = NO_PINGS;
            config.timeouts.drain = drain;
        },
        Vec::new(),
    );
    let (mut mute, mut reader, mut publisher) = (Client::join(&server), Client::join(&server), Client::join(&server));
    mute.subscribe("com.example.topic");
    reader.subscribe("com.example.topic");
    let text = "x".repeat(2000);
    // 20 MB, of which the mute one's socket takes a few. The reader keeps pace and misses nothing.
    let begun = Instant::now();
    for number in 0..10_000 {
        publisher.publish("com.example.topic", json!([number, text]));
        assert_eq!(reader.receive()[4][0], number);
    }
    let counters = server.counters();
    assert!(counters.events_dropped.get() > 1000, "{counters}");
    eventually("the mute one is closed", || counters.stalled_closed.get() == 1);
    assert!(begun.elapsed() >= drain);
    assert_eq!(counters.overrun_closed.get(), 0);
    reader.publish("com.example.other", json!([]));
}

#[test]
fn a_call_to_a_callee_that_does_not_read_is_answered_with_an_error() {
    let server = server(|config| config.keepalive = NO_PINGS, Vec::new());
    let (mut callee, mut caller) = (Client::join(&server), Client::join(&server));
    callee.register("com.example.mute");
    let text = "x".repeat(500_000);
    for count in 1.. {
        assert!(count < 200, "nothing is ever refused");
        caller.begin(48, json!([{}, "com.example.mute", [text]]));
        let refused = server.counters().invocations_undelivered.get();
        if refused > 0 {
            break;
        }
    }
    let error = caller.receive();
    assert_eq!((&error[0], &error[4]), (&json!(8), &json!("wamp.error.unavailable")));
    // Whatever was queued still arrives.
    assert_eq!(callee.receive()[0], 68);
}

#[test]
fn a_client_that_pipelines_is_slowed_down_and_not_cut_off() {
    let (server, callee) = Inside::join(|config| config.keepalive = NO_PINGS);
    let callee = std::thread::spawn(move || callee.echo());
    let mut caller = Client::join(&server);
    caller.socket.get_ref().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    // Calls whose results are long, until the server does not read them any more.
    let argument = "x".repeat(20_000);
    let mut calls = 0;
    let begun = Instant::now();
    loop {
        calls += 1;
        let call = json!([48, calls, {}, "com.example.inside", [argument]]).to_string();
        match caller.socket.send(tungstenite::Message::text(call)) {
            Ok(()) => assert!(calls < 100_000 && begun.elapsed() < PATIENCE, "the server takes without end"),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("after {calls} calls: {error}"),
        }
    }
    // Now it reads, and every call that is out whole has its result. Then the rest of the last one can go out.
    caller.socket.get_ref().set_write_timeout(Some(PATIENCE)).unwrap();
    let mut open: BTreeSet<u64> = (1..=calls).collect();
    while !open.is_empty() {
        if open.len() == 1 {
            caller.socket.flush().unwrap();
        }
        let result = caller.receive();
        assert_eq!(result[0], 50, "{result:.200}");
        assert!(open.remove(&result[1].as_u64().unwrap()));
    }
    assert_eq!(server.counters().overrun_closed.get(), 0);
    drop(server);
    assert_eq!(callee.join().unwrap(), calls);
}
