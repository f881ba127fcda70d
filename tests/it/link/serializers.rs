//! Each serialization over each transport, through the program itself.

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use wampproc::transport::url::Url;
use wampproc::wamp::codec::Serialization;

use crate::support::{Program, run, wampproc};

#[test]
fn every_serialization_goes_over_every_transport() {
    let (_router, ws) = super::serve("127.0.0.1:0");
    for scheme in ["ws", "rs"] {
        for serializer in Serialization::ALL.iter().map(|serialization| serialization.name()) {
            let url = if scheme == "rs" { super::raw(&ws) } else { ws.clone() };
            let mut agent = Program::spawn(wampproc(["join", &url, "--worker", "w1", "--serializer", serializer]));
            assert_eq!(agent.line(), format!("ready {} realm1", url.parse::<Url>().unwrap()));
            let place = ["--url", &url, "--serializer", serializer];
            let call = |words: &[&str]| run([&["call"], words, &place].concat());
            let cpus = call(&["crossbar.worker.w1.get_cpus"]);
            assert_eq!(cpus.code, Some(0), "{scheme} {serializer}: {}", cpus.stderr);
            // A caller by JSON sees the same.
            let by_json = run(["call", "crossbar.worker.w1.get_cpus", "--url", &ws]);
            assert_eq!(by_json.text(), cpus.text());
            // Arguments of several types, and an ERROR.
            let wrong = call(&["crossbar.worker.w1.set_cpu_affinity", "[0]", "-k", "relative=maybe"]);
            assert_eq!(wrong.code, Some(1), "{}", wrong.stderr);
            assert!(wrong.stderr.starts_with("wampproc: wamp.error.invalid_argument: relative: "), "{}", wrong.stderr);

            let mut subscriber = Program::spawn(wampproc(
                [&["subscribe", "com.example.topic", "--count", "1", "--log-level", "debug"], &place[..]].concat(),
            ));
            let value = r#"{"big":9007199254740991,"text":"€","list":[1,2.5,null,true]}"#;
            // Until the subscriber is there nobody hears it.
            let event = loop {
                let end = run([&["publish", "--ack", "com.example.topic", value], &place[..]].concat());
                assert_eq!(end.code, Some(0), "{}", end.stderr);
                if let Some(line) = subscriber.line_within(std::time::Duration::from_millis(50)) {
                    break line;
                }
            };
            let event: Value = serde_json::from_str(&event).unwrap();
            assert_eq!(event["args"], json!([serde_json::from_str::<Value>(value).unwrap()]), "{scheme} {serializer}");
            assert_eq!(subscriber.end().code, Some(0));
            agent.signal(Signal::SIGTERM);
            assert_eq!(agent.end().code, Some(0));
        }
    }
}

#[test]
fn a_serialization_that_is_not_there_is_a_usage_error() {
    let end = run(["join", "--serializer", "ubjson"]);
    assert_eq!(end.code, Some(2));
    assert!(end.stderr.starts_with("wampproc: --serializer: expected json"), "{}", end.stderr);
    for name in ["msgpack", "cbor"] {
        if Serialization::ALL.iter().all(|built_in| built_in.name() != name) {
            let end = run(["call", "a.b", "--serializer", name]);
            assert_eq!(end.code, Some(2));
            assert!(end.stderr.contains(&format!("build it with the cargo feature {name:?}")), "{}", end.stderr);
        }
    }
}
