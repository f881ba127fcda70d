//! Programs that tests run: what they print as it comes, how they end, and that none outlives its test.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{SigHandler, Signal, kill};
use nix::unistd::{Pid, pipe2};

/// How long a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A program that runs. It is killed, and waited for, when this goes.
pub struct Program {
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    /// The lines of stderr that were read already.
    logged: Vec<u8>,
}

/// How a program ended, and what it printed that nobody had read yet.
#[derive(Debug)]
pub struct End {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    /// All of it.
    pub stderr: String,
}

impl End {
    /// What was printed to stdout, which must be text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

/// What is run in the background of a script ignores SIGINT and SIGQUIT, and hands that on; what is tested shall heed them.
#[allow(unsafe_code)]
fn heed_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM] {
            // SAFETY: no handler is set, and none is replaced: the tests have none for these.
            unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }.unwrap();
        }
    });
}

/// The program of this package with these arguments.
pub fn wampproc(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    heed_signals();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wampproc"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A pipe that no other process has an end of yet: the one to read and the one to write.
pub fn pipe() -> (File, File) {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
    (reader.into(), writer.into())
}

/// A pipe that is full.
pub fn full_pipe() -> (File, File) {
    let (reader, mut writer) = pipe();
    // The flag belongs to the pipe's end, whoever has it: it must be off again before somebody gets it.
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while writer.write(&[b'\n'; 4096]).is_ok() {}
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    (reader, writer)
}

/// Runs the program of this package to its end.
pub fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> End {
    Program::spawn(wampproc(arguments)).end()
}

impl Program {
    /// Starts a program and reads what it prints, except what the command sends elsewhere.
    pub fn spawn(mut command: Command) -> Self {
        Self::start(command.stdout(Stdio::piped()))
    }

    /// Starts a program whose stdout the command has set already.
    pub fn start(command: &mut Command) -> Self {
        Self::start_with_both(command.stderr(Stdio::piped()))
    }

    /// Starts a program whose stdout and stderr the command has set already. Of those that are not piped nothing is known.
    pub fn start_with_both(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().map_or_else(|| channel().1, lines);
        let stderr = child.stderr.take().map_or_else(|| channel().1, lines);
        Self { child, stdout, stderr, logged: Vec::new() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of stdout.
    pub fn line(&mut self) -> String {
        match self.stdout.recv_timeout(PATIENCE) {
            Ok(line) => String::from_utf8(line).unwrap().trim_end_matches('\n').to_owned(),
            Err(error) => panic!("no line on stdout ({error}); stderr: {}", self.rest_of_stderr()),
        }
    }

    /// The next line of stdout, if it comes in time.
    pub fn line_within(&mut self, time: Duration) -> Option<String> {
        let line = self.stdout.recv_timeout(time).ok()?;
        Some(String::from_utf8(line).unwrap().trim_end_matches('\n').to_owned())
    }

    /// Waits for a line of stderr with this text in it.
    pub fn wait_for_log(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.stderr.recv_timeout(PATIENCE) else {
                panic!("expected {text:?} on stderr, got {}", String::from_utf8_lossy(&self.logged));
            };
            self.logged.extend(&line);
            let line = String::from_utf8(line).unwrap();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// What it reads, if the command left that to us. Dropping it is the end of its input.
    pub fn input(&mut self) -> std::process::ChildStdin {
        self.child.stdin.take().unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        // The process has not been waited for, so the id is still its own.
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Whether it ends within this time. What it still prints to stderr meanwhile is not kept.
    pub fn ends_within(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        loop {
            match self.stderr.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    /// Waits for the end.
    pub fn end(mut self) -> End {
        let deadline = Instant::now() + PATIENCE;
        let stdout = drain(&self.stdout, deadline);
        self.logged.extend(drain(&self.stderr, deadline));
        // Both pipes are closed: it has ended, or is about to.
        let code = self.child.wait().unwrap().code();
        End { code, stdout, stderr: String::from_utf8(std::mem::take(&mut self.logged)).unwrap() }
    }

    fn rest_of_stderr(&mut self) -> String {
        self.logged.extend(self.stderr.try_iter().flatten());
        String::from_utf8_lossy(&self.logged).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Neither fails but for a process that has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe, the last one perhaps without its end.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        loop {
            let mut line = Vec::new();
            match pipe.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            }
        }
    });
    receiver
}

fn drain(lines: &Receiver<Vec<u8>>, deadline: Instant) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => all.extend(line),
            Err(RecvTimeoutError::Disconnected) => return all,
            Err(RecvTimeoutError::Timeout) => panic!("the program did not end"),
        }
    }
}
