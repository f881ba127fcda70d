//! A file of `/proc/PID` that stays open: cheaper to read than to open, and bound to that process, so that a reused id
//! is never read by mistake.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::error::ProcessError;

/// An open file and what it is called in messages.
#[derive(Debug)]
pub(super) struct Kept {
    file: File,
    path: PathBuf,
    pid: i32,
}

/// Where a kept file is read into. It grows when a file does not fit, and stays that size.
pub(super) struct Buffer(Vec<u8>);

/// `status` is the longest of the files, 1.5 KB where a process is in few groups.
const FIRST_SIZE: usize = 4096;
/// No file of a process is longer: `status` of one in all 65,536 groups that the kernel allows.
const LARGEST: usize = 1024 * 1024;

impl Buffer {
    pub(super) fn new() -> Self {
        Self(vec![0; FIRST_SIZE])
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer of {}", self.0.len())
    }
}

impl Kept {
    /// Opens `/proc/PID/name`.
    pub(super) fn open(pid: i32, name: &str) -> Result<Self, ProcessError> {
        let path = PathBuf::from(format!("/proc/{pid}/{name}"));
        match File::open(&path) {
            Ok(file) => Ok(Self { file, path, pid }),
            Err(error) => Err(failed("open", &path, pid, &error)),
        }
    }

    /// Reads the whole file.
    pub(super) fn read<'a>(&self, buffer: &'a mut Buffer) -> Result<&'a [u8], ProcessError> {
        loop {
            let length = match self.file.read_at(&mut buffer.0, 0) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed("read", &error)),
            };
            if length < buffer.0.len() || length >= LARGEST {
                return Ok(buffer.0.get(..length).unwrap_or_default());
            }
            buffer.0.resize(length * 2, 0);
        }
    }

    /// The error of a file whose content is not what it should be.
    pub(super) fn malformed(&self, expected: &'static str) -> ProcessError {
        ProcessError::Malformed { file: self.path.display().to_string(), expected }
    }

    /// The error of an operation that failed.
    pub(super) fn failed(&self, verb: &str, error: &io::Error) -> ProcessError {
        failed(verb, &self.path, self.pid, error)
    }

    /// The process that it belongs to.
    pub(super) const fn pid(&self) -> i32 {
        self.pid
    }

    /// The open file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// A kept file of a process that was waited for answers `ESRCH`.
fn failed(verb: &str, path: &Path, pid: i32, error: &io::Error) -> ProcessError {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ESRCH) => ProcessError::Gone { pid },
        _ => ProcessError::os(format!("{verb} {}", path.display()), error),
    }
}
