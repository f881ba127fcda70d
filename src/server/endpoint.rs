//! Where a server listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::transport::unix::Access;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A TCP port; 0: one that is free.
    Tcp(SocketAddr),
    /// A Unix socket. One that a dead process of this user left at its path is replaced.
    Unix {
        /// Its path.
        path: PathBuf,
        /// Who may reach it.
        access: Access,
    },
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { path, .. } => path.display().fmt(f),
        }
    }
}
