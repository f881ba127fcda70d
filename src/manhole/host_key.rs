//! Where the host key comes from: a file of the state directory, made at first use, or this process's memory.
//!
//! # Security decisions
//! - The file is made with mode 0600 under a name of its own, written to the disk and only then given its name, so that there
//!   is never half a key; if two processes make one at once, both use the one that was there first.
//! - A file that others can read is refused, as OpenSSH does: a key that others have proves nothing.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::ssh::{HostKey, KeyError};

/// The key's name in the state directory.
const FILE: &str = "ssh_host_ed25519_key";

/// The longest key file that is read, in bytes.
const LONGEST: u64 = 16 * 1024;

/// The source of a process's host key. Clones have the same key.
#[derive(Clone, Debug, Default)]
pub struct HostKeySource {
    directory: Option<PathBuf>,
    /// The key without a directory, in OpenSSH's format.
    kept: Arc<OnceLock<Zeroizing<String>>>,
}

/// Why there is no host key. Its `Display` is a sentence that names the file.
#[derive(Debug)]
pub enum HostKeyError {
    /// The file cannot be read or made.
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What is in the file is no key for this.
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        error: KeyError,
    },
}

impl fmt::Display for HostKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, error } => write!(f, "the host key {}: {error}", path.display()),
            Self::Key { path, error } => write!(f, "the host key {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for HostKeyError {}

impl HostKeySource {
    /// A key in this directory, which is made if it is not there; without one, a key that is forgotten with the process.
    #[must_use]
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self { directory, kept: Arc::default() }
    }

    /// The key, made at first use.
    ///
    /// # Errors
    /// `HostKeyError`; nothing was changed.
    pub fn get(&self, rng: &mut dyn CryptoRng) -> Result<HostKey, HostKeyError> {
        match &self.directory {
            Some(directory) => in_directory(directory, rng),
            None => {
                let in_memory = |error| HostKeyError::Key { path: PathBuf::from("in memory"), error };
                let text = match self.kept.get() {
                    Some(text) => text,
                    None => {
                        let text = HostKey::generate(rng).to_openssh();
                        self.kept.get_or_init(|| text)
                    }
                };
                HostKey::from_openssh(text).map_err(in_memory)
            }
        }
    }
}

fn in_directory(directory: &Path, rng: &mut dyn CryptoRng) -> Result<HostKey, HostKeyError> {
    let path = directory.join(FILE);
    let failed = |error| HostKeyError::File { path: path.clone(), error };
    let text = match read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let new = HostKey::generate(rng).to_openssh();
            make(directory, &path, &new).map_err(failed)?;
            log::info!("a new host key is in {}", path.display());
            read(&path).map_err(failed)?
        }
        Err(error) => return Err(failed(error)),
    };
    HostKey::from_openssh(&text).map_err(|error| HostKeyError::Key { path, error })
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(io::Error::other("others than its owner can get at it (chmod 600)"));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Makes the file, unless it is there by now.
fn make(directory: &Path, path: &Path, text: &str) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let unnamed = directory.join(format!(".{FILE}.{}", std::process::id()));
    let written = write(&unnamed, text).and_then(|()| match fs::hard_link(&unnamed, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without links.
        Err(_) => fs::rename(&unnamed, path),
        Ok(()) => Ok(()),
    });
    // After a rename it is gone already.
    let _ = fs::remove_file(&unnamed);
    written?;
    File::open(directory)?.sync_all()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    // What an earlier process of this id may have left behind.
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manhole::random;
    use std::os::unix::fs::PermissionsExt;

    fn fingerprint(source: &HostKeySource) -> Result<String, String> {
        source.get(&mut random()).map(|key| key.fingerprint()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_in_memory_is_one_for_all_clones() {
        let source = HostKeySource::new(None);
        assert_eq!(fingerprint(&source), fingerprint(&source.clone()));
        assert_ne!(fingerprint(&source), fingerprint(&HostKeySource::new(None)));
    }

    #[test]
    fn a_key_in_a_directory_is_made_once_and_for_its_owner_alone() {
        let directory = std::env::temp_dir().join(format!("wampproc-state-{}/deep", std::process::id()));
        let source = HostKeySource::new(Some(directory.clone()));
        let made = fingerprint(&source).unwrap();
        assert_eq!(fingerprint(&HostKeySource::new(Some(directory.clone()))), Ok(made));
        let path = directory.join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing else is left there");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(fingerprint(&source).unwrap_err().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "rubbish").unwrap();
        assert!(fingerprint(&source).unwrap_err().contains("expected a private key in OpenSSH's format"));
        assert_eq!(fs::read(&path).unwrap(), b"rubbish", "what is there is never replaced");
        fs::remove_dir_all(directory.parent().unwrap()).unwrap();
    }

    #[test]
    fn of_two_that_make_one_at_once_both_have_the_first() {
        let directory = std::env::temp_dir().join(format!("wampproc-state2-{}", std::process::id()));
        let path = directory.join(FILE);
        make(&directory, &path, "first").unwrap();
        make(&directory, &path, "second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        fs::remove_dir_all(directory).unwrap();
    }
}
