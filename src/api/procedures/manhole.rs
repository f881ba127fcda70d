//! The manhole. What the entries name is in [`crate::api::manhole`].

use super::Entry;
use crate::api::arguments::{Kind, Param};
use crate::api::manhole;
use crate::api::procedure::Handler;

pub(super) fn entries() -> Vec<Entry> {
    vec![
        Entry {
            name: "start_manhole",
            params: vec![Param::required("config", Kind::Dict)],
            result: "dict",
            doc: "Starts an SSH server into the process, for the users of the configuration.",
            handler: Handler::Manhole(manhole::start),
        },
        Entry {
            name: "stop_manhole",
            params: Vec::new(),
            result: "null",
            doc: "Stops it, and ends all of its connections.",
            handler: Handler::Manhole(manhole::stop),
        },
        Entry {
            name: "get_manhole",
            params: Vec::new(),
            result: "dict or null",
            doc: "What runs, since when, and its configuration without passwords; null while there is no manhole.",
            handler: Handler::Manhole(manhole::get),
        },
    ]
}
