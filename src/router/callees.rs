//! Who answers the calls of one registration (*Shared Registration*).

use super::PeerId;
use crate::wamp::id::RandomIds;

/// Which of several callees is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// There is only one.
    Single,
    /// The one that has been registered longest.
    First,
    /// The one that registered last.
    Last,
    /// Any.
    Random,
    /// One after the other, in the order in which they registered.
    RoundRobin,
}

impl Policy {
    pub const ALL: [Self; 5] = [Self::Single, Self::First, Self::Last, Self::Random, Self::RoundRobin];

    /// The policy with that name on the wire.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::First => "first",
            Self::Last => "last",
            Self::Random => "random",
            Self::RoundRobin => "roundrobin",
        }
    }
}

/// One that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Callee {
    pub peer: PeerId,
    /// Whether it asked to be told who calls.
    pub disclose_caller: bool,
}

/// All that answer, in the order in which they registered.
#[derive(Debug)]
pub(super) struct Callees {
    /// The first one's, which is all others' too.
    policy: Policy,
    list: Vec<Callee>,
    /// Whose turn it is, with [`Policy::RoundRobin`].
    next: usize,
}

impl Callees {
    pub fn new(policy: Policy, first: Callee) -> Self {
        Self { policy, list: vec![first], next: 0 }
    }

    pub const fn policy(&self) -> Policy {
        self.policy
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn peers(&self) -> impl Iterator<Item = &PeerId> {
        self.list.iter().map(|callee| &callee.peer)
    }

    pub fn push(&mut self, callee: Callee) {
        self.list.push(callee);
    }

    /// Takes a peer off the list; whose turn it is stays as it was. Whether it was on it.
    pub fn remove(&mut self, peer: PeerId) -> bool {
        let Some(position) = self.list.iter().position(|callee| callee.peer == peer) else { return false };
        self.list.remove(position);
        if position < self.next {
            self.next -= 1;
        }
        if self.next >= self.list.len() {
            self.next = 0;
        }
        true
    }

    /// Who answers the next call.
    pub fn choose(&self, ids: &mut RandomIds) -> Option<Callee> {
        match self.policy {
            Policy::Single | Policy::First => self.list.first(),
            Policy::Last => self.list.last(),
            Policy::Random => self.list.get(ids.below(self.list.len())),
            Policy::RoundRobin => self.list.get(self.next),
        }
        .copied()
    }

    /// Passes the turn on.
    pub fn advance(&mut self) {
        self.next = if self.next + 1 < self.list.len() { self.next + 1 } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::RandomState;

    fn callees(policy: Policy, count: u64) -> Callees {
        let callee = |number| Callee { peer: PeerId(number), disclose_caller: false };
        let mut callees = Callees::new(policy, callee(1));
        (2..=count).for_each(|number| callees.push(callee(number)));
        callees
    }

    fn rounds(callees: &mut Callees, calls: usize) -> Vec<u64> {
        let mut ids = RandomIds::new(RandomState::new());
        let mut call = || {
            let chosen = callees.choose(&mut ids).unwrap().peer.0;
            callees.advance();
            chosen
        };
        (0..calls).map(|_| call()).collect()
    }

    #[test]
    fn whose_turn_it_is_survives_that_others_leave() {
        let mut four = callees(Policy::RoundRobin, 4);
        assert_eq!(rounds(&mut four, 2), [1, 2]);
        // 3 is next. One before it, one behind it, itself, all.
        assert!(four.remove(PeerId(1)));
        assert!(four.remove(PeerId(4)));
        assert!(!four.remove(PeerId(4)));
        assert_eq!(rounds(&mut four, 3), [3, 2, 3]);
        four.push(Callee { peer: PeerId(5), disclose_caller: false });
        assert_eq!(rounds(&mut four, 4), [2, 3, 5, 2]);
        assert!(four.remove(PeerId(3)));
        assert_eq!(rounds(&mut four, 3), [5, 2, 5]);
        assert!(four.remove(PeerId(2)) && four.remove(PeerId(5)));
        assert!(four.is_empty());
        assert_eq!(four.choose(&mut RandomIds::new(RandomState::new())), None);
    }

    #[test]
    fn at_random_each_has_its_share() {
        let got = rounds(&mut callees(Policy::Random, 4), 4000);
        for number in 1..=4 {
            let share = got.iter().filter(|&&chosen| chosen == number).count();
            assert!((800..1200).contains(&share), "{number} was chosen {share} times of 4000");
        }
    }
}
