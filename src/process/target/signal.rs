//! Sending a signal to the target and to nobody else.

use nix::errno::Errno;

use super::super::error::ProcessError;
use super::super::life::Life;
use super::super::signal::Signal;
use super::Target;

impl Target {
    /// Sends a signal, by the pidfd where there is one.
    ///
    /// # Errors
    /// [`ProcessError::Gone`], or when the kernel refuses: the process is another user's (`EPERM`).
    /// [`ProcessError::Unsupported`] for our own process and a signal that could end or stop it.
    pub fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        let pid = self.identity.pid();
        if matches!(self.life, Life::Own) && !signal.is_harmless() {
            return Err(ProcessError::Unsupported {
                feature: "a signal that could end or stop the agent itself",
                remedy: "it takes CHLD, CONT, URG and WINCH",
            });
        }
        let sent = match self.life.pidfd() {
            Some(pidfd) => pidfd.signal(signal),
            None => {
                self.life.check()?;
                signal.send(pid)
            }
        };
        sent.map_err(|errno| match errno {
            Errno::ESRCH => ProcessError::Gone { pid },
            errno => ProcessError::Os { what: format!("send {signal} to process {pid}"), errno },
        })
    }
}
