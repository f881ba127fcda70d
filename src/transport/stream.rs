//! A stream, plain or with TLS, that ends a round of reading in good time.
//!
//! It knows when it is empty: a read that brought less than was asked for has drained the socket, so the next one says
//! `WouldBlock` without asking the kernel. That saves one of two system calls a message. And it says `WouldBlock` after
//! 64 KiB though there may be more: a peer that writes as fast as its messages are read, were they empty fragments
//! that never become one, cannot keep the reader from its other work. In either case the wait, being level-triggered, tells
//! at once of what is left.
//!
//! And it knows whether the other end lives: bytes that come are a sign, and so is room in a send buffer that was full. Both
//! come long before a whole frame does, when frames are long and the way is slow.
//!
//! With TLS all of that holds for the records that travel: a round's end is one where no plain bytes wait here, and there is
//! something to be written as long as records are.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use super::socket::Socket;
use super::tls::{Layer, PeerCertificate, TlsClient, TlsServer};
use crate::sync::wait::Interest;

/// Bytes taken in a round.
const ROUND: usize = 64 * 1024;

/// A stream. When it goes, a peer that speaks TLS is told that this is the end, if all that was written is out.
#[derive(Debug)]
pub struct Stream {
    rounds: Rounds,
    tls: Option<Box<Layer>>,
}

/// The socket, read in rounds.
#[derive(Debug)]
struct Rounds {
    /// Shared for as long as a layer above is exchanged for another.
    socket: Arc<Socket>,
    /// Bytes that this round may still take; 0 ends it.
    left: usize,
    /// Whether the last write found no room.
    full: bool,
    alive: bool,
    bytes_read: u64,
    bytes_written: u64,
}

impl<S: Into<Socket>> From<S> for Stream {
    fn from(socket: S) -> Self {
        let socket = Arc::new(socket.into());
        let rounds = Rounds { socket, left: ROUND, full: false, alive: false, bytes_read: 0, bytes_written: 0 };
        Self { rounds, tls: None }
    }
}

impl Stream {
    /// What follows is TLS, of a client that wants to reach this host. [`Stream::handshake`] comes next.
    pub(super) fn secure_as_client(&mut self, tls: &TlsClient, host: &str) -> io::Result<()> {
        self.tls = Some(Box::new(tls.layer(host)?));
        Ok(())
    }

    /// What follows is TLS, of a router. [`Stream::handshake`] comes next.
    ///
    /// # Errors
    /// When the library refuses the configuration.
    pub fn secure_as_server(&mut self, tls: &TlsServer) -> io::Result<()> {
        self.tls = Some(Box::new(tls.layer()?));
        Ok(())
    }

    /// Goes on with the handshake of TLS, if there is one. `WouldBlock`: it waits for [`Stream::interest`].
    ///
    /// # Errors
    /// What the kernel says, or a [`super::tls::TlsError`] inside.
    pub fn handshake(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => tls.handshake(&mut self.rounds),
            None => Ok(()),
        }
    }

    /// The same stream for another layer above, when the one there is holds nothing of it; that one is left without.
    pub(super) fn handed_on(&mut self) -> Self {
        let Rounds { left, full, alive, bytes_read, bytes_written, .. } = self.rounds;
        let socket = Arc::clone(&self.rounds.socket);
        Self { rounds: Rounds { socket, left, full, alive, bytes_read, bytes_written }, tls: self.tls.take() }
    }

    /// The connection below.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.rounds.socket
    }

    /// The certificate that the peer has shown, in DER: verified, and that it has the key. A router's end has one only of clients
    /// that it asks for one.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<PeerCertificate<'_>> {
        self.tls.as_ref()?.peer_certificate()
    }

    /// Bytes read off the socket so far, with TLS as they came.
    pub(super) const fn bytes_read(&self) -> u64 {
        self.rounds.bytes_read
    }

    /// Bytes written to the socket so far, with TLS as they went.
    pub(super) const fn bytes_written(&self) -> u64 {
        self.rounds.bytes_written
    }

    /// What to wait for: what comes, and room for what was taken and is not out.
    #[must_use]
    pub fn interest(&self) -> Interest {
        Interest { read: true, write: self.owes() }
    }

    /// Whether something was taken that is not out.
    pub(super) fn owes(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.owes())
    }

    /// Says that nothing follows; what comes can still be read.
    ///
    /// # Errors
    /// What the kernel says (shutdown(2)).
    pub fn finish(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.finish(&mut self.rounds);
        }
        self.rounds.socket.shutdown(Shutdown::Write)
    }

    /// Whether the last write found no room.
    pub(super) const fn is_full(&self) -> bool {
        self.rounds.full
    }

    /// Whether there was a sign of life since this was last asked.
    pub(super) fn take_sign_of_life(&mut self) -> bool {
        std::mem::take(&mut self.rounds.alive)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.finish(&mut self.rounds);
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => tls.read(&mut self.rounds, buffer),
            None => self.rounds.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => tls.write(&mut self.rounds, &[IoSlice::new(bytes)]),
            None => self.rounds.write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => tls.write(&mut self.rounds, slices),
            None => self.rounds.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => tls.push(&mut self.rounds),
            None => Ok(()),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.rounds.socket.as_fd()
    }
}

impl Rounds {
    /// Room in a buffer that was full is a sign of life.
    fn note_write(&mut self, result: &io::Result<usize>) {
        self.alive |= result.is_ok() && self.full;
        self.bytes_written += result.as_ref().map_or(0, |count| *count as u64);
        self.full = result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
    }
}

impl Read for Rounds {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.left = ROUND;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = match (&*self.socket).read(buffer) {
            Ok(count) => count,
            Err(error) => {
                self.left = ROUND;
                return Err(error);
            }
        };
        self.alive |= count > 0;
        self.bytes_read += count as u64;
        // Zero is the end of the stream, not an empty one.
        let drained = count > 0 && count < buffer.len();
        self.left = if drained { 0 } else { self.left.saturating_sub(count) };
        Ok(count)
    }
}

impl Write for Rounds {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = (&*self.socket).write(bytes);
        self.note_write(&result);
        result
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let result = (&*self.socket).write_vectored(slices);
        self.note_write(&result);
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.socket).flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::wait::{Interest, wait};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    /// As many bytes as one round takes of what a peer has sent.
    fn round(stream: &mut Stream, buffer: &mut [u8]) -> usize {
        let mut taken = 0;
        loop {
            match stream.read(buffer) {
                Ok(count) => taken += count,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    return taken;
                }
            }
        }
    }

    #[test]
    fn a_round_ends_when_the_socket_is_drained_or_the_round_is_full() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (tcp, _) = listener.accept().unwrap();
        let mut stream = Stream::from(tcp.try_clone().unwrap());
        let mut buffer = [0; 4096];
        peer.write_all(b"hello").unwrap();
        // The socket blocks: a second system call would hang.
        assert_eq!(round(&mut stream, &mut buffer), 5);
        tcp.set_nonblocking(true).unwrap();
        let writer = std::thread::spawn(move || peer.write_all(&vec![7; 3 * ROUND]));
        let mut total = 0;
        while total < 3 * ROUND {
            let ready = wait([(stream.as_fd(), Interest::READ)], Some(Duration::from_secs(10))).unwrap();
            assert!(ready[0].readable, "the wait does not tell of what is left, after {total} bytes");
            let taken = round(&mut stream, &mut buffer);
            assert!(taken <= ROUND, "{taken}");
            total += taken;
        }
        writer.join().unwrap().unwrap();
        assert_eq!(total, 3 * ROUND);
    }
}
