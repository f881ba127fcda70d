//! Watches: rules about the metrics of a tick and about the machine's pressure, and what is told when one is raised or cleared.
//!
//! A watch stands on `clear` until its metric goes beyond the threshold, is `pending` until it has stayed there for as long as
//! the rule says, and `raised` until the value comes back to where it clears. Between two ticks a condition is taken to hold;
//! a value that is not known raises nothing and clears nothing. Everything is counted by the monotonic clock.
//!
//! The ticks are those of the history; without one there are ticks of the same interval as long as a watch needs them, and
//! none otherwise. Pressure (*PSI*) is told by the kernel, on a thread that runs only while there is a watch on it. It tells
//! that the threshold was exceeded in the last 2 s; a watch on it is cleared after three such windows without a word.
//!
//! Watches are configuration: they outlive sessions. What is raised is told anew when a session begins, and so is what was
//! cleared since the last one did. When the target ends, what its values had raised is cleared.

mod change;
mod lookout;
mod metric;
mod number;
mod pressure;
mod rule;
mod set;
mod state;
#[cfg(test)]
mod tests;

pub use change::{Clearing, Reason, WatchChange, WatchReport, WatchState};
pub use lookout::Lookout;
pub use metric::{METRICS, Metric};
pub use rule::{LONGEST_HOLD, Rule, RuleError, Threshold};
pub use set::{LONGEST_NAME, MOST_WATCHES, WatchError, watch_name};
