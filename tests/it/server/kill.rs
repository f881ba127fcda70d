//! `wamp.session.kill_all` on a real server: who is ended, who is not, and who may.

use std::thread;

use serde_json::json;
use wampproc::server::{Exposure, ServerConfig};

use super::client::Client;
use super::inside::Inside;

#[test]
fn clients_are_closed_and_the_peer_inside_goes_on() {
    let (server, inside) = Inside::join(|_| {});
    let inside = thread::spawn(|| inside.echo());
    let (mut admin, mut victim) = (Client::join(&server), Client::join(&server));
    let kill = json!([{}, "wamp.session.kill_all", [], { "reason": "com.example.why", "message": "go" }]);
    assert_eq!(admin.request(48, kill)[3], json!([1]));
    assert_eq!(victim.receive(), json!([6, { "message": "go" }, "com.example.why"]));
    victim.send(json!([6, {}, "wamp.close.goodbye_and_out"]));
    assert_eq!(victim.until_closed(), (vec![], true));
    // One that does not answer is closed too.
    let mut mute = Client::join(&server);
    assert_eq!(admin.request(48, json!([{}, "wamp.session.kill_all"]))[3], json!([1]));
    assert_eq!(mute.until_closed(), (vec![json!([6, {}, "wamp.close.killed"])], true));
    assert_eq!(admin.request(48, json!([{}, "wamp.session.count"]))[3], json!([2]), "the admin, and the peer inside");
    assert_eq!(admin.request(48, json!([{}, "com.example.inside", [7]]))[3], json!([7]));
    drop(server);
    assert_eq!(inside.join().unwrap(), 1);
}

#[test]
fn where_others_can_connect_nobody_ends_their_sessions() {
    let everywhere = |config: &mut ServerConfig| {
        config.listen = vec![std::net::SocketAddr::from(([0, 0, 0, 0], 0)).into()];
        config.exposure = Exposure::RemoteAnonymous;
    };
    let server = super::client::server(everywhere, vec![]);
    let mut client = Client::join(&server);
    let error = client.request(48, json!([{}, "wamp.session.kill_all"]));
    assert_eq!((&error[0], &error[4]), (&json!(8), &json!("wamp.error.not_authorized")));
    assert_eq!(client.request(48, json!([{}, "wamp.session.count"]))[3], json!([1]));
}
