//! `get_link_stats`, over each transport.

use std::time::Instant;

use serde_json::{Value, json};

use super::{raw, serve};
use crate::support::{PATIENCE, Program, run, wampproc};

fn stats(worker: &str, url: &str) -> Value {
    let end = run(["call", &format!("crossbar.worker.{worker}.get_link_stats"), "--url", url]);
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    serde_json::from_str(end.text()).unwrap()
}

#[test]
fn what_went_over_a_socket_is_counted() {
    let (_router, ws) = serve("127.0.0.1:0");
    for (url, pinged) in [(ws.clone(), true), (raw(&ws), false)] {
        let mut agent = Program::spawn(wampproc(["join", &url, "--worker", "w1", "--ping-interval", "100ms"]));
        let joined = agent.line().split(' ').nth(1).unwrap().to_owned();
        let first = stats("w1", &ws);
        assert_eq!((&first["url"], &first["serializer"]), (&json!(joined), &json!("json")));
        assert!(first["session"].is_u64() && first["router"].is_string() && first["connected_since"].is_string());
        // WELCOME, a REGISTERED for each REGISTER, this INVOCATION; HELLO and the REGISTERs.
        let (taken, said) = (first["messages_in"].as_u64().unwrap(), first["messages_out"].as_u64().unwrap());
        assert_eq!(taken, said + 1, "{first}");
        let second = stats("w1", &ws);
        let more = |key: &str| second[key].as_u64().unwrap() - first[key].as_u64().unwrap();
        assert_eq!((more("messages_in"), more("messages_out")), (1, 1));
        assert!((50..2000).contains(&more("bytes_in")), "{second}");
        assert!((200..4000).contains(&more("bytes_out")), "{second}");
        for (key, expected) in [("reconnects", json!(0)), ("drops", json!(0)), ("dropping", json!(false))] {
            assert_eq!(second[key], expected, "{key}");
        }
        assert!(second["queued_max"].as_u64() >= second["queued"].as_u64());
        // A RawSocket is not pinged unless the router pings too.
        let deadline = Instant::now() + PATIENCE;
        while pinged && stats("w1", &ws)["round_trip"] == Value::Null {
            assert!(Instant::now() < deadline, "no ping is answered");
            std::thread::park_timeout(std::time::Duration::from_millis(200));
        }
        let round_trip = &stats("w1", &ws)["round_trip"];
        assert_eq!(round_trip.as_f64().is_some_and(|time| time > 0.0 && time < 10.0), pinged, "{round_trip}");
    }
}

#[test]
fn in_memory_nothing_is_written() {
    let (_router, url) = serve("127.0.0.1:0");
    let stats = stats("router", &url);
    for key in ["url", "serializer", "bytes_in", "bytes_out", "queued", "queued_max", "round_trip"] {
        assert_eq!(stats[key], Value::Null, "{key}");
    }
    assert!(stats["messages_in"].as_u64() > Some(10) && stats["session"].is_u64(), "{stats}");
}

#[test]
fn counters_outlive_the_session() {
    let (router, url) = serve("127.0.0.1:0");
    let flags = ["--worker", "w1", "--reconnect-initial", "20ms"];
    let mut agent = Program::spawn(wampproc([&["join", &url], &flags[..]].concat()));
    agent.line();
    let before = stats("w1", &url);
    router.signal(nix::sys::signal::Signal::SIGKILL);
    agent.wait_for_log("no connection to");
    drop(router);
    let (_again, url) = serve(url.strip_prefix("ws://").unwrap().trim_end_matches("/ws"));
    agent.wait_for_log("procedures registered");
    let after = stats("w1", &url);
    assert_eq!(after["reconnects"], 1);
    assert!(after["failures"].as_u64() >= Some(2), "{after}");
    assert!(after["last_failure"].as_str().unwrap().contains("no connection to"), "{after}");
    assert!(after["bytes_in"].as_u64() > before["bytes_in"].as_u64());
    assert_ne!(after["session"], before["session"]);
}
