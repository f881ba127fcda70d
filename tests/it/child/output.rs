//! A child's output: its own, or through us and then unchanged.

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::Value;
use wampproc::wamp::binary;

use super::{call, event, follow, run_script, supervise, url, words};
use crate::support::{Program, full_pipe, wampproc};

#[test]
fn ten_megabytes_come_through_unchanged_and_the_last_of_it_is_kept() {
    let file = std::env::temp_dir().join(format!("wampproc-output-{}", std::process::id()));
    let script = format!("head -c 10000000 /dev/urandom > {0}; cat {0}; read line", file.display());
    let mut command = wampproc(words(&["--capture", "96K"], &script));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let (mut reader, writer) = crate::support::pipe();
    let mut program = Program::start(command.stdout(writer));
    drop(command);
    let mut seen = vec![0; 10_000_000];
    reader.read_exact(&mut seen).unwrap();
    let written = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert!(seen == written);
    let (code, output) = call(&url(&mut program), &["get_process_output", "98304", "true"]);
    assert_eq!(code, Some(0), "{output}");
    let output: Value = serde_json::from_str(&output).unwrap();
    assert!(binary::from_json(&output["data"]).unwrap() == written[written.len() - 98_304..]);
    drop(program.input());
    assert_eq!(program.end().code, Some(1));
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
}

#[test]
fn what_is_kept_are_the_newest_bytes_of_both_streams() {
    let mut program =
        supervise(&["--capture", "8"], "printf 0123; printf wxyz >&2; printf 'a\\377'; echo; exec sleep 100");
    let url = url(&mut program);
    super::until("all is read", || call(&url, &["get_process_output"]).1.contains("\"total\":11"));
    let (_, text) = call(&url, &["get_process_output", "3"]);
    let kept: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(kept["bytes"], 3);
    let (_, bytes) = call(&url, &["get_process_output", "100", "true"]);
    let kept: Value = serde_json::from_str(&bytes).unwrap();
    let mut kept = binary::from_json(&kept["data"]).unwrap();
    assert_eq!(kept.len(), 8);
    // The streams mix as they were read.
    kept.sort_unstable();
    assert!(kept.contains(&b'\n') && kept.contains(&0xff), "{kept:?}");
    let (code, sentence) = call(&url, &["get_process_output", "0"]);
    assert!(code == Some(1) && sentence.contains("bytes: expected 1 to 131072, got 0"), "{sentence}");
    program.signal(Signal::SIGTERM);
    let end = program.end();
    assert_eq!((end.code, &*end.stdout), (Some(143), &b"0123a\xff\n"[..]));
}

#[test]
fn a_flood_takes_no_memory_and_is_not_lost() {
    let mut command =
        wampproc(words(&["--capture", "64K"], "head -c 200000000 /dev/zero; echo done >&2; exec sleep 100"));
    let mut program = Program::start(command.stdout(Stdio::null()));
    let url = url(&mut program);
    program.wait_for_log("done");
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let peak: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert!(peak < 64 * 1024, "{peak} KiB");
    let (_, output) = call(&url, &["get_process_output", "1"]);
    assert!(output.ends_with(",\"total\":200000005}"), "{output}");
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(143));
}

#[test]
fn a_reader_that_does_not_read_slows_the_child_and_nothing_else() {
    let (reader, writer) = full_pipe();
    let mut command = wampproc(words(&["--capture", "4K"], "head -c 1000000 /dev/zero; echo done >&2"));
    let mut program = Program::start(command.stdout(writer));
    drop(command);
    let url = url(&mut program);
    // What we read at a time, and no more of it.
    super::until("something is read", || {
        let (_, output) = call(&url, &["get_process_output", "1"]);
        let output: Value = serde_json::from_str(&output).unwrap();
        (1..=65_536).contains(&output["total"].as_u64().unwrap())
    });
    drop(reader);
    // It learns so as it would without us.
    let end = program.end();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
}

#[test]
fn output_is_published_when_that_is_wanted() {
    let script = "read line; printf 'gr\\303'; read line; printf '\\274n\\n'; read line; head -c 1000000 /dev/zero | tr '\\0' x; echo; read line";
    let mut command = wampproc(words(&["--publish-output"], script));
    let mut program = Program::spawn({
        command.stdin(Stdio::piped());
        command
    });
    let url = url(&mut program);
    let mut output = follow(&url, "on_process_output");
    let mut input = program.input();
    let mut go = || input.write_all(b"go\n").unwrap();
    go();
    let (mut text, mut dropped) = (event(&mut output)["data"].as_str().unwrap().to_owned(), 0);
    assert_eq!(text, "gr", "the rest of the letter is to come");
    go();
    text.push_str(event(&mut output)["data"].as_str().unwrap());
    assert_eq!(text, "gr\u{fc}n\n");
    go();
    while text.len() as u64 + dropped < 1_000_007 {
        let event = event(&mut output);
        assert_eq!(event["stream"], "stdout");
        dropped += event["dropped"].as_u64().unwrap();
        text.push_str(event["data"].as_str().unwrap());
    }
    assert!(text.ends_with("xxx\n") && dropped > 0, "{} {dropped}", text.len());
    drop(input);
    assert_eq!(program.end().code, Some(1));
}

#[test]
fn without_a_reader_the_child_gets_a_broken_pipe_as_always() {
    let (reader, writer) = crate::support::pipe();
    drop(reader);
    let mut command = wampproc(words(&["--capture", "4K"], "while echo x; do :; done; echo never >&2"));
    let program = Program::start(command.stdout(writer));
    drop(command);
    assert_eq!(program.end().code, Some(141), "SIGPIPE");
    assert_eq!(run_script(&["--capture", "4K"], "echo a; echo b >&2; exit 3").code, Some(3));
}
