//! Flags about TLS: whom a client trusts and who it is, and who the router is. In a build without TLS they are usage errors that
//! name the feature.

use super::{Flag, Store, Takes};
use crate::cli::commands::Name::{self, Call, Join, Publish, Serve, Subscribe};

/// The commands that connect.
const DIALLERS: &[Name] = &[Join, Call, Subscribe, Publish];

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        long: "ca",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| given.place.tls.set_authorities(path)),
        },
        commands: DIALLERS,
        help: "Certificates in PEM: a router that is reached by wss:// or rss:// must have one by one of these authorities. \
               Without it: by one that this system trusts.",
    },
    Flag {
        long: "cert",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| given.place.tls.set_certificate(path)),
        },
        commands: DIALLERS,
        help: "Our certificate in PEM, for a router that asks for one; behind it those that lead to its authority.",
    },
    Flag {
        long: "key",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| given.place.tls.set_key(path)),
        },
        commands: DIALLERS,
        help: "The private key of --cert, in PEM, not encrypted.",
    },
    Flag {
        long: "tls-insecure",
        short: None,
        takes: Takes::Nothing(|given| given.place.tls.believe_anybody()),
        commands: DIALLERS,
        help: "Does not check who the router is: whoever is on the way can be it, and read and change everything. For tests.",
    },
    Flag {
        long: "tls-cert",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| given.listening.tls.set_certificate(path)),
        },
        commands: &[Serve],
        help: "The router's certificate in PEM; behind it those that lead to its authority. The port then speaks TLS and \
               nothing else. SIGHUP has this file and those of the other flags about TLS read again.",
    },
    Flag {
        long: "tls-key",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| given.listening.tls.set_key(path)),
        },
        commands: &[Serve],
        help: "The private key of --tls-cert, in PEM, not encrypted.",
    },
    Flag {
        long: "tls-client-ca",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| given.listening.tls.set_authorities(path)),
        },
        commands: &[Serve],
        help: "Certificates in PEM: a client must show one by one of these authorities. With --users a user may log in by it.",
    },
];
