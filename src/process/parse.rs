//! The text of `/proc/PID/{stat,status,io}` read into the numbers of a tick, without allocating; `whole` reads the rest. Pure.

mod scan;

use scan::{Key, Lines, leading_number};

/// What is taken from `/proc/PID/stat` (proc_pid_stat(5)); times in clock ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// Time in user mode.
    pub utime: u64,
    /// Time in kernel mode.
    pub stime: u64,
    /// When the process started, since boot.
    pub starttime: u64,
}

/// What is taken from `/proc/PID/status` (proc_pid_status(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// The state's letter.
    pub state: u8,
    /// Virtual size in bytes; 0 when there is no address space (zombie, kernel thread).
    pub virtual_size: u64,
    /// Resident size in bytes; 0 when there is no address space.
    pub resident: u64,
    /// Number of threads.
    pub threads: u64,
    /// Voluntary context switches of the main thread.
    pub voluntary: u64,
    /// Involuntary context switches of the main thread.
    pub nonvoluntary: u64,
}

/// What is taken from `/proc/PID/io` (proc_pid_io(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Io {
    /// Read system calls (`syscr`).
    pub reads: u64,
    /// Write system calls (`syscw`).
    pub writes: u64,
    /// Bytes fetched from storage.
    pub read_bytes: u64,
    /// Bytes sent to storage.
    pub write_bytes: u64,
}

/// Reads `/proc/PID/stat`; `None` when a field is missing or is no number.
pub(super) fn stat(text: &[u8]) -> Option<Stat> {
    // There is one blank between two fields. From the third on, field n of the manual page is number n - 3 here.
    let mut fields = text.get(end_of_name(text)? + 1..)?.strip_prefix(b" ")?.split(|&byte| byte == b' ');
    let utime = number(fields.nth(14 - 3)?)?;
    let stime = number(fields.next()?)?;
    let starttime = number(fields.nth(22 - 16)?.trim_ascii_end())?;
    Some(Stat { utime, stime, starttime })
}

/// Where the second field ends, the command's name in parentheses. It may hold spaces, parentheses and newlines; no later
/// field holds a parenthesis, so it is the last one.
fn end_of_name(text: &[u8]) -> Option<usize> {
    // Names are short, and what comes behind is not: 10 digits, 63 bytes of a kernel thread's name, 3 between and around them.
    const LONGEST: usize = 10 + 63 + 3;
    let closes = |text: &[u8]| text.iter().rposition(|&byte| byte == b')');
    text.get(..LONGEST).and_then(closes).or_else(|| closes(text))
}

/// Reads `/proc/PID/status`; `None` when a line that every process has is missing.
pub(super) fn status(text: &[u8]) -> Option<Status> {
    static STATE: Key = Key::new(b"\nState:");
    static VM_SIZE: Key = Key::new(b"\nVmSize:");
    static VM_RSS: Key = Key::new(b"\nVmRSS:");
    static THREADS: Key = Key::new(b"\nThreads:");
    static VOLUNTARY: Key = Key::new(b"\nvoluntary_ctxt_switches:");
    static NONVOLUNTARY: Key = Key::new(b"\nnonvoluntary_ctxt_switches:");
    // The name is escaped here (proc_pid_status(5)), so that it cannot forge a line. The keys are in the kernel's order, and
    // what is skipped is what kernels since 4.12 write at least between them; where it is less, the search begins anew.
    let mut lines = Lines::new(text);
    let state = *lines.value(&STATE)?.first()?;
    lines.skip(120);
    let virtual_size = lines.kibibytes(&VM_SIZE)?.unwrap_or(0);
    lines.skip(40);
    let resident = lines.kibibytes(&VM_RSS)?.unwrap_or(0);
    lines.skip(150);
    let threads = lines.number(&THREADS)?;
    lines.skip_to_last(160);
    let voluntary = lines.number(&VOLUNTARY)?;
    let nonvoluntary = lines.number(&NONVOLUNTARY)?;
    Some(Status { state, virtual_size, resident, threads, voluntary, nonvoluntary })
}

/// Reads `/proc/PID/io`; `None` when one of the four lines is missing.
pub(super) fn io(text: &[u8]) -> Option<Io> {
    static READS: Key = Key::new(b"\nsyscr:");
    static WRITES: Key = Key::new(b"\nsyscw:");
    static READ_BYTES: Key = Key::new(b"\nread_bytes:");
    static WRITE_BYTES: Key = Key::new(b"\nwrite_bytes:");
    let mut lines = Lines::new(text);
    Some(Io {
        reads: lines.number(&READS)?,
        writes: lines.number(&WRITES)?,
        read_bytes: lines.number(&READ_BYTES)?,
        write_bytes: lines.number(&WRITE_BYTES)?,
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    leading_number(digits).and_then(|(number, rest)| rest.is_empty().then_some(number))
}

#[cfg(test)]
mod tests;
