//! From an invocation to its answer: calls the API, asks the sampler, publishes what an outcome says, answers.

use std::collections::HashMap;
use std::sync::Arc;

use super::handle::Letter;
use super::registrar::{Attempt, Registrar};
use crate::api::topics::Audience;
use crate::api::{Api, Failure, Host, Names, Outcome, Step, Topic};
use crate::sampler::{Job, Report, Sampler, SamplerRequest};
use crate::sync::ticket::Ticket;
use crate::transport::MAX_PAYLOAD;
use crate::wamp::error::uri::NO_SUCH_PROCEDURE;
use crate::wamp::options::{Caller, InvocationDetails, PublishOptions};
use crate::wamp::session::Session;
use crate::wamp::{Payload, RequestId, WampError};

/// The API with everything that it needs to answer.
pub(super) struct Dispatcher {
    api: Api,
    host: Arc<Host>,
    names: Names,
    sampler: Sampler<Answer>,
    /// Calls that wait for the sampler: at most as many as it takes requests.
    asked: HashMap<Ticket, Asked>,
    last_ticket: u64,
    /// The periodic statistics of a session that ended are still to be switched off.
    reports_linger: bool,
}

/// What comes of a call that the sampler answers.
pub(super) type Answer = Result<Outcome, Failure>;

struct Asked {
    request: RequestId,
    caller: Caller,
}

impl Dispatcher {
    pub(super) fn new(api: Api, host: Host, names: Names, sampler: Sampler<Answer>) -> Self {
        Self { api, host: Arc::new(host), names, sampler, asked: HashMap::new(), last_ticket: 0, reports_linger: false }
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
        let Some(procedure) = procedure.and_then(|number| self.api.procedures().get(number)) else {
            session.answer(request, Err(WampError::new(NO_SUCH_PROCEDURE, "no such registration")));
            return;
        };
        let caller = details.caller;
        let answer = match procedure.call(&self.host, &caller, payload) {
            Ok(Step::Done(outcome)) => Ok(outcome),
            Err(failure) => Err(failure),
            Ok(Step::Ask(job)) => match self.ask(job) {
                Ok(ticket) => {
                    self.asked.insert(ticket, Asked { request, caller });
                    return;
                }
                Err(failure) => Err(failure),
            },
        };
        self.settle(session, request, &caller, answer);
    }

    /// Deals with what another thread sent. Without a session there is nobody to tell.
    pub(super) fn deliver(&mut self, session: Option<&mut Session>, letter: Letter) {
        match letter {
            Letter::Sampler(Report::Answered { ticket, answer }) => {
                // Calls of a session that ended are forgotten; their answers find nothing here.
                let Some(Asked { request, caller }) = self.asked.remove(&ticket) else { return };
                if let Some(session) = session {
                    self.settle(session, request, &caller, answer);
                }
            }
            Letter::Sampler(Report::Stats(tick)) => {
                if let Some(session) = session {
                    let topic = Topic::ProcessStats.name();
                    self.publish(session, topic, &PublishOptions::default(), &Payload::of(&tick));
                }
            }
            Letter::Publish { topic, payload } => {
                if let Some(session) = session {
                    self.publish(session, &topic, &PublishOptions::default(), &payload);
                }
            }
        }
    }

    /// The session is over: nobody waits for its calls any more, and what its callers had switched on goes off.
    pub(super) fn session_ended(&mut self) {
        self.asked.clear();
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
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.sampler.ask(SamplerRequest { ticket, job })?;
        Ok(ticket)
    }

    /// The event first, then the answer.
    fn settle(&self, session: &mut Session, request: RequestId, caller: &Caller, answer: Answer) {
        let outcome = match answer {
            Ok(outcome) => outcome,
            Err(failure) => return session.answer(request, Err(failure.into())),
        };
        if let Some((topic, payload)) = &outcome.event {
            let exclude = match topic.audience() {
                Audience::Everyone => None,
                Audience::NotTheCaller => caller.session.map(|session| vec![session]),
            };
            let options = PublishOptions { exclude, ..PublishOptions::default() };
            self.publish(session, topic.name(), &options, payload);
        }
        let size = outcome.result.size();
        if size > MAX_PAYLOAD {
            // The router would end the session for it.
            let sentence = format!("the result has {size} bytes, and a message holds at most {MAX_PAYLOAD}");
            return session.answer(request, Err(Failure::Runtime(sentence).into()));
        }
        session.answer(request, Ok(outcome.result));
    }

    fn publish(&self, session: &mut Session, topic: &str, options: &PublishOptions, payload: &Payload) {
        if payload.size() > MAX_PAYLOAD {
            log::warn!(
                "an event {topic} of {} bytes is not published: a message holds at most {MAX_PAYLOAD}",
                payload.size()
            );
            return;
        }
        for uri in self.names.uris(topic) {
            if let Err(reason) = session.publish(uri, options.clone(), payload.clone()) {
                log::debug!("an event {topic} is not published: {reason}");
            }
        }
    }
}
