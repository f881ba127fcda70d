//! The command that collects a child's garbage, beside the child's own supervisor.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::{call, stat, supervise, until, url};

#[test]
fn its_command_has_no_signal_blocked() {
    let file = std::env::temp_dir().join(format!("wampproc-mask-{}", std::process::id()));
    let command = format!("dd if=/proc/self/status of={} status=none", file.display());
    let mut program = supervise(&["--gc-command", &command], "sleep 100");
    let url = url(&mut program);
    assert_eq!(call(&url, &["trigger_gc"]).0, Some(0));
    let status = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(super::signals::set(&status, "SigBlk"), 0);
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(143));
}

#[test]
fn a_command_that_is_stopped_keeps_nobody_awake_and_holds_nothing_up() {
    let file = std::env::temp_dir().join(format!("wampproc-stopped-{}", std::process::id()));
    let script = file.with_extension("sh");
    fs::write(&script, format!("echo $$ > {0}.new; mv {0}.new {0}; kill -STOP $$\n", file.display())).unwrap();
    let command = format!("sh {}", script.display());
    let mut program = supervise(&["--gc-command", &command], "sleep 100");
    let url = url(&mut program);
    let caller = std::thread::spawn({
        let url = url.clone();
        move || call(&url, &["trigger_gc"]).0
    });
    until("the command is stopped", || {
        let pid = fs::read_to_string(&file).ok();
        pid.and_then(|pid| stat(pid.trim())).is_some_and(|fields| fields[0] == "T")
    });
    for file in [file, script] {
        fs::remove_file(file).unwrap();
    }
    let own = program.id();
    let switches = || {
        let threads = fs::read_dir(format!("/proc/{own}/task")).unwrap().flatten();
        let supervisor = threads.map(|thread| fs::read_to_string(thread.path().join("status")).unwrap());
        let status = supervisor.into_iter().find(|status| status.starts_with("Name:\tsupervisor\n")).unwrap();
        let count = status.split_once("\nvoluntary_ctxt_switches:\t").unwrap().1.lines().next().unwrap();
        count.parse::<u64>().unwrap()
    };
    let before = switches();
    std::thread::sleep(Duration::from_millis(500));
    let count = switches() - before;
    assert!(count < 10, "{count}");
    let since = Instant::now();
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(143));
    // The time to end is 10 s.
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    assert_ne!(caller.join().unwrap(), Some(0));
}
