//! The process's log for those who follow it. Whoever writes the log tells each record to a feed; who follows has a bounded
//! mailbox, and nobody waits for it.

use std::fmt::{self, Display, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use log::{Level, LevelFilter};

use crate::sync::clock::Timestamp;
use crate::sync::mailbox::{NotSent, Post};

/// The longest message that is passed on, in bytes; what is longer is cut.
const LONGEST: usize = 4096;

/// Where a logger puts its records for `log follow`. Clones are the same feed.
///
/// The program `wampproc` has one in its logger. A program that embeds the library has a logger of its own; it gives
/// [`crate::AgentBuilder::log_feed`] a feed and calls [`LogFeed::tell`] in its `Log::log`:
///
/// ```
/// use log::{Log, Metadata, Record};
/// use wampproc::manhole::LogFeed;
/// use wampproc::sync::clock::Timestamp;
///
/// struct Logger {
///     feed: LogFeed,
/// }
///
/// impl Log for Logger {
///     fn enabled(&self, metadata: &Metadata) -> bool {
///         metadata.level() <= log::max_level()
///     }
///     fn log(&self, record: &Record) {
///         if self.enabled(record.metadata()) {
///             eprintln!("{} {}", record.level(), record.args());
///             self.feed.tell(Timestamp::now(), record.level(), record.target(), record.args());
///         }
///     }
///     fn flush(&self) {}
/// }
/// ```
#[derive(Clone, Default)]
pub struct LogFeed(Arc<Mutex<Followers>>);

#[derive(Default)]
struct Followers {
    list: Vec<Follower>,
    /// Of all followers so far.
    count: u64,
}

struct Follower {
    number: u64,
    level: LevelFilter,
    post: Post<Logged>,
    missed: u64,
}

/// A record of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// When it was logged.
    pub at: Timestamp,
    /// How grave it is.
    pub level: Level,
    /// Who logged it.
    pub target: String,
    /// What it says, cut after 4096 bytes.
    pub message: String,
    /// How many before it did not get here, because too many waited.
    pub missed: u64,
}

/// Follows as long as it is there.
#[derive(Debug)]
pub(super) struct Following {
    feed: LogFeed,
    number: u64,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.feed.lock().list.retain(|follower| follower.number != self.number);
    }
}

impl LogFeed {
    /// Tells whoever follows of a record. Never waits for them: a record that does not fit is counted, and the next one tells
    /// how many were missed.
    pub fn tell(&self, at: Timestamp, level: Level, target: &str, message: &dyn Display) {
        if self.lock().list.iter().all(|follower| level > follower.level) {
            return;
        }
        // Without the lock: what is formatted may log, too.
        let message = text(message);
        let mut followers = self.lock();
        for follower in followers.list.iter_mut().filter(|follower| level <= follower.level) {
            let (target, message) = (target.to_owned(), message.clone());
            match follower.post.try_send(Logged { at, level, target, message, missed: follower.missed }) {
                Ok(()) => follower.missed = 0,
                // One that is gone is taken off the list by itself.
                Err(NotSent::Full(_) | NotSent::Closed(_)) => follower.missed += 1,
            }
        }
    }

    /// Has everything that is at least as grave as `level` sent there.
    pub(super) fn follow(&self, level: LevelFilter, post: Post<Logged>) -> Following {
        let mut followers = self.lock();
        followers.count += 1;
        let number = followers.count;
        followers.list.push(Follower { number, level, post, missed: 0 });
        Following { feed: self.clone(), number }
    }

    fn lock(&self) -> MutexGuard<'_, Followers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LogFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogFeed({} followers)", self.lock().list.len())
    }
}

/// A message up to where it is too long.
fn text(message: &dyn Display) -> String {
    struct Bounded(String);
    impl Write for Bounded {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = LONGEST.saturating_sub(self.0.len());
            let end = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
            self.0.push_str(text.get(..end).unwrap_or_default());
            // An error ends the formatting.
            if end < text.len() { Err(fmt::Error) } else { Ok(()) }
        }
    }
    let mut bounded = Bounded(String::new());
    if write!(bounded, "{message}").is_err() {
        bounded.0.push('…');
    }
    bounded.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::mailbox::mailbox;
    use crate::sync::waker::Waker;

    const AT: Timestamp = Timestamp::from_ns(1_795_334_845_801_000_000);

    #[test]
    fn those_who_follow_get_what_is_grave_enough_and_fits() {
        let feed = LogFeed::default();
        let (post, letters) = mailbox(2, Waker::new().unwrap());
        let following = feed.follow(LevelFilter::Info, post);
        for number in 0..5 {
            feed.tell(AT, Level::Debug, "a", &"not this");
            feed.tell(AT, Level::Warn, "a", &number);
        }
        let next = || letters.try_recv().unwrap().map(|logged| (logged.message, logged.missed));
        assert_eq!((next(), next(), next()), (Some(("0".to_owned(), 0)), Some(("1".to_owned(), 0)), None));
        feed.tell(AT, Level::Error, "a", &"later");
        assert_eq!(next(), Some(("later".to_owned(), 3)));
        assert_eq!(format!("{feed:?}"), "LogFeed(1 followers)");
        drop(following);
        assert_eq!(format!("{feed:?}"), "LogFeed(0 followers)");
        feed.tell(AT, Level::Error, "a", &"to nobody");
        assert!(letters.try_recv().is_err(), "nobody sends any more");
    }

    #[test]
    fn a_message_has_an_end() {
        assert_eq!(text(&"short"), "short");
        for letter in ["x", "ü", "✔"] {
            let long = text(&letter.repeat(LONGEST + 1));
            assert!((LONGEST - 3..=LONGEST + 3).contains(&long.len()) && long.ends_with('…'), "{}", long.len());
        }
    }
}
