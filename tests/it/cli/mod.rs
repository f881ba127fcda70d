//! The program itself: what it prints where, and how it ends. The routers are one that the test plays by hand, or the
//! program's own.

#[cfg(feature = "auth")]
mod accounts;
mod agents;
mod call;
mod connecting;
mod events;
mod logins;
mod measures;
mod words;
mod wrong_bytes;

use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Stdio;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, socket};
use serde_json::json;

use crate::fake_router::{Client, FakeRouter};
use crate::support::{End, Program, pipe, wampproc};

/// A port that nobody listens on, and nobody else can take, as long as the descriptor is open.
pub fn closed_port() -> (OwnedFd, u16) {
    let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(fd.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    let port = getsockname::<SockaddrIn>(fd.as_raw_fd()).unwrap().port();
    (fd, port)
}

/// The end of a pipe that nobody reads.
fn closed_pipe() -> Stdio {
    let (reader, writer) = pipe();
    drop(reader);
    Stdio::from(writer)
}

/// Starts a client command on a router.
fn start(router: &FakeRouter, arguments: &[&str]) -> Program {
    Program::spawn(wampproc(arguments.iter().copied().chain(["--url", &router.url().to_string()])))
}

/// Answers GOODBYE, and waits until the client is gone.
fn part(client: &mut Client) {
    assert_eq!(client.expect(6)[2], "wamp.close.normal");
    client.send(&json!([6, {}, "wamp.close.goodbye_and_out"]));
    client.expect_end();
}

fn assert_end(end: &End, code: i32, stdout: &str, stderr: &str) {
    assert_eq!((end.code, end.text(), end.stderr.as_str()), (Some(code), stdout, stderr));
}

/// `serve` on a free port, ready, and its URL.
fn serve(arguments: &[&str]) -> (Program, String) {
    let mut program = Program::spawn(wampproc([&["serve", "--listen", "127.0.0.1:0"], arguments].concat()));
    let ready = program.line();
    let mut words = ready.split(' ');
    assert_eq!(words.next(), Some("ready"), "{ready}");
    let url = words.next().unwrap().to_owned();
    let expected = if arguments.contains(&"--realm") { "factory" } else { "realm1" };
    assert_eq!((words.next(), words.next()), (Some(expected), None));
    (program, url)
}
