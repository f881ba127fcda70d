//! The lists of sockets as texts: `/proc/PID/net/{tcp,tcp6,udp,udp6,unix,…}` (proc_pid_net(5), proc_tcp(5)).
//!
//! Read by hand, a line at a time: the `procfs` crate holds all sockets of the host at once, refuses them all for one name that
//! is not UTF-8 or one state that it does not know, and cuts names at their first blank.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};

use super::kind::{Kind, LISTS, List};
use super::{ByInode, Socket};

/// The sockets of a list that have one of these inodes, in the network namespace of process `pid`; none where the kernel
/// shows no such list.
pub(super) fn list(pid: i32, list: &List, wanted: &BTreeSet<u64>) -> ByInode {
    let Some(file) = list.file.and_then(|file| File::open(format!("/proc/{pid}/net/{file}")).ok()) else {
        return ByInode::new();
    };
    rows(BufReader::new(file), list.kind, wanted)
}

/// Those of the TCP lists.
pub(super) fn tcp(pid: i32, wanted: &BTreeSet<u64>) -> ByInode {
    let mut found = ByInode::new();
    for of in LISTS.iter().filter(|of| of.kind.is_tcp()) {
        found.extend(list(pid, of, wanted));
    }
    found
}

fn rows(text: impl BufRead, kind: Kind, wanted: &BTreeSet<u64>) -> ByInode {
    // The first line is a heading. A name of a Unix socket need not be UTF-8.
    let lines = text.split(b'\n').skip(1).map_while(Result::ok);
    let rows = lines.filter_map(|line| if kind == Kind::Unix { unix(&line) } else { inet(kind, &line) });
    let mut found = ByInode::new();
    found.extend(rows.filter(|(inode, _)| wanted.contains(inode)));
    found
}

/// `  0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 21871 1 …`
fn inet(kind: Kind, line: &[u8]) -> Option<(u64, Socket)> {
    let line = std::str::from_utf8(line).ok()?;
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (address(fields.next()?)?, address(fields.next()?)?);
    let state = u8::from_str_radix(fields.next()?, 16).ok()?;
    let inode = fields.nth(9 - 4)?.parse().ok()?;
    Some((inode, Socket::inet(kind, local, Some(remote), state)?))
}

/// `0100007F:0CEA`: the address in words of the machine's byte order, the port as a number.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = [0; 16];
    for (index, place) in bytes.chunks_exact_mut(4).enumerate().take(address.len() / 8) {
        let word = address.get(index * 8..index * 8 + 8)?;
        place.copy_from_slice(&u32::from_str_radix(word, 16).ok()?.to_ne_bytes());
    }
    let address = match (address.len(), bytes.first_chunk::<4>()) {
        (8, Some(first)) => IpAddr::from(*first),
        (32, _) => IpAddr::from(bytes),
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

/// `0000000000000000: 00000002 00000000 00010000 0001 01 21872 /run/a name`: no name and no blank before it when it has none.
fn unix(line: &[u8]) -> Option<(u64, Socket)> {
    let mut rest = line;
    let mut field = || {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
        let (field, behind) = rest.split_at_checked(end)?;
        rest = behind;
        Some(field)
    };
    let inode = (0..7).map_while(|_| field()).nth(6)?;
    let inode = std::str::from_utf8(inode).ok()?.parse().ok()?;
    Some((inode, Socket::unix(rest.strip_prefix(b" ").unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: Kind, text: &str) -> Vec<(u64, String)> {
        let wanted = (0..100_000).collect();
        let rows = rows(text.as_bytes(), kind, &wanted);
        rows.into_iter()
            .map(|(inode, socket)| (inode, format!("{} {} {}", socket.local, socket.remote, socket.status)))
            .collect()
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn tcp_in_each_state() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            \x20  0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 21871 1 x 100\n\
            \x20  1: 0100007F:0016 0200007F:C001 0C 00000000:00000000 01:00000014 00000000     0        0 5 2 x 20 4\n\
            \x20  2: 00000000:0000 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 6 1 x\n\
            \x20  3: 0100007F:0001 nonsense 07\n";
        let expected = [(5, "127.0.0.1:22 127.0.0.2:49153 SYN_RECV"), (21871, "127.0.0.1:3306  LISTEN")];
        assert_eq!(found(Kind::Tcp4, text), expected.map(|(inode, shown)| (inode, shown.to_owned())));
        let text = "heading\n 0: 00000000000000000000000001000000:1F90 0000000000000000FFFF00000100007F:0016 01 0:0 0:0 0 0 0 7 1";
        assert_eq!(found(Kind::Tcp6, text), [(7, "[::1]:8080 [::ffff:127.0.0.1]:22 ESTABLISHED".to_owned())]);
    }

    #[test]
    fn unix_names_may_hold_anything() {
        let text = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 21872 /run/a  name \n\
            0000000000000000: 00000002 00000000 00000000 0002 01     3\n\
            0000000000000000: 00000002 00000000 00000000 0002 01     4 @abs@tract\n\
            0000000000000000: 00000002\n\n";
        let expected = [(3, "  NONE"), (4, "@abs@tract  NONE"), (21872, "/run/a  name   NONE")];
        assert_eq!(found(Kind::Unix, text), expected.map(|(inode, shown)| (inode, shown.to_owned())));
    }
}
