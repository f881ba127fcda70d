//! Output made into events, no more of them than a bus should carry. Pure: time comes in as an argument.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::wamp::binary;

/// The most bytes of output in an event.
pub const LARGEST_EVENT: usize = 16 * 1024;

/// The shortest time between two events of a stream.
pub const EVENT_INTERVAL: Duration = Duration::from_millis(100);

/// Where a child wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// What `on_process_output` publishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Where it was written to.
    pub stream: Stream,
    /// What was written; what is no UTF-8 is replaced by U+FFFD.
    pub data: String,
    /// Bytes of this stream that were left out before it since the last event, because there was too much.
    pub dropped: u64,
}

/// Gathers one stream's output.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    stream: Stream,
    bytes: Vec<u8>,
    dropped: u64,
    /// When the next event may be.
    next: Option<Instant>,
}

impl Batch {
    pub const fn new(stream: Stream) -> Self {
        Self { stream, bytes: Vec::new(), dropped: 0, next: None }
    }

    pub const fn stream(&self) -> Stream {
        self.stream
    }

    /// Something was written. When there is no room the oldest goes.
    pub fn push(&mut self, bytes: &[u8]) {
        let newest = bytes.get(bytes.len().saturating_sub(LARGEST_EVENT)..).unwrap_or_default();
        let surplus = (self.bytes.len() + newest.len()).saturating_sub(LARGEST_EVENT);
        self.dropped += (surplus + bytes.len() - newest.len()) as u64;
        self.bytes.drain(..surplus.min(self.bytes.len()));
        self.bytes.extend_from_slice(newest);
    }

    /// When there is an event to publish; `None` while there is nothing to tell.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        (!self.bytes.is_empty()).then(|| self.next.unwrap_or(now))
    }

    /// The event that is due.
    pub fn take(&mut self, now: Instant) -> Option<Output> {
        if self.due(now)? > now {
            return None;
        }
        self.next = Some(now + EVENT_INTERVAL);
        let end = whole_characters(&self.bytes);
        let data = binary::text_of(self.bytes.get(..end).unwrap_or_default());
        self.bytes.drain(..end);
        Some(Output { stream: self.stream, data, dropped: std::mem::take(&mut self.dropped) })
    }
}

/// How many bytes there are up to a last character that is not complete yet; all, if that is all there is.
fn whole_characters(bytes: &[u8]) -> usize {
    // A character has at most 4 bytes.
    let tail =
        (1..=bytes.len().min(3)).find(|back| bytes.get(bytes.len() - back).is_some_and(|byte| byte & 0xc0 == 0xc0));
    let incomplete = tail.filter(|&back| {
        let lead = bytes.get(bytes.len() - back).copied().unwrap_or_default();
        let length = match lead {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            // No character begins so.
            _ => 1,
        };
        length > back
    });
    match bytes.len() - incomplete.unwrap_or(0) {
        0 => bytes.len(),
        end => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(data: &str, dropped: u64) -> Option<Output> {
        Some(Output { stream: Stream::Stdout, data: data.to_owned(), dropped })
    }

    #[test]
    fn the_first_at_once_and_then_one_in_a_while() {
        let (mut batch, now) = (Batch::new(Stream::Stdout), Instant::now());
        assert_eq!((batch.due(now), batch.take(now)), (None, None));
        batch.push(b"a");
        assert_eq!(batch.due(now), Some(now));
        assert_eq!(batch.take(now), event("a", 0));
        batch.push(b"b");
        batch.push(b"c");
        assert_eq!(batch.take(now), None);
        assert_eq!(batch.due(now), Some(now + EVENT_INTERVAL));
        assert_eq!(batch.take(now + EVENT_INTERVAL), event("bc", 0));
        assert_eq!(batch.due(now), None);
    }

    #[test]
    fn what_is_too_much_is_counted_and_the_newest_stays() {
        let (mut batch, now) = (Batch::new(Stream::Stdout), Instant::now());
        batch.push(&[b'a'; LARGEST_EVENT]);
        batch.push(b"bc");
        let taken = batch.take(now).unwrap();
        assert!(taken.data.ends_with("aabc") && taken.data.len() == LARGEST_EVENT && taken.dropped == 2);
        let flood: u64 = (0..100).map(|_| batch.push(&[b'x'; 100_000])).count() as u64 * 100_000;
        let taken = batch.take(now + EVENT_INTERVAL).unwrap();
        assert_eq!((taken.data.len(), taken.dropped), (LARGEST_EVENT, flood - LARGEST_EVENT as u64));
        assert!(batch.bytes.capacity() <= 4 * LARGEST_EVENT);
    }

    #[test]
    fn a_character_that_is_not_complete_waits_for_its_rest() {
        let (mut batch, mut now) = (Batch::new(Stream::Stdout), Instant::now());
        for (part, expected) in [
            (&b"gr\xc3"[..], "gr"),
            (b"\xbc\xc3\x9f", "üß"),
            (b"\xe2\x9c", "\u{fffd}"),
            (b"x\xf0\x9f\x98", "x"),
            (b"\x80\xff", "😀\u{fffd}"),
            (b"\0A", "\u{fffd}A"),
        ] {
            batch.push(part);
            assert_eq!(batch.take(now), event(expected, 0));
            now += EVENT_INTERVAL;
        }
    }
}
