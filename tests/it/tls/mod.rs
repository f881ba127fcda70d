//! TLS from outside: the program on both sides, with the certificates in `certificates/` (`make.sh` there makes them), and
//! peers that mean no good.

mod clients;
mod hostile;
mod reload;

use std::path::PathBuf;

use crate::support::{End, Program, run, wampproc};

/// The path of a certificate or key of the tests.
fn file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls/certificates").join(name);
    path.to_str().unwrap().to_owned()
}

/// `serve` with this certificate, ready, and its host and port.
fn serve(certificate: &str, more: &[&str]) -> (Program, String) {
    let (chain, key) = (file(&format!("{certificate}.pem")), file(&format!("{certificate}.key")));
    serve_with(&[&["--listen", "127.0.0.1:0", "--tls-cert", &chain, "--tls-key", &key], more].concat())
}

fn serve_with(flags: &[&str]) -> (Program, String) {
    let mut program = Program::spawn(wampproc([&["serve"], flags].concat()));
    let ready = program.line();
    let authority = ready.strip_prefix("ready wss://").and_then(|rest| rest.strip_suffix("/ws realm1"));
    let authority = authority.unwrap_or_else(|| panic!("{ready}")).to_owned();
    (program, authority)
}

/// Calls something that every router has.
fn call(url: &str, flags: &[&str]) -> End {
    run([&["call", "--url", url, "wamp.session.count"], flags].concat())
}

/// Whether a call was answered.
#[track_caller]
fn assert_answered(end: &End) {
    assert_eq!((end.code, end.text()), (Some(0), "2\n"), "{}", end.stderr);
}

/// Whether it could not connect, and said so with these words.
#[track_caller]
fn assert_unreachable(end: &End, words: &str) {
    assert_eq!((end.code, end.text()), (Some(3), ""), "{}", end.stderr);
    // Before it there may be a warning: whoever checks the repository out makes keys that others can read.
    let said = end.stderr.lines().find_map(|line| line.strip_prefix("wampproc: cannot connect: "));
    assert!(said.is_some_and(|said| said.contains(words)), "{}", end.stderr);
}
