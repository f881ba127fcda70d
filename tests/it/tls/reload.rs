//! SIGHUP: other certificates, the same program, the same sessions.

use std::fs;

use nix::sys::signal::Signal;

use super::{assert_answered, assert_unreachable, call, file, serve_with};
use crate::directory::Directory;
use crate::support::{Program, wampproc};

/// Makes a certificate and its key those that the router is told of.
fn put(directory: &Directory, certificate: &str) {
    for end in ["pem", "key"] {
        fs::copy(file(&format!("{certificate}.{end}")), directory.path(end)).unwrap();
    }
}

#[test]
fn sighup_has_certificates_read_again_and_ends_nothing() {
    let directory = Directory::new();
    put(&directory, "server");
    let (chain, key) = (directory.word("pem"), directory.word("key"));
    let (mut router, authority) = serve_with(&["--listen", "127.0.0.1:0", "--tls-cert", &chain, "--tls-key", &key]);
    let url = format!("wss://{authority}/ws");
    let (old, new) = (file("authority.pem"), file("stranger.pem"));
    let flags = ["join", &url, "--ca", &old, "--no-retry", "--node", "board", "--worker", "pump"];
    let mut agent = Program::spawn(wampproc(flags));
    assert_eq!(agent.line(), format!("ready {url} realm1"));

    put(&directory, "foreign");
    router.signal(Signal::SIGHUP);
    router.wait_for_log("the certificates were read again");
    assert_unreachable(&call(&url, &["--ca", &old]), "by an authority that is trusted here");
    let end = call(&url, &["--ca", &new]);
    assert_eq!((end.code, end.text()), (Some(0), "3\n"), "the agent is still there: {}", end.stderr);

    fs::write(&chain, "no certificate").unwrap();
    router.signal(Signal::SIGHUP);
    let logged = router.wait_for_log("the certificates stay as they were");
    assert!(logged.contains("ERROR") && logged.contains("--tls-cert: expected a certificate in PEM"), "{logged}");
    assert_eq!(call(&url, &["--ca", &new]).text(), "3\n");

    agent.signal(Signal::SIGTERM);
    assert_eq!(agent.end().code, Some(0));
    assert_answered(&call(&url, &["--ca", &new]));
    router.signal(Signal::SIGTERM);
    assert_eq!(router.end().code, Some(0));
}

#[test]
fn with_a_child_too_which_does_not_hear_of_it() {
    let directory = Directory::new();
    put(&directory, "server");
    let (chain, key) = (directory.word("pem"), directory.word("key"));
    let words = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", &chain, "--tls-key", &key, "--", "sleep", "1000"];
    let mut router = Program::spawn(wampproc(words));
    let ready = router.wait_for_log("ready wss://");
    let url = ready.split(' ').nth(1).unwrap();
    assert_answered(&call(url, &["--ca", &file("authority.pem")]));
    put(&directory, "foreign");
    router.signal(Signal::SIGHUP);
    router.wait_for_log("the certificates were read again");
    assert_answered(&call(url, &["--ca", &file("stranger.pem")]));
    router.signal(Signal::SIGTERM);
    assert_eq!(router.end().code, Some(143));
}
