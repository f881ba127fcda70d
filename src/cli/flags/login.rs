//! Flags about who a client is.

use super::{Flag, LOGINS, Store, Takes, set};
use crate::cli::commands::Name::{Call, Join, Publish, Serve, Subscribe};
use crate::cli::secret::{Readers, Source};
use crate::cli::values;

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        long: "auth",
        short: None,
        takes: Takes::Value {
            name: "METHOD",
            default: None,
            store: Store::Text(|given, text| set(&mut given.place.login.method, values::method(text).map(Some))),
        },
        commands: LOGINS,
        help: "How to log in: anonymous, ticket, wampcra, scram or cryptosign. Without it: cryptosign when the secret is a \
               private key in OpenSSH's format, or any private key and there is no --authid; wampcra for any other secret; and \
               anonymous when there is none.",
    },
    Flag {
        long: "authid",
        short: None,
        takes: Takes::Value {
            name: "ID",
            default: None,
            store: Store::Text(|given, text| set(&mut given.place.login.authid, values::text(text).map(Some))),
        },
        commands: LOGINS,
        help: "Who to log in as. cryptosign goes without it when the router knows the key.",
    },
    Flag {
        long: "authrole",
        short: None,
        takes: Takes::Value {
            name: "ROLE",
            default: None,
            store: Store::Text(|given, text| set(&mut given.place.login.authrole, values::text(text).map(Some))),
        },
        commands: LOGINS,
        help: "The role to ask for; routers may give another.",
    },
    Flag {
        long: "authextra",
        short: None,
        takes: Takes::Value {
            name: "JSON",
            default: None,
            store: Store::Text(|given, text| set(&mut given.place.login.authextra, values::dict(text))),
        },
        commands: LOGINS,
        help: "A dict for HELLO.Details.authextra, to which the method adds its own entries.",
    },
    Flag {
        long: "secret-file",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| {
                set(&mut given.place.login.secret, values::file(path).map(|path| Some(Source::File(path))))
            }),
        },
        commands: LOGINS,
        help: "The file with the secret: a text, of which the end of the last line is no part, or for cryptosign a private \
               ed25519 key as hex, base64 or in OpenSSH's format. Nobody but its owner may be able to read it.",
    },
    Flag {
        long: "secret-env",
        short: None,
        takes: Takes::Value {
            name: "NAME",
            default: None,
            store: Store::Path(|given, name| {
                given.place.login.secret = Some(Source::Environment(name.to_owned()));
                given.child.withheld = Some(name.to_owned());
                Ok(())
            }),
        },
        commands: LOGINS,
        help: "The environment variable with the secret. A COMMAND does not get it.",
    },
    Flag {
        long: "secret-fd",
        short: None,
        takes: Takes::Value {
            name: "N",
            default: None,
            store: Store::Text(|given, text| {
                set(
                    &mut given.place.login.secret,
                    values::descriptor(text).map(|number| Some(Source::Descriptor(number))),
                )
            }),
        },
        commands: LOGINS,
        help: "The open descriptor to read the secret from, to its end.",
    },
    Flag {
        long: "insecure-permissions",
        short: None,
        takes: Takes::Nothing(|given| {
            given.place.login.readers = Readers::Anybody;
            given.listening.readers = Readers::Anybody;
            given.agent.manhole.allow_readers();
        }),
        commands: &[Serve, Join, Call, Subscribe, Publish],
        help: "Takes a file of secrets, of users or of a manhole's passwords that others can read.",
    },
];
