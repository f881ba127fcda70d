//! Many clients at once.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;

use super::client::{Client, connect, plain_server};
use super::program::Serve;

/// A thousand, or as many as there may be descriptors for: both ends of every connection may be in this process.
fn many() -> usize {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    usize::try_from(most / 3).unwrap_or(usize::MAX).min(1000)
}

#[test]
fn a_thousand_idle_clients_and_some_that_say_nothing_cost_little_and_the_rest_is_served() {
    let serve = Serve::start();
    let (before, count) = (serve.status("VmRSS"), many());
    let clients: Vec<_> = (0..count).map(|_| serve.client()).collect();
    let mute: Vec<_> = (0..50).map(|_| connect(serve.address)).collect();
    serve.answers();
    let grown = serve.status("VmRSS").saturating_sub(before);
    let each = grown * 1024 / (count as u64);
    assert!(each < 16 * 1024, "{each} bytes a client");
    drop((clients, mute));
}

#[test]
fn a_thousand_clients_hear_one_event() {
    let count = many();
    let server = plain_server();
    // All of them come before any of them joins.
    let mut clients: Vec<Client> = (0..count).map(|_| Client::connect(&server)).collect();
    for client in &mut clients {
        client.hello();
    }
    for client in &mut clients {
        assert_eq!(client.receive()[0], 2);
        client.subscribe("com.example.topic");
    }
    let mut publisher = Client::join(&server);
    publisher.publish("com.example.topic", json!(["all"]));
    for client in &mut clients {
        assert_eq!(client.receive()[4], json!(["all"]));
    }
    assert_eq!((server.counters().rejected.get(), server.counters().events_dropped.get()), (0, 0));
}
