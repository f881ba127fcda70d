//! All watches, by name. Pure. What was seen goes in with its time, changes come out.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use super::change::{Reason, WatchChange, WatchReport};
use super::metric::{Reading, Source};
use super::rule::Rule;
use super::state::Watch;
use crate::process::{Pressure, ProcessError};
use crate::sync::clock::Now;

/// The most watches that there can be.
pub const MOST_WATCHES: usize = 64;

/// The longest name of a watch, in characters.
pub const LONGEST_NAME: usize = 64;

/// How many names a sentence may list.
const MOST_LISTED: usize = 8;

/// Why a watch was not set or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchError {
    /// It cannot have this name.
    Name(String),
    /// It is given twice.
    Twice(String),
    /// There are [`MOST_WATCHES`] already.
    TooMany,
    /// There is none of this name, but others are.
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The kernel does not tell of this pressure.
    Process(ProcessError),
}

/// A name that a watch can have.
///
/// # Errors
/// [`WatchError::Name`].
pub fn watch_name(name: &str) -> Result<&str, WatchError> {
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if is_word && (1..=LONGEST_NAME).contains(&name.len()) {
        return Ok(name);
    }
    Err(WatchError::Name(shortened(name)))
}

/// No longer than a good name, so that it can be told.
fn shortened(name: &str) -> String {
    name.chars().take(LONGEST_NAME).collect()
}

#[derive(Debug, Default)]
pub(super) struct Watches {
    watches: BTreeMap<String, Watch>,
    /// Of the last rule.
    id: u64,
}

/// A rule that is to be set, and can be.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    name: &'a str,
    rule: Rule,
    /// Of the rule.
    pub id: u64,
    /// Of the rule that has the name now.
    pub replaced: Option<u64>,
}

impl Watches {
    /// Whether a rule can be set under a name. `None` when it is so already, and nothing needs to be done.
    pub fn admit<'a>(&mut self, name: &'a str, rule: Rule) -> Result<Option<Admitted<'a>>, WatchError> {
        let name = watch_name(name)?;
        let known = self.watches.get(name);
        if known.is_some_and(|watch| *watch.rule() == rule) {
            return Ok(None);
        }
        if known.is_none() && self.watches.len() >= MOST_WATCHES {
            return Err(WatchError::TooMany);
        }
        let replaced = known.map(Watch::id);
        self.id += 1;
        Ok(Some(Admitted { name, rule, id: self.id, replaced }))
    }

    /// Sets a rule; what is told of the one that it replaces.
    pub fn set(&mut self, admitted: &Admitted<'_>, now: Now) -> Option<WatchChange> {
        let Admitted { name, rule, id, .. } = *admitted;
        let mut watch = Watch::new(id, rule);
        let change = self.watches.remove(name).and_then(|other| watch.replace(name, other, now));
        self.watches.insert(name.to_owned(), watch);
        change
    }

    /// Removes a watch: the id of its rule, and what is told.
    pub fn remove(&mut self, name: &str, now: Now) -> Result<(u64, Option<WatchChange>), WatchError> {
        match self.watches.remove(name) {
            Some(mut watch) => Ok((watch.id(), watch.end(name, Reason::Removed, now))),
            None => Err(WatchError::Unknown { name: shortened(name), known: self.watches.keys().cloned().collect() }),
        }
    }

    /// A tick.
    pub fn observe(&mut self, tick: &Reading, changes: &mut Vec<WatchChange>) {
        for (name, watch) in &mut self.watches {
            let value = watch.rule().metric().value(tick);
            changes.extend(watch.observe(name, value, tick.sample.taken));
        }
    }

    /// The kernel tells of pressure; it may have been about a rule that is gone by now.
    pub fn pressed(&mut self, id: u64, now: Now) -> Option<WatchChange> {
        let (name, watch) = self.watches.iter_mut().find(|(_, watch)| watch.id() == id)?;
        watch.pressed(name, now)
    }

    /// When [`Watches::expire`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        self.watches.values().filter_map(Watch::deadline).min()
    }

    /// Draws the conclusions from the kernel's silence.
    pub fn expire(&mut self, now: Now, changes: &mut Vec<WatchChange>) {
        for (name, watch) in &mut self.watches {
            changes.extend(watch.expire(name, now));
        }
    }

    /// The target has ended: what was raised by its values is over.
    pub fn target_ended(&mut self, now: Now, changes: &mut Vec<WatchChange>) {
        for (name, watch) in &mut self.watches {
            if watch.rule().metric().pressure().is_none() {
                changes.extend(watch.end(name, Reason::Exited, now));
            }
        }
    }

    /// What those should hear who may have missed it.
    pub fn repeat(&mut self, now: Now, changes: &mut Vec<WatchChange>) {
        for (name, watch) in &mut self.watches {
            changes.extend(watch.repeat(name, now));
        }
    }

    /// One of them.
    pub fn report(&self, name: &str) -> Option<WatchReport> {
        Some(self.watches.get(name)?.report(name))
    }

    /// All of them.
    pub fn reports(&self) -> Vec<WatchReport> {
        self.watches.iter().map(|(name, watch)| watch.report(name)).collect()
    }

    /// Whether any needs ticks.
    pub fn need_ticks(&self) -> bool {
        self.any(|source| !matches!(source, Source::Kernel(_)))
    }

    /// Whether any needs the number of descriptors.
    pub fn need_descriptors(&self) -> bool {
        self.any(|source| matches!(source, Source::Descriptors))
    }

    fn any(&self, is_it: impl Fn(&Source) -> bool) -> bool {
        self.watches.values().any(|watch| is_it(&watch.rule().metric().source))
    }
}

impl Admitted<'_> {
    /// What the kernel is asked to tell.
    pub fn pressure(&self) -> Option<(Pressure, std::time::Duration)> {
        self.rule.pressure()
    }
}

impl fmt::Display for WatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(got) => {
                write!(f, "name: expected 1 to {LONGEST_NAME} letters, digits, '.', '-' and '_', got {got:?}")
            }
            Self::Twice(name) => write!(f, "name: expected watches of different names, got {name:?} twice"),
            Self::TooMany => {
                write!(
                    f,
                    "name: expected that of one of the {MOST_WATCHES} watches, the most there can be, got a new one"
                )
            }
            Self::Unknown { name, known } if known.is_empty() => {
                write!(f, "name: expected that of a watch, of which there are none, got {name:?}")
            }
            Self::Unknown { name, known } if known.len() > MOST_LISTED => {
                write!(f, "name: expected one of the {} watches that there are, got {name:?}", known.len())
            }
            Self::Unknown { name, known } => {
                write!(f, "name: expected one of the watches {}, got {name:?}", known.join(", "))
            }
            Self::Process(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WatchError {}

impl From<ProcessError> for WatchError {
    fn from(error: ProcessError) -> Self {
        Self::Process(error)
    }
}
