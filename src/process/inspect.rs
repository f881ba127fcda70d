//! What can be looked at in a process beyond its counters, read when somebody asks: threads, descriptors, environment,
//! limits, address space.

use serde::Serialize;

use super::descriptors::Descriptor;
use super::environment::Variable;
use super::limits::Limit;
use super::maps::AddressSpace;
use super::threads::ThreadInfo;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Its threads.
    Threads,
    /// Its open descriptors.
    Descriptors,
    /// The environment that it was started with.
    Environment,
    /// Its resource limits.
    Limits,
    /// What takes up its address space.
    Maps,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Inspection {
    /// Of [`Subject::Threads`], by id.
    Threads(Vec<ThreadInfo>),
    /// Of [`Subject::Descriptors`], by number.
    Descriptors(Vec<Descriptor>),
    /// Of [`Subject::Environment`], in its order.
    Environment(Vec<Variable>),
    /// Of [`Subject::Limits`], in the kernel's order.
    Limits(Vec<Limit>),
    /// Of [`Subject::Maps`].
    Maps(AddressSpace),
}
