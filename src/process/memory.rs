//! The machine's memory, and giving ours back: `malloc_trim(3)` and `mallopt(3)` where the C library is glibc.
#![allow(unsafe_code)] // Neither function of the allocator has a safe binding, nor has sysinfo(2).

use std::fs;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use procfs::{FromBufRead, Meminfo};
use serde::Serialize;

use super::error::ProcessError;

/// What giving memory back brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Garbage {
    /// How long it took: ms, rounded.
    pub duration: u64,
    /// Resident bytes before.
    pub resident_before: u64,
    /// Resident bytes after.
    pub resident_after: u64,
    /// Whether the allocator can give memory back on demand at all.
    pub supported: bool,
}

/// Makes the allocator keep all threads' memory in one arena, which it can give back; with an arena a thread, a few
/// live bytes in each hold whole heaps. To be called before a second thread starts. Does nothing but with glibc.
pub fn use_one_arena() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt has no memory-safety precondition; it locks the arena it changes.
    let accepted = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    #[cfg(target_env = "gnu")]
    debug_assert_eq!(accepted, 1, "mallopt(3) documents M_ARENA_MAX");
}

/// Gives free memory back to the system; says how long it took and whether the allocator can at all. What the
/// allocator's function returns is of no use: it says "released" when nothing was.
#[cfg(target_env = "gnu")]
pub(super) fn trim() -> (Duration, bool) {
    let start = Instant::now();
    // SAFETY: malloc_trim has no precondition; it takes the arenas' locks.
    unsafe { libc::malloc_trim(0) };
    (start.elapsed(), true)
}

/// Gives free memory back to the system; says how long it took and whether the allocator can at all.
#[cfg(not(target_env = "gnu"))]
pub(super) fn trim() -> (Duration, bool) {
    (Duration::ZERO, false)
}

/// Bytes of memory the machine has: MemTotal. Never 0.
pub(super) fn total() -> Result<u64, ProcessError> {
    // Where there is a meminfo it may be a container's own (lxcfs), so first.
    let total = match fs::read(MEMINFO).ok().and_then(|text| meminfo(&text)) {
        Some(meminfo) => meminfo.mem_total,
        None => installed()?,
    };
    match total {
        0 => Err(ProcessError::Malformed { file: MEMINFO.to_owned(), expected: "MemTotal above 0" }),
        total => Ok(total),
    }
}

/// What the kernel says of its memory (proc_meminfo(5)). A `/proc` mounted with `subset=pid` has no such file.
pub(super) const MEMINFO: &str = "/proc/meminfo";

/// Reads that file; `None` when it is no such text.
pub(super) fn meminfo(text: &[u8]) -> Option<Meminfo> {
    // The crate cuts a key's last byte off, which must not be half a character.
    if text.is_ascii() { Meminfo::from_buf_read(text).ok() } else { None }
}

/// The same by sysinfo(2).
fn installed() -> Result<u64, ProcessError> {
    let mut info = MaybeUninit::<libc::sysinfo>::zeroed();
    // SAFETY: the pointer is to a whole, writable `sysinfo`.
    Errno::result(unsafe { libc::sysinfo(info.as_mut_ptr()) })
        .map_err(|errno| ProcessError::Os { what: "ask for the size of memory".to_owned(), errno })?;
    // SAFETY: all zeros is a valid `sysinfo`, and the kernel filled it.
    let info = unsafe { info.assume_init() };
    // `c_ulong` is 32 bits wide on some targets.
    #[allow(clippy::useless_conversion)]
    Ok(u64::from(info.totalram).saturating_mul(u64::from(info.mem_unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_agree_on_the_size_of_memory() {
        assert_eq!(total().unwrap(), installed().unwrap());
    }

    #[test]
    fn a_meminfo_with_an_odd_key_is_none() {
        let text = include_str!("../../tests/data/proc/meminfo");
        assert_eq!(meminfo(text.as_bytes()).unwrap().mem_total, 16_421_904 * 1024);
        assert!(meminfo(format!("{text}K\u{fc} 5 kB\n").as_bytes()).is_none());
    }
}
