//! Other users while the router runs: which sessions and logins go on, which end, and who comes in from then on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, error_of};
use super::logins::{as_user, file, joined, key, log_in, secret};
use crate::router::users::{Directory, UsersFile};
use crate::router::{Action, Disclosure, Evidence, LoginConfig, PeerId, Permission, Role};
use crate::wamp::Uri;
use crate::wamp::auth::cryptosign::PrivateKey;
use crate::wamp::auth::{Credential, Login, Method};
use crate::wamp::options::Match;

/// joe and ann, as where the methods are tested, and who needs no secret.
fn users() -> Value {
    let mut value: Value = serde_json::from_str(&file().to_text()).unwrap();
    value["anonymous"] = json!("observer");
    value["users"]["pump"] = json!({"role": "operator", "local": [{"user": 1000}, {"group": 50}]});
    value["users"]["board"] = json!({"role": "operator", "tls": [{"name": "a.example"}], "local": [{"user": 1}]});
    value
}

fn directory(file: &Value) -> Arc<Directory> {
    let permission = Permission {
        uri: Uri::from("com."),
        matching: Match::Prefix,
        allow: Action::ALL.to_vec(),
        deny: Vec::new(),
        disclose: Disclosure::default(),
    };
    let roles = [("operator", Role::new(vec![permission])), ("observer", Role::default())];
    let roles = BTreeMap::from(roles.map(|(name, role)| (name.to_owned(), role)));
    let file = UsersFile::parse(&file.to_string()).unwrap();
    Arc::new(Directory::new(&file, roles, &Default::default()).unwrap())
}

fn bench() -> Bench {
    Bench::with(|config| config.logins = Some(LoginConfig::new(directory(&users()), [9; 32])))
}

fn replace(bench: &mut Bench, file: &Value) -> usize {
    bench.router.replace_users(directory(file), bench.now(), &mut bench.out)
}

/// A session of whom the driver knows that.
fn vouched(bench: &mut Bench, evidence: Evidence) -> PeerId {
    let peer = bench.open();
    bench.router.vouch(peer, evidence);
    let got = bench.ask(peer, r#"[1,"realm1",{"roles":{"caller":{},"subscriber":{}}}]"#);
    assert_eq!(got[0][0], 2, "{got:?}");
    peer
}

/// A session by each way to come in, in the order of their names.
fn everybody(bench: &mut Bench) -> BTreeMap<&'static str, PeerId> {
    let mut peers = BTreeMap::new();
    for (name, method) in [("cra", Method::WampCra), ("scram", Method::Scram), ("ticket", Method::Ticket)] {
        let (peer, _, events) = log_in(bench, &as_user("joe", method, secret()));
        joined(&events);
        peers.insert(name, peer);
    }
    let by_key = Login::new(Credential::Cryptosign(key()), Some("joe".to_owned())).unwrap();
    peers.insert("key", log_in(bench, &by_key).0);
    peers.insert("ann", log_in(bench, &as_user("ann", Method::WampCra, secret())).0);
    let process = Evidence::Process { user: 1000, group: 7, groups: Vec::new() };
    peers.insert("local", vouched(bench, process));
    let certificate = crate::router::Fingerprint::of(b"abc");
    let names = vec!["a.example".to_owned()];
    peers.insert("tls", vouched(bench, Evidence::Certificate { fingerprint: certificate, names }));
    peers.insert("anonymous", vouched(bench, Evidence::None));
    peers.insert("embedded", bench.join_embedded().0);
    peers
}

/// What is null shall not be there.
fn strip(value: &mut Value) {
    if let Value::Object(dict) = value {
        dict.retain(|_, value| !value.is_null());
        dict.values_mut().for_each(strip);
    }
}

/// What is done to a file.
type Change = fn(&mut Value);

#[test]
fn sessions_end_whose_way_in_is_not_there_as_it_was() {
    let joes = ["cra", "key", "scram", "ticket"];
    let cases: [(Change, &[&str]); 17] = [
        (|_| {}, &[]),
        (|v| v["users"]["joe"] = Value::Null, &joes),
        (|v| v["users"]["joe"]["role"] = json!("observer"), &joes),
        // The role is called the same and is another.
        (
            |v| v["roles"] = json!({"operator": [{"uri": "com.", "match": "prefix", "allow": ["call"]}]}),
            &["ann", "cra", "key", "local", "scram", "ticket", "tls"],
        ),
        (|v| v["roles"] = json!({"observer": [{"uri": "a.b", "allow": ["call"]}]}), &["anonymous"]),
        (|v| v["roles"] = json!({"unused": [{"uri": "a.b", "allow": ["call"]}]}), &[]),
        (|v| v["anonymous"] = Value::Null, &["anonymous"]),
        (|v| v["anonymous"] = json!("operator"), &["anonymous"]),
        (|v| v["users"]["joe"]["ticket"] = Value::Null, &["ticket"]),
        (|v| v["users"]["joe"]["wampcra"]["salt"] = json!("AwICAgICAgICAgICAgICAg=="), &["cra"]),
        (|v| v["users"]["joe"]["scram"]["stored_key"] = v["users"]["joe"]["scram"]["server_key"].clone(), &["scram"]),
        (|v| v["users"]["joe"]["cryptosign"] = json!([]), &["key"]),
        (
            |v| {
                let more = PrivateKey::from_seed(&[6; 32]).public().to_string();
                v["users"]["joe"]["cryptosign"] = json!([more, key().public().to_string()]);
            },
            &[],
        ),
        (|v| v["users"]["pump"]["local"] = json!([{"user": 1000}]), &["local"]),
        (|v| v["users"]["pump"]["local"] = json!([{"user": 2}, {"user": 1000}, {"group": 50}]), &[]),
        // What it did not come in by.
        (|v| v["users"]["board"]["local"] = json!([]), &[]),
        (|v| v["users"]["board"]["tls"] = json!([{"name": "b.example"}]), &["tls"]),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let mut bench = bench();
        let peers = everybody(&mut bench);
        bench.out.clear();
        let mut file = users();
        change(&mut file);
        strip(&mut file);
        assert_eq!(replace(&mut bench, &file), expected.len(), "case {number}");
        let message = "the users were read again, and this session's is not among them as it was";
        let goodbye = json!([6, {"message": message}, "wamp.close.killed"]);
        for (name, peer) in peers {
            let got = bench.got(peer);
            assert_eq!(got == [goodbye.clone()], expected.contains(&name), "case {number}: {name}: {got:?}");
            assert!(got.is_empty() || got.len() == 1, "case {number}: {name}: {got:?}");
            if got.is_empty() {
                assert_eq!(bench.ask(peer, r#"[48,9,{},"com.nowhere"]"#)[0][0], 8, "it is served");
            } else {
                assert_eq!(bench.ask(peer, r#"[6,{},"wamp.close.goodbye_and_out"]"#), [json!("close")]);
            }
        }
        bench.nothing_more();
        // The same again ends nobody more.
        assert_eq!(replace(&mut bench, &file), 0, "case {number}");
    }
}

#[test]
fn from_then_on_the_others_log_in() {
    let mut bench = bench();
    let watcher = bench.join_embedded().0;
    bench.subscribe(watcher, "exact", "wamp.session.on_leave");
    let (peer, _, _) = log_in(&mut bench, &as_user("joe", Method::Ticket, secret()));
    bench.out.clear();
    let mut file = users();
    let joe = file["users"].as_object_mut().unwrap().remove("joe").unwrap();
    file["users"]["bob"] = joe;
    assert_eq!(replace(&mut bench, &file), 1);
    assert_eq!(bench.got(watcher)[0][4][1], "joe", "others hear that it left");
    assert_eq!(bench.got(peer).len(), 1);
    let (_, _, events) = log_in(&mut bench, &as_user("bob", Method::Scram, secret()));
    assert_eq!(joined(&events).authid.as_deref(), Some("bob"));
    bench.out.clear();
    let (_, _, events) = log_in(&mut bench, &as_user("joe", Method::Ticket, secret()));
    assert_eq!(events, [], "that is a wrong login now");
    assert_eq!(bench.router.counters().logins_failed, 1);
}

#[test]
fn a_login_under_way_is_proved_by_those_who_are_there_at_its_end() {
    for (change, is_let_in) in [
        ((|_| {}) as Change, true),
        (|v| v["users"]["bob"] = v["users"]["joe"].clone(), true),
        (
            |v| {
                v["users"].as_object_mut().unwrap().remove("joe");
            },
            false,
        ),
        (|v| v["users"]["joe"]["role"] = json!("observer"), false),
    ] {
        let mut bench = bench();
        let hello = json!([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": "joe"}]);
        let peer = bench.open();
        assert_eq!(bench.ask(peer, &hello.to_string())[0][0], 4);
        let mut file = users();
        change(&mut file);
        assert_eq!(replace(&mut bench, &file), 0);
        let got = bench.ask(peer, r#"[5,"correct horse",{}]"#);
        assert_eq!(got.first().is_some_and(|welcome| welcome[0] == 2), is_let_in, "{got:?}");
        bench.wait(Duration::from_secs(1));
        let got = bench.got(peer);
        assert_eq!(got.is_empty(), is_let_in);
        assert!(is_let_in || error_of(&got) == "wamp.error.authentication_denied");
    }
}

#[test]
fn a_router_without_logins_has_no_users_to_replace() {
    let mut bench = Bench::new();
    let (peer, _) = bench.join();
    assert_eq!(replace(&mut bench, &users()), 0);
    assert!(bench.got(peer).is_empty() && !bench.router.has_logins());
}
