//! One reading of a process's counters, and what the kernel's state letters are called.

use serde::{Serialize, Serializer};

use super::parse::Io;
use crate::sync::clock::Now;

/// What was read of a process at one moment. Counters run since the process started; times are ns.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When it was read.
    pub taken: Now,
    /// What the main thread was doing.
    pub status: Status,
    /// Voluntary context switches of the main thread.
    pub voluntary: u64,
    /// Involuntary context switches of the main thread.
    pub nonvoluntary: u64,
    /// CPU time of all threads, ended ones too, in user mode: µs precise for the own process, clock ticks for another.
    pub user_ns: u64,
    /// The same in kernel mode.
    pub system_ns: u64,
    /// CPU time of all threads, ended ones too, by the scheduler's clock: the one for percentages.
    pub cpu_ns: u64,
    /// Resident memory in bytes.
    pub resident: u64,
    /// Virtual memory in bytes.
    pub virtual_size: u64,
    /// Number of threads.
    pub threads: u64,
    /// I/O counters; `None` when the kernel does not give them to us.
    pub io: Option<Io>,
}

/// The state of a process: the letter of proc_pid_stat(5), written with the word that psutil uses for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `R`
    Running,
    /// `S`: interruptible sleep.
    Sleeping,
    /// `D`: uninterruptible sleep.
    DiskSleep,
    /// `T`: stopped by a signal.
    Stopped,
    /// `t`: stopped by a tracer.
    TracingStop,
    /// `Z`: ended, not waited for.
    Zombie,
    /// `X`, `x`
    Dead,
    /// `K`, Linux 2.6.33 to 3.13.
    WakeKill,
    /// `W`, Linux 2.6.33 to 3.13.
    Waking,
    /// `I`: an idle kernel thread.
    Idle,
    /// `P`
    Parked,
    /// A letter of a kernel newer than this list; written `?`, as psutil does.
    Unknown,
}

impl Status {
    pub(super) fn from_letter(letter: char) -> Self {
        match letter {
            'R' => Self::Running,
            'S' => Self::Sleeping,
            'D' => Self::DiskSleep,
            'T' => Self::Stopped,
            't' => Self::TracingStop,
            'Z' => Self::Zombie,
            'X' | 'x' => Self::Dead,
            'K' => Self::WakeKill,
            'W' => Self::Waking,
            'I' => Self::Idle,
            'P' => Self::Parked,
            _ => Self::Unknown,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Sleeping => "sleeping",
            Self::DiskSleep => "disk-sleep",
            Self::Stopped => "stopped",
            Self::TracingStop => "tracing-stop",
            Self::Zombie => "zombie",
            Self::Dead => "dead",
            Self::WakeKill => "wake-kill",
            Self::Waking => "waking",
            Self::Idle => "idle",
            Self::Parked => "parked",
            Self::Unknown => "?",
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_its_word() {
        let words: Vec<_> = "RSDTtZXxKWIPq".chars().map(|letter| Status::from_letter(letter).name()).collect();
        let expected =
            "running sleeping disk-sleep stopped tracing-stop zombie dead dead wake-kill waking idle parked ?";
        assert_eq!(words.join(" "), expected);
    }
}
