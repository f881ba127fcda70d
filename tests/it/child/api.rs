//! The procedures and events about a child.

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::{call, event, follow, stat, supervise, url};
use crate::fake_router::{Client, FakeRouter};
use crate::support::{Program, wampproc};

fn pid(program: &mut Program) -> String {
    program.line().strip_prefix("up ").unwrap().to_owned()
}

#[test]
fn stop_start_and_restart_answer_when_it_is_done() {
    let mut program = supervise(&["--log-level", "info", "--restart", "always"], "echo up $$; sleep 100 & wait");
    let url = url(&mut program);
    let mut exits = follow(&url, "on_process_exited");
    let mut starts = follow(&url, "on_process_started");
    let first = pid(&mut program);
    let (code, error) = call(&url, &["start_process"]);
    assert!(code == Some(1) && error.contains("crossbar.error.already_started"), "{error}");

    let (code, exit) = call(&url, &["stop_process"]);
    let exit: Value = serde_json::from_str(&exit).unwrap();
    assert_eq!((code, exit["pid"].to_string(), &exit["signal"]), (Some(0), first.clone(), &json!("SIGTERM")));
    assert_eq!(
        (&exit["code"], &exit["core"], &exit["oom"], &exit["restarts"]),
        (&json!(null), &json!(false), &json!(false), &json!(0))
    );
    assert!(exit["uptime"].as_f64().unwrap() > 0.0 && exit["rusage"]["max_resident"].as_u64().unwrap() > 100_000);
    assert_eq!(event(&mut exits), exit);
    assert_eq!(stat(&first), None);

    for (words, error) in [
        (&["stop_process"][..], "crossbar.error.not_started"),
        (&["get_process_stats"], "crossbar.error.runtime_error"),
        (&["signal_process", "HUP"], "crossbar.error.runtime_error"),
        (&["get_process_output"], "crossbar.error.feature_unavailable"),
        (&["stop_process", "-1"], "wamp.error.invalid_argument"),
        (&["signal_process", "NOSUCH"], "wamp.error.invalid_argument"),
    ] {
        let (code, sentence) = call(&url, words);
        assert!(code == Some(1) && sentence.contains(error), "{words:?}: {sentence}");
    }

    let (_, capabilities) = call(&url, &["get_capabilities"]);
    let capabilities: Value = serde_json::from_str(&capabilities).unwrap();
    assert_eq!(capabilities["start_process"]["available"], true);
    assert!(capabilities["get_process_output"]["reason"].as_str().unwrap().contains("--capture"));

    let (code, second) = call(&url, &["start_process"]);
    assert_eq!((code, &second), (Some(0), &pid(&mut program)));
    let started = event(&mut starts);
    assert_eq!((started["pid"].to_string(), &started["restarts"]), (second.clone(), &json!(1)));
    assert_eq!(started["command"][0], "sh");

    let (code, third) = call(&url, &["restart_process", "5"]);
    assert_eq!((code, &third), (Some(0), &pid(&mut program)));
    assert_eq!(event(&mut exits)["pid"].to_string(), second);
    assert_eq!(event(&mut starts)["pid"].to_string(), third);
    program.wait_for_log(&format!("a caller wants process {first} stopped: it gets SIGTERM"));
    program.wait_for_log(&format!("process {first} has ended: SIGTERM"));
    program.wait_for_log(&format!("a caller wants process {second} restarted: it gets SIGTERM"));
    let (code, stats) = call(&url, &["get_process_stats"]);
    assert_eq!((code, serde_json::from_str::<Value>(&stats).unwrap()["pid"].to_string()), (Some(0), third));

    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(143));
    assert_eq!(event(&mut exits)["restarts"], 2);
}

/// Starts it now instead of when it is due; what is left of the last one may have to go before.
fn restart(url: &str) -> Option<i32> {
    call(url, &["restart_process"]).0
}

#[test]
fn no_end_is_lost_when_it_is_killed_at_any_moment() {
    let mut program = supervise(&["--restart", "always", "--restart-delay", "1h"], "echo up $$; sleep 100 & wait");
    let url = url(&mut program);
    let mut exits = follow(&url, "on_process_exited");
    for round in 0..20_u64 {
        let child = pid(&mut program);
        // From the moment when it is up to some time after that.
        std::thread::sleep(std::time::Duration::from_micros(round * 150));
        nix::sys::signal::kill(Pid::from_raw(child.parse().unwrap()), Signal::SIGKILL).unwrap();
        let exit = event(&mut exits);
        assert_eq!(
            (exit["pid"].to_string(), &exit["signal"], &exit["restarts"]),
            (child, &json!("SIGKILL"), &json!(round))
        );
        assert_eq!(restart(&url), Some(0));
    }
    pid(&mut program);
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(143));
    assert_eq!(event(&mut exits)["restarts"], 20);
}

#[test]
fn a_caller_can_signal_the_child_but_not_harm_the_agent() {
    let mut program = supervise(&[], "trap 'echo hup' HUP; echo up $$; while :; do sleep 100 & wait; done");
    let url = url(&mut program);
    pid(&mut program);
    for signal in ["HUP", "SIGHUP", "1"] {
        assert_eq!(call(&url, &["signal_process", signal]), (Some(0), "null".to_owned()));
        assert_eq!(program.line(), "hup");
    }
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(143));

    let mut own = crate::support::Program::spawn(crate::support::wampproc([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--worker",
        "sh",
    ]));
    let url = own.line().split(' ').nth(1).unwrap().to_owned();
    assert_eq!(call(&url, &["signal_process", "CONT"]), (Some(0), "null".to_owned()));
    for words in [&["signal_process", "TERM"][..], &["start_process"], &["stop_process"], &["get_process_output"]] {
        let (code, sentence) = call(&url, words);
        assert!(code == Some(1) && sentence.contains("crossbar.error.feature_unavailable"), "{words:?}: {sentence}");
    }
    own.signal(Signal::SIGTERM);
    assert_eq!(own.end().code, Some(0));
}

#[test]
fn who_takes_too_much_memory_is_restarted_and_the_event_says_so() {
    let script =
        "trap 'x=$(head -c 40000000 /dev/zero | tr \"\\0\" a)' USR1; echo up $$; while :; do sleep 100 & wait; done";
    let mut program = supervise(&["--memory-limit", "20M", "--restart-delay", "1ms"], script);
    let url = url(&mut program);
    let mut exits = follow(&url, "on_process_exited");
    let first = pid(&mut program);
    assert_eq!(call(&url, &["signal_process", "USR1"]), (Some(0), "null".to_owned()));
    let exit = event(&mut exits);
    assert_eq!((exit["pid"].to_string(), &exit["oom"]), (first.clone(), &json!(true)));
    let warning = program.wait_for_log(&format!("process {first} has "));
    assert!(warning.contains("bytes resident, --memory-limit allows 20971520: it gets SIGTERM"), "{warning}");
    program.wait_for_log(&format!("process {first} has ended: SIGTERM"));
    program.wait_for_log("the child is started again in 0.0 s");
    pid(&mut program);
    program.signal(Signal::SIGTERM);
    program.end();
}

/// A supervised program whose agent has joined a router that is played by hand, and the procedures' names.
fn join(router: &FakeRouter, command: &[&str]) -> (Program, Client, Vec<String>) {
    let url = router.url().to_string();
    let mut words = vec!["join", &url, "--worker", "w1", "--log-level", "error", "--"];
    words.extend(command);
    let program = Program::spawn(wampproc(words));
    let (client, names) = router.serve();
    (program, client, names)
}

#[test]
fn more_callers_than_may_wait_for_an_end_are_told_to_come_again() {
    let router = FakeRouter::new();
    let script = "trap '' TERM; echo deaf; while :; do sleep 1; done";
    let (mut program, mut client, names) = join(&router, &["sh", "-c", script]);
    assert_eq!(program.line(), "deaf");
    let number = |name: &str| 1001 + names.iter().position(|known| known.ends_with(name)).unwrap();
    let mut request = 0;
    let mut ask = |client: &mut Client, name: &str, arguments: Value| {
        request += 1;
        client.send(&json!([68, request, number(name), {}, arguments]));
        request
    };
    let answer = |client: &mut Client, request: u64| loop {
        let message = client.receive().unwrap();
        if message[0] != 16 {
            assert_eq!((&message[0], &message[1], &message[2]), (&json!(8), &json!(68), &json!(request)), "{message}");
            return message;
        }
    };
    for _ in 0..4 {
        for _ in 0..16 {
            ask(&mut client, "w1.stop_process", json!([3600]));
        }
        // When this is answered those before it wait.
        let request = ask(&mut client, "w1.get_process_output", json!([]));
        assert_eq!(answer(&mut client, request)[4], "crossbar.error.feature_unavailable");
    }
    for name in ["w1.stop_process", "w1.restart_process"] {
        let request = ask(&mut client, name, json!([]));
        assert_eq!(answer(&mut client, request)[4], "wampproc.error.busy");
    }
    let request = ask(&mut client, "w1.start_process", json!([]));
    assert_eq!(answer(&mut client, request)[4], "crossbar.error.already_started");
}

#[test]
fn a_command_longer_than_any_message_does_not_cost_the_session() {
    let router = FakeRouter::new();
    let long = "x".repeat(100_000);
    let command: Vec<&str> = ["sh", "-c", "exec sleep 100"].into_iter().chain([long.as_str(); 12]).collect();
    let (_program, mut client, _) = join(&router, &command);
    assert_eq!(client.expect(16)[4][0]["command"], json!(["sh", "-c", "exec sleep 100", "…"]));
}

#[test]
fn a_start_that_fails_calls_no_restart_off() {
    let directory = std::env::temp_dir().join(format!("wampproc-restart-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    // A shell by a name that can go and come back.
    let (shell, mark) = (directory.join("sh"), directory.join("mark"));
    std::os::unix::fs::symlink("/bin/sh", &shell).unwrap();
    let script = format!("rm {}; [ -e {} ] || exit 1; echo up $$; exec sleep 100", shell.display(), mark.display());
    let mut words = vec!["serve", "--listen", "127.0.0.1:0", "--log-level", "warn", "--restart", "on-failure"];
    words.extend(["--restart-delay", "1s", "--", shell.to_str().unwrap(), "-c", &script]);
    let mut program = Program::spawn(wampproc(words));
    let url = url(&mut program);
    super::until("a start fails", || call(&url, &["start_process"]).1.contains("cannot run"));
    std::fs::write(&mark, "").unwrap();
    std::os::unix::fs::symlink("/bin/sh", &shell).unwrap();
    pid(&mut program);
    std::fs::remove_dir_all(&directory).unwrap();
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(143));
}
