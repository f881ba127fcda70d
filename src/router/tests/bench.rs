//! A router on the bench: peers that say what a JSON text says, and what each of them then got, as JSON.

use std::collections::hash_map::RandomState;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::router::{Limits, Locality, Outbox, Output, PeerId, Router, RouterConfig};
use crate::sync::clock::{Now, Timestamp};
use crate::wamp::Uri;
use crate::wamp::codec::json;
use crate::wamp::id::RandomIds;

/// HELLO of a client with every feature.
pub const HELLO: &str = r#"[1,"realm1",{"roles":{"publisher":{},"subscriber":{},"caller":{},
    "callee":{"features":{"call_canceling":true,"progressive_call_results":true,"registration_revocation":true}}}}]"#;

pub struct Bench {
    pub router: Router,
    pub out: Outbox,
    now: Now,
    last_peer: u64,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with_limits(limits: Limits) -> Self {
        Self::with(|config| config.limits = limits)
    }

    pub fn with(change: impl FnOnce(&mut RouterConfig)) -> Self {
        let mut config = RouterConfig::new(vec![Uri::from("realm1"), Uri::from("realm2")], "bench/1");
        change(&mut config);
        Self {
            router: Router::new(config, RandomIds::new(RandomState::new())),
            out: Outbox::new(),
            now: Now { mono: Instant::now(), wall: Timestamp::from_ns(1_795_334_845_801_000_000) },
            last_peer: 0,
        }
    }

    pub fn now(&self) -> Now {
        self.now
    }

    /// Lets time pass, as the driver would: with a call of `expire` at each deadline on the way.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while let Some(deadline) = self.router.next_deadline().filter(|deadline| *deadline <= end) {
            self.now.mono = deadline;
            self.router.expire(self.now, &mut self.out);
        }
        self.now.mono = end;
    }

    pub fn open(&mut self) -> PeerId {
        self.open_at(Locality::Remote)
    }

    pub fn open_at(&mut self, locality: Locality) -> PeerId {
        self.last_peer += 1;
        let peer = PeerId(self.last_peer);
        self.router.open(peer, locality, self.now);
        peer
    }

    /// A peer with a session: its number there.
    pub fn join(&mut self) -> (PeerId, u64) {
        self.join_with(HELLO)
    }

    pub fn join_with(&mut self, hello: &str) -> (PeerId, u64) {
        let peer = self.open();
        self.welcomed(peer, hello)
    }

    /// A peer in the router's own process.
    pub fn join_embedded(&mut self) -> (PeerId, u64) {
        let peer = self.open_at(Locality::Embedded);
        self.welcomed(peer, HELLO)
    }

    fn welcomed(&mut self, peer: PeerId, hello: &str) -> (PeerId, u64) {
        self.say(peer, hello);
        let welcome = self.got(peer);
        assert_eq!(welcome[0][0], 2, "{welcome:?}");
        (peer, welcome[0][1].as_u64().unwrap())
    }

    /// A message of a peer.
    pub fn say(&mut self, peer: PeerId, text: &str) {
        let message = json::decode(text).unwrap();
        self.router.receive(peer, message, self.now, &mut self.out);
    }

    /// A message of a peer, and what it alone gets at once.
    pub fn ask(&mut self, peer: PeerId, text: &str) -> Vec<Value> {
        self.say(peer, text);
        self.got(peer)
    }

    pub fn lose(&mut self, peer: PeerId) {
        self.router.lost(peer, self.now, &mut self.out);
    }

    /// Subscribes, and gives the subscription.
    pub fn subscribe(&mut self, peer: PeerId, matching: &str, topic: &str) -> u64 {
        let answer = self.ask(peer, &json!([32, 1, { "match": matching }, topic]).to_string());
        assert_eq!(answer[0][0], 33, "{answer:?}");
        answer[0][2].as_u64().unwrap()
    }

    /// Registers, and gives the registration.
    pub fn register(&mut self, peer: PeerId, matching: &str, procedure: &str) -> u64 {
        let answer = self.ask(peer, &json!([64, 1, { "match": matching }, procedure]).to_string());
        assert_eq!(answer[0][0], 65, "{answer:?}");
        answer[0][2].as_u64().unwrap()
    }

    /// Calls a procedure of the router's own; everything that its caller then got.
    pub fn meta(&mut self, peer: PeerId, procedure: &str, args: &Value, kwargs: &Value) -> Vec<Value> {
        self.ask(peer, &json!([48, 1, {}, procedure, args, kwargs]).to_string())
    }

    /// Takes what was sent to a peer since it was last asked for. `"close"` stands for the end of its connection.
    pub fn got(&mut self, peer: PeerId) -> Vec<Value> {
        let mut got = Vec::new();
        let mut rest = Outbox::new();
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Send { to, message } if to == peer => got.push(value(&message)),
                Output::Fanout { mut to, message } if to.contains(&peer) => {
                    got.push(value(&message));
                    to.retain(|other| *other != peer);
                    if !to.is_empty() {
                        rest.push_back(Output::Fanout { to, message });
                    }
                }
                Output::Close { peer: closed } if closed == peer => got.push(json!("close")),
                other => rest.push_back(other),
            }
        }
        self.out = rest;
        got
    }

    /// Asserts that nobody got anything more.
    #[track_caller]
    pub fn nothing_more(&self) {
        assert!(self.out.is_empty(), "{:?}", self.out);
    }
}

pub fn value(message: &crate::wamp::Message) -> Value {
    serde_json::from_str(&json::encode(message)).unwrap()
}

/// The error URI of an ERROR to a request of that kind, or of an ABORT.
#[track_caller]
pub fn error_of(messages: &[Value]) -> &str {
    match messages[0][0].as_u64() {
        Some(8) => messages[0][4].as_str().unwrap(),
        Some(3) => messages[0][2].as_str().unwrap(),
        _ => panic!("no error: {messages:?}"),
    }
}
