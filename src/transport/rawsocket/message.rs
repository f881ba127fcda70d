//! A message as it stands on a RawSocket (*RawSocket Transport*, Serialization): its kind and its length, then its bytes. Pure.

use tungstenite::Bytes;

use super::greeting::LENGTH;
use crate::wamp::Message;

/// Bytes before each message: its kind and its length.
pub(super) const HEADER: usize = 4;

/// A message on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    header: [u8; HEADER],
    /// Bytes of the header that are out.
    written: usize,
    payload: Bytes,
}

/// What a message is (*RawSocket Transport*, Serialization).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Regular = 0,
    Ping = 1,
    Pong = 2,
}

/// What a header says: the kind and the length.
///
/// # Errors
/// A sentence, when it is none.
pub(super) fn header([kind, length @ ..]: [u8; HEADER]) -> Result<(Kind, usize), String> {
    let [a, b, c] = length.map(usize::from);
    // Of 25 bits, so that it can be 16 MiB.
    let length = usize::from(kind >> 3 & 1) << 24 | a << 16 | b << 8 | c;
    match kind & 0xf7 {
        0 => Ok((Kind::Regular, length)),
        1 => Ok((Kind::Ping, length)),
        2 => Ok((Kind::Pong, length)),
        _ => Err(format!("expected a message, a ping or a pong, got byte {kind:#04x}")),
    }
}

/// Whether somebody else than its receiver has to do with the message: others wrote what is too long in it.
pub(super) const fn is_forwarded(message: &Message) -> bool {
    use Message::{Error, Event, Invocation, Result};
    matches!(message, Event { .. } | Invocation { .. } | Result { .. } | Error { .. })
}

impl Outgoing {
    pub fn new(kind: Kind, payload: Bytes) -> Self {
        let [.., extended, a, b, c] = (payload.len() as u64).to_be_bytes();
        Self { header: [(extended & 1) << 3 | kind as u8, a, b, c], written: 0, payload }
    }

    /// Not a message, but what goes before all of them.
    pub fn greeting(bytes: [u8; LENGTH]) -> Self {
        Self { header: bytes, written: 0, payload: Bytes::new() }
    }

    /// What is left of the header.
    pub fn header(&self) -> &[u8] {
        self.header.get(self.written..).unwrap_or_default()
    }

    /// Bytes that are not written yet.
    pub fn length(&self) -> usize {
        self.header().len() + self.payload.len()
    }

    /// What is left of the message's bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// So many bytes, fewer than are left, were written.
    pub fn skip(&mut self, count: usize) {
        let of_header = count.min(self.header().len());
        self.written += of_header;
        self.payload = self.payload.slice(count - of_header..);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_24_bits_and_one_more() {
        for length in [0, 1, 255, 256, 65_535, 65_536, (1 << 24) - 1, 1 << 24] {
            let outgoing = Outgoing::new(Kind::Pong, Bytes::from(vec![0; length]));
            assert_eq!(header(outgoing.header), Ok((Kind::Pong, length)));
        }
        assert!(header([3, 0, 0, 0]).is_err() && header([0x10, 0, 0, 0]).is_err());
    }

    #[test]
    fn what_is_written_is_passed_over_wherever_that_ends() {
        for at in 0..7 {
            let mut outgoing = Outgoing::new(Kind::Regular, Bytes::from_static(b"abc"));
            outgoing.skip(at);
            let left = [outgoing.header(), outgoing.payload()].concat();
            assert_eq!(left, [&[0, 0, 0, 3][..], b"abc"].concat()[at..]);
            assert_eq!(outgoing.length(), 7 - at);
        }
    }
}
