//! What takes up the address space of a process: `maps` summed up by what is mapped, and the totals of `smaps_rollup`.
//!
//! `maps` is read by hand: the `procfs` crate panics at a path like `/SYSV1`, which a process may well map, refuses all mappings
//! for one path that is not UTF-8, and keeps each.

use std::collections::HashMap;
use std::fs;

use serde::Serialize;

use super::error::ProcessError;
use super::footprint::rollup_path;
use super::whole;

/// An address space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddressSpace {
    /// Bytes mapped.
    pub size: u64,
    /// Bytes in memory; this and the next three are `None` when the kernel does not tell us.
    pub resident: Option<u64>,
    /// Bytes in memory, shared ones by the number of processes that share them.
    pub proportional: Option<u64>,
    /// Bytes in memory that no other process has.
    pub private: Option<u64>,
    /// Bytes swapped out.
    pub swap: Option<u64>,
    /// What is mapped, the largest first; at most `MOST_AREAS`.
    pub areas: Vec<Area>,
}

/// Everything that is mapped of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Area {
    /// A file's path, a name of the kernel's like `[heap]`, or `[anonymous]`.
    pub name: String,
    /// How many mappings.
    pub mappings: u64,
    /// Bytes of address space.
    pub size: u64,
}

/// How many are told.
pub const MOST_AREAS: usize = 64;

pub(super) fn read(pid: i32) -> Result<AddressSpace, ProcessError> {
    let path = format!("/proc/{pid}/maps");
    let maps = fs::read(&path).map_err(|error| ProcessError::os(format!("read {path}"), &error))?;
    let maps = String::from_utf8_lossy(&maps);
    // Costs ms in a large process, and is not in every kernel.
    let rollup = fs::read(rollup_path(pid)).unwrap_or_default();
    Ok(summary(&maps, &rollup))
}

fn summary(maps: &str, rollup: &[u8]) -> AddressSpace {
    let mut areas: HashMap<&str, Area> = HashMap::new();
    let mut size = 0;
    for (bytes, name) in maps.lines().filter_map(mapping) {
        size += bytes;
        let area = areas.entry(name).or_insert_with(|| Area { name: name.to_owned(), mappings: 0, size: 0 });
        area.mappings += 1;
        area.size += bytes;
    }
    let mut areas: Vec<Area> = areas.into_values().collect();
    areas.sort_unstable_by(|a, b| b.size.cmp(&a.size).then_with(|| a.name.cmp(&b.name)));
    areas.truncate(MOST_AREAS);
    let whole::Rollup { resident, proportional, private, swap, .. } = whole::rollup(rollup);
    AddressSpace { size, resident, proportional, private, swap, areas }
}

/// `55d0c0a00000-55d0c0a21000 rw-p 00000000 00:00 0   [heap]`: how long, and what.
fn mapping(line: &str) -> Option<(u64, &str)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let bytes = u64::from_str_radix(end, 16).ok()?.checked_sub(u64::from_str_radix(start, 16).ok()?)?;
    // Four more fields, of which none holds a blank; a path may.
    let name = rest.splitn(5, ' ').nth(4).map(str::trim).unwrap_or_default();
    Some((bytes, if name.is_empty() { "[anonymous]" } else { name }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_summed_up_by_what_they_map() {
        let maps = "1000-3000 r--p 00000000 fe:00 42                         /lib/a b.so\n\
                    3000-4000 r-xp 00002000 fe:00 42                         /lib/a b.so\n\
                    5000-6000 rw-p 00000000 00:00 0 \n\
                    7000-8000 rw-p 00000000 00:00 0                          [heap]\nrubbish\n";
        let rollup = include_bytes!("../../tests/data/proc/smaps_rollup");
        let seen = summary(maps, rollup);
        assert_eq!((seen.size, seen.resident, seen.proportional), (0x5000, Some(1760 * 1024), Some(204 * 1024)));
        assert_eq!((seen.private, seen.swap), (Some(148 * 1024), Some(8 * 1024)));
        assert_eq!(summary(maps, b"").resident, None);
        let area = |name: &str, mappings, size| Area { name: name.to_owned(), mappings, size };
        assert_eq!(
            seen.areas,
            [area("/lib/a b.so", 2, 0x3000), area("[anonymous]", 1, 0x1000), area("[heap]", 1, 0x1000)]
        );
    }

    #[test]
    fn ours_has_a_stack() {
        let seen = read(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(seen.areas.iter().any(|area| area.name == "[stack]"));
        assert!(seen.resident.is_none_or(|resident| resident > 0 && resident < seen.size));
    }
}
