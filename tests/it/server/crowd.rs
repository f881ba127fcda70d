//! Many clients at once.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;

use super::client::{Client, plain_server};

#[test]
fn a_thousand_clients_hear_one_event() {
    // Both ends of every connection are in this process.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let count = usize::try_from(most / 3).unwrap_or(usize::MAX).min(1000);
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
