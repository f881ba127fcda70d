//! *Session Testament*: what a session leaves to be published when it ends.

use serde_json::{Value, json};

use super::bench::{Bench, error_of};
use crate::router::{LIMIT_EXCEEDED, Limits, PeerId, Share};

const ADD: &str = "wamp.session.add_testament";
const FLUSH: &str = "wamp.session.flush_testaments";

/// A peer that will leave something, one that listens to everything below `a.`, and a subscription.
fn pair() -> (Bench, PeerId, PeerId) {
    let mut bench = Bench::new();
    let (testator, _) = bench.join();
    let (heir, _) = bench.join();
    bench.subscribe(heir, "prefix", "a.");
    (bench, testator, heir)
}

#[track_caller]
fn add(bench: &mut Bench, peer: PeerId, args: &Value, kwargs: &Value) {
    assert_eq!(bench.meta(peer, ADD, args, kwargs), [json!([50, 1, {}])], "no value");
}

/// The events that a peer got: topic, arguments, keyword arguments.
fn events(bench: &mut Bench, peer: PeerId) -> Vec<Value> {
    bench.got(peer).iter().map(|event| json!([event[3]["topic"], event[4], event[5]])).collect()
}

#[test]
fn testaments_are_published_when_a_session_ends_however_it_ends() {
    for farewell in [None, Some(r#"[6,{},"wamp.close.normal"]"#), Some(r#"[3,{},"x"]"#), Some("[70,99,{}]")] {
        let (mut bench, testator, heir) = pair();
        add(&mut bench, testator, &json!(["a.last", [1, "two"], { "k": [3] }]), &json!({}));
        add(&mut bench, testator, &json!(["a.bare", [], {}]), &json!({}));
        add(&mut bench, testator, &json!(["a.less"]), &json!({}));
        bench.nothing_more();
        match farewell {
            None => bench.lose(testator),
            Some(text) => bench.say(testator, text),
        }
        bench.got(testator);
        let expected =
            [json!(["a.last", [1, "two"], { "k": [3] }]), json!(["a.bare", [], {}]), json!(["a.less", null, null])];
        assert_eq!(events(&mut bench, heir), expected, "{farewell:?}");
        bench.nothing_more();
    }
}

#[test]
fn those_of_detached_come_before_those_of_destroyed_and_each_can_be_flushed() {
    let scopes = |scope: &str| json!({ "scope": scope });
    for (flushed, expected) in [
        (vec![], vec!["a.3", "a.1", "a.2", "a.4"]),
        (vec![scopes("detached")], vec!["a.1", "a.2", "a.4"]),
        (vec![scopes("destroyed")], vec!["a.3"]),
        (vec![json!({})], vec!["a.3"]),
        (vec![scopes("destroyed"), scopes("detached")], vec![]),
    ] {
        let (mut bench, testator, heir) = pair();
        for (topic, kwargs) in
            [("a.1", json!({})), ("a.2", scopes("destroyed")), ("a.3", scopes("detached")), ("a.4", json!({}))]
        {
            add(&mut bench, testator, &json!([topic, [], {}]), &kwargs);
        }
        for kwargs in &flushed {
            assert_eq!(bench.meta(testator, FLUSH, &json!([]), kwargs), [json!([50, 1, {}])]);
        }
        bench.lose(testator);
        let topics: Vec<Value> = events(&mut bench, heir).into_iter().map(|event| event[0].clone()).collect();
        assert_eq!(topics, expected, "{flushed:?}");
    }
}

#[test]
fn options_are_honoured_where_they_make_sense() {
    let (mut bench, testator, heir) = pair();
    let (other, other_id) = bench.join();
    bench.subscribe(other, "exact", "a.x");
    let options = json!({ "publish_options": { "acknowledge": true, "disclose_me": true, "eligible": [other_id] } });
    add(&mut bench, testator, &json!(["a.x", [1], {}]), &options);
    add(&mut bench, testator, &json!(["a.kept", [2], {}]), &json!({ "publish_options": { "retain": true } }));
    bench.lose(testator);
    let got = bench.got(other);
    assert_eq!(got.len(), 1);
    assert_eq!(got[0][3]["publisher_authrole"], "anonymous");
    assert!(got[0][3]["publisher"].is_number());
    assert_eq!(events(&mut bench, heir), [json!(["a.kept", [2], {}])]);
    let kept = bench.ask(other, r#"[32,5,{"get_retained":true},"a.kept"]"#);
    assert_eq!((&kept[1][3], &kept[1][4]), (&json!({ "retained": true }), &json!([2])));
    bench.nothing_more();
}

#[test]
fn what_is_no_testament_is_an_error() {
    let (mut bench, testator, heir) = pair();
    for (procedure, args, kwargs, error, words) in [
        (ADD, json!([]), json!({}), "wamp.error.invalid_argument", "topic: expected a URI, got nothing"),
        (ADD, json!(["a..b", [], {}]), json!({}), "wamp.error.invalid_uri", "none of them empty"),
        (ADD, json!(["wamp.x", [], {}]), json!({}), "wamp.error.invalid_uri", "component wamp"),
        (ADD, json!(["a.b", {}, {}]), json!({}), "wamp.error.invalid_argument", "a list of arguments"),
        (ADD, json!(["a.b", [], []]), json!({}), "wamp.error.invalid_argument", "a dict of keyword arguments"),
        (ADD, json!(["a.b", [], {}]), json!({ "scope": "x" }), "wamp.error.invalid_argument", r#"got "x""#),
        (
            ADD,
            json!(["a.b", [], {}]),
            json!({ "x": 1 }),
            "wamp.error.invalid_argument",
            r#"no further argument, got "x""#,
        ),
        (
            ADD,
            json!(["a.b", [], {}]),
            json!({ "publish_options": [] }),
            "wamp.error.invalid_argument",
            "publish_options: expected a dict",
        ),
        (
            ADD,
            json!(["a.b", [], {}]),
            json!({ "publish_options": { "retain": 1 } }),
            "wamp.error.invalid_argument",
            "publish_options: expected a dict",
        ),
        (FLUSH, json!([]), json!({ "scope": 1 }), "wamp.error.invalid_argument", "scope: expected"),
        (FLUSH, json!(["detached", 1]), json!({}), "wamp.error.invalid_argument", "no further argument"),
    ] {
        let got = bench.meta(testator, procedure, &args, &kwargs);
        assert_eq!(error_of(&got), error, "{args} {kwargs}");
        assert!(got[0][5][0].as_str().unwrap().contains(words), "{got:?}");
    }
    bench.lose(testator);
    assert_eq!(events(&mut bench, heir), Vec::<Value>::new());
}

#[test]
fn there_are_only_so_many_of_so_many_bytes() {
    let session = Share { testaments: 2, ..Limits::default().session };
    let realm = Share { testaments: 3, testament_bytes: 4096, ..Limits::default().realm };
    let mut bench = Bench::with_limits(Limits { session, realm, ..Limits::default() });
    let (one, _) = bench.join();
    let (two, _) = bench.join();
    let small = json!(["a.b", [1], {}]);
    let large = json!(["a.b", ["x".repeat(4096)], {}]);
    let refused = |bench: &mut Bench, peer, args: &Value, words: &str| {
        let got = bench.meta(peer, ADD, args, &json!({}));
        assert_eq!(error_of(&got), LIMIT_EXCEEDED);
        assert!(got[0][5][0].as_str().unwrap().contains(words), "{got:?}");
    };
    refused(&mut bench, one, &large, "the testaments of a realm of at most 4096 bytes");
    for _ in 0..2 {
        add(&mut bench, one, &small, &json!({}));
    }
    refused(&mut bench, one, &small, "at most 2 testaments in a session");
    add(&mut bench, two, &small, &json!({}));
    refused(&mut bench, two, &small, "at most 3 testaments in a realm");
    assert_eq!(bench.router.counters().limited, 3);
    // Room is made by flushing, and by leaving.
    bench.meta(two, FLUSH, &json!([]), &json!({}));
    add(&mut bench, two, &small, &json!({}));
    bench.lose(one);
    add(&mut bench, two, &small, &json!({}));
    refused(&mut bench, two, &small, "in a session");
    let session = Share { testament_bytes: 1024, ..Limits::default().session };
    let mut bench = Bench::with_limits(Limits { session, ..Limits::default() });
    let (one, _) = bench.join();
    refused(&mut bench, one, &large, "the testaments of a session of at most 1024 bytes");
}

#[test]
fn a_shutdown_publishes_nothing() {
    let (mut bench, testator, heir) = pair();
    add(&mut bench, testator, &json!(["a.b", [], {}]), &json!({}));
    let now = bench.now();
    bench.router.shutdown(now, &mut bench.out);
    assert_eq!(bench.got(heir), [json!([6, {}, "wamp.close.system_shutdown"])]);
}
