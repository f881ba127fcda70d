//! A listening Unix socket: who may reach it, what happens to what stands at its path, and who calls.
//!
//! # Security decisions
//! - It has mode 0600 before it has a name; what else it is to have, it has before anybody is listened for.
//! - Permissions are given to what was made, and not to its name: in a directory of somebody else's another file, or a link
//!   to one, may stand there by then. The mode cannot be given before the name, because the umask would take from it.
//! - What stands at its path is removed only if it is a socket, is ours, and nobody listens on it; and at the end only if it
//!   is still the one that we made.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, getsockopt, listen, socket, sockopt,
};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::geteuid;

/// The longest path of a Unix socket, in bytes: `sun_path` with its NUL (unix(7)).
pub const LONGEST_PATH: usize = 107;

/// Who may reach a Unix socket: whoever may write to it (unix(7)). By default its owner, who is who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The permissions, as in chmod(2).
    pub mode: u32,
    /// The id of the user that it is given to.
    pub owner: Option<u32>,
    /// The id of the group that it is given to.
    pub group: Option<u32>,
}

impl Default for Access {
    fn default() -> Self {
        Self { mode: 0o600, owner: None, group: None }
    }
}

/// Who is at the other end of a Unix socket, as the kernel knew when it connected (`SO_PEERCRED`, unix(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The process's id; 0 if it is in another pid namespace.
    pub pid: i32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

impl Credentials {
    /// Of the peer of that socket.
    ///
    /// # Errors
    /// The kernel's.
    pub fn of(stream: &UnixStream) -> io::Result<Self> {
        let found = getsockopt(stream, sockopt::PeerCredentials)?;
        Ok(Self { pid: found.pid(), uid: found.uid(), gid: found.gid() })
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} of user {}", self.pid, self.uid)
    }
}

/// A listening Unix socket. It goes with its name.
#[derive(Debug)]
pub struct UnixPort {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of what was made.
    made: (u64, u64),
}

impl UnixPort {
    /// Listens at that path. The kernel holds so many callers until they are accepted; it takes the lesser of this and
    /// `net.core.somaxconn`.
    ///
    /// # Errors
    /// When something else is at the path, or the kernel refuses.
    pub fn bind(path: &Path, access: Access, backlog: i32) -> io::Result<Self> {
        remove_dead(path, access)?;
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket: OwnedFd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
        // The name gets the socket's mode, less what the umask takes away.
        fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR)?;
        bind(socket.as_raw_fd(), &UnixAddr::new(path)?).map_err(|errno| without_directory(path, errno))?;
        let made = Made::at(path)?;
        let port = Self { listener: UnixListener::from(socket), path: path.to_owned(), made: made.identity()? };
        if access != Access::default() {
            made.give(access)?;
        }
        listen(&port.listener, Backlog::new(backlog)?)?;
        Ok(port)
    }

    /// A caller, whose socket does not block.
    ///
    /// # Errors
    /// `WouldBlock` when nobody calls; the kernel's otherwise.
    pub fn accept(&self) -> io::Result<(UnixStream, Credentials)> {
        let (stream, _) = self.listener.accept()?;
        stream.set_nonblocking(true)?;
        let peer = Credentials::of(&stream)?;
        Ok((stream, peer))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsFd for UnixPort {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for UnixPort {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.made) {
            // Somebody may have been faster, and there is nobody to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A socket that was just bound, whatever its name is by now.
struct Made(File);

impl Made {
    /// What is at that path, which must be a socket like the one that was just made: with one name, ours, and for nobody else.
    fn at(path: &Path) -> io::Result<Self> {
        let made = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW).open(path)?;
        let found = made.metadata()?;
        let is_private = found.mode() & 0o177 == 0 && found.uid() == geteuid().as_raw() && found.nlink() == 1;
        if found.file_type().is_socket() && is_private {
            return Ok(Self(made));
        }
        let sentence = "expected the socket that was just made at that path, got something else";
        Err(io::Error::new(ErrorKind::InvalidInput, sentence))
    }

    fn identity(&self) -> io::Result<(u64, u64)> {
        Ok(identity(&self.0.metadata()?))
    }

    /// Gives it that owner and mode. A descriptor that only holds a file takes neither, but leads to the file (open(2)).
    fn give(&self, access: Access) -> io::Result<()> {
        let made = format!("/proc/self/fd/{}", self.0.as_raw_fd());
        chown(&made, access.owner, access.group)?;
        fs::set_permissions(&made, Permissions::from_mode(access.mode))
    }
}

/// Removes a socket that one of our processes left behind.
fn remove_dead(path: &Path, access: Access) -> io::Result<()> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    let is_ours = found.uid() == geteuid().as_raw() || access.owner == Some(found.uid());
    let why = match found.file_type().is_socket().then(|| knock(path)) {
        Some(Err(Errno::ECONNREFUSED)) if is_ours => return fs::remove_file(path),
        Some(Ok(()) | Err(Errno::EAGAIN)) => "another process listens there",
        _ => "there is something at that path that is no dead socket of ours",
    };
    Err(io::Error::new(ErrorKind::AddrInUse, why))
}

/// Connects, without waiting: `EAGAIN` where somebody listens who accepts nobody.
fn knock(path: &Path) -> nix::Result<()> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket: OwnedFd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    connect(socket.as_raw_fd(), &UnixAddr::new(path)?)
}

/// Why nothing was made there: of what is missing the kernel says that something is.
fn without_directory(path: &Path, errno: Errno) -> io::Error {
    match path.parent() {
        Some(directory) if errno == Errno::ENOENT => {
            let got = format!("expected a directory {}, got none", directory.display());
            io::Error::new(ErrorKind::NotFound, got)
        }
        _ => errno.into(),
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn it_has_the_mode_and_the_group_that_it_is_to_have() {
        let path = std::env::temp_dir().join(format!("wampproc-unix-{}", std::process::id()));
        for mode in [0o600, 0o660, 0o666] {
            let group = nix::unistd::getegid().as_raw();
            let port = UnixPort::bind(&path, Access { mode, owner: None, group: Some(group) }, 1).unwrap();
            let found = fs::metadata(&path).unwrap();
            assert_eq!((found.mode() & 0o777, found.gid()), (mode, group));
            let _caller = UnixStream::connect(&path).unwrap();
            let (_, peer) = port.accept().unwrap();
            let ours = (geteuid().as_raw(), nix::unistd::getegid().as_raw());
            assert_eq!((peer.pid.unsigned_abs(), (peer.uid, peer.gid)), (std::process::id(), ours));
            assert_eq!(port.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
            drop(port);
            assert!(!path.exists());
        }
    }

    #[test]
    fn who_listens_and_accepts_nobody_is_not_waited_for() {
        let path = std::env::temp_dir().join(format!("wampproc-unix-full-{}", std::process::id()));
        let _port = UnixPort::bind(&path, Access::default(), 0).unwrap();
        // The queue holds one.
        let _caller = UnixStream::connect(&path).unwrap();
        let error = UnixPort::bind(&path, Access::default(), 1).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::AddrInUse, "another process listens there"));
    }

    #[test]
    fn what_has_taken_the_name_gets_no_permissions() {
        let directory = std::env::temp_dir().join(format!("wampproc-unix-swap-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let at = |name: &str| directory.join(name);
        fs::write(at("secret"), "").unwrap();
        fs::set_permissions(at("secret"), Permissions::from_mode(0o600)).unwrap();
        let _ours = UnixPort::bind(&at("port"), Access::default(), 1).unwrap();
        let _open = UnixPort::bind(&at("open"), Access { mode: 0o666, ..Access::default() }, 1).unwrap();
        symlink(at("secret"), at("link")).unwrap();
        symlink(at("port"), at("way")).unwrap();
        for name in ["secret", "link", "way", "open", "."] {
            let error = Made::at(&at(name)).err().unwrap_or_else(|| panic!("{name} is taken for what was made"));
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}");
        }
        // The name is another's when the permissions are given.
        let made = Made::at(&at("port")).unwrap();
        fs::rename(at("port"), at("aside")).unwrap();
        fs::rename(at("secret"), at("port")).unwrap();
        made.give(Access { mode: 0o666, ..Access::default() }).unwrap();
        let mode = |name| fs::symlink_metadata(at(name)).unwrap().mode() & 0o777;
        assert_eq!((mode("port"), mode("aside")), (0o600, 0o666));
        fs::remove_dir_all(&directory).unwrap();
    }
}
