//! Collecting another process's garbage by a command, on the short-lived thread "gc".

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal as Standard, killpg};
use nix::unistd::Pid;

use super::reaper::{release, spawn_claimed};
use super::report::Report;
use super::{Leash, Supervisor};
use crate::process::{Garbage, Identity, ProcessError, Signal, Target};
use crate::sync::mailbox::Post;
use crate::sync::wait::{Interest, until, wait};

/// How long a command may take. Then it is killed, with its process group.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Time between two looks at a command that has no pidfd.
const LOOK: Duration = Duration::from_millis(100);

/// What stands for the process's id in a command's words.
const PLACE: &str = "{pid}";

/// How a process that is not our own is asked to give memory back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GcMethod {
    /// By a signal. What the process does about it comes later; it is not waited for.
    Signal(Signal),
    /// By a program and its arguments, run without a shell; `{pid}` in them stands for the process's id. It has no standard
    /// input, its standard output is thrown away, and it is killed after [`PATIENCE`].
    Command(Vec<String>),
}

/// A command that runs. Dropping this kills it, and waits for the thread.
#[derive(Debug)]
pub struct Collection {
    _thread: Supervisor,
}

/// Why a command collected nothing.
#[derive(Debug)]
pub enum CollectError {
    /// The process is not the one that was meant any more, or cannot be read.
    Process(ProcessError),
    /// The command cannot be run.
    Spawn {
        /// What was to be run.
        program: String,
        /// Why not.
        error: io::Error,
    },
    /// It says that it failed.
    Failed {
        /// What was run.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It took too long.
    TooSlow {
        /// What was run.
        program: String,
    },
    /// The kernel refuses to let us wait for it.
    Wait(io::Error),
}

impl fmt::Display for CollectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(reason) => reason.fmt(f),
            Self::Spawn { program, error } => write!(f, "cannot run {program}: {error}"),
            Self::Failed { program, status } => write!(f, "{program} failed: {status}"),
            Self::TooSlow { program } => {
                write!(f, "{program} took longer than {} s and was killed", PATIENCE.as_secs())
            }
            Self::Wait(error) => write!(f, "cannot wait for the command: {error}"),
        }
    }
}

impl std::error::Error for CollectError {}

impl From<ProcessError> for CollectError {
    fn from(reason: ProcessError) -> Self {
        Self::Process(reason)
    }
}

impl Collection {
    /// Runs `words` for a process; the outcome comes as [`Report::Collected`].
    ///
    /// # Errors
    /// When the kernel refuses a thread or a descriptor.
    pub fn start<R>(words: &[String], process: Identity, reports: Post<R>) -> io::Result<Self>
    where
        R: From<Report> + Send + 'static,
    {
        let pid = process.pid().to_string();
        let words: Vec<String> = words.iter().map(|word| word.replace(PLACE, &pid)).collect();
        let thread = Supervisor::spawn("gc", move |leash| {
            if let Some(outcome) = collect(&words, &process, &leash, PATIENCE).transpose() {
                // If nobody hears it, nobody waits for it.
                if reports.put_unless_stopped(Report::Collected(outcome).into(), &leash.stop).is_ok() {
                    reports.ring();
                }
            }
        })?;
        Ok(Self { _thread: thread })
    }
}

/// `None` when nobody waits for the outcome any more.
fn collect(
    words: &[String],
    process: &Identity,
    leash: &Leash,
    patience: Duration,
) -> Result<Option<Garbage>, CollectError> {
    let mut target = Target::open(process.pid())?;
    if !target.identity().is_same(process) {
        return Err(ProcessError::Gone { pid: process.pid() }.into());
    }
    let resident_before = target.sample()?.resident;
    let start = Instant::now();
    let Some(ended) = run(words, leash, start + patience)? else { return Ok(None) };
    let duration = u64::try_from((start.elapsed() + Duration::from_micros(500)).as_millis()).unwrap_or(u64::MAX);
    match ended {
        Ended::With(status) if !status.success() => {
            return Err(CollectError::Failed { program: program(words), status });
        }
        Ended::With(_) | Ended::Unseen => {}
    }
    let resident_after = target.sample()?.resident;
    Ok(Some(Garbage { duration, resident_before, resident_after, supported: true }))
}

/// How a command ended.
enum Ended {
    With(ExitStatus),
    /// Whoever reaps this process's children was told instead.
    Unseen,
}

/// Runs a command to its end; `None` when the handle went first. It never outlives this.
fn run(words: &[String], leash: &Leash, deadline: Instant) -> Result<Option<Ended>, CollectError> {
    let mut words_of = words.iter();
    let mut command = Command::new(words_of.next().map_or("", String::as_str));
    command.args(words_of).stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
    let mut child =
        Running(spawn_claimed(&mut command).map_err(|error| CollectError::Spawn { program: program(words), error })?);
    // Only for its pidfd. Without one, it has ended already or the kernel has none.
    let watched = i32::try_from(child.0.id()).ok().and_then(|pid| Target::open(pid).ok());
    let pidfd = watched.as_ref().and_then(Target::pidfd);
    loop {
        match child.0.try_wait() {
            Ok(Some(status)) => return Ok(Some(Ended::With(status))),
            Ok(None) => {}
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(Some(Ended::Unseen)),
            Err(error) => return Err(CollectError::Wait(error)),
        }
        leash.bell.hush();
        if leash.is_let_go() {
            return Ok(None);
        }
        let now = Instant::now();
        if now >= deadline {
            return Err(CollectError::TooSlow { program: program(words) });
        }
        let bell = (leash.bell.as_fd(), Interest::READ);
        let (fds, wake_at) = match pidfd {
            Some(pidfd) => ([(pidfd, Interest::READ), bell], deadline),
            None => ([bell, bell], deadline.min(now + LOOK)),
        };
        wait(fds, until(Some(wake_at), now)).map_err(CollectError::Wait)?;
    }
}

fn program(words: &[String]) -> String {
    words.first().cloned().unwrap_or_default()
}

/// Is killed with its process group, and waited for, if it runs still.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = killpg(Pid::from_raw(i32::try_from(self.0.id()).unwrap_or(i32::MAX)), Standard::SIGKILL);
            let _ = self.0.wait();
        }
        release(self.0.id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::waker::Waker;
    use crossbeam_channel::bounded;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    fn own() -> Identity {
        Target::own().unwrap().identity().clone()
    }

    #[test]
    fn a_command_is_waited_for_and_its_failure_told() {
        let (_keep, stop) = bounded(0);
        let leash = Leash { bell: Waker::new().unwrap(), stop };
        let garbage = collect(&words(&["sleep", "0.05"]), &own(), &leash, PATIENCE).unwrap().unwrap();
        assert!(garbage.supported && garbage.duration >= 50 && garbage.resident_after > 0);
        for (command, expected) in [
            (&["false"][..], "false failed: exit status: 1"),
            (&["/nonexistent/gc", "now"][..], "cannot run /nonexistent/gc: No such file"),
        ] {
            let error = collect(&words(command), &own(), &leash, PATIENCE).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn one_that_takes_too_long_is_killed_with_its_children() {
        let (keep, stop) = bounded(0);
        let leash = Leash { bell: Waker::new().unwrap(), stop };
        let begin = Instant::now();
        let endless = words(&["sh", "-c", "sleep 600 & wait"]);
        let error = collect(&endless, &own(), &leash, Duration::from_millis(20)).unwrap_err();
        assert!(matches!(error, CollectError::TooSlow { .. }), "{error}");
        drop(keep);
        assert!(collect(&endless, &own(), &leash, PATIENCE).unwrap().is_none(), "nobody waits for it");
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
}
