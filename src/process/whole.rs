//! Files of `/proc/PID` that are not read every tick, read whole by the `procfs` crate; what the crate takes for granted of a
//! text is seen to first. Pure.

use std::collections::HashMap;

use procfs::process::{Schedstat, SmapsRollup, Stat, Status};
use procfs::{FromBufRead, FromRead};

/// Reads `stat` of a process or of a thread (proc_pid_stat(5)); `None` when it is no such text.
pub(super) fn stat(text: &[u8]) -> Option<Stat> {
    // `17 (name) S …`: the crate cuts these parts off by their lengths, whatever they are. A name may hold anything, and no
    // later field holds a parenthesis.
    let (before, rest) = text.split_at_checked(text.iter().position(|&byte| byte == b'(')?)?;
    let after = rest.get(rest.iter().rposition(|&byte| byte == b')')? + 1..)?;
    let is_one = before.first()?.is_ascii_digit()
        && before.ends_with(b" ")
        && matches!(after, [b' ', state, ..] if state.is_ascii_graphic());
    if is_one { Stat::from_read(text).ok() } else { None }
}

/// Reads `status` (proc_pid_status(5)), whose sizes are KiB; `None` when it is no such text.
pub(super) fn status(text: &[u8]) -> Option<Status> {
    // The crate wants UTF-8, which the name in it need not be.
    let status = Status::from_buf_read(String::from_utf8_lossy(text).as_bytes()).ok()?;
    status.state.starts_with(|state: char| state.is_ascii_graphic()).then_some(status)
}

/// KiB, as `status` has them, in bytes.
pub(super) fn bytes(kibibytes: Option<u64>) -> Option<u64> {
    kibibytes?.checked_mul(1024)
}

/// Reads `schedstat`; `None` when it is no such text, and when all is 0: that is what a kernel writes that does not count.
pub(super) fn schedstat(text: &[u8]) -> Option<Schedstat> {
    let seen = Schedstat::from_read(text).ok()?;
    ((seen.sum_exec_runtime, seen.run_delay, seen.pcount) != (0, 0, 0)).then_some(seen)
}

/// What is taken from `smaps_rollup`, in bytes; `None` for what the kernel does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rollup {
    /// In memory.
    pub resident: Option<u64>,
    /// In memory, each page divided by the number of processes that have it.
    pub proportional: Option<u64>,
    /// In memory of no other process.
    pub private: Option<u64>,
    /// Swapped out.
    pub swap: Option<u64>,
    /// Swapped out, each page divided by the number of processes that have it.
    pub proportional_swap: Option<u64>,
}

/// Reads `smaps_rollup`; all is `None` when it is no such text.
pub(super) fn rollup(text: &[u8]) -> Rollup {
    let told = keys_of_rollup(text).unwrap_or_default();
    let of = |key: &str| told.get(key).copied();
    Rollup {
        resident: of("Rss"),
        proportional: of("Pss"),
        private: of("Private_Clean").zip(of("Private_Dirty")).and_then(|(clean, dirty)| clean.checked_add(dirty)),
        swap: of("Swap"),
        proportional_swap: of("SwapPss"),
    }
}

fn keys_of_rollup(text: &[u8]) -> Option<HashMap<String, u64>> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
    let (heading, keys) = text.split_once('\n')?;
    // What is no `Key:` the crate takes for a mapping, and panics at some of their paths. The numbers cannot overflow when it
    // makes bytes of them: that is what the kernel made them of.
    let is_one = heading.ends_with(" [rollup]")
        && keys.lines().all(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    if !is_one {
        return None;
    }
    let maps = SmapsRollup::from_buf_read(text.as_bytes()).ok()?.memory_map_rollup;
    Some(maps.into_iter().next()?.extension.map)
}

#[cfg(test)]
mod tests;
