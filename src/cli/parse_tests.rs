//! Tests of the parser: what is understood, and what is told when something is not.

use super::*;
use crate::agent::ReconnectPolicy;
use crate::cli::given::Timeout;
use crate::server::{Endpoint, Exposure};
use crate::transport::keepalive::KeepalivePolicy;
use crate::transport::unix::Access;
use std::time::Duration;

fn parsed(words: &[&str]) -> Result<Asked, UsageError> {
    parse(words.iter().map(OsString::from))
}

fn given(words: &[&str]) -> Given {
    match parsed(words) {
        Ok(Asked::Run(_, given)) => *given,
        Ok(Asked::Answer(answer, _)) => panic!("{answer:?}"),
        Err(error) => panic!("{error:?}"),
    }
}

fn refusal(words: &[&str]) -> String {
    match parsed(words) {
        Err(error) => error.sentence,
        Ok(_) => panic!("{words:?} was understood"),
    }
}

fn args(given: &Given) -> String {
    given.arguments.payload().unwrap().raw_args().map(|raw| raw.get().to_owned()).unwrap_or_default()
}

#[test]
fn flags_stand_anywhere_and_arguments_keep_their_order() {
    let given = given(&["call", "-s1", "--realm=r.x", "a.b", "2", "-s", "3", "-k", "a=4", "--", "-k", "--5"]);
    assert_eq!((given.subject.as_str(), given.place.realm.as_str()), ("a.b", "r.x"));
    assert_eq!(args(&given), r#"["1",2,"3","-k","--5"]"#);
    let kwargs = given.arguments.payload().unwrap().raw_kwargs().unwrap().get().to_owned();
    assert_eq!(kwargs, r#"{"a":4}"#);
}

#[test]
fn a_negative_number_is_no_flag() {
    assert_eq!(args(&given(&["call", "a.b", "-5", "-1.5e3", "-s", "-7"])), r#"[-5,-1.5e3,"-7"]"#);
}

#[test]
fn what_is_not_given_is_the_tables_default() {
    let call = given(&["call", "a.b"]);
    assert_eq!((call.place.url.to_string().as_str(), call.place.realm.as_str()), ("ws://127.0.0.1:8080/ws", "realm1"));
    assert_eq!((call.timeout, call.log_level), (Timeout::After(Duration::from_secs(10)), log::LevelFilter::Warn));
    let subscribe = given(&["subscribe", "a.b"]);
    assert_eq!((subscribe.timeout, subscribe.subscription.count), (Timeout::Unsaid, None));
    let join = given(&["join"]);
    assert_eq!((join.routers, join.log_level), (vec![call.place.url], log::LevelFilter::Info));
    // What a program that links the library has without asking is what this one has.
    assert_eq!(join.connection.keepalive, KeepalivePolicy::default());
    assert_eq!(join.connection.reconnect, ReconnectPolicy::default());
    assert_eq!((join.agent.worker.as_deref(), join.agent.worker_type.as_str()), (None, "native"));
    assert_eq!((join.agent.interval, join.agent.history), (Duration::from_secs(1), 600));
    assert_eq!(given(&["join", "ws://h:1/x", "--ping-interval", "0"]).connection.keepalive.interval, None);
}

#[test]
fn serve_is_for_this_machine_unless_it_is_told_otherwise() {
    let local = given(&["serve"]).listening;
    assert_eq!((local.endpoints, local.exposure), (vec![], Exposure::Local));
    let words =
        ["serve", "--listen=[::]:0", "--listen", "unix:/a", "--allow-remote-anonymous", "--allow-origin", "http://a:1"];
    let remote = given(&words).listening;
    let unix = Endpoint::Unix { path: "/a".into(), access: Access::default() };
    assert_eq!(remote.endpoints, [Endpoint::Tcp("[::]:0".parse().unwrap()), unix]);
    assert_eq!(remote.exposure, Exposure::RemoteAnonymous);
    assert_eq!(remote.origins, ["http://a:1".parse().unwrap()]);
}

#[test]
fn the_last_of_a_flag_given_twice_holds() {
    assert_eq!(given(&["call", "--realm", "a", "--realm", "b", "x.y"]).place.realm.as_str(), "b");
    assert_eq!(given(&["join", "--uri-prefix", "a", "--uri-prefix=b"]).agent.prefixes, ["a", "b"]);
}

#[test]
fn help_and_version_are_answered_whatever_is_missing() {
    for (words, expected, name) in [
        (&["--help"][..], Answer::Help, None),
        (&["-h"], Answer::Help, None),
        (&["--version"], Answer::Version, None),
        (&["-V", "call"], Answer::Version, None),
        (&["call", "--help"], Answer::Help, Some(Name::Call)),
        (&["call", "a.b", "-h"], Answer::Help, Some(Name::Call)),
        (&["help"], Answer::Help, None),
        (&["help", "call"], Answer::Help, Some(Name::Call)),
    ] {
        match parsed(words) {
            Ok(Asked::Answer(answer, command)) => {
                assert_eq!((answer, command.map(|command| command.id)), (expected, name), "{words:?}");
            }
            _ => panic!("{words:?} was not answered"),
        }
    }
}

#[test]
fn what_is_wrong_is_told_with_what_to_type() {
    for (words, sentence) in [
        (&[][..], "expected a command: "),
        (&["cal"], "unknown command \"cal\": did you mean call?"),
        (&["frobnicate"], "unknown command \"frobnicate\": expected "),
        (&["help", "cal"], "unknown command \"cal\": did you mean call?"),
        (&["--timeout", "1"], "expected a command before --timeout: call, publish, subscribe"),
        (&["--frob"], "unknown flag --frob"),
        (&["call"], "expected PROCEDURE, got nothing"),
        (&["call", "a b"], "PROCEDURE: expected components without white space, '#' and NUL, got \"a b\""),
        (&["call", "a.b", "--timout", "1"], "unknown flag --timout: did you mean --timeout?"),
        (&["call", "a.b", "-z"], "unknown flag -z"),
        (&["call", "a.b", "--ack"], "expected a flag of this command, got --ack, which publish has"),
        (
            &["procedures", "--realm", "x"],
            "expected a flag of this command, got --realm, which serve, join, call, subscribe and publish have",
        ),
        (&["join", "--no-retry", "--reconnect-max", "1s"], "expected either --no-retry or --reconnect-max, got both"),
        (
            &["join", "--reconnect-initial", "1s", "--no-retry"],
            "expected either --no-retry or --reconnect-initial, got",
        ),
        (&["serve", "--ping-interval", "1ms"], "--ping-interval: expected 0 or a time of at least 100ms, got \"1ms\""),
        (&["join", "--uri-prefix", "wamp.x"], "--uri-prefix: expected none below wamp, got \"wamp.x\""),
        (&["call", "a.b", "--timeout"], "--timeout: expected TIME, got nothing"),
        (&["call", "a.b", "--timeout", "soon"], "--timeout: expected a time like 10s"),
        (&["call", "a.b", "--raw=1"], "--raw: expected no value, got \"1\""),
        (&["call", "a.b", "-k", "x"], "-k: expected KEY=VALUE, got \"x\""),
        (&["call", "a.b", "-k", "x=1", "-k", "x=2"], "-k: expected every KEY once, got \"x\" twice"),
        (
            &["join", "http://x"],
            "URL: expected a URL like ws://HOST:PORT/ws, rs://HOST:PORT or unix:///PATH, got \"http://x\"",
        ),
        (
            &["join", "ws://a/", "b"],
            "URL: expected a URL like ws://HOST:PORT/ws, rs://HOST:PORT or unix:///PATH, got \"b\"",
        ),
        (
            &["join", "sleep", "5"],
            "URL: expected a URL like ws://HOST:PORT/ws, rs://HOST:PORT or unix:///PATH, got \"sleep\" \
             (COMMAND stands behind --)",
        ),
        (&["serve", "sleep", "5"], "expected no more arguments, got \"sleep\" (COMMAND stands behind --)"),
        (&["join", "--pid", "1", "--wait"], "--wait: expected --pidfile with it, got none"),
        (&["call", "a.b", "[0"], "ARG: expected JSON, or -s before a string that begins like it, got \"[0\": EOF"),
        (&["procedures", "x"], "expected no more arguments, got \"x\""),
        (&["subscribe", "a.b", "--match", "regex"], "--match: expected exact, prefix or wildcard, got \"regex\""),
    ] {
        let got = refusal(words);
        assert!(got.starts_with(sentence), "{words:?}: {got:?}");
    }
}

#[test]
fn text_must_be_utf_8() {
    use std::os::unix::ffi::OsStringExt;
    let words = ["call".into(), "a.b".into(), OsString::from_vec(vec![0xff])];
    let error = parse(words).err().unwrap();
    assert!(error.sentence.starts_with("ARG: expected text in UTF-8, got "), "{}", error.sentence);
}
