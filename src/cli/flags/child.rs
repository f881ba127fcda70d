//! Flags about a supervised child: how it is restarted and ended, what becomes of its output.

use super::{AGENTS, Flag, Store, Takes, set};
use crate::cli::{size, values};
use crate::supervisor::Publication;

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        long: "restart",
        short: None,
        takes: Takes::Value {
            name: "WHEN",
            default: Some("never"),
            store: Store::Text(|given, text| set(&mut given.child.restart.policy, values::restart(text))),
        },
        commands: AGENTS,
        help: "When COMMAND is started again after it has ended: never; on-failure, when it ended with another exit code \
               than 0 or by a signal; always.",
    },
    Flag {
        long: "restart-delay",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("0.5s"),
            store: Store::Text(|given, text| set(&mut given.child.restart.delay, values::delay(text))),
        },
        commands: AGENTS,
        help: "Time until the first restart; it doubles with each further one up to 30s, and begins anew when COMMAND ran \
               for 10s.",
    },
    Flag {
        long: "restart-max",
        short: None,
        takes: Takes::Value {
            name: "N/TIME",
            default: None,
            store: Store::Text(|given, text| {
                set(&mut given.child.restart.limit, values::restart_limit(text).map(Some))
            }),
        },
        commands: AGENTS,
        help: "The most restarts within a time, like 5/1m; at one more this gives up. Without it: no limit.",
    },
    Flag {
        long: "stop-signal",
        short: None,
        takes: Takes::Value {
            name: "SIGNAL",
            default: Some("TERM"),
            store: Store::Text(|given, text| set(&mut given.child.stop_signal, text.parse().map(Some))),
        },
        commands: AGENTS,
        help: "What asks COMMAND to end, when this gets SIGTERM or a caller wants it stopped; a name or a number.",
    },
    Flag {
        long: "stop-timeout",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("10s"),
            store: Store::Text(|given, text| set(&mut given.child.stop_timeout, values::duration(text))),
        },
        commands: AGENTS,
        help: "How long COMMAND and what descends from it may take to end before they are killed.",
    },
    Flag {
        long: "memory-limit",
        short: None,
        takes: Takes::Value {
            name: "SIZE",
            default: None,
            store: Store::Text(|given, text| set(&mut given.child.memory_limit, size::memory_limit(text).map(Some))),
        },
        commands: AGENTS,
        help: "Restarts COMMAND, whatever --restart says, when its process has more memory resident, like 200M, at least 1M. Looked \
               at \
               once a second.",
    },
    Flag {
        long: "capture",
        short: None,
        takes: Takes::Value {
            name: "SIZE",
            default: None,
            store: Store::Text(|given, text| set(&mut given.child.capture, size::capture(text).map(Some))),
        },
        commands: AGENTS,
        help: "Keeps the last bytes that COMMAND wrote for get_process_output, like 64K, at most 64M. Its output then comes \
               through this process, unchanged.",
    },
    Flag {
        long: "publish-output",
        short: None,
        takes: Takes::Nothing(|given| given.child.publication = Publication::On),
        commands: AGENTS,
        help: "Publishes what COMMAND writes as on_process_output: at most 10 events a second of 16 KiB each for stdout and \
               for stderr; what is more is left out and counted. Its output then comes through this process, unchanged.",
    },
    Flag {
        long: "ready-fd",
        short: None,
        takes: Takes::Value {
            name: "FD",
            default: None,
            store: Store::Text(|given, text| set(&mut given.ready, values::descriptor(text).map(Some))),
        },
        commands: AGENTS,
        help: "The open descriptor that the ready line goes to; it is closed then. Without it: stdout, or stderr with \
               COMMAND, whose stdout is its own.",
    },
];
