//! The commands: one table, an entry each. `help`, completion and the dispatch read it; a new command is one entry.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;
use serde_json::Value;

use super::render::Style;
use super::step::{Feed, Step, Usage, Watch, Written};
use super::text;
use super::top::top;
use super::words::{Word, payload};
use crate::manhole::question::{Inquiry, Question, Request};
use crate::process::Subject;

/// A command.
pub struct Command {
    /// What is typed.
    pub name: &'static str,
    /// What may stand behind it, as in `[LEVEL]`.
    pub arguments: &'static str,
    /// What it does, one line.
    pub help: &'static str,
    /// What its arguments can be completed to.
    pub completes: Completes,
    /// What it leads to.
    pub run: fn(&[Word]) -> Result<Step, Usage>,
}

/// What arguments can be completed to.
#[derive(Clone, Copy, Debug)]
pub enum Completes {
    /// Nothing is known about them.
    Nothing,
    /// Names of commands.
    Commands,
    /// A procedure, and the names of its arguments.
    Procedures,
    /// Whatever of these can stand behind the words that are there.
    Words(fn(&[&str]) -> &'static [&'static str]),
}

/// A command of an embedding program: gets the words behind its name, answers with a value or a sentence that says what went
/// wrong. It runs on the thread of the connection that asks, so it may take its time; the manhole's stop waits for it.
pub type CustomRun = dyn Fn(&[String]) -> Result<Value, String> + Send + Sync;

/// A command of an embedding program with its name and one line of help.
#[derive(Clone)]
pub struct Custom {
    /// What is typed.
    pub name: String,
    /// What it does, one line.
    pub help: String,
    /// Does it.
    pub run: Arc<CustomRun>,
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom").field("name", &self.name).field("help", &self.help).finish_non_exhaustive()
    }
}

const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

/// How many seconds `history` shows by default.
const HISTORY: u32 = 60;
/// In about so many lines.
const HISTORY_LINES: f64 = 20.0;

/// What makes `log` follow.
const FOLLOW: &str = "follow";

const LOG_WORDS: &[&str] = &[FOLLOW, "off", "error", "warn", "info", "debug", "trace"];

/// How long a picture of `top` stands.
const TOP_EVERY: Duration = Duration::from_secs(1);

/// All commands, in the order of `help`.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        arguments: "[COMMAND]",
        help: "List the commands, or say what one does.",
        completes: Completes::Commands,
        run: |words| Ok(Step::Help(at_most_one(words)?.map(str::to_owned))),
    },
    Command {
        name: "stats",
        arguments: "",
        help: "State, CPU time, memory, I/O and context switches.",
        completes: Completes::Nothing,
        run: |words| nothing(words).map(|()| call("get_process_stats", text::stats)),
    },
    Command {
        name: "info",
        arguments: "",
        help: "Open files and sockets, number of threads and descriptors.",
        completes: Completes::Nothing,
        run: |words| nothing(words).map(|()| call("get_process_info", text::info)),
    },
    Command {
        name: "monitor",
        arguments: "",
        help: "Counters, and how fast they grow.",
        completes: Completes::Nothing,
        run: |words| nothing(words).map(|()| call("get_process_monitor", text::monitor)),
    },
    Command {
        name: "top",
        arguments: "",
        help: "The process and its threads, once a second until a key is pressed.",
        completes: Completes::Nothing,
        run: |words| {
            nothing(words)?;
            Ok(Step::Watch(Watch {
                questions: &[
                    ("stats", || Question::Call {
                        procedure: "get_process_stats".to_owned(),
                        payload: Default::default(),
                    }),
                    ("threads", || Question::Call {
                        procedure: "get_process_threads".to_owned(),
                        payload: Default::default(),
                    }),
                ],
                every: TOP_EVERY,
                draw: top,
            }))
        },
    },
    Command {
        name: "history",
        arguments: "[SECONDS]",
        help: "CPU, memory and calls of the last 60 seconds, or of so many.",
        completes: Completes::Nothing,
        run: |words| {
            let window = number(words, "a number of seconds")?.unwrap_or(HISTORY);
            let resolution = (f64::from(window) / HISTORY_LINES).max(1.0);
            let payload =
                crate::wamp::typed::payload(&[window.to_string(), resolution.to_string()], &[]).map_err(Usage)?;
            let question = Question::Call { procedure: "get_process_history".to_owned(), payload };
            Ok(Step::Ask(Request::Agent(question), Written::By(text::history)))
        },
    },
    Command {
        name: "threads",
        arguments: "",
        help: "Threads: name, state, CPU time, and what each waits in.",
        completes: Completes::Nothing,
        run: |words| nothing(words).map(|()| call("get_process_threads", text::threads)),
    },
    Command {
        name: "fds",
        arguments: "",
        help: "Open descriptors.",
        completes: Completes::Nothing,
        run: |words| inspect(words, Subject::Descriptors, text::descriptors),
    },
    Command {
        name: "sockets",
        arguments: "",
        help: "Open sockets.",
        completes: Completes::Nothing,
        run: |words| nothing(words).map(|()| call("get_process_info", text::sockets)),
    },
    Command {
        name: "env",
        arguments: "",
        help: "The environment that the process was started with; secrets are masked.",
        completes: Completes::Nothing,
        run: |words| inspect(words, Subject::Environment, text::environment),
    },
    Command {
        name: "limits",
        arguments: "",
        help: "Resource limits, and how much of each is used.",
        completes: Completes::Nothing,
        run: |words| nothing(words).map(|()| call("get_process_limits", text::limits)),
    },
    Command {
        name: "maps",
        arguments: "",
        help: "What takes up the address space.",
        completes: Completes::Nothing,
        run: |words| inspect(words, Subject::Maps, text::maps),
    },
    Command {
        name: "affinity",
        arguments: "[CPUS]",
        help: "The CPUs that the process may run on; with a list like 0,2-3 sets them.",
        completes: Completes::Nothing,
        run: |words| match at_most_one(words)? {
            None => Ok(call("get_cpu_affinity", text::affinity)),
            Some(list) => {
                let cpus = cpus(list).ok_or_else(|| wrong("a list of CPUs like 0,2-3", list))?;
                // How numbers are shown for debugging is JSON, too.
                let payload =
                    crate::wamp::typed::payload(&[format!("{cpus:?}"), "false".to_owned()], &[]).map_err(Usage)?;
                let question = Question::Call { procedure: "set_cpu_affinity".to_owned(), payload };
                Ok(Step::Ask(Request::Agent(question), Written::By(text::affinity)))
            }
        },
    },
    Command {
        name: "gc",
        arguments: "",
        help: "Give memory that is not needed back to the system.",
        completes: Completes::Nothing,
        run: |words| nothing(words).map(|()| call("trigger_gc", text::gc)),
    },
    Command {
        name: "log",
        arguments: "[follow] [LEVEL]",
        help: "The level of the log; with error, warn, info, debug, trace or off sets it. With follow: what is logged from \
               that level (info) on, until Ctrl-C.",
        completes: Completes::Words(|words| match words {
            [] => LOG_WORDS,
            ["follow"] => LEVELS,
            _ => &[],
        }),
        run: |words| match words.split_first() {
            Some((follow, rest)) if follow.text == FOLLOW => {
                Ok(Step::Follow(Feed::Log(level(rest)?.unwrap_or(LevelFilter::Info))))
            }
            _ => Ok(Step::Ask(Request::LogLevel(level(words)?), Written::By(super::render::any))),
        },
    },
    Command {
        name: "events",
        arguments: "[COUNT]",
        help: "Follow what is published, until Ctrl-C or so many events.",
        completes: Completes::Nothing,
        run: |words| match number(words, "a number of events")? {
            Some(0) => Err(wrong("a number of events from 1", "0")),
            count => Ok(Step::Follow(Feed::Events(count.map(u64::from)))),
        },
    },
    Command {
        name: "call",
        arguments: "PROCEDURE [ARG...] [KEY=VALUE...]",
        help: "Call a procedure of the API. An argument that is JSON is that, any other is a string.",
        completes: Completes::Procedures,
        run: |words| {
            let Some((procedure, arguments)) = words.split_first() else {
                return Err(Usage("expected a procedure, got nothing".to_owned()));
            };
            let question =
                Question::Call { procedure: procedure.text.clone(), payload: payload(arguments).map_err(Usage)? };
            Ok(Step::Ask(Request::Agent(question), Written::Json))
        },
    },
    Command {
        name: "session",
        arguments: "",
        help: "The connection to the router: URL, realm, session, traffic, failures, counters; and the id of the process.",
        completes: Completes::Nothing,
        run: |words| nothing(words).map(|()| Step::Ask(Request::Agent(Question::Session), Written::By(text::session))),
    },
    Command {
        name: "who",
        arguments: "",
        help: "Who is connected to this manhole.",
        completes: Completes::Nothing,
        run: |words| nothing(words).map(|()| Step::Ask(Request::Manhole(Inquiry::Who), Written::By(text::who))),
    },
    Command {
        name: "kick",
        arguments: "NUMBER",
        help: "End a connection, by its number in who.",
        completes: Completes::Nothing,
        run: |words| match number(words, "the number of a connection, as who shows it")? {
            Some(number) => Ok(Step::Ask(Request::Manhole(Inquiry::Kick { number }), Written::By(super::render::any))),
            None => Err(Usage("expected the number of a connection, as who shows it, got nothing".to_owned())),
        },
    },
    Command {
        name: "exit",
        arguments: "",
        help: "Leave; so does Ctrl-D.",
        completes: Completes::Nothing,
        run: |words| nothing(words).map(|()| Step::Exit),
    },
    Command {
        name: "quit",
        arguments: "",
        help: "Leave, as by exit.",
        completes: Completes::Nothing,
        run: |words| nothing(words).map(|()| Step::Exit),
    },
];

fn call(procedure: &str, written: fn(&Value, &Style) -> String) -> Step {
    let question = Question::Call { procedure: procedure.to_owned(), payload: Default::default() };
    Step::Ask(Request::Agent(question), Written::By(written))
}

fn inspect(words: &[Word], subject: Subject, written: fn(&Value, &Style) -> String) -> Result<Step, Usage> {
    nothing(words)?;
    Ok(Step::Ask(Request::Agent(Question::Inspect(subject)), Written::By(written)))
}

fn nothing(words: &[Word]) -> Result<(), Usage> {
    match words.first() {
        None => Ok(()),
        Some(word) => Err(wrong("no arguments", &word.text)),
    }
}

fn at_most_one(words: &[Word]) -> Result<Option<&str>, Usage> {
    match words {
        [] => Ok(None),
        [word] => Ok(Some(&word.text)),
        [_, surplus, ..] => Err(wrong("at most one argument", &surplus.text)),
    }
}

fn number(words: &[Word], expected: &str) -> Result<Option<u32>, Usage> {
    at_most_one(words)?.map(|text| text.parse().map_err(|_| wrong(expected, text))).transpose()
}

fn level(words: &[Word]) -> Result<Option<LevelFilter>, Usage> {
    let level = at_most_one(words)?.map(|text| {
        let level = LevelFilter::from_str(text).ok().filter(|_| LEVELS.contains(&text));
        level.ok_or_else(|| wrong(&LEVELS.join(", "), text))
    });
    level.transpose()
}

fn wrong(expected: &str, got: &str) -> Usage {
    Usage(format!("expected {expected}, got {got:?}"))
}

/// The CPUs of a list like `0,2-3`.
fn cpus(list: &str) -> Option<Vec<u32>> {
    /// No kernel is built for more CPUs.
    const MOST: u32 = 8192;
    let mut cpus = Vec::new();
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last >= MOST {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::super::words::Words;
    use super::*;

    fn run(line: &str) -> Result<Step, Usage> {
        let words = Words::split(line).unwrap().0;
        let command = COMMANDS.iter().find(|command| command.name == words[0].text).unwrap();
        (command.run)(&words[1..])
    }

    fn asked(line: &str) -> Request {
        match run(line) {
            Ok(Step::Ask(request, _)) => request,
            _ => panic!("{line} asks nothing"),
        }
    }

    #[test]
    fn names_are_unique_and_help_is_one_line() {
        let names: std::collections::HashSet<_> = COMMANDS.iter().map(|command| command.name).collect();
        assert_eq!(names.len(), COMMANDS.len());
        assert!(COMMANDS.iter().all(|command| command.help.ends_with('.') && !command.help.contains('\n')));
    }

    #[test]
    fn arguments_that_a_command_does_not_take_are_named() {
        for (line, sentence) in [
            ("stats x", "expected no arguments, got \"x\""),
            ("history many", "expected a number of seconds, got \"many\""),
            ("history 1 2", "expected at most one argument, got \"2\""),
            ("affinity 3-1", "expected a list of CPUs like 0,2-3, got \"3-1\""),
            ("affinity 0-99999999", "expected a list of CPUs like 0,2-3, got \"0-99999999\""),
            ("log loud", "expected off, error, warn, info, debug, trace, got \"loud\""),
            ("log follow loud", "expected off, error, warn, info, debug, trace, got \"loud\""),
            ("log follow info x", "expected at most one argument, got \"x\""),
            ("events 0", "expected a number of events from 1, got \"0\""),
            ("call", "expected a procedure, got nothing"),
            ("kick", "expected the number of a connection, as who shows it, got nothing"),
        ] {
            match run(line) {
                Err(Usage(got)) => assert_eq!(got, sentence),
                Ok(_) => panic!("{line} is taken"),
            }
        }
    }

    #[test]
    fn calls_carry_their_arguments() {
        let Request::Agent(Question::Call { procedure, payload }) = asked("affinity 0,2-3") else { panic!() };
        assert_eq!((procedure.as_str(), payload.raw_args().unwrap().get()), ("set_cpu_affinity", "[[0, 2, 3],false]"));
        let Request::Agent(Question::Call { procedure, payload }) = asked("call set_cpu_affinity [0] relative=true")
        else {
            panic!()
        };
        assert_eq!((procedure.as_str(), payload.raw_args().unwrap().get()), ("set_cpu_affinity", "[[0]]"));
        assert_eq!(payload.raw_kwargs().unwrap().get(), r#"{"relative":true}"#);
        assert_eq!(asked("log debug"), Request::LogLevel(Some(LevelFilter::Debug)));
    }
}
