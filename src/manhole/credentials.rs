//! Who may log in, and with what.
//!
//! # Security decisions
//! - A password is forgotten once it is hashed (PBKDF2 with HMAC-SHA-256, a salt for each). The hashes stay in memory only, so
//!   their cost is that of a guess over the network, not of a stolen file: [`ROUNDS`] are about 60 ms on a small ARM board.
//! - An unknown user costs as much as a known one: the hash of a password that nobody has is compared then. Hashes are compared
//!   in constant time.
//! - A file of keys is read at every login, so that a key that was taken out of it is out at once. It counts only if nobody
//!   but its owner can write to it, and the owner is we or root.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::unistd::geteuid;
use rand_core::Rng;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::config::{AuthorizedKeys, ConfigError, MAX_KEYS, User};
use crate::ssh::PublicKey;

/// Rounds of PBKDF2.
const ROUNDS: u32 = 20_000;

/// The longest file of keys that is read, in bytes.
const LONGEST_FILE: u64 = 256 * 1024;

/// The users of a manhole.
pub struct Users {
    users: Vec<Known>,
    /// What passwords of nobody are compared with.
    nobody: Hashed,
}

struct Known {
    name: String,
    password: Option<Hashed>,
    keys: Option<AuthorizedKeys>,
}

struct Hashed {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Hashed {
    fn new(password: &str, rng: &mut impl Rng) -> Self {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        Self { salt, hash: hash(password, &salt) }
    }

    fn holds(&self, password: &str) -> bool {
        hash(password, &self.salt).ct_eq(&self.hash).into()
    }
}

fn hash(password: &str, salt: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, ROUNDS, &mut hash);
    hash
}

impl Users {
    /// The users of a configuration, whose passwords are hashed: that takes a while for each. The files of keys are read once,
    /// to see whether they can be.
    ///
    /// # Errors
    /// [`ConfigError`] when a file of keys cannot be read, or what is in it is no key.
    pub fn new(users: Vec<User>, rng: &mut impl Rng) -> Result<Self, ConfigError> {
        // No password has this hash.
        let mut nobody = Hashed { salt: [0; 16], hash: [0; 32] };
        rng.fill_bytes(&mut nobody.salt);
        rng.fill_bytes(&mut nobody.hash);
        let mut known = Vec::with_capacity(users.len());
        for (user, number) in users.into_iter().zip(0_usize..) {
            if let Some(AuthorizedKeys::File(path)) = &user.authorized_keys {
                let key = || format!("users[{number}].authorized_keys.file");
                let lines = read_keys(path).map_err(|error| {
                    ConfigError::new(key(), format!("expected a file of keys, got {}: {error}", path.display()))
                })?;
                if let Some(sentence) = lines.into_iter().find_map(Result::err) {
                    return Err(ConfigError::new(key(), sentence));
                }
            }
            let password = user.password.map(|password| Hashed::new(password.expose(), rng));
            known.push(Known { name: user.name, password, keys: user.authorized_keys });
        }
        Ok(Self { users: known, nobody })
    }

    fn find(&self, name: &str) -> Option<&Known> {
        self.users.iter().find(|user| user.name == name)
    }

    /// Whether this is the user's password. Takes as long for a user that there is not.
    #[must_use]
    pub fn password_holds(&self, name: &str, password: &str) -> bool {
        let hashed = self.find(name).and_then(|user| user.password.as_ref());
        hashed.unwrap_or(&self.nobody).holds(password)
    }

    /// Whether this is one of the user's keys.
    #[must_use]
    pub fn key_holds(&self, name: &str, key: &PublicKey) -> bool {
        match self.find(name).and_then(|user| user.keys.as_ref()) {
            None => false,
            Some(AuthorizedKeys::Listed(keys)) => keys.iter().any(|(_, known)| known == key),
            Some(AuthorizedKeys::File(path)) => match read_keys(path) {
                Ok(lines) => lines.into_iter().any(|line| match line {
                    Ok(known) => known == *key,
                    Err(sentence) => {
                        log::warn!("{}: {sentence}", path.display());
                        false
                    }
                }),
                Err(error) => {
                    log::warn!("nobody can log in by the keys of {}: {error}", path.display());
                    false
                }
            },
        }
    }
}

/// The keys of a file, or what is wrong with a line; never what stands in it.
fn read_keys(path: &Path) -> io::Result<Vec<Result<PublicKey, String>>> {
    // Opening a pipe that nobody writes to would wait.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("others than its owner may write to it (chmod go-w)"));
    }
    if metadata.uid() != 0 && metadata.uid() != geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    let mut text = String::new();
    if file.take(LONGEST_FILE + 1).read_to_string(&mut text)? as u64 > LONGEST_FILE {
        return Err(io::Error::other(format!("it is longer than {LONGEST_FILE} bytes")));
    }
    let lines =
        text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let keys =
        lines.map(|(line, number)| PublicKey::from_openssh(line).map_err(|error| format!("line {number}: {error}")));
    Ok(keys.take(MAX_KEYS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manhole::config::Config;
    use crate::manhole::random;
    use serde_json::{Value, json};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL5VZEYsif+Ozs4Sr8EKtm8kfpjeQI/aUG+HyRoNeT21 joe@board";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBVK4bixjtsBsbWmL0nfN6nrA4GKtCLsP57ZiA0wMVjY x";

    fn users(users: &Value) -> Result<Users, String> {
        let config = json!({"endpoint": {"type": "tcp", "port": 0}, "users": users});
        Users::new(Config::parse(&config).unwrap().users, &mut random()).map_err(|error| error.to_string())
    }

    #[test]
    fn passwords_and_keys_of_the_user_and_nobody_else() {
        let users = users(&json!([
            {"user": "joe", "password": "correct horse"},
            {"user": "ann", "authorized_keys": [KEY]},
        ]))
        .unwrap();
        for (name, password, holds) in [
            ("joe", "correct horse", true),
            ("joe", "correct hors", false),
            ("joe", "", false),
            ("ann", "", false),
            ("ann", "correct horse", false),
            ("bob", "correct horse", false),
            ("", "", false),
        ] {
            assert_eq!(users.password_holds(name, password), holds, "{name} {password}");
        }
        let (key, other) = (PublicKey::from_openssh(KEY).unwrap(), PublicKey::from_openssh(OTHER).unwrap());
        assert!(users.key_holds("ann", &key));
        assert!(!users.key_holds("ann", &other) && !users.key_holds("joe", &key) && !users.key_holds("bob", &key));
    }

    #[test]
    fn a_file_of_keys_is_read_at_every_login_if_only_its_owner_can_write_to_it() {
        let path = std::env::temp_dir().join(format!("wampproc-keys-{}", std::process::id()));
        let entry = json!([{"user": "ann", "authorized_keys": {"file": path}}]);
        assert!(
            users(&entry).err().unwrap().starts_with("users[0].authorized_keys.file: expected a file of keys, got ")
        );
        fs::write(&path, format!("# comment\n\n{KEY}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let users_now = users(&entry).unwrap();
        let (key, other) = (PublicKey::from_openssh(KEY).unwrap(), PublicKey::from_openssh(OTHER).unwrap());
        assert!(users_now.key_holds("ann", &key) && !users_now.key_holds("ann", &other));
        fs::write(&path, format!("rubbish\n{OTHER}\n")).unwrap();
        assert!(users_now.key_holds("ann", &other) && !users_now.key_holds("ann", &key), "as the file is now");
        let sentence = users(&entry).err().unwrap();
        assert!(sentence.contains("line 1: expected") && !sentence.contains("rubbish"), "{sentence}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(!users_now.key_holds("ann", &other), "anybody may have written it");
        fs::remove_file(&path).unwrap();
        assert!(!users_now.key_holds("ann", &other));
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(!users_now.key_holds("ann", &other), "and a pipe does not hold it up");
        fs::remove_file(&path).unwrap();
    }
}
