//! A router that does not read: events are dropped, and it is told when that begins and ends.

use std::time::{Duration, Instant};

use wampproc::agent::{Agent, NotPublished};

use crate::fake_router::FakeRouter;
use crate::support::PATIENCE;

const EVENTS: u64 = 300;

#[test]
fn every_event_arrives_or_is_counted_as_dropped() {
    let router = FakeRouter::new();
    let agent = Agent::builder(router.url()).uri_prefix("x").build().unwrap();
    let publisher = agent.publisher();
    let running = agent.spawn().unwrap();
    let mut client = router.welcome();
    client.register(crate::fake_router::registrations(1, 0));
    // 30 MB, of which the kernel and the agent keep a few; nobody reads.
    let deadline = Instant::now() + PATIENCE;
    for number in 0..EVENTS {
        let event = (number, "x".repeat(100_000));
        while let Err(refused) = publisher.publish("on_big", &event) {
            assert_eq!(refused, NotPublished::Busy);
            assert!(Instant::now() < deadline, "the agent takes nothing any more");
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
    let (mut arrived, mut dropped, mut episodes, mut open) = (0, 0, 0, false);
    while arrived + dropped < EVENTS || open {
        let message = client.expect(16);
        let value = &message[4][0];
        match message[3].as_str().unwrap() {
            "x.on_big" => arrived += 1,
            "x.on_link_drops_started" => {
                assert!(!open && value["queued"].as_u64().unwrap() > 1 << 20, "{value}");
                open = true;
                episodes += 1;
            }
            "x.on_link_drops_ended" => {
                assert!(open && value["duration"].as_f64().unwrap() >= 0.0, "{value}");
                assert!(value["since"].as_str().unwrap() <= value["ts"].as_str().unwrap(), "{value}");
                open = false;
                dropped += value["dropped"].as_u64().unwrap();
            }
            other => panic!("{other}"),
        }
    }
    assert!(episodes > 0 && dropped > 100, "{episodes} {dropped}");
    drop(client);
    drop(router);
    running.stop().unwrap();
}
