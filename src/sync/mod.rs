//! What threads share: a mailbox with a bell, the waits for few and for many descriptors, named threads that are joined, the
//! clocks as values.
//!
//! Nothing here knows WAMP, `/proc` or SSH.

pub mod clock;
pub mod epoll;
pub mod mailbox;
pub mod thread;
pub mod ticket;
pub mod wait;
pub mod waker;
