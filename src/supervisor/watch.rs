//! The thread "watcher": sleeps until the process of another has ended, then until the pid file names the next one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::choice::open;
use super::error::TargetError;
use super::pid_file::{Content, PidFile, Reading};
use super::report::{End, Exit, Report, Started};
use super::{Leash, Supervisor};
use crate::process::{Identity, ProcessError, Target};
use crate::sync::mailbox::{Closed, Post};
use crate::sync::wait::{Interest, until, wait};

/// What is to be watched.
#[derive(Debug)]
pub(super) struct Watcher {
    present: Option<Present>,
    /// Where the next one is named; `None`: none is waited for.
    file: Option<PidFile>,
    /// How the file was when it named the process that runs.
    seen: Option<Reading>,
}

/// The process that runs.
#[derive(Debug)]
pub(super) struct Present {
    identity: Identity,
    life: Life,
}

/// How its end is seen.
#[derive(Debug)]
enum Life {
    PidFd(OwnedFd),
    /// The kernel has no pidfds (before Linux 5.3, or a sandbox without them): by looking every so often, because nothing
    /// wakes us.
    Looked(Box<Target>),
}

/// Time between two looks at a process that has no pidfd.
const LOOK: Duration = Duration::from_secs(1);

/// Time between two looks at a pid file while there is nothing left to watch it with.
const RETRY: Duration = Duration::from_secs(1);

/// The thread.
struct Watch<R> {
    leash: Leash,
    reports: Post<R>,
    /// How the file was when it was last looked at. Until it changes it names nobody new, whoever has the id by now.
    seen: Option<Reading>,
    /// Processes that have ended.
    restarts: u64,
}

/// Why the thread does not go on.
enum Cut {
    /// The handle or the mailbox is gone.
    LetGo,
    Failed(io::Error),
}

impl Present {
    pub fn of(target: &Target) -> Result<Self, ProcessError> {
        let pid = target.identity().pid();
        let life = match target.pidfd() {
            Some(pidfd) => Life::PidFd(pidfd.try_clone_to_owned().map_err(|error| ProcessError::Os {
                what: format!("keep the pidfd of process {pid}"),
                errno: error.raw_os_error().map_or(Errno::EIO, Errno::from_raw),
            })?),
            None => Life::Looked(Box::new(Target::open(pid)?)),
        };
        Ok(Self { identity: target.identity().clone(), life })
    }
}

impl Watcher {
    /// Of a process, and then of none.
    pub const fn of(present: Present) -> Self {
        Self { present: Some(present), file: None, seen: None }
    }

    /// Of whichever process a file names, one after another; the first may be found already.
    pub fn following(file: PidFile, first: Option<(Reading, Present)>) -> Self {
        let (seen, present) = first.unzip();
        Self { present, file: Some(file), seen }
    }

    pub fn start<R: From<Report> + Send + 'static>(self, reports: Post<R>) -> io::Result<Supervisor> {
        Supervisor::spawn("watcher", move |leash| {
            let Self { present, file, seen } = self;
            let mut watch = Watch { leash, reports, seen, restarts: 0 };
            let end = match watch.run(present, file) {
                Ok(end) => end,
                Err(Cut::LetGo) => return,
                Err(Cut::Failed(error)) => End::Failed(error),
            };
            // If nobody hears it, nobody waits for it.
            let _ = watch.tell(Report::Over(end));
        })
    }
}

impl<R: From<Report>> Watch<R> {
    fn run(&mut self, mut present: Option<Present>, file: Option<PidFile>) -> Result<End, Cut> {
        loop {
            if let Some(present) = present.take() {
                self.outlive(&present)?;
            }
            let Some(file) = &file else { return Ok(End::Ended) };
            present = Some(self.wait_for_next(file)?);
        }
    }

    /// Waits for the end of a process, and tells of it.
    fn outlive(&mut self, present: &Present) -> Result<(), Cut> {
        match &present.life {
            Life::PidFd(pidfd) => self.sleep(Some(pidfd.as_fd()), None)?,
            Life::Looked(target) => {
                while !target.ended() {
                    self.sleep(None, Some(LOOK))?;
                }
            }
        }
        let identity = &present.identity;
        let exit = Exit::of_another(identity.pid(), identity.uptime(), self.restarts);
        log::info!("{exit}");
        self.tell(Report::Exited(exit))?;
        self.restarts += 1;
        Ok(())
    }

    /// Waits until the file names a process, and tells of it.
    fn wait_for_next(&mut self, file: &PidFile) -> Result<Present, Cut> {
        let mut is_short = false;
        loop {
            let alarm = file.arm();
            let (alarm, found) = match alarm.and_then(|alarm| Ok((alarm, self.look(file)?))) {
                Ok(seen) => seen,
                Err(error) if is_shortage(&error) => {
                    if !std::mem::replace(&mut is_short, true) {
                        log::warn!("cannot watch {}: {error}; tried again every second", file.path().display());
                    }
                    self.sleep(None, Some(RETRY))?;
                    continue;
                }
                Err(error) => return Err(Cut::Failed(error)),
            };
            is_short = false;
            if let Some((target, present)) = found {
                self.tell(Report::Started(Box::new(Started {
                    pid: present.identity.pid(),
                    target: Ok(target),
                    command: None,
                    restarts: self.restarts,
                })))?;
                return Ok(present);
            }
            loop {
                self.sleep(Some(alarm.as_fd()), None)?;
                if alarm.rang().map_err(Cut::Failed)? {
                    break;
                }
            }
        }
    }

    /// The process that the file names, if it has changed and that is there.
    ///
    /// # Errors
    /// A shortage: then nothing is known, and the file counts as not looked at.
    fn look(&mut self, file: &PidFile) -> io::Result<Option<(Target, Present)>> {
        let name = file.path().display();
        let reading = match file.read() {
            Ok(reading) => reading,
            Err(error) if is_shortage(&error) => return Err(error),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    log::warn!("cannot read {name}: {error}");
                }
                return Ok(None);
            }
        };
        if self.seen.as_ref() == Some(&reading) {
            return Ok(None);
        }
        let found = match &reading.content {
            Content::Id(pid) => match open(*pid) {
                Ok(found) => Some(found),
                Err(TargetError::Process(ProcessError::Os { errno, .. })) if SHORTAGES.contains(&errno) => {
                    return Err(errno.into());
                }
                Err(error) => {
                    log::warn!("{name}: {error}; waiting for the next");
                    None
                }
            },
            // Whoever writes it has not come further than emptying it.
            Content::Other(got) if got.is_empty() => None,
            Content::Other(got) => {
                log::warn!("{name}: expected the id of a process, got {got:?}");
                None
            }
        };
        self.seen = Some(reading);
        Ok(found)
    }

    /// Sleeps until the descriptor is readable or the time is over; with neither until the handle goes.
    fn sleep(&self, fd: Option<BorrowedFd<'_>>, time: Option<Duration>) -> Result<(), Cut> {
        let deadline = time.map(|time| Instant::now() + time);
        loop {
            self.leash.bell.hush();
            if self.leash.is_let_go() {
                return Err(Cut::LetGo);
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                return Ok(());
            }
            let bell = (self.leash.bell.as_fd(), Interest::READ);
            let watched = fd.map_or((self.leash.bell.as_fd(), Interest::NONE), |fd| (fd, Interest::READ));
            let [ready, _] = wait([watched, bell], until(deadline, now)).map_err(Cut::Failed)?;
            if fd.is_some() && ready.readable {
                return Ok(());
            }
        }
    }

    fn tell(&self, report: Report) -> Result<(), Cut> {
        self.reports.put_unless_stopped(report.into(), &self.leash.stop).map_err(|Closed| Cut::LetGo)?;
        self.reports.ring();
        Ok(())
    }
}

/// What passes: no descriptors, inotify instances, watches or memory left, to this process or to all.
const SHORTAGES: [Errno; 4] = [Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::ENOSPC];

fn is_shortage(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|errno| SHORTAGES.contains(&Errno::from_raw(errno)))
}
