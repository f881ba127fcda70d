//! The command line: flags, output, exit codes. The only place that prints.
//!
//! Two tables say what can be typed: [`commands::COMMANDS`] and [`flags::all`]. The parser, `--help` and the tests of
//! the documentation read them; a new flag is one entry, and the field of `given` that it fills.

#[cfg_attr(not(feature = "auth"), path = "accounts_missing.rs")]
mod accounts;
mod arguments;
mod call;
mod child;
pub mod commands;
mod conversation;
mod descriptor;
mod ending;
pub mod exit;
mod failure;
pub mod flags;
mod form;
mod given;
mod help;
mod join;
mod listing;
mod log_budget;
mod logger;
mod login;
#[cfg_attr(not(feature = "manhole"), path = "manhole_missing.rs")]
mod manhole;
mod notice;
mod output;
mod parse;
mod procedures;
mod publish;
mod ready;
mod reload;
mod secret;
mod serve;
mod signals;
mod size;
mod socket_owner;
mod subscribe;
mod suggest;
mod target;
#[cfg_attr(not(feature = "tls"), path = "tls_missing.rs")]
mod tls;
mod values;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write};

use crate::terminal::printable;
use commands::Name;
use exit::Exit;
use failure::Failure;
use flags::Answer;
use given::Format;
use parse::{Asked, UsageError, parse};

/// Runs the program with the words behind its name.
#[must_use]
pub fn run(words: impl IntoIterator<Item = OsString>) -> Exit {
    match parse(words) {
        Ok(Asked::Run(command, given)) => {
            logger::start(given.log_level);
            let outcome = (command.run)(&given);
            log::logger().flush();
            end(outcome, Some(command.id), given.format)
        }
        Ok(Asked::Answer(answer, command)) => {
            let text = match (answer, command) {
                (Answer::Version, _) => help::version(),
                (Answer::Help, None) => help::program(),
                (Answer::Help, Some(command)) => help::command(command),
            };
            end(output::bytes(text.as_bytes()), None, Format::Text)
        }
        Err(UsageError { command, sentence }) => end(Err(Failure::Usage(sentence)), command, Format::Text),
    }
}

/// Says what went wrong, if anything did.
fn end(outcome: Result<(), Failure>, command: Option<Name>, format: Format) -> Exit {
    let Err(failure) = outcome else { return Exit::Done };
    let said = match &failure {
        silent if silent.is_silent() => String::new(),
        Failure::Wamp(error) if format == Format::Json => form::error(error) + "\n",
        failure => format!("{}: {}\n", env!("CARGO_PKG_NAME"), printable(&failure.to_string())),
    };
    let hint = if failure.exit() == Exit::Usage { help::hint(command) } else { String::new() };
    // If stderr is gone there is nobody to tell.
    let _ = io::stderr().write_all((said + &hint).as_bytes());
    failure.exit()
}
