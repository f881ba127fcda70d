//! Flags about the target: which process the agent is about.

use super::{AGENTS, Flag, Store, Takes, set};
use crate::cli::values;
use crate::supervisor::{AtExit, GcMethod};

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        long: "pid",
        short: None,
        takes: Takes::Value {
            name: "PID",
            default: None,
            store: Store::Text(|given, text| set(&mut given.target.pid, values::pid(text).map(Some))),
        },
        commands: AGENTS,
        help: "The process that this is about, instead of this one. When it ends, so does this, with exit code 0.",
    },
    Flag {
        long: "pidfile",
        short: None,
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| set(&mut given.target.pid_file, values::file(path).map(Some))),
        },
        commands: AGENTS,
        help: "A file whose first line is that process's id.",
    },
    Flag {
        long: "wait",
        short: None,
        takes: Takes::Nothing(|given| given.target.at_exit = AtExit::Wait),
        commands: AGENTS,
        help: "When the process ends, or is not there yet, waits until --pidfile names the next one.",
    },
    Flag {
        long: "gc-signal",
        short: None,
        takes: Takes::Value {
            name: "SIGNAL",
            default: None,
            store: Store::Text(|given, text| {
                set(&mut given.target.gc, values::signal(text).map(|signal| Some(GcMethod::Signal(signal))))
            }),
        },
        commands: AGENTS,
        help: "What trigger_gc sends to the process, as in USR1. A process that does not expect the signal may end by it.",
    },
    Flag {
        long: "gc-command",
        short: None,
        takes: Takes::Value {
            name: "COMMAND",
            default: None,
            store: Store::Text(|given, text| {
                set(&mut given.target.gc, values::words(text).map(|words| Some(GcMethod::Command(words))))
            }),
        },
        commands: AGENTS,
        help: "What trigger_gc runs, as in 'jcmd {pid} GC.run': a program and its arguments, parted by white space, without \
               a shell; {pid} in them is the process's id. It is killed after 30 s.",
    },
];
