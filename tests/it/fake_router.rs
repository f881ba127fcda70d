//! A router that a test plays by hand: one WebSocket at a time, every message under the test's control.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::handshake::server::{Request, Response};
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};
use wampproc::transport::url::Url;

/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many URIs an agent registers, under so many prefixes and with so many procedures of its own.
pub fn registrations(prefixes: usize, own: usize) -> usize {
    prefixes * (wampproc::api::Api::default().procedures().len() + own)
}

/// Waits for the connections of clients.
pub struct FakeRouter {
    listener: TcpListener,
}

impl FakeRouter {
    pub fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    pub fn url(&self) -> Url {
        format!("ws://{}/ws", self.listener.local_addr().unwrap()).parse().unwrap()
    }

    /// The next client, after its upgrade.
    pub fn accept(&self) -> Client {
        let (tcp, _) = self.listener.accept().unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_nodelay(true).unwrap();
        #[allow(clippy::result_large_err)]
        let subprotocol = |_: &Request, mut response: Response| {
            response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("wamp.2.json"));
            Ok(response)
        };
        Client { socket: tungstenite::accept_hdr(tcp, subprotocol).unwrap() }
    }

    /// The next client, after it has joined.
    pub fn welcome(&self) -> Client {
        let mut client = self.accept();
        client.expect(1);
        client.send(&json!([2, 4711, {"roles": {"broker": {}, "dealer": {}}}]));
        client
    }

    /// The next client, after it has joined and registered everything.
    pub fn serve(&self) -> (Client, Vec<String>) {
        let mut client = self.welcome();
        let names = client.register(registrations(2, 0));
        (client, names)
    }
}

/// A client's connection, seen from the router.
pub struct Client {
    socket: WebSocket<TcpStream>,
}

impl Client {
    pub fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string());
    }

    pub fn send_text(&mut self, text: &str) {
        match self.socket.send(Message::text(text)) {
            // The client may hang up before it has read everything; what it says is still there.
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset) => {}
            other => other.unwrap(),
        }
    }

    pub fn send_frame(&mut self, frame: Message) {
        self.socket.send(frame).unwrap();
    }

    /// Sends bytes that need not be a frame, and no more after them.
    pub fn send_last_bytes(&mut self, bytes: &[u8]) {
        let tcp = self.socket.get_mut();
        tcp.write_all(bytes).unwrap();
        tcp.shutdown(Shutdown::Write).unwrap();
    }

    /// The code of the client's close frame, when nothing comes before it.
    pub fn close_code(&mut self) -> Option<u16> {
        match self.socket.read() {
            Ok(Message::Close(frame)) => frame.map(|frame| frame.code.into()),
            other => panic!("expected a close frame, got {other:?}"),
        }
    }

    /// The next message; `None` when the client closed the connection.
    pub fn receive(&mut self) -> Option<Value> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::Protocol(_)) => {
                    return None;
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    return None;
                }
                Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => panic!("nothing came: {error}"),
            }
        }
    }

    /// The next message, which must be of this kind.
    pub fn expect(&mut self, kind: u64) -> Value {
        let message = self.receive().unwrap_or_else(|| panic!("expected message {kind}, got the end"));
        assert_eq!(message[0], kind, "{message}");
        message
    }

    /// Answers so many REGISTERs: the registration ids are 1001, 1002 … in the order of the names that come back.
    pub fn register(&mut self, count: usize) -> Vec<String> {
        (0..count)
            .map(|number| {
                let register = self.expect(64);
                self.send(&json!([65, register[1], 1001 + number]));
                register[3].as_str().unwrap().to_owned()
            })
            .collect()
    }

    /// Sends without reading until the client has taken nothing for half a second. How many messages that were, the last
    /// of them still half on its way.
    pub fn send_until_full(&mut self, messages: impl Iterator<Item = Value>) -> u64 {
        self.socket.get_ref().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        for (number, message) in (1..).zip(messages) {
            match self.socket.send(Message::text(message.to_string())) {
                Ok(()) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => return number,
                Err(error) => panic!("{error}"),
            }
        }
        0
    }

    /// Sends the rest of what [`Client::send_until_full`] began.
    pub fn finish_sending(&mut self) {
        self.socket.get_ref().set_write_timeout(None).unwrap();
        self.socket.flush().unwrap();
    }

    /// Waits until the client is gone.
    pub fn expect_end(&mut self) {
        assert_eq!(self.receive(), None);
    }
}
