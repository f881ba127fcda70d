//! A TCP stream that knows when it is empty: a read that brought less than was asked for has drained the socket, so the
//! next one says `WouldBlock` without asking the kernel. That saves one of two system calls a message; `poll(2)`, being
//! level-triggered, tells of whatever came meanwhile.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

#[derive(Debug)]
pub(super) struct Stream {
    tcp: TcpStream,
    drained: bool,
}

impl Stream {
    pub(super) const fn new(tcp: TcpStream) -> Self {
        Self { tcp, drained: false }
    }

    pub(super) const fn tcp(&self) -> &TcpStream {
        &self.tcp
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.drained {
            self.drained = false;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = self.tcp.read(buffer)?;
        // Zero is the end of the stream, not an empty one.
        self.drained = count > 0 && count < buffer.len();
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }
}
