//! The commands: one table, an entry each.

use super::exit::Exit;
use super::failure::Failure;
use super::flags::{Store, push, set};
use super::given::Given;
use super::{accounts, call, join, procedures, publish, serve, subscribe, values};
use crate::transport::url::Url;

/// A command's name in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // They are the commands' own names.
pub enum Name {
    Serve,
    Join,
    Call,
    Subscribe,
    Publish,
    Procedures,
    Passwd,
    Keygen,
}

impl Name {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Serve,
        Self::Join,
        Self::Call,
        Self::Subscribe,
        Self::Publish,
        Self::Procedures,
        Self::Passwd,
        Self::Keygen,
    ];
}

/// A command.
pub struct Command {
    /// Its name in the program.
    pub id: Name,
    /// What is typed.
    pub name: &'static str,
    /// What stands behind it, in this order.
    pub positionals: &'static [Positional],
    /// What it does, in the imperative and without a full stop.
    pub summary: &'static str,
    /// Paragraphs for `--help`.
    pub about: &'static [&'static str],
    /// How it can end.
    pub exits: &'static [Exit],
    /// Does it.
    pub run: fn(&Given) -> Result<(), Failure>,
}

/// What stands behind a command and is no flag.
pub struct Positional {
    /// As in `COMMAND NAME`.
    pub name: &'static str,
    /// How many.
    pub times: Times,
    /// Stores it, or says what was expected.
    pub store: Store,
}

/// How often something can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// It must be given.
    Once,
    /// As often as one likes.
    Any,
    /// As often as one likes; without it this holds.
    AnyOr {
        /// What holds.
        default: &'static str,
    },
    /// All words behind `--`, whatever they look like; none without.
    BehindDashes,
}

const ARGUMENTS: Positional =
    Positional { name: "ARG", times: Times::Any, store: Store::Text(|given, text| given.arguments.push(text)) };

/// A program that is run, and its arguments.
const COMMAND: Positional = Positional {
    name: "COMMAND",
    times: Times::BehindDashes,
    store: Store::Path(|given, word| given.child.push(word)),
};

const TOPIC: Positional = Positional {
    name: "TOPIC",
    times: Times::Once,
    // How it may be written depends on a flag that may come later.
    store: Store::Text(|given, text| set(&mut given.subject, values::text(text))),
};

/// How arguments are typed.
const ABOUT_ARGUMENTS: &str = "An ARG that is JSON is passed on as that; any other is a string. So 5, true and [1,2] are \
                               what they look like, and hello needs no quotes. -s 5 is the string \"5\". What begins with [, { \
                               or \" must be JSON.";

/// Which process `serve` and `join` are about.
const ABOUT_TARGETS: &str = "The API is about this very process, or about another one with --pid or --pidfile. When that \
                             one ends, so does this, unless it is to --wait for the next.";

/// What a child changes.
const ABOUT_CHILD: &str = "With COMMAND this process supervises it, and the API is about it. stdin, stdout and stderr are \
                           its own, the ready line and the log go to stderr, and the exit code is that of COMMAND: 128 and \
                           the number of the signal that ended it, 127 when it was not found, 126 when it could not be \
                           run, 125 when this process failed before. SIGTERM, SIGINT and SIGQUIT end COMMAND and then \
                           this; other signals are passed on.";

/// All commands, in the order of `--help`.
pub const COMMANDS: &[Command] = &[
    Command {
        id: Name::Serve,
        name: "serve",
        positionals: &[COMMAND],
        summary: "run a WAMP router with this process on its bus",
        about: &[
            "Listens for WAMP clients over WebSocket, in one realm, and answers calls of the management API until a signal \
             ends it. Without --users clients need no login, and it listens where only this machine reaches it unless \
             --allow-remote-anonymous says that others may too.",
            ABOUT_TARGETS,
            "When every procedure is registered, one line is printed: ready URL REALM.",
            ABOUT_CHILD,
        ],
        exits: &[Exit::Done, Exit::Failed, Exit::Usage, Exit::Lost, Exit::Interrupted],
        run: |given| serve::run(&given.place.realm, &given.process(), given.connection.keepalive, &given.listening),
    },
    Command {
        id: Name::Join,
        name: "join",
        positionals: &[
            Positional {
                name: "URL",
                times: Times::AnyOr { default: Url::DEFAULT },
                store: Store::Text(|given, text| push(&mut given.routers, text.parse())),
            },
            COMMAND,
        ],
        summary: "put this process on the bus of a WAMP router",
        about: &[
            "Joins a realm, registers the management API and answers calls until a signal ends it. It waits for a \
             router that is not there yet, and comes back with all procedures when the connection is lost. A router \
             that refuses the realm or the login ends it.",
            "Of several routers the first that lets it in will do. They are tried in turn, and only when all have failed \
             it waits.",
            ABOUT_TARGETS,
            "When every procedure is registered, one line is printed: ready URL REALM.",
            ABOUT_CHILD,
        ],
        exits: Exit::ALL,
        run: |given| join::run(&given.routers, &given.place, &given.process(), &given.connection),
    },
    Command {
        id: Name::Call,
        name: "call",
        positionals: &[
            Positional {
                name: "PROCEDURE",
                times: Times::Once,
                store: Store::Text(|given, text| set(&mut given.subject, values::uri(text).map(|uri| uri.to_string()))),
            },
            ARGUMENTS,
        ],
        summary: "call a procedure and print its result",
        about: &[
            ABOUT_ARGUMENTS,
            "Prints one line of JSON: the value, when the result is exactly one positional value, and else \
             {\"args\":[...],\"kwargs\":{...}}. Numbers and the order of keys are printed as they came.",
        ],
        exits: Exit::ALL,
        run: |given| call::run(&given.place, given.timeout, &given.subject, &given.arguments, given.results),
    },
    Command {
        id: Name::Subscribe,
        name: "subscribe",
        positionals: &[TOPIC],
        summary: "print the events of a topic",
        about: &[
            "Prints a line of JSON for each event: {\"topic\":...,\"args\":[...],\"kwargs\":{...},\"publication\":ID}. \
             Goes on until a signal ends it, or --count or --timeout does.",
        ],
        exits: Exit::ALL,
        run: |given| subscribe::run(&given.place, given.timeout, &given.subject, given.subscription),
    },
    Command {
        id: Name::Publish,
        name: "publish",
        positionals: &[TOPIC, ARGUMENTS],
        summary: "publish an event",
        about: &[ABOUT_ARGUMENTS],
        exits: Exit::ALL,
        run: |given| publish::run(&given.place, given.timeout, &given.subject, &given.arguments, given.acknowledgement),
    },
    Command {
        id: Name::Procedures,
        name: "procedures",
        positionals: &[],
        summary: "list the procedures of the management API",
        about: &["Prints what serve and join register: name, arguments, result and what it does. Needs no router."],
        exits: &[Exit::Done, Exit::Failed, Exit::Usage],
        run: |given| procedures::run(given.format),
    },
    Command {
        id: Name::Passwd,
        name: "passwd",
        positionals: &[
            Positional {
                name: "USERS",
                times: Times::Once,
                store: Store::Path(|given, path| set(&mut given.account.users, values::file(path))),
            },
            Positional {
                name: "AUTHID",
                times: Times::Once,
                store: Store::Text(|given, text| set(&mut given.subject, values::text(text))),
            },
        ],
        summary: "set the secret of a user of serve --users",
        about: &[
            "Asks for the secret, twice and without an echo, or reads it from the standard input if that is no terminal, and \
             puts into the file USERS what the router needs to check logins by wampcra and scram. The secret itself is not \
             kept. The file is made if it is not there.",
        ],
        exits: &[Exit::Done, Exit::Failed, Exit::Usage, Exit::Interrupted],
        run: |given| accounts::passwd(&given.account, &given.subject),
    },
    Command {
        id: Name::Keygen,
        name: "keygen",
        positionals: &[Positional {
            name: "KEY",
            times: Times::Once,
            store: Store::Path(|given, path| set(&mut given.account.key, values::file(path))),
        }],
        summary: "make a key pair for a login by cryptosign",
        about: &[
            "Writes a private ed25519 key to the new file KEY, for --secret-file, and prints the public key, which routers \
             want to know.",
        ],
        exits: &[Exit::Done, Exit::Failed, Exit::Usage],
        run: |given| accounts::keygen(&given.account, &given.account.key),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_command() {
        assert!(Name::ALL.iter().eq(COMMANDS.iter().map(|command| &command.id)));
    }

    #[test]
    fn every_command_can_succeed_and_be_typed_wrong() {
        for command in COMMANDS {
            assert!([Exit::Done, Exit::Usage].iter().all(|exit| command.exits.contains(exit)), "{}", command.name);
        }
    }
}
