//! psutil in a Python of its own, called as Crossbar.io calls it (crossbar/common/processinfo.py), without `oneshot`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Answers each line `stats COUNT` or `info COUNT` with the µs of CPU time of one call.
const PROGRAM: &str = r#"
import sys, time, warnings
warnings.simplefilter("ignore")
import psutil
p = psutil.Process(int(sys.argv[1]))
sockets = getattr(p, "net_connections", None) or p.connections
def stats():
    p.num_ctx_switches(); p.cpu_times(); p.cpu_percent(); p.memory_info(); p.memory_percent(); p.io_counters(); p.status()
def info():
    p.num_fds(); p.num_threads(); sorted(f.path for f in p.open_files()); sockets(kind="all")
print("ready", flush=True)
for line in sys.stdin:
    name, count = line.split()
    call = {"stats": stats, "info": info}[name]
    start = time.thread_time_ns()
    for _ in range(int(count)):
        call()
    print((time.thread_time_ns() - start) / 1000 / int(count), flush=True)
"#;

pub struct Psutil {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Psutil {
    /// `None` when there is no such Python, or it has no psutil.
    pub fn start(python: &str, pid: i32) -> Option<Self> {
        let mut process = Command::new(python)
            .args(["-c", PROGRAM, &pid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let questions = process.stdin.take().expect("its input");
        let answers = BufReader::new(process.stdout.take().expect("its output"));
        let mut started = Self { process, questions, answers };
        (started.line() == "ready\n").then_some(started)
    }

    pub fn stats(&mut self, count: u32) -> f64 {
        self.ask("stats", count)
    }

    pub fn info(&mut self, count: u32) -> f64 {
        self.ask("info", count)
    }

    fn ask(&mut self, name: &str, count: u32) -> f64 {
        writeln!(self.questions, "{name} {count}").expect("ask psutil");
        self.line().trim().parse().expect("psutil's figure")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("psutil's answer");
        line
    }
}

impl Drop for Psutil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
