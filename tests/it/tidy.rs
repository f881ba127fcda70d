//! The house rules that a command can see: the layers, the places where things may be done, and that the README's tables are
//! the code's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use wampproc::api::topics::Audience;
use wampproc::api::{Api, Failure, Names, Role, Topic};
use wampproc::cli::exit::Exit;
use wampproc::sampler::METRICS;

/// What nothing pure may name.
const IMPURE: [&str; 12] = [
    "Instant::now",
    "SystemTime",
    "TcpStream",
    "TcpListener",
    "std::fs",
    "std::thread",
    "std::io",
    "std::{",
    "log::warn!",
    "log::debug!",
    "Mutex",
    "crossbeam",
];

/// Files that may hold `unsafe`, each for a reason given at its top.
const UNSAFE: [&str; 12] = [
    "cli/descriptor.rs",
    "cli/reload.rs",
    "cli/signals.rs",
    "manhole/quick_ack.rs",
    "process/memory.rs",
    "process/pidfd.rs",
    "process/signal.rs",
    "process/sockets/sys.rs",
    "supervisor/reaper.rs",
    "supervisor/signals.rs",
    "supervisor/spawn.rs",
    "transport/peer_groups.rs",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder of the project, by their path in it.
fn files(folder: &str) -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut BTreeMap<String, String>, base: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found, base);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(base).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let (mut found, base) = (BTreeMap::new(), root().join(folder));
    walk(&base, &mut found, &base);
    found
}

/// The sources below `src/`, by their path there, without their tests.
fn sources() -> BTreeMap<String, String> {
    let mut found = files("src");
    found.retain(|name, _| !name.contains("tests"));
    for text in found.values_mut() {
        if let Some(tests) = text.find("#[cfg(test)]\nmod tests {") {
            text.truncate(tests);
        }
    }
    assert!(found.len() > 40, "the walk finds the sources");
    found
}

/// The modules of the library by layer, and whether they are pure, as `src/ARCHITECTURE.md` has them.
fn layers() -> BTreeMap<String, (u8, bool)> {
    let page = fs::read_to_string(root().join("src/ARCHITECTURE.md")).unwrap();
    let (_, table) = page.split_once("| layer | module | what lives there |\n|---|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|')).map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (number, note) = cells[1].split_once(',').unwrap_or((cells[1], ""));
        (cells[2].trim_matches('`').to_owned(), (number.parse().unwrap(), note.trim() == "pure"))
    });
    rows.collect()
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn imports_point_down() {
    let layers = layers();
    let mut seen = BTreeSet::new();
    for (name, text) in sources() {
        let Some((module, _)) = name.split_once('/') else {
            assert!(["lib.rs", "main.rs"].contains(&name.as_str()), "{name} is in no module");
            continue;
        };
        let (own, _) = layers.get(module).unwrap_or_else(|| panic!("{name}: its module has no layer"));
        seen.insert(module.to_owned());
        for line in code_lines(&text) {
            assert!(!line.contains("use crate::{"), "{name}: one `use` a module, so that this test can read it");
            for target in line.split("crate::").skip(1) {
                let target: String = target.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let Some((other, _)) = layers.get(&target) else { continue };
                let is_down = other < own || target == module;
                assert!(is_down, "{name} (layer {own}) imports {target} (layer {other}): {line}");
            }
        }
    }
    assert_eq!(seen, layers.into_keys().collect(), "the page has the modules there are");
}

#[test]
fn what_is_pure_does_nothing_impure() {
    let layers = layers();
    for (name, text) in sources() {
        let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let in_pure_module =
            name.split_once('/').and_then(|(module, _)| layers.get(module)).is_some_and(|(_, pure)| *pure);
        if !in_pure_module && !head.contains("Pure.") {
            continue;
        }
        for line in code_lines(&text) {
            for word in IMPURE {
                assert!(!line.contains(word), "{name} is pure and says {word}: {line}");
            }
        }
    }
}

#[test]
fn some_things_are_done_in_one_place() {
    for (name, text) in sources() {
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//!"), "{name} does not begin with what lives there");
        for line in code_lines(&text) {
            let printing = ["println!", "print!", "eprintln!", "eprint!", "stdout()", "stderr()"];
            let prints = printing.iter().any(|word| line.contains(word));
            assert!(!prints || name.starts_with("cli/"), "{name} prints: {line}");
            // The name of a descriptor of our own, for a call that takes no descriptor, is no look at a process.
            let line_without = line.replace("\"/proc/self/fd/{}\"", "");
            let proc = line_without.contains("\"/proc") || line_without.contains("\"/sys");
            assert!(!proc || name.starts_with("process/"), "{name} touches /proc: {line}");
            assert!(!line.contains("unsafe ") || UNSAFE.contains(&name.as_str()), "{name} is unsafe: {line}");
        }
    }
}

#[test]
fn files_can_be_read_in_one_sitting() {
    const LONGEST: usize = 500;
    for folder in ["src", "tests"] {
        for (name, text) in files(folder) {
            let lines = text.lines().count();
            assert!(lines <= LONGEST, "{folder}/{name} has {lines} lines, more than {LONGEST}");
        }
    }
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The rows of the README's table with this head.
fn rows(head: &str) -> Vec<String> {
    let readme = readme();
    let (_, table) = readme.split_once(&format!("{head}\n")).unwrap_or_else(|| panic!("the README has no {head}"));
    table.lines().skip(1).take_while(|line| line.starts_with('|')).map(str::to_owned).collect()
}

#[test]
fn the_readme_has_the_procedures_of_the_table() {
    let api = Api::default();
    let expected: Vec<String> = api
        .procedures()
        .iter()
        .map(|procedure| {
            let (name, signature) = (procedure.name(), procedure.signature());
            format!("| `{name}({signature})` | {} | {} |", procedure.result(), procedure.doc())
        })
        .collect();
    assert_eq!(rows("| procedure | result | what it does |"), expected);
}

#[test]
fn the_readme_has_the_events_of_the_table() {
    let expected: Vec<String> = Topic::ALL
        .iter()
        .map(|topic| {
            let too = if topic.audience() == Audience::Everyone { "yes" } else { "no" };
            format!("| `{}` | {} | {} | {too} |", topic.name(), topic.payload(), topic.doc())
        })
        .collect();
    assert_eq!(rows("| event | argument | when | the caller too |"), expected);
}

#[test]
fn the_readme_has_the_metrics_of_the_table() {
    let expected: Vec<String> = METRICS
        .iter()
        .map(|metric| match metric.unit {
            Some(unit) => format!("| `{}` | {unit} | {} |", metric.name, metric.doc),
            None => format!("| `{}` | | {} |", metric.name, metric.doc),
        })
        .collect();
    assert_eq!(rows("| metric | unit | what it is |"), expected);
}

#[test]
fn the_readme_has_the_exit_codes_of_the_table() {
    let expected: Vec<String> =
        Exit::ALL.iter().map(|exit| format!("| {} | {} |", exit.code(), exit.meaning())).collect();
    assert_eq!(rows("| exit code | meaning |"), expected);
}

#[test]
fn the_readme_has_the_errors_and_the_prefixes() {
    let sentence = String::new;
    let failures = [
        Failure::InvalidArgument(sentence()),
        Failure::InvalidConfiguration(sentence()),
        Failure::AlreadyStarted(sentence()),
        Failure::NotStarted(sentence()),
        Failure::CannotListen(sentence()),
        Failure::FeatureUnavailable(sentence()),
        Failure::Runtime(sentence()),
        Failure::Busy(sentence()),
    ];
    let errors = rows("| error | when |");
    assert_eq!(errors.len(), failures.len());
    for (row, failure) in errors.iter().zip(failures) {
        assert!(row.starts_with(&format!("| `{}` |", failure.uri())), "{row}");
    }
    let prefixes = rows("| `--role` | prefixes |");
    for (row, role) in prefixes.iter().zip([Role::Worker, Role::Controller]) {
        for prefix in Names::new(role, "NODE", "WORKER", &[]).unwrap().prefixes() {
            assert!(row.contains(&format!("`{prefix}.`")), "{row} lacks {prefix}");
        }
    }
}

#[cfg(feature = "manhole")]
#[test]
fn the_readme_has_the_commands_of_the_manhole() {
    let expected: Vec<String> = wampproc::manhole::COMMANDS
        .iter()
        .map(|command| {
            let usage = format!("{} {}", command.name, command.arguments);
            format!("| `{}` | {} |", usage.trim_end(), command.help)
        })
        .collect();
    assert_eq!(rows("| command | what it does |"), expected);
}
