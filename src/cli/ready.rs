//! The one line that `serve` and `join` print.

use std::fs::File;
use std::io::{self, Write};

use super::descriptor;
use super::failure::Failure;
use super::given::Process;
use super::output;
use crate::wamp::Uri;

/// Where it goes.
#[derive(Debug)]
pub enum Destination {
    /// To stdout.
    Stdout,
    /// To stderr: stdout is a child's.
    Stderr,
    /// To a descriptor that is closed then.
    Descriptor(File),
}

impl Destination {
    /// Where it is to go. Must come before anything is opened: a descriptor that was not given must not be found open.
    ///
    /// # Errors
    /// [`Failure::Usage`] when the descriptor is not open.
    pub fn of(process: &Process<'_>) -> Result<Self, Failure> {
        match process.ready {
            Some(number) => match descriptor::take(number) {
                Ok(file) => Ok(Self::Descriptor(file)),
                Err(error) => {
                    Err(Failure::Usage(format!("--ready-fd: expected an open descriptor, got {number}: {error}")))
                }
            },
            None if process.child.is_given() => Ok(Self::Stderr),
            None => Ok(Self::Stdout),
        }
    }

    fn say(self, line: &str) -> Result<(), Failure> {
        match self {
            Self::Stdout => output::line(line),
            Self::Stderr => io::stderr().write_all(format!("{line}\n").as_bytes()).map_err(Failure::Output),
            Self::Descriptor(mut file) => file.write_all(format!("{line}\n").as_bytes()).map_err(Failure::Output),
        }
    }
}

/// What to do when every procedure is registered: says so to whoever started this. `url` is asked then.
pub fn notice(
    destination: Destination,
    url: impl FnOnce() -> String + Send + 'static,
    realm: Uri,
) -> impl FnOnce() + Send + 'static {
    move || match destination.say(&format!("ready {} {realm}", url())) {
        Ok(()) => {}
        // Nobody waits for it.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(failure) => log::warn!("{failure}"),
    }
}
