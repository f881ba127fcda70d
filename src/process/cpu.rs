//! How many CPUs the machine has, from `/sys/devices/system/cpu`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Number of online logical CPUs, whatever this process may use; `None` when the kernel does not say.
#[must_use]
pub fn logical() -> Option<u64> {
    logical_in(Path::new(ROOT))
}

/// Number of online physical cores: distinct pairs of package and core id; `None` when the kernel does not say (no
/// `topology` directories, or ids below 0, which stand for "unknown").
#[must_use]
pub fn physical() -> Option<u64> {
    physical_in(Path::new(ROOT))
}

const ROOT: &str = "/sys/devices/system/cpu";

/// Not `sysconf(_SC_NPROCESSORS_ONLN)`: in musl that counts the CPUs that the caller is allowed.
fn logical_in(root: &Path) -> Option<u64> {
    count_cpus(&fs::read_to_string(root.join("online")).ok()?)
}

/// Reads a list of CPUs as the kernel writes it, `0-3,8`, into how many it names; `None` when it is no such list.
fn count_cpus(list: &str) -> Option<u64> {
    let mut count = 0;
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        count += u64::from(last.checked_sub(first)?) + 1;
    }
    Some(count)
}

fn physical_in(root: &Path) -> Option<u64> {
    let mut cores = BTreeSet::new();
    for entry in fs::read_dir(root).ok()?.flatten() {
        let name = entry.file_name();
        let Some(number) = name.to_str().and_then(|name| name.strip_prefix("cpu")) else { continue };
        if number.parse::<u32>().is_err() {
            continue;
        }
        let topology = entry.path().join("topology");
        // An offline CPU has no topology.
        if topology.exists() {
            cores.insert((id(&topology.join("physical_package_id"))?, id(&topology.join("core_id"))?));
        }
    }
    if cores.is_empty() { None } else { u64::try_from(cores.len()).ok() }
}

fn id(file: &Path) -> Option<u32> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A directory of its own, removed at the end.
    struct Tree(PathBuf);

    impl Tree {
        fn new(name: &str, cpus: &[(u32, Option<(i32, i32)>)]) -> Self {
            let root = std::env::temp_dir().join(format!("wampproc-cpu-{}-{name}", std::process::id()));
            for (cpu, ids) in cpus {
                let topology = root.join(format!("cpu{cpu}/topology"));
                fs::create_dir_all(topology.parent().unwrap()).unwrap();
                if let Some((package, core)) = ids {
                    fs::create_dir(&topology).unwrap();
                    fs::write(topology.join("physical_package_id"), format!("{package}\n")).unwrap();
                    fs::write(topology.join("core_id"), format!("{core}\n")).unwrap();
                }
            }
            fs::create_dir_all(root.join("cpufreq")).unwrap();
            Self(root)
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn two_packages_with_the_same_core_ids_and_hyperthreads() {
        let cpus: Vec<_> = (0..8).map(|cpu| (cpu, Some(((cpu / 4) as i32, (cpu % 2) as i32)))).collect();
        assert_eq!(physical_in(&Tree::new("smt", &cpus).0), Some(4));
    }

    #[test]
    fn an_offline_cpu_does_not_count_and_an_unknown_one_spoils_the_count() {
        assert_eq!(physical_in(&Tree::new("offline", &[(0, Some((0, 0))), (1, None)]).0), Some(1));
        assert_eq!(physical_in(&Tree::new("unknown", &[(0, Some((-1, 0))), (1, Some((-1, 0)))]).0), None);
        assert_eq!(physical_in(&Tree::new("none", &[(0, None)]).0), None);
        assert_eq!(physical_in(Path::new("/nonexistent")), None);
        assert_eq!(logical_in(Path::new("/nonexistent")), None);
    }

    #[test]
    fn lists_of_cpus() {
        for (list, count) in
            [("0\n", Some(1)), ("0-3", Some(4)), ("0-3,8,10-11\n", Some(7)), ("0-4294967295", Some(1 << 32))]
        {
            assert_eq!(count_cpus(list), count, "{list}");
        }
        for list in ["", "\n", "3-1", "a", "0-", "0,,1", "-1"] {
            assert_eq!(count_cpus(list), None, "{list:?}");
        }
    }

    #[test]
    fn this_machine_has_at_least_as_many_logical_cpus_as_cores() {
        let logical = logical().unwrap();
        assert!(logical >= 1);
        assert!(physical().is_none_or(|cores| (1..=logical).contains(&cores)));
    }
}
