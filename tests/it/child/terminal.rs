//! The terminal's foreground: the child's while it runs if it was ours, and ours again afterwards.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use nix::pty::openpty;

use super::fields;
use crate::support::run;

/// Runs a shell script as leader of a session whose terminal is a new one; its lines, and what to type.
fn session(script: &str) -> (std::process::Child, BufReader<File>, File) {
    let pty = openpty(None, None).unwrap();
    let (slave, master) = (File::from(pty.slave), File::from(pty.master));
    let mut command = Command::new("setsid");
    command.args(["--ctty", "sh", "-c", script, env!("CARGO_BIN_EXE_wampproc")]);
    let child = command
        .stdin(slave.try_clone().unwrap())
        .stdout(Stdio::from(slave.try_clone().unwrap()))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (child, BufReader::new(master.try_clone().unwrap()), master)
}

/// What stands at the end of a script whose last words are read: when the leader of a session ends, the kernel may throw away
/// what it has just written to its terminal.
const HOLD: &str = "; read _";

/// Lets a script that holds go.
fn release(mut child: std::process::Child, mut master: File) {
    master.write_all(b"\n").unwrap();
    assert!(child.wait().unwrap().success());
}

fn line(lines: &mut impl BufRead) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn the_foreground_is_the_childs_while_it_runs_and_given_back() {
    let script = "\"$0\" serve --listen 127.0.0.1:0 -- cat /proc/self/stat; cat /proc/$$/stat";
    let (child, mut lines, master) = session(&[script, HOLD].concat());
    // Of the fields behind the name the third is the group, the sixth the terminal's foreground group.
    let ours = line(&mut lines);
    let pid = ours.split(' ').next().unwrap().to_owned();
    let stat = fields(&ours);
    assert_eq!((&stat[2], &stat[5]), (&pid, &pid), "{ours}");
    let after = fields(&line(&mut lines));
    assert_eq!(after[2], after[5], "the shell's group has it again");
    release(child, master);
}

#[test]
fn who_has_no_foreground_gives_none() {
    // A job in the background of a shell that has groups for its jobs; it writes where nobody stops it for that.
    let script = "set -m; \"$0\" serve --listen 127.0.0.1:0 -- cat /proc/self/stat & wait";
    let (child, mut lines, master) = session(&[script, HOLD].concat());
    let stat = fields(&line(&mut lines));
    assert_ne!(stat[2], stat[5]);
    release(child, master);
}

#[test]
fn ctrl_c_reaches_the_child_and_ctrl_z_gives_the_shell_its_terminal() {
    // By itself, and in a script that is the shell's job with it.
    for runner in ["", "sh -c '\"$0\" \"$@\"; exit $?'"] {
        check_stop_and_continue(runner);
    }
}

fn check_stop_and_continue(runner: &str) {
    let script = format!(
        "set -m
         {runner} \"$0\" serve --listen 127.0.0.1:0 -- sh -c 'echo up; exec cat'
         echo stopped; fg >/dev/null; echo ended $?{HOLD}"
    );
    let (child, mut lines, mut master) = session(&script);
    assert_eq!(line(&mut lines), "up");
    master.write_all(b"\x1a").unwrap();
    let mut next = || {
        // What is typed is shown, and the shell tells of its jobs.
        loop {
            let line = line(&mut lines);
            if ["stopped", "again", "ended"].iter().any(|word| line.contains(word)) && !line.contains('[') {
                return line;
            }
        }
    };
    assert!(next().ends_with("stopped"));
    master.write_all(b"again\n").unwrap();
    assert!(next().ends_with("again"), "typed");
    assert_eq!(next(), "again", "and written by the child, which has the terminal again");
    master.write_all(b"\x03").unwrap();
    assert!(next().ends_with("ended 130"));
    release(child, master);
}

#[test]
fn ctrl_z_stops_nobody_whom_no_shell_would_let_go_on() {
    // It leads the session: a terminal window or a container whose program it is.
    let script = "exec \"$0\" serve --listen 127.0.0.1:0 -- sh -c 'echo up; exec cat'";
    let (mut child, mut lines, mut master) = session(script);
    assert_eq!(line(&mut lines), "up");
    master.write_all(b"\x1a").unwrap();
    master.write_all(b"again\n").unwrap();
    assert!(line(&mut lines).ends_with("again"), "typed");
    assert_eq!(line(&mut lines), "again", "and written by the child");
    master.write_all(b"\x04").unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_start_that_fails_leaves_the_foreground_with_us() {
    let directory = std::env::temp_dir().join(format!("wampproc-gone-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let shell = directory.join("sh");
    std::os::unix::fs::symlink("/bin/sh", &shell).unwrap();
    let script = format!(
        "exec \"$0\" serve --listen 127.0.0.1:0 --log-level error --restart always --restart-delay 1h \
         -- {0} -c 'rm {0}; exit 1' 2>&1",
        shell.display()
    );
    let (mut child, mut lines, mut master) = session(&script);
    let ready = line(&mut lines);
    let url = ready.split(' ').nth(1).unwrap();
    super::until("the next start fails", || {
        let end = run(["call", "--url", url, "crossbar.worker.sh.start_process"]);
        end.stderr.contains("cannot run")
    });
    master.write_all(b"\x03").unwrap();
    super::until("Ctrl-C ends us", || child.try_wait().unwrap().is_some());
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(127));
}
