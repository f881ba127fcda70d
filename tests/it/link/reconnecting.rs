//! Routers that are not there, go away and come back, one or several.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::serve;
use crate::support::{PATIENCE, Program, run, wampproc};

/// Calls until the agent `w1` is there.
fn wait_for(url: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let end = run(["call", "crossbar.worker.w1.utcnow", "--url", url, "--timeout", "5s"]);
        if end.code == Some(0) {
            return;
        }
        assert!(end.stderr.contains("no_such_procedure"), "{}", end.stderr);
        assert!(Instant::now() < deadline, "the agent does not come");
    }
}

#[test]
fn of_several_routers_the_first_that_is_there_will_do_and_then_the_next() {
    let (_reserved, port) = crate::cli::closed_port();
    let dead = format!("ws://127.0.0.1:{port}/ws");
    let ((one, first), (_two, second)) = (serve("127.0.0.1:0"), serve("127.0.0.1:0"));
    let mut agent = Program::spawn(wampproc(["join", &dead, &first, &second, "--worker", "w1", "--no-retry"]));
    assert_eq!(agent.line(), format!("ready {first} realm1"), "--no-retry gives each of them one chance");
    agent.signal(Signal::SIGTERM);
    assert_eq!(agent.end().code, Some(0));

    let mut agent = Program::spawn(wampproc(["join", &dead, &first, &second, "--worker", "w1"]));
    assert_eq!(agent.line(), format!("ready {first} realm1"));
    one.signal(Signal::SIGKILL);
    wait_for(&second);
    agent.signal(Signal::SIGTERM);
    let end = agent.end();
    assert_eq!((end.code, end.text()), (Some(0), ""), "ready is said once");
    assert!(end.stderr.contains(&format!("; trying {second}")), "{}", end.stderr);
}

#[test]
fn without_retries_the_last_router_that_fails_is_the_end() {
    let ((_one, first), (_two, second)) = (crate::cli::closed_port(), crate::cli::closed_port());
    let [first, second] = [first, second].map(|port| format!("ws://127.0.0.1:{port}/ws"));
    let end = run(["join", &first, &second, "--no-retry"]);
    assert_eq!(end.code, Some(3), "{}", end.stderr);
    assert!(end.stderr.contains(&format!("; trying {second}")), "{}", end.stderr);
}

#[test]
fn a_router_that_comes_back_is_joined_soon_with_the_usual_waits() {
    let (router, url) = serve("127.0.0.1:0");
    let mut agent = Program::spawn(wampproc(["join", &url, "--worker", "w1"]));
    agent.line();
    router.signal(Signal::SIGKILL);
    agent.wait_for_log("connection lost");
    agent.wait_for_log("no connection to");
    drop(router);
    let address = url.strip_prefix("ws://").unwrap().trim_end_matches("/ws");
    let (_again, url) = serve(address);
    let since = Instant::now();
    wait_for(&url);
    // At most 2 s between attempts, and what a busy machine adds.
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
}
