//! What a server is like: shared by all of its connections.

use super::event::Method;
use super::hostkey::HostKey;

/// What a server is like.
#[derive(Debug)]
pub struct Config {
    /// Who the server is.
    pub host_key: HostKey,
    /// The software's name and version in the identification line: printable ASCII without blanks and `-`.
    pub software: &'static str,
    /// The ways to log in that clients are told of, and held to; at least one.
    pub methods: Vec<Method>,
    /// How many logins may fail on a connection, at least 1.
    pub max_auth_tries: u32,
    /// When the server asks for new keys.
    pub rekey: RekeyLimits,
}

impl Config {
    /// A server with this host key, otherwise as by default: both ways to log in, 6 attempts, new keys as OpenSSH does.
    #[must_use]
    pub fn new(host_key: HostKey) -> Self {
        Self {
            host_key,
            software: concat!("wampproc_", env!("CARGO_PKG_VERSION")),
            methods: vec![Method::PublicKey, Method::Password],
            max_auth_tries: 6,
            rekey: RekeyLimits::default(),
        }
    }
}

/// How much may be sent in one direction under the same keys (RFC 4253, section 9; RFC 4344, section 3). At either limit
/// the server asks for new ones; a client that lets twice as much pass without giving them is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RekeyLimits {
    /// Bytes.
    pub bytes: u64,
    /// Packets, at most 2^31: the sequence number of 32 bits is part of the nonce.
    pub packets: u64,
}

impl Default for RekeyLimits {
    fn default() -> Self {
        Self { bytes: 1 << 30, packets: 1 << 31 }
    }
}
