//! The names of users and groups of this machine in a file of users: their numbers (getpwnam(3), getgrnam(3)).

use std::collections::{BTreeMap, BTreeSet};

use nix::unistd::{Group, User};

use crate::cli::failure::Failure;
use crate::router::users::{Accounts, UsersFile};

/// Looks up whom the file names. Who is not found is missing in what is given back.
///
/// # Errors
/// [`Failure::System`] when the machine cannot tell now.
pub fn resolve(file: &UsersFile) -> Result<Accounts, Failure> {
    let (users, groups) = file.accounts();
    Ok(Accounts {
        users: numbers(users, "user", |name| Ok(User::from_name(name)?.map(|user| user.uid.as_raw())))?,
        groups: numbers(groups, "group", |name| Ok(Group::from_name(name)?.map(|group| group.gid.as_raw())))?,
    })
}

fn numbers(
    names: BTreeSet<&str>,
    kind: &str,
    look_up: impl Fn(&str) -> nix::Result<Option<u32>>,
) -> Result<BTreeMap<String, u32>, Failure> {
    let mut numbers = BTreeMap::new();
    for name in names {
        let found = look_up(name)
            .map_err(|errno| Failure::System { what: format!("look the {kind} {name:?} up"), error: errno.into() })?;
        numbers.extend(found.map(|number| (name.to_owned(), number)));
    }
    Ok(numbers)
}
