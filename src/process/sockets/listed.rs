//! The sockets of a process that cannot be asked, looked up by inode in the lists of all sockets.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;

use super::super::descriptors::OpenSocket;
use super::super::kept::Kept;
use super::kind::{LISTS, List};
use super::{ByInode, Socket, diag, sys, table};

/// What a socket says of itself without being asked.
enum Protocol {
    /// Which list it is in: its place in [`LISTS`].
    Listed(usize),
    /// It is in none of them.
    Other,
    /// It does not say.
    Unknown,
}

/// Describes sockets of process `pid`, each with its number there.
pub(super) fn describe(pid: i32, directory: &Kept, open: &[OpenSocket]) -> Vec<(RawFd, Socket)> {
    if open.is_empty() {
        return Vec::new();
    }
    let open: Vec<(OpenSocket, Protocol)> = open.iter().map(|open| (*open, protocol(directory, open.fd))).collect();
    let mut wanted = BTreeSet::new();
    wanted.extend(open.iter().map(|(open, _)| open.inode));
    let is_needed = |index: usize| {
        open.iter().any(|(_, protocol)| match protocol {
            Protocol::Listed(own) => *own == index,
            Protocol::Other => false,
            Protocol::Unknown => true,
        })
    };
    let is_ours = is_in_our_network(pid);
    let needed = LISTS.iter().enumerate().filter(|(index, _)| is_needed(*index));
    let mut found = ByInode::new();
    for (_, list) in needed {
        found.extend(look_up(pid, list, &wanted, is_ours));
    }
    let described = open.into_iter().filter_map(|(open, protocol)| match (found.get(&open.inode), protocol) {
        (Some(socket), _) => Some((open.fd, socket.clone())),
        (None, Protocol::Other) => Some((open.fd, Socket::other())),
        // Bound to nothing, or closed meanwhile.
        (None, Protocol::Listed(_) | Protocol::Unknown) => None,
    });
    described.collect()
}

fn look_up(pid: i32, list: &List, wanted: &BTreeSet<u64>, is_ours: bool) -> ByInode {
    // Linux can be built without sock_diag(7), or with a part of it.
    let listed = if is_ours { diag::list(list, wanted) } else { None };
    listed.unwrap_or_else(|| table::list(pid, list, wanted))
}

fn protocol(directory: &Kept, fd: RawFd) -> Protocol {
    let path = format!("/proc/self/fd/{}/{fd}", directory.file().as_raw_fd());
    let Some(name) = CString::new(path).ok().and_then(|path| sys::protocol(&path)) else { return Protocol::Unknown };
    let is_named = |list: &List| list.names.iter().any(|known| known.as_bytes() == name);
    LISTS.iter().position(is_named).map_or(Protocol::Other, Protocol::Listed)
}

/// Whether the process is in the network namespace of this thread, which sock_diag(7) is about.
fn is_in_our_network(pid: i32) -> bool {
    let namespace =
        |process: &str| fs::metadata(format!("/proc/{process}/ns/net")).map(|found| (found.dev(), found.ino()));
    match (namespace("thread-self"), namespace(&pid.to_string())) {
        (Ok(ours), Ok(its)) => ours == its,
        _ => false,
    }
}
