//! The threads of a process, each with what it is doing.

use std::fs;

use serde::Serialize;

use super::error::ProcessError;
use super::identity::ticks;
use super::sample::Status;
use super::{parse, whole};
use crate::terminal::printable;

/// A thread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThreadInfo {
    /// Its id; that of the main thread is the process's.
    pub tid: i32,
    /// Its name (`comm`). Bytes that are not UTF-8 are replaced, and what a terminal would act on is escaped.
    pub name: String,
    /// What it is doing.
    pub status: Status,
    /// CPU seconds; by the scheduler's clock where the kernel tells it, else in clock ticks.
    pub cpu: f64,
    /// Seconds that it was ready to run and waited for a CPU; `None` when the kernel does not tell us.
    pub run_queue_wait: Option<f64>,
    /// Voluntary context switches; `None` when the kernel does not tell us.
    pub voluntary: Option<u64>,
    /// Involuntary context switches; `None` when the kernel does not tell us.
    pub nonvoluntary: Option<u64>,
    /// The CPU that it ran on last.
    pub processor: Option<u64>,
    /// The kernel function that it sleeps in (`wchan`); `None` while it runs, and when the kernel does not tell us.
    pub waits_in: Option<String>,
}

/// The oldest threads, so many of them, the main thread first. One that ends meanwhile is passed over.
pub(super) fn list(pid: i32, most: usize) -> Result<Vec<ThreadInfo>, ProcessError> {
    let directory = format!("/proc/{pid}/task");
    let tids = tids(pid)?.into_iter().take(most);
    Ok(tids.filter_map(|tid| look(&directory, tid)).collect())
}

/// The ids of all threads, in the order of their start, as the kernel lists them. Ids wrap, so theirs may be another.
pub(super) fn tids(pid: i32) -> Result<Vec<i32>, ProcessError> {
    let directory = format!("/proc/{pid}/task");
    let entries = fs::read_dir(&directory).map_err(|error| ProcessError::os(format!("list {directory}"), &error))?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

fn look(directory: &str, tid: i32) -> Option<ThreadInfo> {
    let read = |name: &str| fs::read(format!("{directory}/{tid}/{name}")).ok();
    let stat = read("stat").and_then(|text| whole::stat(&text))?;
    let scheduled = read("schedstat").and_then(|text| whole::schedstat(&text));
    // By the parser of the ticks: the crate makes 60 pairs of texts for these two numbers, 18 µs for each of 4,096 threads.
    let status = read("status").and_then(|text| parse::status(&text));
    let waits_in = read("wchan").and_then(|text| String::from_utf8(text).ok());
    Some(ThreadInfo {
        tid,
        name: printable(&stat.comm).into_owned(),
        status: Status::from_letter(stat.state),
        cpu: match &scheduled {
            Some(scheduled) => scheduled.sum_exec_runtime as f64 / 1e9,
            None => ticks(stat.utime.saturating_add(stat.stime)).as_secs_f64(),
        },
        run_queue_wait: scheduled.map(|scheduled| scheduled.run_delay as f64 / 1e9),
        voluntary: status.map(|status| status.voluntary),
        nonvoluntary: status.map(|status| status.nonvoluntary),
        processor: stat.processor.and_then(|cpu| u64::try_from(cpu).ok()),
        // `0` stands for: does not sleep, or not for us to see.
        waits_in: waits_in.filter(|function| !function.is_empty() && function != "0"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    #[test]
    fn a_thread_is_listed_by_its_name_while_it_lives() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let (end, ended) = channel::<()>();
        let (begun, has_begun) = channel();
        let builder = std::thread::Builder::new().name("a (listed) one".to_owned());
        let thread = builder.spawn(move || {
            begun.send(()).unwrap();
            let _ = ended.recv();
        });
        has_begun.recv().unwrap();
        let threads = list(pid, 4096).unwrap();
        let found = threads.iter().find(|thread| thread.name == "a (listed) one").unwrap();
        assert!(found.tid != pid && found.cpu < 60.0);
        assert!(threads.iter().any(|thread| thread.tid == pid), "the main thread too");
        assert_eq!(list(pid, 1).unwrap().len(), 1);
        assert_eq!(threads[0].tid, pid, "the oldest first");
        drop(end);
        thread.unwrap().join().unwrap();
        // Joined is before gone: the kernel takes it off the list a moment later.
        let deadline = Instant::now() + Duration::from_secs(10);
        while list(pid, 4096).unwrap().iter().any(|thread| thread.name == "a (listed) one") {
            assert!(Instant::now() < deadline, "it is listed for ever");
        }
        assert!(list(-1, 4096).is_err());
    }
}
