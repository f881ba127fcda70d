//! A peer in the same process, as the embedded agent is.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;
use wampproc::server::Server;
use wampproc::sync::wait::{Interest, wait};
use wampproc::transport::memory::{self, Memory};
use wampproc::transport::{Incoming, Transport};
use wampproc::wamp::Message;
use wampproc::wamp::codec::json;

use super::client::{Client, PATIENCE, eventually, server};

/// The other end of the memory, driven by the test's thread.
pub struct Inside {
    end: Memory,
}

impl Inside {
    /// A server, and a session with it that has registered `com.example.inside`.
    pub fn join(change: impl FnOnce(&mut wampproc::server::ServerConfig)) -> (Server, Self) {
        let (near, far) = memory::pair().unwrap();
        let server = server(change, vec![far]);
        let mut inside = Self { end: near };
        inside.send(json!([1, "realm1", { "roles": { "callee": {} } }]));
        assert!(matches!(inside.receive(), Some(Message::Welcome { .. })));
        inside.send(json!([64, 1, {}, "com.example.inside"]));
        assert!(matches!(inside.receive(), Some(Message::Registered { .. })));
        (server, inside)
    }

    fn send(&mut self, message: serde_json::Value) {
        self.end.send(json::decode(&message.to_string()).unwrap());
        self.end.flush(Instant::now()).unwrap();
    }

    /// The next message; none after the end.
    fn receive(&mut self) -> Option<Message> {
        loop {
            match self.end.receive(Instant::now()).unwrap() {
                Incoming::Message(message) => return Some(message),
                Incoming::Closed => return None,
                Incoming::Nothing => {
                    self.end.flush(Instant::now()).unwrap();
                    let ready = wait([(self.end.fd(), Interest::READ)], Some(PATIENCE)).unwrap();
                    assert!(ready[0].readable, "nothing came");
                }
                _ => {}
            }
        }
    }

    /// Answers invocations with their arguments until the session ends. How many there were.
    pub fn echo(mut self) -> u64 {
        let mut count = 0;
        while let Some(message) = self.receive() {
            match message {
                Message::Invocation { request, payload, .. } => {
                    count += 1;
                    self.end.send(Message::Yield { request, options: Default::default(), payload });
                }
                Message::Goodbye { .. } => self.send(json!([6, {}, "wamp.close.goodbye_and_out"])),
                _ => {}
            }
        }
        count
    }
}

#[test]
fn calls_beyond_what_its_mailbox_holds_wait_for_it() {
    const CALLS: u64 = 5000;
    let (server, inside) = Inside::join(|_| {});
    let address = server.local_addrs()[0];
    let (begin, begins) = mpsc::channel();
    let callee = std::thread::spawn(move || {
        begins.recv().unwrap();
        inside.echo()
    });
    let mut caller = Client::join(&server);
    for number in 1..=CALLS {
        caller.send(json!([48, number, {}, "com.example.inside", [number]]));
    }
    // It takes none of them yet. The server stops reading calls, but not what has nothing to do with sessions.
    let messages = &server.counters().messages_in;
    eventually("the mailbox is full", || messages.get() > u64::try_from(memory::CAPACITY).unwrap());
    assert!(messages.get() < CALLS, "it went on reading");
    let answer = super::client::http(address, "GET / HTTP/1.1\nHost: localhost\n\n");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    let mut other = Client::join(&server);
    begin.send(()).unwrap();
    for number in 1..=CALLS {
        assert_eq!(caller.receive(), json!([50, number, {}, [number]]));
    }
    other.publish("com.example.topic", json!([]));
    drop(server);
    assert_eq!(callee.join().unwrap(), CALLS);
}

#[test]
fn one_that_never_reads_again_is_closed_and_the_others_go_on() {
    let (server, inside) = Inside::join(|config| config.timeouts.drain = Duration::from_millis(500));
    let (mut caller, mut other) = (Client::join(&server), Client::join(&server));
    for number in 1..=2000 {
        caller.send(json!([48, number, {}, "com.example.inside"]));
    }
    // Held up for as long as that one may take, then the calls are answered.
    other.publish("com.example.topic", json!([]));
    for number in 1..=2000 {
        let error = caller.receive();
        assert_eq!((&error[0], &error[2]), (&json!(8), &json!(number)), "{error}");
    }
    assert_eq!(server.counters().stalled_closed.get(), 1);
    drop(inside);
}
