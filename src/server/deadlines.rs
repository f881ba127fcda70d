//! The deadlines of all connections, soonest first. Pure: moments come in as arguments.
//!
//! A deadline that moves on with every message, as that of a ping does, is not moved here each time: the alarm rings at the
//! first moment that was set, its owner looks what is due, and sets it again. So a busy connection costs one look per ping
//! interval, an idle one is looked at when a ping is due, and nothing is looked at otherwise. A deadline that is gone, not
//! moved, is taken off at once: without pings nothing wakes an idle router.

use std::collections::BTreeSet;
use std::time::Instant;

/// The deadlines, by the token of their owner. Everything is O(log n).
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    queue: BTreeSet<(Instant, u64)>,
}

/// Kept by an owner: what it has set.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Instant>);

impl Deadlines {
    /// Sees to it that the alarm rings at `wanted` or before; that it does not ring, if there is no such moment.
    pub fn set(&mut self, token: u64, alarm: &mut Alarm, wanted: Option<Instant>) {
        let Some(wanted) = wanted else { return self.clear(token, alarm) };
        if alarm.0.is_some_and(|set| set <= wanted) {
            return;
        }
        self.clear(token, alarm);
        self.queue.insert((wanted, token));
        alarm.0 = Some(wanted);
    }

    /// The alarm will not ring.
    pub fn clear(&mut self, token: u64, alarm: &mut Alarm) {
        if let Some(set) = alarm.0.take() {
            self.queue.remove(&(set, token));
        }
    }

    /// The next moment at which an alarm rings.
    pub fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// The owner of the first alarm that is due. It must call [`Alarm::rang`].
    pub fn pop_due(&mut self, now: Instant) -> Option<u64> {
        if self.next()? > now {
            return None;
        }
        self.queue.pop_first().map(|(_, token)| token)
    }
}

impl Alarm {
    /// It rang, so it is not set any more.
    pub fn rang(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn rings_at_the_first_moment_set_and_is_set_again() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut deadlines = Deadlines::default();
        let (mut one, mut two) = (Alarm::default(), Alarm::default());
        deadlines.set(1, &mut one, Some(at(5)));
        deadlines.set(1, &mut one, Some(at(9)));
        assert_eq!(deadlines.next(), Some(at(5)), "a later moment waits for the ring");
        deadlines.set(2, &mut two, Some(at(6)));
        deadlines.set(2, &mut two, Some(at(4)));
        assert_eq!(deadlines.next(), Some(at(4)), "an earlier one does not");
        assert_eq!(deadlines.pop_due(at(3)), None);
        assert_eq!(deadlines.pop_due(at(5)), Some(2));
        two.rang();
        assert_eq!(deadlines.pop_due(at(5)), Some(1));
        one.rang();
        assert_eq!(deadlines.next(), None);
        deadlines.set(1, &mut one, Some(at(9)));
        deadlines.set(2, &mut two, Some(at(8)));
        deadlines.set(2, &mut two, None);
        assert_eq!(deadlines.next(), Some(at(9)), "a moment that nobody waits for any more wakes nobody");
        deadlines.clear(1, &mut one);
        assert_eq!(deadlines.next(), None);
    }
}
