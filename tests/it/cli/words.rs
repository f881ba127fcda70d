//! What can be typed, and what is told when it cannot.

use std::fs;

use serde_json::{Value, json};
use wampproc::api::Api;
use wampproc::cli::commands::COMMANDS;
use wampproc::cli::flags;

use super::{assert_end, closed_pipe, closed_port, serve};
use crate::support::{Program, run, wampproc};

#[test]
fn usage_errors_say_what_to_type_and_exit_2() {
    for (arguments, sentence) in [
        (&[][..], "wampproc: expected a command: serve, join, call, subscribe, publish, procedures, passwd, keygen\n"),
        (&["sreve"], "wampproc: unknown command \"sreve\": did you mean serve?\n"),
        (&["call"], "wampproc: expected PROCEDURE, got nothing\nusage: wampproc call [FLAG]... PROCEDURE [ARG]...\n"),
        (&["call", "a.b", "--timout", "1"], "wampproc: unknown flag --timout: did you mean --timeout?\n"),
        (&["call", "a.b", "-b", "/nowhere/at/all"], "wampproc: cannot read /nowhere/at/all: No such file"),
        (&["publish", "a..b"], "wampproc: TOPIC: expected components separated by dots"),
        (&["publish", "wamp.x"], "wampproc: TOPIC: expected a URI that does not begin with wamp., which is"),
        (
            &["join", "--reconnect-initial", "10m"],
            "wampproc: --reconnect-max: expected at least --reconnect-initial, which is 10m, got 5m\n",
        ),
        (&["subscribe", "a..b"], "wampproc: TOPIC: expected components separated by dots"),
        (&["join", "ws://127.0.0.1:9/ws", "--worker", "a.b"], "wampproc: --worker: expected characters other than"),
        (&["join", "--uri-prefix", "a.{host}"], "wampproc: --uri-prefix: expected no braces but {node} and {worker}"),
        (
            &["serve", "--listen", "127.0.0.1:0", "--uri-prefix", "wamp.x"],
            "wampproc: --uri-prefix: expected none below",
        ),
        (&["serve", "--listen", "8080"], "wampproc: --listen: expected ADDR:PORT with an IP address"),
        (&["serve", "--listen", "0.0.0.0:0"], "wampproc: --listen: expected a loopback address to listen at, got"),
        (&["serve", "--allow-origin", "example.com"], "wampproc: --allow-origin: expected an origin like"),
    ] {
        let end = run(arguments);
        assert!(end.stderr.starts_with(sentence), "{arguments:?}: {:?}", end.stderr);
        assert!(end.stderr.ends_with("--help tells more.\n"), "{:?}", end.stderr);
        assert!(!end.stderr.contains(" INFO "), "something was started: {}", end.stderr);
        assert_eq!((end.code, end.text()), (Some(2), ""), "{arguments:?}");
    }
    let remote = run(["serve", "--listen", "0.0.0.0:0"]).stderr;
    assert!(remote.contains("--allow-remote-anonymous"), "{remote}");
}

#[test]
fn what_no_message_holds_is_a_usage_error_before_anything_is_sent() {
    let (_reserved, port) = closed_port();
    let url = format!("ws://127.0.0.1:{port}/ws");
    let deep = format!("{}{}", "[".repeat(63), "]".repeat(63));
    let path = std::env::temp_dir().join(format!("wampproc-cli-long-{}", std::process::id()));
    // In base64 it is longer than a message may be.
    fs::write(&path, vec![0; 800_000]).unwrap();
    let file = path.to_str().unwrap();
    let too_long = format!("wampproc: cannot read {file}: expected at most 783360 bytes");
    for (arguments, sentence) in [
        (["publish", "a.b", "-b", file], too_long.as_str()),
        (["call", "a.b", "-b", file], &too_long),
        (["call", "a.b", "-k", &format!("x={deep}")], "wampproc: expected at most 62 levels of lists and dicts"),
    ] {
        let end = run(arguments.into_iter().chain(["--url", &url]));
        assert!(end.stderr.starts_with(sentence), "{}", end.stderr);
        assert_eq!((end.code, end.text()), (Some(2), ""));
    }
    fs::write(&path, vec![0; 783_000]).unwrap();
    let (_server, url) = serve(&[]);
    let publish = run(["publish", "a.b", "-b", file, "--url", &url]);
    fs::remove_file(&path).unwrap();
    assert_end(&publish, 0, "", "");
}

#[test]
fn help_and_version_go_to_stdout() {
    assert_end(&run(["--version"]), 0, concat!("wampproc ", env!("CARGO_PKG_VERSION"), "\n"), "");
    let all = run(["--help"]);
    for command in COMMANDS {
        assert!(all.text().contains(&format!("\n    {:10}  {}\n", command.name, command.summary)));
        let end = run([command.name, "--help"]);
        assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
        for flag in flags::all().filter(|flag| flag.is_of(Some(command.id))) {
            assert!(end.text().contains(&format!("--{}", flag.long)), "{} --{}", command.name, flag.long);
        }
    }
}

#[test]
fn a_closed_stdout_ends_a_command_quietly() {
    for arguments in [&["procedures"][..], &["--help"], &["call", "--help"]] {
        let end = Program::start(wampproc(arguments).stdout(closed_pipe())).end();
        assert_end(&end, 0, "", "");
    }
}

#[test]
fn procedures_are_listed_without_a_router() {
    let (text, lines) = (run(["procedures"]), run(["procedures", "--json"]));
    assert_eq!((text.code, lines.code), (Some(0), Some(0)));
    let mut lines = lines.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    for procedure in Api::default().procedures() {
        let (name, signature, result) = (procedure.name(), procedure.signature(), procedure.result());
        let entry = format!("{name}({signature}) -> {result}\n    {}\n", procedure.doc());
        assert!(text.text().contains(&entry), "{entry}");
        let expected = json!({"name": name, "signature": signature, "result": result, "doc": procedure.doc()});
        assert_eq!(lines.next(), Some(expected));
    }
    assert_eq!(lines.next(), None);
}
