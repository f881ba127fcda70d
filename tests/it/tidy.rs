//! The house rules that a command can see: the layers, the places where things may be done, and that the README's tables are
//! the code's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use wampproc::api::topics::Audience;
use wampproc::api::{Api, Topic};
use wampproc::cli::exit::Exit;

/// The modules of the library by layer, as `src/ARCHITECTURE.md` has them.
const LAYERS: [(&str, u8); 11] = [
    ("wamp", 0),
    ("sync", 0),
    ("router", 1),
    ("transport", 1),
    ("process", 1),
    ("link", 2),
    ("sampler", 2),
    ("api", 3),
    ("agent", 4),
    ("server", 4),
    ("cli", 5),
];

/// What nothing pure may name.
const IMPURE: [&str; 9] =
    ["Instant::now", "SystemTime", "std::net", "std::fs", "std::thread", "std::io", "log::", "Mutex", "crossbeam"];

/// Files that may hold `unsafe`, each for a reason given at its top.
const UNSAFE: [&str; 3] = ["cli/signals.rs", "process/memory.rs", "process/sockets.rs"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The sources below `src/`, by their path there, without their tests.
fn sources() -> BTreeMap<String, String> {
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
    let mut found = BTreeMap::new();
    walk(&root().join("src"), &mut found, &root().join("src"));
    found.retain(|name, _| !name.contains("tests"));
    for text in found.values_mut() {
        if let Some(tests) = text.find("#[cfg(test)]\nmod tests {") {
            text.truncate(tests);
        }
    }
    assert!(found.len() > 40, "the walk finds the sources");
    found
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn imports_point_down() {
    let layer = |module: &str| LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer);
    for (name, text) in sources() {
        let Some((module, _)) = name.split_once('/') else { continue };
        let own = layer(module).unwrap_or_else(|| panic!("{name}: its module has no layer"));
        for line in code_lines(&text) {
            for target in line.split("crate::").skip(1) {
                let target: String = target.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let Some(other) = layer(&target) else { continue };
                assert!(
                    other < own || target == module || (other == own && own == 0),
                    "{name} (layer {own}) imports {target} (layer {other}): {line}"
                );
            }
        }
    }
}

#[test]
fn what_is_pure_does_nothing_impure() {
    for (name, text) in sources() {
        if !name.starts_with("wamp/") && !name.starts_with("router/") {
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
            let proc = line.contains("\"/proc") || line.contains("\"/sys");
            assert!(!proc || name.starts_with("process/"), "{name} touches /proc: {line}");
            assert!(!line.contains("unsafe ") || UNSAFE.contains(&name.as_str()), "{name} is unsafe: {line}");
        }
    }
}

#[test]
fn files_can_be_read_in_one_sitting() {
    const LONGEST: usize = 500;
    for (name, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "{name} has {lines} lines, more than {LONGEST}");
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
fn the_readme_has_the_exit_codes_of_the_table() {
    let expected: Vec<String> =
        Exit::ALL.iter().map(|exit| format!("| {} | {} |", exit.code(), exit.meaning())).collect();
    assert_eq!(rows("| exit code | meaning |"), expected);
}
