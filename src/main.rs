//! The `wampproc` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    wampproc::process::memory::use_one_arena();
    ExitCode::from(wampproc::cli::run(std::env::args_os().skip(1)).code())
}
