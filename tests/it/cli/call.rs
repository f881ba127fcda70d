//! `call`: what it prints of a result, and how it ends without one.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{assert_end, part, start};
use crate::fake_router::{Client, FakeRouter};
use crate::support::{End, Program, pipe, wampproc};

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
