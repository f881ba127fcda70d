//! What the server counts. Any thread may read; only the router's thread adds.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// How much it is now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What has happened since the server was started.
        #[derive(Debug, Default)]
        pub struct Counters { $($(#[$doc])* pub $name: Counter,)* }

        impl Counters {
            /// Every counter with its name.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.get()),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Connections accepted.
    connections,
    /// Connections closed at once, for want of room or of descriptors.
    rejected,
    /// Connections without a session that were closed, because too many came from their address when another called.
    displaced,
    /// HTTP requests that were answered with anything but an upgrade.
    answered,
    /// Connections upgraded to WAMP.
    upgraded,
    /// Messages that came in.
    messages_in,
    /// Messages that were queued for peers; an event counts once for each.
    messages_out,
    /// Events that were not queued, because the subscriber does not read, or takes none that long.
    events_dropped,
    /// INVOCATIONs that were not queued, because the callee does not read, or takes none that long; the caller got an ERROR.
    invocations_undelivered,
    /// Progressive results that were not queued, because the caller does not read, and answers that are longer than it takes;
    /// its call ended with an ERROR.
    results_undelivered,
    /// Logins whose proof was wrong, whether anybody waited to be told so or not.
    logins_failed,
    /// Peers that broke the protocol of WAMP, or of WebSocket.
    violations,
    /// Peers closed because they took nothing for too long.
    stalled_closed,
    /// Peers closed because their answers did not fit into their queue.
    overrun_closed,
    /// Peers closed because they kept most waiting for longest, when that of all together took too much memory.
    slow_closed,
    /// Peers closed because of a message that was not whole, when all of those together took too much memory.
    unfinished_closed,
    /// Peers given up because they answered no ping.
    silent_closed,
}

impl fmt::Display for Counters {
    /// Those that are not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, count) in self.iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{name} {count}")?;
            separator = ", ";
        }
        Ok(())
    }
}
