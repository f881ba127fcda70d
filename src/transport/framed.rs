//! A stream of WebSocket frames under the WebSocket layer: it takes whole frames past the layer, which go out before whatever
//! the layer writes next. And it knows how much the layer holds of a message that is not whole.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use super::follower::Follower;
use super::frame::LongFrame;
use super::socket::Socket;
use super::stream::Stream;

#[derive(Debug)]
pub(super) struct Framed {
    stream: Stream,
    frame: Option<LongFrame>,
    follower: Follower,
}

impl Framed {
    /// A client's, before the upgrade.
    pub(super) fn dialled(stream: Stream) -> Self {
        Self { stream, frame: None, follower: Follower::behind_head() }
    }

    /// A router's, after the upgrade, when so much has come already.
    pub(super) fn accepted(stream: Stream, early: &[u8]) -> Self {
        let mut follower = Follower::new();
        follower.follow(early);
        Self { stream, frame: None, follower }
    }

    /// The same stream for another layer above, when the one there is holds nothing of it.
    pub(super) fn handed_on(&mut self) -> Self {
        let mut follower = self.follower.clone();
        follower.forget_longest();
        Self { stream: self.stream.handed_on(), frame: self.frame.take(), follower }
    }

    /// What has come, as frames.
    pub(super) const fn follower(&self) -> &Follower {
        &self.follower
    }

    pub(super) const fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// Bytes read and bytes written so far.
    pub(super) const fn bytes(&self) -> (u64, u64) {
        (self.stream.bytes_read(), self.stream.bytes_written())
    }

    pub(super) fn socket(&self) -> &Socket {
        self.stream.socket()
    }

    /// Whether something was taken that is not out.
    pub(super) fn owes(&self) -> bool {
        self.stream.owes()
    }

    /// Whether the last write found no room.
    pub(super) const fn is_full(&self) -> bool {
        self.stream.is_full()
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
            frame.write_to(&mut self.stream)?;
            self.frame = None;
        }
        Ok(())
    }
}

impl Read for Framed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.follower.follow(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

impl Write for Framed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_frame()?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_frame()?;
        self.stream.flush()
    }
}

impl AsFd for Framed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
