//! The binary packet protocol (RFC 4253, section 6): payloads out of a stream of bytes, and payloads into one, protected by
//! its own keys each [`Way`].

use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use super::cipher::LENGTH;
use super::error::SshError;
use super::limits::{MAX_PACKET, MAX_UNREAD};
use super::way::Way;

/// The least padding of a packet in bytes.
const MIN_PADDING: usize = 4;

/// A packet that came: its payload is wiped when dropped, as it may hold a password.
pub(super) struct Packet {
    /// At least one byte: the message's number and its fields.
    pub(super) payload: Zeroizing<Vec<u8>>,
    /// The packet's number, which UNIMPLEMENTED gives back.
    pub(super) sequence: u32,
}

/// The way in.
#[derive(Debug)]
pub(super) struct PacketReader {
    buffer: Vec<u8>,
    /// How many bytes at the front of the buffer are used up.
    start: usize,
    /// The length of the packet that is arriving, once its head is there.
    length: Option<usize>,
    /// Its keys, and what they were used for.
    pub(super) way: Way,
}

impl PacketReader {
    pub(super) fn new() -> Self {
        Self { buffer: Vec::new(), start: 0, length: None, way: Way::plain() }
    }

    /// Takes what arrived.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), SshError> {
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.start = 0;
        let waiting = self.buffer.len().saturating_add(bytes.len());
        let limit = MAX_UNREAD.max(bytes.len().saturating_add(MAX_PACKET));
        if waiting > limit {
            return Err(SshError::Limit {
                what: "bytes that wait for a login to be decided",
                limit: limit as u64,
                got: waiting as u64,
            });
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// What is there and not used up.
    pub(super) fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Uses up bytes that were no packet.
    pub(super) fn skip(&mut self, count: usize) {
        self.start = self.start.saturating_add(count);
    }

    /// The next whole packet.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, SshError> {
        let Some(head) = self.unread().first_chunk::<LENGTH>().copied() else { return Ok(None) };
        let length = match self.length {
            Some(length) => length,
            None => self.check_length(head)?,
        };
        self.length = Some(length);
        let total = LENGTH + length + self.way.protection.tag();
        let Some(packet) = self.buffer.get_mut(self.start..).and_then(|rest| rest.get_mut(..total)) else {
            return Ok(None);
        };
        let sequence = self.way.sequence;
        self.way.protection.open(sequence, packet)?;
        let payload = payload(packet.get(LENGTH..LENGTH + length).unwrap_or_default());
        let payload = payload.map(|payload| Zeroizing::new(payload.to_vec()));
        packet.zeroize();
        self.length = None;
        self.start += total;
        self.way.count(total);
        payload.map(|payload| Some(Packet { payload, sequence }))
    }

    /// The length at a packet's head, if it can be one.
    fn check_length(&self, head: [u8; LENGTH]) -> Result<usize, SshError> {
        let length = self.way.protection.length(self.way.sequence, head);
        let most = MAX_PACKET - LENGTH - self.way.protection.tag();
        let limit = || SshError::Limit { what: "bytes in a packet", limit: most as u64, got: u64::from(length) };
        let length = usize::try_from(length).ok().filter(|length| *length <= most).ok_or_else(limit)?;
        // One byte says how long the padding is, and there is a payload.
        if length < 1 + MIN_PADDING + 1 {
            return Err(SshError::Malformed { message: "packet", field: "its length is too small" });
        }
        if (length + self.way.protection.aligned_head()) % self.way.protection.block() != 0 {
            return Err(SshError::Malformed { message: "packet", field: "its length is no multiple of a block" });
        }
        Ok(length)
    }
}

/// The payload between a packet's padding length and its padding.
fn payload(body: &[u8]) -> Result<&[u8], SshError> {
    let malformed = || SshError::Malformed { message: "packet", field: "its padding" };
    let (padding, rest) = body.split_first().ok_or_else(malformed)?;
    let padding = usize::from(*padding);
    let length = rest.len().checked_sub(padding).filter(|length| *length > 0 && padding >= MIN_PADDING);
    length.and_then(|length| rest.get(..length)).ok_or_else(malformed)
}

/// The way out.
#[derive(Debug)]
pub(super) struct PacketWriter {
    buffer: Vec<u8>,
    /// How many bytes at the front of the buffer are written.
    start: usize,
    /// Its keys, and what they were used for.
    pub(super) way: Way,
}

impl PacketWriter {
    /// Its first bytes are no packet.
    pub(super) fn new(first: Vec<u8>) -> Self {
        Self { buffer: first, start: 0, way: Way::plain() }
    }

    /// Appends a packet whose payload is these parts.
    pub(super) fn send(&mut self, rng: &mut dyn CryptoRng, parts: &[&[u8]]) -> Result<(), SshError> {
        let size: usize = parts.iter().map(|part| part.len()).sum();
        let (block, tag) = (self.way.protection.block(), self.way.protection.tag());
        let unpadded = 1 + size + self.way.protection.aligned_head();
        let padding = (unpadded + MIN_PADDING).next_multiple_of(block) - unpadded;
        let length = 1 + size + padding;
        let at = self.buffer.len();
        self.buffer.reserve(LENGTH + length + tag);
        self.buffer.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        self.buffer.push(u8::try_from(padding).unwrap_or(u8::MAX));
        for part in parts {
            self.buffer.extend_from_slice(part);
        }
        let mut noise = [0; MIN_PADDING + 16];
        let noise = noise.get_mut(..padding).unwrap_or_default();
        rng.fill_bytes(noise);
        self.buffer.extend_from_slice(noise);
        self.buffer.resize(at + LENGTH + length + tag, 0);
        let packet = self.buffer.get_mut(at..).unwrap_or_default();
        self.way.protection.seal(self.way.sequence, packet)?;
        self.way.count(packet.len());
        Ok(())
    }

    /// What is to be written.
    pub(super) fn output(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// So much of it is.
    pub(super) fn consume(&mut self, written: usize) {
        self.start = self.start.saturating_add(written).min(self.buffer.len());
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        } else if self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
    }
}
