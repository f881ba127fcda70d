//! Pressure stall information, from `/proc/pressure` (the kernel's Documentation/accounting/psi.rst).

use serde::Serialize;

use super::hundredths;

/// How much tasks stalled, by what they wanted; `None` where the kernel does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pressure {
    /// A CPU.
    pub cpu: Option<Stalls>,
    /// Memory.
    pub memory: Option<Stalls>,
    /// Input or output.
    pub io: Option<Stalls>,
}

/// Stalls of some tasks, and of all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stalls {
    /// At least one task stalled.
    pub some: Stall,
    /// All that were not idle did; `None` for a CPU before Linux 5.13.
    pub full: Option<Stall>,
}

/// A share of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stall {
    /// Percent of the last 10 s, two decimals.
    pub avg10: f64,
    /// Percent of the last 60 s, two decimals.
    pub avg60: f64,
    /// Percent of the last 300 s, two decimals.
    pub avg300: f64,
    /// Seconds since boot, µs precise.
    pub total: f64,
}

pub(super) const DIRECTORY: &str = "/proc/pressure";
pub(super) const CPU: &str = "/proc/pressure/cpu";
pub(super) const MEMORY: &str = "/proc/pressure/memory";
pub(super) const IO: &str = "/proc/pressure/io";

pub(super) fn read() -> Option<Pressure> {
    let stalls = |path| super::text(path).and_then(|text| parse(&text));
    let seen = Pressure { cpu: stalls(CPU), memory: stalls(MEMORY), io: stalls(IO) };
    (seen.cpu.is_some() || seen.memory.is_some() || seen.io.is_some()).then_some(seen)
}

pub(super) fn parse(text: &str) -> Option<Stalls> {
    // Line by line: the crate's own way wants both.
    let mut lines = text.lines();
    Some(Stalls { some: stall(lines.next()?, "some")?, full: lines.next().and_then(|line| stall(line, "full")) })
}

fn stall(line: &str, share: &str) -> Option<Stall> {
    // The crate takes it for granted that a blank and more follow.
    line.strip_prefix(share)?.strip_prefix(' ')?;
    let seen = procfs::parse_pressure_record(line).ok()?;
    let percent = |share: f32| Some(hundredths(share)).filter(|share| share.is_finite());
    Some(Stall {
        avg10: percent(seen.avg10)?,
        avg60: percent(seen.avg60)?,
        avg300: percent(seen.avg300)?,
        total: seen.total as f64 / 1e6,
    })
}
