//! A client that writes what a test says and reads what comes, each with a deadline; and servers to talk to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, SockaddrIn, bind};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};
use wampproc::server::{Server, ServerConfig};
use wampproc::transport::memory::Memory;

/// Longer than anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a free port, as the test wants it.
pub fn server(change: impl FnOnce(&mut ServerConfig), inside: Vec<Memory>) -> Server {
    let mut config = ServerConfig::new(([127, 0, 0, 1], 0).into());
    change(&mut config);
    Server::start(config, inside).unwrap()
}

/// A server as it is by default.
pub fn plain_server() -> Server {
    server(|_| {}, Vec::new())
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// As [`connect`], from an address of its own.
pub fn connect_from(own: [u8; 4], there: SocketAddr) -> TcpStream {
    let SocketAddr::V4(there) = there else { panic!("listens at an address of IPv4") };
    let fd = socket::socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(fd.as_raw_fd(), &SockaddrIn::new(own[0], own[1], own[2], own[3], 0)).unwrap();
    socket::connect(fd.as_raw_fd(), &SockaddrIn::from(there)).unwrap();
    let stream = TcpStream::from(fd);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What comes back for these bytes until the server closes.
pub fn http(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(request.replace('\n', "\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Asks again until it is so.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::yield_now();
    }
}

/// A WebSocket that speaks WAMP.
pub struct Client {
    pub socket: WebSocket<TcpStream>,
    request: u64,
}

impl Client {
    /// Connects, without a HELLO.
    pub fn connect(server: &Server) -> Self {
        let mut request = server.url().into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("wamp.2.json"));
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let stream = connect(server.local_addrs()[0]);
        let (socket, _) = tungstenite::client::client_with_config(request, stream, Some(config)).unwrap();
        Self { socket, request: 0 }
    }

    /// Connects and joins, with every role and feature that matters here.
    pub fn join(server: &Server) -> Self {
        let mut client = Self::connect(server);
        client.hello();
        let welcome = client.receive();
        assert_eq!(welcome[0], 2, "{welcome}");
        client
    }

    pub fn hello(&mut self) {
        let features = json!({ "progressive_call_results": true, "call_canceling": true });
        let roles = json!({ "caller": {}, "publisher": {}, "subscriber": {}, "callee": { "features": features } });
        self.send(json!([1, "realm1", { "roles": roles }]));
    }

    pub fn send(&mut self, message: Value) {
        self.send_text(message.to_string());
    }

    pub fn send_text(&mut self, text: String) {
        self.socket.send(Message::text(text)).unwrap();
    }

    /// The next message.
    pub fn receive(&mut self) -> Value {
        match self.socket.read().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => self.receive(),
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// Makes a request, `[kind, request, …rest]`, and returns the answer.
    pub fn request(&mut self, kind: u64, rest: Value) -> Value {
        let request = self.begin(kind, rest);
        let answer = self.receive();
        let place = if answer[0] == 8 { 2 } else { 1 };
        assert_eq!(answer[place], request, "{answer}");
        answer
    }

    /// Makes a request without waiting for the answer.
    pub fn begin(&mut self, kind: u64, rest: Value) -> u64 {
        self.request += 1;
        let mut message = vec![json!(kind), json!(self.request)];
        message.extend(rest.as_array().unwrap().iter().cloned());
        self.send(Value::Array(message));
        self.request
    }

    pub fn subscribe(&mut self, topic: &str) -> u64 {
        let answer = self.request(32, json!([{}, topic]));
        assert_eq!(answer[0], 33, "{answer}");
        answer[2].as_u64().unwrap()
    }

    pub fn register(&mut self, procedure: &str) -> u64 {
        let answer = self.request(64, json!([{}, procedure]));
        assert_eq!(answer[0], 65, "{answer}");
        answer[2].as_u64().unwrap()
    }

    /// Publishes, and waits until the router has.
    pub fn publish(&mut self, topic: &str, args: Value) {
        let answer = self.request(16, json!([{ "acknowledge": true }, topic, args]));
        assert_eq!(answer[0], 17, "{answer}");
    }

    /// Reads on until the server has closed: what came before, and whether the closing was in good order.
    pub fn until_closed(&mut self) -> (Vec<Value>, bool) {
        let mut messages = Vec::new();
        let mut orderly = false;
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => messages.push(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) => orderly = true,
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("the server does not close")
                }
                Err(_) => return (messages, orderly),
            }
        }
    }
}
