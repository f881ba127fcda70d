//! Flags about the users of the embedded router.

use super::{Flag, Store, Takes, set};
use crate::cli::commands::Name::{Keygen, Passwd, Serve};
use crate::cli::given::Ticket;
use crate::cli::values;

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        long: "users",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| set(&mut given.listening.users, values::file(path).map(Some))),
        },
        commands: &[Serve],
        help: "Who may log in, and what they may do: a file that passwd and keygen make entries of. With it --listen takes \
               any address, and nobody comes in without a login unless the file says so: for everybody, for processes of \
               this machine by a Unix socket, or for certificates of clients. SIGHUP has it read again.",
    },
    Flag {
        long: "users",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| set(&mut given.account.users, values::file(path))),
        },
        commands: &[Keygen],
        help: "Adds the public key to this file of users, for --authid.",
    },
    Flag {
        long: "authid",
        short: None,
        takes: Takes::Value {
            name: "ID",
            default: None,
            store: Store::Text(|given, text| set(&mut given.account.authid, values::text(text).map(Some))),
        },
        commands: &[Keygen],
        help: "Whose key it is.",
    },
    Flag {
        long: "role",
        short: None,
        takes: Takes::Value {
            name: "ROLE",
            default: None,
            store: Store::Text(|given, text| set(&mut given.account.role, values::text(text).map(Some))),
        },
        commands: &[Passwd, Keygen],
        help: "The user's role: observer, operator, agent, admin, or one of the file. A user that is in the file already \
               keeps the present one without it.",
    },
    Flag {
        long: "ticket",
        short: None,
        takes: Takes::Nothing(|given| given.account.ticket = Ticket::Accepted),
        commands: &[Passwd],
        help: "Lets the user log in by ticket too, which shows the secret to the router and to whoever listens. It should be \
               long and random then.",
    },
];
