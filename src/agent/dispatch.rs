//! From a call to its answer, whoever asks: calls the API, asks the sampler, publishes what an outcome says, answers.

use std::collections::HashMap;
use std::sync::Arc;

use super::handle::Letter;
use super::manhole::{Keeper, Reply};
use super::registrar::{Attempt, Registrar};
use super::status::Status;
use super::supervision::Supervision;
use crate::api::topics::Audience;
use crate::api::{Api, Failure, Host, Names, Outcome, Step, Topic};
use crate::sampler::{Job, Report, Sampler, SamplerRequest};
use crate::sync::clock::Now;
use crate::sync::ticket::Ticket;
use crate::transport::MAX_PAYLOAD;
use crate::wamp::error::uri::NO_SUCH_PROCEDURE;
use crate::wamp::options::{Caller, InvocationDetails, PublishOptions};
use crate::wamp::session::Session;
use crate::wamp::{Payload, RequestId, WampError};

/// The API with everything that it needs to answer.
pub(super) struct Dispatcher {
    pub(super) api: Api,
    pub(super) host: Arc<Host>,
    pub(super) names: Names,
    pub(super) sampler: Sampler<Answer>,
    /// Calls that wait for the sampler: at most as many as it takes requests.
    asked: HashMap<Ticket, Origin>,
    last_ticket: u64,
    /// The periodic statistics of a session that ended are still to be switched off.
    reports_linger: bool,
    /// How it fares with the router.
    pub(super) status: Status,
    /// The manhole, and who asks from there.
    pub(super) manhole: Keeper,
    /// What becomes of the target.
    pub(super) supervision: Supervision,
}

/// What comes of a call that the sampler answers.
pub(super) type Answer = Result<Outcome, Failure>;

/// Who asks, and gets the answer.
#[derive(Debug)]
#[cfg_attr(not(feature = "manhole"), allow(dead_code))] // Without it there are only callers over WAMP.
pub(super) enum Origin {
    /// A caller over WAMP, in the present session.
    Invocation { request: RequestId, caller: Caller },
    /// A connection of the manhole.
    Manhole(Reply),
    /// The agent itself; what goes wrong is logged.
    Nobody,
}

impl Origin {
    /// The WAMP caller, if it is one and disclosed.
    pub fn caller(&self) -> Option<&Caller> {
        match self {
            Self::Invocation { caller, .. } => Some(caller),
            Self::Manhole(_) | Self::Nobody => None,
        }
    }

    /// Sends a result before the last, to those who take such.
    #[cfg_attr(not(feature = "manhole"), allow(dead_code))] // Only its procedures have such.
    pub fn progress(&self, session: Option<&mut Session>, payload: Payload) {
        if let (Self::Invocation { request, .. }, Some(session)) = (self, session) {
            session.progress(*request, payload);
        }
    }
}

impl Dispatcher {
    pub(super) fn new(
        api: Api,
        host: Host,
        names: Names,
        sampler: Sampler<Answer>,
        status: Status,
        manhole: Keeper,
        supervision: Supervision,
    ) -> Self {
        Self {
            api,
            host: Arc::new(host),
            names,
            sampler,
            asked: HashMap::new(),
            last_ticket: 0,
            reports_linger: false,
            status,
            manhole,
            supervision,
        }
    }

    /// A session begins: what it has to register.
    pub(super) fn session_begins(&mut self, attempt: Attempt) -> Registrar {
        self.end_reports();
        let procedures = self.api.procedures().iter().enumerate();
        Registrar::new(
            attempt,
            procedures.flat_map(|(number, procedure)| self.names.uris(procedure.name()).map(move |uri| (uri, number))),
        )
    }

    /// Deals with an invocation; the answer may come at once or with a later report. `procedure` is `None` for a
    /// registration that is none of ours.
    pub(super) fn invoke(
        &mut self,
        session: &mut Session,
        procedure: Option<usize>,
        request: RequestId,
        details: InvocationDetails,
        payload: &Payload,
    ) {
        let Some(number) = procedure else {
            session.answer(request, Err(WampError::new(NO_SUCH_PROCEDURE, "no such registration")));
            return;
        };
        let caller = details.caller;
        self.call(Some(session), number, Origin::Invocation { request, caller: caller.clone() }, &caller, payload);
    }

    /// Calls the procedure of that number.
    pub(super) fn call(
        &mut self,
        session: Option<&mut Session>,
        number: usize,
        origin: Origin,
        caller: &Caller,
        payload: &Payload,
    ) {
        let Some(procedure) = self.api.procedures().get(number) else { return };
        match procedure.call(&self.host, caller, payload) {
            Ok(Step::Done(outcome)) => self.settle(session, origin, Ok(outcome)),
            Err(failure) => self.settle(session, origin, Err(failure)),
            Ok(Step::Garbage) => self.collect_garbage(session, origin),
            Ok(Step::Link) => {
                let outcome = Outcome::of(&self.status.link());
                self.settle(session, origin, Ok(outcome));
            }
            Ok(Step::Manhole(order)) => self.order(session, origin, order),
            Ok(Step::Child(order)) => self.order_child(session, origin, order),
            Ok(Step::Ask(job)) => self.ask_sampler(session, origin, job),
        }
    }

    /// Lets the sampler answer.
    pub(super) fn ask_sampler(&mut self, session: Option<&mut Session>, origin: Origin, job: Job<Answer>) {
        match self.ask(job) {
            Ok(ticket) => {
                self.asked.insert(ticket, origin);
            }
            Err(failure) => self.settle(session, origin, Err(failure)),
        }
    }

    /// Deals with what another thread sent. Without a session only those inside are told.
    pub(super) fn deliver(&mut self, session: Option<&mut Session>, letter: Letter) {
        match letter {
            Letter::Sampler(Report::Answered { ticket, .. }) if self.supervision.has_settled(ticket) => {}
            Letter::Sampler(Report::Answered { ticket, answer }) => {
                // Calls of a session that ended are forgotten; their answers find nothing here.
                if let Some(origin) = self.asked.remove(&ticket) {
                    self.settle(session, origin, answer);
                }
            }
            Letter::Sampler(Report::Stats(tick)) => {
                self.announce(session, Topic::ProcessStats, None, &Payload::of(&tick));
            }
            Letter::Sampler(Report::Watch(change)) => {
                self.announce(session, Topic::of_watch(&change), None, &Payload::of(&change));
            }
            Letter::Publish { topic, payload } => {
                self.publish(session, &topic, &PublishOptions::default(), &payload);
            }
            Letter::Supervisor(report) => self.supervise(session, report),
            Letter::Manhole(report) => self.report(session, report),
        }
    }

    /// The router reads too slowly. The event goes behind what waits already: one is not too many.
    pub(super) fn drops_began(&mut self, session: &mut Session, queued: u64) {
        let started = self.status.drops.begin(Now::read(), queued);
        self.announce(Some(session), Topic::LinkDropsStarted, None, &Payload::of(&started));
    }

    /// The router reads again.
    pub(super) fn drops_ended(&mut self, session: &mut Session) {
        if let Some(ended) = self.status.drops.end(Now::read()) {
            log::warn!("the router reads again: {} events were dropped", ended.dropped);
            self.announce(Some(session), Topic::LinkDropsEnded, None, &Payload::of(&ended));
        }
    }

    /// A session is whole: what the last one could not be told.
    pub(super) fn session_whole(&mut self, session: &mut Session) {
        if let Some(ended) = self.status.drops.take_untold() {
            log::warn!("{} events were dropped before the last session was lost", ended.dropped);
            self.announce(Some(session), Topic::LinkDropsEnded, None, &Payload::of(&ended));
        }
    }

    /// A session has begun: the watches that are raised are told anew, and those that were cleared since the last began.
    pub(super) fn session_joined(&mut self) {
        let repeat = self.ask(Box::new(|probe| {
            probe.watches().repeat();
            Ok(Outcome::of(&()))
        }));
        match repeat {
            Ok(ticket) => self.supervision.wait_for(Some(ticket)),
            Err(failure) => log::warn!("the watches that are raised are not told anew: {failure}"),
        }
    }

    /// A request that comes back when the sampler has dealt with all that it was told before.
    pub(super) fn ask_nothing(&mut self) -> Result<Ticket, Failure> {
        self.ask(Box::new(|_| Ok(Outcome::of(&()))))
    }

    /// The session is over: nobody waits for its calls any more, and what its callers had switched on goes off.
    pub(super) fn session_ended(&mut self) {
        self.asked.retain(|_, origin| !matches!(origin, Origin::Invocation { .. }));
        self.manhole.forget_callers();
        self.supervision.child.forget_callers();
        self.supervision.session_ended();
        self.status.left(Now::read());
        self.reports_linger = true;
        self.end_reports();
    }

    /// The sampler's queue may be full; then it is tried again when the next session begins.
    fn end_reports(&mut self) {
        if self.reports_linger {
            let end = self.ask(Box::new(|probe| {
                probe.report_every(None);
                Ok(Outcome::of(&()))
            }));
            self.reports_linger = end.is_err();
        }
    }

    fn ask(&mut self, job: Job<Answer>) -> Result<Ticket, Failure> {
        let ticket = self.next_ticket();
        self.sampler.ask(SamplerRequest { ticket, job })?;
        Ok(ticket)
    }

    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// The event first, then the answer.
    pub(super) fn settle(&mut self, mut session: Option<&mut Session>, origin: Origin, answer: Answer) {
        if let Ok(Outcome { event: Some((topic, payload)), .. }) = &answer {
            self.announce(session.as_deref_mut(), *topic, origin.caller(), payload);
        }
        let answer = answer.and_then(|outcome| match outcome.result.size() {
            // The router would end the session for it.
            size if size > MAX_PAYLOAD => {
                Err(Failure::Runtime(format!("the result has {size} bytes, and a message holds at most {MAX_PAYLOAD}")))
            }
            _ => Ok(outcome),
        });
        self.status.calls += 1;
        self.status.errors += u64::from(answer.is_err());
        match origin {
            Origin::Invocation { request, .. } => {
                if let Some(session) = session {
                    session.answer(request, answer.map(|outcome| outcome.result).map_err(Into::into));
                }
            }
            Origin::Manhole(reply) => reply.send(answer),
            Origin::Nobody => {
                if let Err(failure) = answer {
                    log::error!("{failure}");
                }
            }
        }
    }

    /// Publishes an event of the API.
    pub(super) fn announce(
        &mut self,
        session: Option<&mut Session>,
        topic: Topic,
        caller: Option<&Caller>,
        payload: &Payload,
    ) {
        let exclude = match topic.audience() {
            Audience::Everyone => None,
            Audience::NotTheCaller => caller.and_then(|caller| caller.session).map(|session| Box::from([session])),
        };
        self.publish(session, topic.name(), &PublishOptions { exclude, ..PublishOptions::default() }, payload);
    }

    fn publish(&mut self, session: Option<&mut Session>, topic: &str, options: &PublishOptions, payload: &Payload) {
        if payload.size() > MAX_PAYLOAD {
            log::warn!(
                "an event {topic} of {} bytes is not published: a message holds at most {MAX_PAYLOAD}",
                payload.size()
            );
            return;
        }
        self.manhole.tell(topic, payload);
        let Some(session) = session else {
            self.status.event_missed();
            return;
        };
        self.status.events += 1;
        for uri in self.names.uris(topic) {
            if let Err(reason) = session.publish(uri, options.clone(), payload.clone()) {
                log::debug!("an event {topic} is not published: {reason}");
            }
        }
    }
}
