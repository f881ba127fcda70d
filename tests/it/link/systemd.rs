//! What systemd is told by an agent without a child (sd_notify(3)).

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::serve;
use crate::support::{PATIENCE, Program, wampproc};

/// What plays systemd.
struct Systemd {
    directory: PathBuf,
    socket: UnixDatagram,
}

impl Systemd {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("wampproc-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let socket = UnixDatagram::bind(directory.join("socket")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { directory, socket }
    }

    fn start(&self, arguments: &[&str]) -> Program {
        let mut command = wampproc(arguments);
        command.env("NOTIFY_SOCKET", self.directory.join("socket"));
        Program::spawn(command)
    }

    fn hear(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn join_tells_when_it_is_ready_when_it_reconnects_and_when_it_stops() {
    let systemd = Systemd::new("join");
    let (router, url) = serve("127.0.0.1:0");
    let program = systemd.start(&["join", &url, "--worker", "w1"]);
    let heard = systemd.hear();
    assert!(heard.starts_with(&format!("READY=1\nSTATUS=joined {url} as session ")), "{heard}");
    router.signal(Signal::SIGKILL);
    let heard = systemd.hear();
    assert!(heard.starts_with("STATUS=reconnecting in ") && heard.contains(" s: connection lost: "), "{heard}");
    program.signal(Signal::SIGTERM);
    let mut heard = systemd.hear();
    while heard.starts_with("STATUS=reconnecting in ") {
        heard = systemd.hear();
    }
    assert_eq!(heard, "STOPPING=1\nSTATUS=leaving\n");
    assert_eq!(program.end().code, Some(0));
}

#[test]
fn serve_tells_when_it_is_ready_and_when_it_stops() {
    let systemd = Systemd::new("serve");
    let mut program = systemd.start(&["serve", "--listen", "127.0.0.1:0"]);
    program.line();
    let heard = systemd.hear();
    assert!(heard.starts_with("READY=1\nSTATUS=serving, as session "), "{heard}");
    program.signal(Signal::SIGINT);
    assert_eq!(systemd.hear(), "STOPPING=1\nSTATUS=leaving\n");
    assert_eq!(program.end().code, Some(0));
}

/// systemd kills what is not READY in time, so the README has `TimeoutStartSec=infinity` for this.
#[test]
fn join_is_not_ready_before_there_is_a_router() {
    let systemd = Systemd::new("away");
    let path = systemd.directory.join("bus").display().to_string();
    let url = format!("unix://{path}");
    let program = systemd.start(&["join", &url, "--worker", "w1", "--reconnect-absent", "20ms"]);
    for _ in 0..3 {
        let heard = systemd.hear();
        assert!(heard.starts_with("STATUS=reconnecting in ") && heard.lines().count() == 1, "{heard}");
    }
    let (_router, _) = serve(&format!("unix:{path}"));
    let mut heard = systemd.hear();
    while heard.starts_with("STATUS=reconnecting in ") {
        heard = systemd.hear();
    }
    assert!(heard.starts_with("READY=1\n"), "{heard}");
    drop(program);
}

#[test]
fn an_address_that_is_none_is_told() {
    let mut command = wampproc(["serve", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", "x".repeat(300));
    let end = Program::spawn(command).end();
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.starts_with("wampproc: cannot notify systemd: "), "{}", end.stderr);
}
