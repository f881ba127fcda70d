//! A client's session (*Session Management*) as a state machine: messages in, events and messages out. It opens nothing and
//! waits for nothing; whoever drives it owns the transport and the deadlines.

use std::collections::VecDeque;
use std::fmt;

use super::auth::{Attempt, Expectation, Rejection};
use super::error::{WampError, uri};
use super::event::{Closing, Event};
use super::id::{RegistrationId, RequestId, SubscriptionId};
use super::message::{Kind, Message};
use super::options::{
    CallOptions, CancelMode, CancelOptions, Empty, HelloDetails, PublishOptions, RegisterOptions, ResultDetails, Role,
    Roles, SubscribeOptions,
};
use super::payload::Payload;
use super::pending::{Invocations, Opened, Progress, Requests, TooManyRequests};
use super::uri::Uri;

/// A session from HELLO to its end.
#[derive(Debug)]
pub struct Session {
    state: State,
    requests: Requests,
    invocations: Invocations,
    outbox: VecDeque<Message>,
}

#[derive(Debug)]
enum State {
    /// HELLO is out.
    Joining(Box<Attempt>),
    /// A CHALLENGE came, and AUTHENTICATE is out.
    Authenticating(Expectation),
    /// WELCOME came.
    Established,
    /// Our GOODBYE is out.
    Leaving,
    /// Over; nothing is said any more.
    Closed,
}

/// The router broke the protocol. An ABORT that says so is in the outbox, and the session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    sentence: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the router broke the protocol: {}", self.sentence)
    }
}

impl std::error::Error for Violation {}

/// Why a request cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// The session is not established.
    NotEstablished,
    /// As many requests wait as may ([`super::pending::MAX_REQUESTS`]).
    TooManyRequests,
}

impl fmt::Display for NotNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEstablished => "expected an established session, got one that is not",
            Self::TooManyRequests => "too many requests wait for an answer",
        })
    }
}

impl std::error::Error for NotNow {}

impl From<TooManyRequests> for NotNow {
    fn from(_: TooManyRequests) -> Self {
        Self::TooManyRequests
    }
}

impl Session {
    /// Opens a session: HELLO is in the outbox.
    #[must_use]
    pub fn join(realm: Uri, agent: &str, attempt: Attempt) -> Self {
        let details = HelloDetails { roles: client_roles(), agent: Some(agent.to_owned()), ..attempt.hello() };
        Self {
            state: State::Joining(Box::new(attempt)),
            requests: Requests::default(),
            invocations: Invocations::default(),
            outbox: VecDeque::from([Message::Hello { realm, details: Box::new(details) }]),
        }
    }

    /// The next message for the router.
    pub fn next_message(&mut self) -> Option<Message> {
        self.outbox.pop_front()
    }

    /// Whether the session is over, so that its transport can be closed once the outbox is written.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether requests can be made.
    #[must_use]
    pub fn is_established(&self) -> bool {
        matches!(self.state, State::Established)
    }

    /// How many invocations wait for our answer.
    #[must_use]
    pub fn invocations(&self) -> usize {
        self.invocations.count()
    }

    /// Takes a message from the router.
    ///
    /// # Errors
    /// [`Violation`] when the message may not come now; the session is then over.
    pub fn receive(&mut self, message: Message) -> Result<Option<Event>, Violation> {
        match self.state {
            State::Joining(_) | State::Authenticating(_) => self.receive_joining(message),
            State::Established => self.receive_established(message),
            // What was under way when our GOODBYE went out may still arrive, and concerns nobody. An ABORT does: the router
            // did not take what we sent before.
            State::Leaving => Ok(match message {
                Message::Goodbye { .. } => {
                    self.state = State::Closed;
                    Some(Event::Left)
                }
                Message::Abort { details, reason } => {
                    self.state = State::Closed;
                    Some(Event::Ended(Closing { reason, message: details.message }))
                }
                _ => None,
            }),
            State::Closed => Ok(None),
        }
    }

    /// The peer sent what is no message at all.
    pub fn violation(&mut self, sentence: impl Into<String>) -> Violation {
        let sentence = sentence.into();
        if !self.is_closed() {
            self.state = State::Closed;
            self.outbox.push_back(Message::abort(uri::PROTOCOL_VIOLATION, sentence.clone()));
        }
        Violation { sentence }
    }

    fn receive_joining(&mut self, message: Message) -> Result<Option<Event>, Violation> {
        match message {
            Message::Welcome { session, details } => {
                if details.roles.broker.is_none() && details.roles.dealer.is_none() {
                    return Err(self.violation("WELCOME: expected the role of a broker or a dealer, got neither"));
                }
                let proved = match &self.state {
                    State::Joining(attempt) => attempt.unchallenged().and_then(|expected| expected.check(&details)),
                    State::Authenticating(expected) => expected.check(&details),
                    _ => Ok(()),
                };
                if let Err(rejection) = proved {
                    return self.reject(rejection);
                }
                self.state = State::Established;
                Ok(Some(Event::Joined { session, details }))
            }
            Message::Abort { details, reason } => {
                self.state = State::Closed;
                Ok(Some(Event::Refused(Closing { reason, message: details.message })))
            }
            Message::Challenge { method, extra } => {
                let State::Joining(attempt) = &self.state else {
                    return Err(self.unexpected(Kind::Challenge, "WELCOME or ABORT after AUTHENTICATE"));
                };
                match attempt.answer(&method, &extra) {
                    Ok((authenticate, expectation)) => {
                        self.outbox.push_back(authenticate);
                        self.state = State::Authenticating(expectation);
                        Ok(None)
                    }
                    Err(rejection) => self.reject(rejection),
                }
            }
            other => Err(self.unexpected(other.kind(), "CHALLENGE, WELCOME or ABORT")),
        }
    }

    /// The router did not log us in as we would have it.
    fn reject(&mut self, rejection: Rejection) -> Result<Option<Event>, Violation> {
        match rejection {
            Rejection::Violation(sentence) => Err(self.violation(sentence)),
            Rejection::Refusal(sentence) => {
                self.state = State::Closed;
                self.outbox.push_back(Message::abort(uri::AUTHENTICATION_FAILED, sentence.clone()));
                let reason = Uri::from(uri::AUTHENTICATION_FAILED);
                Ok(Some(Event::Refused(Closing { reason, message: Some(sentence) })))
            }
        }
    }

    fn receive_established(&mut self, message: Message) -> Result<Option<Event>, Violation> {
        let event = match message {
            Message::Goodbye { details, reason } => {
                self.state = State::Closed;
                self.outbox.push_back(Message::goodbye(uri::GOODBYE_AND_OUT));
                Event::Ended(Closing { reason, message: details.message })
            }
            Message::Abort { details, reason } => {
                self.state = State::Closed;
                Event::Ended(Closing { reason, message: details.message })
            }
            Message::Error { kind, request, error, payload, .. } => {
                if kind == Kind::Cancel {
                    // The spec has no such answer; a router that gives one means a call that ended already.
                    return Ok(None);
                }
                self.close(request, kind, Kind::Error)?;
                Event::Failed { request, kind, error: WampError { uri: error, payload } }
            }
            Message::Published { request, publication } => {
                self.close(request, Kind::Publish, Kind::Published)?;
                Event::Done { request, publication: Some(publication) }
            }
            Message::Subscribed { request, subscription } => {
                self.close(request, Kind::Subscribe, Kind::Subscribed)?;
                Event::Subscribed { request, subscription }
            }
            Message::Unsubscribed { request } => {
                if request.get() == 0 {
                    // The router took a subscription away: its events just stop.
                    return Ok(None);
                }
                self.close(request, Kind::Unsubscribe, Kind::Unsubscribed)?;
                Event::Done { request, publication: None }
            }
            Message::Registered { request, registration } => {
                self.close(request, Kind::Register, Kind::Registered)?;
                Event::Registered { request, registration }
            }
            Message::Unregistered { request, revoked } => {
                if request.get() == 0 {
                    let registration = revoked.and_then(|revocation| revocation.registration);
                    return Ok(Some(Event::Revoked { registration }));
                }
                self.close(request, Kind::Unregister, Kind::Unregistered)?;
                Event::Done { request, publication: None }
            }
            Message::Event { subscription, publication, details, payload } => {
                Event::Event { subscription, publication, details, payload }
            }
            Message::Result { request, details, payload } => {
                if details.progress {
                    if !self.requests.is_open(request, Kind::Call) {
                        return Err(self.unasked(request, Kind::Call, Kind::Result));
                    }
                } else {
                    self.close(request, Kind::Call, Kind::Result)?;
                }
                Event::Result { request, progress: details.progress, payload }
            }
            Message::Invocation { request, registration, details, payload } => {
                let progress = if details.receive_progress { Progress::Wanted } else { Progress::Unwanted };
                match self.invocations.open(request, progress) {
                    Opened::Taken => Event::Invocation { request, registration, details, payload },
                    Opened::Duplicate => {
                        return Err(
                            self.violation(format!("INVOCATION: expected a new request id, got {request} again"))
                        );
                    }
                    Opened::TooMany => {
                        let sentence = "too many invocations wait for an answer";
                        self.outbox.push_back(Message::error(Kind::Invocation, request, uri::UNAVAILABLE, sentence));
                        return Ok(None);
                    }
                }
            }
            Message::Interrupt { request, .. } => {
                if !self.invocations.close(request) {
                    // Our answer and the INTERRUPT crossed on the wire.
                    return Ok(None);
                }
                let sentence = "the caller took the call back";
                self.outbox.push_back(Message::error(Kind::Invocation, request, uri::CANCELED, sentence));
                Event::Interrupted { request }
            }
            other => return Err(self.unexpected(other.kind(), "a message that a router sends in a session")),
        };
        Ok(Some(event))
    }

    /// Registers a procedure. The answer is [`Event::Registered`] or [`Event::Failed`].
    ///
    /// # Errors
    /// [`NotNow`]; nothing was sent.
    pub fn register(&mut self, procedure: Uri, options: RegisterOptions) -> Result<RequestId, NotNow> {
        self.request(Kind::Register, |request| Message::Register { request, options, procedure })
    }

    /// Ends a registration. The answer is [`Event::Done`] or [`Event::Failed`].
    ///
    /// # Errors
    /// [`NotNow`]; nothing was sent.
    pub fn unregister(&mut self, registration: RegistrationId) -> Result<RequestId, NotNow> {
        self.request(Kind::Unregister, |request| Message::Unregister { request, registration })
    }

    /// Subscribes to a topic. The answer is [`Event::Subscribed`] or [`Event::Failed`].
    ///
    /// # Errors
    /// [`NotNow`]; nothing was sent.
    pub fn subscribe(&mut self, topic: Uri, options: SubscribeOptions) -> Result<RequestId, NotNow> {
        self.request(Kind::Subscribe, |request| Message::Subscribe { request, options, topic })
    }

    /// Ends a subscription. The answer is [`Event::Done`] or [`Event::Failed`].
    ///
    /// # Errors
    /// [`NotNow`]; nothing was sent.
    pub fn unsubscribe(&mut self, subscription: SubscriptionId) -> Result<RequestId, NotNow> {
        self.request(Kind::Unsubscribe, |request| Message::Unsubscribe { request, subscription })
    }

    /// Publishes an event. With `options.acknowledge` the answer is [`Event::Done`] or [`Event::Failed`], else there is none.
    ///
    /// # Errors
    /// [`NotNow`]; nothing was sent.
    pub fn publish(&mut self, topic: Uri, options: PublishOptions, payload: Payload) -> Result<RequestId, NotNow> {
        if options.acknowledge {
            return self.request(Kind::Publish, |request| Message::Publish { request, options, topic, payload });
        }
        self.check_established()?;
        let request = self.requests.open_unanswered();
        self.outbox.push_back(Message::Publish { request, options, topic, payload });
        Ok(request)
    }

    /// Calls a procedure. The answers are [`Event::Result`], several when progress is wanted, or [`Event::Failed`].
    ///
    /// # Errors
    /// [`NotNow`]; nothing was sent.
    pub fn call(&mut self, procedure: Uri, options: CallOptions, payload: Payload) -> Result<RequestId, NotNow> {
        self.request(Kind::Call, |request| Message::Call { request, options, procedure, payload })
    }

    /// Takes a call back. Its answer still comes: most likely the error `wamp.error.canceled`. Does nothing when the call
    /// was answered already.
    pub fn cancel(&mut self, request: RequestId, mode: CancelMode) {
        if self.is_established() && self.requests.is_open(request, Kind::Call) {
            self.outbox.push_back(Message::Cancel { request, options: CancelOptions { mode: Some(mode) } });
        }
    }

    /// Answers an invocation for good. Does nothing when it was answered or interrupted before, so that there is exactly one
    /// final answer.
    pub fn answer(&mut self, request: RequestId, answer: Result<Payload, WampError>) {
        if !self.invocations.close(request) || !self.is_established() {
            return;
        }
        self.outbox.push_back(match answer {
            Ok(payload) => Message::Yield { request, options: ResultDetails { progress: false }, payload },
            Err(WampError { uri: error, payload }) => {
                Message::Error { kind: Kind::Invocation, request, details: Empty {}, error, payload }
            }
        });
    }

    /// Sends a result before the last, if the caller takes such.
    pub fn progress(&mut self, request: RequestId, payload: Payload) {
        if self.is_established() && self.invocations.takes_progress(request) {
            self.outbox.push_back(Message::Yield { request, options: ResultDetails { progress: true }, payload });
        }
    }

    /// Ends the session: GOODBYE goes out, [`Event::Left`] comes back. Before WELCOME it is an ABORT, and over at once.
    pub fn leave(&mut self, reason: &str) {
        match self.state {
            State::Established => {
                self.state = State::Leaving;
                self.outbox.push_back(Message::goodbye(reason));
            }
            State::Joining(_) | State::Authenticating(_) => {
                self.state = State::Closed;
                self.outbox.push_back(Message::abort(reason, "the client gave up before it was welcome"));
            }
            State::Leaving | State::Closed => {}
        }
    }

    fn request(&mut self, kind: Kind, message: impl FnOnce(RequestId) -> Message) -> Result<RequestId, NotNow> {
        self.check_established()?;
        let request = self.requests.open(kind)?;
        self.outbox.push_back(message(request));
        Ok(request)
    }

    fn check_established(&self) -> Result<(), NotNow> {
        if self.is_established() { Ok(()) } else { Err(NotNow::NotEstablished) }
    }

    fn close(&mut self, request: RequestId, kind: Kind, answer: Kind) -> Result<(), Violation> {
        if self.requests.close(request, kind) { Ok(()) } else { Err(self.unasked(request, kind, answer)) }
    }

    fn unasked(&mut self, request: RequestId, kind: Kind, answer: Kind) -> Violation {
        let (kind, answer) = (kind.name(), answer.name());
        self.violation(format!("{answer}: expected the request id of a {kind} that waits, got {request}"))
    }

    fn unexpected(&mut self, got: Kind, expected: &str) -> Violation {
        self.violation(format!("expected {expected}, got {}", got.name()))
    }
}

/// What this client can do, in the words of *Feature Announcement*.
fn client_roles() -> Roles {
    let publisher = ["publisher_exclusion", "publisher_identification", "subscriber_blackwhite_listing"];
    let subscriber = ["pattern_based_subscription", "publisher_identification"];
    let caller = ["call_canceling", "call_timeout", "caller_identification", "progressive_call_results"];
    let callee = [
        "call_canceling",
        "caller_identification",
        "pattern_based_registration",
        "progressive_call_results",
        "registration_revocation",
    ];
    Roles {
        publisher: Some(Role::with(&publisher)),
        subscriber: Some(Role::with(&subscriber)),
        caller: Some(Role::with(&caller)),
        callee: Some(Role::with(&callee)),
        ..Roles::default()
    }
}

#[cfg(test)]
#[path = "session_login_tests.rs"]
mod login_tests;
#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
