//! The processes below this one: its children, theirs, and so on.

use std::collections::BTreeMap;
use std::fs;

use nix::errno::Errno;

use super::error::ProcessError;
use super::pidfd::PidFd;
use super::signal::Signal;
use super::whole;

/// Sends a signal to every living descendant of this process, and tells how many got it. A descendant that is started
/// meanwhile may be missed; one that is another user's by now is not counted.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn signal_descendants(signal: Signal) -> Result<u64, ProcessError> {
    let mut count = 0;
    for pid in descendants_of(own())? {
        if signal_one(pid, signal) == Ok(()) {
            count += 1;
        }
    }
    Ok(count)
}

/// Whether a process descends from this one. A process that has ended and was reaped does not any more.
#[must_use]
pub fn is_descendant(pid: i32) -> bool {
    let mut next = pid;
    // A chain of so many processes is none of a program that wants to be heard.
    for _ in 0..64 {
        match parent_of(next) {
            Some(parent) if parent == own() => return true,
            Some(parent) if parent > 0 => next = parent,
            _ => return false,
        }
    }
    false
}

fn own() -> i32 {
    nix::unistd::Pid::this().as_raw()
}

/// A number may have become another process's since it was read, unless that process still descends from us.
fn signal_one(pid: i32, signal: Signal) -> Result<(), Errno> {
    match PidFd::open(pid) {
        Ok(pidfd) if is_descendant(pid) => pidfd.signal(signal),
        Ok(_) => Err(Errno::ESRCH),
        // Before Linux 5.3 there is only the number.
        Err(Errno::ENOSYS) if is_descendant(pid) => signal.send(pid),
        Err(errno) => Err(errno),
    }
}

/// All that descend from a process now, and what is left of those that have ended.
fn descendants_of(root: i32) -> Result<Vec<i32>, ProcessError> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let directory = fs::read_dir("/proc").map_err(|error| ProcessError::os("read /proc", &error))?;
    for entry in directory.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(parent) = parent_of(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(parent) = next.pop() {
        // Taken out, so that numbers that changed hands between two reads cannot make this go round.
        let below = children.remove(&parent).unwrap_or_default();
        found.extend(&below);
        next.extend(below);
    }
    Ok(found)
}

/// `None` when it is gone. One that has ended counts until it is reaped: a process whose first thread has ended looks so too.
pub(super) fn parent_of(pid: i32) -> Option<i32> {
    Some(whole::stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)?.ppid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn children_are_descendants_and_others_are_not() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pid = child.id().try_into().unwrap();
        assert!(is_descendant(pid) && !is_descendant(1) && !is_descendant(own()) && !is_descendant(i32::MAX));
        assert!(descendants_of(own()).unwrap().contains(&pid));
        assert_eq!(signal_one(pid, Signal::KILL), Ok(()));
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()), Some(libc::SIGKILL));
        assert_eq!(signal_one(pid, Signal::KILL), Err(Errno::ESRCH));
        assert!(!is_descendant(pid));
    }
}
