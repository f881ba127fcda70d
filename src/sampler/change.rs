//! Another target, or none: told to the sampler's thread by a way of its own, which is never full.
//!
//! There is room for one change; a newer one takes its place, for only the newest counts. The thread looks for it before
//! each answer, so who asks after a change is answered about what came with it.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::process::{ProcessError, Target};

/// What becomes of the target.
#[derive(Debug)]
pub(super) enum Change {
    /// This one from now on.
    Attach(Box<Target>),
    /// None; whoever asks gets this for an answer.
    Detach(ProcessError),
}

/// The end of the handle.
#[derive(Debug)]
pub(super) struct Changer {
    sender: Sender<Change>,
    superseded: Receiver<Change>,
}

/// The end of the thread.
#[derive(Debug)]
pub(super) struct Changes(Receiver<Change>);

pub(super) fn changes() -> (Changer, Changes) {
    let (sender, receiver) = bounded(1);
    (Changer { sender, superseded: receiver.clone() }, Changes(receiver))
}

impl Changer {
    /// Puts a change where the thread looks. Never waits.
    pub fn put(&self, mut change: Change) {
        // There is no other sender, so once what was not taken is out, there is room.
        while let Err(TrySendError::Full(newest)) = self.sender.try_send(change) {
            change = newest;
            drop(self.superseded.try_recv());
        }
    }
}

impl Changes {
    /// The newest change that was not taken yet.
    pub fn take(&self) -> Option<Change> {
        self.0.try_recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_counts() {
        let (changer, changes) = changes();
        for pid in 1..=3 {
            changer.put(Change::Detach(ProcessError::Gone { pid }));
        }
        assert!(matches!(changes.take(), Some(Change::Detach(ProcessError::Gone { pid: 3 }))));
        assert!(changes.take().is_none());
        changer.put(Change::Detach(ProcessError::Gone { pid: 4 }));
        assert!(changes.take().is_some());
    }
}
