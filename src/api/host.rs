//! What the procedures that are answered at once know: what does not change while the target lives, and the host's CPUs.

use std::sync::OnceLock;

use super::failure::Failure;
use crate::process::{Identity, ProcessError, cpu};

/// Whether there is a way to have a process that is not our own give memory back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GarbageOfOthers {
    /// None was configured.
    Kept,
    /// A signal or a command.
    Collected,
}

/// Whether the target is a child that the agent supervises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervised {
    /// It is not.
    No,
    /// It is; its output is its own.
    Yes,
    /// It is, and the last of its output is kept.
    WithOutput,
}

/// The target's identity and the host's CPUs.
#[derive(Clone, Debug)]
pub struct Host {
    /// Or the reason why there is no target.
    target: Result<Identity, ProcessError>,
    garbage: GarbageOfOthers,
    supervised: Supervised,
    logical_cpus: OnceLock<Option<u64>>,
    physical_cpus: OnceLock<Option<u64>>,
}

impl Host {
    /// For a target, or with the reason why there is none.
    #[must_use]
    pub const fn new(target: Result<Identity, ProcessError>, garbage: GarbageOfOthers) -> Self {
        Self {
            target,
            garbage,
            supervised: Supervised::No,
            logical_cpus: OnceLock::new(),
            physical_cpus: OnceLock::new(),
        }
    }

    /// The same host with another target, or with the reason why there is none any more.
    #[must_use]
    pub fn with_target(&self, target: Result<Identity, ProcessError>) -> Self {
        Self { target, ..self.clone() }
    }

    /// The same for a child.
    #[must_use]
    pub fn supervising(self, supervised: Supervised) -> Self {
        Self { supervised, ..self }
    }

    /// Whether the target is a child.
    #[must_use]
    pub const fn supervised(&self) -> Supervised {
        self.supervised
    }

    /// The target's identity.
    ///
    /// # Errors
    /// [`Failure::Runtime`] with the reason, while there is no target.
    pub fn identity(&self) -> Result<&Identity, Failure> {
        self.target.as_ref().map_err(|reason| Failure::from(reason.clone()))
    }

    /// Whether `trigger_gc` does something for a target that is not our own process.
    #[must_use]
    pub const fn garbage_of_others(&self) -> GarbageOfOthers {
        self.garbage
    }

    /// How many logical CPUs the host has; `None` when the kernel does not say. Found out when first asked for.
    #[must_use]
    pub fn logical_cpus(&self) -> Option<u64> {
        *self.logical_cpus.get_or_init(cpu::logical)
    }

    /// How many cores the host has, by the same rules.
    #[must_use]
    pub fn physical_cpus(&self) -> Option<u64> {
        *self.physical_cpus.get_or_init(cpu::physical)
    }
}
