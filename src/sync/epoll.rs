//! `epoll(7)`, level-triggered: sleeps until one of many descriptors is ready. What a call costs depends on how many are
//! ready, not on how many there are.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use super::wait::{Interest, poll_timeout};

/// A set of descriptors to wait for, each under a token of the owner's choice.
#[derive(Debug)]
pub struct Poller {
    epoll: Epoll,
    buffer: Vec<EpollEvent>,
}

/// What one descriptor is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The descriptor's token.
    pub token: u64,
    /// A read will not block.
    pub readable: bool,
    /// A write will not block.
    pub writable: bool,
    /// An error or a hang-up, reported whatever the interest is; the next read or write says which. Both are ready then.
    pub broken: bool,
}

impl Poller {
    /// Makes an empty set that tells of at most `batch` ready descriptors at a time; the others come the next time.
    ///
    /// # Errors
    /// When the kernel refuses a descriptor.
    pub fn new(batch: usize) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Self { epoll, buffer: vec![EpollEvent::empty(); batch.max(1)] })
    }

    /// Adds a descriptor.
    ///
    /// # Errors
    /// `EEXIST`, or what `epoll_ctl(2)` lacks: `ENOMEM`, `ENOSPC` (`max_user_watches`).
    pub fn add(&self, fd: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(self.epoll.add(fd, EpollEvent::new(flags(interest), token))?)
    }

    /// Changes what is waited for on a descriptor.
    ///
    /// # Errors
    /// `ENOENT`: it was never added.
    pub fn modify(&self, fd: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(self.epoll.modify(fd, &mut EpollEvent::new(flags(interest), token))?)
    }

    /// Takes a descriptor out. Closing does that only for a descriptor that was never duplicated.
    ///
    /// # Errors
    /// `ENOENT`: it was never added.
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(self.epoll.delete(fd)?)
    }

    /// Sleeps until a descriptor is ready, `timeout` has passed (`None`: no limit), or a signal came; appends what is ready
    /// to `events`.
    ///
    /// # Errors
    /// When `epoll_wait(2)` fails for another reason than a signal.
    pub fn wait(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        let count = match self.epoll.wait(&mut self.buffer, poll_timeout(timeout)) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(errno.into()),
        };
        events.extend(self.buffer.iter().take(count).map(|event| {
            let seen = event.events();
            let broken = seen.intersects(EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP);
            Event {
                token: event.data(),
                readable: broken || seen.contains(EpollFlags::EPOLLIN),
                writable: broken || seen.contains(EpollFlags::EPOLLOUT),
                broken,
            }
        }));
        Ok(())
    }
}

fn flags(interest: Interest) -> EpollFlags {
    let mut flags = EpollFlags::empty();
    flags.set(EpollFlags::EPOLLIN, interest.read);
    flags.set(EpollFlags::EPOLLOUT, interest.write);
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn tells_what_is_ready_as_long_as_it_is_and_is_wanted() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut poller = Poller::new(8).unwrap();
        let seen = |poller: &mut Poller| {
            let mut events = Vec::new();
            poller.wait(Some(Duration::ZERO), &mut events).unwrap();
            events
        };
        poller.add(&near, 7, Interest::READ).unwrap();
        assert_eq!(seen(&mut poller), []);
        far.write_all(b"x").unwrap();
        let readable = Event { token: 7, readable: true, writable: false, broken: false };
        assert_eq!(seen(&mut poller), [readable]);
        assert_eq!(seen(&mut poller), [readable], "level-triggered");
        poller.modify(&near, 7, Interest::WRITE).unwrap();
        assert_eq!(seen(&mut poller), [Event { readable: false, writable: true, ..readable }]);
        poller.modify(&near, 7, Interest::NONE).unwrap();
        assert_eq!(seen(&mut poller), []);
        drop(far);
        assert_eq!(seen(&mut poller), [Event { token: 7, readable: true, writable: true, broken: true }]);
        poller.remove(&near).unwrap();
        assert_eq!(seen(&mut poller), []);
    }

    #[test]
    fn no_more_than_a_batch_at_a_time() {
        let pairs: Vec<_> = (0..5).map(|_| UnixStream::pair().unwrap()).collect();
        let mut poller = Poller::new(2).unwrap();
        for (token, (near, _)) in (0..).zip(&pairs) {
            poller.add(near, token, Interest::WRITE).unwrap();
        }
        let mut events = Vec::new();
        poller.wait(None, &mut events).unwrap();
        assert_eq!(events.len(), 2);
    }
}
