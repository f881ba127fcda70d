//! Whose turn it is: one of each address after the other, so that a crowd from one address waits for its own. Pure.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use crate::router::network_of;

/// Those that wait for their turn, by their tokens. To come and to be next is O(1).
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Where somebody waits: the one that had no turn for longest first, each once.
    networks: VecDeque<IpAddr>,
    /// Those from there, in the order in which they came.
    waiting: HashMap<IpAddr, VecDeque<u64>>,
}

impl Turns {
    /// One more waits.
    pub fn push(&mut self, token: u64, address: IpAddr) {
        let network = network_of(address);
        self.waiting
            .entry(network)
            .or_insert_with(|| {
                self.networks.push_back(network);
                VecDeque::new()
            })
            .push_back(token);
    }

    /// The next one.
    pub fn pop(&mut self) -> Option<u64> {
        let network = self.networks.pop_front()?;
        let crowd = self.waiting.get_mut(&network)?;
        let token = crowd.pop_front();
        if crowd.is_empty() {
            self.waiting.remove(&network);
        } else {
            self.networks.push_back(network);
        }
        token
    }

    /// That one, from there, waits no longer.
    pub fn forget(&mut self, token: u64, address: IpAddr) {
        let network = network_of(address);
        if let Some(crowd) = self.waiting.get_mut(&network) {
            crowd.retain(|other| *other != token);
            if crowd.is_empty() {
                self.waiting.remove(&network);
                self.networks.retain(|other| *other != network);
            }
        }
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_from_one_address_waits_for_its_own() {
        let mut turns = Turns::default();
        let [crowd, one, other] = ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(|text| text.parse::<IpAddr>().unwrap());
        (1..=4).for_each(|token| turns.push(token, crowd));
        turns.push(5, one);
        assert_eq!((turns.pop(), turns.pop()), (Some(1), Some(5)));
        turns.push(6, other);
        turns.push(7, one);
        let rest: Vec<u64> = std::iter::from_fn(|| turns.pop()).collect();
        assert_eq!(rest, [2, 6, 7, 3, 4]);
        assert!(turns.is_empty() && turns.waiting.is_empty());
        turns.push(8, crowd);
        assert_eq!((turns.pop(), turns.pop()), (Some(8), None));
    }

    #[test]
    fn who_is_gone_has_no_turn() {
        let mut turns = Turns::default();
        let [crowd, one] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        (1..=3).for_each(|token| turns.push(token, crowd));
        turns.push(4, one);
        [(1, crowd), (4, one), (5, one)].into_iter().for_each(|(token, address)| turns.forget(token, address));
        let rest: Vec<u64> = std::iter::from_fn(|| turns.pop()).collect();
        assert_eq!(rest, [2, 3]);
        turns.push(6, one);
        turns.forget(6, one);
        assert!(turns.is_empty() && turns.waiting.is_empty());
    }
}
