//! Which CPUs a process may run on: read of its main thread, set on all its threads or on none.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::error::ProcessError;
use super::life::Life;

/// The CPUs that thread `tid` may run on, sorted.
pub(super) fn get(tid: i32) -> Result<Vec<u32>, ProcessError> {
    let set = sched_getaffinity(Pid::from_raw(tid)).map_err(|errno| refused("read", tid, errno))?;
    let count = u32::try_from(CpuSet::count()).unwrap_or(u32::MAX);
    Ok((0..count).filter(|&cpu| set.is_set(cpu as usize).unwrap_or(false)).collect())
}

/// Lets every thread of process `pid`, whose `life` is, run on `cpus` only; the main thread's CPUs afterwards are the answer.
pub(super) fn set(pid: i32, cpus: &[u32], life: &Life) -> Result<Vec<u32>, ProcessError> {
    let mut wanted = CpuSet::new();
    for &cpu in cpus {
        wanted.set(cpu as usize).map_err(|errno| ProcessError::Os { what: format!("run on CPU {cpu}"), errno })?;
    }
    set_all(&mut KernelThreads { pid, life }, &wanted)?;
    get(pid)
}

/// The threads of a process and the two calls that are made on them; the tests put other threads in its place.
trait Threads {
    fn list(&self) -> Result<Vec<i32>, ProcessError>;
    fn affinity(&self, tid: i32) -> Result<CpuSet, Errno>;
    fn set_affinity(&mut self, tid: i32, cpus: &CpuSet) -> Result<(), Errno>;
    fn pid(&self) -> i32;
}

struct KernelThreads<'a> {
    pid: i32,
    life: &'a Life,
}

impl KernelThreads<'_> {
    fn listed(&self) -> io::Result<Vec<i32>> {
        let mut tids = Vec::new();
        for entry in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            tids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
        }
        Ok(tids)
    }
}

impl Threads for KernelThreads<'_> {
    fn list(&self) -> Result<Vec<i32>, ProcessError> {
        let tids = self.listed().map_err(|error| match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOENT | Errno::ESRCH) => ProcessError::Gone { pid: self.pid },
            _ => ProcessError::os(format!("list the threads of process {}", self.pid), &error),
        })?;
        // Else they may be those of the next process with this id.
        self.life.check()?;
        Ok(tids)
    }

    fn affinity(&self, tid: i32) -> Result<CpuSet, Errno> {
        sched_getaffinity(Pid::from_raw(tid))
    }

    fn set_affinity(&mut self, tid: i32, cpus: &CpuSet) -> Result<(), Errno> {
        sched_setaffinity(Pid::from_raw(tid), cpus)
    }

    fn pid(&self) -> i32 {
        self.pid
    }
}

/// A thread that starts meanwhile has its starter's CPUs, which may be the old ones: so the list is read again until it
/// shows no thread that was not dealt with. Only a process that starts threads faster than they can be listed needs more
/// than two or three passes; after this many it counts as refused.
const PASSES: u32 = 64;

fn set_all(threads: &mut impl Threads, wanted: &CpuSet) -> Result<(), ProcessError> {
    let mut before = BTreeMap::new();
    let result = (0..PASSES)
        .find_map(|_| match pass(threads, wanted, &mut before) {
            Ok(0) => Some(Ok(())),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
        .unwrap_or_else(|| Err(refused("set", threads.pid(), Errno::EAGAIN)));
    if result.is_err() {
        for (tid, cpus) in &before {
            // It may have ended since; and if the kernel took the new CPUs, it takes the old ones.
            let _ = threads.set_affinity(*tid, cpus);
        }
    }
    result
}

/// Deals with the threads that are not in `before`, and notes there what they had. The answer is their number.
fn pass(threads: &mut impl Threads, wanted: &CpuSet, before: &mut BTreeMap<i32, CpuSet>) -> Result<u32, ProcessError> {
    let pid = threads.pid();
    let mut new = 0;
    for tid in threads.list()? {
        if before.contains_key(&tid) {
            continue;
        }
        let changed = threads.affinity(tid).and_then(|had| {
            threads.set_affinity(tid, wanted)?;
            Ok(had)
        });
        match changed {
            Ok(had) => {
                before.insert(tid, had);
                new += 1;
            }
            // A thread that has ended needs nothing.
            Err(Errno::ESRCH) if tid != pid => {}
            Err(Errno::ESRCH) => return Err(ProcessError::Gone { pid }),
            Err(errno) => return Err(refused("set", tid, errno)),
        }
    }
    Ok(new)
}

fn refused(verb: &str, tid: i32, errno: Errno) -> ProcessError {
    match errno {
        Errno::ESRCH => ProcessError::Gone { pid: tid },
        errno => ProcessError::Os { what: format!("{verb} the CPU affinity of thread {tid}"), errno },
    }
}

#[cfg(test)]
mod tests;
