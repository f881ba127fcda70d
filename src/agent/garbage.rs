//! Has the target give memory back: our own process by its allocator, another one as it was configured.

use super::dispatch::{Answer, Dispatcher, Origin};
use super::handle::Letter;
use crate::api::garbage::collected;
use crate::api::{Failure, Outcome};
use crate::process::{Garbage, ProcessError};
use crate::sampler::Probe;
use crate::supervisor::{CollectError, Collection, GcMethod};
use crate::sync::mailbox::Post;
use crate::wamp::options::Caller;
use crate::wamp::session::Session;

/// Who has garbage collected.
pub(super) struct Collector {
    method: Option<GcMethod>,
    post: Post<Letter>,
    running: Option<Running>,
}

/// A command at work.
struct Running {
    _collection: Collection,
    origin: Origin,
    caller: Option<Caller>,
}

impl Collector {
    pub const fn new(method: Option<GcMethod>, post: Post<Letter>) -> Self {
        Self { method, post, running: None }
    }

    /// The session of those who asked over WAMP is over.
    pub fn forget_callers(&mut self) {
        if let Some(running) = &mut self.running {
            if matches!(running.origin, Origin::Invocation { .. }) {
                running.origin = Origin::Nobody;
            }
        }
    }
}

impl Dispatcher {
    /// `trigger_gc`.
    pub(super) fn collect_garbage(&mut self, session: Option<&mut Session>, origin: Origin) {
        let caller = origin.caller().cloned();
        let identity = match self.host.identity() {
            Ok(identity) => identity.clone(),
            Err(failure) => return self.settle(session, origin, Err(failure)),
        };
        if u32::try_from(identity.pid()) == Ok(std::process::id()) {
            let job = move |probe: &mut Probe| answer(probe.collect_garbage(), caller.as_ref());
            return self.ask_sampler(session, origin, Box::new(job));
        }
        match &self.supervision.collector.method {
            None => self.settle(session, origin, Err(unavailable())),
            Some(GcMethod::Signal(signal)) => {
                let signal = *signal;
                let job = move |probe: &mut Probe| answer(probe.signal_for_garbage(signal), caller.as_ref());
                self.ask_sampler(session, origin, Box::new(job));
            }
            Some(GcMethod::Command(_)) if self.supervision.collector.running.is_some() => {
                let sentence = "a command that collects garbage runs already: try again later";
                self.settle(session, origin, Err(Failure::Busy(sentence.to_owned())));
            }
            Some(GcMethod::Command(words)) => {
                match Collection::start(words, identity, self.supervision.collector.post.clone()) {
                    Ok(collection) => {
                        self.supervision.collector.running = Some(Running { _collection: collection, origin, caller });
                    }
                    Err(error) => {
                        let failure = Failure::Runtime(format!("cannot start to collect garbage: {error}"));
                        self.settle(session, origin, Err(failure));
                    }
                }
            }
        }
    }

    /// A command has come to its end.
    pub(super) fn garbage_collected(&mut self, session: Option<&mut Session>, outcome: Result<Garbage, CollectError>) {
        let Some(Running { origin, caller, .. }) = self.supervision.collector.running.take() else { return };
        let answer = match outcome {
            Ok(garbage) => Ok(collected(&garbage, caller.as_ref())),
            Err(CollectError::Process(reason)) => Err(reason.into()),
            Err(error) => Err(Failure::Runtime(error.to_string())),
        };
        self.settle(session, origin, answer);
    }
}

fn answer(garbage: Result<Garbage, ProcessError>, caller: Option<&Caller>) -> Answer {
    let outcome: Outcome = collected(&garbage?, caller);
    Ok(outcome)
}

fn unavailable() -> Failure {
    Failure::FeatureUnavailable(
        "collecting another process's garbage is not available: say how with --gc-signal or --gc-command".to_owned(),
    )
}
