//! The command line: flags, output, exit codes. The only place that prints.
//!
//! Two tables say what can be typed: [`commands::COMMANDS`] and [`flags::FLAGS`]. The parser, `--help` and the tests of
//! the documentation read them; a new flag is one entry.

pub mod arguments;
mod call;
mod client;
pub mod commands;
pub mod exit;
pub mod failure;
pub mod flags;
pub mod given;
pub mod help;
mod join;
mod logger;
pub mod output;
pub mod parse;
mod printable;
mod procedures;
mod publish;
mod ready;
mod serve;
mod signals;
mod subscribe;
mod suggest;
mod values;

use std::ffi::OsString;
use std::io::{self, Write};

use commands::{COMMANDS, Name};
use exit::Exit;
use failure::Failure;
use flags::Answer;
use given::Format;
use parse::{Asked, UsageError, parse};
use printable::printable;

/// Runs the program with the words behind its name.
#[must_use]
pub fn run(words: impl IntoIterator<Item = OsString>) -> Exit {
    match parse(words) {
        Ok(Asked::Run(command, given)) => {
            logger::start(given.log_level);
            match (command.run)(&given) {
                Ok(()) => Exit::Done,
                Err(failure) => report(&failure, command.id, given.format),
            }
        }
        Ok(Asked::Answer(answer, command)) => {
            let text = match (answer, command) {
                (Answer::Version, _) => help::version(),
                (Answer::Help, None) => help::program(),
                (Answer::Help, Some(command)) => help::command(command),
            };
            match output::bytes(text.as_bytes()) {
                Ok(()) => Exit::Done,
                Err(failure) => {
                    say(&failure.to_string());
                    failure.exit()
                }
            }
        }
        Err(error) => report_usage(&error),
    }
}

fn report(failure: &Failure, command: Name, format: Format) -> Exit {
    match failure {
        Failure::Usage(sentence) => {
            return report_usage(&UsageError { command: Some(command), sentence: sentence.clone() });
        }
        Failure::Wamp(error) if format == Format::Json => to_stderr(&output::error(error)),
        silent if silent.is_silent() => {}
        other => say(&other.to_string()),
    }
    failure.exit()
}

fn report_usage(error: &UsageError) -> Exit {
    say(&error.sentence);
    match error.command.and_then(|id| COMMANDS.iter().find(|command| command.id == id)) {
        Some(command) => {
            to_stderr(&format!("usage: {}\nwampproc {} --help tells more.", help::usage(command), command.name));
        }
        None => to_stderr("wampproc --help tells more."),
    }
    Exit::Usage
}

fn say(sentence: &str) {
    to_stderr(&format!("wampproc: {}", printable(sentence)));
}

/// If stderr is gone there is nobody to tell.
fn to_stderr(text: &str) {
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}
