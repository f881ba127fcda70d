//! The real kernel, on ourselves and on children.
#![allow(unsafe_code)] // One thread changes its user id, which the C library only does for all of them.

use super::*;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::{Bound, Status};

/// A child that runs until this goes.
struct Running(Child);

impl Running {
    /// A shell that says a line when it is so far, and then does nothing more.
    fn new(script: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{script}; echo so far; read line")]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "so far\n");
        Self(child)
    }

    fn target(&self) -> Target {
        Target::open(self.0.id().try_into().unwrap()).unwrap()
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn limits_of_a_child_with_what_it_uses() {
    let child = Running::new("ulimit -n 77; ulimit -s 4096; exec 5</dev/null 6</dev/null");
    let target = child.target();
    let limits = target.limits().unwrap();
    let limit = |name: &str| limits.iter().find(|limit| limit.name == name).unwrap();
    assert_eq!((limit("open files").soft, limit("stack size").soft), (Bound::AtMost(77), Bound::AtMost(4096 * 1024)));
    assert_eq!(limit("open files").used, target.count_descriptors());
    assert!(limit("open files").used.unwrap() >= 5);
    assert!(limit("stack size").used.is_some_and(|bytes| bytes > 0 && bytes < 4096 * 1024));
    assert!(limit("address space").used >= limit("resident set").used);
    assert_eq!((limit("locked memory").used, limit("nice priority").used), (Some(0), Some(20)));
    assert_eq!(limit("file size").used, None);
}

#[test]
fn memory_of_a_child() {
    let mut child = Running::new(":");
    let target = child.target();
    let memory = target.memory().unwrap();
    let (pss, uss, resident) = (memory.pss.unwrap(), memory.uss.unwrap(), memory.resident.unwrap());
    assert!(uss > 0 && uss <= pss, "{memory:?}");
    assert!(memory.resident_peak.unwrap() >= resident && memory.virtual_size.unwrap() > resident, "{memory:?}");
    let kinds = [memory.resident_anon, memory.resident_file, memory.resident_shmem];
    assert_eq!(kinds.into_iter().map(Option::unwrap).sum::<u64>(), resident);
    child.end();
    assert!(matches!(target.memory().unwrap_err(), ProcessError::Gone { .. }));
}

#[test]
fn totals_of_a_child_have_its_children_in_them() {
    let child = Running::new("i=0; while [ $i -lt 20 ]; do /bin/true; i=$((i+1)); done");
    let target = child.target();
    let totals = target.totals().unwrap();
    assert_eq!((totals.threads, totals.switches_of_ended_threads), (1, false));
    assert!(totals.children_minor_faults > 0 && totals.minor_faults > 0, "{totals:?}");
    // It waited for twenty children.
    assert!(totals.voluntary.unwrap() >= 20, "{totals:?}");
    assert!(totals.run_queue_wait.is_none_or(|seconds| seconds < 600.0));
    assert_eq!(totals.started, target.identity().started());
}

#[test]
fn our_own_totals_count_threads_that_have_ended() {
    let target = Target::own().unwrap();
    let before = target.totals().unwrap();
    assert!(before.switches_of_ended_threads);
    std::thread::spawn(|| {
        for _ in 0..50 {
            std::thread::sleep(Duration::from_micros(10));
        }
    })
    .join()
    .unwrap();
    assert!(target.totals().unwrap().voluntary.unwrap() >= before.voluntary.unwrap() + 50);
}

#[test]
fn a_zombie_and_what_is_gone() {
    let mut child = Running::new(":");
    let target = child.target();
    let pid = target.identity().pid();
    child.0.kill().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while target.tree().unwrap().processes[0].status != Status::Zombie {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(target.memory().unwrap(), ProcessMemory::default());
    assert_eq!(target.tree().unwrap().processes[0].resident, None);
    assert_eq!(target.threads(9).unwrap()[0].status, Status::Zombie);
    let limits = target.limits().unwrap();
    assert!(limits.iter().filter(|limit| limit.name == "address space").all(|limit| limit.used.is_none()));
    assert_eq!(target.totals().unwrap().threads, 1);
    child.0.wait().unwrap();
    let gone = ProcessError::Gone { pid };
    assert_eq!(target.memory().unwrap_err(), gone);
    assert_eq!(target.limits().unwrap_err(), gone);
    assert_eq!(target.threads(9).unwrap_err(), gone);
    assert_eq!(target.tree().unwrap_err(), gone);
    assert_eq!(target.totals().unwrap_err(), gone);
    assert_eq!(target.lacks(Source::Process), Some(gone.to_string()));
}

#[test]
fn a_kernel_thread_has_no_memory() {
    // In a PID namespace of its own there is none to be seen.
    let Ok(target) = Target::open(2) else { return };
    if target.tree().unwrap().processes[0].ppid != 0 {
        return;
    }
    assert_eq!(target.memory().unwrap(), ProcessMemory::default());
    let tree = target.tree().unwrap();
    assert!(tree.processes.len() > 1 && tree.processes.iter().all(|process| process.resident.is_none()));
}

#[test]
fn an_exec_changes_the_memory_that_is_read() {
    let mut command = Command::new("sh");
    let script = "read line; exec cat";
    let mut child = Running(command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let target = child.target();
    assert!(target.memory().unwrap().pss.is_some());
    std::io::Write::write_all(child.0.stdin.as_mut().unwrap(), b"go\nback\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "back\n");
    assert_eq!(target.threads(9).unwrap()[0].name, "cat");
    assert!(target.memory().unwrap().pss.is_some(), "a descriptor kept over the exec would answer ESRCH");
}

#[test]
fn of_another_users_process_what_is_hidden_is_unknown_and_has_its_reason() {
    let child = Running::new(":");
    let pid = i32::try_from(child.0.id()).unwrap();
    if !nix::unistd::geteuid().is_root() {
        return; // Only root can become somebody else.
    }
    let thread = std::thread::spawn(move || {
        // SAFETY: the call has no memory operands; it changes this thread alone, which does nothing else.
        assert_eq!(unsafe { libc::syscall(libc::SYS_setresuid, -1, 65_534, -1) }, 0);
        let target = Target::open(pid).unwrap();
        let sources = [Source::Io, Source::Descriptors, Source::SmapsRollup, Source::ResidentKinds];
        (
            target.memory().unwrap(),
            target.limits().unwrap(),
            target.tree().unwrap(),
            sources.map(|source| target.lacks(source)),
        )
    });
    let (memory, limits, tree, [io, descriptors, rollup, kinds]) = thread.join().unwrap();
    assert!(memory.resident.is_some() && memory.resident_peak >= memory.resident, "{memory:?}");
    assert_eq!((memory.pss, memory.uss, memory.swap_pss), (None, None, None));
    let files = limits.iter().find(|limit| limit.name == "open files").unwrap();
    assert_eq!(files.used, None);
    assert!(tree.processes[0].resident.is_some());
    assert_eq!(io.unwrap(), format!("cannot read /proc/{pid}/io: Permission denied"));
    assert_eq!(descriptors.unwrap(), format!("cannot list /proc/{pid}/fd: Permission denied"));
    assert_eq!(rollup.unwrap(), format!("cannot open /proc/{pid}/smaps_rollup: Permission denied"));
    assert_eq!(kinds, None);
}
