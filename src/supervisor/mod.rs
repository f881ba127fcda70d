//! Whoever keeps an eye on the target while the agent runs, and tells of its end and of what comes after.
//!
//! [`TargetChoice`] says which process it is to be, and [`TargetChoice::find`] looks for it. For our own process there is
//! nothing to watch. For another one the thread "watcher" sleeps until the process has ended, or, where a pid file is waited
//! for, until the file names another. What happens comes as [`Report`]s, each once, in their order; the thread waits for room
//! in a full mailbox, so none is lost. Dropping the [`Supervisor`] ends the thread and waits for that.
//!
//! ```
//! use std::process::{Command, Stdio};
//! use wampproc::Agent;
//! use wampproc::agent::Ending;
//! use wampproc::server::{Server, ServerConfig};
//! use wampproc::supervisor::{End, TargetChoice};
//! use wampproc::transport::memory;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut pump = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
//! let (here, there) = memory::pair()?;
//! let _server = Server::start(ServerConfig::new("127.0.0.1:0".parse()?), vec![there])?;
//! let (pid, input) = (i32::try_from(pump.id())?, pump.stdin.take());
//! let agent = Agent::embedded(here)
//!     .worker("pump")
//!     .target(TargetChoice::Pid(pid))
//!     // crossbar.worker.pump.get_process_stats and all the others are there now; the end of its input is the end of cat.
//!     .on_ready(move || drop(input))
//!     .build()?;
//! // Subscribers of crossbar.worker.pump.on_process_exited have been told when this returns.
//! assert!(matches!(agent.run()?, Ending::Target(End::Ended)));
//! pump.wait()?;
//! # Ok(())
//! # }
//! ```

mod actor;
mod capture;
mod child;
mod choice;
mod collect;
mod command;
mod error;
mod foreground;
mod generation;
mod life;
mod memory;
mod notify;
mod order;
mod outbox;
mod output;
mod pid_file;
mod publication;
mod reaper;
mod report;
mod restart;
mod service_manager;
mod signals;
mod spawn;
mod streams;
mod watch;

use std::convert::Infallible;
use std::io;

use crossbeam_channel::{Receiver, Sender, bounded};

pub use capture::LARGEST_CAPTURE;
pub use child::{ChildSupervisor, Control, KeptOutput, Outcome, TooMany};
pub use choice::{AtExit, Found, TargetChoice};
pub use collect::{CollectError, Collection, GcMethod, PATIENCE as GC_PATIENCE};
pub use command::{ChildCommand, Outlets, Publication};
pub use error::TargetError;
pub use generation::OWN_FAILURE;
pub use order::{Answer, Captured, Order, Refusal, Request};
pub use publication::{EVENT_INTERVAL, LARGEST_EVENT, Output, Stream};
pub use report::{End, Exit, LONGEST_COMMAND, Report, Started, Usage};
pub use restart::{HEALTHY, LONGEST_DELAY, MOST_RESTARTS, RestartLimit, RestartPolicy, RestartRule};
pub use service_manager::ServiceManager;
pub use signals::Inherited;

use crate::sync::thread::Thread;
use crate::sync::waker::Waker;

/// The handle of a thread that supervises the target. Dropping it ends the thread and waits for that.
#[derive(Debug)]
pub struct Supervisor {
    // Fields drop in order: the thread is rung when it can see that it is to end, and then joined.
    _stop: Sender<Infallible>,
    _bell: Bell,
    _thread: Thread,
}

/// Rings when it goes.
#[derive(Debug)]
struct Bell(Waker);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// How a supervising thread learns that it is to end.
#[derive(Debug)]
struct Leash {
    /// Rings for that, at the latest.
    bell: Waker,
    /// Closed, then; it also ends a wait for room in the mailbox.
    stop: Receiver<Infallible>,
}

impl Supervisor {
    /// Starts a thread.
    fn spawn(name: &'static str, body: impl FnOnce(Leash) + Send + 'static) -> io::Result<Self> {
        Self::spawn_with(name, |leash| ((), move || body(leash))).map(|((), supervisor)| supervisor)
    }

    /// Starts a thread that shares something with whoever starts it.
    fn spawn_with<S, B: FnOnce() + Send + 'static>(
        name: &'static str,
        make: impl FnOnce(Leash) -> (S, B),
    ) -> io::Result<(S, Self)> {
        let bell = Waker::new()?;
        let (stop, stopped) = bounded(0);
        let (shared, body) = make(Leash { bell: bell.clone(), stop: stopped });
        let thread = Thread::spawn(name, body)?;
        Ok((shared, Self { _stop: stop, _bell: Bell(bell), _thread: thread }))
    }
}

impl Leash {
    /// Whether the handle is gone.
    fn is_let_go(&self) -> bool {
        matches!(self.stop.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected))
    }
}
