//! The thread "pressure": sleeps until the kernel pulls a trigger, and passes on which. It runs only while there are triggers.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::set::MOST_WATCHES;
use crate::process::PressureTrigger;
use crate::sync::mailbox::{Mailbox, Post, mailbox};
use crate::sync::thread::Thread;
use crate::sync::wait::{Urgency, wait_urgent};
use crate::sync::waker::Waker;

/// Armed triggers, each with the id of its rule.
type Triggers = Vec<(u64, Arc<PressureTrigger>)>;

/// The triggers of all rules about pressure.
#[derive(Debug)]
pub(super) struct PressureWatch {
    triggers: Triggers,
    pulled: (Sender<u64>, Receiver<u64>),
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    // The thread ends when this is dropped, so it comes before it.
    lists: Post<Triggers>,
    _thread: Thread,
}

impl PressureWatch {
    pub fn new() -> Self {
        // Each rule is told of at most once in a window, so that much is never more than a window's.
        Self { triggers: Vec::new(), pulled: bounded(MOST_WATCHES), running: None }
    }

    /// The ids of the rules whose triggers were pulled; `None` while there are no triggers.
    pub fn pulled(&self) -> Option<&Receiver<u64>> {
        self.running.as_ref().map(|_| &self.pulled.1)
    }

    /// Adds a trigger, and starts the thread for the first one.
    ///
    /// # Errors
    /// When the kernel refuses a thread or a descriptor.
    pub fn add(&mut self, id: u64, trigger: PressureTrigger) -> io::Result<()> {
        if self.running.is_none() {
            let waker = Waker::new()?;
            let (lists, received) = mailbox(1, waker.clone());
            let pulled = self.pulled.0.clone();
            let thread = Thread::spawn("pressure", move || pass_on(&waker, &received, &pulled))?;
            self.running = Some(Running { lists, _thread: thread });
        }
        self.triggers.push((id, Arc::new(trigger)));
        self.tell();
        Ok(())
    }

    /// Removes the trigger of a rule, if it has one, and ends the thread after the last one.
    pub fn remove(&mut self, id: u64) {
        let count = self.triggers.len();
        self.triggers.retain(|(known, _)| *known != id);
        if self.triggers.is_empty() {
            self.running = None;
        } else if self.triggers.len() < count {
            self.tell();
        }
    }

    fn tell(&self) {
        if let Some(running) = &self.running {
            // The thread reads it at once; if it has failed, that was logged.
            let _ = running.lists.send(self.triggers.clone());
        }
    }
}

/// The thread's body: runs until nobody can send a list any more.
fn pass_on(bell: &Waker, lists: &Mailbox<Triggers>, pulled: &Sender<u64>) {
    let mut triggers = Triggers::new();
    loop {
        // Before looking for a list, so that one which comes meanwhile rings again.
        bell.hush();
        loop {
            match lists.try_recv() {
                Ok(Some(list)) => triggers = list,
                Ok(None) => break,
                Err(_) => return,
            }
        }
        let fds: Vec<_> = triggers.iter().map(|(_, trigger)| trigger.as_fd()).collect();
        let seen = match wait_urgent(bell.as_fd(), &fds) {
            Ok(seen) => seen,
            Err(error) => {
                log::error!("cannot wait for pressure any more: {error}");
                return;
            }
        };
        let mut seen = seen.into_iter();
        triggers.retain(|(id, _)| match seen.next() {
            Some(Urgency::Urgent) => {
                // Without room it comes again with the next window, if there still is pressure.
                let _ = pulled.try_send(*id);
                true
            }
            Some(Urgency::Broken) => {
                log::error!("the kernel gave up a trigger for pressure: the watch on it is deaf");
                false
            }
            Some(Urgency::None) | None => true,
        });
    }
}
