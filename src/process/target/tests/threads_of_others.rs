//! Threads of a child, which is this test's program once more.

use super::*;

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::mpsc::channel;

use super::super::super::affinity as of_thread;

/// What tells the child that it is one, and how many threads it is to have.
const THREADS: &str = "WAMPPROC_TEST_THREADS";
const NAME: &str = "process::target::tests::threads_of_others::the_child";

/// Not a test but in a child of one: keeps so many threads that sleep, and starts short-lived ones as fast as it can, until
/// its standard input ends.
#[test]
fn the_child() {
    let Ok(threads) = std::env::var(THREADS) else { return };
    let (keep, kept) = channel::<()>();
    let kept = std::sync::Arc::new(std::sync::Mutex::new(kept));
    for _ in 0..threads.parse().unwrap() {
        let kept = kept.clone();
        std::thread::spawn(move || kept.lock().unwrap().recv());
    }
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        drop(keep);
        std::process::exit(0);
    });
    loop {
        std::thread::spawn(|| {}).join().unwrap();
    }
}

/// `None` where programs like this one run in an emulator only.
fn with_threads(count: u64) -> Option<(Running, Target)> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", NAME, "--nocapture"]).env(THREADS, count.to_string());
    let tried = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        eprintln!("skipped: the machine does not run this program");
        return None;
    }
    let child = Running::new(&mut command);
    let mut target = Target::open(child.pid()).unwrap();
    sample_until(&mut target, |sample| sample.threads > count);
    Some((child, target))
}

/// The CPUs of all threads there are.
fn cpus_of_all(target: &Target) -> BTreeSet<Vec<u32>> {
    let threads = target.threads(usize::MAX).unwrap();
    // One may have ended since.
    threads.iter().filter_map(|thread| of_thread::get(thread.tid).ok()).collect()
}

#[test]
fn affinity_is_set_on_all_threads_and_on_those_that_start_meanwhile() {
    let Some((_child, mut target)) = with_threads(20) else { return };
    let all = target.affinity().unwrap();
    for cpu in &all {
        let one = vec![*cpu];
        assert_eq!(target.set_affinity(&one).unwrap(), one);
        assert_eq!(cpus_of_all(&target), BTreeSet::from([one]));
    }
    assert_eq!(target.set_affinity(&all).unwrap(), all);
    assert_eq!(target.identity().cpus(), all);
    let refused = target.set_affinity(&[1023]).unwrap_err();
    assert!(matches!(refused, ProcessError::Os { errno: Errno::EINVAL, .. }), "{refused}");
    assert_eq!(cpus_of_all(&target), BTreeSet::from([all]));
}

#[test]
fn affinity_of_another_users_process_is_refused_and_stays() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: needs root");
    }
    let Some((child, target)) = with_threads(2) else { return };
    let pid = child.pid();
    let refused = std::thread::spawn(move || {
        become_nobody();
        Target::open(pid).unwrap().set_affinity(&[0]).unwrap_err()
    });
    let refused = refused.join().unwrap();
    assert!(matches!(refused, ProcessError::Os { errno: Errno::EPERM, .. }), "{refused}");
    assert_eq!(cpus_of_all(&target), BTreeSet::from([target.identity().cpus().to_vec()]));
}

#[test]
fn threads_have_the_schedulers_time_not_ticks() {
    let Some((_child, mut target)) = with_threads(3) else { return };
    let sample = target.sample().unwrap();
    let threads = target.threads(usize::MAX).unwrap();
    assert!(threads.len() > 3 && sample.threads > 3);
    if !fs::exists(format!("/proc/{}/schedstat", target.identity().pid())).unwrap() {
        return eprintln!("skipped: this kernel keeps no times of threads (CONFIG_SCHED_INFO)");
    }
    // A thread that only started has run for µs, which ticks tell as 0.
    let in_ticks = |cpu: f64| (cpu * 100.0).fract() == 0.0;
    assert!(threads.iter().any(|thread| thread.cpu > 0.0 && !in_ticks(thread.cpu)), "{threads:?}");
}
