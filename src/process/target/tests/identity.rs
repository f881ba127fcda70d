//! Which process a target is, and that it never becomes another.

use super::*;

use std::ffi::CStr;
use std::os::fd::AsFd;
use std::ptr::null;
use std::sync::mpsc::channel;

use nix::poll::{PollFd, PollFlags, poll};
use nix::sched::{CloneFlags, setns, unshare};

use super::super::super::NoTarget;

fn sleeper() -> Running {
    Running::new(Command::new("sleep").arg("600"))
}

fn refused(pid: i32) -> NoTarget {
    match Target::open(pid).unwrap_err() {
        ProcessError::NoTarget { pid: given, reason } if given == pid => reason,
        other => panic!("{other}"),
    }
}

fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        eprintln!("skipped: needs root");
    }
    is_root
}

#[test]
fn what_is_no_process_is_refused_with_the_reason() {
    assert_eq!([refused(0), refused(-7)], [NoTarget::OutOfRange; 2]);
    let mut child = sleeper();
    let pid = child.pid();
    assert!(Target::open(pid).is_ok());
    child.end();
    assert_eq!(refused(pid), NoTarget::NoSuchProcess);

    let (tell, told) = channel();
    let (keep, kept) = channel::<()>();
    let thread = std::thread::spawn(move || {
        tell.send(nix::unistd::gettid().as_raw()).unwrap();
        let _ = kept.recv();
    });
    let tid = told.recv().unwrap();
    assert_eq!(refused(tid), NoTarget::Thread { process: Some(Pid::this().as_raw()) });
    drop(keep);
    thread.join().unwrap();
}

#[test]
fn our_own_id_is_ourselves() {
    let target = Target::open(Pid::this().as_raw()).unwrap();
    assert!(target.is_own() && !target.ended() && target.pidfd().is_none());
    assert_eq!(target.refusals(), []);
}

#[test]
fn its_pidfd_tells_the_end_before_anybody_waits() {
    let mut child = Running::new(&mut Command::new("cat"));
    let mut target = Target::open(child.pid()).unwrap();
    assert!(!target.ended());
    assert_eq!(target.refusals(), []);
    drop(child.0.stdin.take());
    let mut watched = [PollFd::new(target.pidfd().unwrap(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut watched, 10_000_u16), Ok(1));
    assert!(target.ended());
    assert_eq!(target.sample().unwrap().status, Status::Zombie);
    // A zombie can be opened too.
    let mut second = Target::open(child.pid()).unwrap();
    assert!(second.ended());
    assert_eq!(second.sample().unwrap().resident, 0);
}

#[test]
fn without_pidfds_its_stat_tells_the_same() {
    let mut child = Running::new(&mut Command::new("cat"));
    let pid = child.pid();
    let open = |pid| Target::without_pidfd(pid, Errno::ENOSYS).and_then(|life| Target::attach(pid, life));
    let mut target = open(pid).unwrap();
    assert!(!target.ended() && target.pidfd().is_none());
    assert_eq!(target.refusals(), [Refusal { source: "pidfd_open(2)", errno: Errno::ENOSYS }]);
    drop(child.0.stdin.take());
    waitid(Id::Pid(Pid::from_raw(pid)), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
    assert!(target.ended());
    assert_eq!(target.sample().unwrap().status, Status::Zombie);
    child.end();
    assert!(target.ended());
    let gone = ProcessError::Gone { pid };
    assert_eq!(target.sample().unwrap_err(), gone);
    assert_eq!(target.affinity().unwrap_err(), gone);
    assert_eq!(target.set_affinity(&[0]).unwrap_err(), gone);
    assert_eq!(target.threads(1).unwrap_err(), gone);
    assert_eq!(
        open(pid).unwrap_err(),
        ProcessError::NoTarget { pid, reason: NoTarget::NoSuchProcess },
        "what was waited for cannot be opened"
    );
}

/// A process that sleeps and has this id, by `set_tid` of clone3(2).
fn forked_with_id(pid: i32) -> Result<(), Errno> {
    let wanted = [pid];
    // The fields of `struct clone_args`, which libc does not have for every machine.
    const EXIT_SIGNAL: usize = 4;
    const SET_TID: usize = 8;
    const SET_TID_SIZE: usize = 9;
    let mut args = [0_u64; 10];
    args[EXIT_SIGNAL] = libc::SIGCHLD as u64;
    args[SET_TID] = wanted.as_ptr() as u64;
    args[SET_TID_SIZE] = 1;
    // SAFETY: `args` and `wanted` outlive the call; without CLONE_VM this is fork(2), and the child only makes system calls.
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of_val(&args)) };
    if result == 0 {
        // SAFETY: no memory is passed.
        unsafe {
            // It must not outlive a test that fails.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            loop {
                libc::pause();
            }
        }
    }
    Errno::result(result).map(|_| ())
}

#[test]
fn an_id_that_is_given_again_is_not_the_target() {
    let mut child = sleeper();
    let pid = child.pid();
    let mut target = Target::open(pid).unwrap();
    let mut by_files = Target::without_pidfd(pid, Errno::ENOSYS).and_then(|life| Target::attach(pid, life)).unwrap();
    target.sample().unwrap();
    let cpus = target.affinity().unwrap();
    child.end();
    match forked_with_id(pid) {
        Ok(()) => {}
        Err(Errno::EPERM | Errno::ENOSYS) => return eprintln!("skipped: no process can be given an id here"),
        Err(errno) => panic!("{errno}"),
    }
    let gone = ProcessError::Gone { pid };
    for old in [&mut target, &mut by_files] {
        assert!(old.ended());
        assert_eq!(old.sample().unwrap_err(), gone);
        assert_eq!(old.count_descriptors(), None);
        assert_eq!(old.affinity().unwrap_err(), gone);
        assert_eq!(old.set_affinity(&cpus).unwrap_err(), gone);
        assert_eq!(old.limits().unwrap_err(), gone);
    }
    let next = Target::open(pid).unwrap();
    assert!(!next.ended());
    nix::sys::signal::kill(Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    nix::sys::wait::waitpid(Pid::from_raw(pid), None).unwrap();
    assert!(next.ended());
}

/// A mount namespace of this thread's own, its `/proc` mounted anew.
fn with_proc_mounted(options: &CStr) {
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let mount = |source: &CStr, place: &CStr, flags, data: *const libc::c_char| {
        // SAFETY: the texts end with NUL and outlive the call; a null `data` is none.
        let result = unsafe { libc::mount(source.as_ptr(), place.as_ptr(), c"proc".as_ptr(), flags, data.cast()) };
        Errno::result(result).unwrap();
    };
    mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE, null());
    mount(c"proc", c"/proc", 0, options.as_ptr());
}

#[test]
fn what_proc_hides_is_not_dead() {
    if !is_root() {
        return;
    }
    let child = sleeper();
    let pid = child.pid();
    for options in [c"hidepid=2", c"hidepid=1"] {
        let seen = std::thread::spawn(move || {
            with_proc_mounted(options);
            let mut before = Target::open(pid).unwrap();
            become_nobody();
            // What is open stays readable; the rest is told as unknown.
            let sample = before.sample().unwrap();
            (refused(pid), before.ended(), sample.resident > 0, sample.io.is_none())
        });
        assert_eq!(seen.join().unwrap(), (NoTarget::Hidden, false, true, true), "{options:?}");
    }
    // Without all but the processes: where the machine's files are missing, system calls serve.
    let seen = std::thread::spawn(move || {
        with_proc_mounted(c"subset=pid");
        assert!(!fs::exists("/proc/meminfo").unwrap());
        let mut target = Target::open(pid).unwrap();
        (target.sample().unwrap().resident > 0, target.percent_of_memory(1 << 20) > 0.0)
    });
    assert_eq!(seen.join().unwrap(), (true, true));
}

#[test]
fn proc_of_another_pid_namespace_is_refused() {
    if !is_root() {
        return;
    }
    let child =
        Running::new(Command::new("unshare").args(["--pid", "--fork", "--kill-child", "--mount-proc", "sleep", "600"]));
    let deadline = Instant::now() + Duration::from_secs(10);
    let children = format!("/proc/{0}/task/{0}/children", child.pid());
    let inner: i32 = loop {
        let Ok(text) = fs::read_to_string(&children) else {
            return eprintln!("skipped: this kernel does not list a process's children (CONFIG_PROC_CHILDREN)");
        };
        match text.trim().parse::<i32>() {
            Ok(pid) if fs::read_to_string(format!("/proc/{pid}/comm")).unwrap() == "sleep\n" => break pid,
            _ => assert!(Instant::now() < deadline, "no child: {text:?}"),
        }
    };
    let mount_namespace = File::open(format!("/proc/{inner}/ns/mnt")).unwrap();
    // From outside it is as any other.
    assert!(!Target::open(inner).unwrap().ended());
    let seen = std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_FS).unwrap();
        setns(mount_namespace.as_fd(), CloneFlags::CLONE_NEWNS).unwrap();
        (refused(inner), Target::own().unwrap_err())
    });
    let (reason, own) = seen.join().unwrap();
    assert_eq!(reason, NoTarget::OtherNamespace);
    assert!(matches!(own, ProcessError::Unsupported { .. }), "{own}");
}
