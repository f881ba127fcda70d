//! The resident memory of a process, by itself: cheaper than a whole sample.

use procfs::FromRead;
use procfs::process::StatM;

use super::error::ProcessError;
use super::kept::{Buffer, Kept};

/// The resident memory of one process, whoever gets its id later.
#[derive(Debug)]
pub struct Resident {
    statm: Kept,
    buffer: Buffer,
    page_size: u64,
}

impl Resident {
    /// Of the process with this id.
    ///
    /// # Errors
    /// When the kernel does not let us see it.
    pub fn open(pid: i32) -> Result<Self, ProcessError> {
        let statm = Kept::open(pid, "statm")?;
        Ok(Self { statm, buffer: Buffer::new(), page_size: procfs::page_size() })
    }

    /// Bytes now; 0 for a process that has ended.
    ///
    /// # Errors
    /// [`ProcessError::Gone`] when it was reaped.
    pub fn read(&mut self) -> Result<u64, ProcessError> {
        let text = self.statm.read(&mut self.buffer)?;
        let seen = StatM::from_read(text).map_err(|_| self.statm.malformed("the fields of proc_pid_statm(5)"))?;
        Ok(seen.resident.saturating_mul(self.page_size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_other_files_tell_it() {
        let own = std::process::id().try_into().unwrap();
        let resident = Resident::open(own).unwrap().read().unwrap();
        let peak = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak: u64 = peak
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
            .unwrap();
        assert!(resident > 100_000 && resident <= peak * 1024 + 1_000_000, "{resident} {peak}");
    }
}
