//! What cannot be said about a target.

use crate::support::run;

#[test]
fn flags_that_do_not_go_together_exit_2() {
    for (flags, expected) in [
        (&["--pid", "1", "--pidfile", "x"][..], "expected either --pid or --pidfile, got both"),
        (&["--wait"], "--wait: expected --pidfile with it, got none"),
        (&["--pid", "1", "--wait"], "--wait: expected --pidfile with it, got none"),
        (&["--pid", "0"], "--pid: expected the id of a process, got \"0\""),
        (&["--pid", "cat"], "--pid: expected the id of a process, got \"cat\""),
        (&["--pidfile", ""], "--pidfile: expected the name of a file, got nothing"),
        (&["--pidfile", "/run/.."], "--pidfile: expected the name of a file, got \"/run/..\""),
        (&["--gc-signal", "USR1", "--gc-command", "x"], "expected either --gc-signal or --gc-command, got both"),
        (&["--pid", "1", "--gc-signal", "KILL"], "--gc-signal: expected a signal that a process can handle"),
        (&["--pid", "1", "--gc-command", " "], "--gc-command: expected a program and its arguments, got nothing"),
        (&["--gc-signal", "USR1"], "expected --pid, --pidfile or COMMAND with --gc-signal and --gc-command, got none"),
    ] {
        for command in ["serve", "join"] {
            let end = run([&[command], flags].concat());
            assert_eq!((end.code, end.text()), (Some(2), ""), "{flags:?}");
            assert!(end.stderr.starts_with(&format!("wampproc: {expected}")), "{}", end.stderr);
        }
    }
}
