//! The exchange with transports whose every move the test makes: what is queued, who is read, who is given up.

mod shares;

use std::collections::VecDeque;
use std::hash::RandomState;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard};

use super::super::backpressure::{Limits, MEMORY, SOCKET};
use super::super::peer::Place;
use super::*;
use crate::router::RouterConfig;
use crate::sync::wait::Interest;
use crate::sync::waker::Waker;
use crate::transport::traffic::Traffic;
use crate::transport::{SharedMessage, Transport, TransportError};
use crate::wamp::codec::json;
use crate::wamp::id::RandomIds;
use crate::wamp::{Message, Uri};

/// What every message costs in the queue of a fake.
const COST: usize = 64 * 1024;

/// What a test and its transport share.
#[derive(Debug, Default)]
struct Line {
    incoming: VecDeque<Incoming>,
    /// What was sent and taken.
    taken: Vec<Message>,
    queue: VecDeque<Message>,
    /// The peer does not read.
    stuck: bool,
    /// An end in memory: what there is room for needs no flush.
    inside: bool,
    /// What a queued message costs.
    cost: usize,
    /// What has come of a message that is not whole.
    unfinished: usize,
    deadline: Option<Instant>,
    closing: bool,
}

#[derive(Clone, Debug)]
struct Fake {
    line: Arc<Mutex<Line>>,
    bell: Waker,
}

impl Fake {
    fn new(line: Line) -> Self {
        Self { line: Arc::new(Mutex::new(line)), bell: Waker::new().unwrap() }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap()
    }

    /// Has the peer say this.
    fn says(&self, text: &str) {
        self.line().incoming.push_back(Incoming::Message(json::decode(text).unwrap()));
    }

    /// How much it has said that was not read.
    fn unread(&self) -> usize {
        self.line().incoming.len()
    }

    fn taken(&self) -> Vec<String> {
        self.line().taken.drain(..).map(|message| json::encode(&message)).collect()
    }
}

impl Transport for Fake {
    fn fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    fn interest(&self) -> Interest {
        let line = self.line();
        Interest { read: true, write: line.stuck && !line.queue.is_empty() }
    }

    fn receive(&mut self, _now: Instant) -> Result<Incoming, TransportError> {
        Ok(self.line().incoming.pop_front().unwrap_or(Incoming::Nothing))
    }

    fn send(&mut self, message: Message) {
        let mut line = self.line();
        if line.inside && !line.stuck && line.queue.is_empty() {
            line.taken.push(message);
        } else {
            line.queue.push_back(message);
        }
    }

    fn send_shared(&mut self, message: &SharedMessage) {
        self.send(message.message().clone());
    }

    fn flush(&mut self, _now: Instant) -> Result<(), TransportError> {
        let mut line = self.line();
        if !line.stuck {
            let Line { queue, taken, .. } = &mut *line;
            taken.extend(queue.drain(..));
        }
        Ok(())
    }

    fn queued(&self) -> usize {
        let line = self.line();
        line.queue.len() * line.cost
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    fn unfinished(&self) -> usize {
        self.line().unfinished
    }

    fn deadline(&self) -> Option<Instant> {
        self.line().deadline
    }

    fn expire(&mut self, now: Instant) -> Result<(), TransportError> {
        if self.line().deadline.is_some_and(|deadline| deadline <= now) {
            return Err(TransportError::Silent(1));
        }
        Ok(())
    }

    fn close(&mut self, _now: Instant) {
        self.line().closing = true;
    }

    fn discard(&mut self, _now: Instant) -> bool {
        true
    }
}

struct Bench {
    exchange: Exchange,
    registry: Registry,
    now: Now,
    next: u64,
}

const DRAIN: Duration = Duration::from_secs(30);

/// Bytes of unfinished messages that there may be.
const UNFINISHED: usize = 1000;

impl Bench {
    fn new(queued_bytes: usize) -> Self {
        let config = RouterConfig::new(vec![Uri::from("realm1")], "test");
        let router = Router::new(config, RandomIds::new(RandomState::new()));
        let settings = ExchangeSettings { drain: DRAIN, queued_bytes, unfinished_bytes: UNFINISHED, round: DRAIN };
        let exchange = Exchange::new(router, settings, Arc::default());
        Self { exchange, registry: Registry::new().unwrap(), now: Now::read(), next: 1 }
    }

    fn add(&mut self, fake: &Fake, place: Place, limits: Limits) -> PeerId {
        let id = PeerId(self.next);
        self.next += 1;
        let watch = self.registry.add(fake.fd(), id.0).unwrap();
        let peer = Peer::new(Box::new(fake.clone()), place, limits, watch);
        self.exchange.open(id, peer, self.now);
        id
    }

    fn join(&mut self, fake: &Fake, place: Place, limits: Limits) -> PeerId {
        let id = self.add(fake, place, limits);
        fake.says(r#"[1,"realm1",{"roles":{"caller":{},"callee":{},"publisher":{},"subscriber":{}}}]"#);
        self.turn();
        assert!(fake.taken().concat().starts_with("[2,"));
        id
    }

    /// A session over a socket.
    fn remote(&mut self) -> (PeerId, Fake) {
        let fake = Fake::new(Line { cost: COST, ..Line::default() });
        let id = self.join(&fake, Place::Remote(([127, 0, 0, 1], 1).into()), SOCKET);
        (id, fake)
    }

    /// A session in memory.
    fn inside(&mut self) -> (PeerId, Fake) {
        let fake = Fake::new(Line { cost: 1, inside: true, ..Line::default() });
        let id = self.join(&fake, Place::Inside, MEMORY);
        (id, fake)
    }

    fn turn(&mut self) {
        self.exchange.serve(self.now);
        self.exchange.settle(self.now, &mut self.registry);
    }

    /// The kernel tells of something to read.
    fn hears(&mut self, id: PeerId) {
        self.exchange.heed(id, Event { token: id.0, readable: true, writable: false, broken: false });
    }

    /// The kernel tells of room to write.
    fn may_write(&mut self, id: PeerId) {
        self.exchange.heed(id, Event { token: id.0, readable: false, writable: true, broken: false });
    }

    /// Turns until there is nothing to do without the kernel.
    fn settle(&mut self) {
        self.turn();
        for _ in 0..10_000 {
            if !self.exchange.has_work() {
                return;
            }
            self.turn();
        }
        panic!("it spins");
    }

    /// Lets `duration` pass, and does what is due then.
    fn pass(&mut self, duration: Duration) {
        self.now.mono += duration;
        while let Some(token) = self.registry.pop_due(self.now.mono) {
            self.exchange.expire(PeerId(token), self.now);
        }
        self.exchange.settle(self.now, &mut self.registry);
    }

    fn interest(&self, id: PeerId) -> Option<Interest> {
        self.exchange.peers.get(&id).map(|peer| peer.watch.interest())
    }
}

#[test]
fn a_subscriber_that_does_not_read_has_a_bounded_queue_and_the_others_get_theirs() {
    let mut bench = Bench::new(usize::MAX);
    let ((mute, mute_line), (reader, reader_line), (publisher, line)) =
        (bench.remote(), bench.remote(), bench.remote());
    for (id, line) in [(mute, &mute_line), (reader, &reader_line)] {
        line.says(r#"[32,1,{},"a.b"]"#);
        bench.hears(id);
    }
    bench.settle();
    reader_line.taken();
    mute_line.line().stuck = true;
    for number in 0..1000 {
        line.says(&format!(r#"[16,{},{{}},"a.b"]"#, number + 1));
    }
    bench.hears(publisher);
    bench.settle();
    assert_eq!(reader_line.taken().len(), 1000);
    let queued = mute_line.line().queue.len();
    assert_eq!(queued, SOCKET.soft / COST + 1);
    assert_eq!(bench.exchange.counters.events_dropped.get(), 1000 - queued as u64);
    assert!(bench.interest(mute).unwrap().read, "events do not stop the reading");
    // What it asks for is answered behind what waits.
    mute_line.says(r#"[32,2,{},"a.c"]"#);
    bench.hears(mute);
    bench.settle();
    assert_eq!(mute_line.line().queue.len(), queued + 1);
    mute_line.line().stuck = false;
    bench.may_write(mute);
    bench.settle();
    assert!(mute_line.taken().last().unwrap().starts_with("[33,2,"));
}

#[test]
fn who_does_not_read_its_answers_is_not_read_until_it_does() {
    let mut bench = Bench::new(usize::MAX);
    let (id, line) = bench.remote();
    line.line().stuck = true;
    for number in 0..500 {
        line.says(&format!(r#"[16,{},{{"acknowledge":true}},"a.b"]"#, number + 1));
    }
    bench.hears(id);
    bench.settle();
    let queued = line.line().queue.len();
    let unread = line.unread();
    assert!(queued * COST > SOCKET.pause && queued * COST < SOCKET.pause + 65 * COST, "{queued}");
    assert_eq!(queued + unread, 500);
    assert_eq!(bench.interest(id), Some(Interest { read: false, write: true }));
    line.line().stuck = false;
    bench.may_write(id);
    bench.settle();
    assert_eq!((line.taken().len(), line.unread()), (500, 0), "it is read without a word from the kernel");
    assert_eq!(bench.interest(id), Some(Interest::READ));
}

/// As many calls from `caller` to a procedure of `callee` as there are results wanted, and the results.
fn results(bench: &mut Bench, caller: (PeerId, &Fake), callee: (PeerId, &Fake), calls: u64) {
    callee.1.says(r#"[64,1,{},"a.proc"]"#);
    bench.hears(callee.0);
    bench.settle();
    for number in 1..=calls {
        caller.1.says(&format!(r#"[48,{number},{{}},"a.proc"]"#));
    }
    bench.hears(caller.0);
    bench.settle();
    for number in 1..=calls {
        callee.1.says(&format!("[70,{number},{{}}]"));
    }
    bench.hears(callee.0);
    bench.settle();
}

#[test]
fn answers_beyond_the_hard_limit_end_their_receiver_alone() {
    let mut bench = Bench::new(usize::MAX);
    let ((caller, caller_line), (callee, callee_line)) = (bench.remote(), bench.remote());
    caller_line.line().stuck = true;
    results(&mut bench, (caller, &caller_line), (callee, &callee_line), 600);
    assert_eq!(caller_line.line().queue.len(), SOCKET.hard / COST + 1);
    assert_eq!(bench.exchange.counters.overrun_closed.get(), 1);
    assert!(bench.interest(caller).is_none() && bench.interest(callee).is_some());
}

#[test]
fn under_pressure_the_longest_queues_go_first() {
    let most = 40 * COST;
    let mut bench = Bench::new(most);
    let ((publisher, line), (reader, reader_line)) = (bench.remote(), bench.remote());
    let mute: Vec<_> = (0..10).map(|_| bench.remote()).collect();
    for (id, line) in mute.iter().chain([&(reader, reader_line.clone())]) {
        line.says(r#"[32,1,{},"a.b"]"#);
        bench.hears(*id);
    }
    bench.settle();
    reader_line.taken();
    for (_, line) in &mute {
        line.line().stuck = true;
    }
    for number in 0..100 {
        line.says(&format!(r#"[16,{},{{}},"a.b"]"#, number + 1));
        bench.hears(publisher);
        bench.settle();
    }
    assert_eq!(reader_line.taken().len(), 100, "who keeps up does not notice");
    assert!(bench.exchange.waiting <= most + mute.len() * (SOCKET.fair + COST), "{}", bench.exchange.waiting);
    // An answer may just fit; for another one to somebody who has more waiting than is fair, somebody goes.
    let (id, line) = &mute[0];
    line.says(r#"[32,2,{},"a.c"]"#);
    line.says(r#"[32,3,{},"a.c"]"#);
    bench.hears(*id);
    bench.settle();
    let counters = &bench.exchange.counters;
    assert_eq!((counters.slow_closed.get(), counters.overrun_closed.get()), (1, 0));
    // When they are gone, so is the pressure.
    bench.pass(DRAIN);
    assert_eq!((bench.exchange.waiting, bench.exchange.counters.stalled_closed.get()), (0, 9));
}

#[test]
fn while_an_end_in_memory_is_full_sessions_over_sockets_wait_and_then_take_turns() {
    let mut bench = Bench::new(usize::MAX);
    let (agent, agent_line) = bench.inside();
    let ((one, one_line), (two, two_line)) = (bench.remote(), bench.remote());
    agent_line.says(r#"[64,1,{},"a.proc"]"#);
    bench.hears(agent);
    bench.settle();
    agent_line.taken();
    agent_line.line().stuck = true;
    for number in 1..=200 {
        one_line.says(&format!(r#"[48,{number},{{}},"a.proc"]"#));
        two_line.says(&format!(r#"[48,{number},{{}},"a.proc"]"#));
    }
    bench.hears(one);
    bench.hears(two);
    bench.settle();
    assert_eq!((one_line.unread(), two_line.unread()), (199, 200), "the first one that does not fit stops both");
    assert_eq!((bench.interest(one), bench.interest(two)), (Some(Interest::NONE), Some(Interest::NONE)));
    // A newcomer gets in, an answer gets out, and the end in memory is heard.
    let (three, three_line) = bench.remote();
    three_line.says(r#"[32,1,{},"a.b"]"#);
    bench.hears(three);
    bench.settle();
    assert_eq!(three_line.unread(), 1, "it waits like the others once it has joined");
    agent_line.says("[70,1,{}]");
    bench.hears(agent);
    bench.settle();
    assert_eq!(one_line.taken(), ["[50,1,{}]"]);
    // Room: who has waited longest goes first, and everybody has a round.
    agent_line.line().stuck = false;
    bench.hears(agent);
    bench.turn();
    bench.turn();
    assert_eq!((two_line.unread(), one_line.unread()), (200 - ROUND, 199 - ROUND));
    bench.settle();
    assert_eq!((two_line.unread(), one_line.unread(), three_line.unread()), (0, 0, 0));
    assert_eq!(bench.interest(one), Some(Interest::READ));
    assert_eq!(bench.exchange.counters.invocations_undelivered.get(), 0);
}

#[test]
fn who_is_not_read_is_not_held_to_its_pings() {
    let mut bench = Bench::new(usize::MAX);
    let (agent, agent_line) = bench.inside();
    let (id, line) = bench.remote();
    line.line().deadline = Some(bench.now.mono + Duration::from_secs(10));
    agent_line.says(r#"[64,1,{},"a.proc"]"#);
    bench.hears(agent);
    bench.settle();
    agent_line.line().stuck = true;
    for number in 1..=10 {
        line.says(&format!(r#"[48,{number},{{}},"a.proc"]"#));
    }
    bench.hears(id);
    bench.settle();
    bench.pass(Duration::from_secs(20));
    assert!(bench.interest(id).is_some(), "its answer to the ping may be among what was not read");
    agent_line.line().stuck = false;
    bench.hears(agent);
    bench.settle();
    assert_eq!(line.unread(), 0);
    bench.pass(Duration::ZERO);
    assert!(bench.interest(id).is_none(), "it has been read, and the deadline is over");
    assert_eq!(bench.exchange.counters.silent_closed.get(), 1);
}

#[test]
fn an_end_in_memory_that_never_reads_is_closed_and_the_others_go_on() {
    let mut bench = Bench::new(usize::MAX);
    let (agent, agent_line) = bench.inside();
    let (id, line) = bench.remote();
    agent_line.says(r#"[64,1,{},"a.proc"]"#);
    bench.hears(agent);
    bench.settle();
    agent_line.line().stuck = true;
    for number in 1..=3 {
        line.says(&format!(r#"[48,{number},{{}},"a.proc"]"#));
    }
    bench.hears(id);
    bench.settle();
    bench.pass(DRAIN - Duration::from_secs(1));
    assert!(bench.interest(agent).is_some());
    bench.pass(Duration::from_secs(1));
    assert!(bench.interest(agent).is_none());
    bench.settle();
    let errors = line.taken();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors.iter().all(|error| error.starts_with("[8,48,")), "{errors:?}");
}

#[test]
fn a_queue_that_moves_is_not_stalled() {
    let mut bench = Bench::new(usize::MAX);
    let (id, line) = bench.remote();
    line.line().stuck = true;
    line.says(r#"[32,1,{},"a.b"]"#);
    bench.hears(id);
    bench.settle();
    for _ in 0..5 {
        bench.pass(DRAIN - Duration::from_secs(1));
        // The socket takes a little: not a whole message, but it takes.
        bench.may_write(id);
        bench.settle();
    }
    assert!(bench.interest(id).is_some());
    bench.pass(DRAIN);
    assert!(bench.interest(id).is_none());
    assert_eq!(bench.exchange.counters.stalled_closed.get(), 1);
}
