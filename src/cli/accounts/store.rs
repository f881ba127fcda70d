//! The file of users: read, and written so that there is never half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::secret::{Readers, check_readers};
use crate::router::users::UsersFile;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// Reads a file.
///
/// # Errors
/// [`Failure::Input`] when it cannot be read; [`Failure::Usage`] when others can read it too, or it is none of users.
pub fn read(path: &Path, readers: Readers) -> Result<UsersFile, Failure> {
    let name = path.display().to_string();
    let failed = |error| Failure::Input { name: name.clone(), error };
    let file = File::open(path).map_err(failed)?;
    check_readers(&file, &name, readers)?;
    let mut text = String::new();
    if file.take(LONGEST + 1).read_to_string(&mut text).map_err(failed)? as u64 > LONGEST {
        return Err(Failure::Usage(format!("expected at most {LONGEST} bytes, got more in {name}")));
    }
    UsersFile::parse(&text).map_err(|error| Failure::Usage(format!("{name}: {error}")))
}

/// Reads a file, or an empty one if there is none.
///
/// # Errors
/// As [`read`].
pub fn read_or_new(path: &Path) -> Result<UsersFile, Failure> {
    match read(path, Readers::OwnerAlone) {
        Err(Failure::Input { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(UsersFile::default()),
        other => other,
    }
}

/// Puts a file in the place of the one that is there, readable for its owner alone, who stays who it is: root may make entries
/// for a router that is not root's. A link stays one.
///
/// # Errors
/// [`Failure::Usage`] when it would be too long to be read; [`Failure::System`]. What was there is still there then.
pub fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    if text.len() as u64 > LONGEST {
        let (name, got) = (path.display(), text.len());
        return Err(Failure::Usage(format!("expected at most {LONGEST} bytes, {name} would have {got}")));
    }
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let unnamed = beside(&place);
    // What an earlier process of this id may have left behind.
    let _ = fs::remove_file(&unnamed);
    let written = create(&unnamed, text).and_then(|()| keep_owner(&place, &unnamed));
    let written = written.and_then(|()| fs::rename(&unnamed, &place));
    if written.is_err() {
        let _ = fs::remove_file(&unnamed);
    }
    written.map_err(|error| Failure::System { what: format!("write {}", path.display()), error })
}

/// Makes a file that is not there yet, readable for its owner alone.
///
/// # Errors
/// When it is there, or cannot be made; then there is no half of it either.
pub fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// Gives a new file to the owner of the one that it will replace, if there is one.
fn keep_owner(old: &Path, new: &Path) -> io::Result<()> {
    let (Ok(old), made) = (fs::metadata(old), fs::metadata(new)?) else { return Ok(()) };
    if (old.uid(), old.gid()) == (made.uid(), made.gid()) {
        return Ok(());
    }
    chown(new, Some(old.uid()), Some(old.gid()))
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}
