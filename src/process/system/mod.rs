//! The machine: CPUs, memory, network interfaces, disks, load, pressure. What a container shows of them is what there is for
//! those inside.
//!
//! The `procfs` crate reads what it reads whole; every part that the kernel does not have, or does not show (a `/proc` mounted
//! with `subset=pid`), is `None`.

mod cpu;
mod disks;
mod memory;
mod network;
mod pressure;

use std::collections::BTreeMap;
use std::fs;

use procfs::FromRead;
use serde::Serialize;

use super::error::ProcessError;
use super::identity::since_boot;
use crate::sync::clock::Timestamp;

pub use cpu::CpuTimes;
pub use disks::{DiskIo, DiskTraffic};
pub use memory::MemoryUse;
pub use network::{InterfaceIo, InterfaceTraffic};
pub use pressure::{Pressure, Stall, Stalls};

/// What `get_system_stats` answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SystemStats {
    /// When it was read.
    pub ts: Timestamp,
    /// Seconds by CPU, under the kernel's numbers; CPUs that are offline are missing.
    pub cpu: Option<BTreeMap<u32, CpuTimes>>,
    /// Memory.
    pub mem: MemoryUse,
    /// Traffic by network interface, of our network namespace.
    pub net: Option<BTreeMap<String, InterfaceTraffic>>,
    /// Traffic by block device: disks, their partitions, and virtual ones (`loop0`, `dm-0`, `zram0`), as the kernel lists them.
    pub disk: Option<BTreeMap<String, DiskTraffic>>,
    /// Mean number of tasks that ran, waited for a CPU or for storage, over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// Seconds since boot, with the time that the machine was suspended.
    pub uptime: f64,
    /// How much tasks stalled for want of something (Linux 4.20, `CONFIG_PSI`).
    pub psi: Option<Pressure>,
}

impl SystemStats {
    /// Reads it all: some 200 µs, most of them for `/proc/stat` and the network's interfaces.
    ///
    /// # Errors
    /// When not even the clock or the size of memory can be read.
    pub fn read() -> Result<Self, ProcessError> {
        Ok(Self {
            ts: Timestamp::now(),
            cpu: text(CPU).and_then(|text| cpu::times(&text)),
            mem: memory::read()?,
            net: text(NETWORK).and_then(|text| network::traffic(&text)),
            disk: text(DISKS).and_then(|text| disks::traffic(&text)),
            load: text(LOAD).and_then(|text| load(&text)),
            uptime: since_boot()?.as_secs_f64(),
            psi: pressure::read(),
        })
    }
}

/// The parts of [`SystemStats`] that are not known on this host, by their keys, and why.
#[must_use]
pub fn lacking() -> Vec<(&'static str, String)> {
    let estimate = || memory::read().ok()?.available;
    let psi = pressure::read();
    let of_psi = |pick: fn(&Pressure) -> Option<Stalls>| psi.as_ref().is_none_or(|psi| pick(psi).is_some());
    let parts = [
        ("cpu", text(CPU).and_then(|text| cpu::times(&text)).is_some(), CPU),
        ("mem.available", estimate().is_some(), memory::MEMORY),
        ("net", text(NETWORK).and_then(|text| network::traffic(&text)).is_some(), NETWORK),
        ("disk", text(DISKS).and_then(|text| disks::traffic(&text)).is_some(), DISKS),
        ("load", text(LOAD).and_then(|text| load(&text)).is_some(), LOAD),
        ("psi", psi.is_some(), pressure::DIRECTORY),
        ("psi.cpu", of_psi(|psi| psi.cpu), pressure::CPU),
        ("psi.memory", of_psi(|psi| psi.memory), pressure::MEMORY),
        ("psi.io", of_psi(|psi| psi.io), pressure::IO),
        ("psi.cpu.full", of_psi(|psi| psi.cpu.filter(|cpu| cpu.full.is_some())), pressure::CPU),
    ];
    parts.into_iter().filter(|(_, known, _)| !known).map(|(key, _, path)| (key, reason(path))).collect()
}

/// Why a file does not tell what it should.
fn reason(path: &str) -> String {
    match fs::metadata(path).and_then(|seen| if seen.is_dir() { Ok(()) } else { fs::read(path).map(|_| ()) }) {
        Ok(()) => format!("{path} of this kernel does not tell it"),
        Err(error) => ProcessError::os(format!("read {path}"), &error).to_string(),
    }
}

const CPU: &str = "/proc/stat";
const NETWORK: &str = "/proc/net/dev";
const DISKS: &str = "/proc/diskstats";
const LOAD: &str = "/proc/loadavg";

/// A file's text; the names of interfaces in it may be of any bytes.
fn text(path: &str) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn load(text: &str) -> Option<[f64; 3]> {
    let seen = procfs::LoadAverage::from_read(text.as_bytes()).ok()?;
    Some([seen.one, seen.five, seen.fifteen].map(hundredths))
}

/// The kernel writes two decimals; the crate has them as `f32`, which as `f64` has many more.
fn hundredths(number: f32) -> f64 {
    (f64::from(number) * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests;
