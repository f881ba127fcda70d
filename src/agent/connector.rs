//! The way to the router: over the network, or in this process.

use std::fmt;
use std::time::Instant;

use crate::link::LinkError;
use crate::transport::dial::Dial;
use crate::transport::keepalive::KeepalivePolicy;
use crate::transport::memory::Memory;
use crate::transport::url::Url;
use crate::transport::{Transport, TransportError};

/// The way to the router.
pub(super) enum Connector {
    /// Over the network.
    Dial { url: Url, policy: KeepalivePolicy },
    /// In this process; there is one such connection, and no second.
    Embedded(Option<Memory>),
}

/// As the user would write it.
impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dial { url, .. } => url.fmt(f),
            Self::Embedded(_) => f.write_str("the router in this process"),
        }
    }
}

impl Connector {
    /// Takes the first step towards the router.
    ///
    /// # Errors
    /// [`LinkError`], when there is no such step.
    pub fn connect(&mut self, now: Instant) -> Result<Box<dyn Transport>, LinkError> {
        match self {
            Self::Dial { url, policy } => match Dial::start(url, *policy, now) {
                Ok(dial) => Ok(Box::new(dial)),
                Err(error) => Err(LinkError::Unreachable(error)),
            },
            Self::Embedded(end) => match end.take() {
                Some(end) => Ok(Box::new(end)),
                None => Err(LinkError::Lost(TransportError::HungUp)),
            },
        }
    }
}
