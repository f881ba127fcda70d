//! One process with its kept files: opened once, then read as often as wanted.

use std::fs;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use super::descriptors::{self, ProcessInfo};
use super::error::ProcessError;
use super::identity::{Identity, ticks};
use super::kept::{Buffer, Kept};
use super::memory::{self, Garbage};
use super::parse::{self, Io};
use super::sample::{Sample, Status};
use super::{Inspection, Subject, affinity, environment, maps, sockets};
use crate::sync::clock::Now;

/// A process that is measured and managed.
#[derive(Debug)]
pub struct Target {
    identity: Identity,
    /// Whether it is the process that this code runs in, for which the kernel has shorter and preciser ways.
    own: bool,
    status: Kept,
    stat: Kept,
    /// `None` when the kernel refuses the file (another user's process) or has none.
    io: Option<Kept>,
    /// The directory of descriptors; `None` when the kernel refuses it.
    descriptors: Option<Kept>,
    cpu_clock: ClockId,
    buffer: Buffer,
    /// Bytes of memory the machine has; never 0.
    memory_total: u64,
}

impl Target {
    /// The process that this code runs in.
    ///
    /// # Errors
    /// When `/proc` is not mounted, belongs to another PID namespace, or does not hold what it should.
    pub fn own() -> Result<Self, ProcessError> {
        let pid = Pid::this().as_raw();
        // In a `/proc` of another PID namespace our id is somebody else's.
        let link = fs::read_link("/proc/self").map_err(|error| ProcessError::os("read /proc/self", &error))?;
        if link.to_str().and_then(|link| link.parse().ok()) != Some(pid) {
            return Err(ProcessError::Unsupported {
                feature: "the own process in /proc",
                remedy: "mount the /proc of the PID namespace that this process runs in",
            });
        }
        Self::open(pid)
    }

    fn open(pid: i32) -> Result<Self, ProcessError> {
        let stat = Kept::open(pid, "stat").map_err(|error| match error {
            ProcessError::Os { errno: Errno::ENOENT, .. } => ProcessError::Gone { pid },
            error => error,
        })?;
        let status = Kept::open(pid, "status")?;
        let io = unless_refused(Kept::open(pid, "io"))?;
        let descriptors = unless_refused(Kept::open(pid, "fd"))?;
        let cpus = affinity::get(pid)?;
        let cpu_clock = clock_getcpuclockid(Pid::from_raw(pid))
            .map_err(|errno| ProcessError::Os { what: format!("find the CPU clock of process {pid}"), errno })?;
        // Last: that what was opened first can still be read says that all the others are of the same process.
        let mut buffer = Buffer::new();
        let start = parse::stat(stat.read(&mut buffer)?).ok_or_else(|| stat.malformed(STAT))?.starttime;
        Ok(Self {
            identity: Identity::new(pid, start, cpus)?,
            own: pid == Pid::this().as_raw(),
            status,
            stat,
            io,
            descriptors,
            cpu_clock,
            buffer,
            memory_total: memory::total()?,
        })
    }

    /// Who it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// `bytes` as percentage of the machine's memory.
    #[must_use]
    pub fn percent_of_memory(&self, bytes: u64) -> f64 {
        bytes as f64 * 100.0 / self.memory_total as f64
    }

    /// Reads the counters. Allocates nothing (but once, where `status` is longer than usual).
    ///
    /// # Errors
    /// [`ProcessError::Gone`] when the process was waited for; else when the kernel refuses.
    pub fn sample(&mut self) -> Result<Sample, ProcessError> {
        let status = self.status.read(&mut self.buffer)?;
        let status = parse::status(status).ok_or_else(|| self.status.malformed(STATUS))?;
        let io = self.read_io()?;
        let (user_ns, system_ns) = self.cpu_times()?;
        // A process that was waited for has no clock any more; the kept files told that first, unless it ended just now.
        let cpu = clock_gettime(self.cpu_clock).map_err(|_| ProcessError::Gone { pid: self.identity.pid() })?;
        Ok(Sample {
            // Beside the CPU clock, which it is put in proportion to.
            taken: Now::read(),
            status: Status::from_letter(status.state),
            voluntary: status.voluntary,
            nonvoluntary: status.nonvoluntary,
            user_ns,
            system_ns,
            cpu_ns: ns(cpu.into()),
            resident: status.resident,
            virtual_size: status.virtual_size,
            threads: status.threads,
            io,
        })
    }

    /// The I/O counters; `None` when they are not for us to see, for that is no reason to show nothing at all.
    fn read_io(&mut self) -> Result<Option<Io>, ProcessError> {
        let Some(kept) = &self.io else { return Ok(None) };
        match kept.read(&mut self.buffer) {
            Ok(text) => parse::io(text).map(Some).ok_or_else(|| kept.malformed(IO)),
            Err(ProcessError::Os { errno: Errno::EACCES | Errno::EPERM, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// ns in user and in kernel mode.
    fn cpu_times(&mut self) -> Result<(u64, u64), ProcessError> {
        if self.own {
            let usage = getrusage(UsageWho::RUSAGE_SELF)
                .map_err(|errno| ProcessError::Os { what: "read our resource usage".to_owned(), errno })?;
            return Ok((timeval_ns(usage.user_time()), timeval_ns(usage.system_time())));
        }
        let stat = parse::stat(self.stat.read(&mut self.buffer)?).ok_or_else(|| self.stat.malformed(STAT))?;
        Ok((ns(ticks(stat.utime)), ns(ticks(stat.stime))))
    }

    /// Number of open descriptors; `None` when the kernel does not let us see them.
    #[must_use]
    pub fn count_descriptors(&self) -> Option<u64> {
        descriptors::count(self.descriptors.as_ref()?)
    }

    /// Its descriptors, threads, regular files and sockets.
    ///
    /// # Errors
    /// As for [`sample`](Self::sample); [`ProcessError::Os`] when the kernel does not let us see its descriptors,
    /// [`ProcessError::Unsupported`] for a process that is not our own, whose sockets cannot be asked directly.
    pub fn info(&mut self) -> Result<ProcessInfo, ProcessError> {
        if !self.own {
            return Err(ProcessError::Unsupported {
                feature: "describing another process's sockets",
                remedy: "ask the agent that runs in it",
            });
        }
        let threads = self.sample()?.threads;
        let descriptors = self.count_descriptors();
        let open = match &self.descriptors {
            Some(directory) => descriptors::list(directory)?,
            // The reason why it could not be kept.
            None => descriptors::list(&Kept::open(self.identity.pid(), "fd")?)?,
        };
        let sockets = sockets::describe(self.identity.pid(), &open.sockets);
        Ok(ProcessInfo { descriptors, threads, files: open.files, sockets })
    }

    /// Looks at something that is not among the counters. Opens what it reads each time: it is asked for seldom.
    ///
    /// # Errors
    /// When the kernel refuses, or [`ProcessError::Gone`].
    pub fn inspect(&self, subject: Subject) -> Result<Inspection, ProcessError> {
        let pid = self.identity.pid();
        let seen = match subject {
            Subject::Descriptors => Inspection::Descriptors(descriptors::describe(pid)?),
            Subject::Environment => Inspection::Environment(environment::read(pid)?),
            Subject::Maps => Inspection::Maps(maps::read(pid)?),
        };
        // What was read by its id is the process's own only if that still lives.
        let mut buffer = Buffer::new();
        self.stat.read(&mut buffer)?;
        Ok(seen)
    }

    /// The CPUs that its main thread may run on, sorted.
    ///
    /// # Errors
    /// [`ProcessError::Gone`], or when the kernel refuses.
    pub fn affinity(&self) -> Result<Vec<u32>, ProcessError> {
        affinity::get(self.identity.pid())
    }

    /// Lets all its threads run on `cpus` only. The CPUs that it may run on then are the answer: fewer than asked for
    /// where a cpuset forbids some.
    ///
    /// # Errors
    /// When the kernel refuses (a CPU that does not exist or is forbidden, a process of another user); the threads that
    /// were changed already have been changed back.
    pub fn set_affinity(&mut self, cpus: &[u32]) -> Result<Vec<u32>, ProcessError> {
        affinity::set(self.identity.pid(), cpus)
    }

    /// Gives back to the system what memory it can. Takes some ms for each 10 MB.
    ///
    /// # Errors
    /// [`ProcessError::Unsupported`] for a process that is not our own; as for [`sample`](Self::sample).
    pub fn collect_garbage(&mut self) -> Result<Garbage, ProcessError> {
        if !self.own {
            return Err(ProcessError::Unsupported {
                feature: "collecting another process's garbage",
                remedy: "configure a signal or a command that makes it do so itself",
            });
        }
        let resident_before = self.sample()?.resident;
        let (duration, supported) = memory::trim();
        let duration = u64::try_from((duration + Duration::from_micros(500)).as_millis()).unwrap_or(u64::MAX);
        Ok(Garbage { duration, resident_before, resident_after: self.sample()?.resident, supported })
    }
}

const STAT: &str = "the fields of proc_pid_stat(5)";
const STATUS: &str = "the lines of proc_pid_status(5)";
const IO: &str = "the lines of proc_pid_io(5)";

/// `None` for a file that is not for us to see, or that this kernel is built without.
fn unless_refused(opened: Result<Kept, ProcessError>) -> Result<Option<Kept>, ProcessError> {
    match opened {
        Err(ProcessError::Os { errno: Errno::EACCES | Errno::EPERM | Errno::ENOENT, .. }) => Ok(None),
        opened => opened.map(Some),
    }
}

fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn timeval_ns(time: TimeVal) -> u64 {
    u64::try_from(time.num_microseconds()).unwrap_or(0).saturating_mul(1000)
}

mod measures;
#[cfg(test)]
mod tests;
