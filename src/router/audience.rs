//! Who may get an event (*Publisher Exclusion*, *Subscriber Black- and Whitelisting*).

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::Hash;

use super::PeerId;
use super::session::{Session, Sessions};
use crate::wamp::SessionId;
use crate::wamp::options::PublishOptions;

/// What the publisher said about who may get its event.
#[derive(Debug)]
pub(super) struct Audience<'a> {
    excluded: Option<PeerId>,
    lists: Option<Lists<'a>>,
}

#[derive(Debug)]
struct Lists<'a> {
    sessions: List<'a, SessionId>,
    authids: List<'a, str>,
    authroles: List<'a, str>,
}

impl<'a> Audience<'a> {
    pub fn new(publisher: PeerId, options: &'a PublishOptions) -> Self {
        let lists = Lists {
            sessions: List::new(options.exclude.as_deref(), options.eligible.as_deref()),
            authids: List::new(options.exclude_authid.as_deref(), options.eligible_authid.as_deref()),
            authroles: List::new(options.exclude_authrole.as_deref(), options.eligible_authrole.as_deref()),
        };
        let everybody = lists.sessions.is_everybody() && lists.authids.is_everybody() && lists.authroles.is_everybody();
        Self { excluded: options.exclude_me.unwrap_or(true).then_some(publisher), lists: (!everybody).then_some(lists) }
    }

    pub fn admits(&self, peer: PeerId, sessions: &Sessions) -> bool {
        self.excluded != Some(peer)
            && match &self.lists {
                None => true,
                Some(lists) => sessions.get(peer).is_some_and(|session| lists.admit(session)),
            }
    }
}

/// Whether an event with these options is for all but its publisher.
pub(super) fn is_for_everybody(options: &PublishOptions) -> bool {
    let PublishOptions { exclude, exclude_authid, exclude_authrole, .. } = options;
    let nobody_excluded = exclude.as_deref().is_none_or(<[_]>::is_empty)
        && [exclude_authid, exclude_authrole].into_iter().all(|list| list.as_deref().is_none_or(<[_]>::is_empty));
    nobody_excluded
        && options.eligible.is_none()
        && [&options.eligible_authid, &options.eligible_authrole].into_iter().all(Option::is_none)
}

/// As [`Audience::admits`], for one peer only: without a set for each list.
pub(super) fn admits_one(publisher: PeerId, options: &PublishOptions, peer: PeerId, sessions: &Sessions) -> bool {
    fn admit<Q: PartialEq + ?Sized, T: Borrow<Q>>(excluded: Option<&[T]>, eligible: Option<&[T]>, one: &Q) -> bool {
        let has = |list: &[T]| list.iter().any(|other| other.borrow() == one);
        !excluded.is_some_and(has) && eligible.is_none_or(has)
    }
    let is_excluded = options.exclude_me.unwrap_or(true) && publisher == peer;
    let Some(Session { id, identity, .. }) = sessions.get(peer).filter(|_| !is_excluded) else { return false };
    let PublishOptions { exclude, exclude_authid, exclude_authrole, .. } = options;
    admit(exclude.as_deref(), options.eligible.as_deref(), id)
        && admit::<str, _>(exclude_authid.as_deref(), options.eligible_authid.as_deref(), &identity.authid)
        && admit::<str, _>(exclude_authrole.as_deref(), options.eligible_authrole.as_deref(), &identity.authrole)
}

impl Lists<'_> {
    fn admit(&self, Session { id, identity, .. }: &Session) -> bool {
        self.sessions.admits(id) && self.authids.admits(&identity.authid) && self.authroles.admits(&identity.authrole)
    }
}

/// A black list and a white list of the same kind. Sets, because a long list meets many subscribers.
#[derive(Debug)]
struct List<'a, Q: ?Sized> {
    excluded: HashSet<&'a Q>,
    eligible: Option<HashSet<&'a Q>>,
}

impl<'a, Q: Eq + Hash + ?Sized> List<'a, Q> {
    fn new<T: Borrow<Q>>(excluded: Option<&'a [T]>, eligible: Option<&'a [T]>) -> Self {
        let set = |list: &'a [T]| list.iter().map(Borrow::borrow).collect();
        Self { excluded: excluded.map(set).unwrap_or_default(), eligible: eligible.map(set) }
    }

    fn is_everybody(&self) -> bool {
        self.excluded.is_empty() && self.eligible.is_none()
    }

    fn admits(&self, one: &Q) -> bool {
        !self.excluded.contains(one) && self.eligible.as_ref().is_none_or(|eligible| eligible.contains(one))
    }
}
