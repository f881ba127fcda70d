//! What the sockets of a process are: kind, addresses, TCP state.
//!
//! Each way costs less than the next, and asks for more permissions:
//! 1. Our own are asked directly ([`ask`]).
//! 2. Another's are borrowed by pidfd_getfd(2), and asked the same way ([`borrowed`]). That needs the right to trace the
//!    process, which Yama withholds from all but its ancestors.
//! 3. All sockets of the network namespace are listed by sock_diag(7), where it is ours too ([`diag`]).
//! 4. `/proc/PID/net/*` is read ([`table`]): the process's namespace, where `/proc/net` would be ours.
//!
//! The last two cost ms, in proportion to the host's sockets and not to the process's; they also leave out what is bound but
//! neither listens nor is connected, if it is TCP.

mod ask;
mod borrowed;
mod diag;
mod kind;
mod listed;
mod sys;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::os::fd::RawFd;

use serde::Serialize;

use self::ask::Asked;
use self::kind::{Kind, SYN_SENT, tcp_state};
use super::descriptors::OpenSocket;
use super::kept::Kept;
use super::life::Life;

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

/// Sockets by their inode.
type ByInode = BTreeMap<u64, Socket>;

impl Socket {
    /// A TCP or UDP socket; `None` when it is bound to nothing yet. `state` counts for TCP only.
    fn inet(kind: Kind, local: SocketAddr, remote: Option<SocketAddr>, state: u8) -> Option<Self> {
        let remote = remote.filter(|remote| remote.port() != 0);
        (local.port() != 0).then(|| Self {
            kind: kind.name(),
            local: written(local),
            remote: remote.map(written).unwrap_or_default(),
            status: if kind.is_tcp() { tcp_state(state) } else { "NONE" },
        })
    }

    /// A Unix socket with this name: empty, a path, or one that begins with NUL, which is abstract.
    fn unix(name: &[u8]) -> Self {
        let local = match name.split_first() {
            // As /proc/net/unix writes it: `@` for each NUL, the first among them.
            Some((0, name)) => format!("@{}", String::from_utf8_lossy(name).replace('\0', "@")),
            _ => String::from_utf8_lossy(name.strip_suffix(&[0]).unwrap_or(name)).into_owned(),
        };
        Self { kind: Kind::Unix.name(), local, remote: String::new(), status: "NONE" }
    }

    fn other() -> Self {
        Self { kind: Kind::Other.name(), local: String::new(), remote: String::new(), status: "NONE" }
    }
}

/// `address:port`. The zone of a link-local address is left out, as it is in the kernel's tables.
fn written(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.to_string(),
        SocketAddr::V6(address) => format!("[{}]:{}", address.ip(), address.port()),
    }
}

/// Describes those descriptors of process `pid`, whose `life` is, that are sockets; `directory` is that of all its
/// descriptors. A socket that is closed meanwhile is passed over; if its number was given to a new one meanwhile, that is
/// described.
pub(super) fn describe(pid: i32, life: &Life, directory: &Kept, open: &[OpenSocket]) -> Vec<Socket> {
    let (mut asked, rest) = match life {
        Life::Own => (open.iter().filter_map(|socket| ask::ask(socket.fd, *socket)).collect(), &[][..]),
        Life::Watched { pidfd, .. } => borrowed::ask_all(pidfd, open),
        Life::Read { .. } => (Vec::new(), open),
    };
    name_peers(pid, &mut asked);
    let mut described: Vec<(RawFd, Socket)> = asked.into_iter().map(|asked| (asked.open.fd, asked.socket)).collect();
    // Their numbers are higher.
    described.extend(listed::describe(pid, directory, rest));
    described.into_iter().map(|(_, socket)| socket).collect()
}

/// A connection that is being made does not tell its peer when it is asked; the lists do.
fn name_peers(pid: i32, asked: &mut [Asked]) {
    let is_connecting = |asked: &Asked| asked.socket.status == tcp_state(SYN_SENT);
    let mut wanted = BTreeSet::new();
    wanted.extend(asked.iter().filter(|asked| is_connecting(asked)).map(|asked| asked.open.inode));
    if wanted.is_empty() {
        return;
    }
    // By inode, which no two namespaces share: what is not in ours is in the process's.
    let mut found = diag::connecting(&wanted);
    if found.len() < wanted.len() {
        found.extend(table::tcp(pid, &wanted));
    }
    for asked in asked.iter_mut().filter(|asked| is_connecting(asked)) {
        if let Some(listed) = found.get(&asked.open.inode) {
            asked.socket.remote.clone_from(&listed.remote);
        }
    }
}
