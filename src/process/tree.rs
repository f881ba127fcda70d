//! A process with all its descendants.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::Duration;

use procfs::process::Stat;
use serde::Serialize;

use super::error::ProcessError;
use super::identity::{since_boot, ticks};
use super::sample::Status;
use super::{threads, whole};
use crate::sync::clock::Now;
use crate::terminal::printable;

/// A process and its descendants.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessTree {
    /// Whether these are all: not with more than [`MOST_PROCESSES`], or descendants deeper than [`DEEPEST`].
    pub complete: bool,
    /// Each process before its children, siblings by their ids; the first one is the root.
    pub processes: Vec<TreeProcess>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TreeProcess {
    /// Its id.
    pub pid: i32,
    /// Its parent's id.
    pub ppid: i32,
    /// How many generations below the root.
    pub depth: u32,
    /// Its name (`comm`). Bytes that are not UTF-8 are replaced, and what a terminal would act on is escaped.
    pub name: String,
    /// What its main thread is doing.
    pub status: Status,
    /// When it started, by the present wall clock; 10 ms precise.
    pub started: crate::sync::clock::Timestamp,
    /// Seconds since then.
    pub uptime: f64,
    /// Number of threads.
    pub threads: u64,
    /// Resident bytes; `None` for a process without memory (a zombie, a kernel thread).
    pub resident: Option<u64>,
    /// CPU seconds of all its threads, ended ones too; whole clock ticks.
    pub cpu: f64,
}

/// So many processes are told at most.
pub const MOST_PROCESSES: usize = 1000;
/// So many generations are told at most.
pub const DEEPEST: u32 = 64;

/// Reads the tree below `pid`. Processes start and end meanwhile: one that is gone is passed over, and so is one that is not its
/// parent's child any more (whose parent ended, or whose id was used again).
pub(super) fn read(pid: i32) -> Result<ProcessTree, ProcessError> {
    let times = Times { now: Now::read(), since_boot: since_boot()? };
    let walk = |kernel: &dyn Kernel| walk(kernel, pid, &times);
    let tree =
        if fs::exists(children_path(pid, pid)).unwrap_or(false) { walk(&ChildrenFiles) } else { walk(&Pass::new()) };
    tree.ok_or_else(|| ProcessError::Malformed {
        file: format!("/proc/{pid}/stat"),
        expected: "the fields of proc_pid_stat(5)",
    })
}

/// Since Linux 3.5, where the kernel is built with `CONFIG_PROC_CHILDREN`.
pub(super) fn children_path(pid: i32, tid: i32) -> String {
    format!("/proc/{pid}/task/{tid}/children")
}

/// Where processes come from; the tests put others in its place.
trait Kernel {
    /// A process's `stat`.
    fn stat(&self, pid: i32) -> Option<Stat>;
    /// The ids of its children.
    fn children(&self, pid: i32) -> Vec<i32>;
}

/// Every thread has a file that lists the children which it started.
struct ChildrenFiles;

impl Kernel for ChildrenFiles {
    fn stat(&self, pid: i32) -> Option<Stat> {
        whole::stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    fn children(&self, pid: i32) -> Vec<i32> {
        let tids = threads::tids(pid).unwrap_or_default();
        let texts = tids.into_iter().filter_map(|tid| fs::read_to_string(children_path(pid, tid)).ok());
        let mut children = Vec::new();
        for text in texts {
            children.extend(text.split_ascii_whitespace().filter_map(|id| id.parse::<i32>().ok()));
        }
        children
    }
}

/// Every process says who its parent is: all are asked once.
struct Pass {
    children: HashMap<i32, Vec<i32>>,
}

impl Pass {
    fn new() -> Self {
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
            let parent = ChildrenFiles.stat(pid).map(|stat| stat.ppid);
            children.entry(parent.unwrap_or(0)).or_default().push(pid);
        }
        Self { children }
    }
}

impl Kernel for Pass {
    fn stat(&self, pid: i32) -> Option<Stat> {
        ChildrenFiles.stat(pid)
    }

    fn children(&self, pid: i32) -> Vec<i32> {
        self.children.get(&pid).cloned().unwrap_or_default()
    }
}

/// The moment of a walk.
struct Times {
    now: Now,
    since_boot: Duration,
}

/// A process with the clock ticks from boot to its start.
struct Found {
    process: TreeProcess,
    start: u64,
}

/// `None` when there is nothing to be read of the root.
fn walk(kernel: &dyn Kernel, root: i32, times: &Times) -> Option<ProcessTree> {
    let mut tree = ProcessTree { complete: true, processes: Vec::new() };
    let mut known = HashSet::from([root]);
    let mut waiting = vec![look(kernel, root, 0, times)?];
    while let Some(Found { process, start }) = waiting.pop() {
        let mut children = kernel.children(process.pid);
        children.sort_unstable();
        children.dedup();
        let depth = process.depth + 1;
        // From the last one on: what waits last comes first.
        for child in children.into_iter().rev() {
            if depth > DEEPEST || known.len() >= MOST_PROCESSES {
                tree.complete = false;
                break;
            }
            if known.contains(&child) {
                continue;
            }
            let Some(found) = look(kernel, child, depth, times) else { continue };
            // A parent never is younger than its child; its id may be.
            if found.process.ppid == process.pid && found.start >= start {
                known.insert(child);
                waiting.push(found);
            }
        }
        tree.processes.push(process);
    }
    Some(tree)
}

fn look(kernel: &dyn Kernel, pid: i32, depth: u32, times: &Times) -> Option<Found> {
    let stat = kernel.stat(pid)?;
    let age = times.since_boot.saturating_sub(ticks(stat.starttime));
    let pages = Some(stat.rss).filter(|pages| *pages > 0);
    let process = TreeProcess {
        pid,
        ppid: stat.ppid,
        depth,
        name: printable(&stat.comm).into_owned(),
        status: Status::from_letter(stat.state),
        started: times.now.wall.minus(age),
        uptime: age.as_secs_f64(),
        threads: u64::try_from(stat.num_threads).ok()?,
        resident: pages.and_then(|pages| pages.checked_mul(procfs::page_size())),
        cpu: ticks(stat.utime.saturating_add(stat.stime)).as_secs_f64(),
    };
    Some(Found { process, start: stat.starttime })
}

#[cfg(test)]
mod tests;
