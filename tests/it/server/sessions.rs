//! What every client does.

use serde_json::json;
use wampproc::server::ServerError;

use super::client::{Client, plain_server, server};

#[test]
fn a_call_and_an_event_go_through() {
    let server = plain_server();
    let (mut callee, mut caller) = (Client::join(&server), Client::join(&server));
    let registration = callee.register("com.example.add");
    let call = caller.begin(48, json!([{}, "com.example.add", [1, 2], { "x": "1.0" }]));
    let invocation = callee.receive();
    assert_eq!(invocation[2], registration);
    assert_eq!((&invocation[4], &invocation[5]), (&json!([1, 2]), &json!({ "x": "1.0" })));
    callee.send(json!([70, invocation[1], {}, [3]]));
    assert_eq!(caller.receive(), json!([50, call, {}, [3]]));

    let subscription = callee.subscribe("com.example.topic");
    caller.publish("com.example.topic", json!(["hello"]));
    let event = callee.receive();
    assert_eq!((&event[0], &event[1], &event[4]), (&json!(36), &json!(subscription), &json!(["hello"])));
    let counters = server.counters();
    assert_eq!((counters.upgraded.get(), counters.connections.get(), counters.violations.get()), (2, 2, 0));
}

#[test]
fn a_message_with_the_request_is_not_overlooked() {
    use std::io::Write;
    let server = plain_server();
    let mut stream = super::client::connect(server.local_addrs()[0]);
    // HELLO behind the upgrade in one write: masked with zeros, so it can be read here.
    let hello = br#"[1,"realm1",{"roles":{"caller":{}}}]"#;
    let mut bytes = super::http::UPGRADE.replace('\n', "\r\n").into_bytes();
    bytes.extend_from_slice(&[0x81, 0x80 | hello.len() as u8, 0, 0, 0, 0]);
    bytes.extend_from_slice(hello);
    stream.write_all(&bytes).unwrap();
    let mut got = Vec::new();
    while !String::from_utf8_lossy(&got).contains("[2,") {
        let mut chunk = [0; 4096];
        let count = std::io::Read::read(&mut stream, &mut chunk).unwrap();
        assert_ne!(count, 0, "{}", String::from_utf8_lossy(&got));
        got.extend_from_slice(&chunk[..count]);
    }
}

#[test]
fn who_says_goodbye_gets_it_back_and_who_leaves_without_is_cleaned_up() {
    let server = plain_server();
    let (mut callee, mut caller) = (Client::join(&server), Client::join(&server));
    callee.register("com.example.never");
    let call = caller.begin(48, json!([{}, "com.example.never"]));
    assert_eq!(callee.receive()[0], 68);
    drop(callee);
    let error = caller.receive();
    assert_eq!((&error[0], &error[1], &error[2]), (&json!(8), &json!(48), &json!(call)));
    caller.send(json!([6, {}, "wamp.close.normal"]));
    let (messages, orderly) = caller.until_closed();
    assert_eq!(messages, [json!([6, {}, "wamp.close.goodbye_and_out"])]);
    assert!(orderly);
}

#[test]
fn who_is_refused_is_told_why_and_closed() {
    let server = plain_server();
    let mut client = Client::connect(&server);
    client.send(json!([1, "elsewhere", { "roles": { "caller": {} } }]));
    let (messages, orderly) = client.until_closed();
    assert_eq!((messages.len(), &messages[0][0], &messages[0][2]), (1, &json!(3), &json!("wamp.error.no_such_realm")));
    assert!(orderly);
}

#[test]
fn a_server_that_stops_says_goodbye_and_waits_for_nobody_long() {
    let server = plain_server();
    let (mut polite, mut mute) = (Client::join(&server), Client::join(&server));
    let stranger = Client::connect(&server);
    let address = server.local_addrs()[0];
    let stopped = std::thread::spawn(move || drop(server));
    let goodbye = json!([6, {}, "wamp.close.system_shutdown"]);
    assert_eq!(polite.receive(), goodbye);
    polite.send(json!([6, {}, "wamp.close.goodbye_and_out"]));
    assert_eq!(polite.until_closed(), (vec![], true));
    assert_eq!(mute.until_closed().0, [goodbye]);
    stopped.join().unwrap();
    drop(stranger);
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_port_that_is_taken_or_seen_from_elsewhere_is_refused_with_its_address() {
    let first = plain_server();
    let mut config = wampproc::server::ServerConfig::new(first.local_addrs()[0]);
    let error = wampproc::server::Server::start(config.clone(), Vec::new()).unwrap_err();
    assert!(matches!(error, ServerError::Listen { .. }));
    assert!(error.to_string().contains(&first.local_addrs()[0].to_string()), "{error}");
    config.listen = vec![std::net::SocketAddr::from(([0, 0, 0, 0], 0)).into()];
    let error = wampproc::server::Server::start(config, Vec::new()).unwrap_err();
    assert!(error.to_string().contains("--allow-remote-anonymous"), "{error}");
    let open = server(
        |config| {
            config.listen = vec![std::net::SocketAddr::from(([0, 0, 0, 0], 0)).into()];
            config.exposure = wampproc::server::Exposure::RemoteAnonymous;
        },
        Vec::new(),
    );
    assert!(open.url().starts_with("ws://127.0.0.1:"), "{}", open.url());
    Client::join(&open);
}
