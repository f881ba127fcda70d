//! Which process is to be the target, and looking for it.

use std::io;
use std::path::PathBuf;

use super::Supervisor;
use super::error::TargetError;
use super::pid_file::{Content, PidFile, Reading};
use super::report::Report;
use super::watch::{Present, Watcher};
use crate::process::{ProcessError, Target, name_of};
use crate::sync::mailbox::Post;

/// Which process the agent is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TargetChoice {
    /// The one that it runs in.
    #[default]
    Own,
    /// The one with this id, for as long as it lives; with our own id the same as [`TargetChoice::Own`].
    Pid(i32),
    /// The one that a file names.
    PidFile {
        /// The file: its first line is a process's id.
        path: PathBuf,
        /// What to do when that process ends, or is not there yet.
        at_exit: AtExit,
    },
}

/// What to do when the process of a pid file ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtExit {
    /// The agent ends too.
    #[default]
    End,
    /// The agent waits until the file names another one. The file need not be there at first.
    Wait,
}

/// A target that was found, or is waited for.
#[derive(Debug)]
pub struct Found {
    name: String,
    target: Result<Target, ProcessError>,
    /// `None` for our own process.
    watcher: Option<Watcher>,
}

impl TargetChoice {
    /// Looks for the process. Starts nothing.
    ///
    /// # Errors
    /// [`TargetError`]: there is no such process, or it cannot be watched.
    pub fn find(self) -> Result<Found, TargetError> {
        match self {
            Self::Own => own(),
            Self::Pid(pid) if is_own(pid) => own(),
            Self::Pid(pid) => {
                let (target, present) = open(pid)?;
                let name = name_of(pid)?;
                Ok(Found { name, target: Ok(target), watcher: Some(Watcher::of(present)) })
            }
            Self::PidFile { path, at_exit } => find_by(PidFile::new(path), at_exit),
        }
    }
}

fn find_by(file: PidFile, at_exit: AtExit) -> Result<Found, TargetError> {
    let name = file.name();
    let found = read(&file).and_then(|(reading, pid)| Ok((reading, open(pid)?)));
    match (found, at_exit) {
        (Ok((reading, (target, present))), AtExit::Wait) => {
            Ok(Found { name, target: Ok(target), watcher: Some(Watcher::following(file, Some((reading, present)))) })
        }
        (Err(reason), AtExit::Wait) => {
            log::info!("waiting for a process: {reason}");
            let why = format!("no process runs: {} has named none yet", file.path().display());
            let watcher = Some(Watcher::following(file, None));
            Ok(Found { name, target: Err(ProcessError::Absent { why }), watcher })
        }
        (Ok((_, (target, present))), AtExit::End) => {
            Ok(Found { name, target: Ok(target), watcher: Some(Watcher::of(present)) })
        }
        (Err(reason), AtExit::End) => Err(reason),
    }
}

fn read(file: &PidFile) -> Result<(Reading, i32), TargetError> {
    let path = || file.path().to_owned();
    let reading = file.read().map_err(|error| TargetError::Unreadable { file: path(), error })?;
    match &reading.content {
        Content::Id(pid) => {
            let pid = *pid;
            Ok((reading, pid))
        }
        Content::Other(got) => Err(TargetError::NoId { file: path(), got: got.clone() }),
    }
}

fn own() -> Result<Found, TargetError> {
    let target = Target::own()?;
    Ok(Found { name: env!("CARGO_PKG_NAME").to_owned(), target: Ok(target), watcher: None })
}

/// Whether the id is our own.
fn is_own(pid: i32) -> bool {
    u32::try_from(pid) == Ok(std::process::id())
}

/// The process with this id, and what is needed to watch it. Not our own: a file that names that is left over from a process
/// which had the id before, as in a container that was started again, and will name another.
pub(super) fn open(pid: i32) -> Result<(Target, Present), TargetError> {
    if is_own(pid) {
        return Err(TargetError::Itself { pid });
    }
    let target = Target::open(pid)?;
    if target.ended() {
        return Err(TargetError::Zombie { pid });
    }
    let present = Present::of(&target)?;
    Ok((target, present))
}

impl Found {
    /// A child that is not started yet. Its supervisor watches it.
    #[must_use]
    pub fn child(name: &str) -> Self {
        let why = "the child is not started yet".to_owned();
        Self { name: name.to_owned(), target: Err(ProcessError::Absent { why }), watcher: None }
    }

    /// What the process is called: for our own this program's name, by its id the process's own, and by a file the file's,
    /// for that stays the same whichever process it names.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Begins to watch it, unless it is our own process. The target, or the reason why there is none yet, comes back.
    ///
    /// # Errors
    /// When the kernel refuses a thread or a descriptor.
    pub fn supervise<R>(self, reports: Post<R>) -> io::Result<(Result<Target, ProcessError>, Option<Supervisor>)>
    where
        R: From<Report> + Send + 'static,
    {
        let supervisor = match self.watcher {
            Some(watcher) => Some(watcher.start(reports)?),
            None => None,
        };
        Ok((self.target, supervisor))
    }
}
