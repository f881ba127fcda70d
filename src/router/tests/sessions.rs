//! Sessions: who gets in, who is thrown out, and what stays behind.

use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, HELLO, error_of};
use crate::router::realm::Realm;

const VIOLATION: &str = "wamp.error.protocol_violation";

/// Asserts an ABORT whose sentence contains `words`, and the end of the connection.
#[track_caller]
fn assert_aborted(got: &[Value], reason: &str, words: &str) {
    assert_eq!(error_of(got), reason);
    let sentence = got[0][1]["message"].as_str().unwrap();
    assert!(sentence.contains(words), "{sentence}");
    assert!(sentence.len() < 200, "a refusal is short, however long the reason: {sentence}");
    assert_eq!(got[1..], [json!("close")]);
}

#[test]
fn a_welcome_says_who_one_is_and_what_works() {
    let mut bench = Bench::new();
    let peer = bench.open();
    let welcome = &bench.ask(peer, HELLO)[0];
    assert_eq!(welcome[0], 2);
    assert!(welcome[1].as_u64().unwrap() > 0);
    let details = &welcome[2];
    assert_eq!(details["realm"], "realm1");
    assert_eq!(details["agent"], "bench/1");
    assert_eq!(details["authrole"], "anonymous");
    assert_eq!(details["authmethod"], "anonymous");
    assert_eq!(details["authprovider"], "static");
    let authid = details["authid"].as_str().unwrap();
    assert_eq!(authid.len(), 14, "{authid}");
    let features =
        |role: &str| -> Vec<&String> { details["roles"][role]["features"].as_object().unwrap().keys().collect() };
    assert_eq!(
        features("broker"),
        [
            "event_retention",
            "pattern_based_subscription",
            "publisher_exclusion",
            "publisher_identification",
            "session_meta_api",
            "subscriber_blackwhite_listing",
            "subscription_meta_api"
        ]
    );
    assert_eq!(
        features("dealer"),
        [
            "call_canceling",
            "call_timeout",
            "caller_identification",
            "pattern_based_registration",
            "progressive_call_results",
            "registration_meta_api",
            "registration_revocation",
            "session_meta_api",
            "shared_registration",
            "testament_meta_api"
        ]
    );
    bench.nothing_more();
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let long = format!(r#"[1,"{}",{{"roles":{{"caller":{{}}}}}}]"#, "r".repeat(513));
    let nowhere = long.replacen('r', "", 1);
    let methods = vec!["x"; 1000];
    let many = json!([1, "realm1", { "roles": { "caller": {} }, "authmethods": methods }]).to_string();
    for (hello, reason, words) in [
        (r#"[1,"nowhere",{"roles":{"caller":{}}}]"#, "wamp.error.no_such_realm", r#"got "nowhere""#),
        (r#"[1,"a..b",{"roles":{"caller":{}}}]"#, "wamp.error.invalid_uri", r#"got "a..b""#),
        (long.as_str(), "wamp.error.invalid_uri", "at most 512 bytes, got 513"),
        (r#"[1,"realm1",{"roles":{}}]"#, VIOLATION, "got none"),
        (r#"[1,"realm1",{"roles":{"broker":{}}}]"#, VIOLATION, "got none"),
        (
            r#"[1,"realm1",{"roles":{"caller":{}},"authmethods":["ticket"]}]"#,
            "wamp.error.no_auth_method",
            r#"got ["ticket"]"#,
        ),
        (&many, "wamp.error.no_auth_method", r#"got ["x", "x", "#),
        (&nowhere, "wamp.error.no_such_realm", "rrr…"),
    ] {
        let mut bench = Bench::new();
        let peer = bench.open();
        assert_aborted(&bench.ask(peer, hello), reason, words);
        assert!(bench.router.is_empty());
        assert_eq!(bench.router.counters().joined, 0);
        // Whatever is still in its socket is nobody's any more.
        assert_eq!(bench.ask(peer, HELLO), Vec::<Value>::new());
        assert_eq!(bench.router.next_deadline(), None);
    }
}

#[test]
fn anonymous_among_several_methods_is_let_in() {
    let mut bench = Bench::new();
    bench.join_with(r#"[1,"realm1",{"roles":{"caller":{}},"authmethods":["ticket","anonymous"]}]"#);
    bench.join_with(r#"[1,"realm1",{"roles":{"caller":{}},"authmethods":[]}]"#);
}

#[test]
fn before_hello_nothing_else_is_understood() {
    for text in
        [r#"[48,1,{},"a.b"]"#, r#"[6,{},"wamp.close.normal"]"#, r#"[5,"signature",{}]"#, r#"[2,1,{"roles":{}}]"#]
    {
        let mut bench = Bench::new();
        let peer = bench.open();
        assert_aborted(&bench.ask(peer, text), VIOLATION, "expected HELLO first, got");
    }
}

#[test]
fn in_a_session_only_a_clients_messages_are_understood() {
    for (text, words) in [
        (HELLO, "expected one HELLO in a session, got a second"),
        (r#"[2,1,{"roles":{}}]"#, "got WELCOME"),
        (r#"[4,"ticket",{}]"#, "got CHALLENGE"),
        (r#"[5,"signature",{}]"#, "got AUTHENTICATE"),
        ("[17,1,1]", "got PUBLISHED"),
        ("[33,1,1]", "got SUBSCRIBED"),
        ("[35,1]", "got UNSUBSCRIBED"),
        ("[36,1,1,{}]", "got EVENT"),
        ("[50,1,{}]", "got RESULT"),
        ("[65,1,1]", "got REGISTERED"),
        ("[67,1]", "got UNREGISTERED"),
        ("[68,1,1,{}]", "got INVOCATION"),
        ("[69,1,{}]", "got INTERRUPT"),
        (r#"[8,48,1,{},"a.b"]"#, "expected the answer to an INVOCATION, got one to CALL"),
        (r#"[48,0,{},"a.b"]"#, "CALL: expected a request id from 1 to 2^53, got 0"),
        (r#"[16,0,{},"a.b"]"#, "PUBLISH: expected a request id"),
        (r#"[32,0,{},"a.b"]"#, "SUBSCRIBE: expected a request id"),
        ("[34,0,1]", "UNSUBSCRIBE: expected a request id"),
        (r#"[64,0,{},"a.b"]"#, "REGISTER: expected a request id"),
        ("[66,0,1]", "UNREGISTER: expected a request id"),
        ("[49,0,{}]", "CANCEL: expected a request id"),
        ("[70,1,{}]", "YIELD: expected the request id of an INVOCATION, got 1, which was never sent"),
        (r#"[8,68,7,{},"a.b"]"#, "ERROR: expected the request id of an INVOCATION, got 7"),
    ] {
        let mut bench = Bench::new();
        let (witness, _) = bench.join();
        let (peer, _) = bench.join();
        assert_aborted(&bench.ask(peer, text), VIOLATION, words);
        assert_eq!(bench.router.counters().violations, 1);
        // Nobody else notices.
        bench.nothing_more();
        assert_eq!(bench.ask(witness, r#"[48,1,{},"wamp.session.count"]"#), [json!([50, 1, {}, [1]])]);
    }
}

#[test]
fn what_the_driver_could_not_decode_ends_the_session() {
    let mut bench = Bench::new();
    let (peer, _) = bench.join();
    let now = bench.now();
    bench.router.violation(peer, "expected JSON, got a cat", now, &mut bench.out);
    assert_aborted(&bench.got(peer), VIOLATION, "got a cat");
    bench.router.violation(peer, "again", now, &mut bench.out);
    bench.nothing_more();
}

#[test]
fn goodbye_is_answered_and_the_rest_ignored() {
    let mut bench = Bench::new();
    let (peer, _) = bench.join();
    let got = bench.ask(peer, r#"[6,{},"wamp.close.close_realm"]"#);
    assert_eq!(got, [json!([6, {}, "wamp.close.goodbye_and_out"]), json!("close")]);
    assert_eq!(bench.ask(peer, r#"[48,1,{},"a.b"]"#), Vec::<Value>::new());
    bench.lose(peer);
    bench.nothing_more();
}

#[test]
fn abort_is_not_answered() {
    for joined in [true, false] {
        let mut bench = Bench::new();
        let peer = if joined { bench.join().0 } else { bench.open() };
        assert_eq!(bench.ask(peer, r#"[3,{},"some.reason"]"#), [json!("close")]);
        assert!(bench.router.is_empty());
    }
}

#[test]
fn who_says_nothing_is_closed_and_who_did_is_not() {
    let mut bench = Bench::new();
    let (peer, _) = bench.join();
    let silent = bench.open();
    bench.wait(Duration::from_millis(9_999));
    bench.nothing_more();
    bench.wait(Duration::from_millis(1));
    assert_aborted(&bench.got(silent), VIOLATION, "expected HELLO within 10 s, got nothing");
    bench.nothing_more();
    assert_eq!(bench.router.next_deadline(), None);
    assert_eq!(bench.ask(peer, r#"[48,1,{},"wamp.session.count"]"#), [json!([50, 1, {}, [1]])]);
}

#[test]
fn a_shutdown_says_goodbye_to_all_and_waits_only_so_long() {
    let mut bench = Bench::new();
    let (polite, _) = bench.join();
    let (rude, _) = bench.join();
    let silent = bench.open();
    bench.register(polite, "exact", "a.b");
    bench.subscribe(rude, "exact", "a.b");
    bench.say(rude, r#"[48,1,{"timeout":5},"a.b"]"#);
    bench.got(polite);
    let now = bench.now();
    bench.router.shutdown(now, &mut bench.out);
    assert!(bench.router.realms.iter().all(Realm::is_empty));
    let goodbye = json!([6, {}, "wamp.close.system_shutdown"]);
    assert_eq!(bench.got(polite), std::slice::from_ref(&goodbye));
    assert_eq!(bench.got(rude), [goodbye]);
    assert_aborted(&bench.got(silent), "wamp.close.system_shutdown", "shuts down");
    // What was on its way is ignored, whatever it is.
    assert_eq!(bench.ask(polite, "[70,1,{}]"), Vec::<Value>::new());
    assert_eq!(bench.ask(rude, HELLO), Vec::<Value>::new());
    assert_eq!(bench.ask(polite, r#"[6,{},"wamp.close.goodbye_and_out"]"#), [json!("close")]);
    assert!(!bench.router.is_empty());
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.got(rude), [json!("close")]);
    assert!(bench.router.is_empty());
    assert_eq!(bench.router.next_deadline(), None);
}

#[test]
fn realms_do_not_see_each_other() {
    let mut bench = Bench::new();
    let (callee, _) = bench.join();
    let (other, _) = bench.join_with(&HELLO.replace("realm1", "realm2"));
    bench.register(callee, "exact", "a.b");
    bench.subscribe(callee, "exact", "a.b");
    assert_eq!(error_of(&bench.ask(other, r#"[48,1,{},"a.b"]"#)), "wamp.error.no_such_procedure");
    bench.say(other, r#"[16,2,{},"a.b"]"#);
    bench.nothing_more();
    bench.register(other, "exact", "a.b");
    assert_eq!(bench.ask(other, r#"[48,3,{},"wamp.session.count"]"#), [json!([50, 3, {}, [1]])]);
}
