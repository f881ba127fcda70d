//! Files and sockets of a child, which has those of ours that it was given: what it shows is what ours say themselves.

use super::*;

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixName, UnixDatagram, UnixListener, UnixStream};

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{self as nixsocket, AddressFamily, Backlog, SockFlag, SockProtocol, SockType, SockaddrIn};

use super::super::super::descriptors::OpenSocket;
use super::super::super::{Socket, sockets};

/// A process that sleeps and has these descriptors of ours, by the same numbers.
fn holding(open: &[OwnedFd]) -> Running {
    let numbers: Vec<i32> = open.iter().map(AsRawFd::as_raw_fd).collect();
    let mut command = Command::new("sleep");
    command.arg("600");
    // SAFETY: between fork and exec it only makes system calls.
    unsafe {
        command.pre_exec(move || {
            numbers
                .iter()
                .try_for_each(|fd| Errno::result(libc::fcntl(*fd, libc::F_SETFD, 0)).map(|_| ()).map_err(Into::into))
        });
    }
    let child = Running::new(&mut command);
    wait_for_name(&child, "sleep\n");
    child
}

fn unbound(family: AddressFamily, kind: SockType) -> OwnedFd {
    nixsocket::socket(family, kind, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None).unwrap()
}

/// A connection that nobody takes: the listener's queue is full. The others are what fills it.
fn connecting() -> Vec<OwnedFd> {
    let listener = unbound(AddressFamily::Inet, SockType::Stream);
    nixsocket::bind(listener.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    nixsocket::listen(&listener, Backlog::new(0).unwrap()).unwrap();
    let here: SockaddrIn = nixsocket::getsockname(listener.as_raw_fd()).unwrap();
    let mut all = vec![listener];
    for _ in 0..4 {
        let client = unbound(AddressFamily::Inet, SockType::Stream);
        assert_eq!(nixsocket::connect(client.as_raw_fd(), &here), Err(Errno::EINPROGRESS));
        all.push(client);
    }
    all
}

/// Unix sockets with a path, an abstract name and none; UDP; one of a kind that has no type; one bound to nothing.
fn without_peers(directory: &Directory) -> Vec<OwnedFd> {
    let name = UnixName::from_abstract_name(format!("wampproc others {}", directory.0.display())).unwrap();
    let (left, right) = UnixStream::pair().unwrap();
    vec![
        UnixListener::bind(directory.0.join("a socket")).unwrap().into(),
        UnixDatagram::bind_addr(&name).unwrap().into(),
        left.into(),
        right.into(),
        UdpSocket::bind("0.0.0.0:0").unwrap().into(),
        TcpListener::bind("0.0.0.0:0").unwrap().into(),
        unbound(AddressFamily::Netlink, SockType::Raw),
        unbound(AddressFamily::Inet, SockType::Stream),
        unbound(AddressFamily::Inet6, SockType::Datagram),
    ]
}

fn connected() -> Vec<OwnedFd> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.connect(listener.local_addr().unwrap()).unwrap();
    let mut all = vec![listener.into(), client.into(), server.into(), udp.into()];
    if let Ok(listener) = TcpListener::bind("[::1]:0") {
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        all.extend([client.into(), UdpSocket::bind("[::1]:0").unwrap().into(), listener.into()]);
    }
    all
}

/// Multipath TCP, which no file of `/proc` lists; `None` where the kernel has none, or an emulator knows no sock_diag(7).
fn multipath() -> Option<OwnedFd> {
    nixsocket::socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkSockDiag)
        .ok()?;
    // SAFETY: no memory is passed.
    let made = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, libc::IPPROTO_MPTCP) };
    // SAFETY: it was made just now, and nobody else has it.
    let made = unsafe { OwnedFd::from_raw_fd(Errno::result(made).ok()?) };
    nixsocket::bind(made.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    nixsocket::listen(&made, Backlog::new(1).unwrap()).unwrap();
    Some(made)
}

/// What the sockets say themselves, in the order of their numbers.
fn ours(open: &[OwnedFd]) -> Vec<Socket> {
    let all = Target::own().unwrap();
    let directory = all.descriptors.as_ref().unwrap();
    let mut found = descriptors::list(directory).unwrap().sockets;
    found.retain(|socket| open.iter().any(|fd| fd.as_raw_fd() == socket.fd));
    sockets::describe(all.identity.pid(), &Life::Own, directory, &found)
}

fn shown(mut target: Target) -> Vec<Socket> {
    target.info().unwrap().sockets.unwrap()
}

fn without_pidfd(pid: i32) -> Target {
    Target::without_pidfd(pid, Errno::ENOSYS).and_then(|life| Target::attach(pid, life)).unwrap()
}

#[test]
fn sockets_of_every_kind_whichever_way_they_are_found() {
    let directory = Directory::new("sockets");
    let open = [without_peers(&directory), connected(), connecting(), multipath().into_iter().collect()];
    let open: Vec<OwnedFd> = open.into_iter().flatten().collect();
    let child = holding(&open);
    let expected = ours(&open);
    let has = |kind, status| expected.iter().any(|socket| socket.kind == kind && socket.status == status);
    assert!(has(Some("tcp4"), "ESTABLISHED") && has(Some("tcp4"), "SYN_SENT") && has(Some("unix"), "NONE"));
    assert!(expected.iter().all(|socket| socket.status != "SYN_SENT" || socket.remote.starts_with("127.0.0.1:")));
    assert!(has(None, "NONE") && has(Some("udp4"), "NONE"), "{expected:#?}");
    assert_eq!(shown(Target::open(child.pid()).unwrap()), expected, "by pidfd_getfd");
    assert_eq!(shown(without_pidfd(child.pid())), expected, "by sock_diag");
}

#[test]
fn sockets_in_another_network_namespace() {
    let made = std::thread::spawn(|| {
        if unshare(CloneFlags::CLONE_NEWNET).is_err() {
            eprintln!("skipped: needs root");
            return None;
        }
        let directory = Directory::new("network");
        let open = without_peers(&directory);
        let child = holding(&open);
        Some((child, ours(&open), open))
    });
    let Some((child, expected, _open)) = made.join().unwrap() else { return };
    assert!(expected.iter().any(|socket| socket.status == "LISTEN"));
    assert_eq!(shown(Target::open(child.pid()).unwrap()), expected, "by pidfd_getfd");
    assert_eq!(shown(without_pidfd(child.pid())), expected, "by /proc/PID/net");
}

#[test]
fn sockets_that_may_not_be_borrowed_are_looked_up() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: needs root");
    }
    let directory = Directory::new("lookup");
    let open = without_peers(&directory);
    let child = holding(&open);
    let target = Target::open(child.pid()).unwrap();
    let kept = target.descriptors.as_ref().unwrap();
    let mut found = descriptors::list(kept).unwrap().sockets;
    // It is closed meanwhile.
    found.push(OpenSocket { fd: i32::MAX, inode: u64::MAX });
    let (pid, life) = (child.pid(), &target.life);
    assert_eq!(sockets::describe(pid, life, kept, &found), ours(&open));
    let seen = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            become_nobody();
            assert_eq!(life.pidfd().unwrap().get(0).unwrap_err(), Errno::EPERM);
            sockets::describe(pid, life, kept, &found)
        });
        thread.join().unwrap()
    });
    // What a socket is that is in no list cannot be known then.
    let mut expected = ours(&open);
    expected.retain(|socket| socket.kind.is_some());
    assert_eq!(seen, expected);
}

#[test]
fn a_thousand_files_and_a_thousand_sockets() {
    let directory = Directory::new("thousand");
    let path = directory.0.join("file");
    let mut open: Vec<OwnedFd> = (0..1000).map(|_| File::create(&path).unwrap().into()).collect();
    for _ in 0..125 {
        let (left, right) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let udp = [UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("0.0.0.0:0").unwrap()];
        open.extend([left.into(), right.into(), listener.into(), client.into(), server.into()]);
        open.extend(udp.map(OwnedFd::from));
        open.push(unbound(AddressFamily::Netlink, SockType::Raw));
    }
    let child = holding(&open);
    let info = Target::open(child.pid()).unwrap().info().unwrap();
    let inherited = info.descriptors.unwrap() - 2000;
    assert!((3..1000).contains(&inherited), "{inherited}");
    assert_eq!(info.files.unwrap().iter().filter(|file| file.as_str() == path.to_str().unwrap()).count(), 1000);
    let expected = ours(&open);
    assert_eq!(expected.len(), 1000);
    assert_eq!(info.sockets.unwrap(), expected);
    assert_eq!(shown(without_pidfd(child.pid())), expected);
}

#[test]
fn a_zombie_has_none_and_what_is_gone_is_gone() {
    let mut child = Running::new(&mut Command::new("true"));
    let mut target = Target::open(child.pid()).unwrap();
    waitid(Id::Pid(Pid::from_raw(child.pid())), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
    assert_eq!(target.info().unwrap(), ProcessInfo::of_zombie(1));
    child.end();
    assert_eq!(target.info().unwrap_err(), ProcessError::Gone { pid: child.pid() });
}

#[test]
fn a_kernel_thread_has_neither_memory_nor_descriptors() {
    if fs::read_to_string("/proc/2/comm").ok().as_deref() != Some("kthreadd\n") || !nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: no kernel thread is in sight, or we are not root");
    }
    let mut target = Target::open(2).unwrap();
    let sample = target.sample().unwrap();
    assert_eq!((sample.resident, sample.virtual_size, sample.threads), (0, 0, 1));
    assert!(!target.ended());
    let expected = ProcessInfo { descriptors: Some(0), threads: 1, files: Some(Vec::new()), sockets: Some(Vec::new()) };
    assert_eq!(target.info().unwrap(), expected);
    let refused = target.collect_garbage().unwrap_err();
    assert!(matches!(refused, ProcessError::Unsupported { .. }));
}
