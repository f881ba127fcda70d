//! How an agent is made.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::child::Child;
use super::connector::Connector;
use super::garbage::Collector;
use super::handle::{Letter, Publisher, Stopper};
use super::link_change::{LinkChange, Observer};
use super::manhole::{Keeper, Plan};
use super::reconnect::{Reconnect, ReconnectPolicy};
use super::run::Agent;
use super::status::Status;
use super::supervision::Supervision;
use super::{AgentError, dispatch::Dispatcher};
use crate::api::host::{GarbageOfOthers, Supervised};
use crate::api::names::{id_of, node_of};
use crate::api::{Api, Host, Names, Procedure, Role};
use crate::sampler::{Rule, Sampler, Settings};
use crate::supervisor::{Control, Found, GcMethod, KeptOutput, TargetChoice};
use crate::sync::mailbox::mailbox;
use crate::sync::waker::Waker;
use crate::transport::keepalive::KeepalivePolicy;
use crate::transport::memory::Memory;
use crate::transport::tls::TlsClient;
use crate::transport::url::Url;
use crate::wamp::Uri;
use crate::wamp::auth::Login;
use crate::wamp::codec::Serialization;
use crate::wamp::uri::{Form, Rules, is_component};

/// Letters from other threads that may wait for the loop.
const LETTERS: usize = 64;

/// Whether an agent tries again when its router is not there, or no longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patience {
    /// For as long as it takes.
    #[default]
    Forever,
    /// Not at all: the first failure ends the agent.
    OneAttempt,
}

/// Makes an [`Agent`]. Everything has a default but the way to the router.
pub struct AgentBuilder {
    connector: Connector,
    target: TargetChoice,
    gc: Option<GcMethod>,
    pub(super) child: Option<Control>,
    realm: Uri,
    login: Login,
    role: Role,
    node: Option<String>,
    worker: Option<String>,
    worker_type: String,
    prefixes: Vec<String>,
    interval: Duration,
    history: u32,
    watches: Vec<(String, Rule)>,
    patience: Patience,
    reconnect: ReconnectPolicy,
    procedures: Vec<Procedure>,
    on_ready: Option<Box<dyn FnOnce() + Send>>,
    observers: Vec<Observer>,
    pub(super) manhole: Plan,
}

impl AgentBuilder {
    fn new(connector: Connector) -> Self {
        Self {
            connector,
            target: TargetChoice::default(),
            gc: None,
            child: None,
            realm: Uri::from("realm1"),
            login: Login::default(),
            role: Role::default(),
            node: None,
            worker: None,
            worker_type: "native".to_owned(),
            prefixes: Vec::new(),
            interval: Duration::from_secs(1),
            history: 600,
            watches: Vec::new(),
            patience: Patience::default(),
            reconnect: ReconnectPolicy::default(),
            procedures: Vec::new(),
            on_ready: None,
            observers: Vec::new(),
            manhole: Plan::default(),
        }
    }

    pub(super) fn dial(url: Url) -> Self {
        Self::new(Connector::dial(url))
    }

    pub(super) fn embedded(end: Memory) -> Self {
        Self::new(Connector::Embedded(Some(end)))
    }

    /// Which process the agent is about; its own by default. When another one ends, the agent ends too, in good order and
    /// after it has said so, unless it is to wait for the next.
    #[must_use]
    pub fn target(mut self, choice: TargetChoice) -> Self {
        self.target = choice;
        self
    }

    /// How `trigger_gc` has another process give memory back; without it the procedure answers that it cannot. For the
    /// agent's own process it is never needed.
    #[must_use]
    pub fn gc(mut self, method: GcMethod) -> Self {
        self.gc = Some(method);
        self
    }

    /// The realm to join; `realm1` by default.
    #[must_use]
    pub fn realm(mut self, realm: impl Into<Uri>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Who to be at the router, and how to prove it; anonymous by default.
    #[must_use]
    pub fn login(mut self, login: Login) -> Self {
        self.login = login;
        self
    }

    /// Adds a router of the same realm, to be tried when those before it fail. Each has its turn, and only when all of them have
    /// failed the agent waits.
    #[must_use]
    pub fn or(mut self, url: Url) -> Self {
        self.connector.add(url);
        self
    }

    /// How messages are written on the way to the router; JSON by default. (A router inside this process gets them as they
    /// are.)
    #[must_use]
    pub fn serialization(mut self, serialization: Serialization) -> Self {
        self.connector.speak(serialization);
        self
    }

    /// What the process is in Crossbar.io's terms; a worker by default.
    #[must_use]
    pub const fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// The node's id: one component of a URI. By default the host name's first label.
    #[must_use]
    pub fn node(mut self, id: impl Into<String>) -> Self {
        self.node = Some(id.into());
        self
    }

    /// The worker's id: one component of a URI. By default the target's name: `wampproc` for our own process,
    /// that of its program for another, the pid file's where there is one.
    #[must_use]
    pub fn worker(mut self, id: impl Into<String>) -> Self {
        self.worker = Some(id.into());
        self
    }

    /// What `get_process_monitor` gives as `type`; `native` by default.
    #[must_use]
    pub fn worker_type(mut self, name: impl Into<String>) -> Self {
        self.worker_type = name.into();
        self
    }

    /// A prefix for all URIs, without a dot at the end; `{node}` and `{worker}` stand for the ids. Those given replace the
    /// default ones.
    #[must_use]
    pub fn uri_prefix(mut self, template: impl Into<String>) -> Self {
        self.prefixes.push(template.into());
        self
    }

    /// Time between two samples of the history: at least 10 ms, 1 s by default.
    #[must_use]
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How many samples are kept: at most 86,400, by default 600; with 0 nothing is measured unless somebody asks.
    #[must_use]
    pub const fn history(mut self, samples: u32) -> Self {
        self.history = samples;
        self
    }

    /// Adds a watch, as `set_watch` does: a name of 1 to 64 letters, digits, `.`, `-` and `_`, which no other has, and a rule.
    /// At most 64.
    #[must_use]
    pub fn watch(mut self, name: impl Into<String>, rule: Rule) -> Self {
        self.watches.push((name.into(), rule));
        self
    }

    /// Whether to try again when the router is not there.
    #[must_use]
    pub const fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// How patiently to reconnect.
    #[must_use]
    pub const fn reconnect(mut self, policy: ReconnectPolicy) -> Self {
        self.reconnect = policy;
        self
    }

    /// How the connection to the router is watched. (A router inside this process needs no watching.)
    #[must_use]
    pub fn keepalive(mut self, policy: KeepalivePolicy) -> Self {
        self.connector.watch(policy);
        self
    }

    /// Whom to trust, and who to be, where the URL says TLS (`wss://`, `rss://`). Without it: whom the system trusts. (A router
    /// inside this process needs none.)
    #[must_use]
    pub fn tls(mut self, client: TlsClient) -> Self {
        self.connector.secure(client);
        self
    }

    /// Adds a procedure to the table, registered like all others.
    #[must_use]
    pub fn procedure(mut self, procedure: Procedure) -> Self {
        self.procedures.push(procedure);
        self
    }

    /// What to do once, on the loop's thread, when the first session is joined and every procedure registered.
    #[must_use]
    pub fn on_ready(mut self, notice: impl FnOnce() + Send + 'static) -> Self {
        self.on_ready = Some(Box::new(notice));
        self
    }

    /// Adds what to do, on the loop's thread, each time that the connection to the router has changed. It must not wait.
    #[must_use]
    pub fn on_link_change(mut self, observer: impl FnMut(LinkChange<'_>) + Send + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Makes the agent and starts its sampler; the connection is made by [`Agent::run`].
    ///
    /// # Errors
    /// [`AgentError`] when a name does not do, there is no such target, `/proc` cannot be read, the kernel refuses a thread or
    /// a descriptor, or it does not tell of a pressure that is to be watched.
    pub fn build(self) -> Result<Agent, AgentError> {
        let node = self.node.unwrap_or_else(|| node_of(&host_name()));
        let found = match &self.child {
            Some(control) => Found::child(control.name()),
            None => self.target.find()?,
        };
        let worker = self.worker.unwrap_or_else(|| id_of(found.name(), "process"));
        let names = Names::new(self.role, &node, &worker, &self.prefixes)?;
        self.realm.check(Rules::Loose, Form::Exact).map_err(|error| AgentError::Name(error.into()))?;
        let mut api = Api::default();
        for procedure in self.procedures {
            let name = procedure.name().to_owned();
            if !is_component(&name) {
                let expected = "a name of characters other than white space, '.' and '#'";
                return Err(AgentError::Name(format!("procedure: expected {expected}, got {name:?}").into()));
            }
            if !api.add(procedure) {
                return Err(AgentError::DuplicateProcedure(name));
            }
        }
        let waker = Waker::new()?;
        let (post, mailbox) = mailbox::<Letter>(LETTERS, waker.clone());
        let (target, supervisor) = found.supervise(post.clone())?;
        let supervised = match self.child.as_ref().map(Control::output) {
            None => Supervised::No,
            Some(KeptOutput::None) => Supervised::Yes,
            Some(KeptOutput::Last) => Supervised::WithOutput,
        };
        let garbage = if self.gc.is_some() { GarbageOfOthers::Collected } else { GarbageOfOthers::Kept };
        let host = Host::new(target.as_ref().map(|target| target.identity().clone()).map_err(Clone::clone), garbage)
            .supervising(supervised);
        let settings = Settings {
            interval: self.interval,
            history: self.history,
            worker_type: self.worker_type,
            watches: self.watches,
        };
        let sampler = Sampler::spawn(target, settings, post.clone())?;
        let manhole = Keeper::new(self.manhole, &api, &worker, post.clone())?;
        let collector = Collector::new(self.gc, post.clone());
        let serializer = self.connector.serialization().map(Serialization::name);
        let status = Status::new(serializer, self.realm.clone());
        let reconnect = Reconnect::new(self.reconnect, self.connector.count());
        Ok(Agent {
            connector: self.connector,
            realm: self.realm,
            login: self.login,
            patience: self.patience,
            reconnect,
            mailbox,
            publisher: Publisher { post },
            stopper: Stopper { asked: Arc::new(AtomicBool::new(false)), waker: waker.clone() },
            waker,
            dispatcher: Dispatcher::new(
                api,
                host,
                names,
                sampler,
                status,
                manhole,
                Supervision::new(supervisor, collector, Child::new(self.child)),
            ),
            on_ready: self.on_ready,
            observers: self.observers,
            sessions: 0,
            told: String::new(),
            is_leaving: false,
        })
    }
}

/// The host's name (`gethostname(2)`), or nothing when the kernel does not say.
fn host_name() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default()
}
