//! The text of `/proc/PID/{stat,status,io}` read into numbers, without allocating. Pure.

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

/// The name and the state's letter in `/proc/PID/stat`.
pub(super) fn name_and_state(text: &[u8]) -> Option<(&[u8], u8)> {
    let start = text.iter().position(|&byte| byte == b'(')? + 1;
    let end = end_of_name(text)?;
    Some((text.get(start..end)?, *text.get(end + 1..)?.strip_prefix(b" ")?.first()?))
}

/// Whether `/proc/PID/stat` is of a process that has ended. A first thread that has ended while others run is a zombie too.
pub(super) fn has_ended(text: &[u8]) -> bool {
    let threads = || {
        let name_end = end_of_name(text)?;
        number(text.get(name_end + 1..)?.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()).nth(20 - 3)?)
    };
    matches!(name_and_state(text), Some((_, b'Z' | b'X' | b'x'))) && threads().is_none_or(|count| count <= 1)
}

/// What is taken from `/proc/PID/task/TID/schedstat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedstat {
    /// Time on a CPU.
    pub ran_ns: u64,
    /// Time spent ready to run, waiting for a CPU.
    pub waited_ns: u64,
}

/// Reads `schedstat`; `None` when it is no such text, and when all is 0: that is what a kernel writes that does not count.
pub(super) fn schedstat(text: &[u8]) -> Option<Schedstat> {
    let mut numbers = text.split(u8::is_ascii_whitespace).filter(|digits| !digits.is_empty()).map(number);
    let (ran_ns, waited_ns, slices) = (numbers.next()??, numbers.next()??, numbers.next()??);
    ((ran_ns, waited_ns, slices) != (0, 0, 0)).then_some(Schedstat { ran_ns, waited_ns })
}

/// The parent's id in `/proc/PID/stat`.
pub(super) fn parent(text: &[u8]) -> Option<i32> {
    let name_end = text.iter().rposition(|&byte| byte == b')')?;
    let mut fields = text.get(name_end + 1..)?.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    i32::try_from(number(fields.nth(1)?)?).ok()
}

/// The second number of a text: `/proc/PID/statm` has the resident pages there (proc_pid_statm(5)).
pub(super) fn second_number(text: &[u8]) -> Option<u64> {
    number(text.split(u8::is_ascii_whitespace).nth(1)?)
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

/// Reads a list of CPUs as the kernel writes it, `0-3,8`, into how many it names; `None` when it is no such list.
pub(super) fn count_cpus(list: &str) -> Option<u64> {
    let mut count = 0;
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        count += u64::from(last.checked_sub(first)?) + 1;
    }
    Some(count)
}

/// The `key: value` lines of a file, values without the white space around them.
pub(super) fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|&byte| byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let (key, value) = line.split_at_checked(colon)?;
        Some((key, value.get(1..)?.trim_ascii()))
    })
}

pub(super) fn number(digits: &[u8]) -> Option<u64> {
    leading_number(digits).and_then(|(number, rest)| rest.is_empty().then_some(number))
}

/// `1756 kB` in bytes.
pub(super) fn kibibytes(value: &[u8]) -> Option<u64> {
    number(value.strip_suffix(b" kB")?)?.checked_mul(1024)
}

#[cfg(test)]
mod tests;
