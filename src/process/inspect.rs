//! What can be looked at in a process by those who are let into it, and not by callers of the API: descriptors, environment,
//! address space.

use serde::Serialize;

use super::descriptors::Descriptor;
use super::environment::Variable;
use super::maps::AddressSpace;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Its open descriptors.
    Descriptors,
    /// The environment that it was started with.
    Environment,
    /// What takes up its address space.
    Maps,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Inspection {
    /// Of [`Subject::Descriptors`], by number.
    Descriptors(Vec<Descriptor>),
    /// Of [`Subject::Environment`], in its order.
    Environment(Vec<Variable>),
    /// Of [`Subject::Maps`].
    Maps(AddressSpace),
}
