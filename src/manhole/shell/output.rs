//! What a shell has to say, until the client's window takes it. Pure.

use std::borrow::Cow;
use std::collections::VecDeque;

/// Where output goes at the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Bytes that wait at which a shell begins nothing new: no command, no picture, no event.
pub(super) const ENOUGH: usize = 64 * 1024;

/// Bytes for the client, in order.
#[derive(Debug, Default)]
pub(super) struct Output {
    pieces: VecDeque<(Stream, Vec<u8>)>,
    /// How much of the first piece is taken.
    taken: usize,
    waiting: usize,
}

impl Output {
    pub fn push<'t>(&mut self, stream: Stream, text: impl Into<Cow<'t, str>>) {
        let text: Cow<'_, str> = text.into();
        self.waiting += text.len();
        match self.pieces.back_mut() {
            Some((last, bytes)) if *last == stream && bytes.len() + text.len() < ENOUGH => {
                bytes.extend(text.as_bytes())
            }
            _ if text.is_empty() => {}
            _ => self.pieces.push_back((stream, text.into_owned().into_bytes())),
        }
    }

    /// The first bytes that are all for one stream.
    pub fn first(&self) -> Option<(Stream, &[u8])> {
        let (stream, bytes) = self.pieces.front()?;
        Some((*stream, bytes.get(self.taken..).unwrap_or_default()))
    }

    /// So many bytes of the first are taken.
    pub fn take(&mut self, count: usize) {
        self.taken += count;
        self.waiting = self.waiting.saturating_sub(count);
        if self.pieces.front().is_some_and(|(_, bytes)| self.taken >= bytes.len()) {
            self.pieces.pop_front();
            self.taken = 0;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub fn is_backed_up(&self) -> bool {
        self.waiting > ENOUGH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_out_in_order_by_stream() {
        let mut output = Output::default();
        for (stream, text) in
            [(Stream::Out, "ab"), (Stream::Out, "c"), (Stream::Err, "x"), (Stream::Out, ""), (Stream::Out, "d")]
        {
            output.push(stream, text);
        }
        assert_eq!(output.first(), Some((Stream::Out, &b"abc"[..])));
        output.take(2);
        assert_eq!(output.first(), Some((Stream::Out, &b"c"[..])));
        output.take(1);
        assert_eq!(output.first(), Some((Stream::Err, &b"x"[..])));
        output.take(1);
        output.take(1);
        assert!(output.is_empty() && !output.is_backed_up());
        output.push(Stream::Out, "x".repeat(ENOUGH + 1));
        assert!(output.is_backed_up());
    }
}
