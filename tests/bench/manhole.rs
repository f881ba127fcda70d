//! The manhole beside the servers that people know, in one run, all on loopback and driven by OpenSSH's client:
//! - a login with a key, one command and its end: `stats` of ours, `cat /proc/self/status` of dropbear's server and of OpenSSH's;
//! - a large output with each cipher: a command of an embedding program (this file), `head -c` at OpenSSH's server;
//! - the memory of `wampproc serve` without a manhole, with one, and with two sessions open;
//! - the size of the binary with and without the feature.
//!
//! Servers that are not installed are left out, and named (Debian: openssh-server, dropbear-bin). Dropbear's reads a user's keys
//! in the home directory alone, so it gets one of ours there, in a mount namespace of its own (`unshare`).
//!
//! `cargo bench --bench manhole`, or `scripts/interop.sh bench`, which installs what is missing

// A bench prints, and stops at the first surprise.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::panic, missing_docs)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, getuid};
use serde_json::{Value, json};
use wampproc::Agent;
use wampproc::manhole::Config;

const LOGINS: usize = 21;
const TRANSFERS: usize = 5;
const STARTS: usize = 5;

/// The output of one command of ours, MiB; a transfer is as many commands as it takes.
const ANSWER: u64 = 8;

/// What is transferred, MiB.
const TRANSFER: u64 = 128;

const CIPHERS: [&str; 3] = ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr"];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [word, config] = args.as_slice() {
        assert_eq!(word, "board", "expected no arguments");
        return board(Path::new(config));
    }
    let scratch = Scratch::new();
    let peers = [Some(Server::wampproc(&scratch)), Server::dropbear(&scratch), Server::openssh(&scratch)];
    logins(&peers.iter().flatten().collect::<Vec<_>>(), &scratch);
    let [_, _, openssh] = peers;
    let embedding = Server::board(&scratch);
    throughput(&[Some(embedding), openssh].into_iter().flatten().collect::<Vec<_>>(), &scratch);
    let without = sizes();
    memory(&without, &scratch);
}

/// A program with a manhole in it and a command that says a lot. (Its router is nowhere: the manhole does not need one.)
fn board(config: &Path) {
    let config: Value = serde_json::from_slice(&fs::read(config).expect("a configuration")).expect("JSON");
    let line = format!("{}\n", "x".repeat(1023));
    let answer = line.repeat(usize::try_from(ANSWER * 1024).expect("a size"));
    let agent = Agent::builder("ws://127.0.0.1:1/ws".parse().expect("a URL"))
        .manhole(Config::parse(&config).expect("a configuration"))
        .command("flood", "Say a lot.", move |_| Ok(Value::from(answer.as_str())))
        .build()
        .expect("an agent");
    agent.run().expect("the agent runs until it is killed");
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// A directory for keys and configurations, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("wampproc-bench-{}", std::process::id()));
        // What sshd and dropbear read must belong to its owner alone.
        for directory in [path.clone(), path.join("home"), path.join("home/.ssh")] {
            fs::create_dir(&directory).expect("a directory of our own");
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).expect("mode");
        }
        let scratch = Self(path);
        for name in ["user", "host"] {
            let status = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(scratch.path(name))
                .status();
            assert!(status.expect("ssh-keygen (Debian: openssh-client)").success());
        }
        fs::copy(scratch.path("user.pub"), scratch.path("home/.ssh/authorized_keys")).expect("copy");
        scratch
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The configuration of a manhole at this port.
    fn config(&self, port: &str) -> PathBuf {
        let file = self.path("manhole.json");
        let config = json!({
            "endpoint": {"type": "tcp", "port": port.parse::<u16>().expect("a port")},
            "users": [{"user": user().name, "authorized_keys": {"file": self.path("user.pub")}}],
        });
        fs::write(&file, config.to_string()).expect("write");
        file
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn user() -> User {
    User::from_uid(getuid()).expect("the list of users").expect("this user in it")
}

/// A port that was free a moment ago, for servers that cannot say which one they got.
fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").expect("bind").local_addr().expect("address").port().to_string()
}

/// A process that was started here, and is ended when it goes.
struct Server {
    name: &'static str,
    process: Child,
    port: String,
    /// What is run at a login.
    command: &'static str,
}

impl Drop for Server {
    fn drop(&mut self) {
        // OpenSSH's cleans up when it may.
        let pid = Pid::from_raw(i32::try_from(self.process.id()).expect("a pid"));
        let _ = kill(pid, Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts it and waits until it greets; `None` when it is not installed.
    fn start(name: &'static str, command: &'static str, port: String, mut program: Command) -> Option<Self> {
        let process = match program.stdin(Stdio::null()).stdout(Stdio::null()).spawn() {
            Ok(process) => process,
            Err(error) => {
                println!("{name} is left out: cannot run {}: {error}", program.get_program().to_string_lossy());
                return None;
            }
        };
        let mut server = Self { name, process, port, command };
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let mut greeting = [0; 4];
            let greets = TcpStream::connect(format!("127.0.0.1:{}", server.port))
                .and_then(|mut tcp| tcp.read_exact(&mut greeting));
            if greets.is_ok() && &greeting == b"SSH-" {
                return Some(server);
            }
            if let Some(status) = server.process.try_wait().expect("wait") {
                println!("{name} is left out: it ended ({status})");
                return None;
            }
            assert!(Instant::now() < deadline, "{name} does not greet");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn wampproc(scratch: &Scratch) -> Self {
        let port = free_port();
        let mut program = Command::new(env!("CARGO_BIN_EXE_wampproc"));
        program.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error", "--manhole"]);
        program.arg(scratch.config(&port)).arg("--state-dir").arg(scratch.path("state"));
        Self::start("wampproc", "stats", port, program).expect("our own binary")
    }

    fn board(scratch: &Scratch) -> Self {
        let port = free_port();
        let mut program = Command::new(std::env::current_exe().expect("own path"));
        program.arg("board").arg(scratch.config(&port));
        Self::start("wampproc", "flood", port, program).expect("this program")
    }

    fn dropbear(scratch: &Scratch) -> Option<Self> {
        let (port, home) = (free_port(), user().dir);
        let key = scratch.path("home/host");
        let made = Command::new("dropbearkey").args(["-t", "ed25519", "-f"]).arg(&key).output();
        if let Err(error) = made {
            println!("dropbear is left out: cannot run dropbearkey: {error}");
            return None;
        }
        let mut program = Command::new("unshare");
        if !getuid().is_root() {
            program.args(["--user", "--map-current-user", "--keep-caps"]);
        }
        let script =
            "mount --bind \"$1\" \"$2\" && exec dropbear -F -E -s -p \"127.0.0.1:$3\" -r \"$2/host\" -P \"$2/pid\"";
        program.args(["--mount", "sh", "-c", script, "sh"]).arg(scratch.path("home")).arg(home).arg(&port);
        program.stderr(Stdio::null());
        Self::start("dropbear", "cat /proc/self/status", port, program)
    }

    fn openssh(scratch: &Scratch) -> Option<Self> {
        let (port, file) = (free_port(), scratch.path("sshd_config"));
        let (host, users) = (scratch.path("host"), scratch.path("user.pub"));
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             PasswordAuthentication no\nPermitRootLogin yes\nLogLevel FATAL\n",
            host.display(),
            users.display()
        );
        fs::write(&file, config).expect("write");
        let mut program = Command::new("/usr/sbin/sshd");
        program.args(["-D", "-e", "-f"]).arg(file);
        Self::start("sshd", "cat /proc/self/status", port, program)
    }
}

/// OpenSSH's client, which asks nobody and takes nothing from its user's files.
fn client(port: &str, scratch: &Scratch, options: &[&str]) -> Command {
    let mut client = Command::new("ssh");
    client.args(["-F", "/dev/null", "-T", "-p", port, "-l", &user().name, "-i"]).arg(scratch.path("user"));
    for option in [
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "PasswordAuthentication=no",
        "LogLevel=ERROR",
    ] {
        client.args(["-o", option]);
    }
    client.args(options).arg("127.0.0.1").stdin(Stdio::null());
    client
}

/// From the client's start to its end, ms.
fn logins(servers: &[&Server], scratch: &Scratch) {
    let mut figures = vec![Vec::new(); servers.len()];
    // In turn, so that a machine that drifts drifts for all.
    for _ in 0..LOGINS {
        for (server, figures) in servers.iter().zip(&mut figures) {
            let start = Instant::now();
            let end = client(&server.port, scratch, &[]).arg(server.command).output().expect("ssh");
            figures.push(start.elapsed().as_secs_f64() * 1e3);
            assert!(end.status.success() && end.stdout.len() > 100, "{}: {end:?}", server.name);
        }
    }
    let medians: Vec<f64> = figures.into_iter().map(median).collect();
    println!("{:<10}{:<24}{:>12}{:>12}", "server", "login and one command", "ms", "of ours");
    for (server, ms) in servers.iter().zip(&medians) {
        println!("{:<10}{:<24}{ms:>12.1}{:>12}", server.name, server.command, format!("{:.1}×", ms / medians[0]));
    }
}

/// A large output, MB/s from its first byte to its last.
fn throughput(servers: &[Server], scratch: &Scratch) {
    println!("\n{:<10}{:<32}{:>8}{:>12}", "server", format!("{TRANSFER} MiB by"), "MB/s", "of ours");
    for cipher in CIPHERS {
        let mut figures = vec![Vec::new(); servers.len()];
        for _ in 0..TRANSFERS {
            for (server, figures) in servers.iter().zip(&mut figures) {
                figures.push(transfer(server, scratch, cipher));
            }
        }
        let medians: Vec<f64> = figures.into_iter().map(median).collect();
        for (server, rate) in servers.iter().zip(&medians) {
            println!("{:<10}{cipher:<32}{rate:>8.0}{:>12}", server.name, format!("{:.2}×", rate / medians[0]));
        }
    }
}

fn transfer(server: &Server, scratch: &Scratch, cipher: &str) -> f64 {
    // The same code for aes256-ctr at both; the others have theirs built in.
    let mut client = client(&server.port, scratch, &["-c", cipher, "-m", "hmac-sha2-256-etm@openssh.com"]);
    let script = if server.command == "flood" {
        "flood\n".repeat(usize::try_from(TRANSFER / ANSWER).expect("a number"))
    } else {
        client.arg(format!("head -c {} /dev/zero", TRANSFER << 20));
        String::new()
    };
    let mut process = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ssh");
    process.stdin.take().expect("stdin").write_all(script.as_bytes()).expect("write");
    let mut output = process.stdout.take().expect("stdout");
    let mut buffer = vec![0; 256 * 1024];
    let (mut start, mut received) = (None, 0_u64);
    loop {
        let count = output.read(&mut buffer).expect("read");
        start.get_or_insert_with(Instant::now);
        received += count as u64;
        if count == 0 {
            break;
        }
    }
    let seconds = start.expect("a first byte").elapsed().as_secs_f64();
    assert!(process.wait().expect("ssh").success());
    assert_eq!(received, TRANSFER << 20, "{}", server.name);
    received as f64 / 1e6 / seconds
}

/// The sizes of the builds with and without the feature; the path of the second.
fn sizes() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("without-manhole");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--locked", "--bin", "wampproc", "--no-default-features"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "--target-dir"])
        .arg(&target)
        .status();
    assert!(built.expect("cargo").success());
    let without = target.join("release/wampproc");
    let size = |path: &Path| fs::metadata(path).expect("the binary").len() as f64 / 1e3;
    let (tiny, whole) = (size(&without), size(Path::new(env!("CARGO_BIN_EXE_wampproc"))));
    println!("\n{:<34}{:>12}", "release build", "KB");
    for (what, size) in [("without the feature", tiny), ("with it", whole), ("difference", whole - tiny)] {
        println!("{what:<34}{size:>12.0}");
    }
    without
}

/// What `serve` holds as a manhole comes to it, kB.
fn memory(without: &Path, scratch: &Scratch) {
    let with = Path::new(env!("CARGO_BIN_EXE_wampproc"));
    let mut stages = vec![("without the feature", Vec::new()), ("with it, no manhole", Vec::new())];
    stages.extend([("a manhole", Vec::new()), ("two sessions in it", Vec::new())]);
    for _ in 0..STARTS {
        let tiny = Serve::start(without);
        let serve = Serve::start(with);
        let before = [tiny.resident(), serve.resident()];
        let port = serve.start_manhole(scratch);
        let started = serve.resident();
        let sessions = [Session::open(port, scratch), Session::open(port, scratch)];
        let figures = before.into_iter().chain([started, serve.resident()]);
        for (figure, (_, figures)) in figures.zip(&mut stages) {
            figures.push(figure);
        }
        drop(sessions);
    }
    println!("\n{:<34}{:>12}{:>12}", "memory of serve, kB", "RSS", "anonymous");
    for (stage, figures) in stages {
        let (all, anonymous) = figures.into_iter().unzip();
        println!("{stage:<34}{:>12.0}{:>12.0}", median(all), median(anonymous));
    }
}

/// `serve` without a manhole at first.
struct Serve {
    process: Child,
    url: String,
}

impl Serve {
    fn start(binary: &Path) -> Self {
        let mut process = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--worker", "w", "--log-level", "error"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("start wampproc");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut line).expect("the ready line");
        Self { process, url: line.split(' ').nth(1).expect("a URL").to_owned() }
    }

    /// The port of the manhole.
    fn start_manhole(&self, scratch: &Scratch) -> u64 {
        let config = fs::read_to_string(scratch.config("0")).expect("a configuration");
        let answer = Command::new(env!("CARGO_BIN_EXE_wampproc"))
            .args(["call", "--url", &self.url, "crossbar.worker.w.start_manhole", &config])
            .output()
            .expect("call");
        let service: Value = serde_json::from_slice(&answer.stdout).expect("the service map");
        service["config"]["endpoint"]["port"].as_u64().expect("a port")
    }

    /// All that it holds, and what of it is no file, kB.
    fn resident(&self) -> (f64, f64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("status");
        let number = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("a line");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        (number("VmRSS:"), number("RssAnon:"))
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Somebody who has asked for `stats` and stays.
struct Session {
    client: Child,
    // The dialogue ends with it.
    _stdin: ChildStdin,
}

impl Session {
    fn open(port: u64, scratch: &Scratch) -> Self {
        let mut client = client(&port.to_string(), scratch, &[]);
        let mut client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ssh");
        let mut stdin = client.stdin.take().expect("stdin");
        stdin.write_all(b"stats --json\n").expect("write");
        let mut line = String::new();
        BufReader::new(client.stdout.take().expect("stdout")).read_line(&mut line).expect("an answer");
        assert!(line.starts_with('{'), "{line}");
        Self { client, _stdin: stdin }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}
