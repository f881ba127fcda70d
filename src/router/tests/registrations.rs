//! REGISTER and UNREGISTER, and which registration a call goes to.

use serde_json::{Value, json};

use super::bench::{Bench, error_of};
use crate::router::{LIMIT_EXCEEDED, Limits, Share};

#[test]
fn a_procedure_is_registered_once_for_each_match_policy() {
    let mut bench = Bench::new();
    let (callee, _) = bench.join();
    let (rival, _) = bench.join();
    let first = bench.register(callee, "exact", "a.b");
    assert_eq!(error_of(&bench.ask(rival, r#"[64,2,{},"a.b"]"#)), "wamp.error.procedure_already_exists");
    assert_eq!(error_of(&bench.ask(callee, r#"[64,3,{},"a.b"]"#)), "wamp.error.procedure_already_exists");
    bench.register(rival, "prefix", "a.b");
    bench.register(rival, "wildcard", "a.b");
    assert_eq!(bench.ask(callee, &format!("[66,5,{first}]")), [json!([67, 5])]);
    assert_ne!(bench.register(rival, "exact", "a.b"), first);
}

#[test]
fn what_cannot_be_registered_is_an_error() {
    let mut bench = Bench::new();
    let (callee, _) = bench.join();
    let long = json!([64, 1, {}, "a".repeat(513)]).to_string();
    for (text, error) in [
        (r#"[64,1,{},"a..b"]"#, "wamp.error.invalid_uri"),
        (r#"[64,1,{},"a b"]"#, "wamp.error.invalid_uri"),
        (r#"[64,1,{},""]"#, "wamp.error.invalid_uri"),
        (r#"[64,1,{"match":"prefix"},"a..b"]"#, "wamp.error.invalid_uri"),
        (r#"[64,1,{"match":"wildcard"},"a.#.b"]"#, "wamp.error.invalid_uri"),
        (r#"[64,1,{},"wamp.session.count"]"#, "wamp.error.invalid_uri"),
        (r#"[64,1,{"match":"prefix"},"wamp."]"#, "wamp.error.invalid_uri"),
        (r#"[64,1,{"match":"prefix"},"wamp"]"#, "wamp.error.invalid_uri"),
        (r#"[64,1,{"match":"wildcard"},"wamp..count"]"#, "wamp.error.invalid_uri"),
        (long.as_str(), "wamp.error.invalid_uri"),
        (r#"[64,1,{"invoke":"load"},"a.b"]"#, "wamp.error.option_not_allowed"),
    ] {
        let got = bench.ask(callee, text);
        assert_eq!(error_of(&got), error, "{text}");
        assert_eq!((&got[0][1], &got[0][2]), (&json!(64), &json!(1)), "{text}");
        assert!(got[0][5][0].as_str().unwrap().contains("expected"), "{got:?}");
    }
    assert_eq!(bench.ask(callee, r#"[64,2,{"invoke":"single"},"wampproc.x"]"#)[0][0], 65);
}

#[test]
fn only_its_own_registration_can_be_taken_back() {
    let mut bench = Bench::new();
    let (callee, _) = bench.join();
    let (other, _) = bench.join();
    let registration = bench.register(callee, "exact", "a.b");
    let unregister = format!("[66,7,{registration}]");
    assert_eq!(error_of(&bench.ask(other, &unregister)), "wamp.error.no_such_registration");
    assert_eq!(bench.ask(callee, &unregister), [json!([67, 7])]);
    assert_eq!(error_of(&bench.ask(callee, &unregister)), "wamp.error.no_such_registration");
    assert_eq!(error_of(&bench.ask(other, r#"[48,1,{},"a.b"]"#)), "wamp.error.no_such_procedure");
}

#[test]
fn a_call_goes_to_the_best_match_and_patterns_are_told_the_procedure() {
    let mut bench = Bench::new();
    let (callee, _) = bench.join();
    let (caller, _) = bench.join();
    let wildcard = bench.register(callee, "wildcard", "a..c");
    let better = bench.register(callee, "wildcard", "a.b.");
    let prefix = bench.register(callee, "prefix", "p.q");
    let longer = bench.register(callee, "prefix", "p.q.r");
    let exact = bench.register(callee, "exact", "p.q.r");
    for (request, (procedure, registration, details)) in [
        ("a.b.c", better, json!({ "procedure": "a.b.c" })),
        ("a.x.c", wildcard, json!({ "procedure": "a.x.c" })),
        ("p.qx", prefix, json!({ "procedure": "p.qx" })),
        ("p.q.r.s", longer, json!({ "procedure": "p.q.r.s" })),
        ("p.q.r", exact, json!({})),
    ]
    .into_iter()
    .enumerate()
    {
        bench.say(caller, &json!([48, request + 1, {}, procedure, [1]]).to_string());
        assert_eq!(bench.got(callee), [json!([68, request + 1, registration, details, [1]])], "{procedure}");
    }
}

#[test]
fn the_protocols_own_procedures_never_reach_a_client() {
    let mut bench = Bench::new();
    let (callee, _) = bench.join();
    bench.register(callee, "prefix", "");
    bench.register(callee, "wildcard", "..");
    let got = bench.ask(callee, r#"[48,1,{},"wamp.session.destroy"]"#);
    assert_eq!(error_of(&got), "wamp.error.no_such_procedure");
    let got = bench.ask(callee, r#"[48,2,{},"wamp.registration.match",["wamp.session.count"]]"#);
    assert_eq!(got, [json!([50, 2, {}, [null]])]);
}

#[test]
fn a_session_has_only_so_many_of_each() {
    let session = Share { registrations: 2, subscriptions: 2, calls: 2, ..Limits::default().session };
    let limits = Limits { session, uri_length: 20, ..Limits::default() };
    let mut bench = Bench::with_limits(limits);
    let (peer, _) = bench.join();
    for (kind, at_limit) in [(64, "registrations"), (32, "subscriptions"), (48, "calls")] {
        for request in 1..=2 {
            let got = bench.ask(peer, &json!([kind, request, {}, format!("a.{request}")]).to_string());
            assert_ne!(got[0][0], 8, "{got:?}");
        }
        let got = bench.ask(peer, &json!([kind, 3, {}, "a.3"]).to_string());
        assert_eq!(error_of(&got), LIMIT_EXCEEDED);
        assert!(got[0][5][0].as_str().unwrap().contains(&format!("at most 2 {at_limit}")), "{got:?}");
    }
    // A subscription that stands is no new one.
    assert_eq!(bench.ask(peer, r#"[32,4,{},"a.1"]"#)[0][0], 33);
    assert_eq!(bench.router.counters().limited, 3);
    assert_eq!(error_of(&bench.ask(peer, &json!([32, 5, {}, "a".repeat(21)]).to_string())), "wamp.error.invalid_uri");
    assert_eq!(bench.router.counters().limited, 4);
    // Another session has its own.
    let (other, _) = bench.join();
    assert_eq!(bench.ask(other, r#"[32,1,{},"a.1"]"#)[0][0], 33);
    // An answered call makes room.
    assert_eq!(bench.ask(peer, "[70,1,{}]"), [json!([50, 1, {}])]);
    assert_eq!(bench.ask(peer, r#"[48,6,{},"a.1"]"#)[0][0], 68);
}

#[test]
fn all_sessions_of_a_realm_have_only_so_many_together() {
    let realm = Share { registrations: 3, subscriptions: 3, calls: 3, ..Limits::default().realm };
    let mut bench = Bench::with_limits(Limits { realm, ..Limits::default() });
    let peers = [bench.join().0, bench.join().0, bench.join().0, bench.join().0];
    // The same topic four times: each counts.
    for (kind, at_limit) in [(64, "registrations"), (32, "subscriptions"), (48, "calls")] {
        for (number, &peer) in peers.iter().enumerate() {
            let uri = if kind == 64 { format!("a.{number}") } else { "a.0".to_owned() };
            bench.say(peer, &json!([kind, 1, {}, uri]).to_string());
            let error = bench.got(peer).into_iter().find(|got| got[0] == 8);
            assert_eq!(error.is_some(), number == 3, "{error:?}");
            if let Some(error) = error {
                assert_eq!(error[4], LIMIT_EXCEEDED);
                assert!(error[5][0].as_str().unwrap().contains(&format!("at most 3 {at_limit}")), "{error:?}");
            }
        }
    }
    assert_eq!(bench.router.counters().limited, 3);
    // Who leaves makes room: one registration, one subscription, one call.
    bench.lose(peers[1]);
    bench.ask(peers[3], r#"[64,2,{},"a.9"]"#);
    assert_eq!(bench.ask(peers[3], r#"[32,3,{},"a.9"]"#)[0][0], 33);
    bench.say(peers[3], r#"[48,4,{},"a.0"]"#);
    assert_eq!(bench.got(peers[3]), Vec::<Value>::new(), "the call waits for its answer");
    assert_eq!(bench.router.counters().limited, 3);
}

#[test]
fn a_realm_has_only_so_many_shapes_of_wildcards() {
    let realm = Share { shapes: 2, ..Limits::default().realm };
    let mut bench = Bench::with_limits(Limits { realm, ..Limits::default() });
    let (one, _) = bench.join();
    let (two, _) = bench.join();
    for (kind, options) in [(32, json!({ "match": "wildcard" })), (64, json!({ "match": "wildcard" }))] {
        let ask = |bench: &mut Bench, peer, request, uri| {
            bench.ask(peer, &json!([kind, request, options, uri]).to_string())[0].clone()
        };
        let id = ask(&mut bench, one, 1, "a..b")[2].clone();
        assert_eq!(ask(&mut bench, two, 2, ".a")[0], kind + 1);
        let error = ask(&mut bench, two, 3, "a.");
        assert_eq!(error[4], LIMIT_EXCEEDED);
        assert!(error[5][0].as_str().unwrap().contains("at most 2 shapes"), "{error}");
        // A pattern of a shape that there is costs nothing more, nor does one that is no wildcard.
        assert_eq!(ask(&mut bench, two, 4, "x..y")[0], kind + 1);
        assert_eq!(bench.ask(two, &json!([kind, 5, {}, "a.b.c.d"]).to_string())[0][0], kind + 1);
        // The shape goes with its last pattern.
        bench.ask(one, &json!([kind + 2, 6, id]).to_string());
        assert_eq!(ask(&mut bench, one, 7, "a.")[4], LIMIT_EXCEEDED);
        let id = ask(&mut bench, two, 8, "x..y")[2].clone();
        if kind == 32 {
            bench.ask(two, &json!([34, 9, id]).to_string());
            assert_eq!(ask(&mut bench, one, 10, "a.")[0], 33);
        }
    }
}

#[test]
fn a_session_has_only_its_share_of_the_shapes() {
    let session = Share { shapes: 2, ..Limits::default().session };
    let mut bench = Bench::with_limits(Limits { session, ..Limits::default() });
    let (greedy, _) = bench.join();
    let (other, _) = bench.join();
    for kind in [32, 64] {
        let ask = |bench: &mut Bench, peer, uri| {
            bench.ask(peer, &json!([kind, 1, { "match": "wildcard" }, uri]).to_string())[0].clone()
        };
        let first = ask(&mut bench, greedy, "a..b")[2].clone();
        let same = ask(&mut bench, greedy, "c..d")[2].clone();
        assert_eq!(ask(&mut bench, greedy, "a.")[0], kind + 1);
        let error = ask(&mut bench, greedy, ".a");
        assert_eq!(error[4], LIMIT_EXCEEDED);
        assert!(
            error[5][0].as_str().unwrap().contains("at most 2 shapes of wildcard patterns in a session"),
            "{error}"
        );
        // What others have is no excuse, and no obstacle to them.
        assert_eq!(ask(&mut bench, other, ".b")[0], kind + 1);
        assert_eq!(ask(&mut bench, greedy, ".a")[4], LIMIT_EXCEEDED);
        // A shape is given back with the last pattern of it.
        assert_eq!(bench.ask(greedy, &json!([kind + 2, 2, first]).to_string())[0][0], kind + 3);
        assert_eq!(ask(&mut bench, greedy, ".a")[4], LIMIT_EXCEEDED);
        assert_eq!(bench.ask(greedy, &json!([kind + 2, 2, same]).to_string())[0][0], kind + 3);
        assert_eq!(ask(&mut bench, greedy, ".a")[0], kind + 1);
    }
    // A registration that is taken away gives its shape back, too.
    let id = bench.ask(other, r#"[64,3,{"match":"wildcard"},"x..y.z"]"#)[0][2].clone();
    assert_eq!(bench.ask(other, r#"[64,4,{"match":"wildcard"},"x.y.z."]"#)[0][4], LIMIT_EXCEEDED);
    bench.say(greedy, r#"[64,5,{"match":"wildcard","force_reregister":true},".b"]"#);
    assert_eq!(bench.got(other)[0][0], 67);
    assert_eq!(bench.ask(other, r#"[64,4,{"match":"wildcard"},"x.y.z."]"#)[0][0], 65);
    assert!(id.is_number());
}

#[test]
fn a_callee_that_left_has_no_procedures() {
    let mut bench = Bench::new();
    let (callee, _) = bench.join();
    let (caller, _) = bench.join();
    bench.register(callee, "exact", "a.b");
    bench.register(callee, "prefix", "p");
    bench.register(callee, "wildcard", "w..");
    bench.lose(callee);
    for procedure in ["a.b", "p.x", "w.x.y"] {
        let got = bench.ask(caller, &json!([48, 1, {}, procedure]).to_string());
        assert_eq!(error_of(&got), "wamp.error.no_such_procedure");
        assert!(got[0][5][0].as_str().unwrap().ends_with(&format!("got {procedure}")));
    }
    let listed = bench.ask(caller, r#"[48,2,{},"wamp.registration.list"]"#);
    assert_eq!(listed[0][3], json!([{ "exact": [], "prefix": [], "wildcard": [] }]));
    assert_eq!(bench.got(callee), Vec::<Value>::new());
}
