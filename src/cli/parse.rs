//! From the command line's words to what they say, by the tables. Pure.

use std::ffi::{OsStr, OsString};
use std::fmt;

use lexopt::{Arg, Parser};

use super::commands::{COMMANDS, Command, Name, Positional, Times};
use super::flags::{self, Answer, DEPENDENT, EXCLUSIVE, Flag, Store, Takes};
use super::given::Given;
use super::listing::listed;
use super::suggest::nearest;

/// What is to be done.
pub enum Asked {
    /// Print something about a command, or about the program.
    Answer(Answer, Option<&'static Command>),
    /// Run a command.
    Run(&'static Command, Box<Given>),
}

/// A command line that says what cannot be done.
#[derive(Debug)]
pub struct UsageError {
    /// The command, where it is known.
    pub command: Option<Name>,
    /// What was expected, what was got.
    pub sentence: String,
}

/// Parses the words behind the program's name.
///
/// # Errors
/// [`UsageError`].
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Asked, UsageError> {
    let mut parser = Parser::from_args(words);
    match next_word(&mut parser, None)? {
        None => Err(wrong(None, format!("expected a command: {}", names()))),
        Some(Word::Plain(word)) if word == "help" => Ok(Asked::Answer(Answer::Help, topic(&mut parser)?)),
        Some(Word::Plain(word)) => parse_for(command(&word)?, &mut parser),
        Some(Word::Flag(typed)) => match flag(&typed, None)?.takes {
            Takes::Answer(answer) => Ok(Asked::Answer(answer, None)),
            Takes::Nothing(_) | Takes::Value { .. } => Err(wrong(None, unknown(&typed, None))),
        },
    }
}

/// The command that stands behind `help`, if one does.
fn topic(parser: &mut Parser) -> Result<Option<&'static Command>, UsageError> {
    match next_word(parser, None)? {
        Some(Word::Plain(word)) => command(&word).map(Some),
        Some(Word::Flag(_)) | None => Ok(None),
    }
}

/// Parses what stands behind the command's name.
fn parse_for(command: &'static Command, parser: &mut Parser) -> Result<Asked, UsageError> {
    let id = Some(command.id);
    let mut given = defaults(command)?;
    let mut positionals = Positionals::of(command);
    let mut flags = Vec::new();
    loop {
        if positionals.have_rest() && let_rest_begin(parser) {
            positionals.take_rest(&mut given, parser)?;
            break;
        }
        let Some(word) = next_word(parser, id)? else { break };
        let typed = match word {
            Word::Plain(word) => {
                positionals.take(&mut given, &word)?;
                continue;
            }
            Word::Flag(typed) => typed,
        };
        let flag = flag(&typed, id)?;
        flags.push(flag.long);
        match flag.takes {
            Takes::Answer(answer) => return Ok(Asked::Answer(answer, Some(command))),
            Takes::Nothing(set) => set(&mut given),
            Takes::Value { name, store, .. } => {
                let of_flag = |sentence: String| wrong(id, format!("{typed}: {sentence}"));
                let value = parser.value().map_err(|_| of_flag(format!("expected {name}, got nothing")))?;
                store_value(&mut given, store, &value).map_err(of_flag)?;
            }
        }
    }
    positionals.end(&mut given)?;
    if let Some((one, other)) = EXCLUSIVE.iter().find(|(one, other)| flags.contains(one) && flags.contains(other)) {
        return Err(wrong(id, format!("expected either --{one} or --{other}, got both")));
    }
    if let Some((one, other)) = DEPENDENT.iter().find(|(one, other)| flags.contains(one) && !flags.contains(other)) {
        return Err(wrong(id, format!("--{one}: expected --{other} with it, got none")));
    }
    Ok(Asked::Run(command, Box::new(given)))
}

/// A word of the command line.
enum Word {
    Flag(Typed),
    Plain(OsString),
}

/// A flag as it was typed.
enum Typed {
    Long(String),
    Short(char),
}

fn next_word(parser: &mut Parser, command: Option<Name>) -> Result<Option<Word>, UsageError> {
    if let Some(number) = negative_number(parser) {
        return Ok(Some(Word::Plain(number)));
    }
    Ok(match parser.next().map_err(|error| wrong(command, sentence(error)))? {
        None => None,
        Some(Arg::Value(word)) => Some(Word::Plain(word)),
        Some(Arg::Long(name)) => Some(Word::Flag(Typed::Long(name.to_owned()))),
        Some(Arg::Short(letter)) => Some(Word::Flag(Typed::Short(letter))),
    })
}

/// Whether what follows is no flag any more, whatever it looks like: the next word was `--`, and is taken.
fn let_rest_begin(parser: &mut Parser) -> bool {
    let Some(mut raw) = parser.try_raw_args() else { return false };
    let is_rest = raw.peek().is_some_and(|word| word == "--");
    if is_rest {
        raw.next();
    }
    is_rest
}

/// An argument like `-5`, which is no flag.
fn negative_number(parser: &mut Parser) -> Option<OsString> {
    let mut raw = parser.try_raw_args()?;
    let mut bytes = raw.peek()?.as_encoded_bytes().iter();
    let is_number = bytes.next() == Some(&b'-') && bytes.next().is_some_and(u8::is_ascii_digit);
    if is_number { raw.next() } else { None }
}

fn sentence(error: lexopt::Error) -> String {
    match error {
        lexopt::Error::UnexpectedValue { option, value } => format!("{option}: expected no value, got {value:?}"),
        other => other.to_string(),
    }
}

/// The positionals of a command that are still to come.
struct Positionals {
    command: &'static Command,
    taken: usize,
    /// Nothing was taken, but what stands behind `--`.
    is_empty: bool,
}

impl Positionals {
    const fn of(command: &'static Command) -> Self {
        Self { command, taken: 0, is_empty: true }
    }

    fn take(&mut self, given: &mut Given, word: &OsStr) -> Result<(), UsageError> {
        let id = Some(self.command.id);
        let next = self.command.positionals.get(self.taken).filter(|next| next.times != Times::BehindDashes);
        let Some(positional) = next else {
            return Err(wrong(id, format!("expected no more arguments, got {word:?}{}", self.hint_at_rest(word))));
        };
        if !matches!(positional.times, Times::Any | Times::AnyOr { .. }) {
            self.taken += 1;
        }
        self.is_empty = false;
        store_value(given, positional.store, word)
            .map_err(|sentence| wrong(id, format!("{}: {sentence}{}", positional.name, self.hint_at_rest(word))))
    }

    /// What to say of a word that may have been meant for what stands behind `--`.
    fn hint_at_rest(&self, word: &OsStr) -> String {
        match self.rest() {
            Some(positional) if !word.to_string_lossy().contains("://") => {
                format!(" ({} stands behind --)", positional.name)
            }
            _ => String::new(),
        }
    }

    fn rest(&self) -> Option<&'static Positional> {
        self.command.positionals.iter().find(|positional| positional.times == Times::BehindDashes)
    }

    fn have_rest(&self) -> bool {
        self.rest().is_some()
    }

    /// Takes all that follows.
    fn take_rest(&self, given: &mut Given, parser: &mut Parser) -> Result<(), UsageError> {
        let Some(positional) = self.rest() else { return Ok(()) };
        let wrong = |sentence: String| wrong(Some(self.command.id), format!("{}: {sentence}", positional.name));
        let words = parser.raw_args().map_err(|error| wrong(sentence(error)))?;
        let mut is_empty = true;
        for word in words {
            is_empty = false;
            store_value(given, positional.store, &word).map_err(wrong)?;
        }
        if is_empty { Err(wrong("expected a program behind --, got nothing".to_owned())) } else { Ok(()) }
    }

    fn end(&self, given: &mut Given) -> Result<(), UsageError> {
        let Some(missing) = self.command.positionals.get(self.taken) else { return Ok(()) };
        let wrong = |sentence: String| wrong(Some(self.command.id), sentence);
        match missing.times {
            Times::Once => Err(wrong(format!("expected {}, got nothing", missing.name))),
            Times::AnyOr { default } if self.is_empty => store_value(given, missing.store, OsStr::new(default))
                .map_err(|sentence| wrong(format!("{}: {sentence}", missing.name))),
            Times::Any | Times::AnyOr { .. } | Times::BehindDashes => Ok(()),
        }
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Long(name) => write!(f, "--{name}"),
            Self::Short(letter) => write!(f, "-{letter}"),
        }
    }
}

impl Typed {
    fn is(&self, flag: &Flag) -> bool {
        match self {
            Self::Long(name) => flag.long == name,
            Self::Short(letter) => flag.short == Some(*letter),
        }
    }
}

fn flag(typed: &Typed, command: Option<Name>) -> Result<&'static Flag, UsageError> {
    flags::all()
        .find(|flag| typed.is(flag) && flag.is_of(command))
        .ok_or_else(|| wrong(command, unknown(typed, command)))
}

fn unknown(typed: &Typed, command: Option<Name>) -> String {
    let owners: Vec<&str> = flags::all()
        .filter(|flag| typed.is(flag))
        .flat_map(|flag| COMMANDS.iter().filter(|command| flag.is_of(Some(command.id))))
        .map(|command| command.name)
        .collect();
    if !owners.is_empty() {
        return match command {
            None => format!("expected a command before {typed}: {}", owners.join(", ")),
            Some(_) => {
                let verb = if owners.len() == 1 { "has" } else { "have" };
                format!("expected a flag of this command, got {typed}, which {} {verb}", listed(&owners, "and"))
            }
        };
    }
    let candidates = flags::all().filter(|flag| flag.is_of(command)).map(|flag| flag.long);
    let hint = match typed {
        Typed::Long(name) => nearest(name, candidates),
        Typed::Short(_) => None,
    };
    match hint {
        Some(name) => format!("unknown flag {typed}: did you mean --{name}?"),
        None => format!("unknown flag {typed}"),
    }
}

fn command(word: &OsStr) -> Result<&'static Command, UsageError> {
    if let Some(command) = COMMANDS.iter().find(|command| word == command.name) {
        return Ok(command);
    }
    let typed = word.to_string_lossy();
    Err(wrong(
        None,
        match nearest(&typed, COMMANDS.iter().map(|command| command.name)) {
            Some(name) => format!("unknown command {typed:?}: did you mean {name}?"),
            None => format!("unknown command {typed:?}: expected {}", names()),
        },
    ))
}

fn names() -> String {
    COMMANDS.iter().map(|command| command.name).collect::<Vec<_>>().join(", ")
}

/// What holds when nothing is given: the tables' own defaults.
fn defaults(command: &Command) -> Result<Given, UsageError> {
    let mut given = Given::default();
    for flag in flags::all().filter(|flag| flag.is_of(Some(command.id))) {
        if let Takes::Value { default: Some(default), store, .. } = flag.takes {
            store_value(&mut given, store, OsStr::new(default))
                .map_err(|sentence| wrong(Some(command.id), format!("--{}: {sentence}", flag.long)))?;
        }
    }
    Ok(given)
}

fn store_value(given: &mut Given, store: Store, value: &OsStr) -> Result<(), String> {
    match store {
        Store::Path(store) => store(given, value),
        Store::Text(store) => match value.to_str() {
            Some(text) => store(given, text),
            None => Err(format!("expected text in UTF-8, got {value:?}")),
        },
    }
}

const fn wrong(command: Option<Name>, sentence: String) -> UsageError {
    UsageError { command, sentence }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
