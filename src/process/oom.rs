//! How often the kernel killed for want of memory in the control group of a process (cgroups(7)): of version 2
//! `memory.events`, of version 1 `memory.oom_control`.

use std::fs;
use std::path::PathBuf;

use procfs::{FromBufRead, ProcessCGroups};

/// The count of one control group.
#[derive(Debug)]
pub struct OomKills {
    file: PathBuf,
}

impl OomKills {
    /// Of the control group that a process is in now; `None` when that does not count, as the host's root.
    #[must_use]
    pub fn of(pid: i32) -> Option<Self> {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let counter = files(&groups).into_iter().map(|file| Self { file });
        counter.into_iter().find(|counter| counter.count().is_some())
    }

    /// The count now; `None` when the group is gone.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        let text = fs::read_to_string(&self.file).ok()?;
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
    }
}

/// Where the count of a process with this `/proc/PID/cgroup` may stand.
fn files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(groups) = ProcessCGroups::from_buf_read(groups.as_bytes()) else { return files };
    for group in groups {
        let path = group.pathname.trim_start_matches('/');
        if group.controllers.is_empty() {
            for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
                files.push(PathBuf::from(root).join(path).join("memory.events"));
            }
        } else if group.controllers.iter().any(|controller| controller == "memory") {
            files.push(PathBuf::from("/sys/fs/cgroup/memory").join(path).join("memory.oom_control"));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_control_groups() {
        let groups = "12:memory:/a/b\n3:cpu,cpuacct:/a\n0::/user.slice/x:y.scope\n";
        let expected = [
            "/sys/fs/cgroup/memory/a/b/memory.oom_control",
            "/sys/fs/cgroup/user.slice/x:y.scope/memory.events",
            "/sys/fs/cgroup/unified/user.slice/x:y.scope/memory.events",
        ];
        assert_eq!(files(groups), expected.map(PathBuf::from));
        assert_eq!(files(""), Vec::<PathBuf>::new());
        assert_eq!(files("0::/\n")[0], PathBuf::from("/sys/fs/cgroup/memory.events"));
    }
}
