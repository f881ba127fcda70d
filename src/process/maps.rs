//! What takes up the address space of a process: `maps` summed up by what is mapped, and the totals of `smaps_rollup`.

use std::collections::HashMap;
use std::fs;

use serde::Serialize;

use super::error::ProcessError;
use super::parse::pairs;

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
    let rollup = fs::read(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
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
    let of = |wanted: &[u8]| pairs(rollup).find(|(key, _)| *key == wanted).and_then(|(_, value)| kibibytes(value));
    AddressSpace {
        size,
        resident: of(b"Rss"),
        proportional: of(b"Pss"),
        private: of(b"Private_Clean").zip(of(b"Private_Dirty")).map(|(clean, dirty)| clean + dirty),
        swap: of(b"Swap"),
        areas,
    }
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

fn kibibytes(value: &[u8]) -> Option<u64> {
    let number = std::str::from_utf8(value.strip_suffix(b" kB")?).ok()?;
    number.trim().parse::<u64>().ok()?.checked_mul(1024)
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
        let rollup = b"1000-8000 ---p 00000000 00:00 0    [rollup]\nRss:      12 kB\nPss: 8 kB\nPrivate_Clean: 4 kB\nPrivate_Dirty: 1 kB\n";
        let seen = summary(maps, rollup);
        assert_eq!((seen.size, seen.resident, seen.private, seen.swap), (0x5000, Some(12_288), Some(5120), None));
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
