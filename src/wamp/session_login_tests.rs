//! A session that logs in, fed with what routers answer, the good and the others.

use super::tests::{router, sent};
use super::*;
use crate::wamp::auth::{Credential, Login, NONCE_LENGTH, Secret};
use crate::wamp::codec::json::encode;

const WELCOME: &str = r#"[2,7,{"roles":{"broker":{},"dealer":{}}}]"#;

fn secret() -> Secret {
    Secret::new("hunter2".to_owned())
}

fn joining(credential: Credential) -> (Session, Vec<String>) {
    let login = Login::new(credential, Some("joe".to_owned())).unwrap();
    let login = login.authrole(Some("operator".to_owned()));
    let mut session = Session::join(Uri::from("realm1"), "test", login.attempt([1; NONCE_LENGTH]));
    let hello = texts(&mut session);
    (session, hello)
}

fn texts(session: &mut Session) -> Vec<String> {
    sent(session).iter().map(encode).collect()
}

#[test]
fn a_ticket_is_sent_when_it_is_asked_for() {
    let (mut session, hello) = joining(Credential::Ticket(secret()));
    assert!(hello[0].contains(r#""authmethods":["ticket"],"authid":"joe","authrole":"operator""#), "{hello:?}");
    assert!(!hello[0].contains("hunter2"));
    assert_eq!(session.receive(router(r#"[4,"ticket",{}]"#)), Ok(None));
    assert!(!format!("{session:?}").contains("hunter2"), "neither in the message nor anywhere else");
    assert_eq!(texts(&mut session), [r#"[5,"hunter2",{}]"#]);
    assert_eq!(session.register(Uri::from("a.b"), RegisterOptions::default()), Err(NotNow::NotEstablished));
    assert!(matches!(session.receive(router(WELCOME)), Ok(Some(Event::Joined { .. }))));
}

#[test]
fn a_refusal_after_the_proof_is_one() {
    let (mut session, _) = joining(Credential::Ticket(secret()));
    session.receive(router(r#"[4,"ticket",{}]"#)).unwrap();
    let event = session.receive(router(r#"[3,{"message":"no"},"wamp.error.not_authorized"]"#)).unwrap();
    assert!(matches!(event, Some(Event::Refused(closing)) if closing.to_string() == "wamp.error.not_authorized: no"));
    assert!(session.is_closed());
}

#[test]
fn giving_up_before_welcome_is_an_abort() {
    let (mut session, _) = joining(Credential::Ticket(secret()));
    session.receive(router(r#"[4,"ticket",{}]"#)).unwrap();
    texts(&mut session);
    session.leave(uri::CLOSE_NORMAL);
    assert!(session.is_closed());
    assert!(texts(&mut session)[0].starts_with("[3,"));
}

#[test]
fn what_is_no_step_of_a_login_breaks_the_protocol() {
    for (before, text, sentence) in [
        (None, r#"[4,"wampcra",{"challenge":"x"}]"#, "expected the method that was offered, ticket, got \"wampcra\""),
        (None, r#"[4,"anonymous",{}]"#, "expected the method that was offered, ticket, got \"anonymous\""),
        (None, r#"[5,"x",{}]"#, "expected CHALLENGE, WELCOME or ABORT, got AUTHENTICATE"),
        (
            Some(r#"[4,"ticket",{}]"#),
            r#"[4,"ticket",{}]"#,
            "expected WELCOME or ABORT after AUTHENTICATE, got CHALLENGE",
        ),
        (Some(r#"[4,"ticket",{}]"#), r#"[36,1,1,{}]"#, "expected CHALLENGE, WELCOME or ABORT, got EVENT"),
        (Some(WELCOME), r#"[4,"ticket",{}]"#, "expected a message that a router sends in a session, got CHALLENGE"),
    ] {
        let (mut session, _) = joining(Credential::Ticket(secret()));
        if let Some(before) = before {
            session.receive(router(before)).unwrap();
            texts(&mut session);
        }
        let violation = session.receive(router(text)).expect_err(text).to_string();
        assert!(violation.contains(sentence), "{text}: {violation}");
        let last = texts(&mut session);
        assert!(session.is_closed() && last.len() == 1, "{last:?}");
        assert!(last[0].ends_with(r#""wamp.error.protocol_violation"]"#) && !last[0].contains("hunter2"), "{last:?}");
    }
}

#[cfg(feature = "auth")]
#[test]
fn a_challenge_beyond_a_limit_is_refused_and_not_answered() {
    use serde_json::json;

    let (mut session, _) = joining(Credential::WampCra(secret()));
    let challenge = r#"[4,"wampcra",{"challenge":"x","salt":"s","iterations":4000000000,"keylen":32}]"#;
    let Ok(Some(Event::Refused(closing))) = session.receive(router(challenge)) else { panic!("it was answered") };
    let sentence = "CHALLENGE: iterations: expected 1 to 1000000, got 4000000000";
    assert_eq!(closing.to_string(), format!("wamp.error.authentication_failed: {sentence}"));
    let abort = json!([3, {"message": sentence}, "wamp.error.authentication_failed"]).to_string();
    assert_eq!((texts(&mut session), session.is_closed()), (vec![abort], true));
}

#[cfg(feature = "auth")]
#[test]
fn by_scram_the_router_must_prove_itself() {
    use serde_json::json;

    use crate::wamp::auth::scram::{Exchange, Kdf, StoredKeys, base64};

    let nonce = base64(&[1; NONCE_LENGTH + 16]);
    let salt = base64(b"0123456789abcdef");
    let challenge =
        json!([4, "scram", {"nonce": nonce, "salt": salt, "kdf": "pbkdf2", "iterations": 4096}]).to_string();
    let challenged = || {
        let (mut session, hello) = joining(Credential::Scram(secret()));
        let client_nonce = base64(&[1; NONCE_LENGTH]);
        assert!(hello[0].contains(&format!(r#""authextra":{{"nonce":"{client_nonce}"}}"#)), "{hello:?}");
        session.receive(router(&challenge)).unwrap();
        let answers = sent(&mut session);
        let [Message::Authenticate { signature, extra }] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!(extra.get("nonce"), Some(&json!(nonce)));
        let keys = StoredKeys::derive(&secret(), Kdf::Pbkdf2 { iterations: 4096 }, b"0123456789abcdef").unwrap();
        let exchange =
            Exchange { authid: "joe", client_nonce: &client_nonce, nonce: &nonce, salt: &salt, iterations: 4096 };
        let verifier = keys.check(&exchange, signature.expose()).expect("the proof holds");
        (session, verifier)
    };
    let welcome = |extra: &serde_json::Value| json!([2, 7, {"roles": {"broker": {}}, "authextra": extra}]).to_string();
    for name in ["verifier", "scram_server_signature"] {
        let (mut session, verifier) = challenged();
        let event = session.receive(router(&welcome(&json!({(name): verifier}))));
        assert!(matches!(event, Ok(Some(Event::Joined { .. }))), "{event:?}");
    }
    let (mut session, _) = joining(Credential::Scram(secret()));
    let early = session.receive(router(WELCOME));
    let (mut other, _) = challenged();
    let wrong = other.receive(router(&welcome(&json!({"verifier": base64(&[0; 32])}))));
    for (event, session) in [(early, &mut session), (wrong, &mut other)] {
        assert!(matches!(event, Ok(Some(Event::Refused(_)))), "{event:?}");
        let last = texts(session);
        assert!(session.is_closed() && last[0].ends_with(r#""wamp.error.authentication_failed"]"#), "{last:?}");
    }
}
