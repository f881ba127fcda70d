//! `serve` and `join` with a child: what tini, dumb-init and supervisors are known for, seen from outside.

mod api;
mod ends;
mod garbage;
mod notify;
mod output;
mod processes;
mod signals;
mod terminal;

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{End, PATIENCE, Program, run, wampproc};

/// The words of a command that runs a shell script as child.
fn words<'a>(flags: &[&'a str], script: &'a str) -> Vec<&'a str> {
    let mut words = vec!["serve", "--listen", "127.0.0.1:0", "--log-level", "warn"];
    words.extend(flags);
    words.extend(["--", "sh", "-c", script]);
    words
}

/// Starts a supervised shell script.
fn supervise(flags: &[&str], script: &str) -> Program {
    Program::spawn(wampproc(words(flags, script)))
}

/// Runs a supervised shell script to its end.
fn run_script(flags: &[&str], script: &str) -> End {
    run(words(flags, script))
}

/// Waits until the embedded router serves the agent; its URL.
fn url(program: &mut Program) -> String {
    let line = program.wait_for_log("ready ws://");
    line.split(' ').nth(1).unwrap().to_owned()
}

/// Calls a procedure of the agent: the exit code, and what was printed.
fn call(url: &str, words: &[&str]) -> (Option<i32>, String) {
    let (procedure, arguments) = words.split_first().unwrap();
    let procedure = format!("crossbar.worker.sh.{procedure}");
    let mut line = vec!["call", "--url", url, &procedure];
    line.extend(arguments);
    let end = run(line);
    (end.code, if end.code == Some(0) { end.text().trim_end().to_owned() } else { end.stderr })
}

/// Follows an event of the agent.
fn follow(url: &str, event: &str) -> Program {
    let topic = format!("crossbar.worker.sh.{event}");
    let mut program = Program::spawn(wampproc(["subscribe", "--url", url, "--log-level", "info", &topic]));
    program.wait_for_log("subscribed to");
    program
}

/// The only argument of the next event.
fn event(follower: &mut Program) -> serde_json::Value {
    serde_json::from_str::<serde_json::Value>(&follower.line()).unwrap()["args"][0].take()
}

/// Waits for what nobody tells of.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came to pass: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Fields of `/proc/PID/stat` from the third on; `None` when there is no such process.
fn stat(pid: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(fields(&text))
}

/// The fields behind the name: state, parent, group, session, terminal, the terminal's foreground group, …
fn fields(stat: &str) -> Vec<String> {
    stat.rsplit_once(')').unwrap().1.split_whitespace().map(str::to_owned).collect()
}
