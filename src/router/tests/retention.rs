//! *Event Retention*: events that are kept for those who subscribe later.

use serde_json::{Value, json};

use super::bench::{Bench, error_of};
use crate::router::{Limits, PeerId};

fn publish(bench: &mut Bench, peer: PeerId, topic: &str, options: Value, number: u64) {
    let mut all = json!({ "retain": true });
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    bench.say(peer, &json!([16, number, all, topic, [number]]).to_string());
}

/// What a subscriber gets at once besides SUBSCRIBED: details and arguments.
#[track_caller]
fn retained(bench: &mut Bench, peer: PeerId, matching: &str, topic: &str) -> Vec<Value> {
    let options = json!({ "match": matching, "get_retained": true });
    let got = bench.ask(peer, &json!([32, 1, options, topic]).to_string());
    assert_eq!(got[0][0], 33, "the subscription stands first: {got:?}");
    assert!(got[1..].iter().all(|event| event[0] == 36 && event[1] == got[0][2]));
    got[1..].iter().map(|event| json!([event[3], event[4]])).collect()
}

#[test]
fn the_last_kept_event_is_for_who_asks_for_it() {
    let mut bench = Bench::new();
    let (publisher, _) = bench.join();
    let (early, _) = bench.join();
    let (late, _) = bench.join();
    bench.subscribe(early, "exact", "a.b");
    publish(&mut bench, publisher, "a.b", json!({}), 1);
    publish(&mut bench, publisher, "a.b", json!({}), 2);
    bench.say(publisher, r#"[16,3,{},"a.b",[3]]"#);
    let new = bench.got(early);
    assert_eq!(new.len(), 3);
    assert!(new.iter().all(|event| event[3] == json!({})), "new events are not marked");
    // Kept is what was meant to be, not what came after it.
    let got = bench.ask(late, r#"[32,1,{"get_retained":true},"a.b"]"#);
    assert_eq!(got[1], json!([36, got[0][2], new[1][2], { "retained": true }, [2]]));
    assert_eq!(got.len(), 2);
    // Who has it already may ask again; who does not ask gets nothing.
    assert_eq!(retained(&mut bench, late, "exact", "a.b"), [json!([{ "retained": true }, [2]])]);
    assert_eq!(retained(&mut bench, late, "exact", "a.c"), Vec::<Value>::new());
    let (other, _) = bench.join();
    bench.subscribe(other, "exact", "a.b");
    bench.nothing_more();
    assert_eq!(bench.router.counters().events, 5);
    // It outlives its publisher.
    bench.lose(publisher);
    assert_eq!(retained(&mut bench, other, "exact", "a.b").len(), 1);
}

#[test]
fn patterns_get_the_last_of_each_topic_in_order() {
    let mut bench = Bench::new();
    let (publisher, _) = bench.join();
    let (subscriber, _) = bench.join();
    for (number, topic) in ["a.x.c", "a.b.c", "a.b.c.d", "a.bc.c", "b.b.c", "a.x.c"].into_iter().enumerate() {
        publish(&mut bench, publisher, topic, json!({}), number as u64 + 1);
    }
    let kept = |topic: &str, number: u64| json!([{ "topic": topic, "retained": true }, [number]]);
    for (matching, pattern, expected) in [
        ("prefix", "a.b", vec![kept("a.b.c", 2), kept("a.b.c.d", 3), kept("a.bc.c", 4)]),
        ("prefix", "a.b.", vec![kept("a.b.c", 2), kept("a.b.c.d", 3)]),
        ("prefix", "c", vec![]),
        ("wildcard", "a..c", vec![kept("a.b.c", 2), kept("a.bc.c", 4), kept("a.x.c", 6)]),
        ("wildcard", ".b.c", vec![kept("a.b.c", 2), kept("b.b.c", 5)]),
        ("wildcard", "...", vec![kept("a.b.c.d", 3)]),
    ] {
        assert_eq!(retained(&mut bench, subscriber, matching, pattern), expected, "{matching} {pattern}");
    }
    let all = retained(&mut bench, subscriber, "prefix", "");
    assert_eq!(all.iter().filter(|event| event[0]["retained"] == true).count(), 5);
    assert!(all.iter().skip(5).all(|event| event[0]["topic"].as_str().unwrap().starts_with("wamp.")));
}

#[test]
fn nobody_gets_a_kept_event_that_was_not_for_it() {
    let mut bench = Bench::new();
    let (publisher, publisher_id) = bench.join();
    let (one, one_id) = bench.join();
    let (two, _) = bench.join();
    let seen = |bench: &mut Bench, peer| -> Vec<u64> {
        retained(bench, peer, "exact", "a.b").iter().map(|event| event[1][0].as_u64().unwrap()).collect()
    };
    // Its publisher is excluded from its own events by default, old or new.
    publish(&mut bench, publisher, "a.b", json!({}), 1);
    assert_eq!([publisher, one, two].map(|peer| seen(&mut bench, peer)), [vec![], vec![1], vec![1]]);
    publish(&mut bench, publisher, "a.b", json!({ "exclude_me": false }), 2);
    bench.out.clear();
    assert_eq!([publisher, one, two].map(|peer| seen(&mut bench, peer)), [vec![2], vec![2], vec![2]]);
    // One that is not for all stands beside the last that was.
    for (options, number, expected) in [
        (json!({ "eligible": [one_id] }), 3, [vec![2], vec![3], vec![2]]),
        (json!({ "exclude": [one_id, publisher_id] }), 4, [vec![2], vec![2], vec![4]]),
        (json!({ "eligible": [] }), 5, [vec![2], vec![2], vec![2]]),
        (json!({ "exclude_authrole": ["anonymous"] }), 6, [vec![2], vec![2], vec![2]]),
        (json!({ "eligible_authrole": ["anonymous"] }), 7, [vec![2], vec![7], vec![7]]),
        (json!({ "exclude": [] }), 8, [vec![], vec![8], vec![8]]),
    ] {
        publish(&mut bench, publisher, "a.b", options.clone(), number);
        bench.out.clear();
        assert_eq!([publisher, one, two].map(|peer| seen(&mut bench, peer)), expected, "{options}");
    }
}

#[test]
fn a_publisher_that_is_disclosed_stays_so() {
    let mut bench = Bench::new();
    let (publisher, id) = bench.join();
    let (subscriber, _) = bench.join();
    publish(&mut bench, publisher, "a.b", json!({ "disclose_me": true }), 1);
    bench.lose(publisher);
    let got = retained(&mut bench, subscriber, "exact", "a.b");
    assert_eq!((&got[0][0]["publisher"], &got[0][0]["retained"]), (&json!(id), &json!(true)));
}

#[test]
fn what_is_refused_is_not_kept() {
    let mut bench = Bench::new();
    let (publisher, _) = bench.join();
    let got = bench.ask(publisher, r#"[16,1,{"retain":true,"acknowledge":true},"wamp.a"]"#);
    assert_eq!(error_of(&got), "wamp.error.invalid_uri");
    assert!(bench.router.realms[0].broker.retention.is_empty());
}

#[test]
fn only_so_many_are_kept_and_the_oldest_make_room() {
    let limits = Limits { retained_events: 3, retained_bytes: 4096, ..Limits::default() };
    let mut bench = Bench::with_limits(limits.clone());
    let (publisher, _) = bench.join();
    let (subscriber, _) = bench.join();
    let kept = |bench: &mut Bench| -> Vec<u64> {
        assert!(bench.router.realms[0].broker.retention.is_sound(&limits));
        let got = retained(bench, subscriber, "prefix", "a.");
        bench.say(subscriber, r#"[48,9,{},"wamp.subscription.lookup",["a.",{"match":"prefix"}]]"#);
        let id = bench.got(subscriber)[0][3][0].clone();
        bench.ask(subscriber, &json!([34, 9, id]).to_string());
        got.iter().map(|event| event[1][0].as_u64().unwrap()).collect()
    };
    for number in 1..=3 {
        publish(&mut bench, publisher, &format!("a.{number}"), json!({}), number);
    }
    // One that is renewed is not the oldest any more.
    publish(&mut bench, publisher, "a.1", json!({}), 4);
    assert_eq!(kept(&mut bench), [2, 3, 4]);
    publish(&mut bench, publisher, "a.5", json!({}), 5);
    assert_eq!(kept(&mut bench), [3, 4, 5]);
    assert_eq!(bench.router.counters().retained_dropped, 1);
    // A long one needs the room of several, one that is too long takes none, and the one before it is out of date.
    let long = |length: usize| json!([16, 1, { "retain": true }, "a.long", [6, "x".repeat(length)]]).to_string();
    bench.say(publisher, &long(2500));
    assert_eq!(kept(&mut bench).last(), Some(&6));
    assert!(bench.router.counters().retained_dropped > 1);
    bench.say(publisher, &long(5000));
    assert!(!kept(&mut bench).contains(&6));
    // None at all is a limit like any other.
    let mut bench = Bench::with_limits(Limits { retained_events: 0, ..Limits::default() });
    let (publisher, _) = bench.join();
    publish(&mut bench, publisher, "a.b", json!({}), 1);
    assert!(bench.router.realms[0].broker.retention.is_empty());
}
