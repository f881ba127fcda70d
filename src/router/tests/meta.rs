//! The meta API: what its procedures answer, and what is published when.

use serde_json::{Value, json};

use super::bench::{Bench, error_of};
use crate::router::{LIMIT_EXCEEDED, Limits, PeerId};

const CREATED: &str = "2026-11-22T08:07:25.801Z";

/// The value that a meta procedure answers with.
#[track_caller]
fn ask(bench: &mut Bench, peer: PeerId, procedure: &str, arguments: Value) -> Value {
    let got = bench.ask(peer, &json!([48, 1, {}, procedure, arguments]).to_string());
    assert_eq!(got[0][0], 50, "{procedure}: {got:?}");
    assert_eq!(got[0][3].as_array().unwrap().len(), 1);
    got[0][3][0].clone()
}

fn sorted(value: Value) -> Vec<u64> {
    let mut ids: Vec<u64> = value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn sessions() {
    let mut bench = Bench::new();
    let (one, one_id) = bench.join();
    let (_, two_id) = bench.join();
    assert_eq!(ask(&mut bench, one, "wamp.session.count", json!([])), 2);
    assert_eq!(ask(&mut bench, one, "wamp.session.count", json!([null])), 2);
    assert_eq!(ask(&mut bench, one, "wamp.session.count", json!([["anonymous", "x"]])), 2);
    assert_eq!(ask(&mut bench, one, "wamp.session.count", json!([["x"]])), 0);
    assert_eq!(ask(&mut bench, one, "wamp.session.count", json!([[]])), 0);
    let mut ids = vec![one_id, two_id];
    ids.sort_unstable();
    assert_eq!(sorted(ask(&mut bench, one, "wamp.session.list", json!([]))), ids);
    assert_eq!(ask(&mut bench, one, "wamp.session.list", json!([["x"]])), json!([]));
    let details = ask(&mut bench, one, "wamp.session.get", json!([two_id]));
    assert_eq!(
        details,
        json!({ "session": two_id, "authid": details["authid"], "authrole": "anonymous",
                "authmethod": "anonymous", "authprovider": "static" })
    );
    let got = bench.ask(one, r#"[48,1,{},"wamp.session.get",[1]]"#);
    assert_eq!(error_of(&got), "wamp.error.no_such_session");
}

#[test]
fn registrations() {
    let mut bench = Bench::new();
    let (peer, session) = bench.join();
    let exact = bench.register(peer, "exact", "a.b");
    let prefix = bench.register(peer, "prefix", "a.");
    let wildcard = bench.register(peer, "wildcard", "a..c");
    let mut meta =
        |procedure: &str, arguments: Value| ask(&mut bench, peer, &format!("wamp.registration.{procedure}"), arguments);
    assert_eq!(meta("list", json!([])), json!({ "exact": [exact], "prefix": [prefix], "wildcard": [wildcard] }));
    assert_eq!(meta("lookup", json!(["a.b"])), exact);
    assert_eq!(meta("lookup", json!(["a.", { "match": "prefix" }])), prefix);
    assert_eq!(meta("lookup", json!(["a..c", { "match": "wildcard" }])), wildcard);
    assert_eq!(meta("lookup", json!(["a.", null])), Value::Null);
    assert_eq!(meta("match", json!(["a.b"])), exact);
    assert_eq!(meta("match", json!(["a.b.c"])), prefix);
    assert_eq!(meta("match", json!(["b"])), Value::Null);
    for (id, uri, matching) in [(exact, "a.b", "exact"), (prefix, "a.", "prefix"), (wildcard, "a..c", "wildcard")] {
        let expected = json!({ "id": id, "created": CREATED, "uri": uri, "match": matching, "invoke": "single" });
        assert_eq!(meta("get", json!([id])), expected);
        assert_eq!(meta("list_callees", json!([id])), json!([session]));
        assert_eq!(meta("count_callees", json!([id])), 1);
    }
    for procedure in ["get", "list_callees", "count_callees"] {
        let got = bench.ask(peer, &json!([48, 1, {}, format!("wamp.registration.{procedure}"), [1]]).to_string());
        assert_eq!(error_of(&got), "wamp.error.no_such_registration");
    }
}

#[test]
fn subscriptions() {
    let mut bench = Bench::new();
    let (peer, session) = bench.join();
    let (other, other_session) = bench.join();
    let exact = bench.subscribe(peer, "exact", "a.b");
    let prefix = bench.subscribe(peer, "prefix", "a.");
    let wildcard = bench.subscribe(peer, "wildcard", "a.");
    bench.subscribe(other, "exact", "a.b");
    let mut meta =
        |procedure: &str, arguments: Value| ask(&mut bench, peer, &format!("wamp.subscription.{procedure}"), arguments);
    assert_eq!(meta("list", json!([])), json!({ "exact": [exact], "prefix": [prefix], "wildcard": [wildcard] }));
    assert_eq!(meta("lookup", json!(["a.b", {}])), exact);
    assert_eq!(meta("lookup", json!(["a.", { "match": "prefix" }])), prefix);
    assert_eq!(meta("lookup", json!(["a.", { "match": "wildcard" }])), wildcard);
    assert_eq!(meta("lookup", json!(["x"])), Value::Null);
    assert_eq!(meta("match", json!(["a.b"])), json!([exact, prefix, wildcard]));
    assert_eq!(meta("match", json!(["x"])), Value::Null);
    let expected = json!({ "id": wildcard, "created": CREATED, "uri": "a.", "match": "wildcard" });
    assert_eq!(meta("get", json!([wildcard])), expected);
    let mut both = vec![session, other_session];
    both.sort_unstable();
    assert_eq!(sorted(meta("list_subscribers", json!([exact]))), both);
    assert_eq!(meta("count_subscribers", json!([exact])), 2);
    assert_eq!(meta("list_subscribers", json!([prefix])), json!([session]));
    for procedure in ["get", "list_subscribers", "count_subscribers"] {
        let got = bench.ask(peer, &json!([48, 1, {}, format!("wamp.subscription.{procedure}"), [1]]).to_string());
        assert_eq!(error_of(&got), "wamp.error.no_such_subscription");
    }
}

#[test]
fn arguments_that_do_not_fit_are_an_error_that_names_them() {
    let mut bench = Bench::new();
    let (peer, _) = bench.join();
    for (call, words) in [
        (r#""wamp.session.get""#, "session: expected a session id, got nothing"),
        (r#""wamp.session.get",[0]"#, "session: expected a session id, got 0"),
        (r#""wamp.session.get",["1"]"#, r#"session: expected a session id, got "1""#),
        (r#""wamp.session.get",[1,2]"#, "expected no further argument, got 2"),
        (r#""wamp.session.get",[],{"session":1}"#, r#"expected positional arguments only, got "session""#),
        (r#""wamp.session.count",["anonymous"]"#, "filter_authroles: expected a list of strings"),
        (r#""wamp.session.count",[[],1]"#, "expected no further argument"),
        (r#""wamp.registration.list",[1]"#, "expected no further argument"),
        (r#""wamp.registration.lookup",[1]"#, "procedure: expected a URI, got 1"),
        (r#""wamp.registration.lookup",["a",{"match":"fuzzy"}]"#, "options: expected a dict with match"),
        (r#""wamp.subscription.match",[1e999]"#, "topic: expected a URI, got 1e999"),
    ] {
        let got = bench.ask(peer, &format!("[48,1,{{}},{call}]"));
        assert_eq!(error_of(&got), "wamp.error.invalid_argument", "{call}");
        let sentence = got[0][5][0].as_str().unwrap();
        assert!(sentence.contains(words), "{call}: {sentence}");
    }
}

/// Each event that a peer got: its topic's last component, and its arguments.
fn events(bench: &mut Bench, peer: PeerId) -> Vec<(String, Value)> {
    let name = |topic: &Value| topic.as_str().unwrap().rsplit('.').next().unwrap().to_owned();
    bench.got(peer).into_iter().map(|event| (name(&event[3]["topic"]), event[4].clone())).collect()
}

#[test]
fn what_happens_is_published() {
    let mut bench = Bench::new();
    let (watcher, _) = bench.join();
    for prefix in ["wamp.session.", "wamp.registration."] {
        bench.subscribe(watcher, "prefix", prefix);
    }
    let (peer, session) = bench.join();
    let join = events(&mut bench, watcher);
    let details = ask(&mut bench, watcher, "wamp.session.get", json!([session]));
    assert_eq!(join, [("on_join".to_owned(), json!([details]))]);

    let registration = bench.register(peer, "prefix", "a.");
    let created = ask(&mut bench, peer, "wamp.registration.get", json!([registration]));
    let pair = json!([session, registration]);
    let expected = [("on_create".to_owned(), json!([session, created])), ("on_register".to_owned(), pair.clone())];
    assert_eq!(events(&mut bench, watcher), expected);
    bench.say(peer, &json!([66, 2, registration]).to_string());
    bench.got(peer);
    let ended = [("on_unregister".to_owned(), pair.clone()), ("on_delete".to_owned(), pair)];
    assert_eq!(events(&mut bench, watcher), ended);

    let registration = bench.register(peer, "exact", "a.b");
    events(&mut bench, watcher);
    bench.lose(peer);
    let pair = json!([session, registration]);
    let left = json!([session, details["authid"], "anonymous"]);
    assert_eq!(
        events(&mut bench, watcher),
        [("on_unregister".to_owned(), pair.clone()), ("on_delete".to_owned(), pair), ("on_leave".to_owned(), left),]
    );
    bench.nothing_more();
}

#[test]
fn what_becomes_of_subscriptions_is_published() {
    let mut bench = Bench::new();
    let (watcher, _) = bench.join();
    bench.subscribe(watcher, "prefix", "wamp.subscription.");
    bench.got(watcher);
    let (one, one_id) = bench.join();
    let (two, two_id) = bench.join();
    let subscription = bench.subscribe(one, "wildcard", "a.");
    let created = ask(&mut bench, one, "wamp.subscription.get", json!([subscription]));
    let expected = [
        ("on_create".to_owned(), json!([one_id, created])),
        ("on_subscribe".to_owned(), json!([one_id, subscription])),
    ];
    assert_eq!(events(&mut bench, watcher), expected);
    bench.subscribe(one, "wildcard", "a.");
    assert_eq!(events(&mut bench, watcher), []);
    bench.subscribe(two, "wildcard", "a.");
    assert_eq!(events(&mut bench, watcher), [("on_subscribe".to_owned(), json!([two_id, subscription]))]);
    bench.say(one, &json!([34, 3, subscription]).to_string());
    bench.got(one);
    assert_eq!(events(&mut bench, watcher), [("on_unsubscribe".to_owned(), json!([one_id, subscription]))]);
    bench.lose(two);
    let pair = json!([two_id, subscription]);
    let expected = [("on_unsubscribe".to_owned(), pair.clone()), ("on_delete".to_owned(), pair)];
    assert_eq!(events(&mut bench, watcher), expected);
    bench.nothing_more();
}

#[test]
fn who_watches_itself_hears_of_a_subscription_after_its_answer() {
    let mut bench = Bench::new();
    let (peer, session) = bench.join();
    let got = bench.ask(peer, r#"[32,1,{},"wamp.subscription.on_subscribe"]"#);
    assert_eq!(got[0][0], 33);
    assert_eq!(got[1], json!([36, got[0][2], got[1][2], {}, [session, got[0][2]]]));
    assert_eq!(got.len(), 2);
}

#[test]
fn a_list_that_is_too_long_for_a_message_is_an_error() {
    let mut bench = Bench::with_limits(Limits { answer_length: 100, ..Limits::default() });
    let (peer, _) = bench.join();
    for list in ["wamp.subscription.list", "wamp.registration.list"] {
        assert_eq!(bench.ask(peer, &json!([48, 1, {}, list]).to_string())[0][0], 50);
    }
    for number in 0..10 {
        bench.subscribe(peer, "exact", &format!("a.{number}"));
        bench.register(peer, "exact", &format!("a.{number}"));
    }
    for list in ["wamp.subscription.list", "wamp.registration.list"] {
        let got = bench.ask(peer, &json!([48, 1, {}, list]).to_string());
        assert_eq!(error_of(&got), LIMIT_EXCEEDED);
        assert!(got[0][5][0].as_str().unwrap().contains("at most 100 bytes"), "{got:?}");
    }
    assert_eq!(bench.router.counters().limited, 2);
}
