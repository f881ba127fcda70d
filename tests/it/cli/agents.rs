//! `serve` and `join`: from ready to the last signal, and what they log.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use super::{assert_end, closed_pipe, closed_port, part, serve};
use crate::fake_router::{FakeRouter, registrations};
use crate::support::{PATIENCE, Program, full_pipe, run, wampproc};

#[test]
fn join_says_ready_once_and_goodbye_at_a_signal() {
    let router = FakeRouter::new();
    let url = router.url().to_string();
    let mut program = Program::spawn(wampproc(["join", &url, "--node", "n1", "--worker", "w1", "--log-level", "off"]));
    let (mut client, names) = router.serve();
    assert!(names.contains(&"crossbar.node.n1.worker.w1.utcnow".to_owned()), "{names:?}");
    assert_eq!(program.line(), format!("ready {url} realm1"));
    program.signal(Signal::SIGTERM);
    part(&mut client);
    assert_end(&program.end(), 0, "", "");
}

/// A program is called by its name, with what cannot stand in a URI made `_`.
#[test]
fn the_log_says_under_which_names_the_process_stands() {
    let router = FakeRouter::new();
    let url = router.url().to_string();
    let directory = std::env::temp_dir().join(format!("wampproc-names-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    let program = directory.join("py3.11-x");
    std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
    let words = ["join", &url, "--node", "n1", "--", program.to_str().unwrap(), "60"];
    let mut agent = Program::spawn(wampproc(words));
    let (_client, names) = router.serve();
    let prefixes = "crossbar.worker.py3_11_x. and crossbar.node.n1.worker.py3_11_x.";
    agent.wait_for_log(&format!(" {} procedures registered under {prefixes}\n", names.len()));
    fs::remove_dir_all(&directory).unwrap();
}

/// Whoever logs in as a user that may not register has one cause to read about, not one for each procedure.
#[test]
fn what_a_router_refuses_is_one_line_of_the_log() {
    let router = FakeRouter::new();
    let url = router.url().to_string();
    let mut agent = Program::spawn(wampproc(["join", &url, "--node", "n1", "--worker", "w1"]));
    let mut client = router.welcome();
    for number in 0..registrations(2, 0) {
        let register = client.expect(64);
        match number {
            0 => client.send(&json!([65, register[1], 1001])),
            _ => client.send(&json!([8, 64, register[1], {}, "wamp.error.not_authorized", ["no"]])),
        }
    }
    let line = agent.wait_for_log("the router refused");
    let rest = registrations(2, 0) - 2;
    assert!(line.contains(&format!(" and {rest} more procedures: wamp.error.not_authorized: no (at ")), "{line}");
    agent.wait_for_log("1 procedures registered under");
    agent.signal(Signal::SIGTERM);
    part(&mut client);
    assert_eq!(agent.end().stderr.matches("refused").count(), 1);

    let agent = Program::spawn(wampproc(["join", &url]));
    let mut client = router.welcome();
    for _ in 0..registrations(2, 0) {
        let register = client.expect(64);
        client.send(&json!([8, 64, register[1], {}, "wamp.error.not_authorized", ["no"]]));
    }
    let end = agent.end();
    let told: Vec<&str> = end.stderr.lines().filter(|line| line.contains("refused")).collect();
    assert_eq!((end.code, told.len()), (Some(1), 1), "{}", end.stderr);
    assert!(told[0].starts_with("wampproc: the router refused every procedure: wamp.error.not_authorized: no (at the"));
}

#[test]
fn join_does_not_mind_a_closed_stdout() {
    let router = FakeRouter::new();
    let mut command = wampproc(["join", &router.url().to_string(), "--log-level", "warn"]);
    let program = Program::start(command.stdout(closed_pipe()));
    let (mut client, names) = router.serve();
    let utcnow = 1001 + names.iter().position(|name| name.ends_with(".utcnow")).unwrap();
    client.send(&json!([68, 1, utcnow, {}]));
    client.expect(70);
    program.signal(Signal::SIGTERM);
    part(&mut client);
    assert_end(&program.end(), 0, "", "");
}

#[test]
fn join_waits_for_a_router_and_ends_at_a_signal() {
    let (_reserved, port) = closed_port();
    let mut program = Program::spawn(wampproc(["join", &format!("ws://127.0.0.1:{port}/ws")]));
    program.wait_for_log("trying again in");
    let since = Instant::now();
    program.signal(Signal::SIGINT);
    let end = program.end();
    assert_eq!((end.code, end.text()), (Some(0), ""));
    assert!(since.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_second_signal_ends_who_cannot_end_in_order() {
    let router = FakeRouter::new();
    let (_reader, writer) = full_pipe();
    let mut command = wampproc(["join", &router.url().to_string(), "--log-level", "off"]);
    let program = Program::start(command.stdout(writer));
    drop(command);
    // It waits to say that it is ready.
    let _client = router.serve();
    let deadline = Instant::now() + PATIENCE;
    loop {
        program.signal(Signal::SIGINT);
        if program.ends_within(Duration::from_millis(100)) {
            break;
        }
        assert!(Instant::now() < deadline, "the signals are not heard");
    }
    assert_eq!(program.end().code, Some(130));
}

#[test]
fn a_hangup_that_nohup_ignores_stays_ignored() {
    let router = FakeRouter::new();
    let mut command = std::process::Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" join \"$1\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_wampproc"), &router.url().to_string()]).stdin(Stdio::null());
    let mut program = Program::spawn(command);
    let (mut client, _) = router.serve();
    program.line();
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    let ignored = u64::from_str_radix(ignored, 16).unwrap();
    assert_eq!(ignored & 1, 1, "SIGHUP is the first bit of {ignored:x}");
    program.signal(Signal::SIGTERM);
    part(&mut client);
    assert_eq!(program.end().code, Some(0));
}

#[test]
fn serve_is_called_and_ends_within_two_seconds() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (program, url) = serve(&["--worker", "pump", "--log-level", "off"]);
        let end = run(["call", "crossbar.worker.pump.get_cpus", "--url", &url]);
        assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
        let cpus: Vec<u32> = serde_json::from_str(end.text()).unwrap();
        let end = run(["call", "crossbar.worker.pump.set_cpu_affinity", "cpus=0", "--url", &url]);
        assert_eq!(end.code, Some(1));
        assert!(end.stderr.starts_with("wampproc: wamp.error.invalid_argument: cpus: "), "{}", end.stderr);
        assert!(!cpus.is_empty());
        let since = Instant::now();
        program.signal(signal);
        assert_end(&program.end(), 0, "", "");
        assert!(since.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn a_stderr_that_nobody_reads_stops_nobody() {
    let (mut reader, writer) = full_pipe();
    let mut command = wampproc(["serve", "--listen", "127.0.0.1:0", "--log-level", "debug"]);
    let mut program = Program::start_with_both(command.stdout(Stdio::piped()).stderr(writer));
    drop(command);
    let ready = program.line();
    let url = ready.split(' ').nth(1).unwrap();
    let call = || {
        let end = run(["call", "crossbar.worker.wampproc.get_cpus", "--url", url]);
        assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
    };
    call();
    // When there is room again, the log goes on with what is missing in it.
    let mut log = vec![0; 1 << 16];
    let _ = reader.read(&mut log).unwrap();
    call();
    let since = Instant::now();
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().code, Some(0));
    assert!(since.elapsed() < Duration::from_secs(2));
    let mut log = String::new();
    reader.read_to_string(&mut log).unwrap();
    let lines: Vec<&str> = log.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines[0].ends_with(" log records were lost: nobody read stderr"), "{log}");
    assert!(lines.len() > 1, "{log}");
}

#[test]
fn peers_cannot_fill_a_log() {
    let (program, url) = serve(&[]);
    let address = url.strip_prefix("ws://").unwrap().strip_suffix("/ws").unwrap();
    let breach = |_| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n"
        );
        // No client's frame is unmasked.
        stream.write_all(&[head.as_bytes(), &[0x81, 0x01, b'x']].concat()).unwrap();
        stream
    };
    for mut stream in (0..200).map(breach).collect::<Vec<_>>() {
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    program.signal(Signal::SIGTERM);
    let log = program.end().stderr;
    let told = log.lines().filter(|line| line.contains(" WARN ") && line.contains("unmasked")).count();
    assert!((10..150).contains(&told), "{log}");
    assert!(log.contains(" more records of this kind were left out"), "{log}");
}

#[test]
fn an_address_in_use_exit_1_and_a_name_that_is_taken_too() {
    let (_server, url) = serve(&[]);
    let address: SocketAddr = url.strip_prefix("ws://").unwrap().strip_suffix("/ws").unwrap().parse().unwrap();
    let end = run(["serve", "--listen", &address.to_string()]);
    assert_end(&end, 1, "", &format!("wampproc: cannot listen at {address}: Address already in use (os error 98)\n"));
    let end = run(["join", &url, "--log-level", "off", "--no-retry"]);
    assert_eq!((end.code, end.text()), (Some(1), ""));
    assert!(
        end.stderr.contains("wamp.error.procedure_already_exists") && end.stderr.contains("--worker"),
        "{}",
        end.stderr
    );
}
