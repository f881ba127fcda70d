//! The process group of this process, as job control sees it.

use nix::unistd::{Pid, getpgid, getpgrp, getppid, getsid};

use super::descendants::parent_of;

/// Ancestors that are looked at; nobody nests jobs deeper.
const DEEPEST: u32 = 64;

/// Whether nobody is there who would let the group go on once it is stopped (setpgid(2), *orphaned process group*): no parent
/// outside of it in its session, such as a shell. The kernel does not stop such a group for a terminal.
///
/// Looked at are this process and its ancestors in the group, of which one leads it where a shell has started it.
#[must_use]
pub fn is_own_group_orphaned() -> bool {
    let (group, mut parent) = (getpgrp(), getppid());
    for _ in 0..DEEPEST {
        // 0: outside of our PID namespace.
        if parent.as_raw() < 1 {
            return true;
        }
        match (getpgid(Some(parent)), parent_of(parent.as_raw())) {
            (Ok(other), _) if other != group => return getsid(Some(parent)) != getsid(None),
            (Ok(_), Some(next)) => parent = Pid::from_raw(next),
            _ => return true,
        }
    }
    true
}
