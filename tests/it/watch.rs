//! Watches from outside: set, raised and cleared over WAMP and from the command line, by the kernel's triggers, over sessions.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use wampproc::agent::{Agent, ReconnectPolicy};
use wampproc::sampler::{Rule, Threshold};

use crate::fake_router::{Client, FakeRouter, registrations};
use crate::support::{PATIENCE, Program, run, wampproc};

/// `serve` whose agent is called w.
struct Board {
    program: Program,
    url: String,
}

impl Board {
    fn new(arguments: &[&str]) -> Self {
        let words = ["serve", "--listen", "127.0.0.1:0", "--worker", "w", "--interval", "20ms", "--log-level", "off"];
        let mut program = Program::spawn(wampproc([&words, arguments].concat()));
        let url = program.line().split(' ').nth(1).unwrap().to_owned();
        Self { program, url }
    }

    /// Calls a procedure: its result, or its error in words.
    fn call(&self, name: &str, arguments: &[&str]) -> Result<Value, String> {
        let procedure = format!("crossbar.worker.w.{name}");
        let end = run([&["call", &procedure, "--url", &self.url], arguments].concat());
        match end.code {
            Some(0) => Ok(serde_json::from_str(end.text()).unwrap()),
            Some(1) => Err(end.stderr.strip_prefix("wampproc: ").unwrap().trim_end().to_owned()),
            code => panic!("{code:?}: {}", end.stderr),
        }
    }

    fn set(&self, name: &str, rule: &Value) -> Result<Value, String> {
        self.call("set_watch", &[name, &rule.to_string()])
    }

    /// The watch of that name, once it is so.
    fn watch(&self, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let watches = self.call("get_watches", &[]).unwrap();
            let watch = watches.as_array().unwrap().iter().find(|watch| watch["name"] == name).unwrap().clone();
            if is_so(&watch) {
                return watch;
            }
            assert!(Instant::now() < deadline, "{watch}");
        }
    }

    /// Prints the events of watches.
    fn subscribe(&self) -> Program {
        let words = ["subscribe", "crossbar.worker.w.on_watch_", "--match", "prefix", "--log-level", "info"];
        let mut program = Program::spawn(wampproc([&words[..], &["--url", &self.url]].concat()));
        program.wait_for_log("subscribed to");
        program
    }

    /// Whether the thread that waits for the kernel's word runs.
    fn waits_for_pressure(&self) -> bool {
        let mut tasks = fs::read_dir(format!("/proc/{}/task", self.program.id())).unwrap();
        // One that has ended meanwhile has no name any more.
        let name = |task: std::io::Result<fs::DirEntry>| fs::read_to_string(task.ok()?.path().join("comm")).ok();
        tasks.any(|task| name(task).is_some_and(|name| name == "pressure\n"))
    }

    fn until_pressure_is_waited_for(&self, expected: bool) {
        let deadline = Instant::now() + PATIENCE;
        while self.waits_for_pressure() != expected {
            assert!(Instant::now() < deadline, "expected {expected}");
            std::thread::yield_now();
        }
    }

    fn connect(&self) -> TcpStream {
        let address = self.url.strip_prefix("ws://").unwrap().strip_suffix("/ws").unwrap();
        TcpStream::connect(address).unwrap()
    }

    fn end(self) {
        self.program.signal(Signal::SIGTERM);
        assert_eq!(self.program.end().code, Some(0));
    }
}

/// The next event: the last component of its topic, and its argument.
fn event(subscriber: &mut Program) -> (String, Value) {
    let line: Value = serde_json::from_str(&subscriber.line()).unwrap();
    let topic = line["topic"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
    (topic, line["args"][0].clone())
}

#[test]
fn descriptors_of_clients_raise_a_watch_and_their_going_clears_it() {
    // More than the callers and the subscriber of this test take.
    const CROWD: u64 = 40;
    for history in ["600", "0"] {
        let board = Board::new(&["--history", history]);
        let mut subscriber = board.subscribe();
        let anything = json!({"metric": "num_fds", "above": 0});
        let set = board.set("fds", &anything).unwrap();
        assert_eq!((&set["state"], &set["rule"]["clear"]), (&json!("clear"), &json!(0)));
        let (topic, raised) = event(&mut subscriber);
        assert_eq!((topic.as_str(), &raised["threshold"]), ("on_watch_raised", &json!(0)));
        let few = raised["value"].as_u64().unwrap();
        let rule = json!({"metric": "num_fds", "above": few + CROWD / 2, "clear": few + CROWD / 4});
        board.set("fds", &rule).unwrap();
        let (topic, replaced) = event(&mut subscriber);
        assert_eq!((topic.as_str(), &replaced["reason"]), ("on_watch_cleared", &json!("replaced")));
        assert_eq!(replaced["since"], raised["since"]);

        let crowd: Vec<_> = (0..CROWD).map(|_| board.connect()).collect();
        let (topic, raised) = event(&mut subscriber);
        assert_eq!(
            (topic.as_str(), &raised["name"], &raised["again"]),
            ("on_watch_raised", &json!("fds"), &json!(false))
        );
        assert!(raised["value"].as_u64().unwrap() > few + CROWD / 2, "{raised}");
        let watch = board.watch("fds", |_| true);
        assert_eq!((&watch["state"], &watch["since"]), (&json!("raised"), &raised["since"]));
        drop(crowd);
        let (topic, cleared) = event(&mut subscriber);
        assert_eq!((topic.as_str(), &cleared["reason"]), ("on_watch_cleared", &json!("value")));
        assert!(cleared["value"].as_u64().unwrap() <= few + CROWD / 4, "{cleared}");
        assert_eq!(cleared["since"], raised["since"]);
        assert!(cleared["duration"].as_f64().unwrap() > 0.0);
        board.end();
    }
}

#[test]
fn what_a_process_had_raised_is_cleared_before_the_agent_ends_with_it() {
    let router = Board::new(&[]);
    for _ in 0..10 {
        let mut process = Command::new("sleep").arg("600").spawn().unwrap();
        let mut subscriber =
            wampproc(["subscribe", "crossbar.worker.x.on_", "--match", "prefix", "--url", &router.url]);
        let mut subscriber = Program::spawn({
            subscriber.args(["--log-level", "info"]);
            subscriber
        });
        subscriber.wait_for_log("subscribed to");
        let pid = process.id().to_string();
        let flags = [
            "join",
            &router.url,
            "--worker",
            "x",
            "--pid",
            &pid,
            "--watch",
            "age=uptime,above=0",
            "--interval",
            "20ms",
        ];
        let agent = Program::spawn(wampproc(flags));
        // Perhaps twice: when it was raised, and for those who had missed that.
        assert_eq!(event(&mut subscriber).0, "on_watch_raised");
        process.kill().unwrap();
        process.wait().unwrap();
        assert_eq!(agent.end().code, Some(0));
        let mut last =
            || std::iter::repeat_with(|| event(&mut subscriber)).find(|(topic, _)| topic != "on_watch_raised");
        // Told by two threads, in either order.
        let mut told = [last().unwrap(), last().unwrap()];
        told.sort_by(|(one, _), (other, _)| one.cmp(other));
        let [(exited, exit), (cleared, change)] = told;
        assert_eq!((exited.as_str(), exit["pid"].to_string()), ("on_process_exited", pid));
        assert_eq!(
            (cleared.as_str(), &change["name"], &change["reason"]),
            ("on_watch_cleared", &json!("age"), &json!("exited"))
        );
    }
    router.end();
}

#[test]
fn watches_of_the_command_line_are_there_from_the_start() {
    let flags = ["--watch", "many=threads,above=1,for=50ms", "--watch", "big=resident,above=1TiB", "--history", "0"];
    let board = Board::new(&flags);
    let many = board.watch("many", |watch| watch["state"] == "raised");
    let rule = json!({"metric": "threads", "above": 1, "for": 0.05, "clear": 1});
    assert_eq!((&many["rule"], &many["unit"]), (&rule, &Value::Null));
    let big = board.watch("big", |watch| watch["value"].is_u64());
    assert_eq!((&big["state"], &big["unit"], &big["since"]), (&json!("clear"), &json!("bytes"), &Value::Null));
    assert_eq!(big["rule"]["above"], json!(1_u64 << 40));
    board.end();

    for (rule, sentence) in [
        ("many", "--watch: expected NAME=METRIC,above=VALUE or "),
        ("many=load,above=1", "--watch: metric: expected one of cpu_percent, "),
        ("many=threads,above=1,clear=2", "--watch: clear: expected at most the threshold, 1, got 2"),
    ] {
        let end = run(["join", "--watch", rule]);
        assert_eq!(end.code, Some(2), "{}", end.stderr);
        assert!(end.stderr.starts_with(&format!("wampproc: {sentence}")), "{}", end.stderr);
    }
}

#[test]
fn what_is_refused_changes_nothing() {
    let board = Board::new(&[]);
    let rule = json!({"metric": "threads", "above": 100_000, "for": 5, "clear": 50});
    let set = board.set("w", &rule).unwrap();
    assert_eq!(set["rule"], rule);
    let list = |board: &Board| {
        let mut watches = board.call("get_watches", &[]).unwrap();
        watches.as_array_mut().unwrap().iter_mut().for_each(|watch| watch["value"] = Value::Null);
        watches
    };
    let before = list(&board);
    for (name, arguments, sentence) in [
        ("set_watch", &["w"][..], "rule: expected a dict, got no argument"),
        ("set_watch", &["w", "5"], "rule: expected a dict, got 5"),
        ("set_watch", &["5", "{}"], "name: expected a string, got 5"),
        ("set_watch", &["w", "{}"], "rule: expected metric, above or below, for and clear, got no metric"),
        ("set_watch", &["w", r#"{"metric": "x", "above": 1}"#], "rule: metric: expected one of "),
        ("set_watch", &["w", r#"{"metric": "threads", "above": 1, "clear": 2}"#], "rule: clear: expected at most "),
        ("set_watch", &["a b", r#"{"metric": "threads", "above": 1}"#], "name: expected 1 to 64 letters, "),
        ("remove_watch", &["v"], r#"name: expected one of the watches w, got "v""#),
        ("remove_watch", &[], "name: expected a string, got no argument"),
        ("get_watches", &["1"], "expected no arguments, got 1 positional arguments"),
    ] {
        let error = board.call(name, arguments).unwrap_err();
        assert!(error.starts_with(&format!("wamp.error.invalid_argument: {sentence}")), "{error}");
    }
    assert_eq!(list(&board), before);
    assert_eq!(board.call("remove_watch", &["w"]), Ok(Value::Null));
    assert_eq!(board.call("get_watches", &[]), Ok(json!([])));
    board.end();
}

/// Keeps every CPU busier than it can be, until it goes.
struct Load {
    is_over: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Load {
    fn new() -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let cpus = std::thread::available_parallelism().unwrap().get();
        let spin = |_| {
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || while !is_over.load(Ordering::Relaxed) {})
        };
        let threads = (0..2 * cpus).map(spin).collect();
        Self { is_over, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

#[test]
fn pressure_is_told_by_the_kernel_or_the_kernel_has_none() {
    let board = Board::new(&["--history", "0"]);
    let rule = json!({"metric": "psi.cpu.some", "above": 0.5});
    assert!(!board.waits_for_pressure());
    match board.set("busy", &rule) {
        Ok(set) => assert_eq!(set["rule"], json!({"metric": "psi.cpu.some", "above": 0.5, "for": 0})),
        Err(error) => {
            let is_there = Path::new("/proc/pressure/cpu").exists();
            let uri = if is_there { "crossbar.error.runtime_error: " } else { "crossbar.error.feature_unavailable: " };
            assert!(error.starts_with(uri), "{error}");
            assert_eq!(board.call("get_watches", &[]), Ok(json!([])), "an error changes nothing");
            assert!(!board.waits_for_pressure());
            return board.end();
        }
    }
    // It is there, and gives itself its name when it first runs.
    board.until_pressure_is_waited_for(true);
    let mut subscriber = board.subscribe();
    let load = Load::new();
    board.watch("busy", |watch| watch["state"] == "raised" && watch["value"].is_null());
    drop(load);
    for rule in
        [json!({"metric": "psi.io.full", "above": 101}), json!({"metric": "psi.io.full", "above": 9, "clear": 8})]
    {
        let error = board.set("busy", &rule).unwrap_err();
        assert!(error.starts_with("wamp.error.invalid_argument: rule: "), "{error}");
    }
    // Another one on the same thread, and one that it goes on for when the first is gone.
    board.set("full", &json!({"metric": "psi.memory.full", "above": 100})).unwrap();
    assert_eq!(board.call("remove_watch", &["busy"]), Ok(Value::Null));
    let mut events = std::iter::from_fn(|| Some(event(&mut subscriber)));
    let (_, cleared) = events.find(|(topic, _)| topic == "on_watch_cleared").unwrap();
    assert!(["value", "removed"].contains(&cleared["reason"].as_str().unwrap()), "{cleared}");
    assert!(board.waits_for_pressure());
    // Its last rule is about the process now.
    board.set("full", &json!({"metric": "threads", "above": 100})).unwrap();
    // Joined is not gone: the kernel shows a thread for a moment longer.
    board.until_pressure_is_waited_for(false);
    board.end();
}

/// Welcomes the agent and answers its REGISTERs; the events of watches that it publishes meanwhile or after, until there is one.
fn first_change(router: &FakeRouter) -> (Client, Value) {
    let mut client = router.welcome();
    let (mut registered, mut change) = (0, None);
    while registered < registrations(2, 0) || change.is_none() {
        let message = client.receive().expect("the agent is there");
        if message[0] == 64 {
            registered += 1;
            client.send(&json!([65, message[1], 1000 + registered]));
        } else {
            assert_eq!(message[0], 16, "{message}");
            assert!(message[3].as_str().unwrap().ends_with(".on_watch_raised"), "{message}");
            change = Some(message[4][0].clone());
        }
    }
    (client, change.unwrap())
}

#[test]
fn what_is_raised_is_told_anew_in_the_next_session() {
    let router = FakeRouter::new();
    let quickly = Duration::from_millis(5);
    let policy =
        ReconnectPolicy { initial: quickly, factor: 1.0, max: quickly, absent: quickly, healthy: Duration::ZERO };
    let rule = Rule::new("threads", Threshold::Above(0.0)).unwrap();
    let agent = Agent::builder(router.url()).node("n1").worker("w1").reconnect(policy).watch("w", rule);
    let _running = agent.interval(Duration::from_millis(10)).history(0).build().unwrap().spawn().unwrap();
    let (client, first) = first_change(&router);
    drop(client);
    let (_client, second) = first_change(&router);
    assert_eq!((&second["again"], &second["since"]), (&json!(true), &first["since"]));
}
