//! The way to the router: over the network to one of several, or in this process.

use std::time::Instant;

use crate::link::LinkError;
use crate::transport::dial::Dial;
use crate::transport::keepalive::KeepalivePolicy;
use crate::transport::memory::Memory;
use crate::transport::tls::TlsClient;
use crate::transport::url::Url;
use crate::transport::{Transport, TransportError};
use crate::wamp::codec::Serialization;

/// The way to the router.
pub(super) enum Connector {
    /// Over the network.
    Dial(Routers),
    /// In this process; there is one such connection, and no second.
    Embedded(Option<Memory>),
}

/// Routers of one realm, any of which will do, and how to speak to them.
pub(super) struct Routers {
    first: Url,
    others: Vec<Url>,
    policy: KeepalivePolicy,
    serialization: Serialization,
    tls: Option<TlsClient>,
}

impl Routers {
    /// The router of that number, from 0; the first, when there is none.
    fn url(&self, number: usize) -> &Url {
        number.checked_sub(1).and_then(|number| self.others.get(number)).unwrap_or(&self.first)
    }
}

impl Connector {
    pub fn dial(first: Url) -> Self {
        let (policy, serialization) = (KeepalivePolicy::default(), Serialization::default());
        Self::Dial(Routers { first, others: Vec::new(), policy, serialization, tls: None })
    }

    /// Adds a router to be tried when those before it fail. In this process there is but one.
    pub fn add(&mut self, url: Url) {
        if let Self::Dial(routers) = self {
            routers.others.push(url);
        }
    }

    /// How the connection is watched.
    pub fn watch(&mut self, policy: KeepalivePolicy) {
        if let Self::Dial(routers) = self {
            routers.policy = policy;
        }
    }

    /// How messages are written.
    pub fn speak(&mut self, serialization: Serialization) {
        if let Self::Dial(routers) = self {
            routers.serialization = serialization;
        }
    }

    /// Whom to trust, and who to be, where a URL says TLS.
    pub fn secure(&mut self, tls: TlsClient) {
        if let Self::Dial(routers) = self {
            routers.tls = Some(tls);
        }
    }

    /// How many routers there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Dial(routers) => 1 + routers.others.len(),
            Self::Embedded(_) => 1,
        }
    }

    /// The URL of the router of that number; `None` of one in this process.
    pub fn url(&self, number: usize) -> Option<&Url> {
        match self {
            Self::Dial(routers) => Some(routers.url(number)),
            Self::Embedded(_) => None,
        }
    }

    /// How messages are written; `None`: they are not.
    pub const fn serialization(&self) -> Option<Serialization> {
        match self {
            Self::Dial(routers) => Some(routers.serialization),
            Self::Embedded(_) => None,
        }
    }

    /// Takes the first step towards the router of that number.
    ///
    /// # Errors
    /// [`LinkError`], when there is no such step.
    pub fn connect(&mut self, number: usize, now: Instant) -> Result<Box<dyn Transport>, LinkError> {
        match self {
            Self::Dial(routers) => match Dial::start(routers.url(number), routers.policy, now) {
                Ok(dial) => Ok(Box::new(dial.speaking(routers.serialization).secured_by(routers.tls.clone()))),
                Err(error) => Err(LinkError::Unreachable(error)),
            },
            Self::Embedded(end) => match end.take() {
                Some(end) => Ok(Box::new(end)),
                None => Err(LinkError::Lost(TransportError::HungUp)),
            },
        }
    }
}
