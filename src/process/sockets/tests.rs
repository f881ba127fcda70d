//! Real sockets on loopback.

use super::*;

use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr as UnixName, UnixDatagram, UnixListener, UnixStream};

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, getsockname};
use nix::unistd::Pid;

fn one(socket: &impl AsFd) -> Option<Socket> {
    let inode = File::from(socket.as_fd().try_clone_to_owned().unwrap()).metadata().unwrap().ino();
    let open = OpenSocket { fd: socket.as_fd().as_raw_fd(), inode };
    described(&[open]).pop()
}

fn described(open: &[OpenSocket]) -> Vec<Socket> {
    let pid = Pid::this().as_raw();
    describe(pid, &Life::Own, &Kept::open(pid, "fd").unwrap(), open)
}

fn shown(kind: &'static str, local: impl ToString, remote: impl ToString, status: &'static str) -> Option<Socket> {
    Some(Socket { kind: Some(kind), local: local.to_string(), remote: remote.to_string(), status })
}

fn unbound(family: AddressFamily, kind: SockType) -> OwnedFd {
    socket::socket(family, kind, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None).unwrap()
}

#[test]
fn tcp_from_listening_to_closing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap();
    assert_eq!(one(&listener), shown("tcp4", here, "", "LISTEN"));

    let client = TcpStream::connect(here).unwrap();
    let there = client.local_addr().unwrap();
    let (mut server, _) = listener.accept().unwrap();
    assert_eq!(one(&client), shown("tcp4", there, here, "ESTABLISHED"));
    assert_eq!(one(&server), shown("tcp4", here, there, "ESTABLISHED"));

    drop(client);
    // The end of the stream: the other side's FIN is here.
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    assert_eq!(one(&server), shown("tcp4", here, there, "CLOSE_WAIT"));
}

#[test]
fn tcp_that_is_connecting_tells_its_peer() {
    let listener = unbound(AddressFamily::Inet, SockType::Stream);
    socket::bind(listener.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    socket::listen(&listener, Backlog::new(0).unwrap()).unwrap();
    let here: SockaddrIn = getsockname(listener.as_raw_fd()).unwrap();

    // Nobody accepts: once the queue is full, the next handshake is left unanswered.
    let mut clients = Vec::new();
    let waiting = loop {
        assert!(clients.len() < 64, "a queue of 0 took 64 connections");
        let client = unbound(AddressFamily::Inet, SockType::Stream);
        assert_eq!(socket::connect(client.as_raw_fd(), &here), Err(Errno::EINPROGRESS));
        let seen = one(&client).unwrap();
        clients.push(client);
        if seen.status != "ESTABLISHED" {
            break seen;
        }
    };
    assert_eq!((waiting.status, waiting.remote), ("SYN_SENT", here.to_string()));
}

#[test]
fn udp_bound_and_connected() {
    let bound = UdpSocket::bind("127.0.0.1:0").unwrap();
    let here = bound.local_addr().unwrap();
    assert_eq!(one(&bound), shown("udp4", here, "", "NONE"));
    let connected = UdpSocket::bind("127.0.0.1:0").unwrap();
    connected.connect(here).unwrap();
    assert_eq!(one(&connected), shown("udp4", connected.local_addr().unwrap(), here, "NONE"));
}

#[test]
fn ipv6_is_in_brackets_also_when_it_stands_for_ipv4() {
    // A host without IPv6 refuses to bind; there is nothing to see then.
    let Ok(listener) = TcpListener::bind("[::]:0") else { return };
    let port = listener.local_addr().unwrap().port();
    assert_eq!(one(&listener), shown("tcp6", format!("[::]:{port}"), "", "LISTEN"));
    let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let (server, _) = listener.accept().unwrap();
    let remote = format!("[::ffff:127.0.0.1]:{}", client.local_addr().unwrap().port());
    assert_eq!(one(&server), shown("tcp6", format!("[::ffff:127.0.0.1]:{port}"), remote, "ESTABLISHED"));
    let udp = UdpSocket::bind("[::1]:0").unwrap();
    let port = udp.local_addr().unwrap().port();
    assert_eq!(one(&udp), shown("udp6", format!("[::1]:{port}"), "", "NONE"));
}

#[test]
fn unix_with_a_path_an_abstract_name_and_none() {
    let path = std::env::temp_dir().join(format!("wampproc-sockets-{}", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let seen = one(&listener);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(seen, shown("unix", path.display(), "", "NONE"));

    let name = format!("wampproc\0sockets-{}", std::process::id());
    let bound = UnixDatagram::bind_addr(&UnixName::from_abstract_name(&name).unwrap()).unwrap();
    assert_eq!(one(&bound), shown("unix", format!("@{}", name.replace('\0', "@")), "", "NONE"));

    let (left, _right) = UnixStream::pair().unwrap();
    assert_eq!(one(&left), shown("unix", "", "", "NONE"));
}

#[test]
fn both_kinds_of_lists_agree() {
    let listeners = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("0.0.0.0:0").unwrap()];
    let client = TcpStream::connect(listeners[0].local_addr().unwrap()).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (left, _right) = UnixStream::pair().unwrap();
    let all = [OwnedFd::from(client), udp.into(), left.into()].into_iter().chain(listeners.map(OwnedFd::from));
    let files: Vec<File> = all.map(File::from).collect();
    let wanted: BTreeSet<u64> = files.iter().map(|file| file.metadata().unwrap().ino()).collect();
    if diag::list(&kind::LISTS[0], &wanted).is_none() {
        return eprintln!("skipped: no sock_diag(7) here");
    }
    let mut seen = 0;
    for list in &kind::LISTS {
        let Some(listed) = diag::list(list, &wanted) else { continue };
        assert_eq!(listed, table::list(Pid::this().as_raw(), list, &wanted), "{list:?}");
        seen += listed.len();
    }
    assert_eq!(seen, wanted.len());
}

#[test]
fn unbound_is_not_shown_and_other_kinds_have_no_type() {
    assert_eq!(one(&unbound(AddressFamily::Inet, SockType::Stream)), None);
    assert_eq!(one(&unbound(AddressFamily::Inet, SockType::Datagram)), None);
    let netlink = unbound(AddressFamily::Netlink, SockType::Raw);
    assert_eq!(one(&netlink), Some(Socket { kind: None, local: String::new(), remote: String::new(), status: "NONE" }));
}

#[test]
fn what_is_closed_or_no_socket_is_passed_over() {
    let file = File::open("/dev/null").unwrap();
    assert_eq!(one(&file), None);
    // No process has that many descriptors.
    assert_eq!(described(&[OpenSocket { fd: i32::MAX, inode: 1 }]), []);
}

#[test]
fn keys_and_their_order() {
    let socket = shown("tcp4", "127.0.0.1:1", "", "LISTEN").unwrap();
    let text = serde_json::to_string(&socket).unwrap();
    assert_eq!(text, r#"{"type":"tcp4","local":"127.0.0.1:1","remote":"","status":"LISTEN"}"#);
}
