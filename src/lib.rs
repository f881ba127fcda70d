//! Puts a Linux process on a WAMP bus: Crossbar.io's native-process management API (process info, statistics, monitor, CPU
//! affinity, garbage collection, times) over a WebSocket to any WAMP router, or with a small router of its own. Threads, no
//! async runtime.
//!
//! The binary `wampproc` is the usual way to use it. A Rust program can also be a native process itself:
//!
//! ```
//! use serde_json::json;
//! use wampproc::Agent;
//! use wampproc::api::{Failure, Kind, Param, Procedure};
//! use wampproc::server::{Server, ServerConfig};
//! use wampproc::transport::memory;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A router of our own on a free port; with a router elsewhere it is `Agent::builder("ws://host/ws".parse()?)`.
//! let (here, there) = memory::pair()?;
//! let server = Server::start(ServerConfig::new("127.0.0.1:0".parse()?), vec![there])?;
//!
//! let (ready, is_ready) = std::sync::mpsc::channel();
//! let agent = Agent::embedded(here)
//!     .worker("pump")
//!     .procedure(Procedure::custom(
//!         "set_speed",
//!         vec![Param::required("rpm", Kind::Int)],
//!         "Sets the speed of the pump, in revolutions per minute.",
//!         Box::new(|arguments| match arguments.value(0).as_u64() {
//!             Some(rpm) if rpm <= 3000 => Ok(json!({ "rpm": rpm })),
//!             _ => Err(Failure::InvalidArgument("rpm: expected 0 to 3000".to_owned())),
//!         }),
//!     ))
//!     .on_ready(move || ready.send(()).unwrap_or_default())
//!     .build()?;
//! let publisher = agent.publisher();
//! let running = agent.spawn()?;
//! if is_ready.recv().is_err() {
//!     // It has ended already, and this is why.
//!     return running.stop().map_err(Into::into);
//! }
//!
//! // From any thread: crossbar.worker.pump.on_speed_changed, and under the node's prefix too.
//! publisher.publish("on_speed_changed", &json!({ "rpm": 1500 }))?;
//! println!("wampproc call --url {} crossbar.worker.pump.set_speed 1500", server.url());
//!
//! running.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! How it is made inside: [`architecture`].

pub mod agent;
pub mod api;
pub mod cli;
pub mod link;
#[cfg(feature = "manhole")]
pub mod manhole;
pub mod process;
pub mod router;
pub mod sampler;
pub mod server;
#[cfg(feature = "manhole")]
pub mod ssh;
pub mod supervisor;
pub mod sync;
pub mod terminal;
pub mod transport;
pub mod wamp;

#[doc = include_str!("ARCHITECTURE.md")]
pub mod architecture {}

pub use agent::{Agent, AgentBuilder, AgentError};

/// The README's example is a test too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
