//! The text of `/proc/PID/{stat,status,io}` read into numbers, without allocating. Pure.

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
    // The second field is the command's name in parentheses; it may hold spaces, parentheses and newlines, and no later
    // field holds a parenthesis.
    let name_end = text.iter().rposition(|&byte| byte == b')')?;
    // From the third field on, so that field n of the manual page is number n - 3 here.
    let mut fields = text.get(name_end + 1..)?.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let utime = number(fields.nth(14 - 3)?)?;
    let stime = number(fields.next()?)?;
    let starttime = number(fields.nth(22 - 16)?)?;
    Some(Stat { utime, stime, starttime })
}

/// The name and the state's letter in `/proc/PID/stat`.
pub(super) fn name_and_state(text: &[u8]) -> Option<(&[u8], u8)> {
    let start = text.iter().position(|&byte| byte == b'(')? + 1;
    let end = text.iter().rposition(|&byte| byte == b')')?;
    Some((text.get(start..end)?, *text.get(end + 2)?))
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

/// Reads `/proc/PID/status`; `None` when a line that every process has is missing.
pub(super) fn status(text: &[u8]) -> Option<Status> {
    let mut state = None;
    let (mut virtual_size, mut resident) = (0, 0);
    let (mut threads, mut voluntary, mut nonvoluntary) = (None, None, None);
    // The name is escaped here (proc_pid_status(5)), so that it cannot forge a line.
    for (key, value) in pairs(text) {
        match key {
            b"State" => state = value.first().copied(),
            b"VmSize" => virtual_size = kibibytes(value)?,
            b"VmRSS" => resident = kibibytes(value)?,
            b"Threads" => threads = number(value),
            b"voluntary_ctxt_switches" => voluntary = number(value),
            b"nonvoluntary_ctxt_switches" => nonvoluntary = number(value),
            _ => {}
        }
    }
    Some(Status {
        state: state?,
        virtual_size,
        resident,
        threads: threads?,
        voluntary: voluntary?,
        nonvoluntary: nonvoluntary?,
    })
}

/// Reads `/proc/PID/io`; `None` when one of the four lines is missing.
pub(super) fn io(text: &[u8]) -> Option<Io> {
    let (mut reads, mut writes, mut read_bytes, mut write_bytes) = (None, None, None, None);
    for (key, value) in pairs(text) {
        match key {
            b"syscr" => reads = number(value),
            b"syscw" => writes = number(value),
            b"read_bytes" => read_bytes = number(value),
            b"write_bytes" => write_bytes = number(value),
            _ => {}
        }
    }
    Some(Io { reads: reads?, writes: writes?, read_bytes: read_bytes?, write_bytes: write_bytes? })
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
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// `1756 kB` in bytes.
pub(super) fn kibibytes(value: &[u8]) -> Option<u64> {
    number(value.strip_suffix(b" kB")?)?.checked_mul(1024)
}

#[cfg(test)]
mod tests;
