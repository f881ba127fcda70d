//! The loop: one thread that sleeps until the router, another thread or a deadline has something for it.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::builder::{AgentBuilder, Patience};
use super::connector::Connector;
use super::dispatch::Dispatcher;
use super::handle::{Letter, Publisher, RunningAgent, Stopper};
use super::link_change::{LinkChange, Observer};
use super::reconnect::Reconnect;
use super::refusals::Refusals;
use super::registrar::{Attempt, Registrar, Verdict};
use super::{AgentError, Ending};
use crate::link::{Link, LinkError};
use crate::sync::clock::Now;
use crate::sync::mailbox::Mailbox;
use crate::sync::wait::{Interest, earlier, until, wait};
use crate::sync::waker::Waker;
use crate::transport::memory::Memory;
use crate::transport::url::Url;
use crate::wamp::auth::Login;
use crate::wamp::error::uri::CLOSE_NORMAL;
use crate::wamp::options::RegisterOptions;
use crate::wamp::{Event, Uri};

/// Events taken from the link in one turn, before what they led to is sent and other threads are heard.
const TURN: usize = 256;

/// How long a turn may take, one event aside: so that a router that keeps us busy cannot keep us from ending.
const TURN_TIME: Duration = Duration::from_millis(5);

/// An agent that is ready to run.
pub struct Agent {
    pub(super) connector: Connector,
    pub(super) realm: Uri,
    pub(super) login: Login,
    pub(super) patience: Patience,
    pub(super) reconnect: Reconnect,
    // Before the dispatcher: the sampler may wait for room in it, and must find it closed when it is to end.
    pub(super) mailbox: Mailbox<Letter>,
    pub(super) publisher: Publisher,
    pub(super) stopper: Stopper,
    pub(super) waker: Waker,
    pub(super) dispatcher: Dispatcher,
    pub(super) on_ready: Option<Box<dyn FnOnce() + Send>>,
    pub(super) observers: Vec<Observer>,
    pub(super) sessions: u64,
    /// What failed last, as it was logged: while nothing else does, once is enough.
    pub(super) told: String,
    pub(super) is_leaving: bool,
}

/// Where the agent is between two turns.
pub(super) enum Connection {
    /// Waits for the moment of the next attempt, and before that until the router of the link that failed has gone too.
    Waiting { until: Instant, failed: Option<Box<Joined>> },
    /// Has a link, open or about to be.
    Linked(Box<Joined>),
    /// Has ended in good order.
    Over,
}

/// A link, and what is registered over it.
pub(super) struct Joined {
    pub link: Link,
    registrar: Registrar,
    progress: Progress,
    /// What was refused, until it is told.
    refusals: Option<Refusals>,
    /// Whether it was logged that a name is taken: once a session is enough.
    told_taken: bool,
    leaving: bool,
}

/// How far registration has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Not begun, or answers are missing.
    Registering,
    /// Complete, and said so.
    Whole,
}

/// Whether a turn used up what it may do, so that more may be waiting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Idle,
    More,
}

impl Agent {
    /// An agent of a router at a URL.
    #[must_use]
    pub fn builder(url: Url) -> AgentBuilder {
        AgentBuilder::dial(url)
    }

    /// An agent of a router in this process: one end of [`crate::transport::memory::pair`].
    #[must_use]
    pub fn embedded(end: Memory) -> AgentBuilder {
        AgentBuilder::embedded(end)
    }

    /// Publishes events from other threads.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Ends the agent from other threads.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Runs on a thread of its own.
    ///
    /// # Errors
    /// When the kernel refuses a thread.
    pub fn spawn(self) -> Result<RunningAgent, AgentError> {
        let stopper = self.stopper();
        let thread = std::thread::Builder::new().name("wamp".to_owned()).spawn(move || self.run())?;
        Ok(RunningAgent { stopper, thread: Some(thread) })
    }

    /// Runs on this thread until [`Stopper::stop`], or until the target is no more.
    ///
    /// # Errors
    /// [`AgentError`]: an end that nobody asked for.
    pub fn run(mut self) -> Result<Ending, AgentError> {
        self.dispatcher.boot();
        self.dispatcher.supervision.child.begin(&self.publisher.post);
        let mut connection = self.connect(Instant::now())?;
        loop {
            let now = Instant::now();
            // Before looking for work, so that what comes from now on rings again.
            self.waker.hush();
            self.read_letters(&mut connection, now);
            if self.is_to_end(now) {
                if !std::mem::replace(&mut self.is_leaving, true) {
                    self.tell(LinkChange::Leaving);
                }
                connection.leave(now);
            }
            let more = match self.turn(&mut connection, now) {
                Ok(turn) => turn == Turn::More,
                Err(error) => {
                    let failed = match connection {
                        Connection::Linked(joined) => Some(joined),
                        Connection::Waiting { .. } | Connection::Over => None,
                    };
                    connection = self.recover(error, failed, now)?;
                    false
                }
            };
            let patience = self.dispatcher.supervision.deadline();
            match &connection {
                Connection::Over => return Ok(self.dispatcher.supervision.ending()),
                Connection::Waiting { until: at, failed: None } => {
                    wait([(self.waker.as_fd(), Interest::READ)], until(earlier(Some(*at), patience), Instant::now()))?;
                }
                Connection::Waiting { until: at, failed: Some(failed) } => {
                    let link = (failed.link.fd(), Interest { read: true, ..failed.link.interest() });
                    let deadline = failed.link.deadline().unwrap_or(*at);
                    let deadline = earlier(Some(deadline), patience);
                    wait([link, (self.waker.as_fd(), Interest::READ)], until(deadline, Instant::now()))?;
                }
                Connection::Linked(joined) => {
                    let registering = joined.registrar.deadline().filter(|_| joined.link.is_joined());
                    let deadline = earlier(joined.link.deadline(), registering);
                    let deadline = if more { Some(now) } else { earlier(deadline, patience) };
                    let link = (joined.link.fd(), joined.link.interest());
                    wait([link, (self.waker.as_fd(), Interest::READ)], until(deadline, Instant::now()))?;
                }
            }
        }
    }

    /// Whether there is nothing more to do than to say goodbye.
    pub(super) fn is_to_end(&mut self, now: Instant) -> bool {
        self.stopper.is_asked() || self.dispatcher.supervision.may_leave(now)
    }

    fn connect(&mut self, now: Instant) -> Result<Connection, AgentError> {
        let router = self.reconnect.router();
        self.dispatcher.status.dialled(self.connector.url(router).map(ToString::to_string));
        let link =
            self.connector.connect(router, now).and_then(|transport| Link::join(transport, &self.realm, &self.login));
        match link {
            Ok(link) => Ok(Connection::Linked(Box::new(Joined {
                link,
                registrar: self.dispatcher.session_begins(match (self.patience, self.sessions) {
                    (Patience::OneAttempt, _) => Attempt::Only,
                    (Patience::Forever, 0) => Attempt::First,
                    (Patience::Forever, _) => Attempt::Again,
                }),
                progress: Progress::Registering,
                refusals: None,
                told_taken: false,
                leaving: false,
            }))),
            Err(error) => self.recover(error.into(), None, now),
        }
    }

    fn read_letters(&mut self, connection: &mut Connection, now: Instant) {
        // No more than were there: a thread that writes as fast as we read must not keep us here. What comes later rings.
        for _ in 0..self.mailbox.len() {
            // The loop holds a sender itself, so the mailbox never closes.
            let Ok(Some(letter)) = self.mailbox.try_recv() else { break };
            let session = match connection {
                Connection::Linked(joined) if joined.link.is_joined() => {
                    self.dispatcher.status.measured(joined.link.load());
                    // What the router does not take is still told to those inside.
                    (!letter.is_event() || self.lets_through(joined, now)).then(|| joined.link.session())
                }
                _ => None,
            };
            self.dispatcher.deliver(session, letter);
        }
    }

    /// Everything that can be done without waiting.
    fn turn(&mut self, connection: &mut Connection, now: Instant) -> Result<Turn, AgentError> {
        let joined = match connection {
            Connection::Over => return Ok(Turn::Idle),
            Connection::Waiting { until, failed } => {
                if failed.as_mut().is_some_and(|failed| failed.link.discard(now)) {
                    *failed = None;
                }
                if now < *until || failed.is_some() {
                    return Ok(Turn::Idle);
                }
                *connection = self.connect(now)?;
                return Ok(Turn::More);
            }
            Connection::Linked(joined) => joined,
        };
        joined.link.flush(now)?;
        let mut turn = Turn::More;
        for _ in 0..TURN {
            match joined.link.receive(now)? {
                Some(Event::Left) => {
                    *connection = Connection::Over;
                    return Ok(Turn::Idle);
                }
                Some(event) => self.take(joined, event, now)?,
                None => {
                    turn = Turn::Idle;
                    break;
                }
            }
            if now.elapsed() > TURN_TIME {
                break;
            }
        }
        // After reading: what the router said meanwhile counts.
        joined.link.expire(now)?;
        self.register(joined, now)?;
        if joined.progress == Progress::Whole && joined.link.is_joined() {
            self.dispatcher.publish_held(joined.link.session());
        }
        joined.link.flush(now)?;
        if self.dispatcher.status.drops.is_dropping() && joined.link.is_relieved() {
            self.dispatcher.drops_ended(joined.link.session());
            joined.link.flush(now)?;
        }
        Ok(if joined.link.may_go_on() { Turn::More } else { turn })
    }

    fn take(&mut self, joined: &mut Joined, event: Event, now: Instant) -> Result<(), AgentError> {
        match event {
            Event::Joined { session, details } => {
                self.sessions += 1;
                let router = details.agent.as_deref().unwrap_or("a router that does not say its name");
                log::info!("joined {} as session {session} of {router}", self.realm);
                self.dispatcher.status.joined(session.get(), details.agent, Now::read());
                self.dispatcher.session_joined();
            }
            Event::Registered { request, registration } => {
                joined.registrar.registered(request, registration);
            }
            Event::Done { request, .. } => {
                self.dispatcher.supervision.answered(request);
            }
            Event::Failed { request, error, .. } if self.dispatcher.supervision.answered(request) => {
                log::error!("the router refused an event about the process: {error}");
            }
            Event::Failed { request, error, .. } => match joined.registrar.failed(request, &error, now) {
                Verdict::Later { uri, limit } if !std::mem::replace(&mut joined.told_taken, true) => {
                    let limit = limit.map(|limit| format!(" for {} s", limit.as_secs())).unwrap_or_default();
                    log::warn!("{uri} and maybe others are registered by another session; asking again{limit}");
                }
                Verdict::Later { uri, .. } => log::debug!("{uri} is still registered by another session"),
                Verdict::Taken(uri) => return Err(AgentError::Taken(uri)),
                Verdict::Without(uri) => match &mut joined.refusals {
                    Some(refusals) => refusals.count(),
                    none => *none = Some(Refusals::new(uri, error)),
                },
                Verdict::Unknown => log::debug!("a request failed: {error}"),
            },
            Event::Revoked { registration } => {
                if let Some(registration) = registration {
                    joined.registrar.revoked(registration, now);
                }
                log::warn!("the router took a registration away; trying to get it back");
            }
            Event::Invocation { request, registration, details, payload } => {
                let procedure = joined.registrar.procedure(registration);
                self.dispatcher.status.measured(joined.link.load());
                self.dispatcher.invoke(joined.link.session(), procedure, request, details, &payload);
            }
            // An interrupted invocation was answered by the session; if the sampler still works on it, its answer will
            // find nobody. Of the others, none is asked for here.
            _ => {}
        }
        Ok(())
    }

    /// Asks for what is to be registered, and says when all is.
    fn register(&mut self, joined: &mut Joined, now: Instant) -> Result<(), AgentError> {
        if !joined.link.is_joined() {
            return Ok(());
        }
        if joined.registrar.is_overdue(now) {
            return Err(LinkError::Unanswered("REGISTER").into());
        }
        // A router that follows the spec discloses callers only to those who ask for it.
        let options = RegisterOptions { disclose_caller: true, ..RegisterOptions::default() };
        while let Some(wanted) = joined.registrar.next_wanted(now) {
            match joined.link.session().register(wanted.0.clone(), options.clone()) {
                Ok(request) => joined.registrar.asked(request, wanted, now),
                Err(reason) => log::error!("cannot register {}: {reason}", wanted.0),
            }
        }
        if !joined.registrar.is_complete() {
            return Ok(());
        }
        let was_whole = joined.progress == Progress::Whole;
        if let Some(refusals) = joined.refusals.take() {
            if !was_whole && joined.registrar.count() == 0 {
                return Err(AgentError::NothingRegistered(refusals.into_reason()));
            }
            log::error!("{refusals}");
        }
        if was_whole {
            return Ok(());
        }
        joined.progress = Progress::Whole;
        self.reconnect.whole(now);
        self.told.clear();
        log::info!("{} procedures registered under {}", joined.registrar.count(), self.dispatcher.names);
        self.dispatcher.session_whole(joined.link.session());
        if let Some(notice) = self.on_ready.take() {
            notice();
        }
        let url = self.connector.url(self.reconnect.router()).map(ToString::to_string);
        if let Some(session) = self.dispatcher.status.session() {
            self.tell(LinkChange::Ready { url: url.as_deref(), session });
        }
        Ok(())
    }

    /// Whether an event can be published, or too much waits for the router already. When that begins and ends, it is told.
    fn lets_through(&mut self, joined: &mut Joined, now: Instant) -> bool {
        let dispatcher = &mut self.dispatcher;
        if dispatcher.status.drops.is_dropping() {
            // It may have room by now.
            if joined.link.flush(now).is_ok() && joined.link.is_relieved() {
                dispatcher.drops_ended(joined.link.session());
                return true;
            }
        } else {
            if !joined.link.is_backed_up() || (joined.link.flush(now).is_ok() && !joined.link.is_backed_up()) {
                return true;
            }
            log::warn!("the router reads too slowly: events are dropped");
            let queued = joined.link.load().queued;
            dispatcher.drops_began(joined.link.session(), queued);
        }
        dispatcher.status.drops.count();
        false
    }
}

impl Connection {
    /// Begins the end, if it has not begun.
    fn leave(&mut self, now: Instant) {
        match self {
            Self::Linked(joined) if joined.link.is_joined() => {
                joined.leaving = true;
                joined.link.leave(CLOSE_NORMAL, now);
            }
            Self::Linked(joined) if joined.leaving => {}
            // No session, no GOODBYE.
            _ => *self = Self::Over,
        }
    }
}
