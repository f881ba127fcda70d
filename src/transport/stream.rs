//! A TCP stream that ends a round of reading in good time.
//!
//! It knows when it is empty: a read that brought less than was asked for has drained the socket, so the next one says
//! `WouldBlock` without asking the kernel. That saves one of two system calls a message. And it says `WouldBlock` after
//! [`ROUND`] bytes though there may be more: a peer that writes as fast as its messages are read, were they empty fragments
//! that never become one, cannot keep the reader from its other work. In either case the wait, being level-triggered, tells
//! at once of what is left.
//!
//! And it knows whether the other end lives: bytes that come are a sign, and so is room in a send buffer that was full. Both
//! come long before a whole frame does, when frames are long and the way is slow.
//!
//! And it takes whole frames past the WebSocket layer: they go out before whatever the layer writes next. And it knows how
//! much the layer holds of a message that is not whole.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use super::follower::Follower;
use super::frame::LongFrame;

/// Bytes taken in a round.
const ROUND: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Stream {
    /// Shared for as long as a layer above is exchanged for another.
    tcp: Arc<TcpStream>,
    /// Bytes that this round may still take; 0 ends it.
    left: usize,
    /// Whether the last write found no room.
    full: bool,
    alive: bool,
    frame: Option<LongFrame>,
    follower: Follower,
}

impl Stream {
    /// A client's, before the upgrade.
    pub(super) fn dialled(tcp: TcpStream) -> Self {
        Self::new(Arc::new(tcp), Follower::behind_head())
    }

    /// A router's, after the upgrade, when so much has come already.
    pub(super) fn accepted(tcp: TcpStream, early: &[u8]) -> Self {
        let mut follower = Follower::new();
        follower.follow(early);
        Self::new(Arc::new(tcp), follower)
    }

    const fn new(tcp: Arc<TcpStream>, follower: Follower) -> Self {
        Self { tcp, left: ROUND, full: false, alive: false, frame: None, follower }
    }

    /// The same stream for another layer above, when the one there is holds nothing of it.
    pub(super) fn handed_on(&mut self) -> Self {
        let mut follower = self.follower.clone();
        follower.forget_longest();
        let Self { left, full, alive, .. } = *self;
        Self { tcp: Arc::clone(&self.tcp), left, full, alive, frame: self.frame.take(), follower }
    }

    /// What has come, as frames.
    pub(super) const fn follower(&self) -> &Follower {
        &self.follower
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Puts a frame before whatever is written next. The one before it must be out: flush first.
    pub(super) fn put(&mut self, frame: LongFrame) {
        debug_assert!(self.frame.is_none(), "a frame would be lost");
        self.frame = Some(frame);
    }

    /// Bytes of that frame that are not out yet.
    pub(super) fn left(&self) -> usize {
        self.frame.as_ref().map_or(0, LongFrame::left)
    }

    fn write_frame(&mut self) -> io::Result<()> {
        if let Some(frame) = &mut self.frame {
            let left = frame.left();
            let result = frame.write_to(&mut &*self.tcp);
            self.note_write(left != self.left(), result.as_ref().err());
            result?;
            self.frame = None;
        }
        Ok(())
    }

    /// Room in a buffer that was full is a sign of life.
    fn note_write(&mut self, moved: bool, error: Option<&io::Error>) {
        self.alive |= moved && self.full;
        self.full = error.is_some_and(|error| error.kind() == io::ErrorKind::WouldBlock);
    }

    /// Whether the last write found no room.
    pub(super) const fn is_full(&self) -> bool {
        self.full
    }

    /// Whether there was a sign of life since this was last asked.
    pub(super) fn take_sign_of_life(&mut self) -> bool {
        std::mem::take(&mut self.alive)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.left = ROUND;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = match (&*self.tcp).read(buffer) {
            Ok(count) => count,
            Err(error) => {
                self.left = ROUND;
                return Err(error);
            }
        };
        self.alive |= count > 0;
        self.follower.follow(buffer.get(..count).unwrap_or_default());
        // Zero is the end of the stream, not an empty one.
        let drained = count > 0 && count < buffer.len();
        self.left = if drained { 0 } else { self.left.saturating_sub(count) };
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_frame()?;
        let result = (&*self.tcp).write(bytes);
        self.note_write(result.is_ok(), result.as_ref().err());
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_frame()?;
        (&*self.tcp).flush()
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::wait::{Interest, wait};
    use std::net::TcpListener;
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
        let mut stream = Stream::accepted(tcp, &[]);
        let mut buffer = [0; 4096];
        peer.write_all(b"hello").unwrap();
        // The socket blocks: a second system call would hang.
        assert_eq!(round(&mut stream, &mut buffer), 5);
        stream.tcp().set_nonblocking(true).unwrap();
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
