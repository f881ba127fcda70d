//! Message vectors of the JSON codec: `tests/data/messages.json` holds what must decode and come back the same, and what
//! must be refused, with the sentence.

use super::*;
use serde_json::Value;

fn vectors(section: &str) -> Vec<Value> {
    let text = include_str!("../../../tests/data/messages.json");
    let all: Value = serde_json::from_str(text).unwrap();
    all[section].as_array().unwrap().clone()
}

#[test]
fn good_messages_come_back_as_they_were() {
    let good = vectors("good");
    assert!(good.len() >= 24);
    let mut kinds = std::collections::HashSet::new();
    for message in good {
        let text = message.to_string();
        let decoded = decode(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        kinds.insert(decoded.kind());
        let back: Value = serde_json::from_str(&encode(&decoded)).unwrap();
        assert_eq!(back, message);
        assert_eq!(decode(&encode(&decoded)).unwrap(), decoded);
    }
    assert_eq!(kinds.len(), 24, "every kind of message has a vector");
}

#[test]
fn unknown_keys_in_dicts_are_ignored() {
    for pair in vectors("lenient") {
        let (sent, back) = (&pair[0], &pair[1]);
        let again: Value = serde_json::from_str(&encode(&decode(&sent.to_string()).unwrap())).unwrap();
        assert_eq!(&again, back);
    }
}

#[test]
fn bad_messages_are_refused_with_what_was_expected() {
    for pair in vectors("bad") {
        let (text, expected) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        let error = decode(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error:?} lacks {expected:?}");
    }
}

#[test]
fn deep_nesting_is_refused_before_parsing_and_strings_do_not_nest() {
    let nested = |depth: usize| format!("[48,1,{{}},\"a.b\",{}{}]", "[".repeat(depth), "]".repeat(depth));
    assert!(decode(&nested(MAX_DEPTH - 1)).is_ok());
    assert_eq!(decode(&nested(MAX_DEPTH)), Err(DecodeError::TooDeep));
    assert_eq!(decode(&"[".repeat(1_000_000)), Err(DecodeError::TooDeep));
    let forwarded = decode_from(&nested(300_000), Sender::Router).unwrap();
    let Message::Call { payload, .. } = forwarded else { panic!("{:?}", forwarded.kind()) };
    assert_eq!(payload.positional(5).unwrap().1, 1, "a client takes what a router passes on, and does not recurse");
    let in_string = format!("[48,1,{{}},\"a.b\",[\"\\\"{}\"]]", "[{".repeat(1000));
    assert!(decode(&in_string).is_ok());
}

#[test]
fn numbers_have_a_length_that_others_take() {
    let call = |number: &str| format!("[48,1,{{}},\"a.b\",[{number}]]");
    let digits = |count: usize| "1".repeat(count);
    for number in [digits(MAX_DIGITS), format!("{}.{}", digits(MAX_DIGITS), digits(9)), format!("\"{}\"", digits(9000))]
    {
        assert!(decode(&call(&number)).is_ok(), "{number}");
    }
    for number in [digits(MAX_DIGITS + 1), format!("-{}", digits(5000)), format!("0.{}", digits(5000))] {
        assert_eq!(decode(&call(&number)), Err(DecodeError::TooManyDigits), "{number}");
        assert!(decode_from(&call(&number), Sender::Router).is_ok());
    }
}

#[test]
fn a_string_that_begins_with_nul_is_a_binary_value() {
    let call = |args: &str| format!("[48,1,{{}},\"a.b\",[{args}]]");
    for good in [
        r#""\u0000""#,
        r#""\u0000QQ==""#,
        r#"["x","\u0000\/\/\/\u0041"]"#,
        r#""x\u0000A""#,
        r#""\"\u0000A""#,
        r#""\\u0000A""#,
        r#"{"\u0000A" :1,"\u0000\/": 2}"#,
    ] {
        assert!(decode(&call(good)).is_ok(), "{good}");
    }
    for bad in [
        r#""\u0000A""#,
        r#""\u0000QQ=""#,
        r#""\u0000QQ ==""#,
        r#""\u0000\ud800""#,
        r#""\u0000é""#,
        r#""\u0000\u0000AAA""#,
        r#"["\u0000QQ==",{"k":"\u0000-_-_"}]"#,
        r#"{"\u0000A":"\u0000\/"}"#,
    ] {
        assert_eq!(decode(&call(bad)), Err(DecodeError::NotBinary), "{bad}");
        assert!(decode_from(&call(bad), Sender::Router).is_ok());
    }
    assert!(matches!(decode("[48,1,{},\"a.b\",[\"\\u0000\\"), Err(DecodeError::NotAMessage(_))));
}

#[test]
fn refusals_are_short_whatever_was_sent() {
    let long = "x".repeat(500_000);
    for text in [
        format!("\"{long}\""),
        format!("[\"{long}\"]"),
        format!("[32,1,{{\"match\":\"{long}\"}},\"a.b\"]"),
        format!("[48,1,\"{long}\",\"a.b\"]"),
        format!("[1,\"r\",{{\"roles\":{{\"caller\":\"{long}\"}}}}]"),
    ] {
        let sentence = decode(&text).unwrap_err().to_string();
        assert!(sentence.len() < 400, "{} bytes", sentence.len());
    }
}

#[test]
fn every_beginning_of_every_message_is_refused() {
    for message in vectors("good") {
        let text = message.to_string();
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            assert!(decode(&text[..end]).is_err(), "{}", &text[..end]);
        }
    }
}

#[test]
fn payload_text_passes_as_it_was_written() {
    let text = r#"[50,1,{},[1.0,1e2,12345678901234567890123,"\u0041"],{"b":1,"a":2,"b":3}]"#;
    assert_eq!(encode(&decode(text).unwrap()), text);
}
