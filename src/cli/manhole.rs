//! What `serve` and `join` are told about the manhole.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::failure::Failure;
use super::secret::{Readers, check_readers};
use crate::agent::AgentBuilder;
use crate::manhole::Config;

/// The target of log records about what the manhole's users do, if there can be any.
pub const USERS_LOG: Option<&str> = Some(crate::manhole::USERS_LOG);

/// The longest configuration that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// What the flags say.
#[derive(Debug, Default)]
pub struct Manhole {
    /// Until it is handed on: then only hashes of its passwords are kept.
    given: RefCell<Option<Given>>,
    /// Who else may be able to read the passwords.
    readers: Readers,
    state_directory: Option<PathBuf>,
}

#[derive(Debug)]
struct Given {
    config: Config,
    name: String,
    /// Where it was read, when there are passwords in it.
    secret: Option<File>,
}

impl Manhole {
    /// Reads the configuration of a manhole.
    ///
    /// # Errors
    /// What was expected, when the file cannot be read or is no such configuration.
    pub fn set_config(&mut self, path: &OsStr) -> Result<(), String> {
        let path = Path::new(path);
        let name = path.display().to_string();
        let failed = |error: std::io::Error| format!("cannot read {name}: {error}");
        let source = File::open(path).map_err(failed)?;
        // It is wiped, as far as that is in our hands: the JSON reader's strings are not.
        let mut text = Zeroizing::new(String::new());
        if (&source).take(LONGEST + 1).read_to_string(&mut text).map_err(failed)? as u64 > LONGEST {
            return Err(format!("expected at most {LONGEST} bytes, got more in {name}"));
        }
        let json = serde_json::from_str(&text).map_err(|error| {
            // Where, and not what: there may be passwords.
            let (line, column) = (error.line(), error.column());
            format!("expected JSON in {name}, got something else at line {line}, column {column}")
        })?;
        let config = Config::parse(&json).map_err(|error| format!("{name}: {error}"))?;
        let has_password = config.users.iter().any(|user| user.password.is_some());
        *self.given.get_mut() = Some(Given { config, name, secret: has_password.then_some(source) });
        Ok(())
    }

    /// Stores where the host key is kept.
    ///
    /// # Errors
    /// When nothing is named.
    pub fn set_state_directory(&mut self, path: &OsStr) -> Result<(), String> {
        if path.is_empty() {
            return Err("expected a directory, got nothing".to_owned());
        }
        self.state_directory = Some(path.into());
        Ok(())
    }

    /// Lets others read the passwords.
    pub const fn allow_readers(&mut self) {
        self.readers = Readers::Anybody;
    }

    /// Tells the builder, once.
    ///
    /// # Errors
    /// [`Failure::Usage`] when others than their owner can read the passwords.
    pub fn configure(&self, mut builder: AgentBuilder) -> Result<AgentBuilder, Failure> {
        builder = builder.log_feed(super::logger::feed());
        if let Some(directory) = &self.state_directory {
            builder = builder.state_directory(directory);
        }
        if let Some(Given { config, name, secret }) = self.given.take() {
            if let Some(file) = secret {
                check_readers(&file, &name, self.readers)?;
            }
            builder = builder.manhole(config);
        }
        Ok(builder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_without_what_stands_there() {
        let path = std::env::temp_dir().join(format!("wampproc-manhole-{}.json", std::process::id()));
        let mut manhole = Manhole::default();
        assert!(manhole.set_config(path.as_os_str()).unwrap_err().starts_with("cannot read "));
        for (text, expected) in [
            ("{\"users\": [hunter2", "expected JSON in "),
            ("{}", "endpoint: expected a value, got none"),
            ("{\"endpoint\": {\"type\": \"tcp\", \"port\": 0}, \"users\": []}", "users: expected 1 to 64 users, got 0"),
        ] {
            std::fs::write(&path, text).unwrap();
            let sentence = manhole.set_config(path.as_os_str()).unwrap_err();
            assert!(sentence.contains(expected) && !sentence.contains("hunter2"), "{sentence}");
        }
        let text = r#"{"endpoint": {"type": "tcp", "port": 0}, "users": [{"user": "joe", "password": "hunter2"}]}"#;
        std::fs::write(&path, text).unwrap();
        manhole.set_config(path.as_os_str()).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!format!("{manhole:?}").contains("hunter2"), "not in any debug text either");
        assert!(manhole.set_state_directory(OsStr::new("")).is_err());
    }
}
