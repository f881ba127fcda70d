//! WAMP's numbers (*IDs*): a newtype for each, so that none is taken for another, and the two ways they are drawn.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

/// The largest id: what an IEEE double still counts exactly, for the sake of JavaScript.
pub const MAX_ID: u64 = 1 << 53;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident from $least:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            #[doc = concat!("The id with this number; `None` outside ", stringify!($least), " to 2^53.")]
            #[must_use]
            pub const fn new(number: u64) -> Option<Self> {
                if matches!(number, $least..=MAX_ID) { Some(Self(number)) } else { None }
            }

            /// The number on the wire.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = u64::deserialize(deserializer)?;
                let expected = concat!("an id from ", stringify!($least), " to 2^53");
                Self::new(number).ok_or_else(|| D::Error::invalid_value(Unexpected::Unsigned(number), &expected))
            }
        }

        impl Drawn for $name {
            fn from_drawn(number: u64) -> Self {
                Self(number)
            }
        }
    )*};
}

ids! {
    /// A session, global scope: drawn at random by the router.
    SessionId from 1;
    /// A request, session scope: counts from 1 in each direction. Zero is no request: a router that takes a
    /// registration away says `UNREGISTERED` for request 0 (*Registration Revocation*).
    RequestId from 0;
    /// A subscription, router scope.
    SubscriptionId from 1;
    /// A registration, router scope.
    RegistrationId from 1;
    /// A publication, global scope: drawn at random by the router.
    PublicationId from 1;
}

impl RequestId {
    /// What stands for no request.
    pub const NONE: Self = Self(0);
}

/// An id that can be drawn.
pub trait Drawn {
    /// The id with a number that is known to be from 1 to 2^53.
    fn from_drawn(number: u64) -> Self;
}

/// Draws ids of the session scope: 1, 2, 3 … and 1 again after 2^53.
#[derive(Clone, Debug, Default)]
pub struct Sequence {
    last: u64,
}

impl Sequence {
    /// The next id.
    pub fn draw<I: Drawn>(&mut self) -> I {
        self.last = if self.last >= MAX_ID { 1 } else { self.last + 1 };
        I::from_drawn(self.last)
    }

    /// The number of the id drawn last; 0 when none was.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }
}

/// Draws ids of the global and router scopes: uniform over 1 to 2^53, and nobody who sees some of them can tell the next
/// (a keyed hash of a counter).
#[derive(Clone, Debug)]
pub struct RandomIds {
    key: RandomState,
    drawn: u64,
}

impl RandomIds {
    /// A source with a key of its own.
    #[must_use]
    pub fn new(key: RandomState) -> Self {
        Self { key, drawn: 0 }
    }

    /// The next id. Unique only by chance: who keeps a table of them must draw again when it is taken.
    pub fn draw<I: Drawn>(&mut self) -> I {
        self.drawn += 1;
        I::from_drawn(self.key.hash_one(self.drawn) % MAX_ID + 1)
    }

    /// One of so many places, counted from 0; 0 when there is none.
    pub fn below(&mut self, places: usize) -> usize {
        self.drawn += 1;
        let number = self.key.hash_one(self.drawn);
        // Less than `places`, so it is a usize.
        number.checked_rem(places as u64).unwrap_or_default() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_outside_the_range_are_refused_with_what_was_expected() {
        assert_eq!(serde_json::from_str::<SessionId>("9007199254740992").unwrap().get(), MAX_ID);
        let error = serde_json::from_str::<SessionId>("9007199254740993").unwrap_err().to_string();
        assert!(error.contains("expected an id from 1 to 2^53"), "{error}");
        assert!(serde_json::from_str::<SessionId>("0").is_err());
        assert!(serde_json::from_str::<RequestId>("0").is_ok());
        for wrong in ["-1", "1.0", "1e3", "\"1\"", "true", "null", "[1]"] {
            assert!(serde_json::from_str::<RequestId>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_sequence_counts_from_one_and_wraps_to_one() {
        let mut ids = Sequence::default();
        assert_eq!(ids.draw::<RequestId>().get(), 1);
        assert_eq!(ids.draw::<RequestId>().get(), 2);
        ids.last = MAX_ID;
        assert_eq!(ids.draw::<RequestId>().get(), 1);
    }

    #[test]
    fn random_ids_stay_in_range_and_differ_between_sources() {
        let (mut a, mut b) = (RandomIds::new(RandomState::new()), RandomIds::new(RandomState::new()));
        let draw = |ids: &mut RandomIds| (0..1000).map(|_| ids.draw::<PublicationId>().get()).collect::<Vec<_>>();
        let (a, b) = (draw(&mut a), draw(&mut b));
        assert!(a.iter().all(|id| (1..=MAX_ID).contains(id)));
        assert_ne!(a, b);
        assert!(a.iter().any(|id| *id > MAX_ID / 2));
    }
}
