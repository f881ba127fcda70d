//! systemd's notifications (sd_notify(3)), both ways: a child tells us what it would tell systemd, and we tell systemd what
//! concerns it, in our name, for it is us that it watches.
//!
//! Heard are processes of our own user or root, and what descends from us whoever it is by now. Descriptors that come along
//! (`FDSTORE`, `BARRIER`) are closed, which is what a barrier waits for.

use std::ffi::{OsStr, OsString};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;

use nix::errno::Errno;
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixAddr, bind, recvmsg, setsockopt};
use nix::unistd::geteuid;

use super::service_manager::ServiceManager;
use crate::process::is_descendant;

/// The longest message that is heard, in bytes; systemd's own limit.
const LONGEST: usize = 4096;

/// Messages that are passed on in a turn.
const TURN: usize = 32;

/// What systemd is told of what a child says. Not `FDSTORE` and its like, for we pass no descriptors on, and not
/// `NOTIFYACCESS`, for it is us who may speak.
const PASSED_ON: [&[u8]; 11] = [
    b"READY",
    b"RELOADING",
    b"MONOTONIC_USEC",
    b"STOPPING",
    b"STATUS",
    b"ERRNO",
    b"BUSERROR",
    b"EXIT_STATUS",
    b"WATCHDOG",
    b"WATCHDOG_USEC",
    b"EXTEND_TIMEOUT_USEC",
];

/// The two ends.
#[derive(Debug)]
pub(super) struct Notifications {
    child: UnixDatagram,
    /// The child's `NOTIFY_SOCKET`.
    address: OsString,
    systemd: ServiceManager,
}

impl Notifications {
    /// `None` when nobody waits for ours.
    pub fn open() -> io::Result<Option<Self>> {
        let Some(systemd) = ServiceManager::find()? else { return Ok(None) };
        let child = UnixDatagram::unbound()?;
        // Without a name the kernel gives an abstract one that is free (unix(7)).
        bind(child.as_raw_fd(), &UnixAddr::new_unnamed())?;
        setsockopt(&child, PassCred, &true)?;
        let mut address = OsString::from("@");
        address.push(OsStr::from_bytes(child.local_addr()?.as_abstract_name().unwrap_or_default()));
        Ok(Some(Self { child, address, systemd }))
    }

    pub fn address(&self) -> &OsStr {
        &self.address
    }

    /// Passes on what the child said.
    pub fn pass_on(&self) -> io::Result<()> {
        for _ in 0..TURN {
            match self.receive() {
                Ok(Some(message)) => {
                    if let Some(message) = in_our_name(&message, std::process::id()) {
                        self.say(&message);
                    }
                }
                Ok(None) => log::debug!("a notification of a stranger is not passed on"),
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Tells systemd something.
    pub fn say(&self, message: &[u8]) {
        self.systemd.say(message);
    }

    /// The next message, `None` when it is of somebody who has no say.
    fn receive(&self) -> Result<Option<Vec<u8>>, Errno> {
        let mut buffer = vec![0; LONGEST];
        // Room for who sent it, and for no descriptor: those are closed by the kernel.
        let mut control = nix::cmsg_space!(libc::ucred);
        let (length, sender) = {
            let mut parts = [IoSliceMut::new(&mut buffer)];
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
            let message = recvmsg::<UnixAddr>(self.child.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
            let sender = message.cmsgs().ok().into_iter().flatten().find_map(|control| match control {
                ControlMessageOwned::ScmCredentials(sender) => Some(sender),
                _ => None,
            });
            (message.bytes, sender)
        };
        buffer.truncate(length);
        let may_speak =
            sender.is_some_and(|sender| [0, geteuid().as_raw()].contains(&sender.uid()) || is_descendant(sender.pid()));
        Ok(may_speak.then_some(buffer))
    }
}

impl AsFd for Notifications {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.child.as_fd()
    }
}

/// What systemd is told when a child says this; `None` for nothing.
fn in_our_name(message: &[u8], own_id: u32) -> Option<Vec<u8>> {
    let mut told = Vec::new();
    for line in message.split(|byte| *byte == b'\n') {
        let key = line.split(|byte| *byte == b'=').next().unwrap_or_default();
        if PASSED_ON.contains(&key) && key.len() < line.len() {
            told.extend_from_slice(line);
        } else if key == b"MAINPID" {
            // The main process is still the one that supervises.
            told.extend_from_slice(format!("MAINPID={own_id}").as_bytes());
        } else {
            continue;
        }
        told.push(b'\n');
    }
    (!told.is_empty()).then_some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_systemd_is_said_in_our_name() {
        let told = in_our_name(b"READY=1\nSTATUS=up and = running\nMAINPID=99\nFDSTORE=1\nX_OWN=1", 7).unwrap();
        assert_eq!(String::from_utf8(told).unwrap(), "READY=1\nSTATUS=up and = running\nMAINPID=7\n");
        for nothing in [&b""[..], b"\n\n", b"BARRIER=1", b"NOTIFYACCESS=all", b"READY", b"=1", b"\xff\xfe"] {
            assert_eq!(in_our_name(nothing, 7), None, "{nothing:?}");
        }
        assert_eq!(in_our_name(b"WATCHDOG=1", 7).as_deref(), Some(&b"WATCHDOG=1\n"[..]));
    }
}
