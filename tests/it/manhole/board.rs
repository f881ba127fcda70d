//! A process with a manhole, and OpenSSH's client for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::support::{End, Program, wampproc};

/// A user's key pair, made by `ssh-keygen`.
pub struct UserKey {
    pub file: PathBuf,
    pub public: String,
}

impl UserKey {
    pub fn new(directory: &Directory, name: &str) -> Self {
        let file = directory.path(name);
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&file).status();
        assert!(made.expect("this test needs ssh-keygen (Debian: openssh-client)").success());
        let public = fs::read_to_string(file.with_extension("pub")).unwrap().trim().to_owned();
        Self { file, public }
    }
}

/// `ssh` that asks nobody anything, takes nothing from its user's files, and says why it fails. Options come first, then the
/// words of the command.
pub fn ssh(port: u16, user: &str, options: &[&str], words: &[&str]) -> Command {
    let mut command = Command::new("ssh");
    command.args(["-F", "/dev/null", "-p", &port.to_string(), "-l", user]);
    for option in [
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "NumberOfPasswordPrompts=1",
        "LogLevel=ERROR",
    ] {
        command.args(["-o", option]);
    }
    command.args(options).arg("127.0.0.1").args(words).stdin(Stdio::null());
    command
}

/// `wampproc serve` with a manhole for joe, who has a key, and ann, who has a password.
pub struct Board {
    pub program: Program,
    pub directory: Directory,
    pub key: UserKey,
    pub port: u16,
    pub url: String,
}

pub const PASSWORD: &str = "correct horse";

impl Board {
    pub fn new() -> Self {
        let directory = Directory::new();
        let key = UserKey::new(&directory, "joe");
        let config = json!({
            "endpoint": {"type": "tcp", "port": 0},
            "users": [{"user": "joe", "authorized_keys": [key.public]}, {"user": "ann", "password": PASSWORD}],
        });
        let file = directory.write("manhole.json", &config.to_string(), 0o600);
        let mut command = wampproc(["serve", "--listen", "127.0.0.1:0", "--node", "n1", "--worker", "w1", "--manhole"]);
        command.arg(file).arg("--state-dir").arg(directory.path("state"));
        let mut program = Program::spawn(command);
        let log = program.wait_for_log("the manhole is open at port ");
        let (_, port) = log.split_once("open at port ").unwrap();
        let port = port.split(' ').next().unwrap().parse().unwrap();
        let url = program.line().split(' ').nth(1).unwrap().to_owned();
        Self { program, directory, key, port, url }
    }

    /// `ssh` as joe.
    pub fn ssh(&self, options: &[&str], words: &[&str]) -> Command {
        let identity = ["-i", self.key.file.to_str().unwrap()];
        ssh(self.port, "joe", &[&identity, options].concat(), words)
    }

    /// Runs a command as joe.
    pub fn run(&self, words: &[&str]) -> End {
        Program::spawn(self.ssh(&[], words)).end()
    }

    /// Runs a command as joe that answers in JSON.
    pub fn json(&self, words: &[&str]) -> Value {
        let end = self.run(&[words, &["--json"]].concat());
        assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""), "{words:?}");
        serde_json::from_str(end.text()).unwrap()
    }

    /// `ssh` as somebody who has a password and no key.
    pub fn with_password(&self, user: &str, password: &str) -> Command {
        let script = self.directory.write("askpass", &format!("#!/bin/sh\necho '{password}'\n"), 0o700);
        let mut command = ssh(self.port, user, &["-o", "PubkeyAuthentication=no"], &["affinity"]);
        command.env("SSH_ASKPASS", script).env("SSH_ASKPASS_REQUIRE", "force");
        command
    }

    /// How many descriptors the process has, how many threads, and how much memory in kB.
    pub fn resources(&self) -> (usize, usize, u64) {
        resources(self.program.id())
    }
}

/// How many descriptors a process has, how many threads, and how much memory in kB.
pub fn resources(pid: u32) -> (usize, usize, u64) {
    let count = |what: &str| fs::read_dir(format!("/proc/{pid}/{what}")).unwrap().count();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    (count("fd"), count("task"), resident.trim().trim_end_matches(" kB").parse().unwrap())
}

/// What `ssh-keygen -l` says about a key file.
pub fn fingerprint(file: &Path) -> String {
    let listed = Command::new("ssh-keygen").arg("-lf").arg(file).output().unwrap();
    String::from_utf8(listed.stdout).unwrap().split(' ').nth(1).unwrap_or_default().to_owned()
}
