//! Where the rates begin that are asked for without a history. Pure.

use std::time::Duration;

use super::rates::Rates;
use crate::process::Sample;

/// Over less than this, a percentage is noise; and it keeps many who ask from cutting each other's time to nothing.
pub const SHORTEST_WINDOW: Duration = Duration::from_millis(100);

/// The last readings that were asked for: the newest that a window may begin with, and the one it began with before, for
/// when the newest is too fresh.
#[derive(Debug, Default)]
pub(super) struct Window {
    newest: Option<Sample>,
    older: Option<Sample>,
}

impl Window {
    /// The rates up to `sample`, and `sample` is held for later ones. `None` when it has nothing to begin with.
    pub(super) fn rates(&mut self, sample: &Sample) -> Option<Rates> {
        match self.newest {
            Some(newest) if !old_enough(&newest, sample) => {}
            newest => {
                self.older = newest;
                self.newest = Some(*sample);
            }
        }
        Rates::between(self.older.as_ref()?, sample)
    }
}

fn old_enough(from: &Sample, to: &Sample) -> bool {
    to.taken.mono.saturating_duration_since(from.taken.mono) >= SHORTEST_WINDOW
}
