//! Whole dialogues: what is typed, what is asked, what is shown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use log::{Level, LevelFilter};
use serde_json::json;

use super::output::ENOUGH;
use super::table::Custom;
use super::*;
use crate::manhole::log_feed::Logged;
use crate::manhole::question::{Heard, Inquiry, Question, Refusal};
use crate::sync::clock::Timestamp;
use crate::wamp::Payload;

pub(super) fn setting() -> Setting {
    let procedure = |name: &str, params: &[&str]| Procedure {
        name: name.to_owned(),
        params: params.iter().map(|param| (*param).to_owned()).collect(),
    };
    Setting {
        name: "w1".to_owned(),
        custom: vec![Custom { name: "pump".to_owned(), help: "Pumps.".to_owned(), run: Arc::new(|_| Ok(json!(null))) }],
        procedures: vec![procedure("get_cpus", &[]), procedure("set_cpu_affinity", &["cpus", "relative"])],
        log: Some(LogFeed::default()),
    }
}

struct Dialogue {
    shell: Shell,
    now: Instant,
}

const TERMINAL: Terminal = Terminal { columns: 80, rows: 24, colour: Colour::Plain };

impl Dialogue {
    fn script() -> Self {
        Self { shell: Shell::of_script(Arc::new(setting())), now: Instant::now() }
    }

    fn terminal() -> Self {
        Self { shell: Shell::on_terminal(Arc::new(setting()), TERMINAL), now: Instant::now() }
    }

    fn command(command: &str) -> Self {
        let now = Instant::now();
        Self { shell: Shell::of_command(Arc::new(setting()), command.as_bytes(), None, now), now }
    }

    fn send(&mut self, bytes: &str) {
        self.shell.receive(bytes.as_bytes(), self.now);
    }

    fn answer(&mut self, json: &str) {
        assert!(self.shell.next_request().is_some(), "something was asked");
        self.shell.answer(Ok(json.to_owned()), self.now);
    }

    /// What it said since it was asked last: to stdout, to stderr.
    fn said(&mut self) -> (String, String) {
        let mut said = (Vec::new(), Vec::new());
        while let Some((stream, bytes)) = self.shell.output() {
            // In small bites, as a window gives them.
            let bite = bytes.get(..7).unwrap_or(bytes).to_vec();
            match stream {
                Stream::Out => said.0.extend(&bite),
                Stream::Err => said.1.extend(&bite),
            }
            self.shell.take_output(bite.len(), self.now);
        }
        (String::from_utf8(said.0).unwrap(), String::from_utf8(said.1).unwrap())
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.shell.expire(self.now);
    }
}

#[test]
fn a_command_ends_with_its_status_whatever_becomes_of_the_input() {
    let mut stats = Dialogue::command("stats --json");
    stats.send("ignored");
    stats.shell.end_input(stats.now);
    assert_eq!(stats.shell.take_consumed(), 7);
    let Some(Request::Agent(Question::Call { procedure, .. })) = stats.shell.next_request() else { panic!() };
    assert_eq!(procedure, "get_process_stats");
    stats.shell.answer(Ok("{\"b\": 1.0, \"a\": 2}".to_owned()), stats.now);
    assert_eq!(stats.shell.exit(), None, "there is output yet");
    assert_eq!(stats.said(), ("{\"b\":1.0,\"a\":2}\n".to_owned(), String::new()));
    assert_eq!(stats.shell.exit(), Some(0));

    for (command, code, complaint) in [
        ("", 0, ""),
        ("stats x", 2, "stats: expected no arguments, got \"x\"\n"),
        ("call 'x", 2, "expected a closing ', got the end of the line\n"),
        ("nonsense\u{1b}", 127, "nonsense\\u{1b}: no such command; help lists them\n"),
        ("help nonsense", 2, "help: expected the name of a command, got \"nonsense\"\n"),
    ] {
        let mut dialogue = Dialogue::command(command);
        assert_eq!(dialogue.said(), (String::new(), complaint.to_owned()), "{command}");
        assert_eq!(dialogue.shell.exit(), Some(code), "{command}");
    }
}

#[test]
fn a_refusal_is_on_stderr_and_the_status_1() {
    let mut dialogue = Dialogue::command("gc");
    dialogue.shell.next_request().unwrap();
    dialogue.shell.answer(Err(Refusal::new("a.b", "no\x1b")), dialogue.now);
    assert_eq!(dialogue.said(), (String::new(), "a.b: no\\u{1b}\n".to_owned()));
    assert_eq!(dialogue.shell.exit(), Some(1));

    let mut dialogue = Dialogue::command("gc");
    dialogue.shell.next_request().unwrap();
    dialogue.pass(Duration::from_secs(31));
    assert_eq!(dialogue.said().1, "wampproc.error.timeout: no answer within 30 s\n");
    assert_eq!(dialogue.shell.exit(), Some(1));
}

#[test]
fn a_script_runs_line_by_line_and_ends_with_the_last_status() {
    let mut dialogue = Dialogue::script();
    dialogue.send("affinity\nwho\n\nnonsense\nkick 3");
    assert_eq!(dialogue.shell.take_consumed(), 9, "the next line waits for the answer");
    dialogue.answer("[0,1]");
    assert_eq!(dialogue.shell.next_request(), Some(Request::Manhole(Inquiry::Who)));
    dialogue.shell.answer(Ok("[]".to_owned()), dialogue.now);
    assert_eq!(dialogue.said(), ("0,1\nnone\n".to_owned(), "nonsense: no such command; help lists them\n".to_owned()));
    assert_eq!(dialogue.shell.next_request(), None, "the last line is not whole");
    dialogue.shell.end_input(dialogue.now);
    assert_eq!(dialogue.shell.next_request(), Some(Request::Manhole(Inquiry::Kick { number: 3 })));
    assert_eq!(dialogue.shell.exit(), None);
    dialogue.shell.answer(Ok("null".to_owned()), dialogue.now);
    assert_eq!((dialogue.said(), dialogue.shell.exit()), (Default::default(), Some(0)));
}

#[test]
fn a_line_without_end_is_refused_and_the_next_one_runs() {
    let mut dialogue = Dialogue::script();
    dialogue.send(&"x".repeat(3 * MAX_LINE));
    dialogue.send("\nhelp exit\n");
    let (out, err) = dialogue.said();
    assert_eq!(
        (out.as_str(), err.as_str()),
        ("exit  Leave; so does Ctrl-D.\n", "a line: expected at most 4096 bytes, got more\n")
    );
}

#[test]
fn nothing_begins_while_the_client_does_not_read() {
    let mut dialogue = Dialogue::script();
    dialogue.send(&"help\n".repeat(1000));
    let used = dialogue.shell.take_consumed();
    assert!(used < 500, "{used} bytes of commands were used");
    let (out, _) = dialogue.said();
    let one = Dialogue::command("help").said().0;
    assert_eq!(out, one.repeat(1000), "and everything comes in the end");
}

#[test]
fn a_terminal_has_a_prompt_and_its_lines_return() {
    let mut dialogue = Dialogue::terminal();
    let (out, _) = dialogue.said();
    assert!(out.contains("help lists the commands.\r\n") && out.contains("\rw1> "), "{out:?}");
    dialogue.send("nonsense\r");
    let (out, err) = dialogue.said();
    assert!(out.contains("no such command; help lists them\r\n\rw1> ") && err.is_empty(), "{out:?}");
    dialogue.send("call get_cp\t\r");
    dialogue.answer("{\"a\":[1]}");
    let (out, _) = dialogue.said();
    assert!(out.contains("{\r\n  \"a\": [\r\n    1\r\n  ]\r\n}\r\n\rw1> "), "{out:?}");
    dialogue.send("\x04");
    dialogue.said();
    assert_eq!(dialogue.shell.exit(), Some(0));
}

#[test]
fn ctrl_c_ends_what_runs_and_what_was_typed_before_it() {
    let mut dialogue = Dialogue::terminal();
    dialogue.send("events\r");
    assert!(dialogue.shell.follows().is_some());
    dialogue.send("stats\rgc\r\x03he");
    assert!(dialogue.shell.follows().is_none());
    dialogue.send("lp exit\r");
    let (out, _) = dialogue.said();
    assert!(
        out.contains("^C\r\n\rw1> ") && out.contains("Leave;") && dialogue.shell.next_request().is_none(),
        "{out:?}"
    );

    dialogue.send("events\rgc\r\x03");
    assert!(
        dialogue.shell.follows().is_none() && dialogue.shell.next_request().is_none(),
        "also when it was typed ahead"
    );

    let mut script = Dialogue::script();
    script.send("events\n\x03");
    assert!(script.shell.follows().is_some(), "without a terminal it is a byte like any other");
    script.shell.interrupt(script.now);
    assert!(script.shell.follows().is_none());
}

#[test]
fn events_are_followed_until_enough_came_and_what_was_missed_is_told() {
    let mut dialogue = Dialogue::command("events 2 --json");
    let heard = |missed| Heard { topic: "on_x".to_owned(), payload: Payload::of(&json!({"b": 1})), missed };
    dialogue.shell.hear(&heard(0), dialogue.now);
    assert_eq!(dialogue.shell.exit(), None);
    dialogue.shell.hear(&heard(3), dialogue.now);
    let (out, err) = dialogue.said();
    assert_eq!(out, "{\"topic\":\"on_x\",\"args\":[{\"b\":1}],\"kwargs\":{}}\n".repeat(2));
    assert_eq!(err, "3 events were missed\n");
    assert_eq!(dialogue.shell.exit(), Some(0));
    dialogue.shell.hear(&heard(0), dialogue.now);
    assert_eq!(dialogue.said().0, "");
}

#[test]
fn the_log_is_followed_as_far_as_it_is_grave_until_it_is_interrupted() {
    let mut dialogue = Dialogue::command("log follow warn --json");
    assert_eq!(dialogue.shell.follows(), Some(Feed::Log(LevelFilter::Warn)));
    let logged = |level, missed| Logged {
        at: Timestamp::from_ns(1_795_334_845_801_000_000),
        level,
        target: "a::b".to_owned(),
        message: "x\x1b\"".to_owned(),
        missed,
    };
    dialogue.shell.read_log(&logged(Level::Info, 0), dialogue.now);
    assert_eq!(dialogue.said(), Default::default(), "another dialogue of the connection follows more");
    dialogue.shell.read_log(&logged(Level::Warn, 2), dialogue.now);
    let (out, err) = dialogue.said();
    let line = r#"{"ts":"2026-11-22T08:07:25.801Z","level":"warn","target":"a::b","message":"x\u001b\""}"#;
    assert_eq!((out.trim_end(), err.as_str()), (line, "2 records were missed\n"));
    dialogue.shell.interrupt(dialogue.now);
    assert_eq!(dialogue.shell.exit(), Some(130));

    let mut dialogue = Dialogue::terminal();
    dialogue.send("log follow\r");
    dialogue.said();
    dialogue.shell.read_log(&logged(Level::Info, 0), dialogue.now);
    assert_eq!(dialogue.said().0, "2026-11-22T08:07:25.801Z INFO a::b: x\\u{1b}\"\r\n");
    dialogue.send("\x03");
    assert!(dialogue.shell.follows().is_none());
}

#[test]
fn a_program_that_gives_away_no_log_says_so() {
    let (setting, now) = (Setting { log: None, ..setting() }, Instant::now());
    let shell = Shell::of_command(Arc::new(setting), b"log follow", None, now);
    let mut dialogue = Dialogue { shell, now };
    let sentence = "crossbar.error.feature_unavailable: this program's log cannot be followed: it has no LogFeed\n";
    assert_eq!(dialogue.said(), (String::new(), sentence.to_owned()));
    assert_eq!(dialogue.shell.exit(), Some(1));
}

fn answer_top(dialogue: &mut Dialogue) {
    dialogue.answer("{\"pid\":17}");
    let asked = dialogue.shell.next_request();
    let threads = Question::Call { procedure: "get_process_threads".to_owned(), payload: Payload::default() };
    assert_eq!(asked, Some(Request::Agent(threads)));
    dialogue.shell.answer(Ok("[{\"tid\":17,\"name\":\"main\",\"cpu\":1.0}]".to_owned()), dialogue.now);
}

#[test]
fn top_is_drawn_again_until_a_key_is_pressed() {
    let mut dialogue = Dialogue::terminal();
    dialogue.said();
    dialogue.send("top\r");
    answer_top(&mut dialogue);
    let (out, _) = dialogue.said();
    assert!(out.contains("\x1b[?1049h") && out.contains("process 17"), "{out:?}");
    assert_eq!(dialogue.shell.next_request(), None);
    dialogue.pass(Duration::from_secs(1));
    answer_top(&mut dialogue);
    assert!(dialogue.said().0.starts_with("\x1b[H"));
    dialogue.shell.resize(40, 10, dialogue.now);
    dialogue.pass(Duration::ZERO);
    answer_top(&mut dialogue);
    assert!(dialogue.said().0.contains("process 17"), "at once after a resize");
    dialogue.send("qa");
    let (out, _) = dialogue.said();
    assert!(out.starts_with("\x1b[?25h\x1b[?1049l\rw1> ") && out.ends_with('a'), "{out:?}");
}

#[test]
fn top_without_a_terminal_is_one_picture_of_a_second() {
    let mut dialogue = Dialogue::command("top");
    answer_top(&mut dialogue);
    assert_eq!(dialogue.said().0, "");
    dialogue.pass(Duration::from_secs(1));
    answer_top(&mut dialogue);
    let (out, _) = dialogue.said();
    assert!(out.contains("process 17") && out.contains("17    0.0") && !out.contains('\x1b'), "{out}");
    assert_eq!(dialogue.shell.exit(), Some(0));

    let mut dialogue = Dialogue::command("top --json");
    answer_top(&mut dialogue);
    assert_eq!(
        dialogue.said().0,
        "{\"stats\":{\"pid\":17},\"threads\":[{\"tid\":17,\"name\":\"main\",\"cpu\":1.0}]}\n"
    );
}

#[test]
fn pictures_are_left_out_while_the_client_does_not_read() {
    let mut dialogue = Dialogue::terminal();
    dialogue.send("top\r");
    for _ in 0..2000 {
        answer_top(&mut dialogue);
        dialogue.pass(Duration::from_secs(1));
    }
    let (out, _) = dialogue.said();
    assert!(out.len() < 2 * ENOUGH, "{} bytes waited", out.len());
}
