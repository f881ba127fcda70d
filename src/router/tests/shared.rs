//! *Shared Registration*: several callees of one registration, and which of them is called.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::bench::{Bench, error_of};
use crate::router::{LIMIT_EXCEEDED, Limits, PeerId, Share};

fn register(bench: &mut Bench, peer: PeerId, invoke: &str) -> Vec<Value> {
    bench.ask(peer, &json!([64, 1, { "invoke": invoke }, "a.b"]).to_string())
}

/// So many callees of `a.b`, and a caller.
fn crowd(invoke: &str, count: usize) -> (Bench, PeerId, Vec<PeerId>) {
    let mut bench = Bench::new();
    let (caller, _) = bench.join();
    let callees: Vec<PeerId> = (0..count).map(|_| bench.join().0).collect();
    let ids: BTreeSet<u64> =
        callees.iter().map(|callee| register(&mut bench, *callee, invoke)[0][2].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), 1, "one registration for all");
    (bench, caller, callees)
}

/// Who gets each of so many calls, by its position in `callees`.
fn called(bench: &mut Bench, caller: PeerId, callees: &[PeerId], calls: usize) -> Vec<usize> {
    let mut call = || {
        bench.say(caller, r#"[48,1,{},"a.b"]"#);
        let (position, invocation) = callees
            .iter()
            .enumerate()
            .find_map(|(position, callee)| Some((position, bench.got(*callee).first()?.clone())))
            .unwrap();
        bench.say(callees[position], &json!([70, invocation[1], {}]).to_string());
        assert_eq!(bench.got(caller), [json!([50, 1, {}])]);
        position
    };
    (0..calls).map(|_| call()).collect()
}

#[test]
fn each_policy_chooses_in_its_way() {
    for (invoke, expected) in [("first", [0, 0, 0, 0, 0]), ("last", [2, 2, 2, 2, 2]), ("roundrobin", [0, 1, 2, 0, 1])] {
        let (mut bench, caller, callees) = crowd(invoke, 3);
        assert_eq!(called(&mut bench, caller, &callees, 5), expected, "{invoke}");
    }
    let (mut bench, caller, callees) = crowd("random", 3);
    let chosen: BTreeSet<usize> = called(&mut bench, caller, &callees, 200).into_iter().collect();
    assert_eq!(chosen, BTreeSet::from([0, 1, 2]));
}

#[test]
fn the_stand_by_takes_over_when_a_callee_leaves() {
    for (invoke, leaver, expected) in [("first", 0, 1), ("last", 2, 1)] {
        let (mut bench, caller, callees) = crowd(invoke, 3);
        bench.say(caller, r#"[48,7,{},"a.b"]"#);
        assert_eq!(bench.got(callees[leaver]).len(), 1);
        bench.lose(callees[leaver]);
        assert_eq!(error_of(&bench.got(caller)), "wamp.error.canceled", "what it was doing is lost");
        assert_eq!(called(&mut bench, caller, &callees, 2), [expected; 2], "{invoke}");
    }
    let (mut bench, caller, callees) = crowd("roundrobin", 3);
    assert_eq!(called(&mut bench, caller, &callees, 1), [0]);
    bench.lose(callees[1]);
    assert_eq!(called(&mut bench, caller, &callees, 3), [2, 0, 2]);
    bench.lose(callees[0]);
    bench.lose(callees[2]);
    assert_eq!(error_of(&bench.ask(caller, r#"[48,9,{},"a.b"]"#)), "wamp.error.no_such_procedure");
}

#[test]
fn the_first_ones_policy_counts() {
    for (first, second, accepted) in [
        ("single", "single", false),
        ("single", "roundrobin", false),
        ("roundrobin", "single", false),
        ("roundrobin", "random", false),
        ("first", "last", false),
        ("roundrobin", "roundrobin", true),
        ("random", "random", true),
        ("first", "first", true),
        ("last", "last", true),
    ] {
        let mut bench = Bench::new();
        let (one, _) = bench.join();
        let (two, _) = bench.join();
        let id = register(&mut bench, one, first)[0][2].clone();
        let got = register(&mut bench, two, second);
        if accepted {
            assert_eq!(got, [json!([65, 1, id])], "{first}, {second}");
        } else {
            assert_eq!(error_of(&got), "wamp.error.procedure_already_exists", "{first}, {second}");
            // With the last callee the policy goes.
            bench.ask(one, &json!([66, 2, id]).to_string());
            assert_eq!(register(&mut bench, two, second)[0][0], 65);
        }
    }
    // None is single.
    let mut bench = Bench::new();
    let (one, _) = bench.join();
    bench.register(one, "exact", "a.b");
    let got = register(&mut bench, one, "roundrobin");
    assert_eq!(error_of(&got), "wamp.error.procedure_already_exists");
}

#[test]
fn a_session_is_a_callee_once_and_gives_up_only_its_own_share() {
    let (mut bench, caller, callees) = crowd("roundrobin", 2);
    let got = register(&mut bench, callees[0], "roundrobin");
    assert_eq!(error_of(&got), "wamp.error.procedure_already_exists");
    assert!(got[0][5][0].as_str().unwrap().contains("this session has not registered"), "{got:?}");
    let id = bench.meta(caller, "wamp.registration.lookup", &json!(["a.b"]), &json!({}))[0][3][0].clone();
    let count = |bench: &mut Bench| bench.meta(caller, "wamp.registration.count_callees", &json!([id]), &json!({}));
    assert_eq!(count(&mut bench)[0][3], json!([2]));
    let list = bench.meta(caller, "wamp.registration.list_callees", &json!([id]), &json!({}));
    assert_eq!(list[0][3][0].as_array().unwrap().len(), 2);
    let get = bench.meta(caller, "wamp.registration.get", &json!([id]), &json!({}));
    assert_eq!(get[0][3][0]["invoke"], "roundrobin");
    assert_eq!(bench.ask(callees[0], &json!([66, 2, id]).to_string()), [json!([67, 2])]);
    assert_eq!(count(&mut bench)[0][3], json!([1]));
    assert_eq!(called(&mut bench, caller, &callees, 2), [1, 1]);
    let again = bench.ask(callees[0], &json!([66, 3, id]).to_string());
    assert_eq!(error_of(&again), "wamp.error.no_such_registration");
}

#[test]
fn each_callee_counts_as_a_registration() {
    let realm = Share { registrations: 2, ..Limits::default().realm };
    let mut bench = Bench::with_limits(Limits { realm, ..Limits::default() });
    let peers = [bench.join().0, bench.join().0, bench.join().0];
    let got = peers.map(|peer| register(&mut bench, peer, "last"));
    assert_eq!((&got[0][0][0], &got[1][0][0]), (&json!(65), &json!(65)));
    assert_eq!(error_of(&got[2]), LIMIT_EXCEEDED);
    bench.lose(peers[0]);
    assert_eq!(register(&mut bench, peers[2], "last")[0][0], 65);
}

#[test]
fn what_becomes_of_a_shared_registration_is_published() {
    let (mut bench, _, callees) = crowd("random", 1);
    let (watcher, _) = bench.join();
    bench.subscribe(watcher, "prefix", "wamp.registration.");
    let (second, session) = bench.join();
    let topics = |bench: &mut Bench| -> Vec<String> {
        let got = bench.got(watcher);
        got.iter().map(|event| event[3]["topic"].as_str().unwrap().rsplit('.').next().unwrap().to_owned()).collect()
    };
    let id = register(&mut bench, second, "random")[0][2].clone();
    assert_eq!(bench.out.len(), 1);
    let event = bench.got(watcher);
    assert_eq!((&event[0][3]["topic"], &event[0][4]), (&json!("wamp.registration.on_register"), &json!([session, id])));
    bench.lose(callees[0]);
    assert_eq!(topics(&mut bench), ["on_unregister"]);
    bench.lose(second);
    assert_eq!(topics(&mut bench), ["on_unregister", "on_delete"]);
}

#[test]
fn patterns_are_shared_too_and_each_callee_says_whether_it_wants_to_know_who_calls() {
    let mut bench = Bench::new();
    let (caller, id) = bench.join();
    let (curious, _) = bench.join();
    let (discreet, _) = bench.join();
    for (peer, disclose) in [(curious, true), (discreet, false)] {
        let options = json!({ "match": "prefix", "invoke": "roundrobin", "disclose_caller": disclose });
        assert_eq!(bench.ask(peer, &json!([64, 1, options, "a."]).to_string())[0][0], 65);
    }
    bench.say(caller, r#"[48,1,{},"a.x"]"#);
    bench.say(caller, r#"[48,2,{},"a.y"]"#);
    let details = &bench.got(curious)[0][3];
    assert_eq!((&details["procedure"], &details["caller"]), (&json!("a.x"), &json!(id)));
    assert_eq!(bench.got(discreet)[0][3], json!({ "procedure": "a.y" }));
}
