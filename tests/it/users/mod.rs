//! Users of `serve` who come without a secret, and a file of users that is read again: the program on both sides.

#[cfg(feature = "tls")]
mod certificates;
mod local;
mod reload;

use serde_json::{Value, json};

use crate::directory::Directory;
use crate::support::{End, Program, run, wampproc};

/// A directory for a file of users and a socket.
struct Home(Directory);

impl Home {
    fn new() -> Self {
        Self(Directory::new())
    }

    fn path(&self, name: &str) -> String {
        self.0.word(name)
    }

    /// The URL of the socket in it.
    fn url(&self) -> String {
        format!("unix://{}", self.path("bus"))
    }

    /// Writes the file of users.
    fn write(&self, users: &Value) -> String {
        self.write_text(&json!({ "users": users }).to_string())
    }

    fn write_text(&self, text: &str) -> String {
        self.0.write("users.json", text, 0o600);
        self.path("users.json")
    }

    /// `serve` with the file, on the socket and on a free port: with the URL of that.
    fn serve(&self, flags: &[&str]) -> (Program, String) {
        let (listen, users) = (format!("unix:{}", self.path("bus")), self.path("users.json"));
        let words = ["serve", "--listen", &listen, "--listen", "127.0.0.1:0", "--users", &users];
        let mut program = Program::spawn(wampproc([&words[..], flags].concat()));
        let ready = program.line();
        let url = ready.split(' ').nth(1).unwrap().to_owned();
        (program, url)
    }
}

fn call(url: &str, words: &[&str]) -> End {
    run([&["call", "--url", url], words].concat())
}

/// The value that a call brings.
#[track_caller]
fn value(end: &End) -> Value {
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    serde_json::from_str(end.text()).unwrap()
}

/// That the router refuses the session, and says so with these words.
#[track_caller]
fn assert_refused(end: &End, words: &str) {
    assert_eq!((end.code, end.text()), (Some(4), ""), "{}", end.stderr);
    assert!(end.stderr.contains(words), "{}", end.stderr);
}

/// How the router knows the one session of that role, as it tells somebody who may ask.
fn session_of(role: &str, url: &str, login: &[&str]) -> Value {
    let roles = json!([role]).to_string();
    let sessions = value(&call(url, &[&["wamp.session.list", &roles], login].concat()));
    let id = sessions.as_array().unwrap()[0].to_string();
    value(&call(url, &[&["wamp.session.get", &id], login].concat()))
}
