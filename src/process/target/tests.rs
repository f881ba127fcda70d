//! The real kernel, on ourselves and on children.
//!
//! Some of them need root, or a kernel that has what they are about; without it they say on stderr that they are skipped.
#![allow(unsafe_code)] // One thread changes its user id, which the C library only does for all of them.

use super::*;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

/// A child that is ended and waited for.
struct Running(Child);

impl Running {
    fn new(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> i32 {
        self.0.id().try_into().unwrap()
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

/// A directory of its own, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wampproc-target-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn no_such_process(pid: i32) -> String {
    format!("cannot observe process {pid}: there is no such process")
}

/// Reads a child until it is as expected: it needs its time to get there.
fn sample_until(target: &mut Target, reached: impl Fn(&Sample) -> bool) -> Sample {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let sample = target.sample().unwrap();
        if reached(&sample) {
            return sample;
        }
        assert!(Instant::now() < deadline, "{sample:?}");
        std::thread::yield_now();
    }
}

/// A process has its name once its program runs.
fn wait_for_name(child: &Running, name: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while fs::read_to_string(format!("/proc/{}/comm", child.pid())).unwrap() != name {
        assert!(Instant::now() < deadline, "{name:?}");
    }
}

/// This thread alone becomes another user, with none of root's powers and groups (those that `hidepid` excepts).
fn become_nobody() {
    // SAFETY: the list of groups is empty, so that its address does not matter; no other memory is passed.
    let results = unsafe {
        [
            libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()),
            libc::syscall(libc::SYS_setresgid, 65_534, 65_534, 65_534),
            libc::syscall(libc::SYS_setresuid, 65_534, 65_534, 65_534),
        ]
    };
    assert_eq!(results, [0; 3]);
}

mod descriptors_of_others;
mod identity;
mod threads_of_others;

#[test]
fn ourselves() {
    let mut target = Target::own().unwrap();
    let first = target.sample().unwrap();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(30) {
        std::hint::spin_loop();
    }
    let second = target.sample().unwrap();
    assert!(first.threads >= 1 && first.resident > 0 && first.virtual_size >= first.resident);
    assert!(second.cpu_ns > first.cpu_ns);
    assert!(second.user_ns + second.system_ns > first.user_ns + first.system_ns);
    assert!(second.io.unwrap().reads > first.io.unwrap().reads, "reading /proc is reading");
    let percent = target.percent_of_memory(second.resident);
    assert!(percent > 0.0 && percent < 100.0);

    let identity = target.identity();
    assert_eq!(identity.pid(), i32::try_from(std::process::id()).unwrap());
    let started = identity.started().ns() + u64::try_from(identity.uptime().as_nanos()).unwrap();
    let off = crate::sync::clock::Timestamp::now().ns().abs_diff(started);
    assert!(off < 1_000_000_000, "started + uptime is now, but for {off} ns");
    assert!(!identity.cpus().is_empty() && identity.cpus().is_sorted());
}

#[test]
fn another_process_by_its_ticks_agrees_with_its_clock() {
    let child = Running::new(Command::new("sh").args(["-c", "while :; do :; done"]));
    let mut target = Target::open(child.pid()).unwrap();
    let sample = sample_until(&mut target, |sample| sample.user_ns + sample.system_ns >= 100_000_000);
    let off = sample.cpu_ns.abs_diff(sample.user_ns + sample.system_ns);
    assert!(off <= 40_000_000, "{sample:?}");

    target.cpu_clock = Err(Errno::EPERM);
    let sample = target.sample().unwrap();
    assert_eq!(sample.cpu_ns, sample.user_ns + sample.system_ns, "without its clock, by its ticks");
    assert_eq!(target.refusals(), [Refusal { source: "clock_getcpuclockid(3)", errno: Errno::EPERM }]);
}

#[test]
fn a_process_with_a_hostile_name() {
    let directory = Directory::new("name");
    let program = directory.0.join("a) R 1\n(b");
    // The kernel names a process for the path that was given; the program goes by its first argument.
    std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
    let child = Running::new(Command::new(&program).arg0("sleep").arg("600"));
    wait_for_name(&child, "a) R 1\n(b\n");
    let mut target = Target::open(child.pid()).unwrap();
    let sample = sample_until(&mut target, |sample| sample.status == Status::Sleeping);
    assert_eq!(sample.threads, 1);
    assert!(target.identity().uptime() < Duration::from_secs(60));
}

#[test]
fn a_zombie_has_no_memory_and_one_that_was_waited_for_is_gone() {
    let mut child = Running::new(&mut Command::new("true"));
    let mut target = Target::open(child.pid()).unwrap();
    let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    waitid(Id::Pid(Pid::from_raw(child.pid())), ended).unwrap();
    let sample = target.sample().unwrap();
    assert_eq!((sample.status, sample.resident, sample.virtual_size), (Status::Zombie, 0, 0));

    child.end();
    let gone = ProcessError::Gone { pid: child.pid() };
    assert_eq!(target.sample().unwrap_err(), gone);
    assert_eq!(target.affinity().unwrap_err(), gone);
    assert_eq!(target.set_affinity(&[0]).unwrap_err(), gone);
    assert_eq!(target.count_descriptors(), None);
    assert!(target.ended());
    assert_eq!(Target::open(child.pid()).unwrap_err().to_string(), no_such_process(child.pid()));
}

#[test]
fn kept_files_follow_exec() {
    let mut child = Running::new(Command::new("sh").args(["-c", "read line; exec sleep 600"]));
    let mut target = Target::open(child.pid()).unwrap();
    target.sample().unwrap();
    child.0.stdin.take().unwrap().write_all(b"go\n").unwrap();
    wait_for_name(&child, "sleep\n");
    let sample = sample_until(&mut target, |sample| sample.status == Status::Sleeping);
    assert!(sample.resident > 0);
}

#[test]
fn what_another_users_process_hides_is_unknown_and_not_zero() {
    let child = Running::new(Command::new("sleep").arg("600"));
    let our_uid = fs::metadata("/proc/self").unwrap().uid();
    let pid = if our_uid == 0 { child.pid() } else { 1 };
    let seen = std::thread::spawn(move || {
        if our_uid == 0 {
            become_nobody();
        } else if fs::metadata("/proc/1").unwrap().uid() == our_uid {
            return None; // No other user's process is in sight.
        }
        let mut target = Target::open(pid).unwrap();
        Some((target.sample().unwrap(), target.count_descriptors(), target.info().unwrap(), target.refusals()))
    });
    if let Some((sample, descriptors, info, refusals)) = seen.join().unwrap() {
        assert_eq!((sample.io, descriptors), (None, None));
        assert!(sample.resident > 0);
        assert_eq!(info, ProcessInfo::hidden(sample.threads));
        let expected =
            [("/proc/PID/io", Errno::EACCES), ("/proc/PID/fd", Errno::EACCES), ("pidfd_getfd(2)", Errno::EPERM)];
        assert_eq!(refusals, expected.map(|(source, errno)| Refusal { source, errno }));
    }
}

#[test]
fn descriptors_are_counted_by_size_as_by_walking() {
    let child = Running::new(Command::new("sleep").arg("600"));
    let target = Target::open(child.pid()).unwrap();
    let directory = target.descriptors.as_ref().ok().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let counted = || (descriptors::count(directory), descriptors::walk_count(directory));
    // It has what the library holds between fork and exec for a moment, then its three and what we inherited.
    loop {
        match counted() {
            (Some(size), Some(walked)) if size == walked && size >= 3 => break,
            different => assert!(Instant::now() < deadline, "{different:?}"),
        }
    }

    // Other tests open and close descriptors of ours meanwhile: some time both see the same.
    let own = Target::own().unwrap();
    let directory = own.descriptors.as_ref().ok().unwrap();
    while descriptors::count(directory) != descriptors::walk_count(directory) {
        assert!(Instant::now() < deadline, "by size {:?}", descriptors::count(directory));
    }
}

#[test]
fn regular_files_are_listed_sorted_for_each_descriptor() {
    let directory = Directory::new("files");
    let (a, b, c) = (directory.0.join("a b"), directory.0.join("b"), directory.0.join("c"));
    let _held =
        [File::create(&b).unwrap(), File::create(&a).unwrap(), File::open(&b).unwrap(), File::create(&c).unwrap()];
    let _not_regular = [File::open(&directory.0).unwrap(), File::open("/dev/null").unwrap()];
    fs::remove_file(&c).unwrap();
    let info = Target::own().unwrap().info().unwrap();
    let files = info.files.unwrap();
    let prefix = directory.0.to_str().unwrap();
    let ours: Vec<_> = files.iter().filter_map(|path| path.strip_prefix(prefix)).collect();
    assert_eq!(ours, ["/a b", "/b", "/b", "/c (deleted)"]);
    assert!(files.is_sorted());
    assert!(!files.iter().any(|path| path == "/dev/null"));
    assert!(info.threads >= 1 && info.descriptors.unwrap() >= 6);
}

#[test]
fn a_file_longer_than_the_buffer_is_read_whole() {
    let long = "x".repeat(40_000);
    let child = Running::new(Command::new("sleep").arg("600").env("LONG", &long));
    let mut buffer = Buffer::new();
    let deadline = Instant::now() + Duration::from_secs(10);
    let whole = format!("LONG={long}").into_bytes();
    loop {
        // An open `environ` stays with the program that ran then, and qemu's vfork(2) returns before the child's exec.
        let environment = Kept::open(child.pid(), "environ").unwrap();
        if environment.read(&mut buffer).unwrap().split(|byte| *byte == 0).any(|pair| pair == whole) {
            break;
        }
        assert!(Instant::now() < deadline, "the child's environment");
    }
}

#[test]
#[cfg(target_env = "gnu")]
fn garbage_is_given_back() {
    let mut target = Target::own().unwrap();
    let mut chunks: Vec<Box<[u8]>> = (0..64 * 1024).map(|_| vec![1; 1024].into_boxed_slice()).collect();
    // One in a thousand stays, so that freeing alone gives nothing back.
    let mut index = 0;
    chunks.retain(|_| {
        index += 1;
        index % 1000 == 0
    });
    let garbage = target.collect_garbage().unwrap();
    assert!(garbage.supported);
    assert!(garbage.resident_before > garbage.resident_after + 30 * 1024 * 1024, "{garbage:?}");
    drop(chunks);
    let child = Running::new(Command::new("sleep").arg("600"));
    let refused = Target::open(child.pid()).unwrap().collect_garbage().unwrap_err();
    assert!(matches!(refused, ProcessError::Unsupported { .. }));
}
