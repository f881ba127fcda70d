//! The environment that a process was started with, secrets masked.
//!
//! Read by hand: the `procfs` crate reads without bound, and loses the order and what is there twice.

use std::fs::File;
use std::io::Read;

use serde::Serialize;

use super::error::ProcessError;

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value, `MASK` in the place of what looks like a secret. Bytes that are not UTF-8 are replaced.
    pub value: String,
}

/// What is shown of a secret.
pub const MASK: &str = "********";

/// Parts of names, in upper case, whose values are secrets.
const SECRETS: [&str; 10] =
    ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH", "PRIVATE", "COOKIE", "SIGNATURE", "DSN"];

/// The most that is read, in bytes; the kernel allows much more.
const MOST: u64 = 256 * 1024;

/// Reads the environment (proc_pid_environ(5)): what the process was started with, not what it set since.
pub(super) fn read(pid: i32) -> Result<Vec<Variable>, ProcessError> {
    let path = format!("/proc/{pid}/environ");
    let mut text = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(MOST).read_to_end(&mut text));
    read.map_err(|error| ProcessError::os(format!("read {path}"), &error))?;
    Ok(variables(&text))
}

fn variables(text: &[u8]) -> Vec<Variable> {
    let entries = text.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let entry = String::from_utf8_lossy(entry);
            let (name, value) = entry.split_once('=').unwrap_or((&entry, ""));
            Variable { name: name.to_owned(), value: masked(name, value) }
        })
        .collect()
}

fn masked(name: &str, value: &str) -> String {
    let upper = name.to_ascii_uppercase();
    // The path to an agent's socket is no secret, and worth seeing.
    if SECRETS.iter().any(|part| upper.contains(part)) && upper != "SSH_AUTH_SOCK" && !value.is_empty() {
        return MASK.to_owned();
    }
    without_logins(value)
}

/// A value without the `user:password` of the URLs in it.
fn without_logins(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let authority = after.split(['/', '?', '#', ' ', ',', '"', '\'']).next().unwrap_or_default();
        rest = match authority.rfind('@') {
            Some(at) => {
                shown.push_str(MASK);
                after.get(at..).unwrap_or_default()
            }
            None => after,
        };
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_by_name_and_in_urls() {
        let text = b"PATH=/bin\0DB_PASSWORD=x\0github_token=y\0EMPTY_KEY=\0SSH_AUTH_SOCK=/run/a\0\
            DB=postgres://joe:pa@ss@db/x?y@z http://h/@a\0URL=ws://h:8080/ws\0ODD\0A=B=C\0";
        let shown: Vec<String> = variables(text).into_iter().map(|v| format!("{}={}", v.name, v.value)).collect();
        assert_eq!(
            shown,
            [
                "PATH=/bin",
                "DB_PASSWORD=********",
                "github_token=********",
                "EMPTY_KEY=",
                "SSH_AUTH_SOCK=/run/a",
                "DB=postgres://********@db/x?y@z http://h/@a",
                "URL=ws://h:8080/ws",
                "ODD=",
                "A=B=C"
            ]
        );
    }

    #[test]
    fn our_own_is_there() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(read(pid).unwrap().iter().any(|variable| variable.name == "PATH"));
        assert!(read(-1).is_err());
    }
}
