//! Asking the sockets of another process: each is ours too for as long as that takes.
//!
//! Only what the process's link calls a socket is borrowed. Closing our descriptor of anything else may have effects: a file
//! server is told to flush, a pipe or a lock lives longer.

use std::os::fd::AsRawFd;

use nix::errno::Errno;

use super::super::descriptors::OpenSocket;
use super::super::pidfd::PidFd;
use super::ask::{Asked, ask};

/// The sockets that have answered; and those, from the first that was refused on, that are to be found in another way.
pub(super) fn ask_all<'a>(pidfd: &PidFd, open: &'a [OpenSocket]) -> (Vec<Asked>, &'a [OpenSocket]) {
    let mut asked = Vec::with_capacity(open.len());
    for (index, socket) in open.iter().enumerate() {
        match pidfd.get(socket.fd) {
            Ok(borrowed) => asked.extend(ask(borrowed.as_raw_fd(), *socket)),
            // It was closed meanwhile, or the process has ended.
            Err(Errno::EBADF | Errno::ESRCH) => {}
            // EPERM: we may not trace it. ENOSYS: before Linux 5.6. EMFILE: we have no descriptor to spare.
            Err(_) => return (asked, open.get(index..).unwrap_or_default()),
        }
    }
    (asked, &[])
}
