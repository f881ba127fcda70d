//! Keeps the manhole: starts and stops it, tells of that, and answers what its connections ask. The manhole survives the
//! sessions with the router, for it is there to look inside when something is wrong.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::AgentError;
use super::builder::AgentBuilder;
use super::dispatch::{Dispatcher, Origin};
use super::handle::Letter;
use crate::api::manhole::{Order, Service, Status};
use crate::api::topics::Topic;
use crate::api::{Api, Failure, Outcome};
use crate::manhole::{
    self, COMMANDS, Config, Custom, Follower, HostKeySource, LogFeed, Manhole, Presence, Procedure, Question, Refusal,
    Setting, Timeouts,
};
use crate::process::Identity;
use crate::sync::clock::{Now, Timestamp};
use crate::sync::mailbox::Post;
use crate::wamp::Payload;
use crate::wamp::options::Caller;
use crate::wamp::session::Session;

pub(super) use crate::manhole::Report;

/// Connections that may hear what is published; more than there can be, but for what was not told.
const MAX_FOLLOWERS: usize = 4 * manhole::MAX_CONNECTIONS;

/// A connection that waits for an answer.
#[derive(Debug)]
pub(super) struct Reply(manhole::Reply);

impl Reply {
    pub fn send(self, answer: Result<Outcome, Failure>) {
        self.0.send(match answer {
            // Every result is one value.
            Ok(outcome) => match outcome.result.arg_texts().ok().and_then(|mut values| values.pop()) {
                Some(value) => Ok(value.get().to_owned()),
                None => Ok("null".to_owned()),
            },
            Err(failure) => Err(failure.into()),
        });
    }
}

/// What is known about the manhole before there is one.
#[derive(Debug, Default)]
pub(super) struct Plan {
    boot: Option<Config>,
    state_directory: Option<PathBuf>,
    custom: Vec<Custom>,
    log: Option<LogFeed>,
}

impl AgentBuilder {
    /// Starts a manhole when the agent begins to run. If that fails it is logged, and the agent runs without.
    #[must_use]
    pub fn manhole(mut self, config: Config) -> Self {
        self.manhole.boot = Some(config);
        self
    }

    /// Where the manhole's host key is kept; without it a new one is made for each run. Made if it is not there.
    #[must_use]
    pub fn state_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.manhole.state_directory = Some(path.into());
        self
    }

    /// The process's log, for the shell's `log follow`; without it that is refused.
    #[must_use]
    pub fn log_feed(mut self, feed: LogFeed) -> Self {
        self.manhole.log = Some(feed);
        self
    }

    /// Adds a command to the manhole's shell: its name, one line of help, and what it does with the words behind its name. The
    /// value that comes back is shown as a table, as pairs or as text, and with `--json` as JSON; an error's sentence goes to
    /// stderr. It runs on the thread of the connection that asks, so it may take its time.
    #[must_use]
    pub fn command(
        mut self,
        name: impl Into<String>,
        help: impl Into<String>,
        run: impl Fn(&[String]) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        self.manhole.custom.push(Custom { name: name.into(), help: help.into(), run: Arc::new(run) });
        self
    }
}

/// The keeper.
pub(super) struct Keeper {
    boot: Option<Config>,
    host_key: HostKeySource,
    setting: Arc<Setting>,
    post: Post<Letter>,
    kept: Option<Kept>,
    followers: BTreeMap<u64, Follower>,
}

/// A manhole from its start to its end.
struct Kept {
    manhole: Manhole,
    service: Service,
    /// Who asked for what is being done.
    waiting: Option<Origin>,
}

impl Keeper {
    pub fn new(plan: Plan, api: &Api, name: &str, post: Post<Letter>) -> Result<Self, AgentError> {
        let mut known: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        for custom in &plan.custom {
            let is_word =
                !custom.name.is_empty() && custom.name.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
            if !is_word || known.contains(&custom.name.as_str()) {
                let expected = "a new name of letters, digits, - and _";
                return Err(AgentError::Name(format!("command: expected {expected}, got {:?}", custom.name).into()));
            }
            known.push(&custom.name);
        }
        let procedures = api.procedures().iter().map(|procedure| Procedure {
            name: procedure.name().to_owned(),
            params: procedure.params().iter().map(|param| param.name().to_owned()).collect(),
        });
        let (procedures, custom) = (procedures.collect(), plan.custom);
        let setting = Setting { name: name.to_owned(), procedures, custom, log: plan.log };
        Ok(Self {
            boot: plan.boot,
            host_key: HostKeySource::new(plan.state_directory),
            setting: Arc::new(setting),
            post,
            kept: None,
            followers: BTreeMap::new(),
        })
    }

    /// Tells connections of an event. Never waits.
    pub fn tell(&mut self, topic: &str, payload: &Payload) {
        self.followers.retain(|_, follower| follower.tell(topic, payload) == Presence::There);
    }

    /// The session of those who asked over WAMP is over.
    pub fn forget_callers(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.waiting.take_if(|origin| matches!(origin, Origin::Invocation { .. }));
        }
    }

    fn start(&self, config: Config) -> Result<Kept, Failure> {
        let public = config.public();
        let (host_key, setting, post) = (self.host_key.clone(), Arc::clone(&self.setting), self.post.clone());
        let manhole = Manhole::start(config, host_key, setting, Timeouts::default(), post)
            .map_err(|error| Failure::Runtime(format!("cannot start the manhole: {error}")))?;
        let created = Timestamp::now();
        let service = Service { created, status: Status::Starting, started: None, config: public, host_key: None };
        Ok(Kept { manhole, service, waiting: None })
    }

    fn payload(&self) -> Payload {
        match &self.kept {
            Some(kept) => kept.service.payload(Instant::now()),
            None => Payload::of(&Value::Null),
        }
    }
}

impl Dispatcher {
    /// Starts the manhole that is wanted from the beginning.
    pub(super) fn boot(&mut self) {
        if let Some(config) = self.manhole.boot.take() {
            self.order(None, Origin::Nobody, Order::Start(config));
        }
    }

    /// Does what somebody asked for; the answer may come with a later report.
    pub(super) fn order(&mut self, session: Option<&mut Session>, origin: Origin, order: Order) {
        match order {
            Order::Get => {
                let outcome = Outcome { result: self.manhole.payload(), event: None };
                self.settle(session, origin, Ok(outcome));
            }
            Order::Start(config) => self.start(session, origin, config),
            Order::Stop => self.stop(session, origin),
        }
    }

    fn start(&mut self, mut session: Option<&mut Session>, origin: Origin, config: Config) {
        if let Some(kept) = &self.manhole.kept {
            let sentence = match kept.service.status {
                Status::Started => "expected no manhole, got one that runs already",
                Status::Starting => "expected no manhole, got one that is being started",
                Status::Stopping => "expected no manhole, got one that is being stopped",
            };
            return self.settle(session, origin, Err(Failure::AlreadyStarted(sentence.to_owned())));
        }
        match self.manhole.start(config) {
            Ok(kept) => {
                self.manhole.kept = Some(kept);
                let map = self.manhole.payload();
                self.announce(session.as_deref_mut(), Topic::ManholeStarting, origin.caller(), &map);
                origin.progress(session, map);
                self.wait_for_report(origin);
            }
            Err(failure) => self.settle(session, origin, Err(failure)),
        }
    }

    fn stop(&mut self, mut session: Option<&mut Session>, origin: Origin) {
        let refused = match &mut self.manhole.kept {
            Some(kept) if kept.service.status == Status::Started => {
                kept.service.status = Status::Stopping;
                kept.manhole.stop();
                None
            }
            Some(kept) if kept.service.status == Status::Starting => {
                Some("expected a manhole that runs, got one that is being started")
            }
            Some(_) => Some("expected a manhole that runs, got one that is being stopped"),
            None => Some("expected a manhole that runs, got none"),
        };
        if let Some(sentence) = refused {
            return self.settle(session, origin, Err(Failure::NotStarted(sentence.to_owned())));
        }
        let null = Payload::of(&Value::Null);
        self.announce(session.as_deref_mut(), Topic::ManholeStopping, origin.caller(), &null);
        origin.progress(session, null);
        self.wait_for_report(origin);
    }

    fn wait_for_report(&mut self, origin: Origin) {
        if let Some(kept) = &mut self.manhole.kept {
            kept.waiting = Some(origin);
        }
    }

    /// Deals with what the manhole or one of its connections sent.
    pub(super) fn report(&mut self, mut session: Option<&mut Session>, report: Report) {
        match report {
            Report::Started { port, host_key } => {
                let Some(kept) = &mut self.manhole.kept else { return };
                kept.service.status = Status::Started;
                kept.service.started = Some(Now::read());
                if let Some(port) = port {
                    kept.service.config.set_port(port);
                }
                let waiting = kept.waiting.take().unwrap_or(Origin::Nobody);
                log::info!("the manhole is open at {}; its host key is {host_key}", kept.service.config.endpoint());
                kept.service.host_key = Some(host_key);
                let map = self.manhole.payload();
                let outcome = Outcome { result: map.clone(), event: Some((Topic::ManholeStarted, map)) };
                self.settle(session, waiting, Ok(outcome));
            }
            Report::Failed(error) => {
                log::error!("there is no manhole: {error}");
                let waiting = self.end();
                let null = Payload::of(&Value::Null);
                self.announce(session.as_deref_mut(), Topic::ManholeStopped, waiting.caller(), &null);
                if !matches!(waiting, Origin::Nobody) {
                    self.settle(session, waiting, Err(error.into()));
                }
            }
            Report::Stopped => {
                log::info!("the manhole is closed");
                let waiting = self.end();
                let null = Payload::of(&Value::Null);
                let outcome = Outcome { result: null.clone(), event: Some((Topic::ManholeStopped, null)) };
                self.settle(session, waiting, Ok(outcome));
            }
            Report::Asked { question, reply } => self.question(session, question, reply),
            Report::Follow { connection, post } => {
                if self.manhole.followers.len() < MAX_FOLLOWERS {
                    self.manhole.followers.insert(connection, Follower::new(post));
                }
            }
            Report::Unfollow { connection } => {
                self.manhole.followers.remove(&connection);
            }
        }
    }

    /// Forgets the manhole, whose thread is about to end; who asked for that.
    fn end(&mut self) -> Origin {
        self.manhole.followers.clear();
        self.manhole.kept.take().and_then(|kept| kept.waiting).unwrap_or(Origin::Nobody)
    }

    fn question(&mut self, session: Option<&mut Session>, question: Question, reply: manhole::Reply) {
        match question {
            Question::Call { procedure, payload } => {
                match self.api.procedures().iter().position(|known| known.name() == procedure) {
                    Some(number) => {
                        self.call(session, number, Origin::Manhole(Reply(reply)), &Caller::default(), &payload)
                    }
                    None => {
                        let sentence = format!("there is no procedure {procedure:?}");
                        reply.send(Err(Refusal::new(crate::wamp::error::uri::NO_SUCH_PROCEDURE, sentence)));
                    }
                }
            }
            Question::Inspect(subject) => {
                let job = Box::new(move |probe: &mut crate::sampler::Probe| {
                    Ok(Outcome::of(&probe.target()?.inspect(subject)?))
                });
                self.ask_sampler(session, Origin::Manhole(Reply(reply)), job);
            }
            Question::Session => {
                let pid = self.host.identity().ok().map(Identity::pid);
                let outcome = Outcome::of(&self.status.report(pid, Instant::now()));
                self.settle(session, Origin::Manhole(Reply(reply)), Ok(outcome));
            }
        }
    }
}
