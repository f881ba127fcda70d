//! The flags: a table, an entry each, in a file for each subject. The parser, `--help` and whatever else lists flags read it.

mod accounts;
mod agent;
mod child;
mod client;
mod connection;
mod every;
mod login;
mod target;
mod tls;

use std::ffi::OsStr;

use super::commands::Name::{self, Call, Join, Publish, Serve, Subscribe};
use super::given::Given;

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
const LOGINS: &[Name] = &[Join, Call, Subscribe, Publish];

/// All flags, by subject, in the order of `--help`.
const TABLES: [&[Flag]; 9] = [
    connection::FLAGS,
    login::FLAGS,
    accounts::FLAGS,
    tls::FLAGS,
    target::FLAGS,
    child::FLAGS,
    agent::FLAGS,
    client::FLAGS,
    every::FLAGS,
];

/// All flags, in the order of `--help`.
pub fn all() -> impl Iterator<Item = &'static Flag> {
    TABLES.into_iter().flatten()
}

/// Flags that contradict each other.
pub const EXCLUSIVE: &[(&str, &str)] = &[
    ("no-retry", "reconnect-initial"),
    ("no-retry", "reconnect-max"),
    ("no-retry", "reconnect-absent"),
    ("users", "allow-remote-anonymous"),
    ("secret-file", "secret-env"),
    ("secret-file", "secret-fd"),
    ("secret-env", "secret-fd"),
    ("pid", "pidfile"),
    ("gc-signal", "gc-command"),
    ("ca", "tls-insecure"),
];

/// Flags that mean something only with another: the flag, and that other one.
pub const DEPENDENT: &[(&str, &str)] = &[
    ("wait", "pidfile"),
    ("cert", "key"),
    ("key", "cert"),
    ("tls-cert", "tls-key"),
    ("tls-key", "tls-cert"),
    ("tls-client-ca", "tls-cert"),
];

/// Stores a value.
pub(super) fn set<T, E: ToString>(place: &mut T, value: Result<T, E>) -> Result<(), String> {
    *place = value.map_err(|error| error.to_string())?;
    Ok(())
}

/// Stores one more value.
pub(super) fn push<T, E: ToString>(place: &mut Vec<T>, value: Result<T, E>) -> Result<(), String> {
    place.push(value.map_err(|error| error.to_string())?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_no_two_flags_of_one_name_or_letter() {
        for command in Name::ALL {
            let flags: Vec<_> = all().filter(|flag| flag.is_of(Some(*command))).collect();
            let longs: std::collections::HashSet<_> = flags.iter().map(|flag| flag.long).collect();
            assert_eq!(longs.len(), flags.len(), "{command:?}");
            let shorts: Vec<_> = flags.iter().filter_map(|flag| flag.short).collect();
            let distinct: std::collections::HashSet<_> = shorts.iter().collect();
            assert_eq!(distinct.len(), shorts.len(), "{command:?}");
        }
    }

    #[test]
    fn defaults_are_values_that_the_flags_take() {
        for flag in all() {
            if let Takes::Value { default: Some(default), store: Store::Text(store), .. } = flag.takes {
                assert_eq!(store(&mut Given::default(), default), Ok(()), "--{}", flag.long);
            }
        }
    }
}
