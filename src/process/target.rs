//! One process with its kept files: opened once, then read as often as wanted.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use super::descriptors::{self, ProcessInfo};
use super::error::ProcessError;
use super::identity::{Identity, ticks_ns};
use super::kept::{Buffer, Kept};
use super::life::Life;
use super::memory::{self, Garbage};
use super::parse::{self, Io};
use super::pidfd::PidFd;
use super::sample::{Sample, Status};
use super::{Inspection, Subject, affinity, environment, maps, sockets, sources};
use crate::sync::clock::Now;

/// A process that is measured and managed.
///
/// Its identity is its pidfd (pidfd_open(2)) and its kept files: neither ever becomes another process's, whoever gets the
/// id next.
#[derive(Debug)]
pub struct Target {
    identity: Identity,
    /// [`Life::Own`]: it is the process that this code runs in, for which the kernel has shorter and preciser ways.
    life: Life,
    status: Kept,
    stat: Kept,
    /// An error when the kernel refuses the file (another user's process) or has none.
    io: Result<Kept, Errno>,
    /// Why the last reading of `io` was refused: a process that has become another user's.
    io_refused: Option<Errno>,
    /// The directory of descriptors; an error when the kernel refuses it.
    descriptors: Result<Kept, Errno>,
    /// An error when the kernel does not let us read it.
    cpu_clock: Result<ClockId, Errno>,
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
        if open::own_pid_in_proc()? != Some(pid) {
            return Err(ProcessError::Unsupported {
                feature: "the own process in /proc",
                remedy: "mount the /proc of the PID namespace that this process runs in",
            });
        }
        Self::attach(pid, Life::Own)
    }

    /// Who it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The process's pidfd, which polls readable from the moment it ends (pidfd_open(2)); `None` for our own process, and
    /// where the kernel has none (before Linux 5.3).
    #[must_use]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.life.borrowed()
    }

    /// Whether the process has ended: also when nobody has waited for it yet, and it is a zombie that can be read on.
    /// Never true because of something that cannot be read.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.life.has_ended()
    }

    /// What is not known of this process because the kernel refuses it, and why.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        let pidfd = match &self.life {
            Life::Own | Life::Watched { .. } => None,
            Life::Read { errno, .. } => Some(*errno),
        };
        let refused = [
            ("pidfd_open(2)", pidfd),
            ("/proc/PID/io", self.io.as_ref().err().copied().or(self.io_refused)),
            ("/proc/PID/fd", self.descriptors.as_ref().err().copied()),
            ("clock_getcpuclockid(3)", self.cpu_clock.err()),
            ("pidfd_getfd(2)", self.life.pidfd().and_then(PidFd::refuses_descriptors)),
        ];
        refused.into_iter().filter_map(|(source, errno)| Some(Refusal { source, errno: errno? })).collect()
    }

    /// `bytes` as percentage of the machine's memory.
    #[must_use]
    pub fn percent_of_memory(&self, bytes: u64) -> f64 {
        bytes as f64 * 100.0 / self.memory_total as f64
    }

    /// Reads the counters. Allocates nothing (but once, where `status` is longer than usual).
    ///
    /// A zombie has counters still, but no memory: 0 bytes. So it looks when its first thread has ended and others run.
    ///
    /// # Errors
    /// [`ProcessError::Gone`] when the process was waited for; else when the kernel refuses.
    pub fn sample(&mut self) -> Result<Sample, ProcessError> {
        self.read_counters().map_err(|error| self.life.judge(error))
    }

    fn read_counters(&mut self) -> Result<Sample, ProcessError> {
        let io = self.read_io()?;
        // Beside the CPU clock, which it is put in proportion to.
        let taken = Now::read();
        // The clock goes by the id. That a kept file can be read afterwards says that the id was still the process's.
        let cpu = self.cpu_clock.and_then(clock_gettime);
        let (user_ns, system_ns) = self.cpu_times()?;
        let status = self.status.read(&mut self.buffer)?;
        let status = parse::status(status).ok_or_else(|| self.status.malformed(STATUS))?;
        Ok(Sample {
            taken,
            status: Status::from_letter(char::from(status.state)),
            voluntary: status.voluntary,
            nonvoluntary: status.nonvoluntary,
            user_ns,
            system_ns,
            cpu_ns: cpu.map_or(user_ns.saturating_add(system_ns), |time| {
                // A CPU clock is never negative.
                u64::try_from(time.num_nanoseconds()).unwrap_or(0)
            }),
            resident: status.resident,
            virtual_size: status.virtual_size,
            threads: status.threads,
            io,
        })
    }

    /// The I/O counters; `None` when they are not for us to see, for that is no reason to show nothing at all.
    fn read_io(&mut self) -> Result<Option<Io>, ProcessError> {
        let Ok(kept) = &self.io else { return Ok(None) };
        let (io, refused) = match kept.read(&mut self.buffer) {
            Ok(text) => (Some(parse::io(text).ok_or_else(|| kept.malformed(IO))?), None),
            Err(ProcessError::Os { errno: errno @ (Errno::EACCES | Errno::EPERM), .. }) => (None, Some(errno)),
            Err(error) => return Err(error),
        };
        self.io_refused = refused;
        Ok(io)
    }

    /// ns in user and in kernel mode.
    fn cpu_times(&mut self) -> Result<(u64, u64), ProcessError> {
        if self.is_own() {
            let usage = getrusage(UsageWho::RUSAGE_SELF)
                .map_err(|errno| ProcessError::Os { what: "read our resource usage".to_owned(), errno })?;
            return Ok((timeval_ns(usage.user_time()), timeval_ns(usage.system_time())));
        }
        let stat = parse::stat(self.stat.read(&mut self.buffer)?).ok_or_else(|| self.stat.malformed(STAT))?;
        Ok((ticks_ns(stat.utime), ticks_ns(stat.stime)))
    }

    /// Whether it is the process that this code runs in.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        matches!(self.life, Life::Own)
    }

    /// Number of open descriptors; `None` when the kernel does not let us see them.
    #[must_use]
    pub fn count_descriptors(&self) -> Option<u64> {
        match descriptors::count(self.descriptors.as_ref().ok()?)? {
            // It is those of the first thread that are counted, which has none any more when it has ended.
            0 if self.has_lost_its_first_thread() => None,
            count => Some(count),
        }
    }

    fn has_lost_its_first_thread(&self) -> bool {
        self.stat.read(&mut Buffer::new()).is_ok_and(sources::has_lost_its_first_thread)
    }

    /// Its descriptors, threads, regular files and sockets. What the kernel does not let us see is `None`;
    /// [`refusals`](Self::refusals) says why. A zombie has no descriptors.
    ///
    /// # Errors
    /// As for [`sample`](Self::sample).
    pub fn info(&mut self) -> Result<ProcessInfo, ProcessError> {
        let Sample { threads, status, .. } = self.sample()?;
        let info = match status {
            Status::Zombie if self.ended() => ProcessInfo::of_zombie(threads),
            // Its first thread has ended, and it is that one's descriptors that are kept.
            Status::Zombie => ProcessInfo::hidden(threads),
            _ => self.look_at_descriptors(threads)?,
        };
        // What was read by its id is the process's own only if that still lives.
        self.life.check()?;
        Ok(info)
    }

    fn look_at_descriptors(&self, threads: u64) -> Result<ProcessInfo, ProcessError> {
        let Ok(directory) = &self.descriptors else { return Ok(ProcessInfo::hidden(threads)) };
        let open = match descriptors::list(directory) {
            Ok(open) => open,
            // It has become another user's since its directory was opened.
            Err(ProcessError::Os { errno: Errno::EACCES | Errno::EPERM, .. }) => {
                return Ok(ProcessInfo::hidden(threads));
            }
            Err(error) => return Err(self.life.judge(error)),
        };
        let descriptors = self.count_descriptors();
        let sockets = sockets::describe(self.identity.pid(), &self.life, directory, &open.sockets);
        Ok(ProcessInfo { descriptors, threads, files: Some(open.files), sockets: Some(sockets) })
    }

    /// Looks at something that is not among the counters. Opens what it reads each time: it is asked for seldom.
    ///
    /// # Errors
    /// When the kernel refuses, or [`ProcessError::Gone`].
    pub fn inspect(&self, subject: Subject) -> Result<Inspection, ProcessError> {
        let seen = self.look_at(subject).map_err(|error| self.life.judge(error))?;
        // What was read by its id is the process's own only if that still lives.
        self.life.check()?;
        Ok(seen)
    }

    fn look_at(&self, subject: Subject) -> Result<Inspection, ProcessError> {
        let pid = self.identity.pid();
        Ok(match subject {
            Subject::Descriptors => Inspection::Descriptors(descriptors::describe(pid)?),
            Subject::Environment => Inspection::Environment(environment::read(pid)?),
            Subject::Maps => Inspection::Maps(maps::read(pid)?),
        })
    }

    /// The CPUs that its main thread may run on, sorted.
    ///
    /// # Errors
    /// [`ProcessError::Gone`], or when the kernel refuses.
    pub fn affinity(&self) -> Result<Vec<u32>, ProcessError> {
        let cpus = affinity::get(self.identity.pid()).map_err(|error| self.life.judge(error))?;
        self.life.check()?;
        Ok(cpus)
    }

    /// Lets all its threads run on `cpus` only. The CPUs that it may run on then are the answer: fewer than asked for
    /// where a cpuset forbids some.
    ///
    /// # Errors
    /// When the kernel refuses (a CPU that does not exist or is forbidden, a process of another user); the threads that
    /// were changed already have been changed back.
    pub fn set_affinity(&mut self, cpus: &[u32]) -> Result<Vec<u32>, ProcessError> {
        affinity::set(self.identity.pid(), cpus, &self.life).map_err(|error| self.life.judge(error))
    }

    /// Gives back to the system what memory it can. Takes some ms for each 10 MB.
    ///
    /// # Errors
    /// [`ProcessError::Unsupported`] for a process that is not our own; as for [`sample`](Self::sample).
    pub fn collect_garbage(&mut self) -> Result<Garbage, ProcessError> {
        if !self.is_own() {
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

/// A source that the kernel refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file, with `PID` for the id, or the system call.
    pub source: &'static str,
    /// The kernel's reason.
    pub errno: Errno,
}

const STAT: &str = "the fields of proc_pid_stat(5)";
const STATUS: &str = "the lines of proc_pid_status(5)";
const IO: &str = "the lines of proc_pid_io(5)";

fn timeval_ns(time: TimeVal) -> u64 {
    u64::try_from(time.num_microseconds()).unwrap_or(0).saturating_mul(1000)
}

mod measures;
mod open;
mod signal;
#[cfg(test)]
mod tests;
