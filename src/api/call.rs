//! One call, as a procedure sees it.

use std::sync::Arc;

use super::arguments::Arguments;
use super::host::Host;
use crate::wamp::options::Caller;

/// What a procedure's function is given.
#[derive(Debug)]
pub(super) struct Call {
    pub host: Arc<Host>,
    pub arguments: Arguments,
    pub caller: Caller,
}
