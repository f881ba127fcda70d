//! The agent against routers that misbehave, go away, refuse, or say nothing.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::Message;
use wampproc::agent::{Agent, AgentBuilder, AgentError, Patience, ReconnectPolicy, RunningAgent};
use wampproc::api::{Failure, Kind, Param, Procedure};
use wampproc::link::LinkError;
use wampproc::transport::MAX_FORWARDED;
use wampproc::transport::keepalive::KeepalivePolicy;

use crate::fake_router::{Client, FakeRouter, registrations};

fn builder(router: &FakeRouter) -> AgentBuilder {
    let quickly = Duration::from_millis(5);
    let policy =
        ReconnectPolicy { initial: quickly, factor: 1.0, max: quickly, absent: quickly, healthy: Duration::ZERO };
    Agent::builder(router.url()).node("n1").worker("w1").reconnect(policy)
}

fn run(router: &FakeRouter) -> RunningAgent {
    builder(router).build().unwrap().spawn().unwrap()
}

/// Calls the procedure whose registration has this number, and gives back the answer.
fn call(client: &mut Client, request: u64, registration: usize, args: &Value) -> Value {
    client.send(&json!([68, request, registration, {}, args]));
    client.receive().unwrap()
}

fn registration(names: &[String], name: &str) -> usize {
    1001 + names.iter().position(|known| known == name).unwrap()
}

#[test]
fn joins_registers_under_both_prefixes_answers_and_says_goodbye() {
    let router = FakeRouter::new();
    let (ready, is_ready) = mpsc::channel();
    let running = builder(&router).on_ready(move || ready.send(()).unwrap()).build().unwrap().spawn().unwrap();
    let mut client = router.accept();
    let hello = client.expect(1);
    assert_eq!(hello[1], "realm1");
    assert_eq!(hello[2]["authmethods"], json!(["anonymous"]));
    assert_eq!(hello[2]["roles"]["callee"]["features"]["call_canceling"], true);
    client.send(&json!([2, 4711, {"roles": {"broker": {}, "dealer": {}}}]));
    let names = client.register(registrations(2, 0));
    is_ready.recv_timeout(Duration::from_secs(20)).unwrap();
    for prefix in ["crossbar.worker.w1", "crossbar.node.n1.worker.w1"] {
        let answer = call(&mut client, 1, registration(&names, &format!("{prefix}.utcnow")), &json!([]));
        assert_eq!((answer[0].as_u64(), answer[1].as_u64()), (Some(70), Some(1)), "{answer}");
        let answer = call(&mut client, 2, registration(&names, &format!("{prefix}.get_process_stats")), &json!([]));
        assert_eq!(answer[3][0]["pid"], std::process::id());
    }
    let answer = call(&mut client, 5, 999, &json!([]));
    assert_eq!(answer[4], "wamp.error.no_such_procedure", "a registration that is none");

    let stopping = std::thread::spawn(move || running.stop());
    assert_eq!(client.expect(6)[2], "wamp.close.normal");
    client.send(&json!([6, {}, "wamp.close.goodbye_and_out"]));
    client.expect_end();
    stopping.join().unwrap().unwrap();
}

#[test]
fn a_router_that_does_not_answer_goodbye_does_not_hold_it_up() {
    let router = FakeRouter::new();
    let running = run(&router);
    let (mut client, _) = router.serve();
    let start = Instant::now();
    let stopping = std::thread::spawn(move || running.stop());
    client.expect(6);
    stopping.join().unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn events_come_before_results_and_leave_the_caller_out() {
    let router = FakeRouter::new();
    let _running = run(&router);
    let (mut client, names) = router.serve();
    let gc = registration(&names, "crossbar.worker.w1.trigger_gc");
    client.send(&json!([68, 1, gc, {"caller": 77, "caller_authid": "joe", "caller_authrole": "admin"}]));
    for prefix in ["crossbar.worker.w1", "crossbar.node.n1.worker.w1"] {
        let event = client.expect(16);
        assert_eq!(event[3], format!("{prefix}.on_gc_finished"));
        assert_eq!(event[2]["exclude"], json!([77]));
        assert_eq!(event[4][0]["requester"], json!({"session_id": 77, "auth_id": "joe", "auth_role": "admin"}));
    }
    assert!(client.expect(70)[3][0].is_u64());

    let set = registration(&names, "crossbar.worker.w1.set_process_stats_monitoring");
    client.send(&json!([68, 2, set, {}, [], {"interval": 0.02}]));
    for _ in 0..2 {
        let event = client.expect(16);
        assert!(event[3].as_str().unwrap().ends_with(".on_process_stats_monitoring_set"));
        assert_eq!(event[2], json!({}), "nobody can be left out when the caller is not disclosed");
        assert_eq!(event[4], json!([0.02]));
    }
    assert_eq!(client.expect(70)[3], json!([null]));
    for seq in 1..=3 {
        for _ in 0..2 {
            let event = client.expect(16);
            assert!(event[3].as_str().unwrap().ends_with(".on_process_stats"));
            assert_eq!(event[4][0]["seq"], seq);
        }
    }
}

#[test]
fn what_is_no_message_ends_the_session_with_abort_and_it_comes_back() {
    let router = FakeRouter::new();
    let _running = run(&router);
    let too_long = format!("[36,1,1,{{}},[\"{}\"]]", "x".repeat(MAX_FORWARDED));
    let deep = "[".repeat(30_000);
    for text in ["[", "{}", "[36,1,1,{},", "[68,1,1,[]]", "[2,1,{\"roles\":{\"broker\":{}}}]", &deep, &too_long] {
        let (mut client, _) = router.serve();
        client.send_text(text);
        let abort = client.expect(3);
        assert_eq!(abort[2], "wamp.error.protocol_violation", "{abort}");
        client.expect_end();
    }
    let (mut client, _) = router.serve();
    client.send_frame(Message::binary(vec![1, 2, 3]));
    assert_eq!(client.expect(3)[2], "wamp.error.protocol_violation");
    router.serve();
}

/// A router passes on what callers send; the agent must not pay for it with its session.
#[test]
fn arguments_however_deep_or_long_are_an_error_to_their_caller_alone() {
    let router = FakeRouter::new();
    let _running = run(&router);
    let (mut client, names) = router.serve();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (request, argument) in (1..).zip([deep, "1".repeat(10_000), "1e999".to_owned(), "\"\\ud800\"".to_owned()]) {
        let registration = registration(&names, "crossbar.worker.w1.get_process_history");
        client.send_text(&format!("[68,{request},{registration},{{}},[{argument}]]"));
        let answer = client.expect(8);
        assert_eq!((&answer[2], &answer[4]), (&json!(request), &json!("wamp.error.invalid_argument")), "{answer}");
    }
    assert_eq!(call(&mut client, 9, registration(&names, "crossbar.worker.w1.utcnow"), &json!([]))[0], 70);
}

#[test]
fn a_session_that_the_router_ends_is_joined_again() {
    let router = FakeRouter::new();
    let _running = run(&router);
    let (mut client, _) = router.serve();
    client.send(&json!([6, {}, "wamp.close.system_shutdown"]));
    assert_eq!(client.expect(6)[2], "wamp.close.goodbye_and_out");
    let (client, _) = router.serve();
    drop(client);
    router.serve();
}

#[test]
fn a_silent_router_is_given_up() {
    let router = FakeRouter::new();
    let quickly = Duration::from_millis(50);
    let watch = KeepalivePolicy { interval: Some(quickly), patience: quickly };
    let _running = builder(&router).keepalive(watch).build().unwrap().spawn().unwrap();
    // Its socket stays open, but nobody reads it and nobody answers the pings.
    let (_half_open, _) = router.serve();
    router.serve();
}

#[test]
fn a_refusal_is_final() {
    let router = FakeRouter::new();
    let running = run(&router);
    let mut client = router.accept();
    client.expect(1);
    client.send(&json!([3, {"message": "no realm of that name"}, "wamp.error.no_such_realm"]));
    match ended(running) {
        AgentError::Link(LinkError::Refused(closing)) => {
            assert_eq!(closing.reason.as_str(), "wamp.error.no_such_realm")
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_router_that_has_no_time_before_its_welcome_is_tried_again() {
    // And one that lets nobody log in from an address where others were wrong too often.
    for reason in ["wamp.close.system_shutdown", "wamp.error.unavailable"] {
        let router = FakeRouter::new();
        let _running = run(&router);
        let mut client = router.accept();
        client.expect(1);
        client.send(&json!([3, {}, reason]));
        router.serve();
    }
}

/// How an agent ended that nobody stopped.
fn ended(running: RunningAgent) -> AgentError {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !running.is_finished() {
        assert!(Instant::now() < deadline, "the agent does not end");
        std::thread::yield_now();
    }
    running.stop().unwrap_err()
}

#[test]
fn one_attempt_is_one_attempt() {
    let url = FakeRouter::new().url();
    let agent = Agent::builder(url).patience(Patience::OneAttempt).build().unwrap();
    assert!(matches!(agent.run(), Err(AgentError::Link(LinkError::Unreachable(_)))));
}

fn refuse(client: &mut Client, register: &Value, error: &str) {
    client.send(&json!([8, 64, register[1], {}, error, ["no"]]));
}

#[test]
fn a_name_that_is_taken_is_final_for_the_impatient_and_tried_again_at_first_and_after_a_reconnect() {
    let router = FakeRouter::new();
    let impatient = builder(&router).patience(Patience::OneAttempt).build().unwrap();
    let running = impatient.spawn().unwrap();
    let mut client = router.welcome();
    let register = client.expect(64);
    refuse(&mut client, &register, "wamp.error.procedure_already_exists");
    let error = ended(running);
    assert!(error.to_string().contains("--worker"), "{error}");

    let _running = run(&router);
    for _ in ["at first", "after a reconnect"] {
        let mut client = router.welcome();
        for _ in 0..registrations(2, 0) {
            let register = client.expect(64);
            refuse(&mut client, &register, "wamp.error.procedure_already_exists");
        }
        let names = client.register(registrations(2, 0));
        let answer = call(&mut client, 1, registration(&names, "crossbar.worker.w1.started"), &json!([]));
        assert_eq!(answer[0], 70);
    }
}

#[test]
fn one_refused_procedure_does_not_cost_the_others() {
    let router = FakeRouter::new();
    let _running = run(&router);
    let mut client = router.welcome();
    let register = client.expect(64);
    refuse(&mut client, &register, "wamp.error.not_authorized");
    let names = client.register(registrations(2, 0) - 1);
    let answer = call(&mut client, 1, registration(&names, "crossbar.node.n1.worker.w1.uptime"), &json!([]));
    assert_eq!(answer[0], 70);
}

#[test]
fn a_router_that_refuses_everything_ends_it() {
    let router = FakeRouter::new();
    let running = run(&router);
    let mut client = router.welcome();
    for _ in 0..registrations(2, 0) {
        let register = client.expect(64);
        refuse(&mut client, &register, "wamp.error.not_authorized");
    }
    assert!(matches!(ended(running), AgentError::NothingRegistered(_)));
}

#[test]
fn a_burst_gets_one_answer_each_results_or_busy() {
    const CALLS: u64 = 5000;
    let router = FakeRouter::new();
    let _running = run(&router);
    let (mut client, names) = router.serve();
    let stats = registration(&names, "crossbar.worker.w1.get_process_stats");
    for request in 1..=CALLS {
        client.send(&json!([68, request, stats, {}]));
    }
    let mut answered = std::collections::HashSet::new();
    for _ in 0..CALLS {
        let answer = client.receive().unwrap();
        let request = match answer[0].as_u64() {
            Some(70) => &answer[1],
            Some(8) => {
                assert_eq!(answer[4], "wampproc.error.busy", "{answer}");
                &answer[2]
            }
            _ => panic!("{answer}"),
        };
        assert!(answered.insert(request.as_u64().unwrap()), "{request} was answered twice");
    }
}

/// More answers than the agent queues for a router that does not read, and more than the kernel holds: the agent stops
/// reading until they are written, and then goes on with what it had read already.
#[test]
fn a_router_that_reads_late_gets_everything() {
    let router = FakeRouter::new();
    let echo = vec![Param::required("value", Kind::Any)];
    let echo = Procedure::custom("echo", echo, "Sends it back.", Box::new(|arguments| Ok(arguments.value(0).clone())));
    let _running = builder(&router).uri_prefix("p").procedure(echo).build().unwrap().spawn().unwrap();
    let mut client = router.welcome();
    let names = client.register(registrations(1, 1));
    let echo = registration(&names, "p.echo");
    let much = "x".repeat(50_000);
    let sent = client.send_until_full((1..).map(|request| json!([68, request, echo, {}, [much]])));
    assert!(sent > 20, "{sent} calls are more than fits anywhere");
    for request in 1..=sent {
        assert_eq!(client.expect(70)[1], request);
        if request == sent / 2 {
            // The last message is still half on its way; now there is room for it.
            client.finish_sending();
        }
    }
}

#[test]
fn an_interrupted_call_is_answered_once() {
    let router = FakeRouter::new();
    let _running = run(&router);
    let (mut client, names) = router.serve();
    let info = registration(&names, "crossbar.worker.w1.get_process_info");
    client.send(&json!([68, 1, info, {}]));
    client.send(&json!([69, 1, {"mode": "kill"}]));
    let first = client.receive().unwrap();
    assert!(first[0] == 70 || first[4] == "wamp.error.canceled", "{first}");
    let next = call(&mut client, 2, registration(&names, "crossbar.worker.w1.get_cpu_affinity"), &json!([]));
    assert_eq!((next[0].as_u64(), next[1].as_u64()), (Some(70), Some(2)), "a second answer came: {next}");
}

#[test]
fn a_program_adds_procedures_and_publishes_events() {
    let router = FakeRouter::new();
    let add2 = Procedure::custom(
        "add2",
        vec![Param::required("a", Kind::Int), Param::optional("b", Kind::Int, json!(1))],
        "Adds.",
        Box::new(|arguments| match (arguments.value(0).as_i64(), arguments.value(1).as_i64()) {
            (Some(a), Some(b)) => Ok(json!(a + b)),
            _ => Err(Failure::other("com.example.too_large", "too large")),
        }),
    );
    let (ready, is_ready) = mpsc::channel();
    let agent = builder(&router).procedure(add2).on_ready(move || ready.send(()).unwrap()).build().unwrap();
    let publisher = agent.publisher();
    let running = agent.spawn().unwrap();
    let mut client = router.welcome();
    let names = client.register(registrations(2, 1));
    is_ready.recv_timeout(Duration::from_secs(20)).unwrap();
    let add2 = registration(&names, "crossbar.worker.w1.add2");
    assert_eq!(call(&mut client, 1, add2, &json!([2, 3]))[3], json!([5]));
    assert_eq!(call(&mut client, 2, add2, &json!([2]))[3], json!([3]));
    assert_eq!(call(&mut client, 3, add2, &json!([u64::MAX]))[4], "com.example.too_large");
    assert_eq!(call(&mut client, 4, add2, &json!(["2"]))[4], "wamp.error.invalid_argument");
    std::thread::spawn(move || publisher.publish("on_added", &json!({"sum": 5})).unwrap()).join().unwrap();
    assert_eq!(client.expect(16)[3], "crossbar.worker.w1.on_added");
    assert_eq!(client.expect(16)[4], json!([{"sum": 5}]));
    drop(running);
}
