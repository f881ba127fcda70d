//! Flags of `call`, `subscribe`, `publish` and `procedures`: what is sent, waited for and printed.

use super::{CLIENTS, Flag, Store, Takes, set};
use crate::cli::commands::Name::{Call, Procedures, Publish, Subscribe};
use crate::cli::form::Form;
use crate::cli::given::{Acknowledgement, Format, Which};
use crate::cli::values;

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        long: "kwarg",
        short: Some('k'),
        takes: Takes::Value {
            name: "KEY=VALUE",
            default: None,
            store: Store::Text(|given, text| {
                let (key, value) = values::key_value(text)?;
                given.arguments.insert(key, value)
            }),
        },
        commands: &[Call, Publish],
        help: "A keyword argument; VALUE is JSON if it can be, and else a string. May be repeated.",
    },
    Flag {
        long: "string",
        short: Some('s'),
        takes: Takes::Value {
            name: "STRING",
            default: None,
            store: Store::Text(|given, text| {
                given.arguments.push_string(text);
                Ok(())
            }),
        },
        commands: &[Call, Publish],
        help: "A positional argument, in its place among the others, that is a string even if it could be JSON. May be \
               repeated.",
    },
    Flag {
        long: "bytes",
        short: Some('b'),
        takes: Takes::Value {
            name: "FILE",
            default: None,
            store: Store::Path(|given, path| given.arguments.push_file(path)),
        },
        commands: &[Call, Publish],
        help: "A positional argument, in its place among the others, that is the bytes of a file; - is the standard \
               input. May be repeated.",
    },
    Flag {
        long: "match",
        short: None,
        takes: Takes::Value {
            name: "HOW",
            default: Some("exact"),
            store: Store::Text(|given, text| set(&mut given.subscription.matching, values::matching(text))),
        },
        commands: &[Subscribe],
        help: "How TOPIC is matched: exact; prefix, every topic that begins with it; wildcard, where a component left \
               empty stands for any, as in com..started.",
    },
    Flag {
        long: "count",
        short: None,
        takes: Takes::Value {
            name: "N",
            default: None,
            store: Store::Text(|given, text| set(&mut given.subscription.count, values::count(text).map(Some))),
        },
        commands: &[Subscribe],
        help: "Ends after this many events.",
    },
    Flag {
        long: "ack",
        short: None,
        takes: Takes::Nothing(|given| given.acknowledgement = Acknowledgement::Wanted),
        commands: &[Publish],
        help: "Waits until the router says that the event is published, and prints the publication's id. Without it \
               nobody says whether it was.",
    },
    Flag {
        long: "progress",
        short: None,
        takes: Takes::Nothing(|given| given.results.which = Which::All),
        commands: &[Call],
        help: "Asks for progressive results and prints them too, a line each.",
    },
    Flag {
        long: "raw",
        short: None,
        takes: Takes::Nothing(|given| given.results.form = Form::Raw),
        commands: &[Call],
        help: "Prints a result that is a string without its quotes, and one that is binary as its bytes.",
    },
    Flag {
        long: "json",
        short: None,
        takes: Takes::Nothing(|given| given.format = Format::Json),
        commands: CLIENTS,
        help: "Prints a WAMP ERROR as one line of JSON, {\"error\",\"args\",\"kwargs\"}, to stderr.",
    },
    Flag {
        long: "json",
        short: None,
        takes: Takes::Nothing(|given| given.format = Format::Json),
        commands: &[Procedures],
        help: "Prints a line of JSON for each procedure, {\"name\",\"signature\",\"result\",\"doc\"}.",
    },
    Flag {
        long: "timeout",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: Some("10s"),
            store: Store::Text(|given, text| set(&mut given.timeout, values::timeout(text))),
        },
        commands: &[Call, Publish],
        help: "How long everything may take together, from looking up the router to the last answer, whatever step takes \
               it. 0: for ever.",
    },
    Flag {
        long: "timeout",
        short: None,
        takes: Takes::Value {
            name: "TIME",
            default: None,
            store: Store::Text(|given, text| set(&mut given.timeout, values::timeout(text))),
        },
        commands: &[Subscribe],
        help: "Ends after this time: well without --count, and as timed out when fewer events than that came. 0: never. \
               Without it there is no end, but connecting and joining may take 10s each.",
    },
];
