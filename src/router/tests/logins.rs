//! Logins: a client's session and the router back to back, by every method; wrong secrets, users that there are not, and clients
//! that do not keep to the steps.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, error_of};
use crate::router::users::{Accounts, CraEntry, Directory, ScramEntry, TicketEntry, UserEntry, UsersFile};
use crate::router::{Action, Disclosure, Locality, LoginConfig, Output, PeerId, Permission, Role};
use crate::wamp::auth::cryptosign::PrivateKey;
use crate::wamp::auth::{Credential, Login, Method, NONCE_LENGTH, Secret, wampcra};
use crate::wamp::event::Event;
use crate::wamp::options::{Match, WelcomeDetails};
use crate::wamp::session::Session;
use crate::wamp::{Uri, typed};

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn secret() -> Secret {
    Secret::new("correct horse".to_owned())
}

pub(super) fn key() -> PrivateKey {
    PrivateKey::from_seed(&[5; 32])
}

/// With few rounds: an unoptimised build takes its time for the usual ones.
fn cra_entry() -> CraEntry {
    let key = wampcra::derive(&secret(), "AgICAgICAgICAgICAgICAg==", 100, 32);
    serde_json::from_value(json!({"salt": "AgICAgICAgICAgICAgICAg==", "iterations": 100, "key": key.expose()})).unwrap()
}

/// joe has every entry; ann only the one for WAMP-CRA.
pub(super) fn file() -> UsersFile {
    let joe = UserEntry {
        role: "operator".to_owned(),
        ticket: Some(TicketEntry::new(&secret(), [1; 16])),
        wampcra: Some(cra_entry()),
        scram: ScramEntry::new(&secret(), [3; 16]),
        cryptosign: vec![key().public().to_string()],
        local: Vec::new(),
        tls: Vec::new(),
    };
    let ann = UserEntry { ticket: None, scram: None, cryptosign: Vec::new(), ..joe.clone() };
    let users = BTreeMap::from([("joe".to_owned(), joe), ("ann".to_owned(), ann)]);
    UsersFile { users, ..UsersFile::default() }
}

pub(super) fn bench_of(file: &UsersFile) -> Bench {
    let permission = |uri: &str, allow: &[Action]| Permission {
        uri: Uri::from(uri),
        matching: Match::Prefix,
        allow: allow.to_vec(),
        deny: if allow.is_empty() { Action::ALL.to_vec() } else { Vec::new() },
        disclose: Disclosure { caller: true, publisher: true },
    };
    let operator = Role::new(vec![permission("com.", &Action::ALL), permission("com.closed.", &[])]);
    let roles = BTreeMap::from([("operator".to_owned(), operator), ("observer".to_owned(), Role::default())]);
    // Through its text, as the program does.
    let file = UsersFile::parse(&file.to_text()).unwrap();
    let users = Arc::new(Directory::new(&file, roles, &Accounts::default()).unwrap());
    Bench::with(|config| config.logins = Some(LoginConfig::new(users, [9; 32])))
}

fn credential(method: Method, secret: Secret) -> Credential {
    match method {
        Method::Anonymous => Credential::Anonymous,
        Method::Ticket => Credential::Ticket(secret),
        Method::WampCra => Credential::WampCra(secret),
        Method::Scram => Credential::Scram(secret),
        Method::Cryptosign => Credential::Cryptosign(key()),
    }
}

const PROVED: [Method; 4] = [Method::Ticket, Method::WampCra, Method::Scram, Method::Cryptosign];

/// Hands messages to and fro until neither has more to say.
fn converse(bench: &mut Bench, peer: PeerId, session: &mut Session) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        while let Some(message) = session.next_message() {
            bench.router.receive(peer, message, bench.now(), &mut bench.out);
        }
        let mut moved = false;
        while let Some(output) = bench.out.pop_front() {
            if let Output::Send { to, message } = output {
                assert_eq!(to, peer);
                moved = true;
                events.extend(session.receive(message).unwrap());
            }
        }
        if !moved {
            return events;
        }
    }
}

pub(super) fn log_in(bench: &mut Bench, login: &Login) -> (PeerId, Session, Vec<Event>) {
    let peer = bench.open();
    let mut session = Session::join(Uri::from("realm1"), "test", login.attempt([7; NONCE_LENGTH]));
    let events = converse(bench, peer, &mut session);
    (peer, session, events)
}

pub(super) fn joined(events: &[Event]) -> &WelcomeDetails {
    match events {
        [Event::Joined { details, .. }] => details,
        other => panic!("{other:?}"),
    }
}

pub(super) fn as_user(authid: &str, method: Method, secret: Secret) -> Login {
    Login::new(credential(method, secret), Some(authid.to_owned())).unwrap()
}

#[test]
fn every_method_lets_the_right_one_in() {
    let mut bench = bench_of(&file());
    for method in PROVED {
        let (_, _, events) = log_in(&mut bench, &as_user("joe", method, secret()));
        let details = joined(&events);
        let text = |value: &Option<String>| value.clone().unwrap();
        assert_eq!((text(&details.authid), text(&details.authrole)), ("joe".to_owned(), "operator".to_owned()));
        assert_eq!(
            (text(&details.authmethod), text(&details.authprovider)),
            (method.name().to_owned(), "static".to_owned())
        );
        assert_eq!(details.authextra.is_some(), method == Method::Scram);
    }
    let by_key = Login::new(Credential::Cryptosign(key()), None).unwrap();
    assert_eq!(joined(&log_in(&mut bench, &by_key).2).authid.as_deref(), Some("joe"), "the key says who it is");
    assert_eq!(bench.router.counters().logins_failed, 0);
}

#[test]
fn a_wrong_secret_and_no_such_user_are_answered_alike_and_later() {
    for method in PROVED {
        let wrong = match method {
            Method::Cryptosign => Credential::Cryptosign(PrivateKey::from_seed(&[6; 32])),
            other => credential(other, Secret::new("battery staple".to_owned())),
        };
        for (authid, credential) in [("joe", wrong), ("bob", credential(method, secret()))] {
            let mut bench = bench_of(&file());
            let login = Login::new(credential, Some(authid.to_owned())).unwrap();
            let peer = bench.open();
            let mut session = Session::join(Uri::from("realm1"), "test", login.attempt([7; NONCE_LENGTH]));
            // HELLO, CHALLENGE, AUTHENTICATE.
            bench.router.receive(peer, session.next_message().unwrap(), bench.now(), &mut bench.out);
            let Some(Output::Send { message, .. }) = bench.out.pop_front() else { panic!("{:?}", bench.out) };
            assert_eq!(session.receive(message).unwrap(), None);
            bench.router.receive(peer, session.next_message().unwrap(), bench.now(), &mut bench.out);
            let sentence = format!("expected the proof of a user, got a wrong one for {authid:?}");
            let noted = Output::LoginFailed { peer, sentence: sentence.clone() };
            assert_eq!(bench.out.drain(..).collect::<Vec<_>>(), [noted], "{method:?}: noted at once, told later");
            bench.wait(Duration::from_millis(499));
            bench.nothing_more();
            bench.wait(Duration::from_millis(1));
            let events = converse(&mut bench, peer, &mut session);
            let [Event::Refused(closing)] = &events[..] else { panic!("{method:?} {authid}: {events:?}") };
            assert_eq!(closing.to_string(), format!("wamp.error.authentication_denied: {sentence}"));
            assert_eq!(bench.router.counters().logins_failed, 1);
            assert!(bench.router.is_empty());
        }
    }
}

fn challenge(bench: &mut Bench, authid: &str, method: Method) -> Value {
    let peer = bench.open();
    let extra = json!({"nonce": "AAAAAAAAAAAAAAAAAAAAAAAA", "pubkey": key().public().to_string()});
    let details =
        json!({"roles": {"caller": {}}, "authmethods": [method.name()], "authid": authid, "authextra": extra});
    let got = bench.ask(peer, &json!([1, "realm1", details]).to_string());
    assert_eq!((got.len(), &got[0][0], &got[0][1]), (1, &json!(4), &json!(method.name())), "{got:?}");
    bench.lose(peer);
    got[0][2].clone()
}

/// Everything of a text but what is random: letters and digits.
fn shape(value: &Value) -> String {
    let masked = |c: char| if c.is_ascii_alphanumeric() || "+/".contains(c) { 'x' } else { c };
    value.to_string().chars().map(masked).collect()
}

#[test]
fn a_user_that_there_is_not_gets_a_challenge_of_the_same_form() {
    let mut bench = bench_of(&file());
    for method in PROVED {
        let known = challenge(&mut bench, "joe", method);
        for authid in ["bob", "ann"] {
            if (authid, method) == ("ann", Method::WampCra) {
                continue;
            }
            let unknown = challenge(&mut bench, authid, method);
            assert_eq!(shape(&unknown), shape(&known), "{authid} {method:?}");
            for name in ["kdf", "iterations", "memory", "keylen"] {
                assert_eq!(unknown.get(name), known.get(name), "{authid} {method:?} {name}");
            }
            let again = challenge(&mut bench, authid, method);
            assert_eq!(again.get("salt"), unknown.get("salt"), "a salt that changes would tell");
            let other = challenge(&mut bench, "eve", method);
            assert!(other.get("salt").is_none() || other.get("salt") != unknown.get("salt"), "so would one for all");
        }
        for name in ["nonce", "challenge"] {
            let again = challenge(&mut bench, "joe", method);
            assert!(
                known.get(name).is_none() || known.get(name) != again.get(name),
                "{method:?}: {name} is not random"
            );
        }
    }
}

#[test]
fn the_first_known_method_is_taken_whoever_asks() {
    let mut bench = bench_of(&file());
    for authid in ["joe", "ann", "bob"] {
        let peer = bench.open();
        let details = json!({"roles": {"caller": {}}, "authmethods": ["tls", "anonymous", "scram", "wampcra"], "authid": authid,
            "authextra": {"nonce": "AAAA"}});
        let got = bench.ask(peer, &json!([1, "realm1", details]).to_string());
        assert_eq!((&got[0][0], &got[0][1]), (&json!(4), &json!("scram")));
    }
}

#[test]
fn hellos_that_cannot_be_challenged_are_refused() {
    for (details, uri, sentence) in [
        (
            json!({}),
            "wamp.error.no_auth_method",
            "expected one of ticket, wampcra, scram, cryptosign among authmethods, got []",
        ),
        (
            json!({"authmethods": ["anonymous"]}),
            "wamp.error.no_auth_method",
            "expected one of ticket, wampcra, scram, cryptosign among authmethods, got [\"anonymous\"]",
        ),
        (
            json!({"authmethods": ["ticket"]}),
            "wamp.error.authentication_denied",
            "HELLO: expected an authid for a login by ticket, got none",
        ),
        (
            json!({"authmethods": ["cryptosign"]}),
            "wamp.error.authentication_denied",
            "HELLO: expected an authid for a login by cryptosign, got none",
        ),
        (
            json!({"authmethods": ["scram"], "authid": "joe"}),
            "wamp.error.authentication_denied",
            "HELLO: expected a nonce of base64 in authextra for a login by scram, got none",
        ),
        (
            json!({"authmethods": ["scram"], "authid": "joe", "authextra": {"nonce": "a,b"}}),
            "wamp.error.authentication_denied",
            "HELLO: expected a nonce of base64 in authextra for a login by scram, got none",
        ),
    ] {
        let mut bench = bench_of(&file());
        let peer = bench.open();
        let mut details = details;
        details["roles"] = json!({"caller": {}});
        let got = bench.ask(peer, &json!([1, "realm1", details]).to_string());
        assert_eq!(got, [json!([3, {"message": sentence}, uri]), json!("close")]);
    }
}

#[test]
fn anonymous_is_who_the_file_says() {
    let mut bench = bench_of(&UsersFile { anonymous: Some("observer".to_owned()), ..file() });
    for hello in ["{\"roles\":{\"caller\":{}}}", r#"{"roles":{"caller":{}},"authmethods":["anonymous","ticket"]}"#] {
        let (peer, _) = bench.join_with(&format!("[1,\"realm1\",{hello}]"));
        let got = bench.ask(peer, r#"[48,1,{},"com.a"]"#);
        assert_eq!(error_of(&got), "wamp.error.not_authorized");
    }
}

#[test]
fn steps_out_of_order_break_the_protocol() {
    let hello = json!([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": "joe"}]).to_string();
    for (steps, sentence) in [
        (&[r#"[5,"x",{}]"#][..], "expected HELLO first, got AUTHENTICATE"),
        (&[&hello, &hello], "expected AUTHENTICATE after CHALLENGE, got HELLO"),
        (&[&hello, r#"[48,1,{},"a.b"]"#], "expected AUTHENTICATE after CHALLENGE, got CALL"),
        (&[&hello, r#"[6,{},"wamp.close.normal"]"#], "expected AUTHENTICATE after CHALLENGE, got GOODBYE"),
        (
            &[&hello, r#"[5,"correct horse",{}]"#, r#"[5,"correct horse",{}]"#],
            "expected a message that a client sends in a session, got AUTHENTICATE",
        ),
    ] {
        let mut bench = bench_of(&file());
        let peer = bench.open();
        steps.iter().for_each(|step| bench.say(peer, step));
        let got = bench.got(peer);
        let end = [json!([3, {"message": sentence}, "wamp.error.protocol_violation"]), json!("close")];
        assert_eq!(got[got.len() - 2..], end, "{steps:?}");
    }
}

#[test]
fn who_does_not_answer_is_given_up_and_who_leaves_is_forgotten() {
    let mut bench = bench_of(&file());
    let hello = json!([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": "joe"}]).to_string();
    let (silent, polite) = (bench.open(), bench.open());
    bench.ask(silent, &hello);
    bench.ask(polite, &hello);
    let got = bench.ask(polite, r#"[3,{},"wamp.close.normal"]"#);
    assert_eq!(got, ["close"]);
    bench.wait(29 * SECOND);
    bench.nothing_more();
    bench.wait(SECOND);
    let sentence = "expected AUTHENTICATE in time, got nothing";
    assert_eq!(bench.got(silent), [json!([3, {"message": sentence}, "wamp.error.protocol_violation"]), json!("close")]);
    assert!(bench.router.is_empty() && bench.router.next_deadline().is_none());
}

#[test]
fn wrong_logins_slow_down_their_address_alone() {
    let mut bench = bench_of(&file());
    let (bad, good): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
    let hello = json!([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": "joe"}]).to_string();
    let attempt = |bench: &mut Bench, address, ticket: &str| {
        let peer = bench.open();
        bench.router.locate(peer, address);
        let got = bench.ask(peer, &hello);
        if got[0][0] == 3 {
            return (peer, got);
        }
        let got = bench.ask(peer, &json!([5, ticket, {}]).to_string());
        (peer, got)
    };
    for _ in 0..16 {
        let (peer, got) = attempt(&mut bench, bad, "wrong");
        assert!(got.is_empty(), "{got:?}");
        bench.lose(peer);
    }
    let (_, got) = attempt(&mut bench, bad, "correct horse");
    let sentence = "too many failed logins from this address; try again later";
    assert_eq!(got, [json!([3, {"message": sentence}, "wamp.error.unavailable"]), json!("close")]);
    assert_eq!(attempt(&mut bench, good, "correct horse").1[0][0], 2, "another address does not notice");
    bench.wait(8 * SECOND);
    assert_eq!(attempt(&mut bench, bad, "correct horse").1[0][0], 2);
    let (peer, _) = attempt(&mut bench, bad, "wrong");
    bench.wait(7 * SECOND);
    assert!(bench.got(peer).is_empty());
    bench.wait(SECOND);
    assert_eq!(error_of(&bench.got(peer)), "wamp.error.authentication_denied");
}

#[test]
fn the_routers_own_process_is_trusted() {
    let mut bench = bench_of(&file());
    let peer = bench.open_at(Locality::Embedded);
    let got = bench.ask(peer, r#"[1,"realm1",{"roles":{"callee":{}}}]"#);
    assert_eq!((&got[0][0], &got[0][2]["authrole"]), (&json!(2), &json!("trusted")));
    bench.register(peer, "prefix", "any.");
}

#[test]
fn a_session_may_what_its_role_may_and_is_disclosed_as_it_says() {
    let mut bench = bench_of(&file());
    let callee = bench.open_at(Locality::Embedded);
    bench.say(callee, super::bench::HELLO);
    bench.got(callee);
    bench.register(callee, "prefix", "com.");
    bench.subscribe(callee, "prefix", "com.");
    let (peer, _, events) = log_in(&mut bench, &as_user("joe", Method::Ticket, secret()));
    joined(&events);
    for (text, denied) in [
        (r#"[48,1,{},"com.closed.x"]"#, "expected a role that may call com.closed.x, got \"operator\""),
        (r#"[48,2,{},"wamp.session.list"]"#, "expected a role that may call wamp.session.list, got \"operator\""),
        (r#"[64,3,{},"org.x"]"#, "expected a role that may register org.x, got \"operator\""),
        (r#"[64,3,{"match":"prefix"},"com."]"#, "expected a role that may register com., got \"operator\""),
        (r#"[32,4,{"match":"wildcard"},"com..x"]"#, "expected a role that may subscribe to com..x, got \"operator\""),
        (r#"[16,5,{"acknowledge":true},"org.x"]"#, "expected a role that may publish to org.x, got \"operator\""),
    ] {
        let got = bench.ask(peer, text);
        assert_eq!((error_of(&got), &got[0][5]), ("wamp.error.not_authorized", &json!([denied])), "{text}");
    }
    assert!(bench.ask(peer, r#"[16,6,{},"org.x"]"#).is_empty(), "who wants no answer gets none");
    bench.nothing_more();
    bench.say(peer, r#"[48,7,{},"com.open"]"#);
    bench.say(peer, r#"[16,8,{},"com.open"]"#);
    let got = bench.got(callee);
    assert_eq!((&got[0][3]["caller_authid"], &got[0][3]["caller_authrole"]), (&json!("joe"), &json!("operator")));
    assert_eq!(got[1][3]["publisher_authid"], "joe");
}

/// What is done to a good file.
type Change = fn(&mut Value);

#[test]
fn what_is_wrong_in_a_file_is_told_by_its_place() {
    let with = |change: Change| {
        let mut value: Value = serde_json::from_str(&file().to_text()).unwrap();
        change(&mut value);
        UsersFile::parse(&value.to_string())
            .and_then(|file| {
                let roles = BTreeMap::from([("operator".to_owned(), Role::default())]);
                Directory::new(&file, roles, &Accounts::default())
            })
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(with(|_| {}), Ok(()));
    let cases: [(Change, &str); 12] = [
        (
            |v| v["users"]["joe"]["role"] = json!("boss"),
            "users.joe.role: expected one of the roles operator, got \"boss\"",
        ),
        (|v| v["anonymous"] = json!("x"), "anonymous: expected one of the roles operator, got \"x\""),
        (
            |v| v["roles"] = json!({"r": [{"uri": "a..b", "allow": ["call"]}]}),
            "roles.r[0]: uri: expected components separated by dots, none of them empty, got \"a..b\"",
        ),
        (
            |v| v["roles"] = json!({"r": [{"uri": "a", "allow": ["kill"]}]}),
            "roles.r[0].allow[0]: expected one of `call`, `register`",
        ),
        (|v| v["user"] = json!({}), "unknown field `user`"),
        (|v| v["users"]["joe"]["ticket"] = json!("hunter2"), "users.joe.ticket: expected a dict, at line 1"),
        (
            |v| v["users"]["joe"]["cryptosign"] = json!(["hunter2"]),
            "users.joe.cryptosign[0]: expected a public ed25519 key as 64 characters of hex, or as OpenSSH",
        ),
        (
            |v| v["users"]["joe"]["ticket"]["iterations"] = json!(1_000_000),
            "users.joe.ticket: iterations: expected 1 to 10000, got 1000000",
        ),
        (|v| v["users"]["joe"]["wampcra"]["key"] = json!("hunter2"), "users.joe.wampcra: expected base64 of 32 bytes"),
        (
            |v| v["users"]["joe"]["scram"]["memory"] = json!(1),
            "users.joe.scram: memory: expected 8 to 65536 (KiB), got 1",
        ),
        (
            |v| v["users"]["joe"]["scram"]["stored_key"] = json!("AAAA"),
            "users.joe.scram: stored_key: expected base64 of 32 bytes, got something else",
        ),
        (
            |v| {
                v["users"]["a,b"] = v["users"]["joe"].clone();
            },
            "users.a,b.scram: expected an authid of printable ASCII",
        ),
    ];
    for (change, expected) in cases {
        let sentence = with(change).unwrap_err();
        assert!(sentence.contains(expected) && !sentence.contains("hunter2"), "{sentence}");
    }
    const OPENSSH: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINV0VpCHeLHUQCVMvv5QxBp7UEce1CUh98aX+YsZff8p joe@board 7";
    with(|v| v["users"]["joe"]["cryptosign"] = json!([OPENSSH])).unwrap();
}

/// No secret, hash or key shows in what the router or its configuration is printed as.
#[test]
fn nothing_secret_is_shown() {
    let file = file();
    let bench = bench_of(&file);
    let shown = format!("{:?} {file:?}", bench.router);
    let value: Value = serde_json::from_str(&file.to_text()).unwrap();
    for (entry, names) in [("ticket", &["hash"][..]), ("wampcra", &["key"]), ("scram", &["stored_key", "server_key"])] {
        for name in names {
            let hidden = typed::string(value["users"]["joe"][entry][name].as_str().unwrap());
            assert!(!shown.contains(hidden.trim_matches('"')), "{entry}.{name}");
        }
    }
}
