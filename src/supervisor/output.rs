//! Passes a child's output on, unchanged: from a pipe to where our own stdout or stderr goes. What cannot be written there yet
//! is not read here, so a reader that is slow slows the child, as it would without us.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use super::publication::Stream;
use crate::sync::wait::{Interest, wait};

/// Bytes that are read at a time; what a pipe holds (pipe(7)).
const CHUNK: usize = 64 * 1024;

/// Chunks that are passed on in a turn, before others get theirs.
const TURN: usize = 16;

/// One stream's way.
#[derive(Debug)]
pub(super) struct Flow {
    stream: Stream,
    /// `None` when nobody will write any more, or nobody read.
    source: Option<File>,
    outlet: Outlet,
    buffer: Vec<u8>,
    /// The part of the buffer that is not written yet.
    from: usize,
    until: usize,
}

/// What a flow waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// For the child to write.
    Reading,
    /// For our reader.
    Writing,
    /// For nothing: there is more.
    More,
    /// For nothing: it is over.
    Over,
}

impl Flow {
    /// Makes a way for a child's output; the child gets the other end of the pipe.
    pub fn open(stream: Stream, outlet: &OwnedFd) -> io::Result<(Self, OwnedFd)> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        // The ends have flags of their own: the child's still waits.
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let (source, outlet) = (Some(File::from(reader)), Outlet::of(stream, outlet.try_clone()?)?);
        Ok((Self { stream, source, outlet, buffer: vec![0; CHUNK], from: 0, until: 0 }, writer))
    }

    pub const fn stream(&self) -> Stream {
        self.stream
    }

    /// Passes on what there is, `seen` sees it first.
    pub fn turn(&mut self, seen: &mut dyn FnMut(&[u8])) -> Waits {
        for _ in 0..TURN {
            if self.has_unwritten() {
                match self.write() {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Waits::Writing,
                    Err(error) => self.outlet_failed(&error),
                }
                continue;
            }
            let Some(source) = &mut self.source else { return Waits::Over };
            match source.read(&mut self.buffer) {
                Ok(0) => self.source = None,
                Ok(length) => {
                    (self.from, self.until) = (0, length);
                    seen(self.buffer.get(..length).unwrap_or_default());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Waits::Reading,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    log::warn!("the child's {:?} cannot be read: {error}", self.stream);
                    self.source = None;
                }
            }
        }
        Waits::More
    }

    /// The descriptor to wait for.
    pub fn waited_for(&self, waits: Waits) -> Option<BorrowedFd<'_>> {
        match waits {
            Waits::Reading => self.source.as_ref().map(AsFd::as_fd),
            Waits::Writing => Some(self.outlet.file.as_fd()),
            Waits::More | Waits::Over => None,
        }
    }

    /// Bytes that were read and are not written.
    pub const fn unwritten(&self) -> usize {
        self.until - self.from
    }

    const fn has_unwritten(&self) -> bool {
        self.from < self.until
    }

    fn write(&mut self) -> io::Result<()> {
        let waiting = self.buffer.get(self.from..self.until).unwrap_or_default();
        self.from += self.outlet.write(waiting)?;
        Ok(())
    }

    /// The child is to notice what it would notice without us.
    fn outlet_failed(&mut self, error: &io::Error) {
        (self.from, self.until) = (0, 0);
        if error.kind() == ErrorKind::BrokenPipe {
            self.source = None;
        } else {
            log::warn!("the child's {:?} cannot be passed on: {error}", self.stream);
        }
    }
}

/// Where our own stdout or stderr goes, for writing that does not wait.
///
/// `O_NONBLOCK` belongs to an open file that we may share with anybody, the shell for one. So pipes and terminals are opened
/// anew, with the flag; where that is not possible we ask whether there is room, and write no more than what then fits.
#[derive(Debug)]
struct Outlet {
    file: File,
    manner: Manner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// A write takes what there is room for, or nothing; or it is to a file and takes its time.
    AtOnce,
    /// Room is asked for.
    Asking,
}

impl Outlet {
    fn of(stream: Stream, shared: OwnedFd) -> io::Result<Self> {
        let name = match stream {
            Stream::Stdout => "/dev/stdout",
            Stream::Stderr => "/dev/stderr",
        };
        let shared = File::from(shared);
        let kind = shared.metadata()?;
        if kind.is_file() {
            return Ok(Self { file: shared, manner: Manner::AtOnce });
        }
        let is_reopenable = kind.file_type().is_fifo() || kind.file_type().is_char_device();
        let options = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).clone();
        let own = Some(()).filter(|()| is_reopenable).and_then(|()| options.open(name).ok()).filter(|own| {
            own.metadata()
                .is_ok_and(|found| (found.dev(), found.ino(), found.rdev()) == (kind.dev(), kind.ino(), kind.rdev()))
        });
        Ok(match own {
            Some(file) => Self { file, manner: Manner::AtOnce },
            None => Self { file: shared, manner: Manner::Asking },
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = match self.manner {
            Manner::AtOnce => bytes,
            Manner::Asking => {
                let [ready] = wait([(self.file.as_fd(), Interest::WRITE)], Some(Duration::ZERO))?;
                if !ready.writable {
                    return Err(ErrorKind::WouldBlock.into());
                }
                // What a pipe that has any room takes at once (pipe(7)).
                bytes.get(..libc::PIPE_BUF).unwrap_or(bytes)
            }
        };
        self.file.write(bytes)
    }
}
