//! All threads or none: with made-up threads that refuse, end and multiply, and with our own.

use super::*;

use std::cell::Cell;

fn cpus(list: &[u32]) -> CpuSet {
    let mut set = CpuSet::new();
    for &cpu in list {
        set.set(cpu as usize).unwrap();
    }
    set
}

/// Process 1 with made-up threads.
struct Made {
    affinity: BTreeMap<i32, CpuSet>,
    refuses: Option<(i32, Errno)>,
    /// Threads that start, one before each listing, with the CPUs that all had at first.
    starting: Cell<Vec<i32>>,
    started: Cell<Vec<i32>>,
}

impl Made {
    fn new(tids: &[i32]) -> Self {
        let affinity = tids.iter().map(|tid| (*tid, cpus(&[0, 1]))).collect();
        Self { affinity, refuses: None, starting: Cell::default(), started: Cell::default() }
    }
}

impl Threads for Made {
    fn list(&self) -> Result<Vec<i32>, ProcessError> {
        let mut starting = self.starting.take();
        let mut started = self.started.take();
        started.extend(starting.pop());
        let listed = self.affinity.keys().chain(&started).copied().collect();
        self.starting.set(starting);
        self.started.set(started);
        Ok(listed)
    }

    fn affinity(&self, tid: i32) -> Result<CpuSet, Errno> {
        Ok(self.affinity.get(&tid).copied().unwrap_or_else(|| cpus(&[0, 1])))
    }

    fn set_affinity(&mut self, tid: i32, cpus: &CpuSet) -> Result<(), Errno> {
        match self.refuses {
            Some((refusing, errno)) if refusing == tid => Err(errno),
            _ => {
                self.affinity.insert(tid, *cpus);
                Ok(())
            }
        }
    }

    fn pid(&self) -> i32 {
        1
    }
}

#[test]
fn one_thread_that_refuses_and_none_is_changed() {
    let mut threads = Made::new(&[1, 2, 3]);
    threads.affinity.insert(2, cpus(&[1]));
    threads.refuses = Some((3, Errno::EPERM));
    let before = threads.affinity.clone();
    let error = set_all(&mut threads, &cpus(&[0])).unwrap_err();
    assert_eq!(error, ProcessError::Os { what: "set the CPU affinity of thread 3".into(), errno: Errno::EPERM });
    assert_eq!(threads.affinity, before);
}

#[test]
fn threads_that_start_meanwhile_are_changed_too() {
    let mut threads = Made::new(&[1]);
    threads.starting = Cell::new(vec![5, 4, 3, 2]);
    set_all(&mut threads, &cpus(&[0])).unwrap();
    assert_eq!(threads.affinity, (1..=5).map(|tid| (tid, cpus(&[0]))).collect());
}

#[test]
fn threads_that_start_without_end_are_a_refusal() {
    let mut threads = Made::new(&[1]);
    threads.starting = Cell::new((2..1000).collect());
    let error = set_all(&mut threads, &cpus(&[0])).unwrap_err();
    assert!(matches!(error, ProcessError::Os { errno: Errno::EAGAIN, .. }), "{error}");
    assert!(threads.affinity.values().all(|had| *had == cpus(&[0, 1])));
}

#[test]
fn a_thread_that_has_ended_is_passed_over_but_the_main_one_is_the_process() {
    let mut threads = Made::new(&[1, 2, 3]);
    threads.refuses = Some((2, Errno::ESRCH));
    set_all(&mut threads, &cpus(&[1])).unwrap();
    assert_eq!(threads.affinity.get(&3), Some(&cpus(&[1])));
    threads.refuses = Some((1, Errno::ESRCH));
    assert_eq!(set_all(&mut threads, &cpus(&[0])), Err(ProcessError::Gone { pid: 1 }));
    assert_eq!(threads.affinity.get(&3), Some(&cpus(&[1])));
}

#[test]
fn every_thread_of_ours() {
    let pid = Pid::this().as_raw();
    let at_first = get(pid).unwrap();
    let one = [*at_first.last().unwrap()];
    let (told, wait) = crossbeam_channel::bounded::<()>(0);
    let (send_tid, tid) = crossbeam_channel::bounded(1);
    let thread = std::thread::spawn(move || {
        send_tid.send(nix::unistd::gettid().as_raw()).unwrap();
        let _ = wait.recv();
    });
    let tid = tid.recv().unwrap();
    assert_eq!(set(pid, &one, &Life::Own).unwrap(), one);
    assert_eq!(get(tid).unwrap(), one);
    assert_eq!(set(pid, &at_first, &Life::Own).unwrap(), at_first);
    assert_eq!(get(tid).unwrap(), at_first);

    // A CPU that is not there, one beyond what a set can hold, and no CPU at all: refused, and nothing is changed.
    for refused in [[1023].as_slice(), &[u32::MAX], &[]] {
        let error = set(pid, refused, &Life::Own).unwrap_err();
        assert!(matches!(error, ProcessError::Os { errno: Errno::EINVAL, .. }), "{error}");
        assert_eq!(get(tid).unwrap(), at_first);
    }
    drop(told);
    thread.join().unwrap();
}
