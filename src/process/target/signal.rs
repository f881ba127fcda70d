//! Sending a signal to the target and to nobody else.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::error::ProcessError;
use super::Target;

impl Target {
    /// Sends a signal, by the pidfd where there is one.
    ///
    /// # Errors
    /// [`ProcessError::Gone`], or when the kernel refuses: the process is another user's (`EPERM`).
    pub fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        let pid = self.identity.pid();
        let sent = match self.life.pidfd() {
            Some(pidfd) => pidfd.signal(signal),
            None => {
                self.life.check()?;
                kill(Pid::from_raw(pid), signal)
            }
        };
        sent.map_err(|errno| match errno {
            Errno::ESRCH => ProcessError::Gone { pid },
            errno => ProcessError::Os { what: format!("send {signal} to process {pid}"), errno },
        })
    }
}
