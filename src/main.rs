//! The `wampproc` command.

fn main() {}
