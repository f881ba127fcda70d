//! A server and a client back to back, without sockets: what each state allows, and what it refuses.

pub(super) mod rng;
