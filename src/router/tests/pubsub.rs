//! PUBLISH, SUBSCRIBE and UNSUBSCRIBE, and who gets which EVENT.

use serde_json::{Value, json};

use super::bench::{Bench, error_of};
use crate::router::{Output, PeerId, Undelivered};

/// The events among what a peer got: without their ids.
fn events(bench: &mut Bench, peer: PeerId) -> Vec<Value> {
    bench.got(peer).iter().map(|event| json!([event[3], event[4], event[5]])).collect()
}

#[test]
fn an_event_goes_to_all_subscribers_but_its_publisher() {
    let mut bench = Bench::new();
    let (publisher, _) = bench.join();
    let (one, _) = bench.join();
    let (two, _) = bench.join();
    let subscription = bench.subscribe(one, "exact", "a.b");
    assert_eq!(bench.subscribe(two, "exact", "a.b"), subscription);
    assert_eq!(bench.subscribe(publisher, "exact", "a.b"), subscription);
    bench.say(publisher, r#"[16,7,{},"a.b",[1,"x"],{"k":null}]"#);
    // One message for both, so that the driver encodes it once.
    let Some(Output::Fanout { to, .. }) = bench.out.front() else { panic!("{:?}", bench.out) };
    assert_eq!(*to, [one, two]);
    let got = bench.got(one);
    assert_eq!(got, bench.got(two));
    assert_eq!(got, [json!([36, subscription, got[0][2], {}, [1, "x"], { "k": null }])]);
    assert_eq!(bench.router.counters().events, 2);
    bench.nothing_more();
}

#[test]
fn a_publisher_may_ask_for_its_own_event() {
    let mut bench = Bench::new();
    let (peer, _) = bench.join();
    bench.subscribe(peer, "exact", "a.b");
    bench.say(peer, r#"[16,1,{"exclude_me":true},"a.b"]"#);
    bench.nothing_more();
    assert_eq!(bench.ask(peer, r#"[16,2,{"exclude_me":false},"a.b"]"#)[0][0], 36);
}

#[test]
fn an_acknowledged_publication_is_answered_with_its_id() {
    let mut bench = Bench::new();
    let (publisher, _) = bench.join();
    let (subscriber, _) = bench.join();
    bench.subscribe(subscriber, "exact", "a.b");
    let answer = bench.ask(publisher, r#"[16,9,{"acknowledge":true},"a.b"]"#);
    assert_eq!(answer, [json!([17, 9, bench.got(subscriber)[0][2]])]);
    // Nobody has to listen.
    assert_eq!(bench.ask(publisher, r#"[16,10,{"acknowledge":true},"no.one"]"#)[0][0], 17);
    bench.nothing_more();
}

#[test]
fn what_cannot_be_published_is_an_error_only_to_who_wants_an_answer() {
    let mut bench = Bench::new();
    let (publisher, _) = bench.join();
    let (subscriber, _) = bench.join();
    bench.subscribe(subscriber, "prefix", "");
    for topic in ["a..b", "", "a b", "wamp.session.on_join", "wamp"] {
        let got = bench.ask(publisher, &json!([16, 1, { "acknowledge": true }, topic]).to_string());
        assert_eq!(error_of(&got), "wamp.error.invalid_uri", "{topic:?}");
        assert_eq!((&got[0][1], &got[0][2]), (&json!(16), &json!(1)));
        bench.say(publisher, &json!([16, 2, {}, topic]).to_string());
        bench.nothing_more();
    }
    assert_eq!(bench.router.counters().publications_dropped, 5);
    assert_eq!(bench.router.counters().publications, 0);
}

#[test]
fn the_same_pattern_is_the_same_subscription() {
    let mut bench = Bench::new();
    let (peer, _) = bench.join();
    let exact = bench.subscribe(peer, "exact", "a.b");
    assert_eq!(bench.subscribe(peer, "exact", "a.b"), exact);
    let prefix = bench.subscribe(peer, "prefix", "a.b");
    let wildcard = bench.subscribe(peer, "wildcard", "a.b");
    assert!(exact != prefix && prefix != wildcard && wildcard != exact);
    // Subscribed twice, it gets the event once, and one UNSUBSCRIBE ends it.
    assert_eq!(bench.ask(peer, r#"[16,1,{"exclude_me":false},"a.b"]"#).len(), 3);
    assert_eq!(bench.ask(peer, &format!("[34,2,{exact}]")), [json!([35, 2])]);
    assert_eq!(bench.ask(peer, r#"[16,3,{"exclude_me":false},"a.b"]"#).len(), 2);
}

#[test]
fn patterns_are_told_the_topic_and_the_event_is_the_same() {
    let mut bench = Bench::new();
    let (publisher, _) = bench.join();
    let (subscriber, _) = bench.join();
    let exact = bench.subscribe(subscriber, "exact", "a.b.c");
    let prefix = bench.subscribe(subscriber, "prefix", "a.");
    let characters = bench.subscribe(subscriber, "prefix", "a.b.c");
    let wildcard = bench.subscribe(subscriber, "wildcard", "a..c");
    bench.subscribe(subscriber, "prefix", "a.b.cd");
    bench.subscribe(subscriber, "wildcard", "a.");
    bench.say(publisher, r#"[16,1,{},"a.b.c",["x"]]"#);
    let got = bench.got(subscriber);
    let topic = json!({ "topic": "a.b.c" });
    for (event, (subscription, details)) in
        got.iter().zip([(exact, json!({})), (characters, topic.clone()), (prefix, topic.clone()), (wildcard, topic)])
    {
        assert_eq!(*event, json!([36, subscription, got[0][2], details, ["x"]]));
    }
    assert_eq!(got.len(), 4);
}

#[test]
fn black_and_white_lists_of_sessions_authids_and_authroles() {
    let mut bench = Bench::new();
    let (publisher, _) = bench.join();
    let (one, one_id) = bench.join();
    let (two, two_id) = bench.join();
    bench.subscribe(one, "exact", "a.b");
    bench.subscribe(two, "exact", "a.b");
    let mut authid = |id: u64| {
        let got = bench.ask(publisher, &json!([48, id, {}, "wamp.session.get", [id]]).to_string());
        got[0][3][0]["authid"].as_str().unwrap().to_owned()
    };
    let (one_name, two_name) = (authid(one_id), authid(two_id));
    for (options, expected) in [
        (json!({ "exclude": [one_id] }), [false, true]),
        (json!({ "exclude": [] }), [true, true]),
        (json!({ "eligible": [one_id] }), [true, false]),
        (json!({ "eligible": [] }), [false, false]),
        (json!({ "eligible": [one_id, two_id], "exclude": [one_id] }), [false, true]),
        (json!({ "exclude_authid": [one_name, "x"] }), [false, true]),
        (json!({ "eligible_authid": [two_name] }), [false, true]),
        (json!({ "eligible_authid": [] }), [false, false]),
        (json!({ "exclude_authrole": ["anonymous"] }), [false, false]),
        (json!({ "exclude_authrole": ["admin"] }), [true, true]),
        (json!({ "eligible_authrole": ["admin"] }), [false, false]),
        (json!({ "eligible_authrole": ["anonymous"] }), [true, true]),
        (json!({ "eligible_authrole": [] }), [false, false]),
        (json!({ "eligible_authrole": ["anonymous"], "eligible": [two_id] }), [false, true]),
    ] {
        bench.say(publisher, &json!([16, 1, options, "a.b"]).to_string());
        assert_eq!([one, two].map(|peer| bench.got(peer).len() == 1), expected, "{options}");
        bench.nothing_more();
    }
}

#[test]
fn a_publisher_is_disclosed_when_it_wants_to_be() {
    let mut bench = Bench::new();
    let (publisher, id) = bench.join();
    let (subscriber, _) = bench.join();
    bench.subscribe(subscriber, "prefix", "");
    bench.say(publisher, r#"[16,1,{"disclose_me":true},"a.b"]"#);
    let details = &events(&mut bench, subscriber)[0][0];
    assert_eq!(details["publisher"], id);
    assert_eq!(details["publisher_authrole"], "anonymous");
    assert_eq!(details["publisher_authid"].as_str().map(str::len), Some(14));
    for topic in ["a.b", "crossbar.worker.x.on_process_stats"] {
        bench.say(publisher, &json!([16, 2, {}, topic]).to_string());
        assert_eq!(events(&mut bench, subscriber)[0][0], json!({ "topic": topic }));
    }
}

#[test]
fn events_arrive_in_the_order_of_their_publication() {
    let mut bench = Bench::new();
    let (publisher, _) = bench.join();
    let (subscriber, _) = bench.join();
    bench.subscribe(subscriber, "exact", "a.one");
    bench.subscribe(subscriber, "exact", "a.two");
    for number in 1..=20 {
        let topic = if number % 3 == 0 { "a.one" } else { "a.two" };
        bench.say(publisher, &json!([16, number, {}, topic, [number]]).to_string());
    }
    let numbers: Vec<u64> = events(&mut bench, subscriber).iter().map(|event| event[1][0].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}

#[test]
fn only_its_own_subscription_can_be_taken_back() {
    let mut bench = Bench::new();
    let (one, _) = bench.join();
    let (two, _) = bench.join();
    let subscription = bench.subscribe(one, "exact", "a.b");
    let unsubscribe = format!("[34,5,{subscription}]");
    assert_eq!(error_of(&bench.ask(two, &unsubscribe)), "wamp.error.no_such_subscription");
    assert_eq!(bench.ask(one, &unsubscribe), [json!([35, 5])]);
    assert_eq!(error_of(&bench.ask(one, &unsubscribe)), "wamp.error.no_such_subscription");
    assert_eq!(error_of(&bench.ask(one, r#"[32,1,{},"a..b"]"#)), "wamp.error.invalid_uri");
}

#[test]
fn who_has_left_gets_nothing() {
    let mut bench = Bench::new();
    let (publisher, _) = bench.join();
    let (gone, _) = bench.join();
    let (stays, _) = bench.join();
    for peer in [gone, stays] {
        bench.subscribe(peer, "exact", "a.b");
    }
    bench.lose(gone);
    bench.say(publisher, r#"[16,1,{},"a.b"]"#);
    assert_eq!(bench.got(stays).len(), 1);
    bench.nothing_more();
}

#[test]
fn events_that_the_driver_had_to_drop_are_counted() {
    let mut bench = Bench::new();
    let (publisher, _) = bench.join();
    let (subscriber, _) = bench.join();
    bench.subscribe(subscriber, "exact", "a.b");
    bench.say(publisher, r#"[16,1,{},"a.b"]"#);
    let Some(Output::Fanout { to, message }) = bench.out.pop_front() else { panic!("an event") };
    bench.router.not_delivered(to[0], &message, Undelivered::QueueFull, bench.now(), &mut bench.out);
    assert_eq!(bench.router.counters().events_lost, 1);
    bench.nothing_more();
}
