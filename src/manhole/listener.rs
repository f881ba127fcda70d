//! Where callers come in: a TCP port or a Unix socket.
//!
//! # Security decisions
//! - A Unix socket is for its owner alone.
//! - What stands at its path is treated as [`crate::transport::unix`] says.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::socket::sockopt::{KeepAlive, TcpKeepCount, TcpKeepIdle, TcpKeepInterval};
use nix::sys::socket::{self, Backlog, setsockopt};

use super::config::Endpoint;
use crate::transport::socket::Socket;
use crate::transport::unix::{Access, UnixPort};

/// A client that is gone without a word is found so: after this many seconds of silence the kernel asks, so many times, so
/// many seconds apart.
const KEEP_ALIVE: (u32, u32, u32) = (60, 4, 15);

/// Callers that a Unix socket holds until they are accepted.
const BACKLOG: i32 = 16;

/// A listening socket.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixPort),
}

/// Why nobody can be listened for. Its `Display` has the address and the system's reason.
#[derive(Debug)]
pub struct ListenError {
    endpoint: String,
    error: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen at {}: {}", self.endpoint, self.error)
    }
}

impl std::error::Error for ListenError {}

impl Listener {
    pub fn bind(endpoint: &Endpoint) -> Result<Self, ListenError> {
        let failed = |error| ListenError { endpoint: endpoint.to_string(), error };
        match endpoint {
            Endpoint::Tcp { address, backlog, .. } => tcp(*address, *backlog).map(Self::Tcp).map_err(failed),
            Endpoint::Unix { path } => UnixPort::bind(path, Access::default(), BACKLOG).map(Self::Unix).map_err(failed),
        }
    }

    /// The TCP port that was bound.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok().map(|address| address.port()),
            Self::Unix(_) => None,
        }
    }

    /// A caller and who it is; `None` when nobody calls.
    pub fn accept(&self) -> io::Result<Option<(Socket, String)>> {
        let accepted = match self {
            Self::Tcp(listener) => listener.accept().and_then(|(stream, address)| prepared(stream, address)),
            Self::Unix(port) => port.accept().map(|(stream, peer)| (Socket::Unix(stream), peer.to_string())),
        };
        match accepted {
            Ok(caller) => Ok(Some(caller)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(port) => port.as_fd(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { address, .. } => address.fmt(f),
            Self::Unix { path } => path.display().fmt(f),
        }
    }
}

fn tcp(address: SocketAddr, backlog: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    // The library has a backlog of its own; to listen again sets another.
    socket::listen(&listener, Backlog::new(i32::from(backlog)).unwrap_or(Backlog::MAXCONN))?;
    Ok(listener)
}

fn prepared(stream: TcpStream, address: SocketAddr) -> io::Result<(Socket, String)> {
    stream.set_nonblocking(true)?;
    // A key that is typed is a packet, and so is its echo.
    stream.set_nodelay(true)?;
    let (idle, count, interval) = KEEP_ALIVE;
    setsockopt(&stream, KeepAlive, &true)?;
    setsockopt(&stream, TcpKeepIdle, &idle)?;
    setsockopt(&stream, TcpKeepCount, &count)?;
    setsockopt(&stream, TcpKeepInterval, &interval)?;
    Ok((Socket::Tcp(stream), address.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::PathBuf;

    use nix::unistd::geteuid;

    /// A directory of its own, removed at the end.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("wampproc-listen-{}-{name}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn endpoint(&self) -> (PathBuf, Endpoint) {
            let path = self.0.join("s");
            (path.clone(), Endpoint::Unix { path })
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_unix_socket_is_its_owners_and_goes_with_the_listener() {
        let directory = Directory::new("mode");
        let (path, endpoint) = directory.endpoint();
        let listener = Listener::bind(&endpoint).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let caller = UnixStream::connect(&path).unwrap();
        let (_, peer) = listener.accept().unwrap().unwrap();
        assert_eq!(peer, format!("process {} of user {}", std::process::id(), geteuid()));
        assert!(listener.accept().unwrap().is_none());
        drop((caller, listener));
        assert!(!path.exists());
    }

    #[test]
    fn only_a_dead_socket_is_replaced() {
        let directory = Directory::new("dead");
        let (path, endpoint) = directory.endpoint();
        let refused = || Listener::bind(&endpoint).unwrap_err().to_string();
        fs::write(&path, "precious").unwrap();
        assert!(refused().contains("no dead socket of ours"));
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        assert!(refused().contains("no dead socket of ours"));
        fs::remove_file(&path).unwrap();

        let living = UnixListener::bind(&path).unwrap();
        assert!(refused().starts_with("cannot listen at "));
        assert!(path.exists());
        drop(living);
        let listener = Listener::bind(&endpoint).unwrap();
        // Not the one that was made: left alone.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another's").unwrap();
        drop(listener);
        assert!(path.exists());
    }

    #[test]
    fn a_port_that_is_taken_is_told() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let endpoint = Endpoint::Tcp { address, backlog: 1, given: Default::default() };
        let sentence = Listener::bind(&endpoint).unwrap_err().to_string();
        assert!(sentence.starts_with(&format!("cannot listen at {address}: Address")), "{sentence}");
    }
}
