//! `wamp.session.kill` and its kin: who is ended, who is spared, and who is told.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, HELLO, error_of};
use crate::router::{Anonymous, LIMIT_EXCEEDED, PeerId};

const KILL: &str = "wamp.session.kill";
const BY_AUTHID: &str = "wamp.session.kill_by_authid";
const BY_AUTHROLE: &str = "wamp.session.kill_by_authrole";
const ALL: &str = "wamp.session.kill_all";

fn authid(bench: &mut Bench, peer: PeerId, session: u64) -> String {
    let got = bench.meta(peer, "wamp.session.get", &json!([session]), &json!({}));
    got[0][3][0]["authid"].as_str().unwrap().to_owned()
}

#[test]
fn who_is_killed_gets_goodbye_and_is_closed_when_it_answers_or_does_not() {
    for polite in [true, false] {
        let mut bench = Bench::new();
        let (admin, _) = bench.join();
        let (victim, id) = bench.join();
        assert_eq!(bench.meta(admin, KILL, &json!([id]), &json!({})), [json!([50, 1, {}])], "no value");
        assert_eq!(bench.got(victim), [json!([6, {}, "wamp.close.killed"])]);
        assert_eq!(bench.meta(admin, "wamp.session.count", &json!([]), &json!({}))[0][3], json!([1]));
        // What it still says is nobody's.
        assert_eq!(bench.ask(victim, r#"[48,1,{},"wamp.session.count"]"#), Vec::<Value>::new());
        if polite {
            assert_eq!(bench.ask(victim, r#"[6,{},"wamp.close.goodbye_and_out"]"#), [json!("close")]);
        } else {
            bench.wait(Duration::from_millis(999));
            bench.nothing_more();
            bench.wait(Duration::from_millis(1));
            assert_eq!(bench.got(victim), [json!("close")]);
        }
        assert_eq!(bench.router.next_deadline(), None);
        assert_eq!(bench.router.counters().killed, 1);
        bench.nothing_more();
    }
}

#[test]
fn a_reason_and_a_message_are_passed_on() {
    let mut bench = Bench::new();
    let (admin, _) = bench.join();
    let kwargs = json!({ "reason": "my.reason", "message": "go away" });
    let farewell = json!([6, { "message": "go away" }, "my.reason"]);
    let (victim, id) = bench.join();
    bench.meta(admin, KILL, &json!([id]), &kwargs);
    assert_eq!(bench.got(victim), std::slice::from_ref(&farewell));
    let (victim, id) = bench.join();
    let name = authid(&mut bench, admin, id);
    assert_eq!(bench.meta(admin, BY_AUTHID, &json!([name]), &kwargs)[0][3], json!([[id]]));
    assert_eq!(bench.got(victim), std::slice::from_ref(&farewell));
    for (procedure, args) in [(BY_AUTHROLE, json!(["anonymous"])), (ALL, json!([]))] {
        let (victim, _) = bench.join();
        assert_eq!(bench.meta(admin, procedure, &args, &kwargs)[0][3], json!([1]));
        assert_eq!(bench.got(victim), std::slice::from_ref(&farewell), "{procedure}");
    }
}

#[test]
fn the_callers_own_session_is_spared() {
    let mut bench = Bench::new();
    let (admin, own) = bench.join();
    assert_eq!(error_of(&bench.meta(admin, KILL, &json!([own]), &json!({}))), "wamp.error.no_such_session");
    let name = authid(&mut bench, admin, own);
    assert_eq!(bench.meta(admin, BY_AUTHID, &json!([name]), &json!({}))[0][3], json!([[]]));
    assert_eq!(bench.meta(admin, BY_AUTHROLE, &json!(["anonymous"]), &json!({}))[0][3], json!([0]));
    assert_eq!(bench.meta(admin, ALL, &json!([]), &json!({}))[0][3], json!([0]));
    bench.nothing_more();
}

#[test]
fn the_routers_own_agent_is_spared() {
    let mut bench = Bench::new();
    let (agent, agent_id) = bench.join_embedded();
    let (admin, _) = bench.join();
    let (victim, _) = bench.join();
    let got = bench.meta(admin, KILL, &json!([agent_id]), &json!({}));
    assert_eq!(error_of(&got), "wamp.error.not_authorized");
    let name = authid(&mut bench, admin, agent_id);
    assert_eq!(bench.meta(admin, BY_AUTHID, &json!([name]), &json!({}))[0][3], json!([[]]));
    assert_eq!(bench.meta(admin, BY_AUTHROLE, &json!(["anonymous"]), &json!({}))[0][3], json!([1]));
    assert_eq!(bench.got(victim)[0][0], 6);
    let (other, _) = bench.join();
    assert_eq!(bench.meta(admin, ALL, &json!([]), &json!({}))[0][3], json!([1]));
    assert_eq!(bench.got(other)[0][0], 6);
    assert_eq!(bench.meta(agent, "wamp.session.count", &json!([]), &json!({}))[0][3], json!([2]));
}

#[test]
fn only_those_who_are_meant_are_killed() {
    let mut bench = Bench::new();
    let (admin, _) = bench.join();
    let (one, one_id) = bench.join();
    let (two, two_id) = bench.join();
    let (elsewhere, _) = bench.join_with(&HELLO.replace("realm1", "realm2"));
    assert_eq!(bench.meta(admin, BY_AUTHID, &json!(["nobody"]), &json!({}))[0][3], json!([[]]));
    assert_eq!(bench.meta(admin, BY_AUTHROLE, &json!(["nobody"]), &json!({}))[0][3], json!([0]));
    let name = authid(&mut bench, admin, one_id);
    assert_eq!(bench.meta(admin, BY_AUTHID, &json!([name]), &json!({}))[0][3], json!([[one_id]]));
    assert_eq!(bench.got(one).len(), 1);
    bench.nothing_more();
    assert_eq!(error_of(&bench.meta(admin, KILL, &json!([one_id]), &json!({}))), "wamp.error.no_such_session");
    assert_eq!(bench.meta(admin, KILL, &json!([two_id]), &json!({}))[0][0], 50);
    assert_eq!(bench.got(two).len(), 1);
    assert_eq!(bench.meta(elsewhere, "wamp.session.count", &json!([]), &json!({}))[0][3], json!([1]));
}

#[test]
fn what_does_not_fit_kills_nobody() {
    let mut bench = Bench::new();
    let (admin, _) = bench.join();
    let (_, id) = bench.join();
    let long = "x".repeat(1025);
    for (procedure, args, kwargs, error) in [
        (KILL, json!([]), json!({}), "wamp.error.invalid_argument"),
        (KILL, json!(["x"]), json!({}), "wamp.error.invalid_argument"),
        (KILL, json!([id]), json!({ "reason": "" }), "wamp.error.invalid_uri"),
        (KILL, json!([id]), json!({ "reason": "a..b" }), "wamp.error.invalid_uri"),
        (KILL, json!([id]), json!({ "reason": long }), "wamp.error.invalid_uri"),
        (KILL, json!([id]), json!({ "reason": 5 }), "wamp.error.invalid_argument"),
        (KILL, json!([id]), json!({ "message": 5 }), "wamp.error.invalid_argument"),
        (KILL, json!([id]), json!({ "message": long }), LIMIT_EXCEEDED),
        (KILL, json!([id]), json!({ "session": id }), "wamp.error.invalid_argument"),
        (BY_AUTHID, json!([5]), json!({}), "wamp.error.invalid_argument"),
        (BY_AUTHROLE, json!([null]), json!({}), "wamp.error.invalid_argument"),
        (ALL, json!([]), json!({ "reason": "#" }), "wamp.error.invalid_uri"),
        (ALL, json!([]), json!({ "x": 1 }), "wamp.error.invalid_argument"),
    ] {
        let got = bench.meta(admin, procedure, &args, &kwargs);
        assert_eq!(error_of(&got), error, "{procedure} {args} {kwargs}");
        bench.nothing_more();
    }
    assert_eq!(bench.router.counters().killed, 0);
    // Null is no reason and no message.
    let got = bench.meta(admin, KILL, &json!([id]), &json!({ "reason": null, "message": null }));
    assert_eq!(got, [json!([50, 1, {}])]);
}

#[test]
fn those_it_dealt_with_are_told() {
    let mut bench = Bench::new();
    let (admin, _) = bench.join();
    let (callee, callee_id) = bench.join();
    let (caller, caller_id) = bench.join();
    bench.register(callee, "exact", "a.b");
    bench.say(caller, r#"[48,7,{"timeout":60000},"a.b"]"#);
    bench.say(admin, r#"[48,8,{},"a.b"]"#);
    bench.got(callee);
    bench.meta(admin, KILL, &json!([caller_id]), &json!({}));
    assert_eq!(bench.got(caller).len(), 1);
    assert_eq!(bench.got(callee), [json!([69, 1, { "mode": "killnowait" }])]);
    let got = bench.meta(admin, KILL, &json!([callee_id]), &json!({}));
    assert_eq!((error_of(&got), got[0][2].as_u64()), ("wamp.error.canceled", Some(8)));
    assert_eq!(got[1], json!([50, 1, {}]));
}

/// The topics of the events that a peer got.
fn topics(bench: &mut Bench, peer: PeerId) -> Vec<String> {
    bench.got(peer).iter().map(|event| event[3]["topic"].as_str().unwrap_or("a.last").to_owned()).collect()
}

#[test]
fn it_is_published_but_for_kill_all() {
    for (procedure, args, heard) in [(BY_AUTHROLE, json!(["anonymous"]), true), (ALL, json!([]), false)] {
        let mut bench = Bench::new();
        let (watcher, _) = bench.join_embedded();
        let (admin, _) = bench.join();
        bench.subscribe(watcher, "prefix", "wamp.");
        bench.subscribe(watcher, "exact", "a.last");
        for _ in 0..2 {
            let (victim, _) = bench.join();
            bench.subscribe(victim, "prefix", "wamp.session.");
            bench.subscribe(victim, "exact", "a.last");
            bench.meta(victim, "wamp.session.add_testament", &json!(["a.last", [], {}]), &json!({}));
        }
        bench.out.clear();
        assert_eq!(bench.meta(admin, procedure, &args, &json!({}))[0][3], json!([2]));
        let got = topics(&mut bench, watcher);
        let count = |topic: &str| got.iter().filter(|other| *other == topic).count();
        assert_eq!(count("wamp.session.on_leave"), if heard { 2 } else { 0 });
        assert_eq!(count("a.last"), if heard { 2 } else { 0 });
        assert_eq!(count("wamp.subscription.on_unsubscribe"), 4);
        // The victims hear one word each, and nothing of each other.
        let mut goodbyes = BTreeSet::new();
        for output in std::mem::take(&mut bench.out) {
            let crate::router::Output::Send { to, message } = output else { panic!("{output:?}") };
            assert_eq!(message, crate::wamp::Message::goodbye("wamp.close.killed"));
            goodbyes.insert(to);
        }
        assert_eq!(goodbyes.len(), 2);
    }
}

#[test]
fn strangers_that_are_not_trusted_may_not_end_what_is_others() {
    let mut bench = Bench::with(|config| config.anonymous = Anonymous::Restricted);
    let (stranger, _) = bench.join();
    let (agent, _) = bench.join_embedded();
    let (other, id) = bench.join();
    let registration = bench.register(other, "exact", "a.b");
    for (procedure, args) in [
        (KILL, json!([id])),
        (BY_AUTHID, json!(["x"])),
        (BY_AUTHROLE, json!(["anonymous"])),
        (ALL, json!([])),
        ("wamp.registration.remove_callee", json!([registration, id])),
    ] {
        let got = bench.meta(stranger, procedure, &args, &json!({}));
        assert_eq!(error_of(&got), "wamp.error.not_authorized", "{procedure}");
        bench.nothing_more();
    }
    // Everything else they may, and the router's own agent may all.
    assert_eq!(bench.meta(stranger, "wamp.session.count", &json!([]), &json!({}))[0][3], json!([3]));
    assert_eq!(bench.meta(stranger, "wamp.session.flush_testaments", &json!([]), &json!({}))[0][0], 50);
    assert_eq!(bench.meta(agent, ALL, &json!([]), &json!({}))[0][3], json!([2]));
}
