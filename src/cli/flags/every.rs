//! Flags that most commands have.

use super::{AGENTS, Answer, CLIENTS, Flag, Store, Takes, set};
use crate::cli::commands::Name;
use crate::cli::given::Given;
use crate::cli::values;

pub(super) const FLAGS: &[Flag] = &[
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

fn store_log_level(given: &mut Given, text: &str) -> Result<(), String> {
    set(&mut given.log_level, values::log_level(text))
}
