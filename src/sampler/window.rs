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

#[cfg(test)]
mod tests {
    use super::super::made::sample;
    use super::*;
    use std::time::Instant;

    /// Readings at these ms; the answer is how many ms each window spans.
    fn spans(at_ms: &[u64]) -> Vec<Option<u64>> {
        let start = Instant::now();
        let mut window = Window::default();
        at_ms
            .iter()
            .map(|&ms| {
                // The square, so that the rate tells where the window begins.
                let rates = window.rates(&sample(start, Duration::from_millis(ms), ms * ms))?;
                let sum = u64::try_from(rates.per_second.read_ios_per_sec?).unwrap() / 1000;
                // (b² - a²) / (b - a) = a + b
                Some(ms - (sum - ms))
            })
            .collect()
    }

    #[test]
    fn begins_with_the_last_one_asked_for_when_that_is_old_enough() {
        assert_eq!(spans(&[0, 100, 1100, 1250]), [None, Some(100), Some(1000), Some(150)]);
    }

    #[test]
    fn many_who_ask_do_not_cut_it_short() {
        assert_eq!(spans(&[0, 10, 99]), [None, None, None]);
        assert_eq!(spans(&[0, 60, 120, 180, 240]), [None, None, Some(120), Some(180), Some(120)]);
        // Two at the same moment get the same.
        assert_eq!(spans(&[0, 500, 500]), [None, Some(500), Some(500)]);
    }
}
