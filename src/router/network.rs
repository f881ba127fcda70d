//! Whose an address is, as far as that can be told.

use std::net::{IpAddr, Ipv6Addr};

/// What stands for all addresses of whoever has this one: who has one of a network of IPv6 has them all (RFC 4291 section
/// 2.5.4), and IPv4 in IPv6 is IPv4.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}
