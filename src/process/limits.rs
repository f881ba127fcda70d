//! The resource limits of a process (proc_pid_limits(5)).

use std::fs;

use serde::{Serialize, Serializer};

use super::error::ProcessError;

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// What is limited, as the kernel names it: `open files`.
    pub name: String,
    /// What holds.
    pub soft: Bound,
    /// How far the process itself may raise it.
    pub hard: Bound,
    /// In what it is counted; `None` for a plain number.
    pub unit: Option<String>,
}

/// How much there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// As much as one likes; written `"unlimited"`.
    Unlimited,
    /// So much.
    AtMost(u64),
}

impl Serialize for Bound {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unlimited => serializer.serialize_str("unlimited"),
            Self::AtMost(count) => serializer.serialize_u64(*count),
        }
    }
}

pub(super) fn read(pid: i32) -> Result<Vec<Limit>, ProcessError> {
    let path = format!("/proc/{pid}/limits");
    let text = fs::read_to_string(&path).map_err(|error| ProcessError::os(format!("read {path}"), &error))?;
    // The first line is a heading.
    text.lines()
        .skip(1)
        .map(limit)
        .collect::<Option<_>>()
        .ok_or(ProcessError::Malformed { file: path, expected: "the lines of proc_pid_limits(5)" })
}

/// `Max open files            1024                 1048576              files     `
fn limit(line: &str) -> Option<Limit> {
    let mut fields = line.split("  ").map(str::trim).filter(|field| !field.is_empty());
    let name = fields.next()?;
    let name = name.strip_prefix("Max ").unwrap_or(name).to_owned();
    Some(Limit {
        name,
        soft: bound(fields.next()?)?,
        hard: bound(fields.next()?)?,
        unit: fields.next().map(str::to_owned),
    })
}

fn bound(text: &str) -> Option<Bound> {
    match text {
        "unlimited" => Some(Bound::Unlimited),
        number => number.parse().ok().map(Bound::AtMost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::resource::{Resource, getrlimit};

    #[test]
    fn ours_are_what_getrlimit_says() {
        let limits = read(i32::try_from(std::process::id()).unwrap()).unwrap();
        let files = limits.iter().find(|limit| limit.name == "open files").unwrap();
        // `rlim_t` is 32 bits wide on some targets.
        #[allow(clippy::useless_conversion)]
        let as_bound = |limit| Bound::AtMost(u64::from(limit));
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!((files.soft, files.hard), (as_bound(soft), as_bound(hard)));
        assert_eq!(files.unit.as_deref(), Some("files"));
        assert!(limits.iter().any(|limit| limit.name == "nice priority" && limit.unit.is_none()));
    }

    #[test]
    fn a_line_that_is_none_is_no_limit() {
        assert_eq!(limit("Max x  1"), None);
        assert_eq!(limit("Max x  1  many"), None);
    }
}
