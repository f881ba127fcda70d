//! Any field of `/proc/PID/stat` by its number in proc_pid_stat(5), for what is not read every tick. Pure.

use super::parse::name_and_state;
use super::sample::Status;
use crate::terminal::printable;

/// One line of `/proc/PID/stat` or `/proc/PID/task/TID/stat`.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatLine<'a> {
    name: &'a [u8],
    state: u8,
    /// From the third field on.
    fields: &'a [u8],
}

/// Numbers of fields, as the manual page counts them.
pub(super) mod field {
    pub const PPID: usize = 4;
    pub const MINOR_FAULTS: usize = 10;
    pub const CHILDREN_MINOR_FAULTS: usize = 11;
    pub const MAJOR_FAULTS: usize = 12;
    pub const CHILDREN_MAJOR_FAULTS: usize = 13;
    pub const USER: usize = 14;
    pub const SYSTEM: usize = 15;
    pub const CHILDREN_USER: usize = 16;
    pub const CHILDREN_SYSTEM: usize = 17;
    pub const NICE: usize = 19;
    pub const THREADS: usize = 20;
    pub const START: usize = 22;
    pub const RESIDENT_PAGES: usize = 24;
    pub const PROCESSOR: usize = 39;
    pub const REALTIME_PRIORITY: usize = 40;
    pub const BLOCK_IO_DELAY: usize = 42;
}

impl<'a> StatLine<'a> {
    /// `None` when it does not begin as such a line does.
    pub(super) fn new(text: &'a [u8]) -> Option<Self> {
        let (name, state) = name_and_state(text)?;
        // A name may hold anything, and no later field holds a parenthesis.
        let end = text.iter().rposition(|&byte| byte == b')')?;
        Some(Self { name, state, fields: text.get(end + 1..)? })
    }

    /// The name (`comm`): bytes that are not UTF-8 are replaced, and what a terminal would act on is escaped.
    pub(super) fn name(&self) -> String {
        printable(&String::from_utf8_lossy(self.name)).into_owned()
    }

    /// What the thread is doing.
    pub(super) fn status(&self) -> Status {
        Status::from_letter(self.state)
    }

    /// A field from the third on; `None` when there is none, or no number from 0.
    pub(super) fn number(&self, field: usize) -> Option<u64> {
        self.field(field)?.parse().ok()
    }

    /// The same of a field that may be negative.
    pub(super) fn signed(&self, field: usize) -> Option<i64> {
        self.field(field)?.parse().ok()
    }

    fn field(&self, field: usize) -> Option<&'a str> {
        let mut fields = self.fields.split(u8::is_ascii_whitespace).filter(|text| !text.is_empty());
        std::str::from_utf8(fields.nth(field.checked_sub(3)?)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::mutations::mutations;
    use super::*;

    #[test]
    fn fields_by_their_number_whatever_the_name() {
        let fields: Vec<String> = (4..=52).map(|number| (number * 10).to_string()).collect();
        for name in ["sleep", "", ") S 1 (", "a b"] {
            let text = format!("17 ({name}) D {}\n", fields.join(" "));
            let line = StatLine::new(text.as_bytes()).unwrap();
            assert_eq!((line.name().as_str(), line.status()), (name, Status::DiskSleep));
            assert_eq!((line.number(field::PPID), line.number(field::START)), (Some(40), Some(220)));
            assert_eq!((line.number(field::BLOCK_IO_DELAY), line.number(53)), (Some(420), None));
            assert_eq!((line.number(2), line.number(0)), (None, None));
        }
    }

    #[test]
    fn odd_lines() {
        let line = StatLine::new(b"17 (a\x1b[2J\xff) S 1 -7 99999999999999999999 x").unwrap();
        assert_eq!(line.name(), "a\\u{1b}[2J\u{fffd}");
        assert_eq!((line.number(4), line.number(5), line.signed(5)), (Some(1), None, Some(-7)));
        assert_eq!((line.number(6), line.signed(7)), (None, None));
        for text in [b"".as_slice(), b"17", b"17 (", b")(", b"17 (a)", b"17 (a) "] {
            assert!(StatLine::new(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn no_bytes_can_panic() {
        for bytes in mutations(&std::fs::read("/proc/self/stat").unwrap()) {
            let Some(line) = StatLine::new(&bytes) else { continue };
            let _ = (line.name(), line.status());
            for field in 0..60 {
                let _ = (line.number(field), line.signed(field));
            }
        }
    }

    #[test]
    fn agrees_with_the_procfs_crate() {
        use procfs::FromRead;
        let text = std::fs::read("/proc/self/stat").unwrap();
        let (ours, theirs) = (StatLine::new(&text).unwrap(), procfs::process::Stat::from_read(&*text).unwrap());
        let number = |field| ours.number(field);
        assert_eq!(ours.signed(field::PPID), Some(theirs.ppid.into()));
        assert_eq!(
            (number(field::MINOR_FAULTS), number(field::MAJOR_FAULTS)),
            (Some(theirs.minflt), Some(theirs.majflt))
        );
        assert_eq!(number(field::CHILDREN_MINOR_FAULTS), Some(theirs.cminflt));
        assert_eq!(number(field::CHILDREN_MAJOR_FAULTS), Some(theirs.cmajflt));
        assert_eq!((number(field::USER), number(field::SYSTEM)), (Some(theirs.utime), Some(theirs.stime)));
        assert_eq!(ours.signed(field::CHILDREN_USER), Some(theirs.cutime));
        assert_eq!(ours.signed(field::CHILDREN_SYSTEM), Some(theirs.cstime));
        assert_eq!(
            (ours.signed(field::NICE), ours.signed(field::THREADS)),
            (Some(theirs.nice), Some(theirs.num_threads))
        );
        assert_eq!((number(field::START), number(field::RESIDENT_PAGES)), (Some(theirs.starttime), Some(theirs.rss)));
        assert_eq!(ours.signed(field::PROCESSOR), theirs.processor.map(i64::from));
        assert_eq!(number(field::REALTIME_PRIORITY), theirs.rt_priority.map(u64::from));
        assert_eq!(number(field::BLOCK_IO_DELAY), theirs.delayacct_blkio_ticks);
    }
}
