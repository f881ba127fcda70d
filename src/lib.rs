//! Puts a Linux process on a WAMP bus.

pub mod agent;
pub mod api;
pub mod link;
pub mod process;
pub mod router;
pub mod sampler;
pub mod sync;
pub mod transport;
pub mod wamp;
