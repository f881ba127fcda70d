//! The threads of a process, each with what it is doing.

use std::fs;

use serde::Serialize;

use super::error::ProcessError;
use super::identity::ticks;
use super::parse;
use super::sample::Status;

/// A thread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThreadInfo {
    /// Its id; that of the main thread is the process's.
    pub tid: i32,
    /// Its name (`comm`). Bytes that are not UTF-8 are replaced.
    pub name: String,
    /// What it is doing.
    pub status: Status,
    /// CPU seconds; by the scheduler's clock where the kernel tells it, else in clock ticks.
    pub cpu: f64,
    /// Context switches of either kind; `None` when the kernel does not tell us.
    pub switches: Option<u64>,
    /// The kernel function that it sleeps in (`wchan`); `None` while it runs, and when the kernel does not tell us.
    pub waits_in: Option<String>,
}

/// All threads, by id. One that ends meanwhile is passed over.
pub(super) fn list(pid: i32) -> Result<Vec<ThreadInfo>, ProcessError> {
    let directory = format!("/proc/{pid}/task");
    let entries = fs::read_dir(&directory).map_err(|error| ProcessError::os(format!("list {directory}"), &error))?;
    let tids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut threads: Vec<ThreadInfo> = tids.filter_map(|tid| look(&directory, tid)).collect();
    threads.sort_unstable_by_key(|thread| thread.tid);
    Ok(threads)
}

fn look(directory: &str, tid: i32) -> Option<ThreadInfo> {
    let read = |name: &str| fs::read(format!("{directory}/{tid}/{name}")).ok();
    let stat = read("stat")?;
    let numbers = parse::stat(&stat)?;
    let (name, state) = parse::name_and_state(&stat)?;
    let scheduled = read("schedstat").and_then(|text| parse::first_number(&text)).filter(|ns| *ns > 0);
    let switches = read("status").and_then(|text| parse::status(&text)).map(|seen| seen.voluntary + seen.nonvoluntary);
    let waits_in = read("wchan").and_then(|text| String::from_utf8(text).ok());
    Some(ThreadInfo {
        tid,
        name: String::from_utf8_lossy(name).into_owned(),
        status: Status::from_letter(state),
        cpu: match scheduled {
            Some(ns) => ns as f64 / 1e9,
            None => ticks(numbers.utime + numbers.stime).as_secs_f64(),
        },
        switches,
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
        let threads = list(pid).unwrap();
        let found = threads.iter().find(|thread| thread.name == "a (listed) one").unwrap();
        assert!(found.tid != pid && found.cpu < 60.0);
        assert!(threads.iter().any(|thread| thread.tid == pid), "the main thread too");
        assert!(threads.windows(2).all(|pair| pair[0].tid < pair[1].tid));
        drop(end);
        thread.unwrap().join().unwrap();
        // Joined is before gone: the kernel takes it off the list a moment later.
        let deadline = Instant::now() + Duration::from_secs(10);
        while list(pid).unwrap().iter().any(|thread| thread.name == "a (listed) one") {
            assert!(Instant::now() < deadline, "it is listed for ever");
        }
        assert!(list(-1).is_err());
    }
}
