//! Events that a session leaves to be published when it ends (*Session Testament*).
//!
//! Sessions are not resumed here, so one that is detached is destroyed too: both kinds of testaments are published at its
//! end, those of the scope `detached` first. They are bounded in number and bytes, of a session and of a realm
//! ([`super::Share::testaments`], [`super::Share::testament_bytes`]).

use serde::Deserialize;

use super::turn::Turn;
use crate::wamp::options::PublishOptions;
use crate::wamp::{Payload, Uri, WampError};

/// When a testament is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scope {
    /// When the client is gone.
    Detached,
    /// When the session has ended.
    #[default]
    Destroyed,
}

/// What is to be published.
#[derive(Debug)]
pub(super) struct Testament {
    pub topic: Uri,
    pub options: PublishOptions,
    pub payload: Payload,
}

impl Testament {
    fn bytes(&self) -> usize {
        self.topic.as_str().len() + self.options.size() + self.payload.size() + std::mem::size_of::<Self>()
    }
}

/// How many testaments there are, and how much they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub testaments: usize,
    pub bytes: usize,
}

impl Amount {
    pub const fn without(self, other: Self) -> Self {
        Self { testaments: self.testaments - other.testaments, bytes: self.bytes - other.bytes }
    }
}

/// The testaments of a session.
#[derive(Debug, Default)]
pub(super) struct Testaments {
    detached: Vec<Testament>,
    destroyed: Vec<Testament>,
    amount: Amount,
}

impl Testaments {
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// Adds one, if there is room for it in the session and in the realm.
    pub fn add(
        &mut self,
        scope: Scope,
        testament: Testament,
        of_realm: &mut Amount,
        turn: &mut Turn<'_>,
    ) -> Result<(), WampError> {
        let bytes = testament.bytes();
        let counts = (self.amount.testaments, of_realm.testaments);
        turn.check_room(counts, |share| share.testaments, "testaments")?;
        let limits = turn.limits;
        let (of_session, in_realm) = (self.amount.bytes + bytes, of_realm.bytes + bytes);
        turn.check_length(of_session, limits.session.testament_bytes, "the testaments of a session")?;
        turn.check_length(in_realm, limits.realm.testament_bytes, "the testaments of a realm")?;
        for amount in [&mut self.amount, of_realm] {
            amount.testaments += 1;
            amount.bytes += bytes;
        }
        self.of(scope).push(testament);
        Ok(())
    }

    /// Removes those of a scope.
    pub fn flush(&mut self, scope: Scope, of_realm: &mut Amount) {
        let flushed = std::mem::take(self.of(scope));
        let amount = Amount { testaments: flushed.len(), bytes: flushed.iter().map(Testament::bytes).sum() };
        self.amount = self.amount.without(amount);
        *of_realm = of_realm.without(amount);
    }

    /// All of them, in the order in which they are published.
    pub fn in_order(self) -> impl Iterator<Item = Testament> {
        self.detached.into_iter().chain(self.destroyed)
    }

    const fn of(&mut self, scope: Scope) -> &mut Vec<Testament> {
        match scope {
            Scope::Detached => &mut self.detached,
            Scope::Destroyed => &mut self.destroyed,
        }
    }
}
