//! Turns made one by one, with callers at a real port.

use std::hash::RandomState;
use std::io::Read;
use std::net::TcpStream;

use super::super::endpoint::Endpoint;
use super::super::exchange::ExchangeSettings;
use super::*;
use crate::router::{Router, RouterConfig};
use crate::sync::mailbox::{Post, mailbox};
use crate::transport::memory;
use crate::wamp::Uri;
use crate::wamp::codec::json;
use crate::wamp::id::RandomIds;

struct Bench {
    event_loop: EventLoop,
    events: Vec<Event>,
    address: std::net::SocketAddr,
    counters: Arc<Counters>,
    _stop: Post<Order>,
}

impl Bench {
    /// One turn takes no more than one visitor, however fast that is.
    fn new() -> Self {
        let listener = Listener::bind(&Endpoint::Tcp(([127, 0, 0, 1], 0).into())).unwrap();
        let address = listener.local_addr().unwrap().unwrap();
        let (timeouts, capacity) = (Timeouts::default(), Capacity::default());
        let limits = ExchangeSettings {
            drain: timeouts.drain,
            queued_bytes: capacity.queued_bytes,
            unfinished_bytes: capacity.unfinished_bytes,
            round: timeouts.drain,
        };
        let counters = Arc::new(Counters::default());
        let config = RouterConfig::new(vec![Uri::from("realm1")], "test");
        let router = Router::new(config, RandomIds::new(RandomState::new()));
        let settings = Settings {
            access: Access::new(address.ip(), Vec::new()),
            tls: None,
            keepalive: KeepalivePolicy::default(),
            timeouts,
            capacity,
            visits: Duration::ZERO,
        };
        let bell = Waker::new().unwrap();
        let (stop, stopped) = mailbox(1, bell.clone());
        let exchange = Exchange::new(router, limits, Arc::clone(&counters));
        let event_loop =
            EventLoop::new(settings, vec![listener], exchange, (stopped, bell), Arc::clone(&counters)).unwrap();
        Self { event_loop, events: Vec::new(), address, counters, _stop: stop }
    }

    /// A turn that sleeps, if there is nothing to do, until somebody calls.
    fn turn(&mut self) {
        let timeout = self.event_loop.timeout(Instant::now());
        self.event_loop.registry.wait(timeout, &mut self.events).unwrap();
        self.event_loop.turn(&mut self.events, Now::read());
    }
}

#[test]
fn a_session_is_served_between_two_visitors_and_each_visitor_gets_its_turn() {
    const VISITORS: u64 = 5;
    let mut bench = Bench::new();
    let (mut session, there) = memory::pair().unwrap();
    bench.event_loop.add_inside(there, Now::read()).unwrap();
    let mut callers: Vec<TcpStream> = (0..VISITORS)
        .map(|_| {
            let mut caller = TcpStream::connect(bench.address).unwrap();
            caller.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            caller
        })
        .collect();
    while bench.event_loop.visitors.len() < callers.len() {
        bench.turn();
        assert!(bench.counters.connections.get() <= VISITORS);
    }
    let answered = |bench: &Bench| {
        // Who was answered lingers, until its own end is closed.
        bench.event_loop.visitors.values().map(Visitor::answers).sum::<u64>() + bench.counters.answered.get()
    };
    let mut said = 0;
    while answered(&bench) < VISITORS {
        let before = answered(&bench);
        said += 1;
        session.send(match said {
            1 => json::decode(r#"[1,"realm1",{"roles":{"subscriber":{}}}]"#).unwrap(),
            _ => json::decode(&format!("[32,{},{{}},\"a.b\"]", said - 1)).unwrap(),
        });
        bench.turn();
        assert!(answered(&bench) <= before + 1, "one visitor had its turn");
        assert_eq!(bench.counters.messages_in.get(), said, "and then the session");
    }
    for caller in &mut callers {
        let mut answer = [0; 9];
        caller.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 ");
    }
}
