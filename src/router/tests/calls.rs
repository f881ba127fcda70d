//! CALL to RESULT: what reaches whom, and every way in which a call can end.

use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, HELLO, error_of};
use crate::router::{Output, PeerId, Undelivered};

const PLAIN_HELLO: &str = r#"[1,"realm1",{"roles":{"caller":{},"callee":{}}}]"#;

/// A router with a caller and a callee that has registered `a.b`.
fn pair(callee_hello: &str) -> (Bench, PeerId, PeerId) {
    let mut bench = Bench::new();
    let (caller, _) = bench.join();
    let (callee, _) = bench.join_with(callee_hello);
    bench.register(callee, "exact", "a.b");
    (bench, caller, callee)
}

/// Drops the next message, as a driver does whose queue for that peer is full.
fn drop_next(bench: &mut Bench) {
    drop_next_as(bench, Undelivered::QueueFull);
}

fn drop_next_as(bench: &mut Bench, why: Undelivered) {
    let Some(Output::Send { to, message }) = bench.out.pop_front() else { panic!("{:?}", bench.out) };
    bench.router.not_delivered(to, &message, why, bench.now(), &mut bench.out);
}

#[test]
fn a_call_and_its_result_pass_through_as_they_are() {
    let (mut bench, caller, callee) = pair(HELLO);
    bench.say(caller, r#"[48,77,{},"a.b",[1,{"x":[]}],{"k":"v"}]"#);
    let got = bench.got(callee);
    assert_eq!(got, [json!([68, 1, got[0][2], {}, [1, { "x": [] }], { "k": "v" }])]);
    bench.say(callee, r#"[70,1,{},[18446744073709551615],{"r":0}]"#);
    assert_eq!(bench.got(caller), [json!([50, 77, {}, [u64::MAX], { "r": 0 }])]);
    bench.nothing_more();
}

#[test]
fn a_callees_error_is_its_callers() {
    let (mut bench, caller, callee) = pair(HELLO);
    bench.say(caller, r#"[48,77,{},"a.b"]"#);
    bench.say(callee, r#"[8,68,1,{"ignored":1},"my.error",["no"],{"k":1}]"#);
    bench.got(callee);
    assert_eq!(bench.got(caller), [json!([8, 48, 77, {}, "my.error", ["no"], { "k": 1 }])]);
    // A bad URI stays with the callee: a strict caller would end its session over it.
    bench.say(caller, r#"[48,78,{},"a.b"]"#);
    bench.say(callee, r#"[8,68,2,{},"my..error"]"#);
    assert_eq!(error_of(&bench.got(caller)), "wamp.error.invalid_uri");
}

#[test]
fn invocations_count_from_one_for_each_callee() {
    let (mut bench, caller, callee) = pair(HELLO);
    let (other, _) = bench.join();
    bench.register(other, "exact", "c.d");
    for request in 1..=3 {
        bench.say(caller, &json!([48, request * 1000, {}, "a.b"]).to_string());
        assert_eq!(bench.got(callee)[0][1], request);
    }
    bench.say(callee, r#"[48,9,{},"c.d"]"#);
    assert_eq!(bench.got(other)[0][1], 1);
}

#[test]
fn a_call_that_goes_nowhere_is_an_error() {
    let (mut bench, caller, _) = pair(HELLO);
    for (procedure, error) in [
        ("a.c", "wamp.error.no_such_procedure"),
        ("a..b", "wamp.error.invalid_uri"),
        ("", "wamp.error.invalid_uri"),
        ("wamp.no.such", "wamp.error.no_such_procedure"),
    ] {
        let got = bench.ask(caller, &json!([48, 5, {}, procedure]).to_string());
        assert_eq!(error_of(&got), error, "{procedure:?}");
        assert!(got[0][5][0].is_string());
    }
    bench.nothing_more();
}

#[test]
fn a_request_id_may_come_again_once_it_is_answered() {
    let (mut bench, caller, callee) = pair(HELLO);
    bench.say(caller, r#"[48,5,{},"a.b"]"#);
    bench.say(callee, "[70,1,{}]");
    bench.say(caller, r#"[48,5,{},"a.b"]"#);
    bench.got(callee);
    assert_eq!(bench.got(caller), [json!([50, 5, {}])]);
    // While it is in use, it may not.
    let got = bench.ask(caller, r#"[48,5,{},"wamp.session.count"]"#);
    assert_eq!(error_of(&got), "wamp.error.protocol_violation");
    assert!(got[0][1]["message"].as_str().unwrap().ends_with("not in use, got 5"));
}

#[test]
fn callers_are_disclosed_to_the_management_api_and_to_who_asks() {
    let mut bench = Bench::new();
    let (caller, id) = bench.join();
    let (callee, _) = bench.join();
    bench.register(callee, "exact", "a.b");
    bench.register(callee, "exact", "crossbar.worker.x.utcnow");
    bench.register(callee, "exact", "crossbars.x");
    bench.say(callee, r#"[64,9,{"disclose_caller":true},"a.asks"]"#);
    bench.got(callee);
    for (procedure, options, disclosed) in [
        ("a.b", json!({}), false),
        ("a.b", json!({ "disclose_me": true }), true),
        ("a.asks", json!({}), true),
        ("crossbar.worker.x.utcnow", json!({}), true),
        ("crossbars.x", json!({}), false),
    ] {
        bench.say(caller, &json!([48, 1, options, procedure]).to_string());
        let got = bench.got(callee);
        let details = &got[0][3];
        if disclosed {
            assert_eq!(details["caller"], id, "{procedure}");
            assert_eq!(details["caller_authid"].as_str().map(str::len), Some(14));
            assert_eq!(details["caller_authrole"], "anonymous");
        } else {
            assert_eq!(*details, json!({}), "{procedure}");
        }
        bench.say(callee, &json!([70, got[0][1], {}]).to_string());
        bench.got(caller);
    }
}

#[test]
fn progressive_results_go_to_who_asked_for_them() {
    let (mut bench, caller, callee) = pair(HELLO);
    bench.say(caller, r#"[48,7,{"receive_progress":true},"a.b"]"#);
    assert_eq!(bench.got(callee)[0][3], json!({ "receive_progress": true }));
    bench.say(callee, r#"[70,1,{"progress":true},[1]]"#);
    bench.say(callee, r#"[70,1,{"progress":true},[2]]"#);
    bench.say(callee, "[70,1,{},[3]]");
    let expected =
        [json!([50, 7, { "progress": true }, [1]]), json!([50, 7, { "progress": true }, [2]]), json!([50, 7, {}, [3]])];
    assert_eq!(bench.got(caller), expected);
    // Unasked, they are dropped, and the call goes on.
    bench.say(caller, r#"[48,8,{},"a.b"]"#);
    assert_eq!(bench.got(callee)[0][3], json!({}));
    bench.say(callee, r#"[70,2,{"progress":true},[1]]"#);
    bench.nothing_more();
    assert_eq!(bench.router.counters().answers_dropped, 1);
    bench.say(callee, r#"[8,68,2,{},"my.error"]"#);
    assert_eq!(error_of(&bench.got(caller)), "my.error");
}

#[test]
fn only_who_announces_progress_is_asked_for_it() {
    let asked = json!({ "receive_progress": true });
    for (features, details) in [
        (r"{}", json!({})),
        (r#"{"call_canceling":true}"#, json!({})),
        (r#"{"progressive_call_results":true}"#, asked.clone()),
        (r#"{"progressive_call_results":true,"call_canceling":true}"#, asked),
    ] {
        let hello = format!(r#"[1,"realm1",{{"roles":{{"callee":{{"features":{features}}}}}}}]"#);
        let (mut bench, caller, callee) = pair(&hello);
        bench.say(caller, r#"[48,7,{"receive_progress":true},"a.b"]"#);
        assert_eq!(bench.got(callee)[0][3], details, "{features}");
        // Should it send some all the same, the caller can take it.
        bench.say(callee, r#"[70,1,{"progress":true},[1]]"#);
        assert_eq!(bench.got(caller), [json!([50, 7, { "progress": true }, [1]])]);
    }
}

#[test]
fn cancel_answers_the_caller_as_its_mode_says() {
    let canceled = |got: &[Value]| got.len() == 1 && error_of(got) == "wamp.error.canceled" && got[0][2] == 7;
    for (hello, mode, interrupt, at_once) in [
        (HELLO, json!({ "mode": "skip" }), None, true),
        (HELLO, json!({ "mode": "kill" }), Some("kill"), false),
        (HELLO, json!({ "mode": "killnowait" }), Some("killnowait"), true),
        (HELLO, json!({}), Some("killnowait"), true),
        (PLAIN_HELLO, json!({ "mode": "skip" }), None, true),
        (PLAIN_HELLO, json!({ "mode": "kill" }), None, true),
        (PLAIN_HELLO, json!({ "mode": "killnowait" }), None, true),
    ] {
        let (mut bench, caller, callee) = pair(hello);
        bench.say(caller, r#"[48,7,{},"a.b"]"#);
        bench.got(callee);
        bench.say(caller, &json!([49, 7, mode]).to_string());
        let expected = interrupt.map(|mode| json!([69, 1, { "mode": mode }]));
        assert_eq!(bench.got(callee), Vec::from_iter(expected), "{mode}");
        let got = bench.got(caller);
        if at_once {
            assert!(canceled(&got), "{mode}: {got:?}");
            // What the callee says now is nobody's.
            bench.say(callee, r#"[70,1,{"progress":true}]"#);
            bench.say(callee, "[70,1,{}]");
            bench.say(callee, r#"[8,68,1,{},"wamp.error.canceled"]"#);
            assert_eq!(bench.router.counters().answers_dropped, 3);
        } else {
            assert_eq!(got, Vec::<Value>::new());
            // Twice is once.
            bench.say(caller, &json!([49, 7, mode]).to_string());
            bench.nothing_more();
            bench.say(callee, r#"[8,68,1,{},"wamp.error.canceled"]"#);
            assert!(canceled(&bench.got(caller)));
        }
        bench.say(caller, r#"[49,7,{}]"#);
        bench.nothing_more();
    }
}

#[test]
fn a_killed_call_may_still_have_its_result_or_be_given_up() {
    let (mut bench, caller, callee) = pair(HELLO);
    bench.say(caller, r#"[48,7,{},"a.b"]"#);
    bench.say(caller, r#"[49,7,{"mode":"kill"}]"#);
    bench.say(callee, "[70,1,{},[1]]");
    assert_eq!(bench.got(caller), [json!([50, 7, {}, [1]])]);
    bench.say(caller, r#"[48,8,{},"a.b"]"#);
    bench.say(caller, r#"[49,8,{"mode":"kill"}]"#);
    bench.got(callee);
    bench.say(caller, r#"[49,8,{"mode":"killnowait"}]"#);
    assert_eq!(error_of(&bench.got(caller)), "wamp.error.canceled");
    bench.nothing_more();
}

#[test]
fn nobody_cancels_or_answers_for_another() {
    let (mut bench, caller, callee) = pair(HELLO);
    let (other, _) = bench.join();
    bench.say(caller, r#"[48,7,{},"a.b"]"#);
    bench.got(callee);
    bench.say(other, r#"[49,7,{"mode":"kill"}]"#);
    bench.nothing_more();
    assert_eq!(error_of(&bench.ask(other, "[70,1,{}]")), "wamp.error.protocol_violation");
    bench.nothing_more();
    bench.say(callee, "[70,1,{}]");
    assert_eq!(bench.got(caller), [json!([50, 7, {}])]);
    // Answered twice: late. Never asked: a violation.
    bench.say(callee, "[70,1,{}]");
    bench.nothing_more();
    assert_eq!(error_of(&bench.ask(callee, "[70,2,{}]")), "wamp.error.protocol_violation");
}

#[test]
fn a_timeout_is_in_milliseconds_and_interrupts_the_callee() {
    for (hello, interrupts) in [(HELLO, true), (PLAIN_HELLO, false)] {
        let (mut bench, caller, callee) = pair(hello);
        bench.say(caller, r#"[48,7,{"timeout":250},"a.b"]"#);
        assert_eq!(bench.got(callee)[0][3], json!({}));
        bench.wait(Duration::from_millis(249));
        bench.nothing_more();
        bench.wait(Duration::from_millis(1));
        assert_eq!(error_of(&bench.got(caller)), "wamp.error.timeout");
        assert_eq!(bench.got(callee).len(), usize::from(interrupts));
        assert_eq!(bench.router.counters().calls_timed_out, 1);
        bench.say(callee, "[70,1,{}]");
        bench.nothing_more();
    }
}

#[test]
fn an_answered_call_leaves_no_deadline_behind() {
    let (mut bench, caller, callee) = pair(HELLO);
    for (request, end) in ["[70,1,{}]", r#"[8,68,2,{},"my.error"]"#].into_iter().enumerate() {
        bench.say(caller, &json!([48, request + 1, { "timeout": 250 }, "a.b"]).to_string());
        assert!(bench.router.next_deadline().is_some());
        bench.say(callee, end);
        assert_eq!(bench.router.next_deadline(), None);
    }
    bench.say(caller, r#"[48,3,{"timeout":250},"a.b"]"#);
    bench.say(caller, r#"[49,3,{"mode":"skip"}]"#);
    assert_eq!(bench.router.next_deadline(), None);
    // Never is never.
    bench.say(caller, r#"[48,4,{"timeout":0},"a.b"]"#);
    assert_eq!(bench.router.next_deadline(), None);
    bench.say(caller, r#"[48,5,{"timeout":18446744073709551615},"a.b"]"#);
    bench.say(caller, r#"[48,6,{"timeout":250},"a.b"]"#);
    bench.lose(callee);
    assert_eq!(bench.router.next_deadline(), None);
}

#[test]
fn a_timeout_starts_anew_with_each_progressive_result() {
    let (mut bench, caller, callee) = pair(HELLO);
    bench.say(caller, r#"[48,7,{"timeout":100,"receive_progress":true},"a.b"]"#);
    bench.got(callee);
    for _ in 0..5 {
        bench.wait(Duration::from_millis(99));
        bench.say(callee, r#"[70,1,{"progress":true}]"#);
        assert_eq!(bench.got(caller).len(), 1);
    }
    bench.wait(Duration::from_millis(99));
    bench.nothing_more();
    bench.wait(Duration::from_millis(1));
    assert_eq!(error_of(&bench.got(caller)), "wamp.error.timeout");
    assert_eq!(bench.got(callee), [json!([69, 1, { "mode": "killnowait" }])]);
}

#[test]
fn a_callee_that_leaves_answers_its_callers() {
    for farewell in [None, Some(r#"[6,{},"wamp.close.normal"]"#), Some(r#"[3,{},"x"]"#), Some("[70,99,{}]")] {
        let (mut bench, caller, callee) = pair(HELLO);
        bench.say(caller, r#"[48,7,{},"a.b"]"#);
        bench.say(caller, r#"[48,8,{"receive_progress":true},"a.b"]"#);
        bench.say(callee, r#"[70,2,{"progress":true}]"#);
        bench.got(caller);
        match farewell {
            None => bench.lose(callee),
            Some(text) => bench.say(callee, text),
        }
        let got = bench.got(caller);
        assert_eq!(got.len(), 2, "{farewell:?}");
        for (answer, request) in got.iter().zip([7, 8]) {
            assert_eq!((&answer[2], &answer[4]), (&json!(request), &json!("wamp.error.canceled")));
            assert_eq!(answer[5], json!(["the callee left before it answered"]));
        }
    }
}

#[test]
fn a_caller_that_leaves_interrupts_its_callees() {
    for (hello, interrupts) in [(HELLO, true), (PLAIN_HELLO, false)] {
        let (mut bench, caller, callee) = pair(hello);
        bench.say(caller, r#"[48,7,{"timeout":5},"a.b"]"#);
        bench.got(callee);
        bench.lose(caller);
        let expected = interrupts.then(|| json!([69, 1, { "mode": "killnowait" }]));
        assert_eq!(bench.got(callee), Vec::from_iter(expected));
        bench.say(callee, r#"[8,68,1,{},"wamp.error.canceled"]"#);
        bench.nothing_more();
        assert_eq!(bench.router.next_deadline(), None);
    }
}

#[test]
fn a_session_may_call_itself() {
    let mut bench = Bench::new();
    let (peer, _) = bench.join();
    bench.register(peer, "exact", "a.b");
    assert_eq!(bench.ask(peer, r#"[48,1,{},"a.b"]"#)[0][0], 68);
    assert_eq!(bench.ask(peer, "[70,1,{}]"), [json!([50, 1, {}])]);
    bench.say(peer, r#"[48,2,{"timeout":9},"a.b"]"#);
    bench.got(peer);
    bench.lose(peer);
    bench.nothing_more();
    assert_eq!(bench.router.next_deadline(), None);
}

#[test]
fn an_unregistered_procedure_still_answers_the_calls_it_has() {
    let (mut bench, caller, callee) = pair(HELLO);
    bench.say(caller, r#"[48,7,{},"a.b"]"#);
    let registration = bench.got(callee)[0][2].clone();
    assert_eq!(bench.ask(callee, &json!([66, 2, registration]).to_string()), [json!([67, 2])]);
    bench.say(callee, "[70,1,{},[1]]");
    assert_eq!(bench.got(caller), [json!([50, 7, {}, [1]])]);
}

#[test]
fn an_invocation_that_cannot_be_queued_is_an_error_to_its_caller() {
    let (mut bench, caller, callee) = pair(HELLO);
    bench.say(caller, r#"[48,7,{"timeout":9},"a.b"]"#);
    drop_next(&mut bench);
    assert_eq!(error_of(&bench.got(caller)), "wamp.error.unavailable");
    bench.nothing_more();
    assert_eq!(bench.router.next_deadline(), None);
    assert_eq!(bench.router.counters().calls_lost, 1);
    // The callee is not worse for it.
    bench.say(caller, r#"[48,8,{},"a.b"]"#);
    assert_eq!(bench.got(callee)[0][1], 2);
}

#[test]
fn a_progressive_result_that_cannot_be_queued_ends_the_call() {
    let (mut bench, caller, callee) = pair(HELLO);
    bench.say(caller, r#"[48,7,{"receive_progress":true},"a.b"]"#);
    bench.got(callee);
    bench.say(callee, r#"[70,1,{"progress":true}]"#);
    bench.say(callee, r#"[70,1,{"progress":true}]"#);
    drop_next(&mut bench);
    drop_next(&mut bench);
    assert_eq!(error_of(&bench.got(caller)), "wamp.error.unavailable");
    assert_eq!(bench.got(callee), [json!([69, 1, { "mode": "killnowait" }])]);
    assert_eq!(bench.router.counters().calls_lost, 1);
    bench.nothing_more();
}

#[test]
fn an_answer_that_cannot_be_queued_ends_the_session_of_who_waits_for_it() {
    let (mut bench, caller, callee) = pair(HELLO);
    bench.say(caller, r#"[48,7,{},"a.b"]"#);
    bench.got(callee);
    bench.say(callee, "[70,1,{}]");
    drop_next(&mut bench);
    assert_eq!(bench.got(caller), [json!("close")]);
    // An INTERRUPT is only a hint.
    let (caller, _) = bench.join();
    bench.say(caller, r#"[48,7,{},"a.b"]"#);
    bench.got(callee);
    bench.say(caller, r#"[49,7,{}]"#);
    drop_next(&mut bench);
    assert_eq!(error_of(&bench.got(caller)), "wamp.error.canceled");
    bench.nothing_more();
}

#[test]
fn what_is_longer_than_its_receiver_takes_is_an_error_for_the_caller_and_ends_nobody() {
    let (mut bench, caller, callee) = pair(HELLO);
    let call = r#"[48,1,{"receive_progress":true},"a.b"]"#;
    let error = |sentence: &str| json!([8, 48, 1, {}, "wamp.error.payload_size_exceeded", [sentence]]);
    bench.say(caller, call);
    drop_next_as(&mut bench, Undelivered::TooLong);
    assert_eq!(bench.got(caller), [error("the call is longer than its callee takes")]);
    for (number, answer) in [r#"[70,N,{}]"#, r#"[8,68,N,{},"a.b"]"#, r#"[70,N,{"progress":true}]"#].iter().enumerate() {
        bench.say(caller, call);
        assert_eq!(bench.got(callee)[0][1], number + 2);
        bench.say(callee, &answer.replace('N', &(number + 2).to_string()));
        drop_next_as(&mut bench, Undelivered::TooLong);
        assert_eq!(bench.got(caller), [error("the answer is longer than its caller takes")], "{answer}");
    }
    assert_eq!(bench.got(callee), [json!([69, 4, {"mode": "killnowait"}])], "the rest of the stream is not wanted");
    // Who does not even take that gets nothing more.
    bench.say(caller, r#"[48,5,{},"no.such"]"#);
    drop_next_as(&mut bench, Undelivered::TooLong);
    drop_next_as(&mut bench, Undelivered::TooLong);
    assert_eq!(bench.got(caller), ["close"]);
    bench.nothing_more();
}
