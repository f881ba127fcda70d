//! The one `poll(2)`: sleeps until a descriptor is ready or a deadline is reached.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What to wait for on a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Wait until there is something to read.
    pub read: bool,
    /// Wait until there is room to write.
    pub write: bool,
}

impl Interest {
    /// Nothing but errors and hang-ups, which are always reported.
    pub const NONE: Self = Self { read: false, write: false };
    /// Something to read.
    pub const READ: Self = Self { read: true, write: false };
    /// Room to write.
    pub const WRITE: Self = Self { read: false, write: true };

    fn flags(self) -> PollFlags {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::POLLIN, self.read);
        flags.set(PollFlags::POLLOUT, self.write);
        flags
    }
}

/// What a descriptor is ready for. An error or a hang-up makes it ready for both, so that the next call on it says what
/// happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// A read will not block.
    pub readable: bool,
    /// A write will not block.
    pub writable: bool,
}

/// Sleeps until one of the descriptors is ready, `timeout` has passed (`None`: no limit), or a signal came. What is ready
/// comes back in the order given; nothing is ready after a time-out or a signal.
///
/// # Errors
/// When `poll(2)` fails for another reason than a signal.
pub fn wait<const N: usize>(fds: [(BorrowedFd<'_>, Interest); N], timeout: Option<Duration>) -> io::Result<[Ready; N]> {
    let mut polled = fds.map(|(fd, interest)| PollFd::new(fd, interest.flags()));
    match poll(&mut polled, poll_timeout(timeout)) {
        Ok(_) => Ok(polled.map(|fd| {
            let seen = fd.revents().unwrap_or(PollFlags::empty());
            let broken = seen.intersects(PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL);
            Ready {
                readable: broken || seen.contains(PollFlags::POLLIN),
                writable: broken || seen.contains(PollFlags::POLLOUT),
            }
        })),
        Err(Errno::EINTR) => Ok([Ready::default(); N]),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether a descriptor has something urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Nothing.
    None,
    /// Something urgent (`POLLPRI`), which some descriptors forget when it is told.
    Urgent,
    /// It will never have any again.
    Broken,
}

/// Sleeps until the bell can be read, one of the descriptors has something urgent, or a signal came: for each descriptor
/// whether it has.
///
/// # Errors
/// When `poll(2)` fails for another reason than a signal.
pub fn wait_urgent(bell: BorrowedFd<'_>, fds: &[BorrowedFd<'_>]) -> io::Result<Vec<Urgency>> {
    let urgent = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLPRI));
    let mut polled: Vec<PollFd<'_>> = urgent.chain([PollFd::new(bell, PollFlags::POLLIN)]).collect();
    match poll(&mut polled, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let urgency = |fd: &PollFd<'_>| match fd.revents().unwrap_or(PollFlags::empty()) {
        seen if seen.intersects(PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL) => Urgency::Broken,
        seen if seen.contains(PollFlags::POLLPRI) => Urgency::Urgent,
        _ => Urgency::None,
    };
    Ok(polled.iter().take(fds.len()).map(urgency).collect())
}

/// The same for any number of descriptors, for an owner that looks at all of them when it wakes.
///
/// # Errors
/// When `poll(2)` fails for another reason than a signal.
pub fn wait_for_any(fds: &[(BorrowedFd<'_>, Interest)], timeout: Option<Duration>) -> io::Result<()> {
    let mut polled: Vec<PollFd<'_>> = fds.iter().map(|(fd, interest)| PollFd::new(*fd, interest.flags())).collect();
    match poll(&mut polled, poll_timeout(timeout)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// The time from `now` until `deadline`: zero when it has passed, `None` when there is none.
#[must_use]
pub fn until(deadline: Option<Instant>, now: Instant) -> Option<Duration> {
    deadline.map(|deadline| deadline.saturating_duration_since(now))
}

/// The earlier of two deadlines, either of which may be missing.
#[must_use]
pub fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// `poll(2)` and `epoll_wait(2)` count whole milliseconds. Rounded up: woken early, a loop would find nothing due and spin until it is.
pub(super) fn poll_timeout(timeout: Option<Duration>) -> PollTimeout {
    match timeout {
        None => PollTimeout::NONE,
        Some(timeout) => {
            let ms = timeout.as_nanos().div_ceil(1_000_000);
            PollTimeout::try_from(ms).unwrap_or(PollTimeout::MAX)
        }
    }
}
