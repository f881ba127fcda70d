//! What becomes of the target while the agent runs: goes over to another one, tells of starts and ends, and knows when
//! there is nothing more to serve.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::child::Child;
use super::dispatch::Dispatcher;
use super::ending::Ending;
use super::garbage::Collector;
use super::outbox::Outbox;
use crate::api::Topic;
use crate::process::{Identity, ProcessError, Target};
use crate::supervisor::{End, Report, Started, Supervisor};
use crate::sync::clock::Timestamp;
use crate::sync::ticket::Ticket;
use crate::wamp::options::PublishOptions;
use crate::wamp::session::Session;
use crate::wamp::{Payload, RequestId};

/// How long an agent whose target is no more waits for a router that can be told so.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What is known about the target's life.
pub(super) struct Supervision {
    /// The last event may still wait for a session.
    outbox: Outbox,
    over: Option<Over>,
    /// A request behind which the sampler has told what came of the target's end: watches that it cleared.
    settling: Option<Ticket>,
    /// Has it give memory back.
    pub(super) collector: Collector,
    /// Where orders to a child's supervisor go.
    pub child: Child,
    /// Dropped with the dispatcher, which ends its thread.
    _supervisor: Option<Supervisor>,
}

/// Nothing will follow.
struct Over {
    end: End,
    since: Instant,
    /// The agent was let go.
    is_left: bool,
}

impl Supervision {
    pub fn new(supervisor: Option<Supervisor>, collector: Collector, child: Child) -> Self {
        Self { outbox: Outbox::default(), over: None, settling: None, collector, child, _supervisor: supervisor }
    }

    /// Whether there is nothing left to do or to tell.
    pub fn may_leave(&mut self, now: Instant) -> bool {
        let Some(over) = &mut self.over else { return false };
        if now >= over.since + LAST_WORDS {
            match self.outbox.clear() {
                0 => {}
                count => log::error!("no router could be told of the process: {count} events are lost"),
            }
            self.settling = None;
        }
        over.is_left = self.outbox.is_empty() && self.settling.is_none();
        over.is_left
    }

    /// When [`Supervision::may_leave`] is to be asked, if that may have become true.
    pub fn deadline(&self) -> Option<Instant> {
        let over = self.over.as_ref().filter(|over| !over.is_left)?;
        Some(if self.outbox.is_empty() && self.settling.is_none() { over.since } else { over.since + LAST_WORDS })
    }

    /// Why the agent ends.
    pub fn ending(&mut self) -> Ending {
        self.over.take().map_or(Ending::Stopped, |over| Ending::Target(over.end))
    }

    /// The session is over; its router may not have got what was published last.
    pub fn session_ended(&mut self) {
        self.outbox.session_ended();
        self.collector.forget_callers();
    }

    /// The agent is not left before the sampler has dealt with this request.
    pub fn wait_for(&mut self, request: Option<Ticket>) {
        self.settling = request;
    }

    /// The sampler has dealt with a request; whether it was the one that was waited for.
    pub fn has_settled(&mut self, ticket: Ticket) -> bool {
        self.settling.take_if(|settling| *settling == ticket).is_some()
    }

    /// The router has answered a request; whether that settles one of the events here.
    pub fn answered(&mut self, request: RequestId) -> bool {
        self.outbox.answered(request)
    }
}

impl Dispatcher {
    /// Deals with what happened to the target.
    pub(super) fn supervise(&mut self, session: Option<&mut Session>, report: Report) {
        match report {
            Report::Answered { ticket, answer } => self.child_answered(session, ticket, answer),
            Report::Output(output) => self.child_wrote(session, &output),
            Report::Started(started) => self.process_started(*started),
            Report::Exited(exit) => {
                self.change_target(Err(ProcessError::Gone { pid: exit.pid }));
                // When its queue is full it is busy with others, and is not waited for.
                let settling = self.ask_nothing().ok();
                self.supervision.wait_for(settling);
                self.hold(Topic::ProcessExited, Payload::of(&exit));
            }
            Report::Collected(outcome) => self.garbage_collected(session, outcome),
            Report::Over(end) => {
                if let End::Failed(error) = &end {
                    log::error!("the target cannot be watched any longer: {error}");
                }
                self.supervision.over = Some(Over { end, since: Instant::now(), is_left: false });
            }
        }
    }

    fn process_started(&mut self, Started { pid, target, command, restarts }: Started) {
        #[derive(Serialize)]
        struct ProcessStarted {
            pid: i32,
            started: Timestamp,
            command: Option<Vec<String>>,
            restarts: u64,
        }

        let started = target.as_ref().map_or_else(|_| Timestamp::now(), |target| target.identity().started());
        log::info!("the target is process {pid}");
        if let Err(reason) = &target {
            log::error!("process {pid} cannot be measured: {reason}");
        }
        self.change_target(target);
        self.hold(Topic::ProcessStarted, Payload::of(&ProcessStarted { pid, started, command, restarts }));
    }

    /// Calls that are answered from now on are about this target, or get this reason.
    fn change_target(&mut self, target: Result<Target, ProcessError>) {
        let identity = target.as_ref().map(|target| Identity::clone(target.identity())).map_err(Clone::clone);
        self.host = Arc::new(self.host.with_target(identity));
        match target {
            Ok(target) => self.sampler.attach(target),
            Err(reason) => self.sampler.detach(reason),
        }
    }

    /// Keeps an event until a router has it. Those inside are told at once.
    fn hold(&mut self, topic: Topic, payload: Payload) {
        self.manhole.tell(topic.name(), &payload);
        if let Some((lost, _)) = self.supervision.outbox.put(topic, payload) {
            self.status.events_lost += 1;
            log::warn!("an event {} is lost: too many wait for a session", lost.name());
        }
    }

    /// Publishes what is kept, if it was not in this session.
    pub(super) fn publish_held(&mut self, session: &mut Session) {
        let Self { supervision, names, status, .. } = self;
        supervision.outbox.publish(names.prefixes().len(), |topic, payload, prefix| {
            let options = PublishOptions { acknowledge: true, ..PublishOptions::default() };
            let published = session.publish(names.uris(topic.name()).nth(prefix)?, options, payload.clone());
            status.events += u64::from(prefix == 0 && published.is_ok());
            published.map_err(|reason| log::debug!("an event {} is not published yet: {reason}", topic.name())).ok()
        });
    }
}
