//! The log: one line a record, to stderr, at no other cost to those who log. They are the loops, which never wait: what
//! stderr does not take at once is lost, and what one source logs too much of is left out. Both are counted and told.

use std::fmt;
use std::io::{self, Write};
use std::os::fd::AsFd;
#[cfg(feature = "manhole")]
use std::sync::LazyLock;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::log_budget::{Budget, Share, Verdict};
use super::manhole::USERS_LOG;
#[cfg(feature = "manhole")]
use crate::manhole::LogFeed;
use crate::sync::clock::Timestamp;
use crate::sync::wait::{Interest, wait};
use crate::terminal::printable;

/// The longest line: what a pipe that has any room takes at once (pipe(7)).
const LONGEST: usize = libc::PIPE_BUF;

struct Logger {
    log: Mutex<State>,
}

/// A line before it is one.
struct Entry<'a> {
    at: Timestamp,
    level: Level,
    target: &'a str,
    message: &'a dyn fmt::Display,
}

#[cfg(feature = "manhole")]
static FEED: LazyLock<LogFeed> = LazyLock::new(LogFeed::default);

/// What is logged, for those who follow it: also what stderr does not take.
#[cfg(feature = "manhole")]
pub fn feed() -> LogFeed {
    FEED.clone()
}

static LOGGER: Logger = Logger { log: Mutex::new(State { budget: Budget::new(), lost: 0 }) };

/// What stands before each line, once it is set: where others write to stderr too, it says who speaks.
static MARK: OnceLock<&str> = OnceLock::new();

/// What is known between two records. Its lock is held while one is written, so that no two of our threads see the same
/// room in a pipe.
struct State {
    budget: Budget,
    /// Lines that stderr did not take since the last one that it took.
    lost: u64,
}

/// Begins to log what is at least as grave as `level`.
pub fn start(level: LevelFilter) {
    log::set_max_level(level);
    // Fails only when this process has a logger already, and then that one is wanted.
    let _ = log::set_logger(&LOGGER);
}

/// Marks every line from now on as ours.
pub fn mark() {
    MARK.get_or_init(|| "wampproc: ");
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level() && !shows_messages(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut state = self.lock();
            let State { budget, lost } = &mut *state;
            write(record, budget, Timestamp::now(), Instant::now(), &mut |entry| put(entry, lost));
        }
    }

    /// Tells what was not told yet.
    fn flush(&self) {
        let mut state = self.lock();
        let State { budget, lost } = &mut *state;
        for (target, level, count) in budget.left_out() {
            left_out(Timestamp::now(), level, target, count, &mut |entry| put(entry, lost));
        }
        tell_lost(lost);
    }
}

impl Logger {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a record is one of the WebSocket layer's copies of all that is sent and received: secrets of logins are among it.
fn shows_messages(metadata: &Metadata<'_>) -> bool {
    metadata.level() == Level::Trace && metadata.target().starts_with("tungstenite::protocol")
}

/// Writes what is to be written for a record.
fn write(record: &Record<'_>, budget: &mut Budget, at: Timestamp, now: Instant, put: &mut dyn FnMut(&Entry<'_>)) {
    let share = if Some(record.target()) == USERS_LOG { Share::OF_USERS } else { Share::USUAL };
    let verdict = budget.admit(record.target(), record.level(), share, now);
    let Verdict::Write { left_out: count } = verdict else { return };
    if count > 0 {
        left_out(at, record.level(), record.target(), count, put);
    }
    put(&Entry { at, level: record.level(), target: record.target(), message: record.args() });
}

/// Writes a line to stderr if that takes it, after saying how many it did not take before; and tells those who follow.
fn put(entry: &Entry<'_>, lost: &mut u64) {
    #[cfg(feature = "manhole")]
    FEED.tell(entry.at, entry.level, entry.target, entry.message);
    if !tell_lost(lost) || !put_now(&line(entry)) {
        *lost += 1;
    }
}

/// Whether it is told by now how many lines were lost, if any were.
fn tell_lost(lost: &mut u64) -> bool {
    if *lost > 0 {
        let sentence = format!("{lost} log records were lost: nobody read stderr");
        let entry = Entry { at: Timestamp::now(), level: Level::Warn, target: module_path!(), message: &sentence };
        if !put_now(&line(&entry)) {
            return false;
        }
        *lost = 0;
    }
    true
}

/// Writes a line unless that would mean to wait.
///
/// Whether there is room is asked, and not made sure by `O_NONBLOCK`: that would hold for whoever else writes there. So
/// another process that takes the room meanwhile can still make us wait.
fn put_now(line: &str) -> bool {
    let mut stderr = io::stderr().lock();
    let ready = wait([(stderr.as_fd(), Interest::WRITE)], Some(Duration::ZERO));
    if !ready.is_ok_and(|[ready]| ready.writable) {
        return false;
    }
    // One write, so that lines of several processes do not mix; and if stderr is gone there is nobody to tell.
    let _ = stderr.write(line.as_bytes());
    true
}

fn left_out(at: Timestamp, level: Level, target: &str, count: u64, put: &mut dyn FnMut(&Entry<'_>)) {
    put(&Entry { at, level, target, message: &format_args!("{count} more records of this kind were left out") });
}

fn line(entry: &Entry<'_>) -> String {
    let Entry { at, level, target, message } = entry;
    let mark = MARK.get().unwrap_or(&"");
    let mut line = format!("{mark}{at} {level} {target}: {}", printable(&message.to_string()));
    if line.len() >= LONGEST {
        const CUT: &str = "…";
        let end = (0..=LONGEST - CUT.len() - 1).rev().find(|&end| line.is_char_boundary(end)).unwrap_or_default();
        line.truncate(end);
        line.push_str(CUT);
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_ns(1_795_334_845_801_000_000);

    fn written(budget: &mut Budget, now: Instant, message: fmt::Arguments<'_>) -> Vec<String> {
        let record = Record::builder().level(Level::Warn).target("wampproc::agent").args(message).build();
        let mut lines = Vec::new();
        write(&record, budget, AT, now, &mut |entry| lines.push(line(entry)));
        lines
    }

    #[test]
    fn a_record_is_one_line_whatever_a_peer_put_into_it() {
        let (mut budget, now) = (Budget::new(), Instant::now());
        assert_eq!(
            written(&mut budget, now, format_args!("a router says {}", "\x1b[31mx\ny")),
            ["2026-11-22T08:07:25.801Z WARN wampproc::agent: a router says \\u{1b}[31mx\\ny\n"]
        );
        for letter in ["x", "ü", "✔"] {
            let long = written(&mut budget, now, format_args!("{}", letter.repeat(LONGEST)));
            assert!((LONGEST - 3..=LONGEST).contains(&long[0].len()), "{}", long[0].len());
            assert!(long[0].ends_with("…\n"));
        }
    }

    #[test]
    fn what_was_left_out_is_told_before_the_next_record() {
        let (mut budget, start) = (Budget::new(), Instant::now());
        let flood: usize = (0..1000).map(|_| written(&mut budget, start, format_args!("no")).len()).sum();
        assert!(flood < 100, "{flood}");
        let next = written(&mut budget, start + Duration::from_secs(10), format_args!("no"));
        let told = format!(
            "2026-11-22T08:07:25.801Z WARN wampproc::agent: {} more records of this kind were left out\n",
            1000 - flood
        );
        assert_eq!(next, [told, "2026-11-22T08:07:25.801Z WARN wampproc::agent: no\n".to_owned()]);
    }
}
