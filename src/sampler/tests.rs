//! The thread, with the real process.
