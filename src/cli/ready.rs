//! The one line that `serve` and `join` print.

use std::io;

use super::failure::Failure;
use super::output;
use crate::wamp::Uri;

/// What to do when every procedure is registered: says so to whoever started this. `url` is asked then.
pub fn notice(url: impl FnOnce() -> String + Send + 'static, realm: Uri) -> impl FnOnce() + Send + 'static {
    move || match output::line(&format!("ready {} {realm}", url())) {
        Ok(()) => {}
        // Nobody waits for it.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(failure) => log::warn!("{failure}"),
    }
}
