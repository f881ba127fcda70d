//! What the sockets of a process are: kind, addresses, TCP state.
//!
//! Our own are asked directly. `/proc/PID/net/*` costs ms however few sockets there are, and is read only for what a
//! socket does not say itself: the peer of a connection that is being made.
#![allow(unsafe_code)] // getsockopt(2) on a descriptor that we do not own; the safe binding wants one that stays open.

use std::mem::size_of;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use nix::sys::socket::{SockaddrStorage, UnixAddr, getpeername, getsockname};
use serde::Serialize;

use super::descriptors::OpenSocket;

/// One open socket, as `get_process_info` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Socket {
    /// `tcp4`, `tcp6`, `udp4`, `udp6` or `unix`; `None` for any other (netlink, raw, vsock, …).
    #[serde(rename = "type")]
    pub kind: Option<&'static str>,
    /// `address:port`, an IPv6 address in brackets. Of a Unix socket its path, `@name` for an abstract name, empty when
    /// it has none. Empty for kinds that are not listed above.
    pub local: String,
    /// `address:port` of the peer, empty when there is none; always empty for a Unix socket.
    pub remote: String,
    /// The TCP state's name, `NONE` for all but TCP.
    pub status: &'static str,
}

/// What sort of socket, as far as it is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tcp4,
    Tcp6,
    Udp4,
    Udp6,
    Unix,
    Other,
}

impl Kind {
    fn of(domain: i32, socket_type: i32, protocol: i32) -> Self {
        match (domain, socket_type, protocol) {
            (libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP | libc::IPPROTO_MPTCP) => Self::Tcp4,
            (libc::AF_INET6, libc::SOCK_STREAM, libc::IPPROTO_TCP | libc::IPPROTO_MPTCP) => Self::Tcp6,
            (libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_UDP | libc::IPPROTO_UDPLITE) => Self::Udp4,
            (libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDP | libc::IPPROTO_UDPLITE) => Self::Udp6,
            (libc::AF_UNIX, _, _) => Self::Unix,
            _ => Self::Other,
        }
    }

    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Tcp4 => Some("tcp4"),
            Self::Tcp6 => Some("tcp6"),
            Self::Udp4 => Some("udp4"),
            Self::Udp6 => Some("udp6"),
            Self::Unix => Some("unix"),
            Self::Other => None,
        }
    }
}

/// A TCP state's number in `TCP_INFO` and in `/proc/net/tcp` (Linux's include/net/tcp_states.h), named as psutil does.
fn tcp_state(number: u8) -> &'static str {
    match number {
        1 => "ESTABLISHED",
        SYN_SENT => "SYN_SENT",
        // 12: a request that the kernel keeps in short form.
        3 | 12 => "SYN_RECV",
        4 => "FIN_WAIT1",
        5 => "FIN_WAIT2",
        6 => "TIME_WAIT",
        8 => "CLOSE_WAIT",
        9 => "LAST_ACK",
        10 => "LISTEN",
        11 => "CLOSING",
        // 7; 13 is a socket that is bound and no more, which sockets themselves tell as 7.
        _ => "CLOSE",
    }
}

const SYN_SENT: u8 = 2;

/// Describes sockets of the process that this code runs in. One that is closed meanwhile is passed over; if its number
/// was given to a new one meanwhile, that is described.
pub(super) fn describe(pid: i32, open: &[OpenSocket]) -> Vec<Socket> {
    let mut connecting = Connecting { pid, table: None };
    open.iter().filter_map(|socket| describe_one(*socket, &mut connecting)).collect()
}

fn describe_one(open: OpenSocket, connecting: &mut Connecting) -> Option<Socket> {
    let fd = open.fd;
    let domain = option(fd, libc::SOL_SOCKET, libc::SO_DOMAIN)?;
    let socket_type = option(fd, libc::SOL_SOCKET, libc::SO_TYPE)?;
    let protocol = option(fd, libc::SOL_SOCKET, libc::SO_PROTOCOL)?;
    let kind = Kind::of(domain, socket_type, protocol);
    let (local, remote, status) = match kind {
        Kind::Tcp4 | Kind::Tcp6 => {
            let local = inet(getsockname(fd).ok()?)?;
            let state = tcp_info_state(fd)?;
            let remote = match state {
                SYN_SENT => connecting.peer(open.inode),
                _ => getpeername(fd).ok().and_then(inet),
            };
            (local, remote, tcp_state(state))
        }
        Kind::Udp4 | Kind::Udp6 => (inet(getsockname(fd).ok()?)?, getpeername(fd).ok().and_then(inet), "NONE"),
        Kind::Unix => {
            let local = unix(&getsockname(fd).ok()?);
            return Some(Socket { kind: kind.name(), local, remote: String::new(), status: "NONE" });
        }
        Kind::Other => {
            return Some(Socket { kind: None, local: String::new(), remote: String::new(), status: "NONE" });
        }
    };
    // Port 0: bound to nothing yet.
    (local.port() != 0).then(|| Socket {
        kind: kind.name(),
        local: written(local),
        remote: remote.map(written).unwrap_or_default(),
        status,
    })
}

/// The connections that are being made, read at the first need.
struct Connecting {
    pid: i32,
    table: Option<Vec<(u64, SocketAddr)>>,
}

impl Connecting {
    fn peer(&mut self, inode: u64) -> Option<SocketAddr> {
        let pid = self.pid;
        let table = self.table.get_or_insert_with(|| {
            let Ok(process) = procfs::process::Process::new(pid) else { return Vec::new() };
            let entries = process.tcp().into_iter().chain(process.tcp6()).flatten();
            entries.map(|entry| (entry.inode, entry.remote_address)).collect()
        });
        table.iter().find(|(known, _)| *known == inode).map(|(_, peer)| *peer)
    }
}

/// `address:port`. The zone of a link-local address is left out, as it is in the kernel's tables.
fn written(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.to_string(),
        SocketAddr::V6(address) => format!("[{}]:{}", address.ip(), address.port()),
    }
}

fn inet(address: SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddr::V4((*v4).into()));
    }
    address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into()))
}

fn unix(address: &UnixAddr) -> String {
    if let Some(name) = address.as_abstract() {
        // As /proc/net/unix writes it: `@` for each NUL, the first among them.
        return format!("@{}", String::from_utf8_lossy(name).replace('\0', "@"));
    }
    address.path().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}

/// An option that is an `int`; `None` when the descriptor is closed or no socket.
fn option(fd: RawFd, level: i32, name: i32) -> Option<i32> {
    let mut value = [0; size_of::<i32>()];
    get_option(fd, level, name, &mut value).then(|| i32::from_ne_bytes(value))
}

/// The first byte of `tcp_info`; the kernel fills in as much of it as there is room for.
fn tcp_info_state(fd: RawFd) -> Option<u8> {
    let mut value = [0; 1];
    get_option(fd, libc::IPPROTO_TCP, libc::TCP_INFO, &mut value).then_some(value[0])
}

fn get_option<const N: usize>(fd: RawFd, level: i32, name: i32, value: &mut [u8; N]) -> bool {
    let Ok(mut length) = libc::socklen_t::try_from(N) else { return false };
    // SAFETY: the pointers are to `length` writable bytes and to their number; the kernel writes no more. Nothing is
    // assumed of the descriptor: a closed one or another kind is EBADF or ENOTSOCK.
    let result = unsafe { libc::getsockopt(fd, level, name, value.as_mut_ptr().cast(), &raw mut length) };
    result == 0
}

#[cfg(test)]
mod tests;
