//! Routers that come and go under an agent.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use wampproc::agent::{Agent, ReconnectPolicy};
use wampproc::link::client::{Client, Destination, Waited};
use wampproc::server::{Server, ServerConfig, ServerError};
use wampproc::sync::waker::Waker;
use wampproc::transport::dial::Limit;
use wampproc::transport::url::Url;
use wampproc::wamp::auth::Login;
use wampproc::wamp::codec::Serialization;
use wampproc::wamp::options::CallOptions;
use wampproc::wamp::{Event, Payload, Uri};

const RESTARTS: usize = 200;
const PATIENCE: Duration = Duration::from_secs(30);

/// A router at that address. While it was down, the kernel may have lent its port to somebody's connection, for as long as
/// that lasts.
fn serve(listen: SocketAddr) -> Server {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Server::start(ServerConfig::new(listen), Vec::new()) {
            Ok(server) => return server,
            Err(ServerError::Listen { error, .. })
                if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline =>
            {
                std::thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Calls until there is a result: right after a restart the agent may not be there yet.
fn answers(client: &mut Client, procedure: &str, deadline: Instant) {
    loop {
        client.session().call(Uri::from(procedure), CallOptions::default(), Payload::default()).unwrap();
        match client.wait(Some(deadline)).unwrap() {
            Waited::Event(Event::Result { .. }) => return,
            Waited::Event(Event::Failed { error, .. }) => {
                assert_eq!(error.uri.as_str(), "wamp.error.no_such_procedure");
            }
            other => panic!("{other:?}"),
        }
        assert!(Instant::now() < deadline, "{procedure} is not there");
    }
}

#[test]
fn the_agent_is_whole_again_after_every_restart() {
    let server = serve("127.0.0.1:0".parse().unwrap());
    let address = server.local_addrs()[0];
    let url: Url = server.url().parse().unwrap();
    let quickly = Duration::from_millis(2);
    let policy =
        ReconnectPolicy { initial: quickly, factor: 1.0, max: quickly, absent: quickly, healthy: Duration::ZERO };
    let agent = Agent::builder(url.clone()).worker("w1").node("n1").reconnect(policy).build().unwrap();
    let running = agent.spawn().unwrap();
    let (realm, login) = (Uri::from("realm1"), Login::default());
    let mut server = Some(server);
    for _ in 0..RESTARTS {
        let deadline = Instant::now() + PATIENCE;
        let mut client = Client::join(
            Destination { url: &url, serialization: Serialization::Json, tls: None, realm: &realm, login: &login },
            Limit::Until(Some(deadline)),
            Waker::new().unwrap(),
        )
        .unwrap();
        answers(&mut client, "crossbar.node.n1.worker.w1.utcnow", deadline);
        answers(&mut client, "crossbar.worker.w1.get_process_stats", deadline);
        assert!(!running.is_finished());
        // It answers no GOODBYE while it does not wait, and the router would give it time for that.
        drop(client);
        // Before the next, so that the port is free again.
        drop(server.take());
        server = Some(serve(address));
    }
    running.stop().unwrap();
}
