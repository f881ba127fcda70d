//! `serve` as a program of its own, so that what it takes can be measured.

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use serde_json::json;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

use super::client::connect;
use crate::support::{Program, run, wampproc};

/// Without pings: nobody here answers any.
const WORDS: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--ping-interval", "0"];

pub struct Serve {
    program: Program,
    pub url: String,
    pub address: SocketAddr,
}

impl Serve {
    /// Ready.
    pub fn start() -> Self {
        Self::run(wampproc(WORDS))
    }

    /// As by [`Serve::start`], with no more descriptors than that.
    pub fn start_with_descriptors(limit: u64) -> Self {
        let program = wampproc(WORDS);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {limit}; exec \"$@\""), "sh"]).arg(program.get_program());
        shell.args(program.get_args()).stdin(Stdio::null());
        Self::run(shell)
    }

    fn run(command: Command) -> Self {
        let mut program = Program::spawn(command);
        let url = program.line().split(' ').nth(1).unwrap().to_owned();
        let address = url.strip_prefix("ws://").unwrap().trim_end_matches("/ws").parse().unwrap();
        Self { program, url, address }
    }

    /// A client with a session.
    pub fn client(&self) -> WebSocket<TcpStream> {
        let mut request = self.url.as_str().into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("wamp.2.json"));
        let (mut socket, _) = tungstenite::client(request, connect(self.address)).unwrap();
        let hello = json!([1, "realm1", {"roles": {"caller": {}, "subscriber": {}}}]);
        socket.send(Message::text(hello.to_string())).unwrap();
        assert!(socket.read().unwrap().to_text().unwrap().starts_with("[2,"));
        socket
    }

    /// That somebody else is served.
    pub fn answers(&self) {
        let end = run(["call", "crossbar.worker.wampproc.uptime", "--url", &self.url, "--timeout", "10s"]);
        assert_eq!(end.code, Some(0), "{}", end.stderr);
    }

    /// A number of /proc/PID/status, like `VmRSS` (kB).
    pub fn status(&self, key: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
        value.trim().trim_end_matches(" kB").parse().unwrap()
    }
}
