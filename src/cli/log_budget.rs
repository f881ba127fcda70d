//! How much each source may log, so that no peer can fill a disk by what it makes this process say. Pure: time comes in as
//! an argument.

use std::time::{Duration, Instant};

use log::Level;

/// How much a source may log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Records at once, after a time of silence.
    burst: u32,
    /// One more every so often.
    refill: Duration,
}

impl Share {
    /// What strangers can cause.
    pub const USUAL: Self = Self { burst: 50, refill: Duration::from_secs(1) };
    /// What only users can cause who have logged in: none of it is to be missed, short of a flood.
    pub const OF_USERS: Self = Self { burst: 1000, refill: Duration::from_millis(100) };
}

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
    share: Share,
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

    /// A source wants to log. Its first record says which share it has. Debugging has no limit: who asks for it wants everything.
    pub fn admit(&mut self, target: &str, level: Level, share: Share, now: Instant) -> Verdict {
        if level >= Level::Debug {
            return Verdict::Write { left_out: 0 };
        }
        let known = self.sources.iter().position(|source| source.level == level && source.target == target);
        let index = known.unwrap_or_else(|| {
            let target = target.to_owned();
            self.sources.push(Source { target, level, share, tokens: share.burst, refilled: now, left_out: 0 });
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
        let Share { burst, refill } = self.share;
        let periods = now.saturating_duration_since(self.refilled).as_millis() / refill.as_millis();
        if periods > 0 {
            let periods = u32::try_from(periods).unwrap_or(u32::MAX);
            self.tokens = self.tokens.saturating_add(periods).min(burst);
            self.refilled += refill * periods;
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

    const USUAL: Share = Share::USUAL;
    const BURST: u32 = USUAL.burst;
    const REFILL: Duration = USUAL.refill;

    #[test]
    fn a_flood_is_left_out_and_counted_and_others_are_not_touched() {
        let (mut budget, start) = (Budget::new(), Instant::now());
        let fresh = Verdict::Write { left_out: 0 };
        for _ in 0..BURST {
            assert_eq!(budget.admit("a", Level::Warn, USUAL, start), fresh);
        }
        for _ in 0..7 {
            assert_eq!(budget.admit("a", Level::Warn, USUAL, start), Verdict::LeaveOut);
        }
        assert_eq!(budget.admit("a", Level::Error, USUAL, start), fresh);
        assert_eq!(budget.admit("b", Level::Warn, USUAL, start), fresh);
        assert_eq!(budget.admit("a", Level::Warn, USUAL, start + REFILL), Verdict::Write { left_out: 7 });
        assert_eq!(budget.admit("a", Level::Warn, USUAL, start + REFILL), Verdict::LeaveOut);
        assert_eq!(budget.left_out().collect::<Vec<_>>(), [("a", Level::Warn, 1)]);
        assert_eq!(budget.left_out().count(), 0, "told once");
    }

    #[test]
    fn over_time_a_source_writes_one_record_a_period() {
        let (mut budget, start) = (Budget::new(), Instant::now());
        let written = (0..1000_u32)
            .filter(|tenth| budget.admit("a", Level::Warn, USUAL, start + REFILL / 10 * *tenth) != Verdict::LeaveOut)
            .count();
        assert_eq!(written, 50 + 99);
        let later = start + Duration::from_secs(86_400 * 365);
        let burst = (0..1000).filter(|_| budget.admit("a", Level::Warn, USUAL, later) != Verdict::LeaveOut).count();
        assert_eq!(burst, 50, "silence saves up no more than one burst");
    }

    #[test]
    fn users_may_do_much_before_any_of_it_is_left_out() {
        let (mut budget, start) = (Budget::new(), Instant::now());
        let mut written = |count, at| {
            (0..count).filter(|_| budget.admit("a", Level::Info, Share::OF_USERS, at) != Verdict::LeaveOut).count()
        };
        assert_eq!(written(1500, start), 1000);
        assert_eq!(written(1500, start + Duration::from_secs(2)), 20);
    }

    #[test]
    fn debugging_has_no_limit() {
        let (mut budget, start) = (Budget::new(), Instant::now());
        assert!((0..1000).all(|_| budget.admit("a", Level::Debug, USUAL, start) == Verdict::Write { left_out: 0 }));
    }
}
