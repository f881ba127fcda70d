//! A process with a manhole, and OpenSSH's client for it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::support::{End, Program, wampproc};

/// A directory of its own, removed at the end.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("wampproc-it-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

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

/// `wampproc serve` with a manhole.
pub struct Board {
    pub program: Program,
    pub directory: Directory,
    pub key: UserKey,
    pub port: u16,
    pub url: String,
}

pub const PASSWORD: &str = "correct horse";

impl Board {
    /// With the users joe (a key) and ann (a password).
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Value)) -> Self {
        let directory = Directory::new();
        let key = UserKey::new(&directory, "joe");
        let mut config = json!({
            "endpoint": {"type": "tcp", "port": 0},
            "users": [{"user": "joe", "authorized_keys": [key.public]}, {"user": "ann", "password": PASSWORD}],
        });
        change(&mut config);
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

    /// `ssh` as joe, or as whoever the arguments say.
    pub fn ssh(&self, arguments: &[&str]) -> Command {
        self.ssh_as("joe", arguments)
    }

    pub fn ssh_as(&self, user: &str, arguments: &[&str]) -> Command {
        let mut command = ssh(&self.directory, self.port);
        command.arg("-i").arg(&self.key.file).arg("-l").arg(user).arg("127.0.0.1").args(arguments);
        command
    }

    /// Runs a command over `ssh` as joe.
    pub fn run(&self, arguments: &[&str]) -> End {
        let mut command = self.ssh(arguments);
        command.stdin(Stdio::null());
        Program::spawn(command).end()
    }

    /// The host's name, number of descriptors and of threads of the process; and its resident size in kB.
    pub fn resources(&self) -> (usize, usize, u64) {
        let count = |what: &str| fs::read_dir(format!("/proc/{}/{what}", self.program.id())).unwrap().count();
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kilobytes = resident.trim().trim_end_matches(" kB").parse().unwrap();
        (count("fd"), count("task"), kilobytes)
    }
}

/// `ssh` that asks nobody anything and keeps to itself.
fn ssh(directory: &Directory, port: u16) -> Command {
    let mut command = Command::new("ssh");
    let known_hosts = format!("UserKnownHostsFile={}", directory.path("known_hosts").display());
    command.args(["-F", "/dev/null", "-p", &port.to_string(), "-o", &known_hosts]);
    for option in ["StrictHostKeyChecking=accept-new", "IdentitiesOnly=yes", "IdentityAgent=none", "LogLevel=ERROR"] {
        command.args(["-o", option]);
    }
    command
}

/// Lets `ssh` have this password without a terminal.
pub fn with_password(command: &mut Command, directory: &Directory, password: &str) {
    let script = directory.write("askpass", &format!("#!/bin/sh\necho '{password}'\n"), 0o700);
    command.env("SSH_ASKPASS", script).env("SSH_ASKPASS_REQUIRE", "force");
}

/// What `ssh-keygen -lf` says about a key file.
pub fn fingerprint(file: &Path) -> String {
    let listed = Command::new("ssh-keygen").arg("-lf").arg(file).output().unwrap();
    String::from_utf8(listed.stdout).unwrap().split(' ').nth(1).unwrap_or_default().to_owned()
}
