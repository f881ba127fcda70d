//! Who may reach the Unix sockets that `serve` listens at: names of users and groups become their ids.

use nix::unistd::{Group, User};

use super::failure::Failure;
use crate::transport::unix::Access;

/// With that mode, and given to `USER[:GROUP]` if somebody is named: names, or ids.
///
/// # Errors
/// [`Failure::Usage`] when there is nobody of that name.
pub fn access(mode: u32, owner: Option<&str>) -> Result<Access, Failure> {
    let (user, group) = match owner {
        Some(owner) => owner.split_once(':').map_or((owner, ""), |parts| parts),
        None => ("", ""),
    };
    let owner = id(user, "user", |name| Ok(User::from_name(name)?.map(|user| user.uid.as_raw())))?;
    let group = id(group, "group", |name| Ok(Group::from_name(name)?.map(|group| group.gid.as_raw())))?;
    Ok(Access { mode, owner, group })
}

fn id(name: &str, kind: &str, look_up: impl FnOnce(&str) -> nix::Result<Option<u32>>) -> Result<Option<u32>, Failure> {
    if name.is_empty() {
        return Ok(None);
    }
    if let Ok(id) = name.parse() {
        return Ok(Some(id));
    }
    match look_up(name) {
        Ok(Some(id)) => Ok(Some(id)),
        Ok(None) => Err(Failure::Usage(format!("--socket-owner: expected a {kind} of this machine, got {name:?}"))),
        Err(errno) => Err(Failure::System { what: format!("look the {kind} {name:?} up"), error: errno.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_are_who_they_are() {
        let of = |owner| access(0o660, Some(owner)).map(|Access { owner, group, .. }| (owner, group)).ok();
        assert_eq!(of("root"), Some((Some(0), None)));
        assert_eq!(of("root:7"), Some((Some(0), Some(7))));
        assert_eq!(of(":root"), Some((None, Some(0))));
        assert_eq!(of("no such user"), None);
        assert_eq!(access(0o600, None).ok(), Some(Access::default()));
    }
}
