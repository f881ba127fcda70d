//! The connection to the router.

use super::Entry;
use crate::api::procedure::Handler;

pub(super) fn entries() -> Vec<Entry> {
    vec![Entry {
        name: "get_link_stats",
        params: Vec::new(),
        result: "dict",
        doc: "The connection to the router: session, bytes, messages, what waits, reconnects, events dropped, time of a ping.",
        handler: Handler::Link,
    }]
}
