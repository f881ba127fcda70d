//! The log: one line a record, to stderr.

use std::io::{self, Write};

use log::{LevelFilter, Log, Metadata, Record};

use super::printable::printable;
use crate::sync::clock::Timestamp;

struct Logger;

static LOGGER: Logger = Logger;

/// Begins to log what is at least as grave as `level`.
pub fn start(level: LevelFilter) {
    log::set_max_level(level);
    // Fails only when this process has a logger already, and then that one is wanted.
    let _ = log::set_logger(&LOGGER);
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = line(Timestamp::now(), record);
            // One write, so that lines of several processes do not mix; and if stderr is gone there is nobody to tell.
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

fn line(now: Timestamp, record: &Record<'_>) -> String {
    let message = record.args().to_string();
    format!("{now} {} {}: {}\n", record.level(), record.target(), printable(&message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Level;

    #[test]
    fn a_record_is_one_line_whatever_a_peer_put_into_it() {
        let record = |message: std::fmt::Arguments<'_>| {
            let record = Record::builder().level(Level::Warn).target("wampproc::agent").args(message).build();
            line(Timestamp::from_ns(1_795_334_845_801_000_000), &record)
        };
        assert_eq!(
            record(format_args!("a router says {}", "\x1b[31mx\ny")),
            "2026-11-22T08:07:25.801Z WARN wampproc::agent: a router says \\u{1b}[31mx\\ny\n"
        );
    }
}
