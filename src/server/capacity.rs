//! How much a server may have. Pure.

/// Descriptors that are no connection's: the listeners, the log, what the program keeps open of its target, the manhole's
/// clients, and what a procedure opens while it runs.
const RESERVE: u64 = 128;

/// One of so many connections may be without a session.
const STRANGERS: usize = 4;

/// How much there may be. A connection more is answered with 503 and counted in [`super::Counters::rejected`], if none of the
/// strangers makes room for it ([`super::Counters::displaced`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// In all.
    pub connections: usize,
    /// Of those, without a session.
    pub strangers: usize,
    /// Bytes that may wait in all for peers that do not read fast enough; beyond it, those that have kept
    /// most waiting for longest go. An event counts for every subscriber for whom it waits, though it is kept once.
    pub queued_bytes: usize,
    /// Bytes of messages, in all, of which only a part has come; beyond it, those that have been under way longest are
    /// given up with their connections.
    pub unfinished_bytes: usize,
}

impl Default for Capacity {
    /// 4096 connections, 1024 of them without a session; 64 MiB that wait, and 64 MiB that are not whole.
    fn default() -> Self {
        Self { connections: 4096, strangers: 1024, queued_bytes: 64 << 20, unfinished_bytes: 64 << 20 }
    }
}

impl Capacity {
    /// No more connections than there may be descriptors (`RLIMIT_NOFILE`, getrlimit(2)), less 128 that the process needs
    /// itself, or half of them if there are fewer; and no more than a quarter of those without a session. Otherwise
    /// strangers would take the last descriptor before anybody is asked to make room.
    #[must_use]
    pub fn within(self, descriptors: u64) -> Self {
        let left = descriptors - RESERVE.min(descriptors / 2);
        let connections = self.connections.min(usize::try_from(left).unwrap_or(usize::MAX));
        Self { connections, strangers: self.strangers.min(connections / STRANGERS).max(1), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_descriptors_are_left_for_the_process_itself() {
        let within = |descriptors| {
            let Capacity { connections, strangers, .. } = Capacity::default().within(descriptors);
            (connections, strangers)
        };
        assert_eq!(within(1_048_576), (4096, 1024));
        assert_eq!(within(u64::MAX), (4096, 1024));
        assert_eq!(within(4096 + RESERVE), (4096, 1024));
        assert_eq!(within(1024), (896, 224));
        assert_eq!(within(256), (128, 32));
        assert_eq!(within(100), (50, 12));
        assert_eq!(within(1), (1, 1));
    }
}
