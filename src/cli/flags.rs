//! The flags: one table, an entry each. The parser, `--help` and whatever else lists flags read it.

use std::ffi::OsStr;

use super::commands::Name::{self, Call, Join, Procedures, Publish, Serve, Subscribe};
use super::given::{Acknowledgement, Format, Given, Which};
use super::output::Form;
use super::values;
use crate::agent::Patience;
use crate::server::{Exposure, REALM};
use crate::transport::url::Url;

/// A flag.
pub struct Flag {
    /// Its name, without the dashes.
    pub long: &'static str,
    /// Its letter.
    pub short: Option<char>,
    /// What stands behind it, and what becomes of that.
    pub takes: Takes,
    /// The commands that have it. A flag that means two things has two entries.
    pub commands: &'static [Name],
    /// Sentences for `--help`.
    pub help: &'static str,
}

/// What stands behind a flag, and what becomes of it.
pub enum Takes {
    /// Nothing.
    Nothing(fn(&mut Given)),
    /// A value.
    Value {
        /// As in `--flag NAME`.
        name: &'static str,
        /// What holds without the flag.
        default: Option<&'static str>,
        /// Stores it, or says what was expected.
        store: Store,
    },
    /// Nothing; it is answered instead of running a command.
    Answer(Answer),
}

/// How a value is stored.
#[derive(Clone, Copy)]
pub enum Store {
    /// From text.
    Text(fn(&mut Given, &str) -> Result<(), String>),
    /// From the name of a file, which need not be text.
    Path(fn(&mut Given, &OsStr) -> Result<(), String>),
}

/// What is printed instead of running a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// How to use the command, or the program.
    Help,
    /// The version.
    Version,
}

impl Flag {
    /// Whether a command has this flag. Without a command there are those that ask for an answer.
    #[must_use]
    pub fn is_of(&self, command: Option<Name>) -> bool {
        match command {
            Some(command) => self.commands.contains(&command),
            None => matches!(self.takes, Takes::Answer(_)),
        }
    }
}

const AGENTS: &[Name] = &[Serve, Join];
const CLIENTS: &[Name] = &[Call, Subscribe, Publish];

/// All flags, in the order of `--help`.
pub const FLAGS: &[Flag] = &[
    Flag {
        long: "url",
        short: None,
        takes: Takes::Value {
            name: "URL",
            default: Some(Url::DEFAULT),
            store: Store::Text(|given, text| set(&mut given.place.url, text.parse())),
        },
        commands: CLIENTS,
        help: "The router.",
    },
    Flag {
        long: "listen",
        short: None,
        takes: Takes::Value {
            name: "ADDR:PORT",
            default: Some("127.0.0.1:8080"),
            store: Store::Text(|given, text| set(&mut given.listening.address, values::address(text))),
        },
        commands: &[Serve],
        help: "Where to listen. Port 0 is any free port; the ready line tells which.",
    },
    Flag {
        long: "realm",
        short: None,
        takes: Takes::Value {
            name: "REALM",
            default: Some(REALM),
            store: Store::Text(|given, text| set(&mut given.place.realm, values::uri(text))),
        },
        commands: &[Serve, Join, Call, Subscribe, Publish],
        help: "The realm.",
    },
    Flag {
        long: "allow-origin",
        short: None,
        takes: Takes::Value {
            name: "ORIGIN",
            default: None,
            store: Store::Text(|given, text| push(&mut given.listening.origins, text.parse())),
        },
        commands: &[Serve],
        help: "A web page of this origin, like http://board-7:8080, may connect too; * is any. Without it only pages of \
               this very port may. May be repeated.",
    },
    Flag {
        long: "allow-remote-anonymous",
        short: None,
        takes: Takes::Nothing(|given| given.listening.exposure = Exposure::RemoteAnonymous),
        commands: &[Serve],
        help: "Whoever reaches the address may connect without a login. --listen wants this for every address that \
               other machines could reach.",
    },
    Flag {
        long: "no-retry",
        short: None,
        takes: Takes::Nothing(|given| given.connection.patience = Patience::OneAttempt),
        commands: &[Join],
        help: "Ends at the first failure, instead of waiting for a router that is not there yet, or no longer.",
    },
    Flag {
        long: "reconnect-initial",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("100ms"),
            store: Store::Text(|given, text| set(&mut given.connection.reconnect.initial, values::delay(text))),
        },
        commands: &[Join],
        help: "How long to wait before the first new attempt to connect; each further wait is half as long again. A random \
               part of it is left out, so that agents that lost the same router do not come back all at once.",
    },
    Flag {
        long: "reconnect-max",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("30s"),
            store: Store::Text(|given, text| set(&mut given.connection.reconnect.max, values::delay(text))),
        },
        commands: &[Join],
        help: "The longest such wait; not less than the first.",
    },
    Flag {
        long: "ping-interval",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("10s"),
            store: Store::Text(|given, text| {
                set(&mut given.connection.keepalive.interval, values::ping_interval(text))
            }),
        },
        commands: AGENTS,
        help: "Silence after which the other end is asked whether it is still there, 100ms or more. 0: never.",
    },
    Flag {
        long: "node",
        short: None,
        takes: Takes::Value {
            name: "ID",
            default: None,
            store: Store::Text(|given, text| set(&mut given.agent.node, values::id(text).map(Some))),
        },
        commands: AGENTS,
        help: "The node's id, one component of a URI. Without it: the host name's first label.",
    },
    Flag {
        long: "worker",
        short: None,
        takes: Takes::Value {
            name: "ID",
            default: Some(env!("CARGO_PKG_NAME")),
            store: Store::Text(|given, text| set(&mut given.agent.worker, values::id(text))),
        },
        commands: AGENTS,
        help: "The worker's id, one component of a URI.",
    },
    Flag {
        long: "role",
        short: None,
        takes: Takes::Value {
            name: "ROLE",
            default: Some("worker"),
            store: Store::Text(|given, text| set(&mut given.agent.role, values::role(text))),
        },
        commands: AGENTS,
        help: "What the process is in Crossbar.io's terms, worker or controller: it decides the URIs.",
    },
    Flag {
        long: "uri-prefix",
        short: None,
        takes: Takes::Value {
            name: "TEMPLATE",
            default: None,
            store: Store::Text(|given, text| push(&mut given.agent.prefixes, values::prefix(text))),
        },
        commands: AGENTS,
        help: "A prefix of all URIs, without a dot at its end; {node} and {worker} in it stand for the ids. Replaces \
               the prefixes of the role. May be repeated.",
    },
    Flag {
        long: "worker-type",
        short: None,
        takes: Takes::Value {
            name: "TYPE",
            default: Some("native"),
            store: Store::Text(|given, text| set(&mut given.agent.worker_type, values::text(text))),
        },
        commands: AGENTS,
        help: "What get_process_monitor gives as \"type\".",
    },
    Flag {
        long: "interval",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("1s"),
            store: Store::Text(|given, text| set(&mut given.agent.interval, values::interval(text))),
        },
        commands: AGENTS,
        help: "Time between two samples of the process, 10ms to 1d.",
    },
    Flag {
        long: "history",
        short: None,
        takes: Takes::Value {
            name: "SAMPLES",
            default: Some("600"),
            store: Store::Text(|given, text| set(&mut given.agent.history, values::history(text))),
        },
        commands: AGENTS,
        help: "How many samples are kept. 0: nothing is measured unless somebody asks.",
    },
    Flag {
        long: "manhole",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| given.agent.manhole.set_config(path)),
        },
        commands: AGENTS,
        help: "Starts a manhole, an SSH server into this process, as the file says: the argument of start_manhole, in JSON.",
    },
    Flag {
        long: "state-dir",
        short: None,
        takes: Takes::Value {
            name: "DIR",
            default: None,
            store: Store::Path(|given, path| given.agent.manhole.set_state_directory(path)),
        },
        commands: AGENTS,
        help: "Where the manhole's host key is kept; it is made at the first use. Without it: a new key each time.",
    },
    Flag {
        long: "kwarg",
        short: Some('k'),
        takes: Takes::Value {
            name: "KEY=VALUE",
            default: None,
            store: Store::Text(|given, text| {
                let (key, value) = values::key_value(text)?;
                given.arguments.insert(key, value)
            }),
        },
        commands: &[Call, Publish],
        help: "A keyword argument; VALUE is JSON if it can be, and else a string. May be repeated.",
    },
    Flag {
        long: "string",
        short: Some('s'),
        takes: Takes::Value {
            name: "STRING",
            default: None,
            store: Store::Text(|given, text| {
                given.arguments.push_string(text);
                Ok(())
            }),
        },
        commands: &[Call, Publish],
        help: "A positional argument, in its place among the others, that is a string even if it could be JSON. May be \
               repeated.",
    },
    Flag {
        long: "bytes",
        short: Some('b'),
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| given.arguments.push_file(path)),
        },
        commands: &[Call, Publish],
        help: "A positional argument, in its place among the others, that is the bytes of a file; - is the standard \
               input. May be repeated.",
    },
    Flag {
        long: "match",
        short: None,
        takes: Takes::Value {
            name: "HOW",
            default: Some("exact"),
            store: Store::Text(|given, text| set(&mut given.subscription.matching, values::matching(text))),
        },
        commands: &[Subscribe],
        help: "How TOPIC is matched: exact; prefix, every topic that begins with it; wildcard, where a component left \
               empty stands for any, as in com..started.",
    },
    Flag {
        long: "count",
        short: None,
        takes: Takes::Value {
            name: "N",
            default: None,
            store: Store::Text(|given, text| set(&mut given.subscription.count, values::count(text).map(Some))),
        },
        commands: &[Subscribe],
        help: "Ends after this many events.",
    },
    Flag {
        long: "ack",
        short: None,
        takes: Takes::Nothing(|given| given.acknowledgement = Acknowledgement::Wanted),
        commands: &[Publish],
        help: "Waits until the router says that the event is published, and prints the publication's id. Without it \
               nobody says whether it was.",
    },
    Flag {
        long: "progress",
        short: None,
        takes: Takes::Nothing(|given| given.results.which = Which::All),
        commands: &[Call],
        help: "Asks for progressive results and prints them too, a line each.",
    },
    Flag {
        long: "raw",
        short: None,
        takes: Takes::Nothing(|given| given.results.form = Form::Raw),
        commands: &[Call],
        help: "Prints a result that is a string without its quotes, and one that is binary as its bytes.",
    },
    Flag {
        long: "json",
        short: None,
        takes: Takes::Nothing(|given| given.format = Format::Json),
        commands: CLIENTS,
        help: "Prints a WAMP ERROR as one line of JSON, {\"error\",\"args\",\"kwargs\"}, to stderr.",
    },
    Flag {
        long: "json",
        short: None,
        takes: Takes::Nothing(|given| given.format = Format::Json),
        commands: &[Procedures],
        help: "Prints a line of JSON for each procedure, {\"name\",\"signature\",\"result\",\"doc\"}.",
    },
    Flag {
        long: "timeout",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("10s"),
            store: Store::Text(|given, text| set(&mut given.timeout, values::timeout(text))),
        },
        commands: &[Call, Publish],
        help: "How long everything may take together, from looking up the router to the last answer, whatever step takes \
               it. 0: for ever.",
    },
    Flag {
        long: "timeout",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: None,
            store: Store::Text(|given, text| set(&mut given.timeout, values::timeout(text))),
        },
        commands: &[Subscribe],
        help: "Ends after this time: well without --count, and as timed out when fewer events than that came. 0: never. \
               Without it there is no end, but connecting and joining may take 10s each.",
    },
    Flag {
        long: "log-level",
        short: None,
        takes: Takes::Value { name: "LEVEL", default: Some("info"), store: Store::Text(store_log_level) },
        commands: AGENTS,
        help: "What is logged to stderr: off, error, warn, info, debug or trace.",
    },
    Flag {
        long: "log-level",
        short: None,
        takes: Takes::Value { name: "LEVEL", default: Some("warn"), store: Store::Text(store_log_level) },
        commands: CLIENTS,
        help: "What is logged to stderr: off, error, warn, info, debug or trace.",
    },
    Flag {
        long: "help",
        short: Some('h'),
        takes: Takes::Answer(Answer::Help),
        commands: Name::ALL,
        help: "Prints this text.",
    },
    Flag {
        long: "version",
        short: Some('V'),
        takes: Takes::Answer(Answer::Version),
        commands: Name::ALL,
        help: "Prints the version.",
    },
];

/// Flags that contradict each other.
pub const EXCLUSIVE: &[(&str, &str)] = &[("no-retry", "reconnect-initial"), ("no-retry", "reconnect-max")];

fn store_log_level(given: &mut Given, text: &str) -> Result<(), String> {
    set(&mut given.log_level, values::log_level(text))
}

/// Stores a value.
pub(super) fn set<T, E: ToString>(place: &mut T, value: Result<T, E>) -> Result<(), String> {
    *place = value.map_err(|error| error.to_string())?;
    Ok(())
}

/// Stores one more value.
fn push<T, E: ToString>(place: &mut Vec<T>, value: Result<T, E>) -> Result<(), String> {
    place.push(value.map_err(|error| error.to_string())?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_no_two_flags_of_one_name_or_letter() {
        for command in Name::ALL {
            let flags: Vec<_> = FLAGS.iter().filter(|flag| flag.is_of(Some(*command))).collect();
            let longs: std::collections::HashSet<_> = flags.iter().map(|flag| flag.long).collect();
            assert_eq!(longs.len(), flags.len(), "{command:?}");
            let shorts: Vec<_> = flags.iter().filter_map(|flag| flag.short).collect();
            let distinct: std::collections::HashSet<_> = shorts.iter().collect();
            assert_eq!(distinct.len(), shorts.len(), "{command:?}");
        }
    }

    #[test]
    fn defaults_are_values_that_the_flags_take() {
        for flag in FLAGS {
            if let Takes::Value { default: Some(default), store: Store::Text(store), .. } = flag.takes {
                assert_eq!(store(&mut Given::default(), default), Ok(()), "--{}", flag.long);
            }
        }
    }
}
