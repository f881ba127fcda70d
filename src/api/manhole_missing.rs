//! The manhole's procedures in a build without it: they are there, and say so.

use super::call::Call;
use super::failure::Failure;

/// What whoever keeps the manhole could be told.
#[derive(Clone, Copy, Debug)]
pub enum Order {}

fn unavailable() -> Failure {
    let sentence = "this program was built without the manhole: build it with the cargo feature \"manhole\"";
    Failure::FeatureUnavailable(sentence.to_owned())
}

pub(super) fn start(_: &Call) -> Result<Order, Failure> {
    Err(unavailable())
}

pub(super) fn stop(_: &Call) -> Result<Order, Failure> {
    Err(unavailable())
}

pub(super) fn get(_: &Call) -> Result<Order, Failure> {
    Err(unavailable())
}
