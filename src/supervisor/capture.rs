//! The last bytes that a child wrote. Pure.

use std::collections::VecDeque;

/// The most bytes that can be kept.
pub const LARGEST_CAPTURE: u64 = 64 * 1024 * 1024;

/// A ring of the newest bytes. It takes memory as it fills, never more than its size.
#[derive(Clone, Debug)]
pub struct Ring {
    kept: VecDeque<u8>,
    size: usize,
    total: u64,
}

impl Ring {
    /// An empty one that keeps `size` bytes.
    #[must_use]
    pub const fn new(size: usize) -> Self {
        Self { kept: VecDeque::new(), size, total: 0 }
    }

    /// Adds what was written; the oldest go.
    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let newest = bytes.get(bytes.len().saturating_sub(self.size)..).unwrap_or_default();
        let surplus = (self.kept.len() + newest.len()).saturating_sub(self.size);
        self.kept.drain(..surplus.min(self.kept.len()));
        let missing = self.size - self.kept.len();
        if self.kept.capacity() < self.size && newest.len() > self.kept.capacity() - self.kept.len() {
            // Twice as much each time, but not beyond the size: `reserve` alone would round up.
            let wanted = (self.kept.capacity() * 2).clamp(self.kept.len() + newest.len(), self.size);
            self.kept.reserve_exact((wanted - self.kept.len()).min(missing));
        }
        self.kept.extend(newest);
    }

    /// The newest `count` bytes, or all that are kept.
    #[must_use]
    pub fn newest(&self, count: u64) -> Vec<u8> {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.kept.len());
        self.kept.range(self.kept.len() - count..).copied().collect()
    }

    /// How many bytes were added in all.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_however_they_came() {
        let all: Vec<u8> = (0..10_000_u32).map(|number| (number % 251) as u8).collect();
        for chunk in [1, 7, 99, 100, 101, 5000, 10_000] {
            let mut ring = Ring::new(100);
            for part in all.chunks(chunk) {
                ring.push(part);
            }
            assert_eq!(ring.newest(u64::MAX), all[9900..], "{chunk}");
            assert_eq!(ring.newest(3), all[9997..]);
            assert_eq!(ring.newest(0), Vec::<u8>::new());
            assert_eq!(ring.total(), 10_000);
            assert!(ring.kept.capacity() <= 128, "{}", ring.kept.capacity());
        }
    }

    #[test]
    fn what_is_not_full_is_all_there() {
        let mut ring = Ring::new(1000);
        ring.push(b"abc");
        ring.push(b"");
        ring.push(b"def");
        assert_eq!(ring.newest(1000), b"abcdef");
        assert!(ring.kept.capacity() < 1000);
    }

    #[test]
    fn a_ring_for_nothing_only_counts() {
        let mut ring = Ring::new(0);
        ring.push(b"abc");
        assert_eq!((ring.newest(9), ring.total()), (Vec::new(), 3));
    }
}
