//! Many peers that do anything at any time, and what must hold whatever they do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, HELLO, value};
use crate::router::{Output, PeerId};

/// xorshift64*: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    fn pick<T: Clone>(&mut self, from: impl IntoIterator<Item = T>) -> Option<T> {
        let from: Vec<T> = from.into_iter().collect();
        if from.is_empty() { None } else { from.get(self.roll(from.len() as u64) as usize).cloned() }
    }
}

/// What a peer knows of itself.
#[derive(Default)]
struct Client {
    last_request: u64,
    last_invocation: u64,
    /// Calls without a final answer.
    calls: BTreeSet<u64>,
    /// Every invocation it ever got; some are answered, some taken back.
    invocations: BTreeSet<u64>,
    registrations: BTreeSet<u64>,
    subscriptions: BTreeSet<u64>,
}

struct World {
    bench: Bench,
    dice: Dice,
    clients: BTreeMap<PeerId, Client>,
    answered: u64,
}

impl World {
    fn say(&mut self, peer: PeerId, message: &Value) {
        self.bench.say(peer, &message.to_string());
    }

    fn request(&mut self, peer: PeerId) -> u64 {
        let client = self.clients.get_mut(&peer).unwrap();
        client.last_request += 1;
        client.last_request
    }

    /// Takes what the router sent, and holds it against what its receiver knows.
    fn settle(&mut self) {
        while let Some(output) = self.bench.out.pop_front() {
            match output {
                Output::Close { peer } => drop(self.clients.remove(&peer)),
                Output::Fanout { to, message } => {
                    assert!(!to.is_empty());
                    assert_eq!(to.iter().collect::<BTreeSet<_>>().len(), to.len());
                    let subscription = value(&message)[1].as_u64().unwrap();
                    for peer in to {
                        assert!(self.clients[&peer].subscriptions.contains(&subscription));
                    }
                }
                Output::Send { to, message } => {
                    let text = value(&message);
                    // One invocation in eight, and as many results, find a full queue.
                    if matches!(text[0].as_u64(), Some(50 | 68)) && self.dice.roll(8) == 0 {
                        let progress = text[0] == 68 || text[2]["progress"] == true;
                        if progress {
                            if text[0] == 68 {
                                self.note_invocation(to, &text);
                            }
                            self.bench.router.not_delivered(to, &message, self.bench.now(), &mut self.bench.out);
                            continue;
                        }
                    }
                    self.note(to, &text);
                }
            }
        }
    }

    fn note_invocation(&mut self, peer: PeerId, text: &Value) {
        let client = self.clients.get_mut(&peer).unwrap();
        client.last_invocation += 1;
        assert_eq!(text[1], client.last_invocation);
        client.invocations.insert(client.last_invocation);
    }

    fn note(&mut self, peer: PeerId, text: &Value) {
        // GOODBYE's answer may follow a Close of ours only in the log, never here: whoever is sent something is there.
        let client = self.clients.get_mut(&peer).unwrap_or_else(|| panic!("{peer:?} is gone, got {text}"));
        match (text[0].as_u64().unwrap(), text[1].as_u64()) {
            (50, Some(request)) if text[2]["progress"] == true => assert!(client.calls.contains(&request)),
            (50, Some(request)) => {
                assert!(client.calls.remove(&request), "a second answer: {text}");
                self.answered += 1;
            }
            (8, Some(48)) => {
                assert!(client.calls.remove(&text[2].as_u64().unwrap()), "a second answer: {text}");
                self.answered += 1;
            }
            (33, _) => drop(client.subscriptions.insert(text[2].as_u64().unwrap())),
            (65, _) => drop(client.registrations.insert(text[2].as_u64().unwrap())),
            (68, _) => self.note_invocation(peer, text),
            (69, Some(request)) => assert!(client.invocations.contains(&request)),
            (2 | 6 | 8 | 17 | 35 | 67, _) => {}
            other => panic!("{other:?}: {text}"),
        }
    }

    fn step(&mut self) {
        const PATTERNS: [(&str, &str); 6] = [
            ("exact", "a.b"),
            ("exact", "c.d"),
            ("prefix", "a"),
            ("prefix", "wam"),
            ("wildcard", "a."),
            ("wildcard", ".d"),
        ];
        const URIS: [&str; 6] = ["a.b", "c.d", "a.x", "no.such.thing", "bad..uri", "wamp.session.count"];
        let Some(peer) = self.dice.pick(self.clients.keys().copied()) else { return self.join() };
        let request = self.request(peer);
        match self.dice.roll(100) {
            0..5 => self.join(),
            5..8 => self.leave(peer),
            8..16 => {
                let (matching, uri) = self.dice.pick(PATTERNS).unwrap();
                self.say(peer, &json!([64, request, { "match": matching }, uri]));
            }
            16..24 => {
                let (matching, uri) = self.dice.pick(PATTERNS).unwrap();
                self.say(peer, &json!([32, request, { "match": matching }, uri]));
            }
            24..27 => {
                let own = self.dice.pick(self.clients[&peer].registrations.iter().copied());
                if let Some(id) = own {
                    self.say(peer, &json!([66, request, id]));
                }
            }
            27..30 => {
                let own = self.dice.pick(self.clients[&peer].subscriptions.iter().copied());
                if let Some(id) = own {
                    self.say(peer, &json!([34, request, id]));
                    self.clients.get_mut(&peer).unwrap().subscriptions.remove(&id);
                }
            }
            30..40 => {
                let uri = self.dice.pick(URIS).unwrap();
                let options = json!({ "acknowledge": self.dice.roll(2) == 0, "exclude_me": self.dice.roll(2) == 0 });
                self.say(peer, &json!([16, request, options, uri]));
            }
            40..65 => {
                let uri = self.dice.pick(URIS).unwrap();
                let mut options = json!({ "receive_progress": self.dice.roll(2) == 0 });
                if self.dice.roll(2) == 0 {
                    options["timeout"] = json!(self.dice.roll(50));
                }
                self.clients.get_mut(&peer).unwrap().calls.insert(request);
                self.say(peer, &json!([48, request, options, uri]));
            }
            65..73 => {
                let call = self.dice.pick(self.clients[&peer].calls.iter().copied()).unwrap_or(request);
                let mode = self.dice.pick(["skip", "kill", "killnowait"]).unwrap();
                self.say(peer, &json!([49, call, { "mode": mode }]));
            }
            73..95 => self.answer(peer),
            _ => {
                let time = self.dice.roll(30);
                self.bench.wait(Duration::from_millis(time));
            }
        }
    }

    fn join(&mut self) {
        if self.clients.len() < 8 {
            let features = self.dice.pick(["call_canceling", "nothing"]).unwrap();
            let peer = self.bench.open();
            self.clients.insert(peer, Client::default());
            self.bench.say(peer, &HELLO.replace("call_canceling", features));
        }
    }

    fn leave(&mut self, peer: PeerId) {
        match self.dice.roll(4) {
            0 => {
                self.bench.lose(peer);
                self.clients.remove(&peer);
            }
            1 => self.say(peer, &json!([6, {}, "wamp.close.normal"])),
            2 => self.say(peer, &json!([3, {}, "some.reason"])),
            _ => {
                // A violation; its ABORT is of no interest here.
                self.say(peer, &json!([70, 1_u64 << 40, {}]));
                assert_eq!(self.bench.got(peer).len(), 2);
                self.clients.remove(&peer);
            }
        }
    }

    fn answer(&mut self, peer: PeerId) {
        let Some(invocation) = self.dice.pick(self.clients[&peer].invocations.iter().copied()) else { return };
        match self.dice.roll(3) {
            0 => self.say(peer, &json!([70, invocation, { "progress": true }, [1]])),
            1 => self.say(peer, &json!([70, invocation, {}, [2]])),
            _ => self.say(peer, &json!([8, 68, invocation, {}, "some.error"])),
        }
    }
}

#[test]
fn whatever_peers_do_each_call_has_one_answer_and_nothing_stays_behind() {
    for seed in 1..=40_u64 {
        let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut world = World { bench: Bench::new(), dice, clients: BTreeMap::new(), answered: 0 };
        for _ in 0..1500 {
            world.step();
            world.settle();
        }
        // Every callee answers all it was ever asked: then nobody waits for anything.
        for peer in world.clients.keys().copied().collect::<Vec<_>>() {
            for invocation in world.clients[&peer].invocations.clone() {
                world.say(peer, &json!([70, invocation, {}]));
                world.settle();
            }
        }
        for (peer, client) in &world.clients {
            assert!(client.calls.is_empty(), "seed {seed}: {peer:?} waits for {:?}", client.calls);
        }
        assert!(world.answered > 100, "seed {seed}: {}", world.answered);
        for peer in std::mem::take(&mut world.clients).into_keys() {
            world.bench.lose(peer);
            world.bench.out.clear();
        }
        let router = &world.bench.router;
        assert!(router.is_empty());
        assert_eq!(router.next_deadline(), None);
        for realm in &router.realms {
            assert!(realm.is_empty(), "seed {seed}");
        }
    }
}
