//! A child's output on its way through this process: passed on, kept, published.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use super::capture::Ring;
use super::command::{ChildCommand, Outlets, Publication};
use super::order::Captured;
use super::output::{Flow, Waits};
use super::publication::{Batch, Output, Stream};
use crate::sync::wait::earlier;

/// The output of all children, one after another.
#[derive(Debug)]
pub(super) struct Streams {
    flows: Vec<(Flow, Waits)>,
    outlets: Outlets,
    /// `None` when nothing is kept.
    ring: Option<Ring>,
    /// None when nothing is published.
    batches: Vec<Batch>,
}

impl Streams {
    pub fn new(command: &ChildCommand, outlets: Outlets) -> Self {
        let size = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
        let batches = match command.publication {
            Publication::On => vec![Batch::new(Stream::Stdout), Batch::new(Stream::Stderr)],
            Publication::Off => Vec::new(),
        };
        Self { flows: Vec::new(), outlets, ring: command.capture.map(|bytes| Ring::new(size(bytes))), batches }
    }

    /// Pipes for the next child, which takes their other ends: stdout's and stderr's.
    pub fn open(&mut self) -> io::Result<(OwnedFd, OwnedFd)> {
        let (stdout, to_stdout) = Flow::open(Stream::Stdout, &self.outlets.stdout)?;
        let (stderr, to_stderr) = Flow::open(Stream::Stderr, &self.outlets.stderr)?;
        self.flows = vec![(stdout, Waits::More), (stderr, Waits::More)];
        Ok((to_stdout, to_stderr))
    }

    /// Passes on what there is.
    pub fn turn(&mut self) {
        for (flow, waits) in &mut self.flows {
            let (ring, batches, stream) = (&mut self.ring, &mut self.batches, flow.stream());
            *waits = flow.turn(&mut |bytes| {
                if let Some(ring) = ring {
                    ring.push(bytes);
                }
                if let Some(batch) = batches.iter_mut().find(|batch| batch.stream() == stream) {
                    batch.push(bytes);
                }
            });
        }
    }

    /// What is waited for.
    pub fn flows(&self) -> &[(Flow, Waits)] {
        &self.flows
    }

    /// Whether there is more than was passed on in the last turn.
    pub fn has_more(&self) -> bool {
        self.flows.iter().any(|(_, waits)| *waits == Waits::More)
    }

    /// Whether all that was written is passed on, as far as anybody could tell at the last turn.
    pub fn is_drained(&self) -> bool {
        self.flows.iter().all(|(_, waits)| matches!(waits, Waits::Reading | Waits::Over))
    }

    /// Bytes that are passed on to nobody when it ends here.
    pub fn unwritten(&self) -> usize {
        self.flows.iter().map(|(flow, _)| flow.unwritten()).sum()
    }

    /// Whatever may still hold the other ends does not write to us any more.
    pub fn close(&mut self) {
        self.flows.clear();
    }

    /// The newest bytes; `None` when none are kept.
    pub fn captured(&self, bytes: u64) -> Option<Captured> {
        self.ring.as_ref().map(|ring| Captured { bytes: ring.newest(bytes), total: ring.total() })
    }

    /// When there is something to publish.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        self.batches.iter().filter_map(|batch| batch.due(now)).fold(None, |first, due| earlier(first, Some(due)))
    }

    /// What is to be published now.
    pub fn take(&mut self, now: Instant) -> impl Iterator<Item = Output> {
        self.batches.iter_mut().filter_map(move |batch| batch.take(now))
    }
}
