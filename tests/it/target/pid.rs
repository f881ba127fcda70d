//! A target by its id: everything is about it, and its end is the agent's.

use std::process::Command;

use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use serde_json::{Value, json};
use wampproc::agent::Ending;
use wampproc::supervisor::{End, TargetChoice};

use super::{Process, builder, call, event, part, refusal, result};
use crate::fake_router::FakeRouter;
use crate::support::{Program, run, wampproc};

#[test]
fn every_procedure_speaks_of_it() {
    let process = Process::new(Command::new("sh").args(["-c", "echo >&1; cat; exec sleep 600"]));
    let router = FakeRouter::new();
    let running = builder(&router, TargetChoice::Pid(process.pid())).build().unwrap().spawn().unwrap();
    let (mut client, names) = router.serve();
    let mut of = |procedure, args| result(&mut client, &names, procedure, &args);

    assert!(of("get_cpu_count", json!([])).as_u64().unwrap() >= 1);
    let cpus = of("get_cpus", json!([]));
    assert_eq!(of("get_cpu_affinity", json!([])), cpus);
    let info = of("get_process_info", json!([]));
    assert_eq!((info["threads"].as_u64(), info["sockets"].as_array().map(Vec::len)), (Some(1), Some(0)), "{info}");
    // Its program may have to come from the disk first.
    let deadline = std::time::Instant::now() + crate::support::PATIENCE;
    let stats = loop {
        let stats = of("get_process_stats", json!([]));
        if stats["status"] == "sleeping" {
            break stats;
        }
        assert!(std::time::Instant::now() < deadline, "{stats}");
    };
    assert_eq!(stats["pid"], process.pid());
    let monitor = of("get_process_monitor", json!([]));
    assert_eq!(monitor["pid"], process.pid());
    assert!(monitor["num_fds"].as_u64().unwrap() >= 3, "{monitor}");
    let uptime = of("uptime", json!([])).as_f64().unwrap();
    assert!((0.0..60.0).contains(&uptime), "{uptime}");
    assert!(of("started", json!([])).as_str().unwrap().ends_with('Z'));
    assert!(of("utcnow", json!([])).as_str().unwrap().ends_with('Z'));
    if cfg!(feature = "manhole") {
        assert_eq!(of("get_manhole", json!([])), Value::Null);
    }
    let (error, sentence) = refusal(&mut client, &names, "trigger_gc");
    assert_eq!(error, "crossbar.error.feature_unavailable");
    assert!(sentence.contains("--gc-signal") && sentence.contains("--gc-command"), "{sentence}");

    let number = |procedure: &str| {
        1001 + names.iter().position(|name| *name == format!("crossbar.worker.w1.{procedure}")).unwrap()
    };
    client.send(&json!([68, 2, number("set_cpu_affinity"), {}, [[0]]]));
    for _ in 0..2 {
        assert_eq!(client.expect(16)[4][0]["affinity"], json!([cpus[0]]));
    }
    assert_eq!(client.expect(70)[3][0], json!([cpus[0]]));
    let file = format!("/proc/{}/status", process.pid());
    let allowed = std::fs::read_to_string(file).unwrap();
    assert!(allowed.contains(&format!("Cpus_allowed_list:\t{}\n", cpus[0])), "{allowed}");

    client.send(&json!([68, 3, number("set_process_stats_monitoring"), {}, [0.02]]));
    let mut kinds: Vec<Value> = Vec::new();
    while kinds.last().is_none_or(|kind| *kind != 70) {
        kinds.push(client.receive().unwrap()[0].clone());
    }
    for seq in 1..=2 {
        for _ in 0..2 {
            let tick = client.expect(16)[4][0].clone();
            assert_eq!((tick["pid"].as_i64(), tick["seq"].as_i64()), (Some(process.pid().into()), Some(seq)));
        }
    }
    drop(client);
    running.stop().unwrap();
}

#[test]
fn its_end_is_told_then_the_agent_says_goodbye() {
    let mut process = Process::idle();
    let router = FakeRouter::new();
    let agent = builder(&router, TargetChoice::Pid(process.pid())).build().unwrap();
    let running = std::thread::spawn(move || agent.run());
    let (mut client, names) = router.serve();
    assert_eq!(result(&mut client, &names, "get_process_stats", &json!([]))["pid"], process.pid());
    process.kill();
    // A zombie has ended: it is not waited for until its parent has noticed.
    let [first, second] = [client.expect(16), client.expect(16)];
    let exit = &first[4][0];
    assert_eq!(exit["pid"], process.pid());
    assert!(exit["uptime"].as_f64().unwrap() < 60.0);
    for unknown in ["code", "signal", "core", "rusage", "oom"] {
        assert_eq!(exit[unknown], Value::Null, "{exit}");
    }
    let gone = ("crossbar.error.runtime_error".to_owned(), format!("process {} has ended", process.pid()));
    for procedure in ["get_cpus", "started", "uptime", "get_process_stats", "get_process_info", "trigger_gc"] {
        assert_eq!(refusal(&mut client, &names, procedure), gone, "{procedure}");
    }
    assert_eq!(call(&mut client, &names, "utcnow", &json!([]))[0], 70, "what needs no process is answered");
    client.send(&json!([17, first[1], 99]));
    client.send(&json!([17, second[1], 99]));
    part(&mut client);
    assert!(matches!(running.join().unwrap(), Ok(Ending::Target(End::Ended))));
}

#[test]
fn an_event_that_was_not_acknowledged_is_published_again_in_the_next_session() {
    let mut process = Process::idle();
    let router = FakeRouter::new();
    let agent = builder(&router, TargetChoice::Pid(process.pid())).build().unwrap();
    let running = std::thread::spawn(move || agent.run());
    let (mut client, _) = router.serve();
    process.end();
    client.expect(16);
    drop(client);
    let (mut client, _) = router.serve();
    assert_eq!(event(&mut client, "on_process_exited")["pid"], process.pid());
    part(&mut client);
    assert!(matches!(running.join().unwrap(), Ok(Ending::Target(End::Ended))));
}

#[test]
fn calls_that_wait_when_it_is_killed_get_one_answer_each() {
    let mut process = Process::idle();
    let router = FakeRouter::new();
    let agent = builder(&router, TargetChoice::Pid(process.pid())).build().unwrap();
    let running = std::thread::spawn(move || agent.run());
    let (mut client, names) = router.serve();
    let number = 1001 + names.iter().position(|name| name.ends_with("w1.get_process_stats")).unwrap();
    const CALLS: usize = 200;
    for request in 1..=CALLS {
        if request == CALLS / 2 {
            process.end();
        }
        client.send(&json!([68, request, number, {}]));
    }
    let mut answers = vec![0; CALLS];
    let mut told = Vec::new();
    while answers.iter().sum::<usize>() < CALLS {
        let message = client.receive().unwrap();
        match message[0].as_u64().unwrap() {
            70 => answers[usize::try_from(message[1].as_u64().unwrap()).unwrap() - 1] += 1,
            8 => {
                assert_eq!(message[5][0], format!("process {} has ended", process.pid()));
                answers[usize::try_from(message[2].as_u64().unwrap()).unwrap() - 1] += 1;
            }
            _ => told.push(message),
        }
    }
    assert!(answers.iter().all(|count| *count == 1));
    while told.len() < 2 {
        told.push(client.expect(16));
    }
    for event in &told {
        client.send(&json!([17, event[1], 99]));
    }
    part(&mut client);
    assert!(running.join().unwrap().is_ok());
}

/// `serve` or `join` about a process, and its URL.
fn serve(arguments: &[&str]) -> (Program, String) {
    let mut program = Program::spawn(wampproc([&["serve", "--listen", "127.0.0.1:0"], arguments].concat()));
    let ready = program.line();
    (program, ready.split(' ').nth(1).unwrap().to_owned())
}

#[test]
fn a_subscriber_of_serve_sees_the_end_and_serve_ends_with_0() {
    let mut process = Process::idle();
    let (program, url) = serve(&["--pid", &process.pid().to_string(), "--log-level", "off"]);
    // The worker is called like the process.
    let topic = "crossbar.worker.cat.on_process_exited";
    let mut subscriber =
        Program::spawn(wampproc(["subscribe", "--url", &url, "--count", "1", "--log-level", "debug", topic]));
    let listed = ["call", "--url", &url, "wamp.subscription.lookup", topic];
    let deadline = std::time::Instant::now() + crate::support::PATIENCE;
    while run(listed).text() == "null\n" {
        assert!(std::time::Instant::now() < deadline, "nobody subscribes");
    }
    process.end();
    let event: Value = serde_json::from_str(&subscriber.line()).unwrap();
    assert_eq!(event["args"][0]["pid"], process.pid());
    assert_eq!(subscriber.end().code, Some(0));
    let end = program.end();
    assert_eq!((end.code, end.text(), end.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn a_signal_ends_the_agent_and_not_the_process() {
    let mut process = Process::idle();
    let (program, _) = serve(&["--pid", &process.pid().to_string(), "--log-level", "off"]);
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(0));
    assert!(process.0.try_wait().unwrap().is_none());
}

#[test]
fn a_process_that_is_not_there_is_told_before_anything_is_opened() {
    let mut process = Process::idle();
    let pid = process.pid().to_string();
    process.kill();
    let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    waitid(Id::Pid(Pid::from_raw(process.pid())), ended).unwrap();
    let zombie = run(["serve", "--listen", "127.0.0.1:0", "--pid", &pid]);
    assert_eq!((zombie.code, zombie.text()), (Some(1), ""));
    assert_eq!(zombie.stderr, format!("wampproc: cannot observe process {pid}: it has ended (a zombie)\n"));
    process.end();
    // Its own id may be another's already, as a test beside this one has ids given again.
    let gone = run(["join", "ws://127.0.0.1:9/ws", "--pid", "4194303"]);
    assert_eq!((gone.code, gone.text()), (Some(1), ""));
    assert_eq!(gone.stderr, "wampproc: cannot observe process 4194303: there is no such process\n");
}

#[test]
fn our_own_id_is_our_own_process() {
    let router = FakeRouter::new();
    let own = i32::try_from(std::process::id()).unwrap();
    let running = builder(&router, TargetChoice::Pid(own)).build().unwrap().spawn().unwrap();
    let (mut client, names) = router.serve();
    assert_eq!(result(&mut client, &names, "get_process_stats", &json!([]))["pid"], own);
    drop(client);
    running.stop().unwrap();
}
