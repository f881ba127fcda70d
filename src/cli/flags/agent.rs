//! Flags about the agent: its names, what it measures, its manhole.

use super::{AGENTS, Flag, Store, Takes, push, set};
use crate::cli::{values, watch};

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        long: "node",
        short: None,
        takes: Takes::Value {
            name: "ID",
            default: None,
            store: Store::Text(|given, text| set(&mut given.agent.node, values::id(text).map(Some))),
        },
        commands: AGENTS,
        help: "The node's id, one component of a URI. Without it: the host name's first label.",
    },
    Flag {
        long: "worker",
        short: None,
        takes: Takes::Value {
            name: "ID",
            default: None,
            store: Store::Text(|given, text| set(&mut given.agent.worker, values::id(text).map(Some))),
        },
        commands: AGENTS,
        help: "The worker's id, one component of a URI. Without it: wampproc, or the name of the process that --pid says, \
               that of the file of --pidfile, or that of COMMAND.",
    },
    Flag {
        long: "role",
        short: None,
        takes: Takes::Value {
            name: "ROLE",
            default: Some("worker"),
            store: Store::Text(|given, text| set(&mut given.agent.role, values::role(text))),
        },
        commands: AGENTS,
        help: "What the process is in Crossbar.io's terms, worker or controller: it decides the URIs.",
    },
    Flag {
        long: "uri-prefix",
        short: None,
        takes: Takes::Value {
            name: "TEMPLATE",
            default: None,
            store: Store::Text(|given, text| push(&mut given.agent.prefixes, values::prefix(text))),
        },
        commands: AGENTS,
        help: "A prefix of all URIs, without a dot at its end; {node} and {worker} in it stand for the ids. Replaces \
               the prefixes of the role. May be repeated.",
    },
    Flag {
        long: "worker-type",
        short: None,
        takes: Takes::Value {
            name: "TYPE",
            default: Some("native"),
            store: Store::Text(|given, text| set(&mut given.agent.worker_type, values::text(text))),
        },
        commands: AGENTS,
        help: "What get_process_monitor gives as \"type\".",
    },
    Flag {
        long: "interval",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("1s"),
            store: Store::Text(|given, text| set(&mut given.agent.interval, values::interval(text))),
        },
        commands: AGENTS,
        help: "Time between two samples of the process, 10ms to 1d.",
    },
    Flag {
        long: "history",
        short: None,
        takes: Takes::Value {
            name: "SAMPLES",
            default: Some("600"),
            store: Store::Text(|given, text| set(&mut given.agent.history, values::history(text))),
        },
        commands: AGENTS,
        help: "How many samples are kept. 0: nothing is measured unless somebody asks.",
    },
    Flag {
        long: "watch",
        short: None,
        takes: Takes::Value {
            name: "RULE",
            default: None,
            store: Store::Text(|given, text| watch::add(&mut given.agent.watches, text)),
        },
        commands: AGENTS,
        help: "Watches what the process uses, like set_watch: NAME=METRIC,above=VALUE, or below=VALUE, and if wanted \
               for=TIME and clear=VALUE. A VALUE may have the unit of a size, like 200M. May be repeated.",
    },
    Flag {
        long: "manhole",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| given.agent.manhole.set_config(path)),
        },
        commands: AGENTS,
        help: "Starts a manhole, an SSH server into this process, as the file says: the argument of start_manhole, in JSON.",
    },
    Flag {
        long: "state-dir",
        short: None,
        takes: Takes::Value {
            name: "DIR",
            default: None,
            store: Store::Path(|given, path| given.agent.manhole.set_state_directory(path)),
        },
        commands: AGENTS,
        help: "Where the manhole's host key is kept; it is made at the first use. Without it: a new key each time.",
    },
];
