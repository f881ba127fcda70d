//! Where a secret comes from: a file, the environment, a descriptor; never the command line, which everybody on the machine can
//! see.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::descriptor;
use super::failure::Failure;
use crate::wamp::auth::Secret;

/// The longest secret, in bytes.
const LONGEST: u64 = 16 * 1024;

/// A place for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A variable of the environment.
    Environment(OsString),
    /// An open descriptor.
    Descriptor(i32),
}

/// Who else may be able to read a file of secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readers {
    /// Nobody.
    #[default]
    OwnerAlone,
    /// Whoever can.
    Anybody,
}

impl Source {
    /// The secret: the text without the end of its last line.
    ///
    /// # Errors
    /// [`Failure::Input`] when it cannot be read; [`Failure::Usage`] when it is empty, too long or no text, or others can read
    /// the file.
    pub fn read(&self, readers: Readers) -> Result<Secret, Failure> {
        let (name, text) = match self {
            Self::File(path) => {
                let name = path.display().to_string();
                let failed = |error| Failure::Input { name: name.clone(), error }.of_flag("--secret-file");
                let file = File::open(path).map_err(failed)?;
                check_readers(&file, &name, readers)?;
                let text = text_of(&name, file)?;
                (name, text)
            }
            Self::Descriptor(number) => {
                let name = format!("descriptor {number}");
                let file = descriptor::take(*number).map_err(|error| Failure::Input { name: name.clone(), error })?;
                let text = text_of(&name, file)?;
                (name, text)
            }
            Self::Environment(variable) => {
                let name = format!("the environment variable {}", variable.to_string_lossy());
                let value = env::var_os(variable)
                    .ok_or_else(|| Failure::Usage(format!("expected a secret in {name}, got none, it is not set")))?;
                let text = value.into_string().map_err(|_| no_text(&name))?;
                (name, Secret::new(text))
            }
        };
        first_line_end_cut(&name, &text)
    }
}

/// Whether others than its owner can read a file; a pipe has no others.
///
/// # Errors
/// [`Failure::Usage`] when they can, and may not.
pub fn check_readers(file: &File, name: &str, readers: Readers) -> Result<(), Failure> {
    let metadata = file.metadata().map_err(|error| Failure::Input { name: name.to_owned(), error })?;
    if readers == Readers::Anybody || !metadata.is_file() || metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    let mode = metadata.mode() & 0o7777;
    Err(Failure::Usage(format!(
        "expected a file that nobody but its owner can read, got {name} with mode {mode:o} (chmod 600 {name}, or \
         --insecure-permissions)"
    )))
}

/// All that there is to read.
///
/// # Errors
/// As [`Source::read`].
pub fn text_of(name: &str, source: impl Read) -> Result<Secret, Failure> {
    let mut bytes = Vec::with_capacity(usize::try_from(LONGEST).unwrap_or_default() + 1);
    let length = source
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error: io::Error| Failure::Input { name: name.to_owned(), error })?;
    if length as u64 > LONGEST {
        return Err(Failure::Usage(format!("expected a secret of at most {LONGEST} bytes in {name}, got more")));
    }
    String::from_utf8(bytes).map(Secret::new).map_err(|_| no_text(name))
}

fn no_text(name: &str) -> Failure {
    Failure::Usage(format!("expected a secret in UTF-8 in {name}, got other bytes"))
}

fn first_line_end_cut(name: &str, text: &Secret) -> Result<Secret, Failure> {
    let text = text.expose();
    let text = text.strip_suffix('\n').unwrap_or(text);
    match text.strip_suffix('\r').unwrap_or(text) {
        "" => Err(Failure::Usage(format!("expected a secret in {name}, got nothing"))),
        text => Ok(Secret::new(text.to_owned())),
    }
}
