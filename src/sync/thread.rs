//! Named threads that are joined when their handle goes.

use std::io;
use std::thread::{Builder, JoinHandle};

/// A running thread. Dropping it waits for the thread's end, so whoever holds it must first have told the thread to end
/// (by dropping the channel it reads from, or by its waker): declare that field *before* this one, fields drop in order.
#[derive(Debug)]
pub struct Thread {
    handle: Option<JoinHandle<()>>,
}

impl Thread {
    /// Starts a thread. `name` is what `/proc` and `ps -L` show: at most 15 bytes, or the kernel cuts it
    /// (`PR_SET_NAME(2const)`).
    ///
    /// # Errors
    /// When the kernel refuses a thread (`EAGAIN`).
    pub fn spawn(name: &'static str, body: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        debug_assert!(name.len() <= 15, "the kernel cuts the thread name {name:?}");
        let handle = Builder::new().name(name.to_owned()).stack_size(STACK).spawn(body)?;
        Ok(Self { handle: Some(handle) })
    }

    /// Whether the thread's body has returned, so that a join will not wait.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

/// Bytes of address space a thread's stack may grow to; only what is used becomes resident. Measured by the most that any thread
/// had resident, which is an SSH connection's: 48 KB after logins with keys of all kinds and every command; agreeing on keys by
/// ML-KEM takes more, 96 to 128 KB with client and server on one stack, without optimisation. The rest is for commands and
/// procedures of an embedding program.
const STACK: usize = 256 * 1024;

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            if handle.join().is_err() {
                log::error!("a thread of ours panicked: this is a bug in wampproc");
            }
        }
    }
}
