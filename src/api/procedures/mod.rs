//! The table of built-in procedures: an entry each, and the function that the entry names, in a file for each subject.

mod capabilities;
mod child;
mod cpu;
mod history;
mod inspect;
mod link;
mod manhole;
mod statistics;
mod system;
mod time;
mod watch;

use super::arguments::Param;
use super::failure::Failure;
use super::outcome::Outcome;
use super::procedure::{Handler, Procedure};

/// An entry of the table.
struct Entry {
    name: &'static str,
    params: Vec<Param>,
    result: &'static str,
    doc: &'static str,
    handler: Handler,
}

/// What an entry's function makes of a call.
type Answer = Result<Outcome, Failure>;

/// The tables, in the order of the documentation.
const TABLES: [fn() -> Vec<Entry>; 11] = [
    cpu::entries,
    statistics::entries,
    watch::entries,
    child::entries,
    manhole::entries,
    time::entries,
    inspect::entries,
    history::entries,
    system::entries,
    link::entries,
    capabilities::entries,
];

/// The built-in procedures, in the order of the documentation.
pub(super) fn builtin() -> Vec<Procedure> {
    let procedure = |Entry { name, params, result, doc, handler }| Procedure {
        name: name.into(),
        params,
        result: result.into(),
        doc: doc.into(),
        handler,
    };
    TABLES.iter().flat_map(|entries| entries()).map(procedure).collect()
}
