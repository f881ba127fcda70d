//! Logins without a secret: the entries of the file of users that say who the kernel or TLS must vouch for, and who comes in by
//! them. Such a user is let in by `anonymous`, or by the name of what vouches: `local` or `tls`. WELCOME has the method that the
//! client offered, because there are clients that leave when it is another (autobahn-python), and as provider what vouches.

use super::evidence::Evidence;
use super::rules::Rule;
use super::users::{Directory, User};

/// Who somebody is of whom there is evidence.
#[derive(Debug)]
pub(super) enum Vouched<'a> {
    /// None of the users.
    Nobody,
    /// That one, by what vouches.
    User { authid: &'a str, user: &'a User, by: &'static str },
    /// The evidence does not say which of them.
    Several,
}

impl Directory {
    /// Whose rules hold; only that user's, if one is named. Of several users the one whose rule says more: a user of the machine
    /// more than a group, a certificate more than a name.
    pub(super) fn vouched(&self, evidence: &Evidence, authid: Option<&str>) -> Vouched<'_> {
        let Some(by) = evidence.method() else { return Vouched::Nobody };
        if let Some(authid) = authid {
            let user = self.users.get_key_value(authid).filter(|(_, user)| user.weight(evidence).is_some());
            return user.map_or(Vouched::Nobody, |(authid, user)| Vouched::User { authid, user, by });
        }
        let (mut best, mut found) = (None, Vouched::Nobody);
        for (authid, user) in &self.users {
            let weight = user.weight(evidence);
            if weight > best {
                (best, found) = (weight, Vouched::User { authid, user, by });
            } else if weight.is_some() && weight == best {
                found = Vouched::Several;
            }
        }
        found
    }

    /// The names that rules about certificates ask for.
    pub(super) fn certificate_names(&self) -> impl Iterator<Item = &str> {
        let rules = self.users.values().flat_map(|user| &user.rules);
        rules.filter_map(|rule| match rule {
            Rule::Name(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The first user, by name, with a rule about processes.
    #[must_use]
    pub fn local_user(&self) -> Option<&str> {
        self.first_with(|rule| matches!(rule, Rule::Process { .. }))
    }

    /// The first user, by name, with a rule about certificates.
    #[must_use]
    pub fn certified_user(&self) -> Option<&str> {
        self.first_with(|rule| !matches!(rule, Rule::Process { .. }))
    }

    fn first_with(&self, is_such: impl Fn(&Rule) -> bool) -> Option<&str> {
        let such = self.users.iter().filter(|(_, user)| user.rules.iter().any(&is_such));
        such.map(|(authid, _)| authid.as_str()).min()
    }
}

impl User {
    fn weight(&self, evidence: &Evidence) -> Option<u8> {
        self.rules.iter().filter_map(|rule| rule.weight(evidence)).max()
    }
}
