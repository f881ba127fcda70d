//! The kinds of sockets that are told apart, the kernel's lists of them, and the names of TCP's states. Pure.

/// What sort of socket, as far as it is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tcp4,
    Tcp6,
    Udp4,
    Udp6,
    Unix,
    Other,
}

impl Kind {
    /// Of what the socket options of these names say.
    pub(super) fn of(domain: i32, socket_type: i32, protocol: i32) -> Self {
        match (domain, socket_type, protocol) {
            (libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP | libc::IPPROTO_MPTCP) => Self::Tcp4,
            (libc::AF_INET6, libc::SOCK_STREAM, libc::IPPROTO_TCP | libc::IPPROTO_MPTCP) => Self::Tcp6,
            (libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_UDP | libc::IPPROTO_UDPLITE) => Self::Udp4,
            (libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDP | libc::IPPROTO_UDPLITE) => Self::Udp6,
            (libc::AF_UNIX, _, _) => Self::Unix,
            _ => Self::Other,
        }
    }

    pub(super) const fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp4 | Self::Tcp6)
    }

    /// What it is called in results.
    pub(super) const fn name(self) -> Option<&'static str> {
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
pub(super) fn tcp_state(number: u8) -> &'static str {
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

/// A connection is being made.
pub(super) const SYN_SENT: u8 = 2;

/// A list of sockets that the kernel keeps in each network namespace.
#[derive(Debug)]
pub(super) struct List {
    /// What the kernel calls the protocol of a socket that is in it (the extended attribute `system.sockprotoname`).
    pub names: &'static [&'static str],
    /// What they are.
    pub kind: Kind,
    /// Address family.
    pub family: i32,
    /// Protocol.
    pub protocol: i32,
    /// Its file in `/proc/PID/net`; `None` when it has none.
    pub file: Option<&'static str>,
}

impl List {
    const fn inet(name: &'static [&'static str], kind: Kind, protocol: i32, file: Option<&'static str>) -> Self {
        let family = if matches!(kind, Kind::Tcp6 | Kind::Udp6) { libc::AF_INET6 } else { libc::AF_INET };
        Self { names: name, kind, family, protocol, file }
    }
}

/// The lists of all kinds that are told apart.
pub(super) static LISTS: [List; 9] = [
    List::inet(&["TCP"], Kind::Tcp4, libc::IPPROTO_TCP, Some("tcp")),
    List::inet(&["TCPv6"], Kind::Tcp6, libc::IPPROTO_TCP, Some("tcp6")),
    List::inet(&["MPTCP"], Kind::Tcp4, libc::IPPROTO_MPTCP, None),
    List::inet(&["MPTCPv6"], Kind::Tcp6, libc::IPPROTO_MPTCP, None),
    List::inet(&["UDP"], Kind::Udp4, libc::IPPROTO_UDP, Some("udp")),
    List::inet(&["UDPv6"], Kind::Udp6, libc::IPPROTO_UDP, Some("udp6")),
    List::inet(&["UDP-Lite"], Kind::Udp4, libc::IPPROTO_UDPLITE, Some("udplite")),
    List::inet(&["UDPLITEv6"], Kind::Udp6, libc::IPPROTO_UDPLITE, Some("udplite6")),
    List { names: &["UNIX", "UNIX-STREAM"], kind: Kind::Unix, family: libc::AF_UNIX, protocol: 0, file: Some("unix") },
];
