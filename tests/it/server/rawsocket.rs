//! Clients over RawSocket that take less than others send.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::client::{Client, connect, plain_server};

/// A client that takes messages of 1 KiB.
struct Small(TcpStream);

impl Small {
    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.0.write_all(&u32::try_from(text.len()).unwrap().to_be_bytes()).unwrap();
        self.0.write_all(text.as_bytes()).unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        let mut text = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

#[test]
fn what_is_longer_than_a_client_takes_does_not_end_it() {
    let server = plain_server();
    let mut small = Small(connect(server.local_addrs()[0]));
    small.0.write_all(&[0x7f, 0x11, 0, 0]).unwrap();
    let mut greeting = [0; 4];
    small.0.read_exact(&mut greeting).unwrap();
    small.send(&json!([1, "realm1", {"roles": {"caller": {}, "callee": {}, "subscriber": {}}}]));
    assert_eq!(small.receive()[0], 2);
    small.send(&json!([64, 1, {}, "com.example.small"]));
    assert_eq!(small.receive()[0], 65);
    small.send(&json!([32, 2, {}, "com.example.topic"]));
    assert_eq!(small.receive()[0], 33);

    let mut other = Client::join(&server);
    other.register("com.example.large");
    let long = "x".repeat(2000);
    let exceeded = json!("wamp.error.payload_size_exceeded");
    for (arguments, answered) in [(json!([long]), false), (json!(["short"]), true)] {
        let call = other.begin(48, json!([{}, "com.example.small", arguments]));
        if answered {
            let invocation = small.receive();
            assert_eq!((&invocation[0], &invocation[4]), (&json!(68), &arguments));
            small.send(&json!([70, invocation[1], {}, arguments]));
            assert_eq!(other.receive(), json!([50, call, {}, arguments]));
        } else {
            let error = other.receive();
            assert_eq!((&error[0], &error[2], &error[4]), (&json!(8), &json!(call), &exceeded));
        }
    }
    small.send(&json!([48, 3, {}, "com.example.large"]));
    let invocation = other.receive();
    other.send(json!([70, invocation[1], {}, [long]]));
    let error = small.receive();
    assert_eq!((&error[0], &error[2], &error[4]), (&json!(8), &json!(3), &exceeded));
    for arguments in [json!([long]), json!(["short"])] {
        other.begin(16, json!([{}, "com.example.topic", arguments]));
    }
    assert_eq!(small.receive()[4], json!(["short"]));
    let counters = server.counters();
    assert_eq!(
        [&counters.invocations_undelivered, &counters.results_undelivered, &counters.events_dropped].map(|it| it.get()),
        [1, 1, 1]
    );
}
