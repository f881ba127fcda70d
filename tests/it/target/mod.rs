//! Agents whose target is another process: a child of the test, by its id or by a pid file.

mod garbage;
mod pid;
mod pid_file;
mod usage;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wampproc::agent::{Agent, AgentBuilder, ReconnectPolicy};
use wampproc::supervisor::TargetChoice;

use crate::fake_router::{Client, FakeRouter};
use crate::support::PATIENCE;

/// A child that waits for the end of its input. It is ended and waited for at the latest when this is dropped.
struct Process(Child);

impl Process {
    fn idle() -> Self {
        Self::new(&mut Command::new("cat"))
    }

    fn new(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let name = fs::read_to_string("/proc/self/comm").unwrap();
        // Until its program runs it is called like the one that started it.
        let (deadline, file) = (Instant::now() + PATIENCE, format!("/proc/{}/comm", child.id()));
        while fs::read_to_string(&file).unwrap() == name {
            assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "it does not start");
            std::thread::yield_now();
        }
        Self(child)
    }

    fn pid(&self) -> i32 {
        self.0.id().try_into().unwrap()
    }

    /// Ends it, and lets nothing be left of it.
    fn end(&mut self) {
        self.kill();
        self.0.wait().unwrap();
    }

    /// Ends it, and leaves a zombie.
    fn kill(&mut self) {
        let _ = self.0.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Writes a file in one step: whoever reads it sees the old or the new one.
fn replace(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, file).unwrap();
}

/// An agent of that target.
fn builder(router: &FakeRouter, choice: TargetChoice) -> AgentBuilder {
    let quickly = Duration::from_millis(5);
    let policy =
        ReconnectPolicy { initial: quickly, factor: 1.0, max: quickly, absent: quickly, healthy: Duration::ZERO };
    Agent::builder(router.url()).node("n1").worker("w1").reconnect(policy).target(choice)
}

/// Calls a procedure, which was registered under this number and answers at once.
fn call(client: &mut Client, names: &[String], procedure: &str, args: &Value) -> Value {
    let name = format!("crossbar.worker.w1.{procedure}");
    let number = 1001 + names.iter().position(|known| *known == name).unwrap();
    client.send(&json!([68, 1, number, {}, args]));
    client.receive().unwrap()
}

/// The result of a procedure.
fn result(client: &mut Client, names: &[String], procedure: &str, args: &Value) -> Value {
    let answer = call(client, names, procedure, args);
    assert_eq!(answer[0], 70, "{procedure}: {answer}");
    answer[3][0].clone()
}

/// The error of a procedure and its sentence.
fn refusal(client: &mut Client, names: &[String], procedure: &str) -> (String, String) {
    let answer = call(client, names, procedure, &json!([]));
    assert_eq!(answer[0], 8, "{procedure}: {answer}");
    (answer[4].as_str().unwrap().to_owned(), answer[5][0].as_str().unwrap().to_owned())
}

/// The next event, which must be this one: it comes under both prefixes, each to be acknowledged.
fn event(client: &mut Client, topic: &str) -> Value {
    let [first, second] = [(); 2].map(|()| {
        let event = client.expect(16);
        assert_eq!(event[2], json!({"acknowledge": true}));
        event
    });
    assert_eq!(first[3], format!("crossbar.worker.w1.{topic}"));
    assert_eq!(second[3], format!("crossbar.node.n1.worker.w1.{topic}"));
    assert_eq!(first[4], second[4]);
    for event in [&first, &second] {
        client.send(&json!([17, event[1], 99]));
    }
    first[4][0].clone()
}

/// Answers GOODBYE, and waits until the client is gone.
fn part(client: &mut Client) {
    assert_eq!(client.expect(6)[2], "wamp.close.normal");
    client.send(&json!([6, {}, "wamp.close.goodbye_and_out"]));
    client.expect_end();
}
