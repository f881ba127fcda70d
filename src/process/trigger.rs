//! Pressure stall information: a trigger that the kernel pulls when tasks of the machine were held up for too long
//! (`Documentation/accounting/psi.rst`, *Monitoring for pressure thresholds*).

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use nix::errno::Errno;

use super::error::ProcessError;

/// What tasks are held up by, and whether some of them or all at once. (All tasks at once are never held up by the CPU: one
/// of them has it.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressure {
    /// Some tasks wait for a CPU.
    CpuSome,
    /// Some tasks wait for memory.
    MemorySome,
    /// All tasks that are not idle wait for memory.
    MemoryFull,
    /// Some tasks wait for input or output.
    IoSome,
    /// All tasks that are not idle wait for input or output.
    IoFull,
}

/// Over what time stalls are counted: the shortest that the kernel allows everybody (since Linux 6.5), who may only have
/// multiples of it.
pub const PRESSURE_WINDOW: Duration = Duration::from_secs(2);

/// An armed trigger. Its descriptor has something urgent (`POLLPRI`) when the threshold was exceeded, at most once in
/// [`PRESSURE_WINDOW`], and forgets that when it is polled.
#[derive(Debug)]
pub struct PressureTrigger {
    file: File,
}

impl Pressure {
    const fn path(self) -> &'static str {
        match self {
            Self::CpuSome => "/proc/pressure/cpu",
            Self::MemorySome | Self::MemoryFull => "/proc/pressure/memory",
            Self::IoSome | Self::IoFull => "/proc/pressure/io",
        }
    }

    const fn share(self) -> &'static str {
        match self {
            Self::CpuSome | Self::MemorySome | Self::IoSome => "some",
            Self::MemoryFull | Self::IoFull => "full",
        }
    }
}

impl fmt::Display for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.share(), self.path())
    }
}

impl PressureTrigger {
    /// Asks the kernel to tell when tasks were held up for `stalled` in [`PRESSURE_WINDOW`] (1 µs to all of it).
    ///
    /// # Errors
    /// [`ProcessError::Unsupported`] when this kernel has no pressure stall information, or none with triggers;
    /// [`ProcessError::Os`] when it refuses: `EACCES` and `EPERM` before Linux 6.5 without `CAP_SYS_RESOURCE`, `EINVAL` for a
    /// time out of range.
    pub fn arm(pressure: Pressure, stalled: Duration) -> Result<Self, ProcessError> {
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits())
            .open(pressure.path());
        let mut file = options.map_err(|error| refused(pressure, &error))?;
        // The kernel takes the last byte for the text's end, whatever it is.
        let text = format!("{} {} {}\0", pressure.share(), stalled.as_micros(), PRESSURE_WINDOW.as_micros());
        file.write_all(text.as_bytes()).map_err(|error| refused(pressure, &error))?;
        Ok(Self { file })
    }

    /// Why no trigger can be had, for whichever pressure; `None` when they can. Tried each time: a process may
    /// change its user.
    #[must_use]
    pub fn lack() -> Option<String> {
        Self::arm(Pressure::CpuSome, PRESSURE_WINDOW).err().map(|error| error.to_string())
    }
}

impl AsFd for PressureTrigger {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn refused(pressure: Pressure, error: &std::io::Error) -> ProcessError {
    match error.raw_os_error().map(Errno::from_raw) {
        // Not built in; built in and switched off; without triggers, as before Linux 5.2.
        Some(Errno::ENOENT | Errno::EOPNOTSUPP | Errno::EIO) => ProcessError::Unsupported {
            feature: "pressure stall information with triggers",
            remedy: "it takes Linux 5.2 or later, built with CONFIG_PSI and booted with psi=1",
        },
        _ => ProcessError::os(format!("set a trigger for {pressure}"), error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Pressure; 5] =
        [Pressure::CpuSome, Pressure::MemorySome, Pressure::MemoryFull, Pressure::IoSome, Pressure::IoFull];

    #[test]
    fn a_trigger_is_armed_or_refused_for_a_reason() {
        for pressure in ALL {
            for stalled in [Duration::from_micros(1), PRESSURE_WINDOW] {
                match PressureTrigger::arm(pressure, stalled) {
                    Ok(_) | Err(ProcessError::Unsupported { .. }) => {}
                    Err(ProcessError::Os {
                        what,
                        errno: Errno::EACCES | Errno::EPERM | Errno::EROFS | Errno::EINVAL,
                    }) => {
                        assert!(what.starts_with("set a trigger for "), "{what}");
                        assert!(what.ends_with(pressure.path()), "{what}");
                    }
                    Err(error) => panic!("{pressure}: {error}"),
                }
            }
        }
    }

    #[test]
    fn they_lack_where_one_is_refused() {
        let armed = PressureTrigger::arm(Pressure::IoFull, PRESSURE_WINDOW);
        assert_eq!(PressureTrigger::lack().is_none(), armed.is_ok(), "{armed:?}");
    }

    #[test]
    fn more_than_the_window_is_out_of_range() {
        match PressureTrigger::arm(Pressure::IoSome, PRESSURE_WINDOW + Duration::from_micros(1)) {
            Err(ProcessError::Os { .. } | ProcessError::Unsupported { .. }) => {}
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_kernel_without_it_is_told_from_one_that_refuses() {
        let error = |errno: Errno| refused(Pressure::MemoryFull, &errno.into());
        for errno in [Errno::ENOENT, Errno::EOPNOTSUPP, Errno::EIO] {
            assert!(matches!(error(errno), ProcessError::Unsupported { .. }), "{errno}");
        }
        let sentence = error(Errno::EACCES).to_string();
        assert_eq!(sentence, "cannot set a trigger for full of /proc/pressure/memory: Permission denied");
    }
}
