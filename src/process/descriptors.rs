//! The open descriptors of a process: how many, which regular files, which sockets.

use std::fs;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;

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
    /// in ` (deleted)`. Bytes that are not UTF-8 are replaced.
    pub files: Vec<String>,
    /// The sockets.
    pub sockets: Vec<Socket>,
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
    let root = reopened(directory);
    let entries = fs::read_dir(&root).map_err(|error| directory.failed("list", &error))?;
    let mut open = Open { files: Vec::new(), sockets: Vec::new() };
    for entry in entries {
        let entry = entry.map_err(|error| directory.failed("list", &error))?;
        let Some(fd) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // What the descriptor refers to, not the link, and not what has its path now.
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        let kind = metadata.file_type();
        if kind.is_file() {
            let Ok(path) = fs::read_link(entry.path()) else { continue };
            open.files.push(path.to_string_lossy().into_owned());
        } else if kind.is_socket() {
            open.sockets.push(OpenSocket { fd, inode: metadata.ino() });
        }
    }
    open.files.sort_unstable();
    open.sockets.sort_unstable_by_key(|socket| socket.fd);
    Ok(open)
}

/// The kept directory by way of our own descriptor of it: reading that anew starts at its beginning, and it stays the
/// directory of the same process whoever has its id by now.
fn reopened(directory: &Kept) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", directory.file().as_raw_fd()))
}
