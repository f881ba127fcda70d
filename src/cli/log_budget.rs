//! How much each source may log, so that no peer can fill a disk by what it makes this process say. Pure: time comes in as
//! an argument.

use std::time::{Duration, Instant};

use log::Level;

/// Records that a source may log at once, after a time of silence.
const BURST: u32 = 50;

/// One more every so often.
const REFILL: Duration = Duration::from_secs(1);

/// The budgets of all sources. A source is a target and a level, of which a program has few.
#[derive(Debug, Default)]
pub struct Budget {
    sources: Vec<Source>,
}

/// A bucket of tokens, one for each record.
#[derive(Debug)]
struct Source {
    target: String,
    level: Level,
    tokens: u32,
    /// When the last token came.
    refilled: Instant,
    left_out: u64,
}

/// Whether a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Write {
        /// So many of its source were not since the last one that was.
        left_out: u64,
    },
    /// It is not, but counted.
    LeaveOut,
}

impl Budget {
    /// None of them used.
    #[must_use]
    pub const fn new() -> Self {
        Self { sources: Vec::new() }
    }

    /// A source wants to log. Debugging has no limit: who asks for it wants everything.
    pub fn admit(&mut self, target: &str, level: Level, now: Instant) -> Verdict {
        if level >= Level::Debug {
            return Verdict::Write { left_out: 0 };
        }
        let known = self.sources.iter().position(|source| source.level == level && source.target == target);
        let index = known.unwrap_or_else(|| {
            let target = target.to_owned();
            self.sources.push(Source { target, level, tokens: BURST, refilled: now, left_out: 0 });
            self.sources.len() - 1
        });
        self.sources.get_mut(index).map_or(Verdict::LeaveOut, |source| source.admit(now))
    }

    /// What was left out and not told yet: target, level and how many, each once.
    pub fn left_out(&mut self) -> impl Iterator<Item = (&str, Level, u64)> {
        self.sources.iter_mut().filter(|source| source.left_out > 0).map(|source| {
            let count = std::mem::take(&mut source.left_out);
            (source.target.as_str(), source.level, count)
        })
    }
}

impl Source {
    fn admit(&mut self, now: Instant) -> Verdict {
        let periods = now.saturating_duration_since(self.refilled).as_secs() / REFILL.as_secs();
        if periods > 0 {
            self.tokens = self.tokens.saturating_add(u32::try_from(periods).unwrap_or(BURST)).min(BURST);
            self.refilled += REFILL * u32::try_from(periods).unwrap_or(u32::MAX);
        }
        match self.tokens.checked_sub(1) {
            Some(rest) => {
                self.tokens = rest;
                Verdict::Write { left_out: std::mem::take(&mut self.left_out) }
            }
            None => {
                self.left_out += 1;
                Verdict::LeaveOut
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_left_out_and_counted_and_others_are_not_touched() {
        let (mut budget, start) = (Budget::new(), Instant::now());
        let fresh = Verdict::Write { left_out: 0 };
        for _ in 0..BURST {
            assert_eq!(budget.admit("a", Level::Warn, start), fresh);
        }
        for _ in 0..7 {
            assert_eq!(budget.admit("a", Level::Warn, start), Verdict::LeaveOut);
        }
        assert_eq!(budget.admit("a", Level::Error, start), fresh);
        assert_eq!(budget.admit("b", Level::Warn, start), fresh);
        assert_eq!(budget.admit("a", Level::Warn, start + REFILL), Verdict::Write { left_out: 7 });
        assert_eq!(budget.admit("a", Level::Warn, start + REFILL), Verdict::LeaveOut);
        assert_eq!(budget.left_out().collect::<Vec<_>>(), [("a", Level::Warn, 1)]);
        assert_eq!(budget.left_out().count(), 0, "told once");
    }

    #[test]
    fn over_time_a_source_writes_one_record_a_period() {
        let (mut budget, start) = (Budget::new(), Instant::now());
        let written = (0..1000_u32)
            .filter(|tenth| budget.admit("a", Level::Warn, start + REFILL / 10 * *tenth) != Verdict::LeaveOut)
            .count();
        assert_eq!(written, 50 + 99);
        let later = start + Duration::from_secs(86_400 * 365);
        let burst = (0..1000).filter(|_| budget.admit("a", Level::Warn, later) != Verdict::LeaveOut).count();
        assert_eq!(burst, 50, "silence saves up no more than one burst");
    }

    #[test]
    fn debugging_has_no_limit() {
        let (mut budget, start) = (Budget::new(), Instant::now());
        assert!((0..1000).all(|_| budget.admit("a", Level::Debug, start) == Verdict::Write { left_out: 0 }));
    }
}
