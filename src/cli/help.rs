//! What `--help` prints, from the tables. Pure.

use super::commands::{COMMANDS, Command, Name, Positional, Times};
use super::exit::Exit;
use super::flags::{self, Flag, Takes};

const WIDTH: usize = 80;

/// The program's name and version.
#[must_use]
pub fn version() -> String {
    concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"), "\n").to_owned()
}

/// How to use the program.
#[must_use]
pub fn program() -> String {
    let mut text = version();
    paragraph(&mut text, "", "Puts a Linux process on a WAMP bus, and talks to what is on it.");
    text.push_str("\nUsage:\n    wampproc COMMAND [FLAG]... [ARG]...\n");
    text.push_str("\nCommands:\n");
    let width = COMMANDS.iter().map(|command| command.name.len()).max().unwrap_or_default();
    for command in COMMANDS {
        text.push_str(&format!("    {:width$}  {}\n", command.name, command.summary));
    }
    flags(&mut text, None);
    exits(&mut text, Exit::ALL);
    text.push_str("\nwampproc COMMAND --help, or wampproc help COMMAND, tells more.\n");
    text
}

/// How to use a command.
#[must_use]
pub fn command(command: &Command) -> String {
    let mut text = format!("wampproc {}: {}\n", command.name, command.summary);
    text.push_str(&format!("\nUsage:\n    {}\n", usage(command)));
    for about in command.about {
        text.push('\n');
        paragraph(&mut text, "", about);
    }
    for positional in command.positionals {
        if let Times::AnyOr { default } = positional.times {
            text.push('\n');
            paragraph(&mut text, "", &format!("{} is {default} when it is not given.", positional.name));
        }
    }
    flags(&mut text, Some(command.id));
    exits(&mut text, command.exits);
    text
}

/// One line: `wampproc call [FLAG]... PROCEDURE [ARG]...`.
#[must_use]
pub fn usage(command: &Command) -> String {
    let positionals = command.positionals.iter().map(|Positional { name, times, .. }| match times {
        Times::Once => format!(" {name}"),
        Times::Any | Times::AnyOr { .. } => format!(" [{name}]..."),
        Times::BehindDashes => format!(" [-- {name} [ARG]...]"),
    });
    format!("wampproc {} [FLAG]...{}", command.name, positionals.collect::<String>())
}

/// What is printed below a usage error.
#[must_use]
pub fn hint(id: Option<Name>) -> String {
    match COMMANDS.iter().find(|command| Some(command.id) == id) {
        Some(command) => format!("usage: {}\nwampproc {} --help tells more.\n", usage(command), command.name),
        None => "wampproc --help tells more.\n".to_owned(),
    }
}

fn flags(text: &mut String, command: Option<Name>) {
    text.push_str("\nFlags:\n");
    for flag in flags::all().filter(|flag| flag.is_of(command)) {
        text.push_str(&format!("    {}\n", heading(flag)));
        match flag.takes {
            Takes::Value { default: Some(default), .. } => {
                paragraph(text, "        ", &format!("{} [default: {default}]", flag.help));
            }
            _ => paragraph(text, "        ", flag.help),
        }
    }
}

fn heading(flag: &Flag) -> String {
    let short = flag.short.map(|letter| format!("-{letter}, ")).unwrap_or_default();
    match flag.takes {
        Takes::Value { name, .. } => format!("{short}--{} {name}", flag.long),
        Takes::Nothing(_) | Takes::Answer(_) => format!("{short}--{}", flag.long),
    }
}

fn exits(text: &mut String, exits: &[Exit]) {
    text.push_str("\nExit codes:\n");
    for exit in exits {
        text.push_str(&format!("    {:>3}  {}\n", exit.code(), exit.meaning()));
    }
}

/// Words in lines of at most [`WIDTH`], each after `indent`.
fn paragraph(text: &mut String, indent: &str, words: &str) {
    let mut line = indent.to_owned();
    for word in words.split_whitespace() {
        if line.len() > indent.len() {
            if line.chars().count() + 1 + word.chars().count() > WIDTH {
                text.push_str(&line);
                text.push('\n');
                line.truncate(indent.len());
            } else {
                line.push(' ');
            }
        }
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_flag_of_a_command_and_no_other_and_fits_a_terminal() {
        for each in COMMANDS {
            let text = command(each);
            for flag in flags::all() {
                let entry = format!("    {}\n", heading(flag));
                let expected = flags::all().any(|other| heading(other) == heading(flag) && other.is_of(Some(each.id)));
                assert_eq!(text.contains(&entry), expected, "{} {}", each.name, flag.long);
            }
            for exit in Exit::ALL {
                let entry = format!("    {:>3}  {}\n", exit.code(), exit.meaning());
                assert_eq!(text.contains(&entry), each.exits.contains(exit), "{} {exit:?}", each.name);
            }
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{line:?} of {}", each.name);
            }
        }
        assert!(program().lines().all(|line| line.chars().count() <= WIDTH), "{}", program());
    }

    #[test]
    fn usage_shows_what_must_and_what_may_be_given() {
        let usages: Vec<String> = COMMANDS.iter().map(usage).collect();
        assert!(usages.contains(&"wampproc join [FLAG]... [URL]... [-- COMMAND [ARG]...]".to_owned()));
        assert!(usages.contains(&"wampproc call [FLAG]... PROCEDURE [ARG]...".to_owned()));
        assert!(usages.contains(&"wampproc procedures [FLAG]...".to_owned()));
    }
}
