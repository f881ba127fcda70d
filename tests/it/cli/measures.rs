//! The procedures that measure, called through the program: keys, their order, and values that hang together.

use serde_json::{Value, json};

use super::serve;
use crate::support::{End, run};

fn called(url: &str, arguments: &[&str]) -> End {
    let name = format!("crossbar.worker.wampproc.{}", arguments[0]);
    run([&["call", "--url", url, &name], &arguments[1..]].concat())
}

/// A result as it was printed, and as a value.
fn call(url: &str, arguments: &[&str]) -> (String, Value) {
    let end = called(url, arguments);
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    (end.text().to_owned(), serde_json::from_str(end.text()).unwrap())
}

/// That a dict has these keys, and that they were printed in this order.
fn assert_keys(text: &str, dict: &Value, keys: &[&str]) {
    let mut sorted: Vec<&str> = keys.to_vec();
    sorted.sort_unstable();
    let found: Vec<&String> = dict.as_object().unwrap().keys().collect();
    assert_eq!(found, sorted);
    let mut rest = text;
    for key in keys {
        let quoted = format!("\"{key}\":");
        rest = rest.split_once(&quoted).unwrap_or_else(|| panic!("{key} out of order in {text}")).1;
    }
}

const THREAD: [&str; 9] =
    ["tid", "name", "status", "cpu", "run_queue_wait", "voluntary", "nonvoluntary", "processor", "waits_in"];

#[test]
fn threads_limits_and_descendants() {
    let (program, url) = serve(&[]);
    let (text, threads) = call(&url, &["get_process_threads"]);
    assert_keys(&text, &threads[0], &THREAD);
    assert_eq!(threads[0]["tid"], program.id());
    let names: Vec<&str> = threads.as_array().unwrap().iter().map(|thread| thread["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"sampler") && names.contains(&"router"), "{names:?}");
    let sampler = &threads[names.iter().position(|name| *name == "sampler").unwrap()];
    assert_eq!((&sampler["status"], &sampler["waits_in"]), (&json!("running"), &Value::Null));
    assert_eq!(call(&url, &["get_process_threads", "2"]).1.as_array().unwrap().len(), 2);
    let refused = called(&url, &["get_process_threads", "0"]);
    let sentence = "wampproc: wamp.error.invalid_argument: limit: expected 1 to 4096 threads, got 0\n";
    assert_eq!((refused.code, refused.stderr.as_str()), (Some(1), sentence));

    let (text, limits) = call(&url, &["get_process_limits"]);
    assert_keys(&text, &limits[0], &["name", "soft", "hard", "unit", "used"]);
    let of = |name: &str| limits.as_array().unwrap().iter().find(|limit| limit["name"] == name).unwrap();
    let files = of("open files");
    assert!(files["used"].as_u64().unwrap() > 3 && files["used"].as_u64() < files["soft"].as_u64(), "{files}");
    assert_eq!(of("cpu time")["soft"], "unlimited");

    let (text, tree) = call(&url, &["get_process_tree"]);
    assert_keys(&text, &tree, &["complete", "processes"]);
    let keys = ["pid", "ppid", "depth", "name", "status", "started", "uptime", "threads", "resident", "cpu"];
    let root = &tree["processes"][0];
    assert_keys(&text, root, &keys);
    assert_eq!((&root["pid"], &root["ppid"]), (&json!(program.id()), &json!(std::process::id())));
    assert_eq!((&root["depth"], &root["name"], &tree["complete"]), (&json!(0), &json!("wampproc"), &json!(true)));
}

#[test]
fn memory_and_totals() {
    let (_program, url) = serve(&[]);
    let (text, memory) = call(&url, &["get_process_memory"]);
    let keys = [
        "resident",
        "resident_anon",
        "resident_file",
        "resident_shmem",
        "resident_peak",
        "virtual",
        "virtual_peak",
        "swap",
        "pss",
        "uss",
        "swap_pss",
        "age",
    ];
    assert_keys(&text, &memory, &keys);
    assert!(memory["uss"].as_u64().unwrap() > 0 && memory["uss"].as_u64() <= memory["pss"].as_u64(), "{memory}");
    assert!(memory["age"].as_f64().unwrap() < 60.0, "{memory}");

    let (text, totals) = call(&url, &["get_process_totals"]);
    let keys = [
        "ts",
        "started",
        "threads",
        "user",
        "system",
        "children_user",
        "children_system",
        "minor_faults",
        "major_faults",
        "children_minor_faults",
        "children_major_faults",
        "voluntary",
        "nonvoluntary",
        "switches_of_ended_threads",
        "run_queue_wait",
        "io_wait",
    ];
    assert_keys(&text, &totals, &keys);
    assert_eq!((&totals["switches_of_ended_threads"], &totals["children_user"]), (&json!(true), &json!(0.0)));
    assert!(totals["minor_faults"].as_u64().unwrap() > 0 && totals["voluntary"].as_u64().unwrap() > 0);
}

#[test]
fn the_history_in_buckets_and_none_of_it() {
    let (_program, url) = serve(&["--interval", "20ms"]);
    let (text, history) = call(&url, &["get_process_history", "5", "-k", "resolution=0.5"]);
    assert_keys(&text, &history, &["ts", "window", "resolution", "interval", "buckets"]);
    assert_eq!((&history["resolution"], &history["interval"]), (&json!(0.5), &json!(0.02)));
    let buckets = history["buckets"].as_array().unwrap();
    assert!((1..=10).contains(&buckets.len()), "{history}");
    let keys = [
        "ts",
        "samples",
        "cpu_percent",
        "resident",
        "virtual",
        "threads",
        "reads_per_sec",
        "writes_per_sec",
        "switches_per_sec",
    ];
    let (_, of_buckets) = text.split_once("\"buckets\":").unwrap();
    assert_keys(of_buckets, &buckets[0], &keys);
    assert!(buckets[0]["samples"].as_u64().unwrap() > 0);
    let resident = &buckets[0]["resident"];
    assert!(
        resident["min"].as_u64() <= resident["avg"].as_u64() && resident["avg"].as_u64() <= resident["max"].as_u64()
    );
    let refused = called(&url, &["get_process_history", "60", "0.001"]);
    assert!(refused.stderr.contains("resolution: expected 0.06 to 60 seconds"), "{}", refused.stderr);

    let (_program, url) = serve(&["--history", "0"]);
    let refused = called(&url, &["get_process_history"]);
    assert!(refused.stderr.contains("crossbar.error.feature_unavailable: "), "{}", refused.stderr);
    let (_, capabilities) = call(&url, &["get_capabilities"]);
    assert_eq!(capabilities["get_process_history"]["available"], false);
}

#[test]
fn the_machine() {
    let (_program, url) = serve(&[]);
    let (text, stats) = call(&url, &["get_system_stats"]);
    assert_keys(&text, &stats, &["ts", "cpu", "mem", "net", "disk", "load", "uptime", "psi"]);
    assert_keys(&text, &stats["cpu"]["0"], &["user", "system", "idle"]);
    assert_keys(&text, &stats["mem"], &["total", "available"]);
    let (_, net) = text.split_once("\"lo\":").unwrap();
    assert_keys(net, &stats["net"]["lo"], &["out", "in"]);
    assert_keys(net, &stats["net"]["lo"]["out"], &["bytes", "packets", "errors", "dropped"]);
    if let Some((disk, seen)) = stats["disk"].as_object().unwrap().iter().next() {
        let (_, disks) = text.split_once(&format!("\"{disk}\":")).unwrap();
        assert_keys(disks, seen, &["read", "write"]);
        assert_keys(disks, &seen["read"], &["ops", "bytes", "time"]);
    }
    assert_eq!(stats["load"].as_array().unwrap().len(), 3);
    if !stats["psi"].is_null() {
        let (_, psi) = text.split_once("\"psi\":").unwrap();
        assert_keys(psi, &stats["psi"], &["cpu", "memory", "io"]);
        assert_keys(psi, &stats["psi"]["io"], &["some", "full"]);
        assert_keys(psi, &stats["psi"]["io"]["some"], &["avg10", "avg60", "avg300", "total"]);
    }
}

#[test]
fn capabilities_name_every_procedure_and_every_key_that_is_null() {
    let (_program, url) = serve(&[]);
    let (text, capabilities) = call(&url, &["get_capabilities"]);
    let api = wampproc::api::Api::default();
    let names: Vec<&str> = api.procedures().iter().map(wampproc::api::Procedure::name).collect();
    assert_keys(&text, &capabilities, &names);
    assert_keys(&text, &capabilities["utcnow"], &["available", "reason", "missing"]);
    assert_eq!(capabilities["utcnow"], json!({"available": true, "reason": null, "missing": {}}));
    let (_, totals) = call(&url, &["get_process_totals"]);
    for key in ["io_wait", "run_queue_wait"] {
        assert_eq!(capabilities["get_process_totals"]["missing"][key].is_string(), totals[key].is_null(), "{key}");
    }
    let (_, stats) = call(&url, &["get_system_stats"]);
    for key in ["cpu", "net", "disk", "load", "psi"] {
        assert_eq!(capabilities["get_system_stats"]["missing"][key].is_string(), stats[key].is_null(), "{key}");
    }
}
