//! What the router's thread sleeps for: the descriptors and the deadlines of all connections, each under its token.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::deadlines::{Alarm, Deadlines};
use crate::sync::epoll::{Event, Poller};
use crate::sync::wait::Interest;

/// Ready descriptors that one turn takes at most; the others have the next turn.
const BATCH: usize = 256;

/// All descriptors and deadlines.
#[derive(Debug)]
pub(super) struct Registry {
    poller: Poller,
    deadlines: Deadlines,
}

/// Kept by the owner of a descriptor: what it is registered for.
#[derive(Debug)]
pub(super) struct Watch {
    token: u64,
    interest: Interest,
    alarm: Alarm,
}

impl Watch {
    /// What is waited for on the descriptor.
    #[cfg(test)]
    pub const fn interest(&self) -> Interest {
        self.interest
    }

    /// The deadline has come.
    pub fn rang(&mut self) {
        self.alarm.rang();
    }
}

impl Registry {
    pub fn new() -> io::Result<Self> {
        Ok(Self { poller: Poller::new(BATCH)?, deadlines: Deadlines::default() })
    }

    /// Registers a descriptor, for reading.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<Watch> {
        self.poller.add(fd, token, Interest::READ)?;
        Ok(Watch { token, interest: Interest::READ, alarm: Alarm::default() })
    }

    /// Says what to wait for from now on, with a system call only if that has changed. The deadline may come early: its
    /// owner looks what is due.
    pub fn set(&mut self, fd: BorrowedFd<'_>, watch: &mut Watch, interest: Interest, deadline: Option<Instant>) {
        if watch.interest != interest {
            match self.poller.modify(fd, watch.token, interest) {
                Ok(()) => watch.interest = interest,
                Err(error) => log::error!("epoll_ctl: {error}"),
            }
        }
        self.deadlines.set(watch.token, &mut watch.alarm, deadline);
    }

    /// Takes the deadline back. The descriptor stays.
    pub fn clear_deadline(&mut self, watch: &mut Watch) {
        self.deadlines.clear(watch.token, &mut watch.alarm);
    }

    /// Takes a descriptor out.
    pub fn forget(&mut self, fd: BorrowedFd<'_>, watch: &mut Watch) {
        self.clear_deadline(watch);
        if let Err(error) = self.poller.remove(fd) {
            log::error!("epoll_ctl: {error}");
        }
    }

    /// Sleeps for at most `timeout`.
    pub fn wait(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        self.poller.wait(timeout, events)
    }

    /// The first deadline.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// The token of a deadline that has come. Its owner must call [`Watch::rang`].
    pub fn pop_due(&mut self, now: Instant) -> Option<u64> {
        self.deadlines.pop_due(now)
    }
}
