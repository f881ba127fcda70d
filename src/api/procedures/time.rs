//! When the process started, how long ago, and what time it is.

use super::{Answer, Entry};
use crate::api::call::Call;
use crate::api::outcome::Outcome;
use crate::api::procedure::Handler;
use crate::sync::clock::Timestamp;

pub(super) fn entries() -> Vec<Entry> {
    vec![
        Entry {
            name: "started",
            params: Vec::new(),
            result: "str",
            doc: "When the process started, ISO 8601 UTC.",
            handler: Handler::Inline(started),
        },
        Entry {
            name: "uptime",
            params: Vec::new(),
            result: "float",
            doc: "Seconds since the process started.",
            handler: Handler::Inline(uptime),
        },
        Entry {
            name: "utcnow",
            params: Vec::new(),
            result: "str",
            doc: "The present time, ISO 8601 UTC.",
            handler: Handler::Inline(utcnow),
        },
    ]
}

fn started(call: &Call) -> Answer {
    Ok(Outcome::of(&call.host.identity()?.started()))
}

fn uptime(call: &Call) -> Answer {
    Ok(Outcome::of(&call.host.identity()?.uptime().as_secs_f64()))
}

// The table's functions have one signature.
#[allow(clippy::unnecessary_wraps)]
fn utcnow(_: &Call) -> Answer {
    Ok(Outcome::of(&Timestamp::now()))
}
