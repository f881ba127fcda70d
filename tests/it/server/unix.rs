//! The router on a Unix socket beside a TCP port: clients by `unix://`, a WebSocket and plain HTTP on the same socket, what is
//! at the path before and after.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use nix::sys::signal::Signal;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;

use crate::support::{PATIENCE, Program, run, wampproc};

/// A path in the directory for temporary files, free at the end.
struct Path(PathBuf);

impl Path {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("wampproc-it-{name}-{}", std::process::id())))
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn clients_come_by_a_unix_socket_and_by_a_port() {
    let path = Path::new("both");
    let unix = format!("unix://{}", path.0.display());
    let listen = format!("unix:{}", path.0.display());
    // One that a process of ours left behind.
    drop(UnixListener::bind(&path.0).unwrap());
    let words = ["serve", "--listen", &listen, "--listen", "127.0.0.1:0", "--socket-mode", "0660"];
    let mut program = Program::spawn(wampproc([&words[..], &["--log-level", "debug"]].concat()));
    let ready = program.line();
    let tcp = ready.split(' ').nth(1).unwrap();
    assert!(tcp.starts_with("ws://127.0.0.1:"), "{ready}");
    assert_eq!(fs::metadata(&path.0).unwrap().permissions().mode() & 0o777, 0o660);
    for url in [tcp, &unix] {
        let end = run(["call", "--url", url, "wamp.session.count"]);
        assert_eq!((end.code, end.text().trim()), (Some(0), "2"), "{url}: {}", end.stderr);
    }
    let caller = UnixStream::connect(&path.0).unwrap();
    let us = format!("process {} of user {}: connected", std::process::id(), nix::unistd::geteuid());
    program.wait_for_log(&us);
    let mut request = "ws://localhost/ws".into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("wamp.2.json"));
    caller.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut socket, _) = tungstenite::client::client(request, caller).unwrap();
    socket.send(r#"[1,"nowhere",{"roles":{"caller":{}}}]"#.into()).unwrap();
    assert!(socket.read().unwrap().to_text().unwrap().contains("wamp.error.no_such_realm"));
    let mut caller = UnixStream::connect(&path.0).unwrap();
    caller.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    caller.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(0));
    assert!(!path.0.exists(), "the socket goes with the program");
    let end = run(["call", "--url", &unix, "wamp.session.count"]);
    assert_eq!(end.code, Some(3));
    assert!(end.stderr.contains(&format!("no connection to {}: ", path.0.display())), "{}", end.stderr);
}

#[test]
fn an_agent_joins_by_a_unix_socket_alone() {
    let path = Path::new("alone");
    let unix = format!("unix://{}", path.0.display());
    let mut router = Program::spawn(wampproc(["serve", "--listen", &unix]));
    assert_eq!(router.line(), format!("ready {unix} realm1"));
    assert_eq!(fs::metadata(&path.0).unwrap().permissions().mode() & 0o777, 0o600);
    let mut agent = Program::spawn(wampproc(["join", &unix, "--worker", "pump"]));
    assert_eq!(agent.line(), format!("ready {unix} realm1"));
    let end = run(["call", "--url", &unix, "crossbar.worker.pump.get_process_info"]);
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    // Nobody takes it away from who listens, nor removes what is no socket.
    for (what, why) in
        [("it is listened at", "another process listens there"), ("it is a file", "there is something at that path")]
    {
        let end = run(["serve", "--listen", &unix]);
        let told = format!("cannot listen at {}: {why}", path.0.display());
        assert!(end.stderr.contains(&told), "{what}: {}", end.stderr);
        assert_ne!(end.code, Some(0));
        assert!(path.0.exists(), "{what}");
        if what == "it is listened at" {
            agent.signal(Signal::SIGKILL);
            router.signal(Signal::SIGKILL);
            assert!(router.ends_within(PATIENCE));
            fs::remove_file(&path.0).unwrap();
            fs::write(&path.0, "precious").unwrap();
        }
    }
    assert_eq!(fs::read(&path.0).unwrap(), b"precious");
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let path = Path::new("nowhere");
    let end = run(["serve", "--listen", &format!("unix:{}/bus", path.0.display())]);
    let expected = format!("expected a directory {}, got none", path.0.display());
    assert!(end.code == Some(1) && end.stderr.contains(&expected), "{}", end.stderr);
}

#[test]
fn what_the_flags_take() {
    for (words, expected) in [
        (&["--listen", "unix:x"][..], "expected unix:/PATH"),
        (&["--socket-mode", "9"], "expected a mode like 0660"),
        (&["--listen", "unix:/x", "--socket-owner", "no such user"], "expected a user of this machine"),
    ] {
        let end = run([&["serve"], words].concat());
        assert_eq!(end.code, Some(2));
        assert!(end.stderr.contains(expected), "{}", end.stderr);
    }
}
