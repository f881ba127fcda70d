//! Processes: the child's group, orphans, what is left behind, and what dies with us.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{fields, run_script, stat, supervise, until, words};
use crate::support::Program;

#[test]
fn the_child_leads_a_group_of_its_own_in_our_session() {
    let end = run_script(&[], "cat /proc/$$/stat /proc/self/stat");
    let text = end.text();
    let lines: Vec<&str> = text.lines().collect();
    let (child, grandchild) = (fields(lines[0]), fields(lines[1]));
    let pid = lines[0].split(' ').next().unwrap();
    assert_eq!((child[2].as_str(), grandchild[2].as_str()), (pid, pid));
    let own = stat("self").unwrap();
    assert_eq!(child[3], own[3], "the session");
}

#[test]
fn orphans_are_adopted_and_reaped() {
    let script = "for i in 1 2 3 4 5 6 7 8 9; do (true & (true &)) ; done
                  (setsid sh -c 'echo $$; exec sleep 100' &)
                  exec sleep 100";
    let mut program = supervise(&[], script);
    let (daemon, own) = (program.line(), program.id().to_string());
    until("the daemon is ours", || stat(&daemon).is_some_and(|fields| fields[1] == own));
    until("no zombie is left", || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        !processes
            .filter_map(|entry| stat(entry.file_name().to_str()?))
            .any(|fields| fields[1] == own && fields[0] == "Z")
    });
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(143));
    assert_eq!(stat(&daemon), None, "the daemon is gone too");
}

#[test]
fn what_a_child_leaves_behind_is_ended_before_the_next_one_begins() {
    let directory = std::env::temp_dir().join(format!("wampproc-left-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let mark = directory.join("mark");
    let script = format!(
        "[ -e {0} ] && {{ echo second; [ -d /proc/$(cat {0}) ] && echo overlap; exit 0; }}
         (setsid sh -c 'trap \"\" TERM; echo $$ > {0}.new; mv {0}.new {0}; while :; do sleep 1; done' &)
         while [ ! -e {0} ]; do :; done
         exit 1",
        mark.display()
    );
    let end = run_script(&["--restart", "on-failure", "--restart-delay", "1ms", "--stop-timeout", "200ms"], &script);
    fs::remove_dir_all(&directory).unwrap();
    assert_eq!((end.code, end.text()), (Some(0), "second\n"), "{}", end.stderr);
}

#[test]
fn the_child_dies_with_us_whenever_that_is() {
    // Its stdout is ours: the end of that is the end of both.
    for round in 0..25_u64 {
        let program = supervise(&["--log-level", "off"], "while :; do :; done");
        // A time that differs from round to round, from before the child's start to after it.
        std::thread::sleep(Duration::from_micros(round * round * 60));
        program.signal(Signal::SIGKILL);
        assert_eq!(program.end().code, None);
    }
}

#[test]
fn as_process_1_it_reaps_passes_on_and_ends_like_any_other() {
    let script = "(true & (true &)); trap 'echo term; exit 5' TERM; echo up $PPID; while :; do sleep 100 & wait; done";
    let mut command = std::process::Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child", env!("CARGO_BIN_EXE_wampproc")]);
    command.args(words(&[], script));
    if !std::process::Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "true"])
        .status()
        .is_ok_and(|status| status.success())
    {
        // Not for everybody: it takes a privilege.
        return;
    }
    let mut program = Program::spawn(command);
    assert_eq!(program.line(), "up 1");
    let own = program.id().to_string();
    // The child of unshare is process 1.
    let init = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap();
    until("no zombie is left", || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        !processes
            .filter_map(|entry| stat(entry.file_name().to_str()?))
            .any(|fields| fields[1] == init.trim() && fields[0] == "Z")
    });
    let init: i32 = init.trim().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(init), Signal::SIGTERM).unwrap();
    let end = program.end();
    assert_eq!((end.code, end.text()), (Some(5), "term\n"), "{}", end.stderr);
}

#[test]
fn nothing_wakes_it_while_nothing_happens() {
    let mut program = supervise(&["--history", "0", "--ping-interval", "0"], "echo $$; exec sleep 1000");
    program.line();
    super::url(&mut program);
    let switches = || {
        let threads = fs::read_dir(format!("/proc/{}/task", program.id())).unwrap().flatten();
        let statuses = threads.map(|thread| fs::read_to_string(thread.path().join("status")).unwrap());
        statuses
            .filter_map(|status| {
                Some(status.split_once("\nvoluntary_ctxt_switches:\t")?.1.lines().next()?.parse::<u64>().unwrap())
            })
            .sum::<u64>()
    };
    // The start must be over: everything sleeps when two looks see the same.
    let mut seen = switches();
    until("it comes to rest", || {
        std::thread::sleep(Duration::from_millis(100));
        std::mem::replace(&mut seen, switches()) == seen
    });
    let before = switches();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(switches() - before, 0);
}
