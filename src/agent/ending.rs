//! How an agent comes to a good end. Pure.

use crate::supervisor::End;

/// Why an agent has ended.
#[derive(Debug)]
pub enum Ending {
    /// Somebody asked it to ([`super::Stopper`]).
    Stopped,
    /// Its target is no more.
    Target(End),
}
