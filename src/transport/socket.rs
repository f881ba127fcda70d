//! The socket at the bottom of a connection: TCP, or a Unix socket of this machine. It never blocks once it is in use.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};

use super::keepalive::KeepalivePolicy;

/// A connected socket. Reading and writing go through a shared reference, as with the sockets of the library.
#[derive(Debug)]
pub enum Socket {
    /// Over the network, or loopback.
    Tcp(TcpStream),
    /// unix(7), of kind `SOCK_STREAM`.
    Unix(UnixStream),
}

impl Socket {
    /// Ends one or both directions, shutdown(2).
    ///
    /// # Errors
    /// The kernel's: the other end may have gone already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        }
    }

    /// What has come, left where it is (recv(2), `MSG_PEEK`).
    ///
    /// # Errors
    /// The kernel's; `WouldBlock` when nothing has come.
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.as_fd().as_raw_fd(), buffer, MsgFlags::MSG_PEEK)?)
    }

    /// Whether something has come, be it the end or an error, that nobody has read yet.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        loop {
            return match self.peek(&mut [0]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error.kind() != io::ErrorKind::WouldBlock,
                Ok(_) => true,
            };
        }
    }

    /// Has the kernel find out when a peer is gone without a word: after as much silence as a ping would be sent after, and
    /// as much time as it would have for its answer. Who is on this machine cannot go so.
    pub(super) fn watch(&self, policy: KeepalivePolicy) -> nix::Result<()> {
        let (Self::Tcp(stream), Some(interval)) = (self, policy.interval) else { return Ok(()) };
        let seconds = |time: Duration| u32::try_from(time.as_secs().max(1)).unwrap_or(u32::MAX);
        setsockopt(stream, sockopt::KeepAlive, &true)?;
        setsockopt(stream, sockopt::TcpKeepIdle, &seconds(interval))?;
        setsockopt(stream, sockopt::TcpKeepInterval, &seconds(policy.patience / 3))?;
        setsockopt(stream, sockopt::TcpKeepCount, &3)?;
        let all = u32::try_from((interval + policy.patience).as_millis()).unwrap_or(u32::MAX);
        setsockopt(stream, sockopt::TcpUserTimeout, &all)
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self::Tcp(stream)
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self::Unix(stream)
    }
}

impl Read for &Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => (&*stream).read(buffer),
            Socket::Unix(stream) => (&*stream).read(buffer),
        }
    }
}

impl Write for &Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => (&*stream).write(bytes),
            Socket::Unix(stream) => (&*stream).write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => (&*stream).write_vectored(slices),
            Socket::Unix(stream) => (&*stream).write_vectored(slices),
        }
    }

    /// Nothing is held back here.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}
