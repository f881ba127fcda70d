//! start_manhole, stop_manhole, get_manhole: what callers and subscribers see; the library's part.

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use wampproc::agent::{Agent, AgentError, RunningAgent};
use wampproc::manhole::Config;

use super::board::{UserKey, ssh};
use crate::directory::Directory;
use crate::fake_router::{Client, FakeRouter};
use crate::support::{PATIENCE, Program, run, wampproc};

struct Dialogue {
    client: Client,
    names: Vec<String>,
    requests: u64,
    _running: RunningAgent,
}

impl Dialogue {
    fn new() -> Self {
        let router = FakeRouter::new();
        let running = Agent::builder(router.url()).node("n1").worker("w1").build().unwrap().spawn().unwrap();
        let (client, names) = router.serve();
        Self { client, names, requests: 0, _running: running }
    }

    fn call(&mut self, name: &str, args: &Value) {
        let uri = format!("crossbar.worker.w1.{name}");
        let registration = 1001 + self.names.iter().position(|known| *known == uri).unwrap();
        self.requests += 1;
        let details = json!({"caller": 77, "receive_progress": true});
        self.client.send(&json!([68, self.requests, registration, details, args]));
    }

    /// The event of this topic, under both prefixes, that the caller does not get.
    fn event(&mut self, topic: &str) -> Value {
        let [first, second] = ["crossbar.worker.w1", "crossbar.node.n1.worker.w1"].map(|prefix| {
            let event = self.client.expect(16);
            assert_eq!(event[3], format!("{prefix}.{topic}"));
            assert_eq!(event[2]["exclude"], json!([77]));
            event[4][0].clone()
        });
        assert_eq!(first, second);
        first
    }

    /// A YIELD's value, and whether more follow.
    fn result(&mut self) -> (Value, bool) {
        let answer = self.client.expect(70);
        assert_eq!(answer[1], self.requests);
        (answer[3][0].clone(), answer[2]["progress"] == true)
    }

    fn error(&mut self) -> (String, String) {
        let answer = self.client.expect(8);
        (answer[4].as_str().unwrap().to_owned(), answer[5][0].as_str().unwrap().to_owned())
    }
}

fn config(port: u16) -> Value {
    json!({"endpoint": {"type": "tcp", "port": port}, "users": [{"user": "joe", "password": "hunter2"}]})
}

#[test]
fn one_from_the_start_that_cannot_be_is_logged_once_and_stops_nobody() {
    let directory = Directory::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let file = directory.write("manhole.json", &config(address.port()).to_string(), 0o600);
    let mut command = wampproc(["serve", "--listen", "127.0.0.1:0", "--manhole"]);
    command.arg(file);
    let mut program = Program::spawn(command);
    assert!(program.line().starts_with("ready ws://"));
    program.wait_for_log("there is no manhole: ");
    program.signal(Signal::SIGTERM);
    let end = program.end();
    let told: Vec<&str> = end.stderr.lines().filter(|line| line.contains(&address.port().to_string())).collect();
    assert_eq!((end.code, told.len()), (Some(0), 1), "{}", end.stderr);
}

#[test]
fn a_file_of_passwords_that_others_can_read_is_refused() {
    let directory = Directory::new();
    let file = directory.write("manhole.json", &config(0).to_string(), 0o644);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--manhole", file.to_str().unwrap()];
    let end = run(serve);
    let expected = "expected a file that nobody but its owner can read, got ";
    assert!(end.code == Some(2) && end.stderr.contains(expected), "{}", end.stderr);
    let mut program = Program::spawn(wampproc(serve.into_iter().chain(["--insecure-permissions"])));
    program.wait_for_log("the manhole is open at ");
    let key = UserKey::new(&directory, "joe").public;
    let users = json!([{"user": "joe", "authorized_keys": [key]}]);
    let secretless = json!({"endpoint": {"type": "tcp", "port": 0}, "users": users});
    directory.write("manhole.json", &secretless.to_string(), 0o644);
    Program::spawn(wampproc(serve)).wait_for_log("the manhole is open at ");
}

#[test]
fn events_come_in_order_before_the_result_and_hold_no_password() {
    let mut dialogue = Dialogue::new();
    dialogue.call("get_manhole", &json!([]));
    assert_eq!(dialogue.result(), (Value::Null, false));

    dialogue.call("start_manhole", &json!([config(0)]));
    let starting = dialogue.event("on_manhole_starting");
    assert_eq!(
        (&starting["status"], &starting["started"], &starting["uptime"]),
        (&json!("starting"), &Value::Null, &Value::Null)
    );
    assert_eq!(starting["config"]["users"], json!([{"user": "joe", "password": null}]));
    assert_eq!(dialogue.result(), (starting, true));
    let started = dialogue.event("on_manhole_started");
    assert_eq!(started["status"], "started");
    assert!(started["uptime"].is_f64() && started["host_key"].as_str().unwrap().starts_with("SHA256:"), "{started}");
    assert_eq!(dialogue.result(), (started.clone(), false));
    let port = u16::try_from(started["config"]["endpoint"]["port"].as_u64().unwrap()).unwrap();
    let mut caller = TcpStream::connect(("127.0.0.1", port)).unwrap();
    caller.set_read_timeout(Some(PATIENCE)).unwrap();
    // It is heard: one that still waits to be accepted would be reset.
    let mut greeting = [0; 8];
    caller.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"SSH-2.0-");

    dialogue.call("start_manhole", &json!([config(0)]));
    assert_eq!(dialogue.error().0, "crossbar.error.already_started");
    dialogue.call("get_manhole", &json!([]));
    let (map, _) = dialogue.result();
    assert_eq!((&map["created"], &map["config"]), (&started["created"], &started["config"]));

    dialogue.call("stop_manhole", &json!([]));
    assert_eq!(dialogue.event("on_manhole_stopping"), Value::Null);
    assert_eq!(dialogue.result(), (Value::Null, true));
    assert_eq!(dialogue.event("on_manhole_stopped"), Value::Null);
    assert_eq!(dialogue.result(), (Value::Null, false));
    caller.read_to_end(&mut Vec::new()).expect("the connection is closed");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "and so is the listener");
    dialogue.call("stop_manhole", &json!([]));
    assert_eq!(dialogue.error().0, "crossbar.error.not_started");
}

#[test]
fn what_cannot_be_started_leaves_nothing_behind() {
    let mut dialogue = Dialogue::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    dialogue.call("start_manhole", &json!([config(port)]));
    dialogue.event("on_manhole_starting");
    assert_eq!(dialogue.result().0["status"], "starting");
    assert_eq!(dialogue.event("on_manhole_stopped"), Value::Null);
    let (uri, sentence) = dialogue.error();
    assert_eq!(uri, "crossbar.error.cannot_listen");
    assert!(sentence.starts_with(&format!("cannot listen at 127.0.0.1:{port}: ")), "{sentence}");

    for (argument, uri, sentence) in [
        (json!([{}]), "crossbar.error.invalid_configuration", "endpoint: expected a value, got none"),
        (json!([]), "wamp.error.invalid_argument", "config: expected a dict, got no argument"),
        (json!([[]]), "wamp.error.invalid_argument", "config: expected a dict, got []"),
    ] {
        dialogue.call("start_manhole", &argument);
        assert_eq!(dialogue.error(), (uri.to_owned(), sentence.to_owned()));
    }
    let missing = json!({"endpoint": {"type": "tcp", "port": 0}, "users": [{"user": "x", "authorized_keys": {"file": "/nonexistent"}}]});
    dialogue.call("start_manhole", &json!([missing]));
    dialogue.event("on_manhole_starting");
    dialogue.result();
    dialogue.event("on_manhole_stopped");
    let (uri, sentence) = dialogue.error();
    assert_eq!(uri, "crossbar.error.invalid_configuration");
    assert!(sentence.starts_with("users[0].authorized_keys.file: "), "{sentence}");
    dialogue.call("get_manhole", &json!([]));
    assert_eq!(dialogue.result(), (Value::Null, false));
}

#[test]
fn a_manhole_outlives_the_session_and_goes_with_the_agent() {
    let directory = Directory::new();
    let key = UserKey::new(&directory, "joe");
    let socket = directory.path("manhole");
    let config = json!({
        "endpoint": {"type": "unix", "path": socket},
        "users": [{"user": "joe", "authorized_keys": {"file": key.file.with_extension("pub")}}],
    });
    // Nobody listens at that address.
    let agent = Agent::builder(FakeRouter::new().url())
        .realm("realm9")
        .manhole(Config::parse(&config).unwrap())
        .command("pump", "Says what it is told.", |words| match words {
            [] => Err("expected words, got none".to_owned()),
            words => Ok(json!({"count": words.len(), "first": words[0]})),
        })
        .build()
        .unwrap();
    let publisher = agent.publisher();
    let running = agent.spawn().unwrap();
    while !socket.exists() {
        std::thread::yield_now();
    }
    let relay = Relay::to(socket.clone());
    let run = |words: &[&str]| ssh(relay.port, "joe", &["-i", key.file.to_str().unwrap()], words);

    let end = Program::spawn(run(&["session", "--json"])).end();
    let session: Value = serde_json::from_str(end.text()).unwrap();
    assert_eq!((&session["realm"], &session["session"]), (&json!("realm9"), &Value::Null));
    let end = Program::spawn(run(&["pump", "'a b'", "c"])).end();
    assert_eq!((end.code, end.text()), (Some(0), "count  2\nfirst  a b\n"));
    let end = Program::spawn(run(&["pump"])).end();
    assert_eq!((end.code, end.stderr.as_str()), (Some(1), "wampproc.error.command_failed: expected words, got none\n"));

    let mut events = Program::spawn(run(&["events", "2", "--json"]));
    // Until it is there nobody hears.
    let line = loop {
        publisher.publish("on_pumped", &json!({"litres": 5})).unwrap();
        match events.line_within(Duration::from_millis(50)) {
            Some(line) => break line,
            None => continue,
        }
    };
    assert_eq!(line, r#"{"topic":"on_pumped","args":[{"litres":5}],"kwargs":{}}"#);
    publisher.publish("on_pumped", &json!({"litres": 6})).unwrap();
    assert_eq!(events.end().code, Some(0));
    running.stop().unwrap();
    assert!(!socket.exists(), "the socket goes with the manhole");
}

#[test]
fn a_command_of_the_program_has_a_name_of_its_own() {
    for name in ["", "stats", "two words", "x/y"] {
        let builder = Agent::builder(FakeRouter::new().url()).command(name, "", |_| Ok(Value::Null));
        assert!(matches!(builder.build(), Err(AgentError::Name(_))), "{name:?}");
    }
}

/// A port for clients that know no Unix sockets.
struct Relay {
    port: u16,
}

impl Relay {
    fn to(socket: std::path::PathBuf) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for outer in listener.incoming().map_while(Result::ok) {
                let Ok(inner) = UnixStream::connect(&socket) else { return };
                let (mut from_outer, mut from_inner) = (outer.try_clone().unwrap(), inner.try_clone().unwrap());
                let (mut to_inner, mut to_outer) = (inner, outer);
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from_outer, &mut to_inner);
                    let _ = to_inner.shutdown(std::net::Shutdown::Write);
                });
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from_inner, &mut to_outer);
                    let _ = to_outer.shutdown(std::net::Shutdown::Both);
                });
            }
        });
        Self { port }
    }
}
