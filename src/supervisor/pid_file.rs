//! A file that names a process by its id, and waiting for a change of it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// Bytes that are read: an id and the end of its line, with room for what some programs write below.
const LONGEST: u64 = 4096;

/// How much of what stands there is repeated in messages, in characters.
const EXCERPT: usize = 40;

/// What the directory of the file tells: that something has got the name, or that the directory itself goes.
const DIRECTORY: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_MOVED_TO)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_ONLYDIR);

/// What the file itself tells. Some programs never close it, so a write alone counts too.
const CONTENT: AddWatchFlags = AddWatchFlags::IN_MODIFY.union(AddWatchFlags::IN_CLOSE_WRITE);

/// A pid file.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
}

/// The file as it was at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub content: Content,
    version: Version,
}

/// What stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The id of a process, which need not be there.
    Id(i32),
    /// Something else; how it begins.
    Other(String),
}

/// Differs whenever the file was replaced or written to, also if the same was written again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    file: (u64, u64),
    modified: (i64, i64),
    changed: (i64, i64),
    size: u64,
}

/// Sleeps in poll(2) until the file may have changed.
#[derive(Debug)]
pub(super) struct Alarm {
    inotify: Inotify,
    /// The name in the watched directory that matters: the file's, or that of a directory on the way to it.
    component: OsString,
}

impl PidFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's name without what stands behind its last dot.
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Reads it. It is not waited for, whatever kind of file it is.
    pub fn read(&self) -> io::Result<Reading> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&self.path)?;
        let version = Version::of(&file)?;
        let mut text = Vec::new();
        file.take(LONGEST).read_to_end(&mut text)?;
        Ok(Reading { content: Content::of(&String::from_utf8_lossy(&text)), version })
    }

    /// Begins to listen for changes. What is read after this is the present state, or the alarm rings.
    pub fn arm(&self) -> io::Result<Alarm> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        loop {
            let (directory, component) = self.deepest()?;
            match inotify.add_watch(&directory, DIRECTORY) {
                Ok(_) => {}
                // It went this moment.
                Err(Errno::ENOENT | Errno::ENOTDIR) => continue,
                Err(errno) => return Err(errno.into()),
            }
            let below = directory.join(&component);
            if below == self.path {
                match inotify.add_watch(&self.path, CONTENT) {
                    Ok(_) | Err(Errno::ENOENT | Errno::EACCES) => {}
                    Err(errno) => return Err(errno.into()),
                }
            } else if below.is_dir() {
                // It came between looking and watching.
                continue;
            }
            return Ok(Alarm { inotify, component });
        }
    }

    /// The deepest directory on the way to the file that is there, and the name of what would come next.
    fn deepest(&self) -> io::Result<(PathBuf, OsString)> {
        let mut path = self.path.as_path();
        loop {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
                let expected = format!("expected the name of a file, got {}", self.path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, expected));
            };
            if parent.as_os_str().is_empty() {
                return Ok((PathBuf::from("."), name.to_owned()));
            }
            if parent.is_dir() {
                return Ok((parent.to_owned(), name.to_owned()));
            }
            path = parent;
        }
    }
}

impl Content {
    fn of(text: &str) -> Self {
        let first = text.lines().next().unwrap_or_default().trim();
        match first.parse() {
            Ok(pid) if pid > 0 => Self::Id(pid),
            _ => Self::Other(first.chars().take(EXCERPT).collect()),
        }
    }
}

impl Version {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            file: (metadata.dev(), metadata.ino()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            size: metadata.size(),
        })
    }
}

impl Alarm {
    /// Takes what has happened; whether any of it concerns the file. Then another alarm is needed, for what is watched may
    /// be gone.
    pub fn rang(&self) -> io::Result<bool> {
        let mut concerns = false;
        loop {
            match self.inotify.read_events() {
                // Without a name it is about what is watched itself, or too much has happened to tell.
                Ok(events) => {
                    concerns |=
                        events.iter().any(|event| event.name.as_ref().is_none_or(|name| *name == self.component))
                }
                Err(Errno::EAGAIN) => return Ok(concerns),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
