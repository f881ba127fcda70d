//! The roles that there are without any in the file. They are about the management API under its default prefixes; for others
//! the file has roles of its own.
//!
//! `observer` reads: it calls what only tells something, and subscribes to events. `operator` calls everything and subscribes.
//! `agent` is what an agent needs that joins: it registers and publishes. `admin` may do everything, the meta API included.

use std::collections::BTreeMap;

use crate::api::{Api, Procedure};
use crate::router::Action::{self, Call, Publish, Register, Subscribe};
use crate::router::{Disclosure, Permission, Role};
use crate::wamp::Uri;
use crate::wamp::options::Match;

/// What stands below all default prefixes.
const BASE: &str = "crossbar.";

/// The default prefixes, whatever the ids are: wildcards.
const PREFIXES: [&str; 3] = ["crossbar.worker..", "crossbar.node..worker..", "crossbar.node..controller."];

/// The built-in roles by their names.
pub fn built_in() -> BTreeMap<String, Role> {
    let api = Api::default();
    let reading = api.procedures().iter().map(Procedure::name).filter(|name| only_reads(name));
    let calls: Vec<Permission> = reading
        .flat_map(|name| PREFIXES.map(|prefix| permission(&format!("{prefix}{name}"), Match::Wildcard, &[Call])))
        .collect();
    let below = |allow: &[Action]| permission(BASE, Match::Prefix, allow);
    let roles = [
        ("observer", [calls, vec![below(&[Subscribe])]].concat()),
        ("operator", vec![below(&[Call, Subscribe])]),
        ("agent", vec![below(&[Register, Publish])]),
        ("admin", vec![permission("", Match::Prefix, &Action::ALL)]),
    ];
    let mut by_name = BTreeMap::new();
    by_name.extend(roles.into_iter().map(|(name, permissions)| (name.to_owned(), Role::new(permissions))));
    by_name
}

/// By its name: what changes something is called by a verb.
fn only_reads(name: &str) -> bool {
    name.starts_with("get_") || ["started", "uptime", "utcnow"].contains(&name)
}

fn permission(uri: &str, matching: Match, allow: &[Action]) -> Permission {
    let disclose = Disclosure::default();
    Permission { uri: Uri::from(uri), matching, allow: allow.to_vec(), deny: Vec::new(), disclose }
}
