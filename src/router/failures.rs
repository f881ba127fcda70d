//! How often logins from an address went wrong lately, and how long the next wrong one waits for its answer.
//!
//! Nobody sleeps: a wrong login is answered at a deadline. Each wrong login of an address within [`MEMORY`] doubles the delay of
//! the next. While as many as [`WAITING`] of them wait for their answer, whether their connections still stand or not, the
//! address may not try another, neither begin a login nor end one: so however many connections it opens, it tries two secrets
//! a second in the long run.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::network_of;

/// The answer to the first wrong login waits so long.
const FIRST_DELAY: Duration = Duration::from_millis(500);

/// No answer waits longer.
const LONGEST_DELAY: Duration = Duration::from_secs(8);

/// For how long a wrong login counts, from the last one.
const MEMORY: Duration = Duration::from_secs(600);

/// Wrong logins of an address that may wait for their answer.
const WAITING: usize = 16;

/// Addresses that are remembered. Beyond it the one that was wrong the longest ago is forgotten.
const ADDRESSES: usize = 1024;

/// Addresses with wrong logins.
#[derive(Debug, Default)]
pub(super) struct Failures {
    addresses: HashMap<Option<IpAddr>, Record>,
}

#[derive(Debug)]
struct Record {
    count: u32,
    last: Instant,
    /// When the answers that wait are due.
    answers: VecDeque<Instant>,
}

impl Failures {
    /// Whether an address may try another login. `None` is all who have none.
    pub fn may_try(&mut self, address: Option<IpAddr>, now: Instant) -> bool {
        let Some(record) = self.addresses.get_mut(&address.map(network_of)) else { return true };
        record.answers.retain(|due| *due > now);
        record.answers.len() < WAITING
    }

    /// A login was wrong: when to say so.
    pub fn failed(&mut self, address: Option<IpAddr>, now: Instant) -> Instant {
        let address = address.map(network_of);
        if self.addresses.len() >= ADDRESSES && !self.addresses.contains_key(&address) {
            self.addresses.retain(|_, record| now < record.last + MEMORY);
            let oldest = self.addresses.iter().min_by_key(|(_, record)| record.last).map(|(address, _)| *address);
            if let Some(oldest) = oldest.filter(|_| self.addresses.len() >= ADDRESSES) {
                self.addresses.remove(&oldest);
            }
        }
        let record = self.addresses.entry(address).or_insert(Record { count: 0, last: now, answers: VecDeque::new() });
        if now >= record.last + MEMORY {
            record.count = 0;
        }
        let doublings = record.count.min(16);
        record.count = record.count.saturating_add(1);
        record.last = now;
        let due = now + FIRST_DELAY.saturating_mul(1 << doublings).min(LONGEST_DELAY);
        record.answers.push_back(due);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn delays_double_to_the_longest_and_are_forgotten_in_time() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        let delays: Vec<_> =
            (0..6).map(|_| (failures.failed(address("10.0.0.1"), start) - start).as_millis()).collect();
        assert_eq!(delays, [500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(failures.failed(address("10.0.0.2"), start) - start, FIRST_DELAY, "another address");
        let later = start + MEMORY;
        assert_eq!(failures.failed(address("10.0.0.1"), later) - later, FIRST_DELAY);
    }

    #[test]
    fn many_at_once_must_wait_even_if_they_hang_up() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        for _ in 0..WAITING {
            assert!(failures.may_try(None, start));
            failures.failed(None, start);
        }
        assert!(!failures.may_try(None, start));
        assert!(failures.may_try(address("10.0.0.1"), start), "another address");
        assert!(failures.may_try(None, start + FIRST_DELAY), "when one of them is answered");
        assert!(failures.may_try(None, start + LONGEST_DELAY));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_ipv4_in_ipv6_is_ipv4() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        failures.failed(address("2001:db8::1"), start);
        assert_eq!(failures.failed(address("2001:db8::ffff:1"), start) - start, 2 * FIRST_DELAY);
        assert_eq!(failures.failed(address("2001:db8:0:1::1"), start) - start, FIRST_DELAY);
        failures.failed(address("10.0.0.1"), start);
        assert_eq!(failures.failed(address("::ffff:10.0.0.1"), start) - start, 2 * FIRST_DELAY);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        for number in 0..3 * u32::try_from(ADDRESSES).unwrap() {
            let now = start + Duration::from_millis(u64::from(number));
            failures.failed(Some(IpAddr::V4(number.into())), now);
            assert!(failures.addresses.len() <= ADDRESSES);
        }
        let now = start + Duration::from_secs(60);
        let newest = Some(IpAddr::V4((3 * u32::try_from(ADDRESSES).unwrap() - 1).into()));
        assert_eq!(failures.failed(newest, now) - now, 2 * FIRST_DELAY, "the newest are kept");
        assert_eq!(failures.failed(Some(IpAddr::V4(0.into())), now) - now, FIRST_DELAY, "the oldest are not");
    }
}
