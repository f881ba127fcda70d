//! SIGHUP: other users, the same program; also with a child, which does not get the signal then.

use std::os::unix::fs::MetadataExt;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{Home, assert_refused, call, value};
use crate::support::{Program, wampproc};

/// Of this process: by its user, and by its group for who asks for it.
fn rules(directory: &Home) -> (Value, Value) {
    let us = std::fs::metadata(directory.path(".")).unwrap();
    (json!({"role": "admin", "local": [{"user": us.uid()}]}), json!({"role": "admin", "local": [{"group": us.gid()}]}))
}

fn subscriber(url: &str, authid: &str) -> Program {
    let words = ["subscribe", "--url", url, "--auth", "anonymous", "--authid", authid, "--count", "1", "a.b"];
    let mut program = Program::spawn(wampproc([&words[..], &["--log-level", "debug"]].concat()));
    program.wait_for_log("subscribed");
    program
}

#[test]
fn sighup_has_users_read_again_and_ends_the_sessions_of_those_who_are_gone() {
    let directory = Home::new();
    let (own, group) = rules(&directory);
    directory.write(&json!({ "own": own, "group": group }));
    let (mut router, _) = directory.serve(&[]);
    let url = directory.url();
    let (stays, goes) = (subscriber(&url, "own"), subscriber(&url, "group"));

    directory.write(&json!({ "own": own, "other": group }));
    router.signal(Signal::SIGHUP);
    router.wait_for_log("the users were read again");
    let end = goes.end();
    assert_eq!((end.code, end.text()), (Some(6), ""), "{}", end.stderr);
    assert!(end.stderr.contains("wamp.close.killed: the users were read again, and this session's"), "{}", end.stderr);
    let ask = |authid: &str| call(&url, &["wamp.session.count", "--auth", "anonymous", "--authid", authid]);
    assert_refused(&ask("group"), "wamp.error.no_auth_method");
    assert_eq!(value(&ask("other")), 3, "the agent, who stays, and who asks");

    // Nothing changes by a file that cannot be used.
    for (text, told) in [
        ("{\"users\": {", "expected JSON, got but the beginning of some"),
        ("{\"users\": {\"own\": {\"role\": \"boss\"}}}", "users.own.role: expected one of the roles"),
    ] {
        directory.write_text(text);
        router.signal(Signal::SIGHUP);
        let log = router.wait_for_log("the users stay as they were");
        assert!(log.contains("ERROR") && log.contains(told), "{log}");
        assert_eq!(value(&ask("other")), 3);
    }
    let end = crate::support::run(["publish", "--url", &url, "--ack", "a.b", "1"]);
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let end = stays.end();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    router.signal(Signal::SIGTERM);
    assert_eq!(router.end().code, Some(0));
}

#[test]
fn with_a_child_sighup_is_for_the_files_and_does_not_reach_it() {
    let directory = Home::new();
    let (own, group) = rules(&directory);
    let users = directory.write(&json!({ "own": own }));
    let (url, listen) = (directory.url(), format!("unix:{}", directory.path("bus")));
    // As most programs are, it would be ended by it.
    let script = "trap 'echo usr1' USR1; echo up; while :; do sleep 100 & wait; done";
    let words = ["serve", "--listen", &listen, "--users", &users, "--stop-timeout", "1s", "--", "sh", "-c", script];
    let mut router = Program::spawn(wampproc(words));
    assert_eq!(router.line(), "up");
    let ask = || call(&url, &["wamp.session.count", "--auth", "anonymous", "--authid", "group"]);
    assert_refused(&ask(), "wamp.error.no_auth_method");
    for is_there in [true, false] {
        directory.write(&if is_there { json!({ "own": own, "group": group }) } else { json!({ "own": own }) });
        router.signal(Signal::SIGHUP);
        router.wait_for_log("the users were read again");
        assert_eq!(ask().code, Some(if is_there { 0 } else { 4 }));
    }
    // What comes after it still reaches it, and over the bus it does too.
    router.signal(Signal::SIGUSR1);
    assert_eq!(router.line(), "usr1");
    assert_eq!(value(&call(&url, &["crossbar.worker.sh.signal_process", "HUP"])), Value::Null);
    assert_eq!(router.end().code, Some(129));
}
