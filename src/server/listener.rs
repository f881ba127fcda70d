//! The listening socket, and what to do when there is no descriptor for a caller.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{Backlog, listen};

use super::endpoint::Endpoint;
use super::peer::Place;
use crate::transport::socket::Socket;
use crate::transport::unix::UnixPort;

/// Callers that the kernel holds until they are accepted; it takes the lesser of this and `net.core.somaxconn`.
const BACKLOG: i32 = 1024;

/// How long the listener rests when the kernel cannot give it a connection and does not say when it will.
const REST: Duration = Duration::from_millis(500);

/// A listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    port: Port,
    /// Kept open to be closed when there are no descriptors left: then one caller can be accepted after all, and sent away.
    /// Otherwise it would stay in the kernel's queue and keep the socket readable.
    spare: Option<File>,
    resting: Option<Instant>,
    /// Whether the present trouble has been logged.
    complained: bool,
}

#[derive(Debug)]
enum Port {
    Tcp(TcpListener),
    Unix(UnixPort),
}

impl Port {
    fn accept(&self) -> io::Result<(Socket, Place)> {
        match self {
            Self::Tcp(listener) => {
                listener.accept().map(|(stream, address)| (Socket::Tcp(stream), Place::Remote(address)))
            }
            Self::Unix(port) => port.accept().map(|(stream, peer)| (Socket::Unix(stream), Place::Local(peer))),
        }
    }
}

/// What accepting came to.
#[derive(Debug)]
pub(super) enum Accepted {
    /// A connection, that does not block.
    Connection(Socket, Place),
    /// A connection, closed again: there are no descriptors.
    SentAway,
    /// A connection that was gone already.
    Gone,
    /// Nobody calls (any more), or the listener must rest.
    Nobody,
}

impl Listener {
    /// Listens.
    pub fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        let port = match endpoint {
            Endpoint::Tcp(address) => Port::Tcp(tcp(*address)?),
            Endpoint::Unix { path, access } => Port::Unix(UnixPort::bind(path, *access, BACKLOG)?),
        };
        Ok(Self { port, spare: Some(spare()?), resting: None, complained: false })
    }

    /// The address, with the port that it has; a Unix socket has none.
    pub fn local_addr(&self) -> io::Result<Option<SocketAddr>> {
        match &self.port {
            Port::Tcp(listener) => listener.local_addr().map(Some),
            Port::Unix(_) => Ok(None),
        }
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        match &self.port {
            Port::Tcp(listener) => listener.as_fd(),
            Port::Unix(port) => port.as_fd(),
        }
    }

    /// Until when nobody is accepted.
    pub const fn resting(&self) -> Option<Instant> {
        self.resting
    }

    /// The rest is over.
    pub fn wake(&mut self) {
        self.resting = None;
    }

    /// Accepts one caller.
    pub fn accept(&mut self, now: Instant) -> Accepted {
        let error = match self.port.accept() {
            Ok((socket, place)) => {
                self.complained = false;
                return match prepare(&socket) {
                    Ok(()) => Accepted::Connection(socket, place),
                    Err(_) => Accepted::Gone,
                };
            }
            Err(error) => error,
        };
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EAGAIN) => Accepted::Nobody,
            // The caller's trouble, which accept(2) hands on.
            Some(
                Errno::ECONNABORTED
                | Errno::ECONNRESET
                | Errno::EINTR
                | Errno::ENETDOWN
                | Errno::EPROTO
                | Errno::ENOPROTOOPT
                | Errno::EHOSTDOWN
                | Errno::ENONET
                | Errno::EHOSTUNREACH
                | Errno::ENETUNREACH
                | Errno::EPERM,
            ) => Accepted::Gone,
            Some(Errno::EMFILE | Errno::ENFILE) => {
                self.complain(&error);
                if self.send_away() { Accepted::SentAway } else { self.rest(now) }
            }
            _ => {
                self.complain(&error);
                self.rest(now)
            }
        }
    }

    /// Accepts one caller with the spare descriptor, to close the connection.
    fn send_away(&mut self) -> bool {
        if self.spare.take().is_none() {
            // Somebody else took the descriptor since.
            self.spare = spare().ok();
            return false;
        }
        let accepted = self.port.accept().is_ok();
        self.spare = spare().ok();
        accepted
    }

    fn rest(&mut self, now: Instant) -> Accepted {
        self.resting = Some(now + REST);
        Accepted::Nobody
    }

    /// Once for each time that it begins.
    fn complain(&mut self, error: &io::Error) {
        if !self.complained {
            self.complained = true;
            log::warn!("connections are refused: {error}");
        }
    }
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // The library's own backlog is too short for a thousand clients that come back at once.
    listen(&listener, Backlog::new(BACKLOG)?)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn prepare(socket: &Socket) -> io::Result<()> {
    let Socket::Tcp(stream) = socket else { return Ok(()) };
    stream.set_nonblocking(true)?;
    // Messages are small, and a call beside an event must not wait for the event's acknowledgement.
    stream.set_nodelay(true)
}

fn spare() -> io::Result<File> {
    File::open("/dev/null")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    fn local() -> Listener {
        Listener::bind(&Endpoint::Tcp(([127, 0, 0, 1], 0).into())).unwrap()
    }

    #[test]
    fn accepts_until_nobody_calls_without_waiting() {
        let mut listener = local();
        let now = Instant::now();
        assert!(matches!(listener.accept(now), Accepted::Nobody));
        let caller = TcpStream::connect(listener.local_addr().unwrap().unwrap()).unwrap();
        let Accepted::Connection(_, place) = listener.accept(now) else { panic!("nobody called") };
        assert_eq!(place, Place::Remote(caller.local_addr().unwrap()));
        assert!(matches!(listener.accept(now), Accepted::Nobody));
        assert_eq!(listener.resting(), None);
    }

    #[test]
    fn the_spare_descriptor_serves_more_than_once() {
        let mut listener = local();
        for _ in 0..3 {
            let mut caller = TcpStream::connect(listener.local_addr().unwrap().unwrap()).unwrap();
            assert!(listener.send_away());
            assert_eq!(io::Read::read(&mut caller, &mut [0]).unwrap(), 0, "closed, not left waiting");
        }
    }
}
