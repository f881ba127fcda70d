//! The kernel's watch over a connection whose peer is not pinged (tcp(7)).

use std::net::TcpStream;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

use crate::transport::keepalive::KeepalivePolicy;

/// Has the kernel find out when a peer is gone without a word: after as much silence as a ping would be sent after, and as much
/// time as it would have for its answer.
pub(super) fn begin(tcp: &TcpStream, policy: KeepalivePolicy) -> nix::Result<()> {
    let Some(interval) = policy.interval else { return Ok(()) };
    let seconds = |time: Duration| u32::try_from(time.as_secs().max(1)).unwrap_or(u32::MAX);
    setsockopt(tcp, sockopt::KeepAlive, &true)?;
    setsockopt(tcp, sockopt::TcpKeepIdle, &seconds(interval))?;
    setsockopt(tcp, sockopt::TcpKeepInterval, &seconds(policy.patience / 3))?;
    setsockopt(tcp, sockopt::TcpKeepCount, &3)?;
    let all = u32::try_from((interval + policy.patience).as_millis()).unwrap_or(u32::MAX);
    setsockopt(tcp, sockopt::TcpUserTimeout, &all)
}
