//! The program itself: what it prints where, and how it ends. The routers are one that the test plays by hand, or the
//! program's own.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, socket};
use serde_json::{Value, json};
use wampproc::api::Api;
use wampproc::cli::commands::COMMANDS;
use wampproc::cli::flags::FLAGS;

use crate::fake_router::{Client, FakeRouter};
use crate::support::{End, PATIENCE, Program, full_pipe, pipe, run, wampproc};

/// A port that nobody listens on, and nobody else can take, as long as the descriptor is open.
fn closed_port() -> (OwnedFd, u16) {
    let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(fd.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    let port = getsockname::<SockaddrIn>(fd.as_raw_fd()).unwrap().port();
    (fd, port)
}

/// The end of a pipe that nobody reads.
fn closed_pipe() -> Stdio {
    let (reader, writer) = pipe();
    drop(reader);
    Stdio::from(writer)
}

/// Starts a client command on a router.
fn start(router: &FakeRouter, arguments: &[&str]) -> Program {
    Program::spawn(wampproc(arguments.iter().copied().chain(["--url", &router.url().to_string()])))
}

/// Answers GOODBYE, and waits until the client is gone.
fn part(client: &mut Client) {
    assert_eq!(client.expect(6)[2], "wamp.close.normal");
    client.send(&json!([6, {}, "wamp.close.goodbye_and_out"]));
    client.expect_end();
}

/// Runs `call a.b` with further arguments on a router that answers so; `answer` gets the CALL.
fn call(arguments: &[&str], answer: impl FnOnce(&Value, &mut Client)) -> End {
    let router = FakeRouter::new();
    let program = start(&router, &[&["call", "a.b"], arguments].concat());
    let mut client = router.welcome();
    let call = client.expect(48);
    assert_eq!(call[3], "a.b");
    answer(&call, &mut client);
    part(&mut client);
    program.end()
}

fn assert_end(end: &End, code: i32, stdout: &str, stderr: &str) {
    assert_eq!((end.code, end.text(), end.stderr.as_str()), (Some(code), stdout, stderr));
}

#[test]
fn usage_errors_say_what_to_type_and_exit_2() {
    for (arguments, sentence) in [
        (&[][..], "wampproc: expected a command: serve, join, call, subscribe, publish, procedures\n"),
        (&["sreve"], "wampproc: unknown command \"sreve\": did you mean serve?\n"),
        (&["call"], "wampproc: expected PROCEDURE, got nothing\nusage: wampproc call [FLAG]... PROCEDURE [ARG]...\n"),
        (&["call", "a.b", "--timout", "1"], "wampproc: unknown flag --timout: did you mean --timeout?\n"),
        (&["call", "a.b", "-b", "/nowhere/at/all"], "wampproc: cannot read /nowhere/at/all: No such file"),
        (&["publish", "a..b"], "wampproc: TOPIC: expected components separated by dots"),
        (&["publish", "wamp.x"], "wampproc: TOPIC: expected a URI that does not begin with wamp., which is"),
        (
            &["join", "--reconnect-initial", "1m"],
            "wampproc: --reconnect-max: expected at least --reconnect-initial, which is 1m, got 30s\n",
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
        for flag in FLAGS.iter().filter(|flag| flag.is_of(Some(command.id))) {
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

#[test]
fn nobody_listens_exit_3() {
    let (_reserved, port) = closed_port();
    let url = format!("ws://127.0.0.1:{port}/ws");
    for arguments in [
        &["call", "a.b", "--url", &url][..],
        &["subscribe", "a.b", "--url", &url],
        &["publish", "a.b", "--url", &url],
        &["join", &url, "--no-retry"],
    ] {
        let end = run(arguments);
        assert_end(
            &end,
            3,
            "",
            &format!(
                "wampproc: cannot connect: no connection to 127.0.0.1:{port}: Connection refused (os error 111)\n"
            ),
        );
    }
}

/// A port where somebody listens who is no router: sends `greeting` to the first caller, and nothing more until the test
/// is over.
fn stranger(greeting: &'static [u8]) -> (String, std::thread::JoinHandle<std::net::TcpStream>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("WS://{}/ws", listener.local_addr().unwrap());
    let accepted = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(greeting).unwrap();
        stream
    });
    (url, accepted)
}

#[test]
fn who_is_no_router_is_told_in_plain_words_exit_3() {
    for (greeting, got) in [
        (&b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"[..], "no HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP 200 OK"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "an HTTP answer that is no WebSocket upgrade"),
    ] {
        for arguments in [&["call", "a.b", "--url"][..], &["join", "--no-retry", "--log-level", "off"]] {
            let (url, accepted) = stranger(greeting);
            let end = run(arguments.iter().copied().chain([url.as_str()]));
            let sentence =
                format!("wampproc: cannot connect: expected a WebSocket upgrade to wamp.2.json, got {got}\n");
            assert_end(&end, 3, "", &sentence);
            accepted.join().unwrap();
        }
    }
}

#[test]
fn what_takes_too_long_is_named_exit_5() {
    let (url, accepted) = stranger(b"");
    let end = run(["call", "a.b", "--timeout", "500ms", "--url", &url]);
    assert_end(&end, 5, "", "wampproc: cannot connect: the peer took too long to answer the WebSocket upgrade\n");
    accepted.join().unwrap();

    let router = FakeRouter::new();
    let program = start(&router, &["call", "a.b", "--timeout", "1s"]);
    let mut client = router.accept();
    client.expect(1);
    assert_end(&program.end(), 5, "", "wampproc: the router did not answer HELLO in time\n");
}

#[test]
fn who_is_out_of_time_does_not_wait_for_a_goodbye() {
    let router = FakeRouter::new();
    let program = start(&router, &["call", "a.b", "--timeout", "1s"]);
    let mut client = router.welcome();
    client.expect(48);
    let since = Instant::now();
    client.expect(49);
    client.expect(6);
    // Nothing is answered.
    let end = program.end();
    assert_eq!(end.code, Some(5));
    assert!(since.elapsed() < Duration::from_millis(1800), "{:?}", since.elapsed());
}

#[test]
fn a_refused_realm_exit_4() {
    for arguments in [&["call", "a.b"][..], &["join"]] {
        let router = FakeRouter::new();
        let url = router.url().to_string();
        let place: &[&str] = if arguments[0] == "join" { &[&url] } else { &["--url", &url] };
        let program = Program::spawn(wampproc([arguments, place, &["--realm", "nowhere"]].concat()));
        let mut client = router.accept();
        assert_eq!(client.expect(1)[1], "nowhere");
        client.send(&json!([3, {"message": "no realm\u{1b}[2J here"}, "wamp.error.no_such_realm"]));
        let end = program.end();
        assert_eq!((end.code, end.text()), (Some(4), ""));
        let sentence = "wampproc: the router refuses the session: wamp.error.no_such_realm: no realm\\u{1b}[2J here\n";
        assert!(end.stderr.ends_with(sentence), "{:?}", end.stderr);
    }
}

#[test]
fn a_result_is_printed_as_it_came() {
    let end = call(&["[1,2]", "hello", "-s", "5", "-k", "x=1.0"], |call, client| {
        assert_eq!(call.to_string(), r#"[48,1,{},"a.b",[[1,2],"hello","5"],{"x":1.0}]"#);
        client.send_text("[50, 1, {}, [ {\"z\": 1.0,\n \"a\": 12345678901234567890123, \"s\": \"\u{9b}1m\"} ]]");
    });
    assert_end(&end, 0, "{\"z\":1.0,\"a\":12345678901234567890123,\"s\":\"\\u009b1m\"}\n", "");
    let end = call(&[], |_, client| client.send_text(r#"[50,1,{},[1],{"b":2}]"#));
    assert_end(&end, 0, "{\"args\":[1],\"kwargs\":{\"b\":2}}\n", "");
    let end = call(&["--raw"], |_, client| client.send(&json!([50, 1, {}, ["a\nb"]])));
    assert_end(&end, 0, "a\nb\n", "");
    let end = call(&["--raw"], |_, client| client.send(&json!([50, 1, {}, ["\0AP8K"]])));
    assert_eq!((end.code, end.stdout.as_slice()), (Some(0), &[0, 255, 10][..]));
}

#[test]
fn bytes_come_from_files_and_from_the_standard_input() {
    let path = std::env::temp_dir().join(format!("wampproc-cli-{}", std::process::id()));
    fs::write(&path, [0, 255, 10]).unwrap();
    let router = FakeRouter::new();
    let arguments = ["call", "a.b", "1", "-b", path.to_str().unwrap(), "--bytes=-", "--url", &router.url().to_string()];
    let mut command = wampproc(arguments);
    let (reader, mut writer) = pipe();
    writer.write_all(b"foo").unwrap();
    drop(writer);
    command.stdin(Stdio::from(reader));
    let program = Program::spawn(command);
    let mut client = router.welcome();
    assert_eq!(client.expect(48)[4], json!([1, "\0AP8K", "\0Zm9v"]));
    fs::remove_file(&path).unwrap();
    client.send(&json!([50, 1, {}]));
    part(&mut client);
    assert_end(&program.end(), 0, "{\"args\":[],\"kwargs\":{}}\n", "");
}

#[test]
fn progressive_results_only_for_those_who_ask() {
    let answer = |client: &mut Client| {
        client.send(&json!([50, 1, {"progress": true}, [1]]));
        client.send(&json!([50, 1, {"progress": true}, [2]]));
        client.send(&json!([50, 1, {}, ["end"]]));
    };
    let end = call(&["--progress"], |call, client| {
        assert_eq!(call[2], json!({"receive_progress": true}));
        answer(client);
    });
    assert_end(&end, 0, "1\n2\n\"end\"\n", "");
    let end = call(&[], |call, client| {
        assert_eq!(call[2], json!({}));
        answer(client);
    });
    assert_end(&end, 0, "\"end\"\n", "");
}

#[test]
fn an_error_is_told_in_words_or_as_json_exit_1() {
    let answer =
        |client: &mut Client| client.send(&json!([8, 48, 1, {}, "a.error.no", ["not\n\u{7}now", 2], {"k": 3}]));
    let end = call(&[], |_, client| answer(client));
    assert_end(&end, 1, "", "wampproc: a.error.no: not\\n\\u{7}now\n");
    let end = call(&["--json"], |_, client| answer(client));
    assert_end(&end, 1, "", "{\"error\":\"a.error.no\",\"args\":[\"not\\n\\u0007now\",2],\"kwargs\":{\"k\":3}}\n");
}

#[test]
fn a_call_without_an_answer_is_taken_back_exit_5() {
    let end = call(&["--timeout", "1s"], |call, client| {
        // A router that counts seconds would take these for a minute and a half.
        assert_eq!(call[2], json!({}));
        assert_eq!(client.expect(49), json!([49, 1, {"mode": "killnowait"}]));
    });
    assert_end(&end, 5, "", "wampproc: no result from a.b within 1s\n");
}

#[test]
fn a_signal_takes_a_call_back_exit_130() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let router = FakeRouter::new();
        let program = start(&router, &["call", "a.b"]);
        let mut client = router.welcome();
        client.expect(48);
        program.signal(signal);
        assert_eq!(client.expect(49)[2]["mode"], "killnowait");
        part(&mut client);
        assert_end(&program.end(), 130, "", "");
    }
}

#[test]
fn a_lost_connection_exit_6() {
    let router = FakeRouter::new();
    let program = start(&router, &["call", "a.b"]);
    let mut client = router.welcome();
    client.expect(48);
    drop(client);
    assert_end(&program.end(), 6, "", "wampproc: connection lost: the peer hung up\n");

    let program = start(&router, &["subscribe", "a.b"]);
    let mut client = router.welcome();
    client.expect(32);
    client.send(&json!([6, {}, "wamp.close.system_shutdown"]));
    client.expect(6);
    assert_end(&program.end(), 6, "", "wampproc: the router ended the session: wamp.close.system_shutdown\n");
}

#[test]
fn subscribe_prints_a_line_an_event_until_it_has_enough() {
    let router = FakeRouter::new();
    let mut program = start(&router, &["subscribe", "a.", "--match", "prefix", "--count", "2"]);
    let mut client = router.welcome();
    assert_eq!(client.expect(32), json!([32, 1, {"match": "prefix"}, "a."]));
    client.send(&json!([33, 1, 77]));
    client.send(&json!([36, 78, 1000, {}, ["of another subscription"]]));
    client.send(&json!([36, 77, 1001, {"topic": "a.x"}, [1], {"k": "v"}]));
    // At once, though the command has not ended.
    assert_eq!(program.line(), r#"{"topic":"a.x","args":[1],"kwargs":{"k":"v"},"publication":1001}"#);
    client.send(&json!([36, 77, 1002, {}]));
    part(&mut client);
    assert_end(&program.end(), 0, "{\"topic\":\"a.\",\"args\":[],\"kwargs\":{},\"publication\":1002}\n", "");
}

/// Starts `subscribe a.b` with further arguments and answers SUBSCRIBE.
fn subscribed(router: &FakeRouter, arguments: &[&str]) -> (Program, Client) {
    let mut program = start(router, &[&["subscribe", "a.b", "--log-level", "info"], arguments].concat());
    let mut client = router.welcome();
    client.expect(32);
    client.send(&json!([33, 1, 77]));
    program.wait_for_log("subscribed to a.b");
    (program, client)
}

#[test]
fn subscribe_ends_by_signal_or_time() {
    let router = FakeRouter::new();
    for (arguments, code, last) in [
        (&["--timeout", "1s"][..], 0, "subscribed to a.b\n"),
        (&["--timeout", "1s", "--count", "1"], 5, "wampproc: only 0 of 1 events within 1s\n"),
    ] {
        let (program, mut client) = subscribed(&router, arguments);
        part(&mut client);
        let end = program.end();
        assert_eq!((end.code, end.text()), (Some(code), ""), "{arguments:?}");
        assert!(end.stderr.ends_with(last), "{:?}", end.stderr);
    }
    for (arguments, code) in [(&[][..], 0), (&["--count", "1"], 130)] {
        let (program, mut client) = subscribed(&router, arguments);
        program.signal(Signal::SIGINT);
        part(&mut client);
        assert_eq!(program.end().code, Some(code), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_does_not_read_keeps_nobody_from_ending() {
    let router = FakeRouter::new();
    for (arguments, code) in
        [(&[][..], 0), (&["--count", "1"], 130), (&["--timeout", "1s"], 0), (&["--timeout", "1s", "--count", "2"], 5)]
    {
        let (mut reader, writer) = pipe();
        let url = router.url().to_string();
        let mut command = wampproc([&["subscribe", "a.b", "--url", &url], arguments].concat());
        let program = Program::start(command.stdout(writer));
        drop(command);
        let mut client = router.welcome();
        client.expect(32);
        client.send(&json!([33, 1, 77]));
        // More than a pipe holds.
        client.send(&json!([36, 77, 1001, {}, ["x".repeat(200_000)]]));
        let patience = PollTimeout::try_from(PATIENCE).unwrap();
        let readable = poll(&mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)], patience);
        assert_eq!(readable, Ok(1), "nothing was written");
        if !arguments.contains(&"--timeout") {
            program.signal(Signal::SIGTERM);
        }
        part(&mut client);
        assert_eq!(program.end().code, Some(code), "{arguments:?}");
        reader.read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn a_reader_that_goes_ends_subscribe_without_another_event() {
    let router = FakeRouter::new();
    let (reader, writer) = pipe();
    let mut command = wampproc(["subscribe", "a.b", "--url", &router.url().to_string()]);
    let program = Program::start(command.stdout(writer));
    drop(command);
    let mut client = router.welcome();
    client.expect(32);
    client.send(&json!([33, 1, 77]));
    drop(reader);
    part(&mut client);
    assert_end(&program.end(), 0, "", "");
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
fn publish_with_and_without_an_acknowledgement() {
    let router = FakeRouter::new();
    let program = start(&router, &["publish", "a.b", "1", "-k", "x=y"]);
    let mut client = router.welcome();
    assert_eq!(client.expect(16), json!([16, 1, {}, "a.b", [1], {"x": "y"}]));
    part(&mut client);
    assert_end(&program.end(), 0, "", "");

    for (answer, code, sentence) in [
        (
            Some(json!([3, {"message": "too long"}, "wamp.error.protocol_violation"])),
            6,
            "wampproc: the router ended the session: wamp.error.protocol_violation: too long\n",
        ),
        (None, 6, "wampproc: connection lost: the peer hung up\n"),
    ] {
        let program = start(&router, &["publish", "a.b"]);
        let mut client = router.welcome();
        client.expect(16);
        client.expect(6);
        if let Some(answer) = answer {
            client.send(&answer);
        }
        drop(client);
        assert_end(&program.end(), code, "", sentence);
    }
    let program = start(&router, &["publish", "a.b", "--timeout", "1s"]);
    let mut client = router.welcome();
    client.expect(16);
    client.expect(6);
    assert_end(&program.end(), 5, "", "wampproc: the router did not answer GOODBYE in time\n");

    let program = start(&router, &["publish", "a.b", "--ack"]);
    let mut client = router.welcome();
    assert_eq!(client.expect(16)[2], json!({"acknowledge": true}));
    client.send(&json!([17, 1, 4242]));
    part(&mut client);
    assert_end(&program.end(), 0, "4242\n", "");

    let program = start(&router, &["publish", "a.b", "--ack"]);
    let mut client = router.welcome();
    client.expect(16);
    client.send(&json!([8, 16, 1, {}, "wamp.error.not_authorized"]));
    part(&mut client);
    assert_end(&program.end(), 1, "", "wampproc: wamp.error.not_authorized\n");
}

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

/// `serve` on a free port, ready, and its URL.
fn serve(arguments: &[&str]) -> (Program, String) {
    let mut program = Program::spawn(wampproc([&["serve", "--listen", "127.0.0.1:0"], arguments].concat()));
    let ready = program.line();
    let mut words = ready.split(' ');
    assert_eq!(words.next(), Some("ready"), "{ready}");
    let url = words.next().unwrap().to_owned();
    let expected = if arguments.contains(&"--realm") { "factory" } else { "realm1" };
    assert_eq!((words.next(), words.next()), (Some(expected), None));
    (program, url)
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
fn an_event_goes_from_publish_through_serve_to_subscribe() {
    let (_server, url) = serve(&["--realm", "factory"]);
    let at = ["--url", &url, "--realm", "factory"];
    let arguments = [&["subscribe", "a.b", "--count", "1", "--log-level", "info"], &at[..]].concat();
    let mut subscriber = Program::spawn(wampproc(arguments));
    subscriber.wait_for_log("subscribed to a.b");
    let end = run([&["publish", "a.b", "1.0", "-k", "x=12345678901234567890123", "--ack"], &at[..]].concat());
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
    let publication = end.text().trim();
    let event = subscriber.line();
    assert_eq!(
        event,
        format!(
            r#"{{"topic":"a.b","args":[1.0],"kwargs":{{"x":12345678901234567890123}},"publication":{publication}}}"#
        )
    );
    assert_eq!(subscriber.end().code, Some(0));
}

#[test]
fn an_address_in_use_exit_1_and_a_name_that_is_taken_too() {
    let (_server, url) = serve(&[]);
    let address: SocketAddr = url.strip_prefix("ws://").unwrap().strip_suffix("/ws").unwrap().parse().unwrap();
    let end = run(["serve", "--listen", &address.to_string()]);
    assert_end(&end, 1, "", &format!("wampproc: cannot listen at {address}: Address already in use (os error 98)\n"));
    let end = run(["join", &url, "--log-level", "off"]);
    assert_eq!((end.code, end.text()), (Some(1), ""));
    assert!(
        end.stderr.contains("wamp.error.procedure_already_exists") && end.stderr.contains("--worker"),
        "{}",
        end.stderr
    );
}
