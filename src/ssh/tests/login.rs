//! Who gets in, and who does not.

use p256::ecdsa::signature::Signer;
use sha2::{Digest, Sha256, Sha512};
use ssh_key::private::KeypairData;
use ssh_key::{PrivateKey, Signature};

use super::client::{Client, NOTHING, Setup, auth, config, open, password};
use crate::ssh::limits::{MAX_AUTH_REQUESTS, MAX_PASSWORD, MAX_UNREAD, MAX_USER};
use crate::ssh::message;
use crate::ssh::publickey::rsa_scheme;
use crate::ssh::wire::Payload;
use crate::ssh::{Credential, Event, Method, PublicKey, SshError, Verdict};

const ED25519: &str = include_str!("data/user_ed25519");
const ECDSA: &str = include_str!("data/user_ecdsa");
const RSA: &str = include_str!("data/user_rsa");

fn served() -> Client {
    Client::served(Setup::default(), config())
}

fn key(text: &str) -> PrivateKey {
    PrivateKey::from_openssh(text).unwrap()
}

/// A signature as it travels, by the algorithm of this name.
fn sign(key: &PrivateKey, algorithm: &str, data: &[u8]) -> Vec<u8> {
    let (name, bytes) = match key.key_data() {
        // The crate itself knows only the one with SHA-512.
        KeypairData::Rsa(pair) => {
            let number = |mpint: &ssh_key::Mpint| rsa::BigUint::from_bytes_be(mpint.as_positive_bytes().unwrap());
            let primes = vec![number(&pair.private.p), number(&pair.private.q)];
            let (n, e, d) = (number(&pair.public.n), number(&pair.public.e), number(&pair.private.d));
            let pair = rsa::RsaPrivateKey::from_components(n, e, d, primes).unwrap();
            let bytes = match algorithm {
                "rsa-sha2-256" => pair.sign(rsa_scheme("rsa-sha2-256"), &Sha256::digest(data)),
                _ => pair.sign(rsa_scheme("rsa-sha2-512"), &Sha512::digest(data)),
            };
            (if algorithm == "rsa-sha2-256" { algorithm } else { "rsa-sha2-512" }.to_owned(), bytes.unwrap())
        }
        pair => {
            let signature: Signature = pair.try_sign(data).unwrap();
            (signature.algorithm().to_string(), signature.as_bytes().to_vec())
        }
    };
    let bytes = bytes.as_slice();
    Payload::fields().string(name.as_bytes()).string(bytes).into_bytes()
}

/// A probe for a key, or the head of a login by it.
fn offer(user: &str, key: &PrivateKey, algorithm: &str, is_signed: bool) -> Payload {
    let blob = key.public_key().to_bytes().unwrap();
    auth(user, "publickey").boolean(is_signed).string(algorithm.as_bytes()).string(&blob)
}

fn signed(client: &Client, user: &str, key: &PrivateKey, algorithm: &str) -> Payload {
    let head = offer(user, key, algorithm, true);
    let data = Payload::fields().string(&client.session).raw(head.as_bytes()).into_bytes();
    head.string(&sign(key, algorithm, &data))
}

#[test]
fn nothing_goes_before_the_service() {
    let mut client = Client::connected(Setup::default(), config());
    let error = client.send(password("me", "secret")).unwrap_err();
    assert_eq!(error.to_string(), "expected SSH_MSG_SERVICE_REQUEST, got SSH_MSG_USERAUTH_REQUEST (50)");
    assert_eq!(client.events(), []);
}

#[test]
fn there_is_one_service_at_a_time() {
    let ask = |name: &[u8]| Payload::message(message::SERVICE_REQUEST).string(name);
    let mut client = Client::connected(Setup::default(), config());
    let error = client.send(ask(b"ssh-connection")).unwrap_err();
    assert_eq!(error.to_string(), "expected the service ssh-userauth, got \"ssh-connection\"");
    assert!(served().send(ask(b"ssh-userauth")).is_err());

    let request = Payload::message(message::USERAUTH_REQUEST).string(b"me").string(b"ssh-file").string(b"none");
    let error = served().send(request).unwrap_err();
    assert_eq!(error.to_string(), "expected the service ssh-connection, got \"ssh-file\"");
}

#[test]
fn nothing_of_the_connection_comes_before_the_login() {
    for payload in [
        open(b"session", 1, 1000, 1000),
        Payload::message(message::GLOBAL_REQUEST).string(b"keepalive@openssh.com").boolean(true),
        Payload::message(message::CHANNEL_DATA).u32(0).string(b"x"),
    ] {
        let got = payload.as_bytes()[0];
        let error = served().send(payload.clone()).unwrap_err();
        assert_eq!(error, SshError::Unexpected { expected: "SSH_MSG_USERAUTH_REQUEST", got });
        assert!(Client::connected(Setup::default(), config()).send(payload).is_err());
    }
}

#[test]
fn none_shows_the_methods_and_costs_nothing_once() {
    let mut client = served();
    client.send(auth("me", "none")).unwrap();
    let list = Payload::message(message::USERAUTH_FAILURE).string(b"publickey,password").boolean(false);
    assert_eq!(client.next().as_deref(), Some(list.as_bytes()));
    assert_eq!(client.events(), []);
    for _ in 0..5 {
        client.send(auth("me", "none")).unwrap();
        assert_eq!(client.next_number(), message::USERAUTH_FAILURE);
    }
    assert_eq!(client.send(auth("me", "none")), Err(SshError::TooManyAttempts { limit: 6 }));
}

#[test]
fn six_wrong_passwords_end_the_connection() {
    let mut client = served();
    for attempt in 1..=6 {
        client.send(password("me", "wrong")).unwrap();
        assert!(matches!(client.server.next_event(), Some(Event::Login { .. })));
        assert!(!client.server.wants_input());
        assert_eq!(client.numbers(), NOTHING, "nothing is said before the verdict");
        let result = client.server.answer_auth(Verdict::Refuse);
        if attempt < 6 {
            assert_eq!(result, Ok(()));
            assert_eq!(client.numbers(), [message::USERAUTH_FAILURE]);
        } else {
            assert_eq!(result, Err(SshError::TooManyAttempts { limit: 6 }));
            assert_eq!(client.numbers(), [message::DISCONNECT]);
        }
    }
    assert!(client.server.is_over());
}

#[test]
fn a_verdict_that_nobody_waits_for_does_nothing() {
    let mut client = served();
    client.server.answer_auth(Verdict::Accept).unwrap();
    assert_eq!(client.events(), []);
    let mut client = Client::logged_in(Setup::default(), config());
    client.server.answer_auth(Verdict::Refuse).unwrap();
    assert_eq!(client.numbers(), NOTHING);
}

#[test]
fn what_comes_during_a_decision_waits_for_it() {
    let mut client = served();
    let bytes = [client.seal(&password("me", "secret")), client.seal(&open(b"session", 1, 1000, 1000))].concat();
    client.server.receive(&bytes).unwrap();
    assert!(matches!(client.server.next_event(), Some(Event::Login { .. })));
    assert_eq!(client.server.next_event(), None);
    client.server.answer_auth(Verdict::Accept).unwrap();
    let events = client.events();
    assert!(matches!(events[..], [Event::LoggedIn { .. }, Event::Opened(_)]), "{events:?}");

    let mut client = served();
    let bytes = [client.seal(&password("me", "wrong")), client.seal(&open(b"session", 1, 1000, 1000))].concat();
    client.server.receive(&bytes).unwrap();
    assert!(client.server.answer_auth(Verdict::Refuse).is_err(), "a channel without a login");
}

#[test]
fn what_waits_for_a_decision_is_bounded() {
    let mut client = served();
    client.send(password("me", "secret")).unwrap();
    let mut fed = 0;
    let error = loop {
        match client.server.receive(&[0; 10_000]) {
            Ok(()) => fed += 10_000,
            Err(error) => break error,
        }
    };
    assert!(fed <= MAX_UNREAD && matches!(error, SshError::Limit { .. }));
}

#[test]
fn a_login_ends_the_asking() {
    let mut client = Client::logged_in(Setup::default(), config());
    client.send(password("other", "secret")).unwrap();
    assert_eq!((client.events().len(), client.numbers().len()), (0, 0));
    assert!(client.send(Payload::message(message::SERVICE_REQUEST).string(b"ssh-userauth")).is_err());
}

#[test]
fn keys_are_probed_and_then_signed_with() {
    for (text, algorithm) in
        [(ED25519, "ssh-ed25519"), (ECDSA, "ecdsa-sha2-nistp256"), (RSA, "rsa-sha2-256"), (RSA, "rsa-sha2-512")]
    {
        let mut client = served();
        let key = key(text);
        let public = PublicKey::from_openssh(&key.public_key().to_openssh().unwrap()).unwrap();
        client.send(offer("me", &key, algorithm, false)).unwrap();
        let question = Event::Login { user: "me".into(), credential: Credential::Key(public.clone()) };
        assert_eq!(client.events(), [question]);
        client.server.answer_auth(Verdict::Accept).unwrap();
        let blob = key.public_key().to_bytes().unwrap();
        let ok = Payload::message(message::USERAUTH_PK_OK).string(algorithm.as_bytes()).string(&blob);
        assert_eq!(client.next().as_deref(), Some(ok.as_bytes()));
        assert_eq!(client.events(), [], "a probe lets nobody in");

        let payload = signed(&client, "me", &key, algorithm);
        client.send(payload).unwrap();
        let question = Event::Login { user: "me".into(), credential: Credential::Key(public) };
        assert_eq!(client.events(), [question]);
        client.server.answer_auth(Verdict::Accept).unwrap();
        assert_eq!(client.events(), [Event::LoggedIn { user: "me".into(), method: Method::PublicKey }]);
        assert_eq!(client.numbers(), [message::USERAUTH_SUCCESS]);
    }
}

/// That this login is refused without the driver being asked.
fn assert_refused(client: &mut Client, payload: Payload, reason: &str) {
    client.send(payload).unwrap();
    match &client.events()[..] {
        [Event::LoginRefused { reason: got, .. }] => assert_eq!(*got, reason),
        other => panic!("{reason}: {other:?}"),
    }
    assert_eq!(client.numbers(), [message::USERAUTH_FAILURE]);
}

#[test]
fn signatures_hold_for_one_session_one_user_and_one_algorithm() {
    const WRONG: &str = "the signature is wrong";
    for (text, algorithm) in [(ED25519, "ssh-ed25519"), (ECDSA, "ecdsa-sha2-nistp256"), (RSA, "rsa-sha2-512")] {
        let key = key(text);
        let mut client = served();
        client.session[0] ^= 1;
        let of_another_session = signed(&client, "me", &key, algorithm);
        client.session[0] ^= 1;
        assert_refused(&mut client, of_another_session, WRONG);

        let for_another_user = {
            let head = offer("you", &key, algorithm, true);
            let data = Payload::fields().string(&client.session).raw(head.as_bytes()).into_bytes();
            offer("me", &key, algorithm, true).string(&sign(&key, algorithm, &data))
        };
        assert_refused(&mut client, for_another_user, WRONG);
        assert_refused(&mut client, offer("me", &key, algorithm, true).string(b""), WRONG);
        let mut changed = signed(&client, "me", &key, algorithm).into_bytes();
        *changed.last_mut().unwrap() ^= 1;
        assert_refused(&mut client, Payload::fields().raw(&changed), WRONG);
    }
}

#[test]
fn a_signature_is_by_the_algorithm_that_was_announced() {
    let (mut client, key) = (served(), key(RSA));
    let head = offer("me", &key, "rsa-sha2-512", true);
    let data = Payload::fields().string(&client.session).raw(head.as_bytes()).into_bytes();
    let by_another = head.string(&sign(&key, "rsa-sha2-256", &data));
    assert_refused(&mut client, by_another, "the signature is wrong");
    for algorithm in ["ssh-rsa", "ssh-ed25519", ""] {
        assert_refused(&mut client, offer("me", &key, algorithm, false), "the key and the algorithm do not fit");
    }
}

#[test]
fn keys_of_other_kinds_do_not_log_in() {
    let mut client = served();
    for text in [include_str!("data/small_rsa.pub"), include_str!("data/p384.pub")] {
        let key = ssh_key::PublicKey::from_openssh(text).unwrap();
        let name = key.algorithm().to_string();
        let offer = auth("me", "publickey").boolean(false).string(name.as_bytes());
        let blob = key.to_bytes().unwrap();
        assert_refused(&mut client, offer.string(&blob), "the key is of no kind that can log in");
        assert!(PublicKey::from_openssh(text).is_err());
    }
    let nonsense = auth("me", "publickey").boolean(false).string(b"ssh-ed25519").string(b"nonsense");
    assert_refused(&mut client, nonsense, "the key is of no kind that can log in");
}

#[test]
fn what_cannot_be_a_login_is_none() {
    let mut client = served();
    assert_refused(&mut client, password(&"u".repeat(MAX_USER + 1), "x"), "the user's name is too long");
    assert_refused(&mut client, password("me", &"p".repeat(MAX_PASSWORD + 1)), "the password is too long");
    assert_refused(&mut client, auth("me", "password").boolean(false).string(&[0xff]), "the password is not UTF-8");
    let change = auth("me", "password").boolean(true).string(b"old").string(b"new");
    assert_refused(&mut client, change, "passwords cannot be changed here");
    assert_refused(&mut client, auth("me", "keyboard-interactive"), "the method is not offered");
}

#[test]
fn methods_that_are_not_offered_do_not_work() {
    let mut config = config();
    config.methods = vec![Method::PublicKey];
    let mut client = Client::served(Setup::default(), config);
    assert_refused(&mut client, password("me", "secret"), "the method is not offered");
}

#[test]
fn successful_probes_do_not_go_on_for_ever() {
    let (mut client, key) = (served(), key(ED25519));
    for _ in 0..MAX_AUTH_REQUESTS {
        client.send(offer("me", &key, "ssh-ed25519", false)).unwrap();
        client.server.answer_auth(Verdict::Accept).unwrap();
    }
    assert!(matches!(client.send(offer("me", &key, "ssh-ed25519", false)), Err(SshError::Limit { .. })));
}

#[test]
fn a_line_of_authorized_keys_has_no_options() {
    let line = include_str!("data/user_ed25519.pub");
    let key = PublicKey::from_openssh(line).unwrap();
    assert_eq!((key.algorithm(), key.comment()), ("ssh-ed25519", "test-only"));
    assert!(key.fingerprint().starts_with("SHA256:"));
    for other in [format!("from=\"10.0.0.1\" {line}"), format!("restrict {line}"), String::new(), "#".to_owned()] {
        let error = PublicKey::from_openssh(&other).unwrap_err().to_string();
        assert!(error.starts_with("expected a public key as in authorized_keys, without options"), "{error}");
    }
}
