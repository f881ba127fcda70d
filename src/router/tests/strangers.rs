//! What those cost who have not logged in, and what they find out; and what stays of who they are when they have left.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, HELLO, error_of};
use super::logins::{bench_of, file, joined, key, log_in, secret};
use crate::router::users::{Directory, UsersFile};
use crate::router::{Locality, PeerId};
use crate::wamp::auth::cryptosign::PrivateKey;
use crate::wamp::auth::{Credential, Login};
use crate::wamp::options::Dict;

fn hello(details: Value) -> String {
    let mut details = details;
    details["roles"] = json!({"callee": {"features": {"registration_revocation": true, "unheard_of": {}}}});
    json!([1, "realm1", details]).to_string()
}

#[test]
fn a_login_under_way_keeps_of_its_hello_only_what_matters() {
    let mut bench = bench_of(&file());
    let peer = bench.open();
    assert_eq!(bench.ask(peer, &hello(json!({"authmethods": ["ticket"], "authid": "joe"})))[0][0], 4);
    let kept = format!("{:?}", bench.router);
    assert!(kept.contains("revocable: true"), "what it announced is known: {kept}");
    assert!(!kept.contains("unheard_of"), "and nothing is kept that nobody asks for: {kept}");
}

#[test]
fn an_authid_has_its_limit_whoever_it_is() {
    let long = "x".repeat(257);
    let expected = "HELLO: expected an authid of at most 256 bytes, got 257";
    for method in ["ticket", "wampcra", "cryptosign"] {
        let mut bench = bench_of(&file());
        let peer = bench.open();
        let got = bench.ask(peer, &hello(json!({"authmethods": [method], "authid": long})));
        let refusal = json!([3, {"message": expected}, "wamp.error.authentication_denied"]);
        assert_eq!(got, [refusal, json!("close")], "{method}");
        let peer = bench.open();
        let got = bench.ask(peer, &hello(json!({"authmethods": [method], "authid": "x".repeat(256)})));
        assert_eq!(got[0][0], 4, "{method}");
    }
    let mut users = file();
    let joe = users.users.get("joe").unwrap().clone();
    users.users.insert(long, joe);
    let users = UsersFile { roles: [("operator".to_owned(), Vec::new())].into(), ..users };
    let error = Directory::new(&users, Default::default(), &Default::default()).unwrap_err().to_string();
    assert!(error.contains("expected an authid of at most 256 bytes, got 257"), "{error}");
}

#[test]
fn who_says_hello_many_times_first_tries_no_more_secrets() {
    let mut bench = bench_of(&file());
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let challenged = |bench: &mut Bench| {
        let peer = bench.open();
        bench.router.locate(peer, address);
        assert_eq!(bench.ask(peer, &hello(json!({"authmethods": ["ticket"], "authid": "joe"})))[0][0], 4);
        peer
    };
    let peers: Vec<PeerId> = (0..40).map(|_| challenged(&mut bench)).collect();
    for (tried, peer) in peers.iter().enumerate() {
        let right = json!([5, secret().expose(), {}]).to_string();
        let got = bench.ask(*peer, if tried < 16 { r#"[5,"wrong",{}]"# } else { &right });
        if tried < 16 {
            assert!(got.is_empty(), "{got:?}");
        } else {
            let sentence = "too many failed logins from this address; try again later";
            let refusal = json!([3, {"message": sentence}, "wamp.error.unavailable"]);
            assert_eq!(got, [refusal, json!("close")], "the proof is not looked at");
        }
    }
    assert_eq!(bench.router.counters().logins_failed, 16);
    bench.wait(Duration::from_secs(8));
    peers.iter().for_each(|peer| drop(bench.got(*peer)));
    assert!(bench.router.is_empty());
}

#[test]
fn a_public_key_does_not_tell_whose_it_is() {
    let answers =
        [key().public().to_string(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".into()].map(
            |public| {
                let mut bench = bench_of(&file());
                let peer = bench.open();
                let extra = json!({"pubkey": public});
                let got = bench.ask(peer, &hello(json!({"authmethods": ["cryptosign"], "authextra": extra})));
                assert_eq!(got[0][0], 4);
                assert!(bench.ask(peer, r#"[5,"00",{}]"#).is_empty());
                bench.wait(Duration::from_secs(1));
                bench.got(peer)
            },
        );
    assert_eq!(error_of(&answers[0]), "wamp.error.authentication_denied");
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn a_testament_tells_whose_it_is_if_the_role_says_so() {
    let role = json!({"operator": [
        {"uri": "wamp.session.add_testament", "allow": ["call"]},
        {"uri": "com.will", "allow": ["publish"], "disclose": ["publisher"]},
    ]});
    let mut bench = bench_of(&UsersFile { roles: serde_json::from_value(role).unwrap(), ..file() });
    let heir = bench.open_at(Locality::Embedded);
    bench.say(heir, HELLO);
    bench.got(heir);
    bench.subscribe(heir, "exact", "com.will");
    let peer = bench.open();
    bench.ask(peer, &hello(json!({"authmethods": ["ticket"], "authid": "joe"})));
    assert_eq!(bench.ask(peer, &json!([5, secret().expose(), {}]).to_string())[0][0], 2);
    let got = bench.meta(peer, "wamp.session.add_testament", &json!(["com.will", [], {}]), &json!({}));
    assert_eq!(got[0][0], 50, "{got:?}");
    bench.lose(peer);
    assert_eq!(bench.got(heir)[0][3]["publisher_authid"], "joe");
}

#[test]
fn who_asks_for_channel_binding_is_told_null_and_why_a_proof_bound_so_is_wrong() {
    for (kind, hint) in [
        (json!("tls-unique"), "; it asked for channel binding, which is not offered"),
        (json!(null), ""),
        (json!(""), ""),
    ] {
        let mut bench = bench_of(&file());
        let extra = Dict::from_iter([("channel_binding".to_owned(), kind)]);
        let login = |key| Login::new(Credential::Cryptosign(key), Some("joe".to_owned())).unwrap();
        // Our own client takes null alone for an answer.
        let (_, _, events) = log_in(&mut bench, &login(key()).authextra(extra.clone()));
        joined(&events);
        let (peer, _, _) = log_in(&mut bench, &login(PrivateKey::from_seed(&[6; 32])).authextra(extra));
        bench.wait(Duration::from_secs(1));
        let message = format!("expected the proof of a user, got a wrong one for \"joe\"{hint}");
        let refusal = json!([3, {"message": message}, "wamp.error.authentication_denied"]);
        assert_eq!(bench.got(peer), [refusal, json!("close")]);
    }
}
