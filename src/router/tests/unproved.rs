//! Logins without a secret: who comes in by what its driver knows of it, as whom, and that nobody else does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, error_of};
use super::logins::key;
use crate::router::users::{Accounts, Directory, UsersFile};
use crate::router::{Evidence, Fingerprint, LoginConfig, Role};

const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A file with all kinds of rules.
fn users() -> Value {
    let colons = HEX.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect::<Vec<_>>().join(":");
    json!({"users": {
        "pump": {"role": "a", "local": [{"user": "pumper"}]},
        "staff": {"role": "b", "local": [{"group": 50}, {"group": "wheel"}]},
        "both": {"role": "a", "local": [{"user": 7, "group": 50}]},
        "again": {"role": "b", "local": [{"user": 7}]},
        "board": {"role": "a", "tls": [{"sha256": colons}]},
        "fleet": {"role": "b", "tls": [{"name": "Board-7.example"}, {"name": "board-8.example"}]},
        "joe": {"role": "a", "cryptosign": [key().public().to_string()], "local": [{"user": 1}]},
    }})
}

fn directory(file: &Value) -> Result<Arc<Directory>, String> {
    let roles = BTreeMap::from([("a".to_owned(), Role::default()), ("b".to_owned(), Role::default())]);
    let accounts = Accounts {
        users: BTreeMap::from([("pumper".to_owned(), 1000), ("nobody".to_owned(), 65534)]),
        groups: BTreeMap::from([("wheel".to_owned(), 10)]),
    };
    let file = UsersFile::parse(&file.to_string()).map_err(|error| error.to_string())?;
    // As it is written, it is read again.
    let file = UsersFile::parse(&file.to_text()).map_err(|error| error.to_string())?;
    Directory::new(&file, roles, &accounts).map(Arc::new).map_err(|error| error.to_string())
}

fn bench(file: &Value) -> Bench {
    let users = directory(file).unwrap();
    Bench::with(|config| config.logins = Some(LoginConfig::new(users, [9; 32])))
}

fn process(user: u32, group: u32, groups: &[u32]) -> Evidence {
    Evidence::Process { user, group, groups: groups.to_vec() }
}

fn certificate(der: &[u8], names: &[&str]) -> Evidence {
    Evidence::Certificate { fingerprint: Fingerprint::of(der), names: names.iter().map(|&name| name.into()).collect() }
}

/// What the router says to a client of which that is known, and which says that.
fn hello(bench: &mut Bench, evidence: &Evidence, details: &Value) -> Vec<Value> {
    let peer = bench.open();
    bench.router.vouch(peer, evidence.clone());
    let mut details = details.clone();
    details["roles"] = json!({"caller": {}});
    let got = bench.ask(peer, &json!([1, "realm1", details]).to_string());
    bench.lose(peer);
    got
}

/// Who it is then: authid, role, method and provider.
fn welcomed(bench: &mut Bench, evidence: &Evidence, details: &Value) -> [String; 4] {
    let got = hello(bench, evidence, details);
    assert_eq!(got[0][0], 2, "{evidence:?} {details}: {got:?}");
    ["authid", "authrole", "authmethod", "authprovider"].map(|name| got[0][2][name].as_str().unwrap().to_owned())
}

#[test]
fn who_is_vouched_for_comes_in_whichever_way_it_offers_none() {
    let mut bench = bench(&users());
    for (evidence, own, expected) in [
        (process(1000, 100, &[]), "local", ["pump", "a", "local"]),
        // A user says more than a group.
        (process(1000, 50, &[10]), "local", ["pump", "a", "local"]),
        (process(2000, 50, &[]), "local", ["staff", "b", "local"]),
        (process(2000, 100, &[4, 10]), "local", ["staff", "b", "local"]),
        (certificate(b"abc", &[]), "tls", ["board", "a", "tls"]),
        // And a certificate more than a name.
        (certificate(b"abc", &["board-7.example"]), "tls", ["board", "a", "tls"]),
        (certificate(b"abd", &["board-7.example"]), "tls", ["fleet", "b", "tls"]),
    ] {
        for (details, method) in [
            (json!({}), "anonymous"),
            (json!({"authmethods": []}), "anonymous"),
            (json!({"authmethods": ["anonymous"]}), "anonymous"),
            (json!({"authmethods": [own]}), own),
            (json!({"authmethods": ["unheard-of", own, "ticket", "anonymous"]}), own),
            (json!({"authmethods": ["anonymous", own], "authid": expected[0]}), "anonymous"),
        ] {
            let [authid, role, by] = expected;
            assert_eq!(welcomed(&mut bench, &evidence, &details), [authid, role, method, by], "{details}");
        }
    }
    bench.wait(Duration::from_secs(60));
    assert!(bench.router.is_empty() && bench.router.next_deadline().is_none());
}

#[test]
fn nobody_else_comes_in() {
    let mut bench = bench(&users());
    let names = bench.router.certificate_names().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["board-7.example", "board-8.example"], "in lower case");
    let sentence =
        |got: &str| format!("expected one of ticket, wampcra, scram, cryptosign among authmethods, got {got}");
    for evidence in [
        Evidence::None,
        process(1001, 100, &[]),
        process(65534, 65534, &[65534]),
        // Numbers of users are none of groups.
        process(50, 1000, &[7]),
        certificate(b"abd", &[]),
        certificate(b"", &["pump"]),
    ] {
        for authid in [None, Some("pump"), Some("staff"), Some("board"), Some("nobody")] {
            for offered in
                [json!(["anonymous"]), json!(["local"]), json!(["tls"]), json!(["tls", "local", "anonymous"])]
            {
                let mut details = json!({"authmethods": offered});
                if let Some(authid) = authid {
                    details["authid"] = json!(authid);
                }
                let got = hello(&mut bench, &evidence, &details);
                let offered = format!(
                    "[{}]",
                    offered.as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
                );
                assert_eq!(
                    got,
                    [json!([3, {"message": sentence(&offered)}, "wamp.error.no_auth_method"]), json!("close")],
                    "{evidence:?} {details}"
                );
            }
        }
    }
    assert_eq!(bench.router.counters().joined, 0);
}

#[test]
fn an_authid_narrows_down_who_it_is_and_never_widens_it() {
    let mut bench = bench(&users());
    let seven = process(7, 50, &[]);
    let got = hello(&mut bench, &seven, &json!({}));
    let several = "HELLO: expected an authid, as several users may come from there without a secret, got none";
    assert_eq!(got, [json!([3, {"message": several}, "wamp.error.authentication_denied"]), json!("close")]);
    for authid in ["both", "again", "staff"] {
        assert_eq!(welcomed(&mut bench, &seven, &json!({"authid": authid}))[0], authid);
    }
    for authid in ["pump", "joe", "board", "nobody", ""] {
        let got = hello(&mut bench, &seven, &json!({"authid": authid}));
        assert_eq!(error_of(&got), "wamp.error.no_auth_method", "{authid}");
    }
}

#[test]
fn what_is_proved_otherwise_is_asked_for_as_ever() {
    let mut bench = bench(&users());
    // Who offers a method with a proof first must prove, though the kernel knows it.
    for (evidence, offered) in [
        (process(1, 1, &[]), json!(["cryptosign", "anonymous"])),
        (process(1, 1, &[]), json!(["cryptosign"])),
        (process(1, 1, &[]), json!(["tls", "cryptosign"])),
        (Evidence::None, json!(["anonymous", "cryptosign"])),
        (process(2, 2, &[]), json!(["anonymous", "local", "cryptosign"])),
    ] {
        let got = hello(&mut bench, &evidence, &json!({"authmethods": offered, "authid": "joe"}));
        assert_eq!((&got[0][0], &got[0][1]), (&json!(4), &json!("cryptosign")), "{evidence:?} {offered}");
    }
    // And who has rules but no entry for a method is for it like a user that there is not.
    let got = hello(&mut bench, &process(1000, 1, &[]), &json!({"authmethods": ["ticket"], "authid": "pump"}));
    assert_eq!(got[0][0], 4);
}

#[test]
fn anonymous_stays_who_the_file_says_for_those_without_a_rule() {
    let mut file = users();
    file["anonymous"] = json!("b");
    let mut bench = bench(&file);
    for (evidence, details, by) in [
        (process(1000, 1, &[]), json!({}), "local"),
        (process(1001, 1, &[]), json!({}), "static"),
        (Evidence::None, json!({"authmethods": ["anonymous"]}), "static"),
        // An authid that is somebody else's is as good as none.
        (process(1000, 1, &[]), json!({"authid": "staff"}), "static"),
        (certificate(b"x", &[]), json!({}), "static"),
    ] {
        let [authid, role, method, got] = welcomed(&mut bench, &evidence, &details);
        assert_eq!((method.as_str(), got.as_str()), ("anonymous", by), "{evidence:?} {details}");
        assert!(by == "local" || (role == "b" && authid.len() == 14), "{authid} {role}");
    }
    // By its own name it means that and nothing less.
    let got = hello(&mut bench, &process(1001, 1, &[]), &json!({"authmethods": ["local"]}));
    assert_eq!(error_of(&got), "wamp.error.no_auth_method");
}

#[test]
fn what_is_wrong_in_a_rule_is_told_by_its_place() {
    for (entry, rule, expected) in [
        ("local", json!({}), "users.x.local[0]: expected a user or a group, got neither"),
        ("local", json!({"user": "bob"}), "users.x.local[0]: user: expected a user of this machine, got \"bob\""),
        (
            "local",
            json!({"group": "pumper"}),
            "users.x.local[0]: group: expected a group of this machine, got \"pumper\"",
        ),
        (
            "local",
            json!({"user": "nobody"}),
            "users.x.local[0]: user: expected an account that others are not shown as",
        ),
        ("local", json!({"group": 65534}), "users.x.local[0]: group: expected an account that others are not shown as"),
        ("local", json!({"user": 4_294_967_295_u32}), "users.x.local[0]: user: expected an account that others"),
        ("local", json!({"user": 4_294_967_296_u64}), "expected the name or the number of an account"),
        ("local", json!({"user": -1}), "expected the name or the number of an account"),
        ("local", json!({"user": null}), "users.x.local[0]: expected a user or a group, got neither"),
        ("local", json!({"uid": 1}), "unknown field `uid`, expected `user` or `group`"),
        (
            "tls",
            json!({"sha256": "ba78"}),
            "users.x.tls[0]: sha256: expected a SHA-256 in hex, 64 digits, got \"ba78\"",
        ),
        (
            "tls",
            json!({"name": "*.example"}),
            "users.x.tls[0]: name: expected a DNS name, whole and without a wildcard",
        ),
        ("tls", json!({"cn": "x"}), "users.x.tls[0].cn: expected `sha256` or `name`, at"),
        ("tls", json!({"name": "a", "sha256": HEX}), "expected"),
    ] {
        let error = directory(&json!({"users": {"x": {"role": "a", entry: [rule]}}})).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let good = directory(&users()).unwrap();
    assert_eq!((good.local_user(), good.certified_user()), (Some("again"), Some("board")));
    let none = directory(&json!({"users": {}})).unwrap();
    assert_eq!((none.local_user(), none.certified_user()), (None, None));
}
