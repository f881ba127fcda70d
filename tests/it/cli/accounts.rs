//! Users of `serve`: made by `passwd` and `keygen`, logged in by every method, and held to their roles. And the README's file.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::{Pid, Uid};
use serde_json::{Value, json};

use super::logins::SecretFile;
use super::serve;
use crate::directory::Directory;
use crate::server::client::connect;
use crate::support::{End, PATIENCE, Program, run, wampproc};

const SECRET: &str = "correct horse";

/// Sets a secret that comes over a pipe.
fn passwd(arguments: &[&str], secret: &str) -> End {
    let mut command = wampproc([&["passwd"], arguments].concat());
    command.stdin(Stdio::piped());
    let mut program = Program::spawn(command);
    // A program that refuses its arguments does not read.
    let _ = program.input().write_all(secret.as_bytes());
    program.end()
}

fn mode(file: &str) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

fn call(procedure: &str, url: &str, login: &[&str]) -> (Option<i32>, String, String) {
    let end = run([&["call", procedure, "--url", url], login].concat());
    (end.code, end.text().trim_end().to_owned(), end.stderr)
}

#[test]
fn users_are_made_log_in_by_every_method_and_do_what_their_role_may() {
    let directory = Directory::new();
    let (users, key) = (directory.word("users.json"), directory.word("key"));
    let end = passwd(&[&users, "joe", "--role", "observer", "--ticket"], &format!("{SECRET}\n"));
    assert_eq!((end.code, end.text(), end.stderr.as_str()), (Some(0), "", ""));
    let end = run(["keygen", &key, "--users", &users, "--authid", "joe"]);
    let public = end.text().trim_end().to_owned();
    assert_eq!((end.code, public.len(), mode(&users), mode(&key)), (Some(0), 64, 0o600, 0o600));
    let text = fs::read_to_string(&users).unwrap();
    assert!(text.contains(&public) && !text.contains(SECRET) && text.contains("\"observer\""), "{text}");
    let again = run(["keygen", &key]);
    assert!(again.code == Some(1) && again.stderr.contains("File exists"), "a key is never replaced: {}", again.stderr);

    let secret = SecretFile::new("whole", SECRET);
    let (_program, url) = serve(&["--users", &users, "--log-level", "off"]);
    let login = ["--authid", "joe", "--secret-file", secret.path()];
    for arguments in [
        [&["--auth", "ticket"][..], &login].concat(),
        [&["--auth", "wampcra"][..], &login].concat(),
        [&["--auth", "scram"][..], &login].concat(),
        vec!["--auth", "cryptosign", "--authid", "joe", "--secret-file", &key],
        vec!["--secret-file", &key],
    ] {
        let (code, out, err) = call("crossbar.worker.wampproc.get_cpu_affinity", &url, &arguments);
        assert!(code == Some(0) && out.starts_with('['), "{arguments:?}: {out} {err}");
    }
    let login = ["--auth", "ticket", "--authid", "joe", "--secret-file", secret.path()];
    for procedure in
        ["crossbar.worker.wampproc.trigger_gc", "wamp.session.list", "crossbar.worker.wampproc.start_manhole"]
    {
        let (code, _, err) = call(procedure, &url, &login);
        let sentence =
            format!("wamp.error.not_authorized: expected a role that may call {procedure}, got \"observer\"");
        assert_eq!((code, err), (Some(1), format!("wampproc: {sentence}\n")));
    }
    let (code, _, err) = call("a.b", &url, &[]);
    assert!(code == Some(4) && err.contains("expected one of ticket, wampcra, scram, cryptosign"), "{err}");
    assert!(err.ends_with(" (log in with --authid and --secret-file)\n"), "{err}");
    let (code, _, err) = call("a.b", &url, &["--authid", "joe", "--secret-file", &key]);
    assert!(code == Some(4) && err.ends_with("looks like a private key: --auth cryptosign logs in by it)\n"), "{err}");
    let end = run(["join", &url, "--log-level", "off"]);
    assert!(
        end.code == Some(4) && end.stderr.ends_with(" (log in with --authid and --secret-file)\n"),
        "{}",
        end.stderr
    );
    let wrong = SecretFile::new("wrong", "battery staple");
    for authid in ["joe", "nobody"] {
        let (code, _, err) = call("a.b", &url, &["--authid", authid, "--secret-file", wrong.path()]);
        let denied =
            format!("wamp.error.authentication_denied: expected the proof of a user, got a wrong one for {authid:?}");
        assert_eq!((code, err), (Some(4), format!("wampproc: the router refuses the session: {denied}\n")));
    }
}

#[test]
fn a_key_that_cannot_be_written_is_not_there() {
    let directory = Directory::new();
    let (users, key) = (directory.word("users.json"), directory.word("key"));
    let attempt = |script: &str| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_wampproc"), &key, &users]).stdin(Stdio::null());
        Program::spawn(command).end()
    };
    // Files of no bytes: as on a full disk, but for the errno.
    let end = attempt("trap '' XFSZ; ulimit -f 0; exec \"$0\" keygen \"$1\"");
    assert!(end.code == Some(1) && end.stderr.contains("cannot make "), "{}", end.stderr);
    assert_eq!(fs::read_dir(directory.path(".")).unwrap().count(), 0);
    // The user is wrong, and is told before anything is made; the file is, and is told after it.
    let end = attempt("exec \"$0\" keygen \"$1\" --users \"$2\" --authid joe --role boss");
    assert!(end.code == Some(2) && end.stderr.contains("users.joe.role: "), "{}", end.stderr);
    assert_eq!(fs::read_dir(directory.path(".")).unwrap().count(), 0);
    assert_eq!(attempt("exec \"$0\" keygen \"$1\"").code, Some(0));
}

#[test]
fn the_routers_log_quotes_who_was_wrong_as_he_wrote_himself() {
    let directory = Directory::new();
    let users = directory.word("users.json");
    assert_eq!(passwd(&[&users, "joe", "--role", "observer"], SECRET).code, Some(0));
    let wrong = SecretFile::new("quoted", "battery staple");
    let (mut program, url) = serve(&["--users", &users]);
    assert_eq!(call("a.b", &url, &["--authid", "joe", "--secret-file", wrong.path()]).0, Some(4));
    let line = program.wait_for_log("refused a login");
    assert!(line.ends_with("expected the proof of a user, got a wrong one for \"joe\"\n"), "{line}");
}

#[test]
fn a_new_secret_replaces_the_old_one_and_keeps_the_role_and_the_keys() {
    let directory = Directory::new();
    let (users, key) = (directory.word("users.json"), directory.word("key"));
    assert_eq!(passwd(&[&users, "joe", "--role", "admin", "--ticket"], SECRET).code, Some(0));
    assert_eq!(run(["keygen", &key, "--users", &users, "--authid", "joe"]).code, Some(0));
    let read = || serde_json::from_str::<Value>(&fs::read_to_string(&users).unwrap()).unwrap()["users"]["joe"].clone();
    let before = read();
    assert_eq!(passwd(&[&users, "joe"], SECRET).code, Some(0));
    let after = read();
    assert_eq!((&after["role"], &after["cryptosign"]), (&before["role"], &before["cryptosign"]));
    assert_ne!(after["wampcra"]["salt"], before["wampcra"]["salt"]);
    assert!(before.get("ticket").is_some() && after.get("ticket").is_none(), "only as long as it is asked for");
}

#[test]
fn a_link_stays_one_and_the_file_stays_its_owners() {
    let directory = Directory::new();
    let (users, link) = (directory.word("users.json"), directory.word("link.json"));
    assert_eq!(passwd(&[&users, "joe", "--role", "admin"], SECRET).code, Some(0));
    symlink(&users, &link).unwrap();
    // Only root can give a file away.
    let others = Uid::effective().is_root();
    if others {
        chown(&users, Some(1), Some(1)).unwrap();
    }
    assert_eq!(passwd(&[&link, "ann", "--role", "admin"], SECRET).code, Some(0));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let metadata = fs::metadata(&users).unwrap();
    assert_eq!((metadata.uid() == 1, metadata.gid() == 1), (others, others));
    assert!(fs::read_to_string(&users).unwrap().contains("\"ann\""));
    assert_eq!((mode(&users), fs::read_dir(directory.path(".")).unwrap().count()), (0o600, 2));
}

#[test]
fn what_is_wrong_is_told_and_changes_nothing() {
    let directory = Directory::new();
    let users = directory.word("users.json");
    for (arguments, secret, sentence) in [
        (&["joe"][..], SECRET, "--role: expected a role for \"joe\", who is not in the file yet, got none"),
        (
            &["joe", "--role", "boss"],
            SECRET,
            "users.joe.role: expected one of the roles admin, agent, observer, operator",
        ),
        (&["joe", "--role", "admin"], "", "expected a secret, got nothing"),
        (&["joe", "--role", "admin"], "a\nb\n", "expected one line, got more"),
        (&["a,b", "--role", "admin"], SECRET, "users.a,b.scram: expected an authid of printable ASCII"),
    ] {
        let end = passwd(&[&[users.as_str()], arguments].concat(), secret);
        assert!(end.code == Some(2) && end.stderr.contains(sentence), "{arguments:?}: {}", end.stderr);
        assert!(!fs::exists(&users).unwrap());
    }
    for (text, sentence) in [
        ("{", "users.json: expected JSON, got but the beginning of some, up to line 1"),
        ("{\"users\": {\"joe\": {\"role\": \"boss\"}}}", "users.joe.role: expected one of the roles"),
        (
            "{\"users\": {\"joe\": {\"role\": \"admin\", \"ticket\": \"hunter2\"}}}",
            "users.json: users.joe.ticket: expected a dict, at line 1, column ",
        ),
    ] {
        fs::write(&users, text).unwrap();
        fs::set_permissions(&users, fs::Permissions::from_mode(0o600)).unwrap();
        let end = run(["serve", "--listen", "127.0.0.1:0", "--users", &users]);
        assert!(end.code == Some(2) && end.stderr.contains(sentence), "{text}: {}", end.stderr);
        assert!(!end.stderr.contains("hunter2"));
        assert_eq!(fs::read_to_string(&users).unwrap(), text);
    }
    let end = run(["serve", "--listen", "127.0.0.1:0", "--users", "/nowhere"]);
    assert!(end.code == Some(2) && end.stderr.contains("cannot read /nowhere (--users): No such"), "{}", end.stderr);
    fs::set_permissions(&users, fs::Permissions::from_mode(0o644)).unwrap();
    let end = run(["serve", "--listen", "127.0.0.1:0", "--users", &users]);
    assert!(end.code == Some(2) && end.stderr.contains("nobody but its owner can read"), "{}", end.stderr);
}

#[test]
fn with_users_others_can_reach_the_address() {
    let directory = Directory::new();
    let users = directory.word("users.json");
    assert_eq!(passwd(&[&users, "joe", "--role", "admin", "--ticket"], SECRET).code, Some(0));
    let mut program = Program::spawn(wampproc(["serve", "--listen", "0.0.0.0:0", "--users", &users]));
    let ready = program.line();
    let url = ready.split(' ').nth(1).unwrap();
    let secret = SecretFile::new("remote", SECRET);
    let login = ["--auth", "ticket", "--authid", "joe", "--secret-file", secret.path()];
    assert_eq!(call("wamp.session.count", url, &login).1, "2");
    let (_, _, err) = call("a.b", url, &["--auth", "ticket", "--authid", "x", "--secret-file", secret.path()]);
    let log = program.wait_for_log("refused a login");
    assert!(log.contains("got a wrong one for ") && log.contains("127.0.0.1:"), "{log}{err}");
    assert!(!log.contains(SECRET));
    // Who guesses, and does not wait to be told, is seen too.
    let address: SocketAddr = url.strip_prefix("ws://").unwrap().trim_end_matches("/ws").parse().unwrap();
    let mut guesser = connect(address);
    guesser.write_all(&[0x7f, 0xf1, 0, 0]).unwrap();
    guesser.read_exact(&mut [0; 4]).unwrap();
    let mut say = |text: &str| {
        let length = u8::try_from(text.len()).unwrap();
        guesser.write_all(&[&[0, 0, 0, length], text.as_bytes()].concat()).unwrap();
    };
    say(r#"[1,"realm1",{"roles":{"caller":{}},"authid":"guessed","authmethods":["ticket"]}]"#);
    say(r#"[5,"wrong",{}]"#);
    drop(guesser);
    assert!(program.wait_for_log("guessed").contains("refused a login"));
}

/// A program that reads from a terminal, of which the test has the other end, and prompts on a pipe.
struct AtTerminal {
    child: Child,
    master: File,
    slave: OwnedFd,
    stderr: ChildStderr,
    said: String,
}

/// What can be read in this time: nothing, when that is over or it is the end.
fn read_within(source: &mut (impl Read + AsFd), time: Duration) -> String {
    let mut sources = [PollFd::new(source.as_fd(), PollFlags::POLLIN)];
    if poll(&mut sources, PollTimeout::try_from(time).unwrap()).unwrap() == 0 {
        return String::new();
    }
    let mut bytes = [0; 256];
    let length = source.read(&mut bytes).unwrap();
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

impl AtTerminal {
    fn start(arguments: &[&str]) -> Self {
        let pty = openpty(None, None).unwrap();
        let mut command = wampproc(arguments);
        command.stdin(Stdio::from(pty.slave.try_clone().unwrap())).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        Self { child, master: pty.master.into(), slave: pty.slave, stderr, said: String::new() }
    }

    fn wait_for(&mut self, text: &str) {
        while !self.said.contains(text) {
            let more = read_within(&mut self.stderr, PATIENCE);
            assert_ne!(more, "", "expected {text:?}, got {:?}", self.said);
            self.said.push_str(&more);
        }
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.slave).unwrap().local_flags.contains(LocalFlags::ECHO)
    }

    /// The exit code, and what the terminal showed.
    fn end(&mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match read_within(&mut self.stderr, PATIENCE) {
                more if more.is_empty() => break,
                more => self.said.push_str(&more),
            }
        }
        // Its end of the pipe is closed: it has ended, or is about to.
        let code = self.child.wait().unwrap().code();
        (code, read_within(&mut self.master, Duration::ZERO))
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        // Neither fails but for a process that has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_terminal_shows_no_secret_and_is_as_before_afterwards() {
    let directory = Directory::new();
    let users = directory.word("users.json");
    let mut terminal = AtTerminal::start(&["passwd", &users, "joe", "--role", "admin"]);
    terminal.wait_for("secret of joe: ");
    assert!(!terminal.echoes());
    terminal.master.write_all(b"correct horse\n").unwrap();
    terminal.wait_for("again: ");
    terminal.master.write_all(b"correct horse\n").unwrap();
    assert_eq!(terminal.end(), (Some(0), "\r\n\r\n".to_owned()));
    assert!(terminal.echoes() && fs::exists(&users).unwrap());

    let mut terminal = AtTerminal::start(&["passwd", &users, "joe"]);
    terminal.wait_for("secret of joe: ");
    terminal.master.write_all(b"one\n").unwrap();
    terminal.wait_for("again: ");
    terminal.master.write_all(b"other\n").unwrap();
    assert_eq!((terminal.end().0, terminal.echoes()), (Some(2), true));
    assert!(terminal.said.contains("expected the same secret twice, got two"), "{}", terminal.said);

    let mut terminal = AtTerminal::start(&["passwd", &users, "joe"]);
    terminal.wait_for("secret of joe: ");
    kill(Pid::from_raw(terminal.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    assert_eq!((terminal.end().0, terminal.echoes()), (Some(130), true));
}

#[test]
fn the_file_in_the_readme_is_one_that_serve_takes() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = readme.split_once("### The file of users").unwrap();
    let (_, rest) = rest.split_once("```json\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let file = SecretFile::new("readme", text);
    let (_program, url) = serve(&["--users", file.path(), "--log-level", "off"]);
    let secret = SecretFile::new("readme-secret", SECRET);
    for method in ["wampcra", "scram"] {
        let login = ["--auth", method, "--authid", "joe", "--secret-file", secret.path()];
        let (code, _, err) = call("crossbar.worker.wampproc.trigger_gc", &url, &login);
        assert_eq!(code, Some(0), "{method}: {err}");
    }
    // Anonymous sessions have the role that the file gives them.
    assert_eq!(call("crossbar.worker.wampproc.uptime", &url, &[]).0, Some(0));
    let (code, _, err) = call("crossbar.worker.wampproc.trigger_gc", &url, &[]);
    assert_eq!((code, err.contains("not_authorized")), (Some(1), true), "{err}");
    let roles: Value = serde_json::from_str::<Value>(text).unwrap()["roles"].clone();
    assert_eq!(roles["pump"][0]["match"], json!("prefix"));
}
