//! The lists of sockets as messages: sock_diag(7), which shows the network namespace of the thread that asks.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

use super::kind::{Kind, LISTS, List, SYN_SENT};
use super::{ByInode, Socket};

/// Room for one answer; the kernel sends 32 KiB at most.
const ANSWER: usize = 32 * 1024;
const EVERY_STATE: u32 = u32::MAX;

/// The sockets of a list that have one of these inodes; `None` where the kernel does not list them this way.
pub(super) fn list(list: &List, wanted: &BTreeSet<u64>) -> Option<ByInode> {
    dump(list, EVERY_STATE, wanted)
        .inspect_err(|errno| log::debug!("sock_diag does not list {:?} sockets: {}", list.kind, errno.desc()))
        .ok()
}

/// Those TCP sockets of ours with one of these inodes that are being connected.
pub(super) fn connecting(wanted: &BTreeSet<u64>) -> ByInode {
    let mut found = ByInode::new();
    for list in LISTS.iter().filter(|list| list.kind.is_tcp()) {
        found.extend(dump(list, 1 << SYN_SENT, wanted).into_iter().flatten());
    }
    found
}

fn dump(list: &List, states: u32, wanted: &BTreeSet<u64>) -> Result<ByInode, Errno> {
    let netlink = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkSockDiag)?;
    send(netlink.as_raw_fd(), &request(list, states), MsgFlags::empty())?;
    let mut found = ByInode::new();
    let mut buffer = vec![0; ANSWER];
    loop {
        let answer = receive(&netlink, &mut buffer)?;
        for message in messages(answer) {
            match message {
                Message::Done => return Ok(found),
                Message::Refused(errno) => return Err(errno),
                Message::Socket(body) => {
                    let listed = if list.kind == Kind::Unix { unix(body) } else { inet(list.kind, body) };
                    found.extend(listed.filter(|(inode, _)| wanted.contains(inode)));
                }
            }
        }
    }
}

/// The next part of the answer. It is made when it is asked for; so one that is not there never comes.
fn receive<'a>(netlink: &OwnedFd, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    match recv(netlink.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT)? {
        0 => Err(Errno::EPROTO),
        length => buffer.get(..length).ok_or(Errno::EPROTO),
    }
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2` or `struct unix_diag_req`.
fn request(list: &List, states: u32) -> Vec<u8> {
    let family = u8::try_from(list.family).unwrap_or_default();
    let mut body = vec![family];
    if list.kind == Kind::Unix {
        body.extend([0; 3]);
        body.extend(states.to_ne_bytes());
        body.extend(0_u32.to_ne_bytes()); // The inode is for a question about one.
        body.extend(UDIAG_SHOW_NAME.to_ne_bytes());
        body.extend([0xFF; 8]);
    } else {
        // MPTCP's number does not fit: it comes as an attribute, which holds when this is 255 (IPPROTO_RAW).
        let small = u8::try_from(list.protocol);
        body.extend([small.unwrap_or(u8::MAX), 0, 0]);
        body.extend(states.to_ne_bytes());
        body.extend([0; 48]);
        if small.is_err() {
            body.extend(8_u16.to_ne_bytes());
            body.extend(INET_DIAG_REQ_PROTOCOL.to_ne_bytes());
            body.extend(list.protocol.to_ne_bytes());
        }
    }
    let length = u32::try_from(HEADER + body.len()).unwrap_or_default();
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_DUMP).unwrap_or_default();
    let mut request = Vec::with_capacity(HEADER + body.len());
    request.extend(length.to_ne_bytes());
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend(flags.to_ne_bytes());
    request.extend([0; 8]); // Sequence and port: there is one question on this socket.
    request.extend(body);
    request
}

/// Of Linux's include/uapi/linux/{sock_diag,unix_diag,inet_diag}.h.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const UDIAG_SHOW_NAME: u32 = 1;
const UNIX_DIAG_NAME: u16 = 0;
const INET_DIAG_REQ_PROTOCOL: u16 = 2;
/// Bytes of `struct nlmsghdr`.
const HEADER: usize = 16;

#[derive(Debug, PartialEq, Eq)]
enum Message<'a> {
    Socket(&'a [u8]),
    Done,
    Refused(Errno),
}

/// The messages of an answer; what is cut off is the last.
fn messages(mut answer: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(answer, 0)?).ok()?;
        let kind = u16_at(answer, 4)?;
        let body = answer.get(HEADER..length)?;
        answer = answer.get(aligned(length)..).unwrap_or_default();
        Some(match (i32::from(kind), errno(body)) {
            (libc::NLMSG_ERROR, errno) => Message::Refused(errno.unwrap_or(Errno::EPROTO)),
            (libc::NLMSG_DONE, None) => Message::Done,
            (libc::NLMSG_DONE, Some(errno)) => Message::Refused(errno),
            _ => Message::Socket(body),
        })
    })
}

/// The negative error number that the last message begins with.
fn errno(body: &[u8]) -> Option<Errno> {
    let number = i32::from_ne_bytes(*body.first_chunk()?);
    (number < 0).then(|| Errno::from_raw(number.saturating_neg()))
}

/// `struct inet_diag_msg`: family, state, 2 bytes, the two ports, the two addresses in 16 bytes each, … and last the inode.
fn inet(kind: Kind, body: &[u8]) -> Option<(u64, Socket)> {
    let address = |place: usize, port: usize| {
        let bytes = body.get(place..)?.first_chunk::<16>()?;
        let address = match kind {
            Kind::Tcp6 | Kind::Udp6 => IpAddr::from(*bytes),
            _ => IpAddr::from(*bytes.first_chunk::<4>()?),
        };
        let port = u16::from_be_bytes(*body.get(port..)?.first_chunk()?);
        Some(SocketAddr::new(address, port))
    };
    let (local, remote) = (address(8, 4)?, address(24, 6)?);
    let inode = u64::from(u32_at(body, 68)?);
    Some((inode, Socket::inet(kind, local, Some(remote), *body.get(1)?)?))
}

/// `struct unix_diag_msg`: 4 bytes, the inode, the cookie in 8; then attributes: length, type, and in one the name.
fn unix(body: &[u8]) -> Option<(u64, Socket)> {
    let inode = u64::from(u32_at(body, 4)?);
    let mut attributes = body.get(16..)?;
    let mut name: &[u8] = &[];
    while let (Some(length), Some(kind)) = (u16_at(attributes, 0), u16_at(attributes, 2)) {
        let length = usize::from(length);
        let Some(value) = attributes.get(4..length) else { break };
        if kind == UNIX_DIAG_NAME {
            name = value;
        }
        attributes = attributes.get(aligned(length)..).unwrap_or_default();
    }
    Some((inode, Socket::unix(name)))
}

/// Netlink's messages and attributes begin at multiples of 4.
const fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

fn u16_at(bytes: &[u8], place: usize) -> Option<u16> {
    bytes.get(place..)?.first_chunk().map(|chunk| u16::from_ne_bytes(*chunk))
}

fn u32_at(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..)?.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: i32, body: &[u8]) -> Vec<u8> {
        let mut message = u32::try_from(HEADER + body.len()).unwrap().to_ne_bytes().to_vec();
        message.extend(u16::try_from(kind).unwrap().to_ne_bytes());
        message.extend([0; 10]);
        message.extend(body);
        message.resize(aligned(message.len()), 0);
        message
    }

    #[test]
    fn an_answer_is_read_up_to_its_end() {
        let enoent = (-libc::ENOENT).to_ne_bytes();
        let done = message(libc::NLMSG_DONE, &[0; 4]);
        let text = [message(20, b"abcde"), message(20, b""), done, message(libc::NLMSG_ERROR, &enoent)].concat();
        let expected =
            [Message::Socket(b"abcde"), Message::Socket(b""), Message::Done, Message::Refused(Errno::ENOENT)];
        assert_eq!(messages(&text).collect::<Vec<_>>(), expected);
        for length in 0..text.len() {
            assert!(messages(&text[..length]).count() <= expected.len());
        }
        assert_eq!(messages(&[0; 64]).next(), None, "a length shorter than its header");
    }

    #[test]
    fn what_is_cut_off_is_no_socket_and_no_panic() {
        let mut body = vec![0; 72];
        body[1] = 10;
        body[4..6].copy_from_slice(&80_u16.to_be_bytes());
        body[8..12].copy_from_slice(&[127, 0, 0, 1]);
        body[68..72].copy_from_slice(&42_u32.to_ne_bytes());
        let (inode, socket) = inet(Kind::Tcp4, &body).unwrap();
        assert_eq!(
            (inode, socket.local.as_str(), socket.remote.as_str(), socket.status),
            (42, "127.0.0.1:80", "", "LISTEN")
        );
        for length in 0..body.len() {
            assert_eq!(inet(Kind::Tcp4, &body[..length]), None);
            let _ = unix(&body[..length]);
        }
        let mut named = vec![0; 16];
        named.extend(7_u16.to_ne_bytes());
        named.extend([0; 2]);
        named.extend(b"\0ab");
        assert_eq!(unix(&named).unwrap().1.local, "@ab");
    }
}
