//! Who makes room when there are as many strangers as may be: whoever comes from one address cannot keep all others out by
//! connecting and saying nothing. Pure.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::router::network_of;

/// The connection that goes for a caller from another address: of those from where most come, the oldest (the least token).
/// `None` when no address has more than one beyond what the caller's has, so that two never displace each other in turn.
pub(super) fn displaced(strangers: impl Iterator<Item = (u64, IpAddr)>, caller: IpAddr) -> Option<u64> {
    let mut crowds: HashMap<IpAddr, (usize, u64)> = HashMap::new();
    for (token, address) in strangers {
        let (count, oldest) = crowds.entry(network_of(address)).or_insert((0, token));
        *count += 1;
        *oldest = token.min(*oldest);
    }
    let own = crowds.get(&network_of(caller)).map_or(0, |(count, _)| *count);
    let (most, oldest) = crowds.into_values().max()?;
    (most > own + 1).then_some(oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes(strangers: &[&str], caller: &str) -> Option<u64> {
        let strangers = strangers.iter().map(|address| address.parse().unwrap());
        displaced((10..).zip(strangers), caller.parse().unwrap())
    }

    #[test]
    fn the_oldest_of_the_largest_crowd_makes_room_for_another() {
        assert_eq!(goes(&["10.0.0.2", "10.0.0.1", "10.0.0.1", "10.0.0.1"], "10.0.0.3"), Some(11));
        assert_eq!(goes(&["10.0.0.2", "10.0.0.1", "10.0.0.1", "10.0.0.1"], "10.0.0.2"), Some(11));
    }

    #[test]
    fn nobody_goes_for_more_of_the_crowd_or_for_as_many() {
        assert_eq!(goes(&["10.0.0.1", "10.0.0.1", "10.0.0.1"], "10.0.0.1"), None);
        assert_eq!(goes(&["10.0.0.1", "10.0.0.1", "10.0.0.2"], "10.0.0.2"), None);
        assert_eq!(goes(&["10.0.0.1", "10.0.0.2"], "10.0.0.3"), None);
        assert_eq!(goes(&[], "10.0.0.3"), None);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        assert_eq!(goes(&["2001:db8::1", "2001:db8::2"], "2001:db8::3"), None);
        assert_eq!(goes(&["2001:db8::1", "2001:db8::2"], "2001:db8:0:1::1"), Some(10));
        assert_eq!(goes(&["10.0.0.1", "::ffff:10.0.0.1"], "::ffff:10.0.0.1"), None);
    }
}
