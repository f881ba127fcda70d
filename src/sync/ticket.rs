//! The number by which an answer finds its question.

/// Chosen by whoever asks another thread; comes back with the answer. Only the asker gives it a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);
