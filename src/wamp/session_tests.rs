//! A session fed with messages.

use super::*;
use crate::wamp::auth::{Login, NONCE_LENGTH};
use crate::wamp::codec::json::decode;

pub(super) fn router(text: &str) -> Message {
    decode(text).unwrap()
}

pub(super) fn sent(session: &mut Session) -> Vec<Message> {
    std::iter::from_fn(|| session.next_message()).collect()
}

fn anonymous() -> Session {
    Session::join(Uri::from("realm1"), "test", Login::default().attempt([0; NONCE_LENGTH]))
}

fn established() -> Session {
    let mut session = anonymous();
    session.receive(router(r#"[2,7,{"roles":{"broker":{},"dealer":{}}}]"#)).unwrap();
    sent(&mut session);
    session
}

#[test]
fn hello_welcome_goodbye() {
    let mut session = anonymous();
    assert!(matches!(&sent(&mut session)[..], [Message::Hello { .. }]));
    assert_eq!(session.register(Uri::from("a.b"), RegisterOptions::default()), Err(NotNow::NotEstablished));
    let event = session.receive(router(r#"[2,7,{"roles":{"broker":{},"dealer":{}}}]"#)).unwrap();
    assert!(matches!(event, Some(Event::Joined { session, .. }) if session.get() == 7));
    session.leave(uri::CLOSE_NORMAL);
    assert_eq!(sent(&mut session), [Message::goodbye(uri::CLOSE_NORMAL)]);
    assert_eq!(session.receive(router("[36,1,1,{}]")), Ok(None), "what was under way concerns nobody");
    assert_eq!(session.receive(router(r#"[6,{},"wamp.close.goodbye_and_out"]"#)), Ok(Some(Event::Left)));
    assert!(session.is_closed());
}

#[test]
fn a_refusal_ends_it() {
    let mut session = anonymous();
    let event = session.receive(router(r#"[3,{"message":"no"},"wamp.error.no_such_realm"]"#)).unwrap().unwrap();
    let Event::Refused(closing) = event else { panic!("{event:?}") };
    assert_eq!(closing.to_string(), "wamp.error.no_such_realm: no");
    assert!(session.is_closed());
}

#[test]
fn the_router_ends_the_session_and_is_answered() {
    let mut session = established();
    let event = session.receive(router(r#"[6,{},"wamp.close.system_shutdown"]"#)).unwrap();
    assert!(matches!(event, Some(Event::Ended(_))));
    assert_eq!(sent(&mut session), [Message::goodbye(uri::GOODBYE_AND_OUT)]);
}

#[test]
fn messages_in_the_wrong_state_are_violations_with_expected_and_got() {
    for (established_first, text, sentence) in [
        (false, r#"[68,1,1,{}]"#, "expected CHALLENGE, WELCOME or ABORT, got INVOCATION"),
        (false, r#"[4,"ticket",{}]"#, "expected the method that was offered, anonymous, got \"ticket\""),
        (false, r#"[4,"anonymous",{}]"#, "expected the method that was offered, anonymous, got \"anonymous\""),
        (false, r#"[2,7,{"roles":{}}]"#, "expected the role of a broker or a dealer"),
        (true, r#"[2,7,{"roles":{"broker":{}}}]"#, "expected a message that a router sends in a session, got WELCOME"),
        (true, r#"[1,"realm1",{"roles":{}}]"#, "got HELLO"),
        (true, r#"[48,1,{},"a.b"]"#, "got CALL"),
        (true, r#"[65,1,1]"#, "REGISTERED: expected the request id of a REGISTER that waits, got 1"),
        (true, r#"[50,1,{}]"#, "RESULT: expected the request id of a CALL that waits, got 1"),
        (true, r#"[50,1,{"progress":true}]"#, "RESULT: expected the request id of a CALL that waits, got 1"),
        (true, r#"[8,48,9,{},"a.b"]"#, "ERROR: expected the request id of a CALL that waits, got 9"),
        (true, r#"[33,0,1]"#, "SUBSCRIBED: expected the request id of a SUBSCRIBE that waits, got 0"),
    ] {
        let mut session = if established_first { established() } else { anonymous() };
        sent(&mut session);
        let violation = session.receive(router(text)).expect_err(text).to_string();
        assert!(violation.contains(sentence), "{text}: {violation}");
        assert!(session.is_closed());
        assert!(
            matches!(&sent(&mut session)[..], [Message::Abort { reason, .. }] if reason.as_str() == uri::PROTOCOL_VIOLATION)
        );
    }
}

#[test]
fn requests_are_answered_by_their_own_kind_and_once() {
    let mut session = established();
    let register = session.register(Uri::from("a.b"), RegisterOptions::default()).unwrap();
    let call = session.call(Uri::from("a.b"), CallOptions::default(), Payload::default()).unwrap();
    assert_eq!((register.get(), call.get()), (1, 2));
    assert!(matches!(session.receive(router("[65,1,5]")), Ok(Some(Event::Registered { .. }))));
    assert!(matches!(
        session.receive(router(r#"[50,2,{"progress":true},[1]]"#)),
        Ok(Some(Event::Result { progress: true, .. }))
    ));
    assert!(matches!(session.receive(router("[50,2,{},[2]]")), Ok(Some(Event::Result { progress: false, .. }))));
    assert!(session.receive(router("[50,2,{},[2]]")).is_err(), "a second final result");
}

#[test]
fn every_invocation_gets_exactly_one_final_answer() {
    let mut session = established();
    for id in 1..=3 {
        session.receive(router(&format!("[68,{id},9,{{\"receive_progress\":{}}}]", id == 1))).unwrap();
    }
    let request = |id| RequestId::new(id).unwrap();
    session.progress(request(1), Payload::of(&0));
    session.progress(request(2), Payload::of(&0));
    session.answer(request(1), Ok(Payload::of(&1)));
    session.answer(request(1), Ok(Payload::of(&2)));
    session.progress(request(1), Payload::of(&0));
    session.answer(request(2), Err(WampError::new("a.b", "no")));
    assert_eq!(session.receive(router("[69,3,{}]")), Ok(Some(Event::Interrupted { request: request(3) })));
    session.answer(request(3), Ok(Payload::default()));
    assert_eq!(session.receive(router("[69,3,{}]")), Ok(None), "an INTERRUPT that crossed our answer");
    assert_eq!(session.invocations(), 0);
    let texts: Vec<String> = sent(&mut session).iter().map(crate::wamp::codec::json::encode).collect();
    assert_eq!(texts[..3], [r#"[70,1,{"progress":true},[0]]"#, r#"[70,1,{},[1]]"#, r#"[8,68,2,{},"a.b",["no"]]"#]);
    assert!(texts[3].starts_with(r#"[8,68,3,{},"wamp.error.canceled""#), "{}", texts[3]);
    assert_eq!(texts.len(), 4);
}

#[test]
fn an_invocation_id_twice_is_a_violation() {
    let mut session = established();
    session.receive(router("[68,1,9,{}]")).unwrap();
    assert!(session.receive(router("[68,1,9,{}]")).is_err());
}

#[test]
fn a_registration_taken_away_is_news() {
    let mut session = established();
    let event = session.receive(router(r#"[67,0,{"registration":5,"reason":"x"}]"#)).unwrap();
    assert_eq!(event, Some(Event::Revoked { registration: RegistrationId::new(5) }));
}
