//! TLS on one connection: records in and out of a socket that does not block, plain bytes in and out of the other side.
//!
//! Plain bytes that wait here come before anything is read off the socket, so whoever reads until `WouldBlock` has them all,
//! and may sleep on the descriptor. What is written is taken only when all records before are with the kernel: 16 KiB at
//! most are in between, and never hold up reading.

use std::io::{self, IoSlice, Read, Write};

use rustls::Connection;

use super::certificate::PeerCertificate;
use super::error::TlsError;

/// Plain bytes that may be taken before their records are with the kernel: one full record (RFC 8446, 5.1).
const IN_FLIGHT: usize = 16 * 1024;

/// Bytes read off the socket at a time.
const CHUNK: usize = 16 * 1024;

#[derive(Debug)]
pub(in crate::transport) struct Layer {
    connection: Connection,
    /// What came and has no room in the connection, until its plain bytes are read.
    ahead: Vec<u8>,
    /// Whether nothing has come yet.
    is_fresh: bool,
}

impl Layer {
    pub(super) fn new(mut connection: Connection) -> Self {
        connection.set_buffer_limit(Some(IN_FLIGHT));
        Self { connection, ahead: Vec::new(), is_fresh: true }
    }

    /// Goes on with the handshake. `WouldBlock`: it waits for the socket, to read and if [`Layer::owes`] to write.
    pub fn handshake(&mut self, socket: &mut (impl Read + Write)) -> io::Result<()> {
        while self.connection.is_handshaking() {
            match self.push(socket) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
            if self.take(socket)? == 0 {
                return Err(TlsError::Unfinished.into());
            }
        }
        // The last of it goes out with what is written next, if it does not now.
        let _ = self.push(socket);
        Ok(())
    }

    /// Reads plain bytes. Zero: the peer has said that no more follow.
    pub fn read(&mut self, socket: &mut (impl Read + Write), buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(TlsError::Truncated.into()),
                result => return result,
            }
            self.take(socket)?;
        }
    }

    /// Takes plain bytes to write. `WouldBlock`: none were.
    pub fn write(&mut self, socket: &mut impl Write, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.push(socket)?;
        let count = self.connection.writer().write_vectored(slices)?;
        // They are taken, whatever comes of this; the next call tells.
        let _ = self.push(socket);
        Ok(count)
    }

    /// The certificate that the peer has shown.
    pub fn peer_certificate(&self) -> Option<PeerCertificate<'_>> {
        self.connection.peer_certificates()?.first().map(PeerCertificate::new)
    }

    /// Hands the records that are made to the kernel. `WouldBlock`: not all.
    pub fn push(&mut self, socket: &mut impl Write) -> io::Result<()> {
        while self.connection.wants_write() {
            if self.connection.write_tls(socket)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Whether records wait for the kernel.
    pub fn owes(&self) -> bool {
        self.connection.wants_write()
    }

    /// Says that no more follows, unless something is still to go out: then the end is no good one.
    pub fn finish(&mut self, socket: &mut impl Write) {
        if !self.connection.is_handshaking() && !self.owes() {
            self.connection.send_close_notify();
            let _ = self.push(socket);
        }
    }

    /// Takes in records: those that wait, or what the socket has. Zero: the socket's end.
    fn take(&mut self, socket: &mut (impl Read + Write)) -> io::Result<usize> {
        if self.ahead.is_empty() {
            let mut chunk = [0; CHUNK];
            let count = socket.read(&mut chunk)?;
            let mut bytes = chunk.get(..count).unwrap_or_default();
            let result = self.feed(&mut bytes);
            self.ahead.extend_from_slice(bytes);
            self.check(socket, result)?;
            return Ok(count);
        }
        let bytes = std::mem::take(&mut self.ahead);
        let mut rest = bytes.as_slice();
        let result = self.feed(&mut rest);
        self.ahead.extend_from_slice(rest);
        self.check(socket, result)?;
        Ok(bytes.len())
    }

    /// Gives the connection as many of these bytes as it has room for. None are the end.
    fn feed(&mut self, bytes: &mut &[u8]) -> Result<(), TlsError> {
        let first = bytes.first_chunk::<2>().filter(|_| std::mem::take(&mut self.is_fresh)).copied();
        let mut waiting = 0;
        loop {
            match self.connection.read_tls(bytes) {
                // The peer had said that no more follow.
                Ok(0) => *bytes = &[],
                Ok(_) => {}
                Err(error) if waiting == 0 => return Err(TlsError::Violation(error.to_string())),
                // No room: plain bytes must be read first.
                Err(_) => return Ok(()),
            }
            let state = self.connection.process_new_packets().map_err(|error| match (&error, first) {
                (rustls::Error::InvalidMessage(_), Some(bytes)) => TlsError::NotTls(instead(bytes)),
                _ => TlsError::from(error),
            })?;
            waiting = state.plaintext_bytes_to_read();
            if bytes.is_empty() {
                return Ok(());
            }
        }
    }

    /// A fault is told to the peer, as far as that goes without waiting; so is the answer to a new key.
    fn check(&mut self, socket: &mut impl Write, result: Result<(), TlsError>) -> io::Result<()> {
        if self.owes() && !self.connection.is_handshaking() || result.is_err() {
            let _ = self.push(socket);
        }
        Ok(result?)
    }
}

/// What begins with these bytes.
const fn instead(bytes: [u8; 2]) -> &'static str {
    match bytes {
        [b'H', b'T'] => "HTTP: the port seems to speak ws:// and not wss://",
        [0x7f, _] => "RawSocket: the port seems to speak rs:// and not rss://",
        _ => "something else",
    }
}
