//! How the client commands log in: what they say to a router that the test plays, what they refuse to do, and that nobody sees
//! the secret.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::json;

use super::{assert_end, part, start};
use crate::fake_router::FakeRouter;
use crate::support::{Program, run, wampproc};

const SECRET: &str = "correct horse";

/// A file that goes with the test.
pub(super) struct SecretFile(PathBuf);

impl SecretFile {
    pub fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wampproc-login-{name}-{}", std::process::id()));
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn what_does_not_go_together_is_a_usage_error() {
    let (file, empty) = (SecretFile::new("usage", SECRET), SecretFile::new("empty", "\n"));
    for (arguments, sentence) in [
        (&["--auth", "totp"][..], "--auth: expected anonymous, ticket, wampcra, scram or cryptosign, got \"totp\""),
        (&["--authid", "joe"], "--authid: expected a secret with it, or --auth anonymous, got neither"),
        (
            &["--auth", "ticket", "--authid", "joe"],
            "--auth ticket: expected a secret by --secret-file, --secret-env or --secret-fd, got none",
        ),
        (&["--auth", "anonymous", "--secret-file", file.path()], "--auth anonymous: expected no secret, got one"),
        (
            &["--auth", "ticket", "--secret-file", file.path()],
            "--authid: expected an authid for a login by ticket, got none",
        ),
        (
            &["--authid", "joe", "--secret-file", "/nowhere/at/all"],
            "cannot read /nowhere/at/all (--secret-file): No such file or directory",
        ),
        (&["--secret-env", "A", "--secret-fd", "0"], "expected either --secret-env or --secret-fd, got both"),
        (&["--secret-fd", "x"], "--secret-fd: expected the number of an open descriptor, got \"x\""),
        (
            &["--auth", "ticket", "--authid", "joe", "--secret-fd", "99"],
            "cannot read descriptor 99: Bad file descriptor",
        ),
        (&["--auth", "ticket", "--secret-env", "WAMPPROC_UNSET"], "expected a secret in the environment variable"),
        (&["--auth", "ticket", "--secret-file", empty.path()], "expected a secret in"),
        (&["--authextra", "[1]"], "--authextra: expected a dict in JSON, got \"[1]\""),
    ] {
        let end = run([&["call", "a.b"], arguments].concat());
        assert_eq!(end.code, Some(2), "{arguments:?}: {}", end.stderr);
        assert!(end.stderr.starts_with(&format!("wampproc: {sentence}")), "{arguments:?}: {}", end.stderr);
        assert!(!end.stderr.contains(SECRET));
    }
}

#[cfg(not(feature = "auth"))]
#[test]
fn a_build_without_logins_names_the_feature() {
    let file = SecretFile::new("tiny", SECRET);
    for arguments in [
        &["call", "a.b", "--authid", "joe", "--secret-file", file.path()][..],
        &["call", "a.b", "--auth", "scram"],
        &["join", "--auth", "cryptosign", "--secret-file", file.path()],
        &["serve", "--users", file.path(), "--listen", "127.0.0.1:0"],
        &["passwd", file.path(), "joe"],
        &["keygen", file.path()],
    ] {
        let end = run(arguments);
        assert_eq!(end.code, Some(2), "{arguments:?}");
        assert!(end.stderr.contains("build it with the cargo feature \"auth\""), "{arguments:?}: {}", end.stderr);
    }
}

#[test]
fn a_file_that_others_can_read_is_refused_unless_they_may() {
    let router = FakeRouter::new();
    let file = SecretFile::new("mode", SECRET);
    fs::set_permissions(file.path(), Permissions::from_mode(0o640)).unwrap();
    let login = ["call", "a.b", "--auth", "ticket", "--authid", "joe", "--secret-file", file.path()];
    let end = run(login);
    let sentence = format!(
        "wampproc: expected a file that nobody but its owner can read, got {0} with mode 640 (chmod 600 {0}, or \
         --insecure-permissions)\n",
        file.path()
    );
    assert!(end.code == Some(2) && end.stderr.starts_with(&sentence), "{}", end.stderr);
    let program = start(&router, &[&login[..], &["--insecure-permissions"]].concat());
    let mut client = router.accept();
    client.expect(1);
    client.send(&json!([3, {"message": "no"}, "wamp.error.authentication_denied"]));
    client.expect_end();
    let refusal = "wampproc: the router refuses the session: wamp.error.authentication_denied: no\n";
    assert_end(&program.end(), 4, "", refusal);
}

#[test]
fn a_secret_comes_from_a_file_the_environment_or_a_descriptor_and_is_shown_nowhere() {
    let file = SecretFile::new("sources", &format!("{SECRET}\r\n"));
    for (source, value) in [("--secret-file", file.path()), ("--secret-env", "WAMPPROC_SECRET"), ("--secret-fd", "3")] {
        let router = FakeRouter::new();
        let url = router.url().to_string();
        // Only a shell passes a descriptor on by its number.
        let mut command = std::process::Command::new("sh");
        let script = format!("exec \"$0\" \"$@\" 3< {}", file.path());
        command.args(["-c", &script, env!("CARGO_BIN_EXE_wampproc"), "call", "a.b", "--url", &url]);
        command.args(["--auth", "ticket", "--authid", "joe", "--authrole", "operator", "--authextra", r#"{"a":1}"#]);
        command.args(["--log-level", "trace", source, value]).env("WAMPPROC_SECRET", SECRET).stdin(Stdio::null());
        let program = Program::spawn(command);
        let mut client = router.accept();
        let hello = client.expect(1);
        let expected = json!([["ticket"], "joe", "operator", {"a": 1}]);
        let said = ["authmethods", "authid", "authrole", "authextra"].map(|name| hello[2][name].clone());
        assert_eq!(json!(said), expected, "{source}");
        client.send(&json!([4, "ticket", {}]));
        assert_eq!(client.expect(5), json!([5, SECRET, {}]), "{source}");
        client.send(&json!([2, 4711, {"roles": {"dealer": {}}, "authid": "joe"}]));
        let call = client.expect(48);
        client.send(&json!([50, call[1], {}, [1]]));
        part(&mut client);
        let end = program.end();
        assert_eq!((end.code, end.text()), (Some(0), "1\n"), "{source}: {}", end.stderr);
        assert!(!end.stderr.contains(SECRET), "{source}: {}", end.stderr);
    }
}

#[test]
fn who_breaks_the_steps_of_a_login_broke_the_protocol_exit_6() {
    let file = SecretFile::new("steps", SECRET);
    let router = FakeRouter::new();
    let login = ["call", "a.b", "--auth", "ticket", "--authid", "joe", "--secret-file", file.path()];
    let program = start(&router, &login);
    let mut client = router.accept();
    client.expect(1);
    client.send(&json!([4, "wampcra", {"challenge": "x"}]));
    let sentence = "CHALLENGE: expected the method that was offered, ticket, got \"wampcra\"";
    assert_eq!(client.expect(3), json!([3, {"message": sentence}, "wamp.error.protocol_violation"]));
    client.expect_end();
    assert_end(&program.end(), 6, "", &format!("wampproc: the router broke the protocol: {sentence}\n"));
}

#[cfg(feature = "auth")]
#[test]
fn a_router_that_asks_for_too_much_is_refused_exit_4() {
    let file = SecretFile::new("limits", SECRET);
    let router = FakeRouter::new();
    let program = start(&router, &["call", "a.b", "--authid", "joe", "--secret-file", file.path()]);
    let mut client = router.accept();
    assert_eq!(client.expect(1)[2]["authmethods"], json!(["wampcra"]), "the default for a text");
    client.send(&json!([4, "wampcra", {"challenge": "x", "salt": "s", "iterations": 1, "keylen": 1_u64 << 63}]));
    let sentence = "CHALLENGE: keylen: expected 1 to 64, got 9223372036854775808";
    assert_eq!(client.expect(3), json!([3, {"message": sentence}, "wamp.error.authentication_failed"]));
    client.expect_end();
    let refusal = format!("wampproc: the router refuses the session: wamp.error.authentication_failed: {sentence}\n");
    assert_end(&program.end(), 4, "", &refusal);
}

#[cfg(feature = "auth")]
#[test]
fn a_router_that_wants_the_login_bound_to_the_channel_is_refused_exit_4() {
    let key = SecretFile::new("bound", &"07".repeat(32));
    let challenge = json!({"challenge": "0".repeat(64), "channel_binding": "tls-unique"});
    for words in [&["call", "a.b"][..], &["join"]] {
        let router = FakeRouter::new();
        let url = router.url().to_string();
        let place = if words[0] == "join" { vec![url.as_str()] } else { vec!["--url", &url] };
        let login = ["--auth", "cryptosign", "--authid", "joe", "--secret-file", key.path(), "--log-level", "off"];
        let program = Program::spawn(wampproc([words, &place, &login].concat()));
        let mut client = router.accept();
        assert_eq!(client.expect(1)[2]["authextra"].get("channel_binding"), None, "it is not asked for");
        client.send(&json!([4, "cryptosign", challenge]));
        let sentence = "CHALLENGE: channel_binding: expected null, as none is offered, got \"tls-unique\"";
        assert_eq!(client.expect(3), json!([3, {"message": sentence}, "wamp.error.authentication_failed"]));
        client.expect_end();
        let refusal =
            format!("wampproc: the router refuses the session: wamp.error.authentication_failed: {sentence}\n");
        assert_end(&program.end(), 4, "", &refusal);
    }
}

#[test]
fn a_refused_login_ends_join_at_once() {
    let file = SecretFile::new("join", SECRET);
    let router = FakeRouter::new();
    let url = router.url().to_string();
    let login = ["join", &url, "--auth", "ticket", "--authid", "joe", "--secret-file", file.path()];
    let program = Program::spawn(wampproc(login.iter().chain(&["--log-level", "off"])));
    let mut client = router.accept();
    client.expect(1);
    client.send(&json!([4, "ticket", {}]));
    client.expect(5);
    client.send(&json!([3, {"message": "no"}, "wamp.error.authentication_denied"]));
    client.expect_end();
    let refusal = "wampproc: the router refuses the session: wamp.error.authentication_denied: no\n";
    assert_end(&program.end(), 4, "", refusal);
}

#[test]
fn a_child_does_not_get_the_secret() {
    let router = FakeRouter::new();
    let url = router.url().to_string();
    let login = ["--auth", "ticket", "--authid", "joe", "--secret-env", "WAMPPROC_PW"];
    let script = r#"echo "secret=$WAMPPROC_PW other=$WAMPPROC_OTHER""#;
    let mut command = wampproc([&["join", &url], &login[..], &["--", "sh", "-c", script]].concat());
    command.env("WAMPPROC_PW", SECRET).env("WAMPPROC_OTHER", "x");
    let end = Program::spawn(command).end();
    assert_eq!((end.code, end.text()), (Some(0), "secret= other=x\n"), "{}", end.stderr);
}
