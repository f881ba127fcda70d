//! The target: the process that is measured and managed. The only place that touches `/proc`.
//!
//! A [`Target`] holds everything that belongs to one process: who it is, its pidfd, and its files of `/proc/PID`, kept
//! open. It is made for the agent's own process ([`Target::own`]) or for any other ([`Target::open`]); what differs (the
//! source of the CPU times, the way to its sockets, giving back memory) is decided there once. Nothing here starts a thread or keeps a clock: whoever holds
//! a target asks it, and each reading carries its time.

mod affinity;
pub mod cpu;
mod delay;
mod descendants;
mod descriptors;
mod environment;
mod error;
mod footprint;
mod group;
mod identity;
mod inspect;
mod kept;
mod life;
mod limits;
mod maps;
pub mod memory;
#[cfg(test)]
mod mutations;
mod name;
mod oom;
mod parse;
mod pidfd;
mod resident;
mod sample;
mod signal;
mod sockets;
mod sources;
pub mod system;
mod target;
mod threads;
mod totals;
mod tree;
mod trigger;
mod whole;

pub use descendants::{is_descendant, signal_descendants};
pub use descriptors::{Descriptor, ProcessInfo};
pub use environment::{MASK, Variable};
pub use error::{NoTarget, ProcessError};
pub use footprint::ProcessMemory;
pub use group::is_own_group_orphaned;
pub use identity::Identity;
pub use inspect::{Inspection, Subject};
pub use limits::{Bound, Limit};
pub use maps::{AddressSpace, Area, MOST_AREAS};
pub use memory::Garbage;
pub use name::name_of;
pub use oom::OomKills;
pub use parse::Io;
pub use resident::Resident;
pub use sample::{Sample, Status};
pub use signal::Signal;
pub use sockets::Socket;
pub use sources::Source;
pub use target::{Refusal, Target};
pub use threads::ThreadInfo;
pub use totals::{MOST_THREADS, ProcessTotals};
pub use tree::{DEEPEST, MOST_PROCESSES, ProcessTree, TreeProcess};
pub use trigger::{PRESSURE_WINDOW, Pressure, PressureTrigger};
