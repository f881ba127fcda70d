//! Who comes by the Unix socket, and whom the kernel says that it is.

use std::os::unix::fs::MetadataExt;

use serde_json::json;

use super::{Home, assert_refused, call, session_of, value};
use crate::support::{Program, run, wampproc};

#[test]
fn a_process_of_a_user_or_group_logs_in_without_a_secret() {
    let directory = Home::new();
    let us = std::fs::metadata(directory.path(".")).unwrap();
    let (user, group) = (us.uid(), us.gid());
    let name = nix::unistd::User::from_uid(user.into()).unwrap().map_or(json!(user), |user| json!(user.name));
    directory.write(&json!({
        "root": {"role": "admin", "local": [{"user": name}]},
        "pump": {"role": "agent", "local": [{"user": user + 1}, {"group": group}]},
        "other": {"role": "admin", "local": [{"user": user + 1}, {"user": user, "group": group + 1}]},
    }));
    let (mut router, tcp) = directory.serve(&["--log-level", "debug"]);
    let unix = directory.url();

    // By the socket one is who the kernel says, by the port nobody.
    assert_eq!(value(&call(&unix, &["wamp.session.count"])), 2);
    let words = "expected one of ticket, wampcra, scram, cryptosign among authmethods, got [\\\"anonymous\\\"]";
    assert_refused(&call(&tcp, &["wamp.session.count"]), &words.replace('\\', ""));
    let asked = ["--auth", "anonymous", "--authid", "root"];
    assert_refused(&call(&tcp, &[&["wamp.session.count"], &asked[..]].concat()), "wamp.error.no_auth_method");

    // Of several users the one that it asks for; none that is not its own.
    let words = ["join", &unix, "--auth", "anonymous", "--authid", "pump", "--node", "board", "--worker", "pump"];
    let mut agent = Program::spawn(wampproc(words));
    assert_eq!(agent.line(), format!("ready {unix} realm1"));
    let known = session_of("agent", &unix, &[]);
    let told = ["authid", "authrole", "authmethod", "authprovider"].map(|key| known[key].as_str().unwrap());
    assert_eq!(told, ["pump", "agent", "anonymous", "local"], "{known}");
    assert!(value(&call(&unix, &["crossbar.worker.pump.uptime"])).is_number());
    let end = call(&unix, &["wamp.session.count", "--auth", "anonymous", "--authid", "pump"]);
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("wamp.error.not_authorized"), "{}", end.stderr);
    let end = call(&unix, &["wamp.session.count", "--auth", "anonymous", "--authid", "other"]);
    assert_refused(&end, "wamp.error.no_auth_method");

    router.wait_for_log(&format!("of user {user}: refused with wamp.error.no_auth_method"));
}

#[test]
fn rules_that_nobody_can_come_by_are_warned_of() {
    let directory = Home::new();
    let users = directory.write(&json!({
        "ann": {"role": "admin", "local": [{"user": 0}]},
        "bob": {"role": "admin", "tls": [{"name": "board-7.example"}]},
    }));
    let mut router = Program::spawn(wampproc(["serve", "--listen", "127.0.0.1:0", "--users", &users]));
    router.line();
    let log = router.wait_for_log("users.ann.local: expected --listen unix:/PATH with it");
    assert!(log.contains("WARN"), "{log}");
    let log = router.wait_for_log("users.bob.tls: expected --tls-client-ca with it");
    assert!(log.contains("WARN"), "{log}");

    directory.write(&json!({"ann": {"role": "admin", "local": [{"user": "no such user"}]}}));
    let end = run(["serve", "--listen", "127.0.0.1:0", "--users", &users]);
    assert_eq!(end.code, Some(2));
    let sentence = "users.ann.local[0]: user: expected a user of this machine, got \"no such user\"";
    assert!(end.stderr.contains(sentence), "{}", end.stderr);
}

#[test]
fn other_entries_leave_rules_as_they_are() {
    let directory = Home::new();
    let rules = json!({"role": "agent", "local": [{"user": "root", "group": 0}], "tls": [{"name": "a.example"}]});
    let users = directory.write(&json!({ "pump": rules }));
    let end = run(["keygen", &directory.path("key"), "--users", &users, "--authid", "pump"]);
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let text = std::fs::read_to_string(&users).unwrap();
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    let pump = &written["users"]["pump"];
    assert_eq!((&pump["local"], &pump["tls"]), (&rules["local"], &rules["tls"]));
    assert_eq!(pump["cryptosign"], json!([end.text().trim()]));
}
