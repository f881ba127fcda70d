//! What can be measured of a target beyond its counters. Opens what it reads each time: it is asked for seldom.

use super::Target;
use crate::process::error::ProcessError;
use crate::process::footprint::{self, ProcessMemory};
use crate::process::kept::Buffer;
use crate::process::limits::{self, Limit};
use crate::process::sources::{self, Source};
use crate::process::threads::{self, ThreadInfo};
use crate::process::totals::{self, ProcessTotals};
use crate::process::tree::{self, ProcessTree};

impl Target {
    /// Its oldest threads, at most so many, the main thread first: some 30 µs each.
    ///
    /// # Errors
    /// When the kernel refuses, or [`ProcessError::Gone`]; so for all of these.
    pub fn threads(&self, most: usize) -> Result<Vec<ThreadInfo>, ProcessError> {
        self.truly(threads::list(self.identity.pid(), most))
    }

    /// Its memory in all its kinds. The kernel walks its page tables for that: 40 µs for a small process, 7 ms for one of 500 MB,
    /// and as long nobody else changes its mappings.
    ///
    /// # Errors
    /// See [`threads`](Self::threads).
    pub fn memory(&self) -> Result<ProcessMemory, ProcessError> {
        self.truly(footprint::read(self.identity.pid()))
    }

    /// Its resource limits, in the kernel's order, with what it uses of them: some 35 µs.
    ///
    /// # Errors
    /// See [`threads`](Self::threads).
    pub fn limits(&self) -> Result<Vec<Limit>, ProcessError> {
        self.truly(self.limits_and_usage())
    }

    fn limits_and_usage(&self) -> Result<Vec<Limit>, ProcessError> {
        let mut buffer = Buffer::new();
        let stat = self.stat.read(&mut buffer)?.to_vec();
        let status = self.status.read(&mut buffer)?;
        limits::read(self.identity.pid(), &stat, status, self.count_descriptors())
    }

    /// It and all its descendants: some 20 µs each.
    ///
    /// # Errors
    /// See [`threads`](Self::threads).
    pub fn tree(&self) -> Result<ProcessTree, ProcessError> {
        self.truly(tree::read(self.identity.pid()))
    }

    /// What it has used since it started: some 25 µs for each thread.
    ///
    /// # Errors
    /// See [`threads`](Self::threads).
    pub fn totals(&self) -> Result<ProcessTotals, ProcessError> {
        self.truly(totals::read(&self.identity))
    }

    /// Why what comes from a source is not known of it; `None` when it is. Asked of the kernel each time, some 10 µs: a process may
    /// change its user, or run another program.
    #[must_use]
    pub fn lacks(&self, source: Source) -> Option<String> {
        match self.truly(Ok(())) {
            Ok(()) => sources::lack(self.identity.pid(), source),
            Err(error) => Some(error.to_string()),
        }
    }

    /// What was read by its id is its own only if that still lives; and if not, no other error matters.
    fn truly<T>(&self, read: Result<T, ProcessError>) -> Result<T, ProcessError> {
        let read = read.map_err(|error| self.life.judge(error))?;
        self.life.check()?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
