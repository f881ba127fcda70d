//! Flags about routers: which one, how to hold on to it, and how to be one.

use super::{AGENTS, CLIENTS, Flag, Store, Takes, push, set};
use crate::agent::Patience;
use crate::cli::commands::Name::{Call, Join, Publish, Serve, Subscribe};
use crate::cli::values;
use crate::server::{Exposure, REALM};
use crate::transport::url::Url;

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        long: "url",
        short: None,
        takes: Takes::Value {
            name: "URL",
            default: Some(Url::DEFAULT),
            store: Store::Text(|given, text| set(&mut given.place.url, text.parse())),
        },
        commands: CLIENTS,
        help: "The router.",
    },
    Flag {
        long: "listen",
        short: None,
        takes: Takes::Value {
            name: "WHERE",
            default: None,
            store: Store::Text(|given, text| push(&mut given.listening.endpoints, values::endpoint(text))),
        },
        commands: &[Serve],
        help: "Where to listen: ADDR:PORT or unix:/PATH, a Unix socket. Port 0 is any free port; the ready line tells \
               which. May be repeated. Without it 127.0.0.1:8080.",
    },
    Flag {
        long: "socket-mode",
        short: None,
        takes: Takes::Value {
            name: "MODE",
            default: Some("0600"),
            store: Store::Text(|given, text| set(&mut given.listening.socket_mode, values::mode(text))),
        },
        commands: &[Serve],
        help: "The permissions of the Unix sockets: who may write to one may connect.",
    },
    Flag {
        long: "socket-owner",
        short: None,
        takes: Takes::Value {
            name: "USER[:GROUP]",
            default: None,
            store: Store::Text(|given, text| {
                given.listening.socket_owner = Some(text.to_owned());
                Ok(())
            }),
        },
        commands: &[Serve],
        help: "Gives the Unix sockets to this user and group, by name or id.",
    },
    Flag {
        long: "realm",
        short: None,
        takes: Takes::Value {
            name: "REALM",
            default: Some(REALM),
            store: Store::Text(|given, text| set(&mut given.place.realm, values::uri(text))),
        },
        commands: &[Serve, Join, Call, Subscribe, Publish],
        help: "The realm.",
    },
    Flag {
        long: "serializer",
        short: None,
        takes: Takes::Value {
            name: "NAME",
            default: Some("json"),
            store: Store::Text(|given, text| set(&mut given.place.serialization, values::serialization(text))),
        },
        commands: &[Join, Call, Subscribe, Publish],
        help: "How messages are written on the way to the router: json, msgpack or cbor. The latter two are shorter, and each \
               must have been built in.",
    },
    Flag {
        long: "allow-origin",
        short: None,
        takes: Takes::Value {
            name: "ORIGIN",
            default: None,
            store: Store::Text(|given, text| push(&mut given.listening.origins, text.parse())),
        },
        commands: &[Serve],
        help: "A web page of this origin, like http://board-7:8080, may connect too; * is any. Without it only pages of \
               this very port may. May be repeated.",
    },
    Flag {
        long: "allow-remote-anonymous",
        short: None,
        takes: Takes::Nothing(|given| given.listening.exposure = Exposure::RemoteAnonymous),
        commands: &[Serve],
        help: "Whoever reaches the address may connect without a login. --listen wants this for every address that \
               other machines could reach.",
    },
    Flag {
        long: "no-retry",
        short: None,
        takes: Takes::Nothing(|given| given.connection.patience = Patience::OneAttempt),
        commands: &[Join],
        help: "Ends at the first failure, instead of waiting for a router that is not there yet, or no longer, or for names \
               that it may still hold for a process that is gone.",
    },
    Flag {
        long: "reconnect-initial",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("1.5s"),
            store: Store::Text(|given, text| set(&mut given.connection.reconnect.initial, values::delay(text))),
        },
        commands: &[Join],
        help: "How long to wait before the first new attempt to connect; each further wait is half as long again. A random \
               part of it is left out, so that agents that lost the same router do not come back all at once. After a \
               session of 5 s or more the very first attempt waits for nothing.",
    },
    Flag {
        long: "reconnect-max",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("5m"),
            store: Store::Text(|given, text| set(&mut given.connection.reconnect.max, values::delay(text))),
        },
        commands: &[Join],
        help: "The longest such wait; not less than the first.",
    },
    Flag {
        long: "reconnect-absent",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("2s"),
            store: Store::Text(|given, text| set(&mut given.connection.reconnect.absent, values::delay(text))),
        },
        commands: &[Join],
        help: "The longest wait while nobody is there: as long as no connection can be made at all, attempts cost no router \
               anything, and one that comes back is found soon.",
    },
    Flag {
        long: "ping-interval",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("10s"),
            store: Store::Text(|given, text| {
                set(&mut given.connection.keepalive.interval, values::ping_interval(text))
            }),
        },
        commands: AGENTS,
        help: "Silence after which the other end is asked whether it is still there, 100ms or more. 0: never.",
    },
];
