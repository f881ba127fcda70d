//! What a supervising thread tells.

use std::fmt;
use std::io;
use std::time::Duration;

use serde::Serialize;

use super::collect::CollectError;
use super::command::ChildCommand;
use super::order::{Answer, Refusal};
use super::publication::Output;
use crate::process::{Garbage, ProcessError, Target};
use crate::sync::ticket::Ticket;

/// Bytes of a command and its arguments that are told, each with an end: the kernel takes more than a message holds.
pub const LONGEST_COMMAND: usize = 16 * 1024;

/// One thing that happened.
#[derive(Debug)]
pub enum Report {
    /// There is another process from now on.
    Started(Box<Started>),
    /// The process has ended.
    Exited(Exit),
    /// A command that was to collect the process's garbage has ended ([`super::Collection`]).
    Collected(Result<Garbage, CollectError>),
    /// An order to a child's supervisor was carried out, or not.
    Answered {
        /// The order's.
        ticket: Ticket,
        /// What was done.
        answer: Result<Answer, Refusal>,
    },
    /// The child has written something.
    Output(Output),
    /// Nothing will follow.
    Over(End),
}

/// A process that has become the target.
#[derive(Debug)]
pub struct Started {
    /// Its id.
    pub pid: i32,
    /// The process, or why it cannot be measured.
    pub target: Result<Target, ProcessError>,
    /// The command that was run and its arguments; `None` when somebody else started it. Of more than [`LONGEST_COMMAND`] the
    /// last word is `…`.
    pub command: Option<Vec<String>>,
    /// How many processes there were before it.
    pub restarts: u64,
}

/// How a process ended: what `on_process_exited` publishes. What cannot be known of a process that is not our child is
/// `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exit {
    /// Its id while it lived.
    pub pid: i32,
    /// Its exit code, 0 to 255; `None` also when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it, like `SIGTERM`; `None` also when it ended by itself.
    pub signal: Option<String>,
    /// Whether it left a core dump.
    pub core: Option<bool>,
    /// Seconds from its start to its end.
    pub uptime: f64,
    /// What it used.
    pub rusage: Option<Usage>,
    /// Whether it was killed for want of memory.
    pub oom: Option<bool>,
    /// How many processes there were before it.
    pub restarts: u64,
}

/// What a process used in its life, as getrusage(2) tells.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Usage {
    /// CPU seconds in user mode.
    pub user: f64,
    /// CPU seconds in kernel mode.
    pub system: f64,
    /// The most bytes that were resident at a time.
    pub max_resident: u64,
    /// Page faults that were served without I/O.
    pub minor_faults: u64,
    /// Page faults that needed I/O.
    pub major_faults: u64,
    /// Times that it waited of its own will.
    pub voluntary: u64,
    /// Times that another was let run in its place.
    pub nonvoluntary: u64,
}

/// Why nothing will follow.
#[derive(Debug)]
pub enum End {
    /// The process has ended, and no other is waited for.
    Ended,
    /// The kernel refuses what is needed to go on.
    Failed(io::Error),
}

impl Started {
    /// A child of ours that was just started, and not reaped.
    #[must_use]
    pub(super) fn child(pid: i32, command: &ChildCommand, restarts: u64) -> Self {
        Self { pid, target: Target::open(pid), command: Some(words(command)), restarts }
    }
}

/// The words of a command, as many as may be told.
fn words(command: &ChildCommand) -> Vec<String> {
    let (mut words, mut room) = (Vec::new(), LONGEST_COMMAND);
    for word in std::iter::once(&command.program).chain(&command.arguments) {
        let word = word.to_string_lossy();
        let Some(rest) = room.checked_sub(word.len() + 1) else {
            words.push("…".to_owned());
            break;
        };
        room = rest;
        words.push(word.into_owned());
    }
    words
}

impl Exit {
    /// The end of a process whose parent is somebody else: only that one is told how it ended.
    #[must_use]
    pub(super) fn of_another(pid: i32, uptime: Duration, restarts: u64) -> Self {
        Self {
            pid,
            code: None,
            signal: None,
            core: None,
            uptime: uptime.as_secs_f64(),
            rusage: None,
            oom: None,
            restarts,
        }
    }
}

/// For the log.
impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} has ended", self.pid)?;
        match (self.code, &self.signal) {
            (Some(code), _) => write!(f, ": exit code {code}")?,
            (None, Some(signal)) => write!(f, ": {signal}")?,
            (None, None) => {}
        }
        if self.core == Some(true) { f.write_str(", core dumped") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_as_far_as_a_message_holds_it() {
        let mut command = ChildCommand::new("sh");
        command.arguments = vec!["-c".into(), "x".repeat(LONGEST_COMMAND - 7).into(), "".into(), "more".into()];
        assert_eq!(words(&command)[..2], ["sh", "-c"]);
        assert_eq!(words(&command)[2].len(), LONGEST_COMMAND - 7);
        assert_eq!(words(&command)[3..], ["…"]);
        command.arguments.truncate(2);
        assert_eq!(words(&command).len(), 3);
    }

    #[test]
    fn what_is_not_known_is_null() {
        let exit = Exit::of_another(17, Duration::from_millis(1500), 2);
        let expected = "{\"pid\":17,\"code\":null,\"signal\":null,\"core\":null,\"uptime\":1.5,\"rusage\":null,\
                        \"oom\":null,\"restarts\":2}";
        assert_eq!(serde_json::to_string(&exit).unwrap(), expected);
    }

    #[test]
    fn the_log_says_how_it_ended_as_far_as_it_is_known() {
        let unknown = Exit::of_another(17, Duration::ZERO, 0);
        assert_eq!(unknown.to_string(), "process 17 has ended");
        let by_itself = Exit { code: Some(3), core: Some(false), ..unknown.clone() };
        assert_eq!(by_itself.to_string(), "process 17 has ended: exit code 3");
        let killed = Exit { signal: Some("SIGSEGV".to_owned()), core: Some(true), ..unknown };
        assert_eq!(killed.to_string(), "process 17 has ended: SIGSEGV, core dumped");
    }
}
