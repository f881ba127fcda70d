//! The open descriptors of a process: how many, which regular files, which sockets.

use std::ffi::OsStr;
use std::fs;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::fcntl::{AtFlags, readlinkat};
use nix::sys::stat::fstatat;
use procfs::process::FDTarget;
use serde::Serialize;

use super::error::ProcessError;
use super::kept::Kept;
use super::sockets::Socket;

/// What `get_process_info` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProcessInfo {
    /// Number of open descriptors; `None` when the kernel does not let us see them.
    pub descriptors: Option<u64>,
    /// Number of threads.
    pub threads: u64,
    /// Paths of the open regular files, sorted, one for each descriptor; as the kernel tells them: a removed file's ends
    /// in ` (deleted)`. Bytes that are not UTF-8 are replaced. `None` when the kernel does not let us see the descriptors.
    pub files: Option<Vec<String>>,
    /// The sockets, by descriptor; `None` as for `files`.
    pub sockets: Option<Vec<Socket>>,
}

impl ProcessInfo {
    /// A process whose descriptors are not for us to see.
    pub(super) const fn hidden(threads: u64) -> Self {
        Self { descriptors: None, threads, files: None, sockets: None }
    }

    /// A process that has ended, and has closed everything.
    pub(super) const fn of_zombie(threads: u64) -> Self {
        Self { descriptors: Some(0), threads, files: Some(Vec::new()), sockets: Some(Vec::new()) }
    }
}

/// An open descriptor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Descriptor {
    /// Its number.
    pub fd: RawFd,
    /// What may be done with it: `r`, `w` or `rw`; empty for one that is only a place (`O_PATH`).
    pub mode: &'static str,
    /// What it refers to: a path, or a name of the kernel's like `socket:[42]`. Bytes that are not UTF-8 are replaced.
    pub target: String,
}

/// All descriptors, by number. One that is closed meanwhile is passed over.
pub(super) fn describe(pid: i32) -> Result<Vec<Descriptor>, ProcessError> {
    let root = format!("/proc/{pid}/fd");
    let entries = fs::read_dir(&root).map_err(|error| ProcessError::os(format!("list {root}"), &error))?;
    let described = entries.flatten().filter_map(|entry| {
        let fd = entry.file_name().to_str()?.parse().ok()?;
        let target = fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned();
        // The link's own mode says how the descriptor was opened (proc_pid_fd(5)).
        let mode = match fs::symlink_metadata(entry.path()).ok()?.mode() & 0o600 {
            0o600 => "rw",
            0o400 => "r",
            0o200 => "w",
            _ => "",
        };
        Some(Descriptor { fd, mode, target })
    });
    let mut described: Vec<Descriptor> = described.collect();
    // The walk held one itself, if it was over our own; it is closed now.
    described.retain(|open| open.target != root || fs::symlink_metadata(format!("{root}/{}", open.fd)).is_ok());
    described.sort_unstable_by_key(|open| open.fd);
    Ok(described)
}

/// What a walk over the descriptors found.
#[derive(Debug)]
pub(super) struct Open {
    pub files: Vec<String>,
    pub sockets: Vec<OpenSocket>,
}

/// A descriptor that is a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenSocket {
    /// Its number in the target.
    pub fd: RawFd,
    /// The socket's inode, by which `/proc/PID/net/*` names it.
    pub inode: u64,
}

/// How many there are; `None` when the directory cannot be read.
pub(super) fn count(directory: &Kept) -> Option<u64> {
    // Linux 6.2 and later tell it as the directory's size; before, that is 0.
    match directory.file().metadata().ok()?.len() {
        0 => walk_count(directory),
        count => Some(count),
    }
}

/// How many there are by looking at each.
pub(super) fn walk_count(directory: &Kept) -> Option<u64> {
    let entries = fs::read_dir(reopened(directory)).ok()?;
    let mut count = 0;
    for entry in entries {
        entry.ok()?;
        count += 1;
    }
    // The walk itself holds one, if it is our own directory.
    let own = nix::unistd::Pid::this().as_raw() == directory.pid();
    Some(if own { count - 1 } else { count })
}

/// Looks at each descriptor. One that is closed meanwhile is passed over.
pub(super) fn list(directory: &Kept) -> Result<Open, ProcessError> {
    let entries = fs::read_dir(reopened(directory)).map_err(|error| directory.failed("list", &error))?;
    let mut open = Open { files: Vec::new(), sockets: Vec::new() };
    for entry in entries {
        let name = entry.map_err(|error| directory.failed("list", &error))?.file_name();
        let Some(fd) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(link) = readlinkat(directory.file(), name.as_os_str()) else { continue };
        let link = link.to_string_lossy();
        // A link says what sort of thing it leads to (proc_pid_fd(5)); only what has a path can be a regular file.
        if let Ok(FDTarget::Socket(inode)) = link.parse() {
            open.sockets.push(OpenSocket { fd, inode });
        } else if link.starts_with('/') && is_regular(directory, &name) {
            open.files.push(link.into_owned());
        }
    }
    open.files.sort_unstable();
    open.sockets.sort_unstable_by_key(|socket| socket.fd);
    Ok(open)
}

/// Of what the descriptor refers to, not of what has its path now.
fn is_regular(directory: &Kept, name: &OsStr) -> bool {
    let found = fstatat(directory.file(), name, AtFlags::empty());
    found.is_ok_and(|found| found.st_mode & libc::S_IFMT == libc::S_IFREG)
}

/// The kept directory by way of our own descriptor of it: reading that anew starts at its beginning, and it stays the
/// directory of the same process whoever has its id by now.
fn reopened(directory: &Kept) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", directory.file().as_raw_fd()))
}
