//! The metrics thread: measures one target by its own clock, and answers what is asked about it.
//!
//! [`Sampler`] is the handle; the thread "sampler" owns the [`Target`] and sleeps until a request comes or a tick is due.
//! With a history of 0, monitoring off and no watches there are no ticks, and it sleeps until it is asked. While there is no
//! target there are none either; with the next one everything begins anew.
//!
//! # Over what time rates are
//! Counters are read when they are asked for. Rates and `cpu_percent` need two readings, and whose they are is fixed, so
//! that nobody who asks changes what another one is told:
//! - With a history: the two newest ticks of it, that is the last whole `interval`.
//! - Until it has two ticks, and without a history: from an earlier reading that was asked for and is at least
//!   [`SHORTEST_WINDOW`] older, the newest such one that is still held; when there is none, since the process started.
//! - The first [`Probe::monitor`] of all is answered without rates.
//! - In the periodic statistics: since the previous one of the same setting; the first is as if asked for.

mod actor;
mod buckets;
mod change;
mod costly;
mod history;
#[cfg(test)]
mod made;
mod probe;
mod rates;
mod request;
mod schedule;
mod shape;
mod watch;
mod window;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};

pub use buckets::{Bucket, ProcessHistory, Spread};
pub use costly::{Aged, COST_FACTOR};
pub use probe::Probe;
pub use rates::PerSecond;
pub use request::{Job, Report, SamplerRequest};
pub use shape::{ProcessMonitor, ProcessStats, StatsTick};
pub use watch::{
    Clearing, LONGEST_HOLD, LONGEST_NAME, Lookout, METRICS, MOST_WATCHES, Metric, Reason, Rule, RuleError, Threshold,
    WatchChange, WatchError, WatchReport, WatchState, watch_name,
};
pub use window::SHORTEST_WINDOW;

use change::{Change, Changer};
use request::Message;

use crate::process::{ProcessError, Target};
use crate::sync::mailbox::Post;
use crate::sync::thread::Thread;

/// How the sampler works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Time between two ticks of the history; at least [`SHORTEST_INTERVAL`].
    pub interval: Duration,
    /// How many ticks are held, at most [`LONGEST_HISTORY`]; 0: nothing is measured unless asked for.
    pub history: u32,
    /// What `get_process_monitor` gives as `type`.
    pub worker_type: String,
    /// Watches that there are from the beginning, by their names, which must differ.
    pub watches: Vec<(String, Rule)>,
}

impl Settings {
    /// With the watches that there are from the beginning.
    fn lookout(&self) -> Result<Lookout, WatchError> {
        let mut lookout = Lookout::new((self.history == 0).then_some(self.interval));
        for (at, (name, rule)) in self.watches.iter().enumerate() {
            if self.watches.iter().take(at).any(|(other, _)| other == name) {
                return Err(WatchError::Twice(name.clone()));
            }
            lookout.set(name, *rule)?;
        }
        Ok(lookout)
    }
}

/// The shortest time between two ticks, of the history as of the periodic statistics.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);
/// The most ticks that can be held: a day of seconds, 12 MB.
pub const LONGEST_HISTORY: u32 = 86_400;
/// Requests that can wait; a further one is refused.
pub const REQUESTS: usize = 256;

/// The handle. Dropping it ends the thread and waits for that, also while the thread waits for room in a full mailbox.
#[derive(Debug)]
pub struct Sampler<A> {
    // The thread ends when these two are dropped, so they come before it.
    messages: Sender<Message<A>>,
    _stop: Sender<Infallible>,
    changer: Changer,
    _thread: Thread,
}

impl<A: Send + 'static> Sampler<A> {
    /// Starts the thread, with a target or with the reason why there is none yet. Answers and periodic statistics go to
    /// `reports`; the thread waits while that is full.
    ///
    /// # Errors
    /// When `settings` are out of range (`InvalidInput`), the kernel refuses a thread, or it does not tell of a pressure that is
    /// to be watched ([`WatchError`]).
    pub fn spawn<R>(target: Result<Target, ProcessError>, settings: Settings, reports: Post<R>) -> io::Result<Self>
    where
        R: From<Report<A>> + Send + 'static,
    {
        if settings.interval < SHORTEST_INTERVAL || settings.history > LONGEST_HISTORY {
            let limits = format!(
                "the sampling interval must be at least {SHORTEST_INTERVAL:?} and the history at most {LONGEST_HISTORY}"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, limits));
        }
        let lookout = settings.lookout().map_err(io::Error::other)?;
        let (messages, received) = bounded(REQUESTS);
        let (stop, stopped) = bounded(0);
        let (changer, changes) = change::changes();
        let thread = Thread::spawn("sampler", move || {
            actor::Actor::new(Probe::new(target, settings, lookout), reports, changes, stopped).run(&received);
        })?;
        Ok(Self { messages, _stop: stop, changer, _thread: thread })
    }

    /// Hands over a request without waiting.
    ///
    /// # Errors
    /// [`Busy`] when [`REQUESTS`] of them wait already (or the thread has ended, because its reports' receiver has).
    pub fn ask(&self, request: SamplerRequest<A>) -> Result<(), Busy> {
        self.messages.try_send(Message::Request(request)).map_err(|_| Busy)
    }

    /// Goes over to another target: what is asked from now on is about that one. Its history, its rates and the first poll
    /// begin anew. Never waits, and is never refused.
    pub fn attach(&self, target: Target) {
        self.change(Change::Attach(Box::new(target)));
    }

    /// There is no target any more: what is asked from now on is answered with `reason`. Never waits, and is never refused.
    pub fn detach(&self, reason: ProcessError) {
        self.change(Change::Detach(reason));
    }

    fn change(&self, change: Change) {
        self.changer.put(change);
        // A thread whose queue is full is awake, and looks before it answers.
        let _ = self.messages.try_send(Message::Changed);
    }
}

/// The sampler takes no further request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{REQUESTS} requests about the process are waiting already: try again later")
    }
}

impl std::error::Error for Busy {}

#[cfg(test)]
mod tests;
