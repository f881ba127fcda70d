//! The controlling terminal: who has its foreground. A child gets it if this process had it, and it is taken back afterwards.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

/// The terminal of this process, if it has one.
#[derive(Debug)]
pub(super) struct Foreground {
    terminal: Option<File>,
}

impl Foreground {
    pub fn open() -> Self {
        let options = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).clone();
        // Refused: there is none.
        Self { terminal: options.open("/dev/tty").ok() }
    }

    /// Whether there is one.
    pub const fn exists(&self) -> bool {
        self.terminal.is_some()
    }

    /// The terminal, when this process's group has its foreground.
    pub fn ours(&self) -> Option<BorrowedFd<'_>> {
        self.terminal.as_ref().filter(|terminal| tcgetpgrp(terminal) == Ok(getpgrp())).map(AsFd::as_fd)
    }

    /// Gives it to the group of a child, if we have it.
    pub fn give(&self, group: Pid) {
        if let Some(terminal) = self.ours() {
            // Refused when the group is gone by now; then there is nothing to give.
            let _ = tcsetpgrp(terminal, group);
        }
    }

    /// Whether it is this group's.
    pub fn is_of(&self, group: Pid) -> bool {
        self.terminal.as_ref().is_some_and(|terminal| tcgetpgrp(terminal) == Ok(group))
    }

    /// Takes it back from a group.
    pub fn take_back(&self, group: Pid) {
        if self.is_of(group) {
            self.take();
        }
    }

    /// Takes it, whoever has it. `SIGTTOU` is blocked, so this is allowed from the background.
    pub fn take(&self) {
        if let Some(terminal) = &self.terminal {
            if let Err(errno) = tcsetpgrp(terminal, getpgrp()) {
                log::debug!("the terminal's foreground cannot be taken back: {errno}");
            }
        }
    }
}
