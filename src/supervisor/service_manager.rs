//! systemd, or whoever else started this process and wants to be told how it fares (sd_notify(3)).

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use super::spawn::NOTIFY_SOCKET;

/// Who waits for notifications.
#[derive(Debug)]
pub struct ServiceManager {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl ServiceManager {
    /// Who waits for ours, if anybody does: the environment names a socket.
    ///
    /// # Errors
    /// When that is no address of a socket, or the kernel refuses one to send from.
    pub fn find() -> io::Result<Option<Self>> {
        let Some(name) = env::var_os(NOTIFY_SOCKET).filter(|name| !name.is_empty()) else { return Ok(None) };
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(Path::new(&name))?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Some(Self { socket, address }))
    }

    /// Says something: lines of `KEY=VALUE`. Never waits; what cannot be said is logged.
    pub fn say(&self, message: &[u8]) {
        if let Err(error) = self.socket.send_to_addr(message, &self.address) {
            log::warn!("systemd is not notified: {error}");
        }
    }
}
