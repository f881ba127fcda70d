//! The thread "supervisor": sleeps until a signal, an order, the child's output or notification, or a deadline.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::Leash;
use super::child::{Command, Outcome};
use super::generation::OWN_FAILURE;
use super::life::{Life, suspend};
use super::output::Waits;
use super::report::{End, Report};
use super::signals::{Came, Incoming};
use crate::process::Signal;
use crate::sync::mailbox::Mailbox;
use crate::sync::wait::{Interest, earlier, until, wait_for_any};
use crate::sync::waker::Waker;

/// Time until reports that there was no room for are tried again.
const RETRY: Duration = Duration::from_millis(10);

/// How long the last reports may wait for room when the handle is gone.
const LAST_REPORTS: Duration = Duration::from_secs(2);

/// Orders that are taken in a turn.
const TURN: usize = 16;

/// Signals that are taken in a turn. Real-time ones queue up, and whoever sends them may be faster than we are.
const SIGNALS: usize = 64;

pub(super) struct Actor {
    pub life: Life,
    pub incoming: Incoming,
    pub commands: Mailbox<Command>,
    pub leash: Leash,
    pub on_hangup: Option<Waker>,
}

impl Actor {
    /// Runs until nothing will follow, and whoever hears the reports knows it.
    pub fn run(mut self) -> Outcome {
        let code = self.supervise().unwrap_or_else(|error| {
            log::error!("the child cannot be supervised any longer: {error}");
            self.life.outbox.push(Report::Over(End::Failed(error)));
            OWN_FAILURE
        });
        self.tell_the_last();
        Outcome { code }
    }

    fn supervise(&mut self) -> io::Result<u8> {
        loop {
            let now = Instant::now();
            // Before looking for work, so that what comes from now on rings again.
            self.leash.bell.hush();
            // First, for one that came before the first command lets nothing start.
            self.take_signals(now)?;
            self.take_commands(now);
            if self.leash.is_let_go() {
                self.life.abandon(now);
            }
            if let Some(notifications) = &self.life.notifications {
                notifications.pass_on()?;
            }
            self.life.streams.turn();
            self.life.tick(now);
            let is_told = self.life.outbox.flush();
            if let Some(code) = self.life.code() {
                return Ok(code);
            }
            self.sleep(now, is_told)?;
        }
    }

    /// Waits for room for the last reports: an agent that does not hear that it is over goes on for ever, and signals do not
    /// end it.
    fn tell_the_last(&mut self) {
        let mut let_go = None;
        while !self.life.outbox.flush() {
            let now = Instant::now();
            if self.leash.is_let_go() && now.saturating_duration_since(*let_go.get_or_insert(now)) > LAST_REPORTS {
                return;
            }
            std::thread::sleep(RETRY);
        }
    }

    fn take_commands(&mut self, now: Instant) {
        for _ in 0..TURN {
            match self.commands.try_recv() {
                Ok(Some(Command::Begin(outbox))) => self.life.begin(outbox, now),
                Ok(Some(Command::Ask(request))) => self.life.order(request, now),
                // Nobody asks any more, or for now; the child goes on.
                Ok(None) | Err(_) => return,
            }
        }
        // There may be more.
        self.leash.bell.wake();
    }

    fn take_signals(&mut self, now: Instant) -> io::Result<()> {
        let mut child = false;
        for _ in 0..SIGNALS {
            match self.incoming.next()? {
                Some(Came::Child) => child = true,
                Some(Came::Other(signal)) => self.take_signal(signal, now),
                None => break,
            }
        }
        if child {
            self.life.reap(now);
        }
        Ok(())
    }

    fn take_signal(&mut self, signal: Signal, now: Instant) {
        log::debug!("{signal} came");
        match signal.number() {
            libc::SIGTERM => self.life.end_as_agreed(now),
            libc::SIGINT | libc::SIGQUIT => self.life.end(signal, now),
            libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => {
                self.life.forward(signal);
                suspend();
            }
            libc::SIGHUP => match &self.on_hangup {
                Some(bell) => bell.wake(),
                None => self.life.forward(signal),
            },
            _ => self.life.forward(signal),
        }
    }

    fn sleep(&self, now: Instant, is_told: bool) -> io::Result<()> {
        // Without room for what waits there is none for more output.
        let next_report = if is_told { self.life.streams.due(now) } else { Some(now + RETRY) };
        let deadline = earlier(self.life.deadline(now), next_report);
        let deadline = if self.life.streams.has_more() { Some(now) } else { deadline };
        let mut fds: Vec<(BorrowedFd<'_>, Interest)> =
            vec![(self.incoming.as_fd(), Interest::READ), (self.leash.bell.as_fd(), Interest::READ)];
        if let Some(notifications) = &self.life.notifications {
            fds.push((notifications.as_fd(), Interest::READ));
        }
        for (flow, waits) in self.life.streams.flows() {
            let interest = if *waits == Waits::Writing { Interest::WRITE } else { Interest::READ };
            fds.extend(flow.waited_for(*waits).map(|fd| (fd, interest)));
        }
        wait_for_any(&fds, until(deadline, Instant::now()))
    }
}
