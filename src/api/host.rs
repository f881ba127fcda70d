//! What the procedures that are answered at once know: what does not change while the target lives.

use std::sync::OnceLock;

use crate::process::{Identity, cpu};

/// The target's identity and the host's CPUs.
#[derive(Debug)]
pub struct Host {
    identity: Identity,
    logical_cpus: OnceLock<Option<u64>>,
    physical_cpus: OnceLock<Option<u64>>,
}

impl Host {
    /// For a target.
    #[must_use]
    pub const fn new(identity: Identity) -> Self {
        Self { identity, logical_cpus: OnceLock::new(), physical_cpus: OnceLock::new() }
    }

    /// The target's identity.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
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
