//! Asking a socket itself, by a descriptor of ours.

use std::net::SocketAddr;
use std::os::fd::RawFd;

use nix::sys::socket::{SockaddrStorage, UnixAddr, getpeername, getsockname};

use super::super::descriptors::OpenSocket;
use super::Socket;
use super::kind::Kind;
use super::sys;

/// A socket that has answered.
#[derive(Debug)]
pub(super) struct Asked {
    pub open: OpenSocket,
    pub socket: Socket,
}

/// Asks the socket that is `fd` here and `open` in its process. `None` when it is bound to nothing, closed, or no socket.
pub(super) fn ask(fd: RawFd, open: OpenSocket) -> Option<Asked> {
    let option = |name| sys::option(fd, libc::SOL_SOCKET, name);
    let kind = Kind::of(option(libc::SO_DOMAIN)?, option(libc::SO_TYPE)?, option(libc::SO_PROTOCOL)?);
    let socket = match kind {
        Kind::Tcp4 | Kind::Tcp6 => {
            let local = inet(getsockname(fd).ok()?)?;
            Socket::inet(kind, local, peer(fd), sys::tcp_info_state(fd)?)?
        }
        Kind::Udp4 | Kind::Udp6 => Socket::inet(kind, inet(getsockname(fd).ok()?)?, peer(fd), 0)?,
        Kind::Unix => unix(&getsockname(fd).ok()?),
        Kind::Other => Socket::other(),
    };
    Some(Asked { open, socket })
}

fn peer(fd: RawFd) -> Option<SocketAddr> {
    getpeername(fd).ok().and_then(inet)
}

fn inet(address: SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddr::V4((*v4).into()));
    }
    address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into()))
}

fn unix(address: &UnixAddr) -> Socket {
    match (address.as_abstract(), address.path()) {
        (Some(name), _) => Socket::unix(&[&[0], name].concat()),
        (None, path) => Socket::unix(path.map(|path| path.as_os_str().as_encoded_bytes()).unwrap_or_default()),
    }
}
