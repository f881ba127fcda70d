//! The handle of a child's supervisor.

use std::fmt;
use std::io;

use crossbeam_channel::{Receiver, bounded};

use super::actor::Actor;
use super::command::{ChildCommand, Outlets};
use super::generation::OWN_FAILURE;
use super::life::Life;
use super::order::Request;
use super::outbox::{Nowhere, Outbox, Waiting};
use super::report::{End, Report};
use super::signals::{Incoming, Inherited};
use super::{Leash, Supervisor};
use crate::sync::mailbox::{NotSent, Post, mailbox};

/// What can wait for the thread.
const COMMANDS: usize = 64;

/// Supervises a child on the thread "supervisor", which owns everything about it: no other thread of this process may wait for
/// children, or have signals that this one is to get.
///
/// Dropping it ends the child with all that descends from it, and waits for that.
pub struct ChildSupervisor {
    control: Control,
    outcome: Receiver<Outcome>,
    _supervisor: Supervisor,
}

/// How it all ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the program's exit code should be: the child's, 128 and the number of the signal that ended it, 127 when it was not
    /// found, 126 when it could not be run, 125 when it was we who failed.
    pub code: u8,
}

/// Tells a supervisor what to do, from any thread.
#[derive(Clone)]
pub struct Control {
    commands: Post<Command>,
    name: String,
    output: KeptOutput,
}

/// Whether the last of a child's output is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptOutput {
    /// It is not.
    None,
    /// It is.
    Last,
}

/// What the thread is told.
pub(super) enum Command {
    /// Start the child for the first time; reports go there.
    Begin(Box<dyn Outbox>),
    Ask(Request),
}

impl ChildSupervisor {
    /// Starts the thread. The child is started when somebody is there to hear of it ([`Control::begin`]). All signals of this
    /// process are the supervisor's from now on; it must have blocked them before it started its first thread.
    ///
    /// # Errors
    /// When the kernel refuses a thread or a descriptor.
    pub fn start(command: ChildCommand, outlets: Outlets, inherited: Inherited) -> io::Result<Self> {
        nix::sys::prctl::set_child_subreaper(true)?;
        let name = command.name();
        let output = if command.capture.is_some() { KeptOutput::Last } else { KeptOutput::None };
        let on_hangup = command.on_hangup.clone();
        let incoming = Incoming::open()?;
        let life = Life::new(command, outlets, inherited, Box::new(Nowhere))?;
        let (tell, outcome) = bounded(1);
        let (commands, supervisor) = Supervisor::spawn_with("supervisor", |leash: Leash| {
            let (post, commands) = mailbox(COMMANDS, leash.bell.clone());
            let actor = Actor { life, incoming, commands, leash, on_hangup };
            let body = move || {
                // If nobody waits, nobody needs to know.
                let _ = tell.send(actor.run());
            };
            (post, body)
        })?;
        Ok(Self { control: Control { commands, name, output }, outcome, _supervisor: supervisor })
    }

    /// What an agent needs.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Waits for the end, whether anybody hears the reports or not.
    #[must_use]
    pub fn wait(self) -> Outcome {
        // Closed without a word: it panicked.
        self.outcome.recv().unwrap_or(Outcome { code: OWN_FAILURE })
    }
}

impl Control {
    /// The name of the program.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether [`Order::Output`](super::Order::Output) has an answer.
    #[must_use]
    pub const fn output(&self) -> KeptOutput {
        self.output
    }

    /// Has the child started, and reports sent to a mailbox. The second time nothing happens, unless all is over.
    pub fn begin<R: From<Report> + Send + 'static>(&self, reports: Post<R>) {
        let begin = Command::Begin(Box::new(Waiting::new(reports.clone())));
        if let Err(NotSent::Closed(_)) = self.commands.try_send(begin) {
            // The thread has ended. If nobody hears that, nobody waits for it.
            let _ = reports.try_send(Report::Over(End::Ended).into());
        }
    }

    /// Hands over a request without waiting.
    ///
    /// # Errors
    /// [`TooMany`] when so many of them wait already, or the thread has ended.
    pub fn ask(&self, request: Request) -> Result<(), TooMany> {
        self.commands.try_send(Command::Ask(request)).map_err(|_| TooMany)
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for ChildSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSupervisor").field("control", &self.control).finish_non_exhaustive()
    }
}

/// The supervisor takes no further request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{COMMANDS} requests to the process's supervisor are waiting already: try again later")
    }
}

impl std::error::Error for TooMany {}
