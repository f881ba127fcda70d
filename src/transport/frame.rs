//! A frame of a router, written straight from its payload (RFC 6455, section 5.2): what a router sends is not masked, so
//! nothing of it need be copied. For long payloads only; short ones are gathered by the WebSocket layer.

use std::io::{self, IoSlice, Write};

use tungstenite::Bytes;
use tungstenite::protocol::frame::coding::{Data, OpCode};

/// A frame, as far as it is not written yet.
#[derive(Debug)]
pub(super) struct LongFrame {
    /// The header, behind so many bytes that are none.
    header: [u8; 10],
    begin: usize,
    payload: Bytes,
    written: usize,
}

impl LongFrame {
    /// A text frame that is a whole message.
    pub fn text(text: Bytes) -> Self {
        Self::new(OpCode::Data(Data::Text), text)
    }

    /// A binary frame that is a whole message.
    pub fn binary(bytes: Bytes) -> Self {
        Self::new(OpCode::Data(Data::Binary), bytes)
    }

    fn new(kind: OpCode, payload: Bytes) -> Self {
        const FINAL: u8 = 0x80;
        let first = FINAL | u8::from(kind);
        let mut header = [0; 10];
        let length = payload.len() as u64;
        let begin = match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length @ ..126), _) => {
                header[8..].copy_from_slice(&[first, length]);
                8
            }
            (_, Ok(length)) => {
                header[6..8].copy_from_slice(&[first, 126]);
                header[8..].copy_from_slice(&length.to_be_bytes());
                6
            }
            _ => {
                header[..2].copy_from_slice(&[first, 127]);
                header[2..].copy_from_slice(&length.to_be_bytes());
                0
            }
        };
        Self { header, begin, payload, written: 0 }
    }

    /// Bytes that are not written yet.
    pub fn left(&self) -> usize {
        self.header.len() - self.begin + self.payload.len() - self.written
    }

    /// Writes on.
    pub fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        while self.left() > 0 {
            let header = self.header.get(self.begin + self.written..).unwrap_or_default();
            let of_payload = (self.begin + self.written).saturating_sub(self.header.len());
            let payload = self.payload.get(of_payload..).unwrap_or_default();
            match out.write_vectored(&[IoSlice::new(header), IoSlice::new(payload)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tungstenite::protocol::Role;
    use tungstenite::{Message, WebSocket};

    /// Takes a few bytes at a time, and has no room every other time.
    struct Narrow {
        bytes: Vec<u8>,
        step: usize,
        full: bool,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.full = !self.full;
            if self.full {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = bytes.len().min(self.step);
            self.bytes.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_websocket_reads_it_whatever_its_length() {
        for (length, step) in [(0, 1), (1, 1), (125, 7), (126, 3), (65_535, 1000), (65_536, 1 << 20), (1 << 20, 5000)] {
            let text: String = "0123456789".chars().cycle().take(length).collect();
            let mut frame = LongFrame::text(text.clone().into());
            let mut out = Narrow { bytes: Vec::new(), step, full: false };
            let mut left = frame.left();
            while let Err(error) = frame.write_to(&mut out) {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                assert!(frame.left() <= left);
                left = frame.left();
            }
            assert_eq!(frame.left(), 0);
            let mut reader = WebSocket::from_raw_socket(io::Cursor::new(out.bytes), Role::Client, None);
            assert!(reader.read().unwrap() == Message::text(text), "{length}");
        }
    }
}
