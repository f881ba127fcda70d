//! Many peers that do anything at any time, and what must hold whatever they do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, HELLO, value};
use crate::router::{Limits, Output, PeerId, Share, Undelivered};

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
    session: u64,
    /// It is not told what is taken from it.
    deaf: bool,
}

struct World {
    bench: Bench,
    dice: Dice,
    clients: BTreeMap<PeerId, Client>,
    /// Those that were told to go: they may be sent nothing more.
    killed: BTreeSet<PeerId>,
    /// One in the router's own process, which nobody can end.
    agent: PeerId,
    seen: Seen,
}

/// What has happened, so that a run in which nothing does is no good one.
#[derive(Debug, Default)]
struct Seen {
    answered: u64,
    retained: u64,
    testaments: u64,
    revoked: u64,
    shared: u64,
    killed: u64,
}

/// Some that are reached.
fn limits() -> Limits {
    let session = Share { testaments: 4, ..Limits::default().session };
    Limits { session, retained_events: 4, retained_bytes: 4096, ..Limits::default() }
}

impl World {
    fn new(dice: Dice) -> Self {
        let mut bench = Bench::with_limits(limits());
        let (agent, session) = bench.join_embedded();
        let clients = BTreeMap::from([(agent, Client { session, ..Client::default() })]);
        Self { bench, dice, clients, killed: BTreeSet::new(), agent, seen: Seen::default() }
    }

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
                Output::Close { peer } => {
                    assert_ne!(peer, self.agent);
                    assert!(
                        self.clients.remove(&peer).is_some() || self.killed.remove(&peer),
                        "closed twice: {peer:?}"
                    );
                }
                Output::LoginFailed { peer, sentence } => panic!("{peer:?} logs in by nothing: {sentence}"),
                Output::Fanout { to, message } => {
                    assert!(!to.is_empty());
                    assert_eq!(to.iter().collect::<BTreeSet<_>>().len(), to.len());
                    let event = value(&message);
                    let subscription = event[1].as_u64().unwrap();
                    self.seen.retained += u64::from(event[3]["retained"] == true);
                    self.seen.testaments += u64::from(event[4][0] == "testament");
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
                            let (why, now) = (Undelivered::QueueFull, self.bench.now());
                            self.bench.router.not_delivered(to, &message, why, now, &mut self.bench.out);
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
        let registered = if text[0] == 65 { text[2].as_u64() } else { None };
        let is_shared = |client: &Client| registered.is_some_and(|id| client.registrations.contains(&id));
        self.seen.shared += u64::from(self.clients.values().any(is_shared));
        let client = self.clients.get_mut(&peer).unwrap_or_else(|| panic!("{peer:?} is gone, got {text}"));
        match (text[0].as_u64().unwrap(), text[1].as_u64()) {
            (50, Some(request)) if text[2]["progress"] == true => assert!(client.calls.contains(&request)),
            (50, Some(request)) => {
                assert!(client.calls.remove(&request), "a second answer: {text}");
                self.seen.answered += 1;
            }
            (8, Some(48)) => {
                assert!(client.calls.remove(&text[2].as_u64().unwrap()), "a second answer: {text}");
                self.seen.answered += 1;
            }
            (2, session) => client.session = session.unwrap(),
            (6, _) if text[2] == "wamp.close.killed" => {
                assert_ne!(peer, self.agent);
                self.clients.remove(&peer);
                self.killed.insert(peer);
                self.seen.killed += 1;
            }
            (33, _) => drop(client.subscriptions.insert(text[2].as_u64().unwrap())),
            (65, _) => {
                let is_new = client.registrations.insert(text[2].as_u64().unwrap());
                assert!(is_new || client.deaf, "registered twice: {text}");
            }
            (67, Some(0)) => {
                assert_ne!(peer, self.agent);
                assert!(!client.deaf);
                let lost = text[2]["registration"].as_u64().unwrap();
                assert!(client.registrations.remove(&lost), "revoked, but not its own: {text}");
                self.seen.revoked += 1;
            }
            (68, _) => self.note_invocation(peer, text),
            (69, Some(request)) => assert!(client.invocations.contains(&request)),
            (6 | 8 | 17 | 35 | 67, _) => {}
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
        const POLICIES: [&str; 5] = ["single", "first", "last", "random", "roundrobin"];
        let Some(peer) = self.dice.pick(self.clients.keys().copied()) else { return self.join() };
        let request = self.request(peer);
        match self.dice.roll(100) {
            0..5 => self.join(),
            5..8 => self.leave(peer),
            8..16 => {
                // Nobody can take from the agent what it has; so it takes one thing only.
                let all = if peer == self.agent { &PATTERNS[..1] } else { &PATTERNS[1..] };
                let (matching, uri) = self.dice.pick(all.iter().copied()).unwrap();
                let mut options = json!({ "match": matching, "force_reregister": self.dice.roll(6) == 0 });
                if self.dice.roll(4) > 0 {
                    // Each pattern has a policy that most go for.
                    let usual = POLICIES[uri.len() % POLICIES.len()];
                    options["invoke"] = json!(if self.dice.roll(5) == 0 { "random" } else { usual });
                }
                self.say(peer, &json!([64, request, options, uri]));
            }
            16..24 => {
                let (matching, uri) = self.dice.pick(PATTERNS).unwrap();
                let options = json!({ "match": matching, "get_retained": self.dice.roll(2) == 0 });
                self.say(peer, &json!([32, request, options, uri]));
            }
            24..27 => {
                let own = self.dice.pick(self.clients[&peer].registrations.iter().copied());
                if let Some(id) = own {
                    self.say(peer, &json!([66, request, id]));
                    self.clients.get_mut(&peer).unwrap().registrations.remove(&id);
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
                let mut options =
                    json!({ "acknowledge": self.dice.roll(2) == 0, "exclude_me": self.dice.roll(2) == 0 });
                options["retain"] = json!(self.dice.roll(3) == 0);
                if self.dice.roll(4) == 0 {
                    options["eligible"] = json!([self.clients[&peer].session]);
                }
                self.say(peer, &json!([16, request, options, uri]));
            }
            40..46 => self.order(peer, request),
            46..65 => {
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
                if let Some(polite) = self.dice.pick(self.killed.iter().copied()) {
                    self.say(polite, &json!([6, {}, "wamp.close.goodbye_and_out"]));
                }
            }
        }
    }

    /// A procedure of the router's own that changes something.
    fn order(&mut self, peer: PeerId, request: u64) {
        let (_, other) = self.dice.pick(self.clients.iter().map(|(peer, client)| (*peer, client.session))).unwrap();
        let owned = |client: &Client| client.registrations.iter().map(|id| (*id, client.session)).collect::<Vec<_>>();
        let (registration, callee) = self.dice.pick(self.clients.values().flat_map(owned)).unwrap_or((1, other));
        let (procedure, arguments) = match self.dice.roll(40) {
            0 => ("wamp.session.kill_all", json!([])),
            1 => ("wamp.session.kill_by_authrole", json!(["anonymous"])),
            2 => ("wamp.session.kill_by_authid", json!(["nobody"])),
            3..6 => ("wamp.session.kill", json!([other])),
            6..12 => ("wamp.registration.remove_callee", json!([registration, callee])),
            12..18 => ("wamp.session.flush_testaments", json!([])),
            _ => ("wamp.session.add_testament", json!(["a.b", ["testament"], {}])),
        };
        let scope = self.dice.pick(["detached", "destroyed"]).unwrap();
        let names = if procedure.contains("testament") { json!({ "scope": scope }) } else { json!({}) };
        self.clients.get_mut(&peer).unwrap().calls.insert(request);
        self.say(peer, &json!([48, request, {}, procedure, arguments, names]));
    }

    fn join(&mut self) {
        if self.clients.len() < 8 {
            let features = self.dice.pick(["call_canceling", "nothing"]).unwrap();
            let peer = self.bench.open();
            let deaf = self.dice.roll(2) == 0;
            self.clients.insert(peer, Client { deaf, ..Client::default() });
            let mut hello = HELLO.replace("call_canceling", features);
            if deaf {
                hello = hello.replace("registration_revocation", "nothing");
            }
            self.bench.say(peer, &hello);
        }
    }

    fn leave(&mut self, peer: PeerId) {
        if peer == self.agent {
            return;
        }
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
    let mut rare = [0; 5];
    for seed in 1..=40_u64 {
        let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut world = World::new(dice);
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
        assert!(world.seen.answered > 100, "seed {seed}: {:?}", world.seen);
        let Seen { retained, testaments, revoked, shared, killed, .. } = world.seen;
        for (sum, number) in rare.iter_mut().zip([retained, testaments, revoked, shared, killed]) {
            *sum += number;
        }
        let peers: Vec<PeerId> = std::mem::take(&mut world.clients).into_keys().chain(world.killed).collect();
        for peer in peers {
            world.bench.lose(peer);
            world.bench.out.clear();
        }
        let router = &world.bench.router;
        assert!(router.is_empty());
        assert_eq!(router.next_deadline(), None);
        for realm in &router.realms {
            assert!(realm.is_empty(), "seed {seed}");
            assert!(realm.broker.retention.is_sound(&limits()), "seed {seed}");
        }
    }
    assert!(rare.iter().all(|sum| *sum > 100), "{rare:?}");
}
