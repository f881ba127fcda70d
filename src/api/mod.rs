//! The management API: which procedures there are, what they take, who answers them, and what events they cause. The only
//! place that turns what callers send into the domain's terms and back.
//!
//! A procedure is one entry in the table of `procedures` and one function; an event one in that of [`topics`]. Everything else follows
//! from the tables: registration, `wampproc procedures`, the README's tables.

pub mod arguments;
mod call;
pub mod child;
pub mod failure;
pub mod garbage;
pub mod host;
#[cfg_attr(not(feature = "manhole"), path = "manhole_missing.rs")]
pub mod manhole;
pub mod names;
pub mod outcome;
pub mod procedure;
mod procedures;
mod table;
pub mod topics;

pub use arguments::{Arguments, Kind, Param};
pub use failure::Failure;
pub use host::Host;
pub use names::{Names, Role};
pub use outcome::Outcome;
pub use procedure::{Procedure, Step};
pub use table::Api;
pub use topics::Topic;
