//! Both serializations against JSON: the message vectors, random values, and bytes that are nothing.

use super::*;
use crate::wamp::codec::json;
use serde_json::{Value, json};

const ALL: &[Binary] = &[
    #[cfg(feature = "msgpack")]
    Binary::MsgPack,
    #[cfg(feature = "cbor")]
    Binary::Cbor,
];

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn value(&mut self, levels: u64) -> Value {
        match self.below(if levels == 0 { 9 } else { 11 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.0 >> self.below(64)),
            3 => json!(-((self.0 >> (1 + self.below(63))).cast_signed())),
            // JSON's parser may take the neighbour of a float of many digits.
            4 | 5 => json!(self.below(1 << 20) as f64 / 8.0),
            6 => Value::String("ü\"\\\n\u{1f600}x".repeat(usize::try_from(self.below(40)).unwrap())),
            7 => Value::String("y".repeat(usize::try_from(self.below(7000)).unwrap())),
            8 => crate::wamp::binary::to_json(&vec![7; usize::try_from(self.below(300)).unwrap()]),
            9 => (0..self.below(20)).map(|_| self.value(levels - 1)).collect(),
            _ => Value::Object((0..self.below(20)).map(|n| (format!("k{n}"), self.value(levels - 1))).collect()),
        }
    }
}

fn text(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

fn encoded(binary: Binary, value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    binary.push_json(&mut bytes, &text(value));
    bytes
}

#[test]
fn every_message_of_the_vectors_comes_back_as_it_was() {
    let vectors: Value = serde_json::from_str(include_str!("../../../../tests/data/messages.json")).unwrap();
    for binary in ALL {
        for message in vectors["good"].as_array().unwrap() {
            let message = json::decode(&message.to_string()).unwrap();
            let decoded = binary
                .decode(&binary.encode(&message), Sender::Client)
                .unwrap_or_else(|error| panic!("{message:?}: {error}"));
            assert_eq!(decoded, message);
            // Its arguments are bytes by now, and are written as such, and as JSON.
            assert_eq!(binary.decode(&binary.encode(&decoded), Sender::Client).unwrap(), message);
            assert_eq!(json::decode(&json::encode(&decoded)).unwrap(), message);
            for other in ALL {
                assert_eq!(other.decode(&other.encode(&decoded), Sender::Client).unwrap(), message);
            }
        }
        for pair in vectors["lenient"].as_array().unwrap() {
            let bytes = encoded(*binary, &pair[0]);
            assert_eq!(
                json::encode(&binary.decode(&bytes, Sender::Client).unwrap()).parse::<Value>().unwrap(),
                pair[1]
            );
        }
    }
}

#[test]
fn arguments_are_transcoded_for_another_serialization_only() {
    let message = json::decode(r#"[16,1,{},"a.b",[1,"x",[2.5]],{"k":null}]"#).unwrap();
    for binary in ALL {
        let arrived = binary.decode(&binary.encode(&message), Sender::Client).unwrap();
        let Message::Publish { payload, .. } = &arrived else { panic!("{:?}", arrived.kind()) };
        let (Some(args), Some(kwargs)) = payload.parts() else { panic!("no arguments") };
        let transcoded = || [args, kwargs].map(|part| part.was_transcoded());
        assert_eq!(binary.encode(&arrived), binary.encode(&message));
        assert_eq!(transcoded(), [false; 2], "{binary:?}");
        assert_eq!(json::encode(&arrived), json::encode(&message));
        assert_eq!(transcoded(), [true; 2], "{binary:?}");
    }
}

#[test]
fn bad_messages_are_refused_with_the_same_sentences() {
    let vectors: Value = serde_json::from_str(include_str!("../../../../tests/data/messages.json")).unwrap();
    let mut seen = 0;
    for pair in vectors["bad"].as_array().unwrap() {
        let (text, expected) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        let Ok(value) = serde_json::from_str::<Value>(text) else { continue };
        for binary in ALL {
            let error = binary.decode(&encoded(*binary, &value), Sender::Client).expect_err(text).to_string();
            if value.is_array() && value.get(0).is_some_and(Value::is_u64) {
                assert!(error.contains(expected), "{text}: {error:?} lacks {expected:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn random_values_come_back_exactly() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..100 {
        let value = random.value(4);
        for binary in ALL {
            let bytes = encoded(*binary, &value);
            let mut rest = bytes.as_slice();
            binary.skip(&mut rest, MAX_DEPTH, Sender::Client).unwrap();
            assert!(rest.is_empty());
            let back: Value = serde_json::from_str(binary.to_json(&bytes).unwrap().get()).unwrap();
            assert!(back == value, "round {round}");
        }
    }
}

#[test]
fn integers_are_exact_to_64_bits() {
    for number in [json!(u64::MAX), json!(i64::MIN), json!((1_u64 << 53) + 1), json!(0), json!(-1), json!(i64::MAX)] {
        for binary in ALL {
            assert_eq!(binary.to_json(&encoded(*binary, &number)).unwrap().get(), number.to_string());
        }
    }
}

#[test]
fn what_json_can_say_and_no_value_can_be_leaves_a_list_a_list() {
    for binary in ALL {
        for (text, left) in [("[1e999]", "[]"), (r#"{"\ud800":1}"#, "{}"), ("1e999", "null")] {
            let mut bytes = Vec::new();
            binary.push_json(&mut bytes, &RawValue::from_string(text.to_owned()).unwrap());
            assert_eq!(binary.to_json(&bytes).unwrap().get(), left);
        }
    }
}

/// autobahn-python hangs up on each of these; so who sends one must not have it passed on.
#[cfg(all(feature = "cbor", feature = "msgpack"))]
#[test]
fn what_other_clients_hang_up_on_is_not_taken_from_a_client() {
    let (msgpack, cbor) = (&[0x95, 0x10, 0x01, 0x80, 0xa1, b'a'][..], &[0x85, 0x10, 0x01, 0xa0, 0x61, b'a'][..]);
    let msgpack_named = &[0x96, 0x10, 0x01, 0x80, 0xa1, b'a', 0x90][..];
    let cbor_named = &[0x86, 0x10, 0x01, 0xa0, 0x61, b'a', 0x80];
    for (binary, head, rest, is_taken) in [
        (Binary::MsgPack, msgpack, &[0x91, 0x81, 0x01, 0x02][..], false),
        (Binary::MsgPack, msgpack, &[0x91, 0x81, 0xc4, 1, b'k', 0x02], true),
        (Binary::MsgPack, msgpack_named, &[0x81, 0xc4, 1, b'k', 0x02], false),
        (Binary::MsgPack, msgpack_named, &[0x81, 0xa1, b'k', 0x02], true),
        (Binary::MsgPack, msgpack, &[0x91, 0xd4, 0xff, 1], false),
        (Binary::MsgPack, msgpack, &[0x91, 0xd4, 0x05, 1], true),
        (Binary::MsgPack, msgpack, &[0x91, 0xd6, 0xff, 1, 2, 3, 4], true),
        (Binary::MsgPack, msgpack, &[0x91, 0xd7, 0xff, 255, 0, 0, 0, 0, 0, 0, 0], false),
        (Binary::MsgPack, msgpack, &[0x91, 0xc7, 12, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], true),
        (Binary::MsgPack, msgpack, &[0x91, 0xc7, 12, 0xff, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], false),
        (Binary::MsgPack, msgpack, &[0x91, 0xd4, 0x80, 1], false),
        (Binary::MsgPack, msgpack, &[0x91, 0xc7, 1, 0xfe, 1], false),
        (Binary::MsgPack, msgpack, &[0x91, 0xd4, 0x7f, 1], true),
        (Binary::MsgPack, msgpack, &[0x91, 0x81, 0xd4, 0x05, 0, 1], false),
        (Binary::MsgPack, msgpack, &[0x91, 0x81, 0xc7, 2, 0x05, 0, 0, 1], false),
        (Binary::MsgPack, msgpack, &[0x91, 0x81, 0xd6, 0xff, 0, 0, 0, 1, 1], false),
        (Binary::Cbor, cbor, &[0x81, 0xf8, 0x05], false),
        (Binary::Cbor, cbor, &[0x81, 0xf8, 0x20], true),
        (Binary::Cbor, cbor, &[0x81, 0xa1, 0xf8, 0x05, 0x01], false),
        (Binary::Cbor, cbor, &[0x81, 0xd8, 37, 0x41, 0], false),
        (Binary::Cbor, cbor, &[0x81, 0xd8, 64, 0x41, 0], true),
        (Binary::Cbor, cbor, &[0x81, 0xa1, 0xd9, 1, 2, 0x41, 0, 1], false),
        (Binary::Cbor, cbor, &[0xd9, 1, 2, 0x81, 0x01], false),
        (Binary::Cbor, cbor_named, &[0xd8, 64, 0xa1, 0x61, b'k', 0x02], false),
        (Binary::Cbor, cbor, &[0x81, 0xa1, 0x01, 0x02], true),
        (Binary::Cbor, cbor_named, &[0xa1, 0x01, 0x02], false),
        (Binary::Cbor, cbor_named, &[0xa1, 0x61, b'k', 0x02], true),
    ] {
        let bytes = [head, rest].concat();
        assert_eq!(binary.decode(&bytes, Sender::Client).is_ok(), is_taken, "{binary:?} {rest:x?}");
        assert!(binary.decode(&bytes, Sender::Router).is_ok(), "{binary:?} {rest:x?}");
    }
}

/// A URI is whatever a client says it is, and other clients hang up when it is no string.
#[test]
fn only_the_applications_strings_can_be_bytes() {
    let message =
        json::decode(r#"[36,1,2,{"topic":"\u0000AAAA"},["\u0000AAAA"],{"\u0000AAAA":"\u0000AAAA"}]"#).unwrap();
    for binary in ALL {
        let bytes = binary.encode(&message);
        let mut rest = bytes.as_slice();
        let mut strings = Vec::new();
        while let Ok(token) = binary.token(&mut rest) {
            match token {
                Token::Text(text) if text.starts_with('\0') => strings.push("text"),
                Token::Bytes(_) => strings.push("bytes"),
                _ => {}
            }
        }
        assert_eq!(strings, ["text", "bytes", "text", "bytes"], "{binary:?}");
        assert_eq!(binary.decode(&bytes, Sender::Client).unwrap(), message);
    }
}

#[test]
fn a_text_that_would_be_no_binary_value_in_json_becomes_its_bytes() {
    for binary in ALL {
        let mut bytes = Vec::new();
        binary.list(&mut bytes, 5);
        ["\0A", "\0", "\0QQ==", "A\0"].iter().for_each(|text| binary.scalar(&mut bytes, Token::Text(text)));
        binary.dict(&mut bytes, 1);
        ["\0A", "\0-"].iter().for_each(|text| binary.scalar(&mut bytes, Token::Text(text)));
        let json = binary.to_json(&bytes).unwrap();
        let expected = r#"["\u0000AEE=","\u0000","\u0000QQ==","A\u0000",{"\u0000A":"\u0000AC0="}]"#;
        assert_eq!(json.get(), expected, "{binary:?}");
        assert!(json::decode(&format!(r#"[48,1,{{}},"a.b",{json}]"#)).is_ok());
    }
}

#[test]
fn nesting_has_its_limit_and_costs_no_recursion() {
    for binary in ALL {
        let nested = |depth: usize| {
            let mut bytes = encoded(*binary, &json!([48, 1, {}, "a.b"]));
            bytes[0] += 1;
            for _ in 1..depth {
                binary.list(&mut bytes, 1);
            }
            binary.list(&mut bytes, 0);
            bytes
        };
        assert!(binary.decode(&nested(MAX_DEPTH - 1), Sender::Client).is_ok());
        assert_eq!(binary.decode(&nested(MAX_DEPTH), Sender::Client), Err(DecodeError::TooDeep));
        assert_eq!(binary.decode(&nested(1_000_000), Sender::Client), Err(DecodeError::TooDeep));
    }
}

#[test]
fn no_bytes_panic_and_what_is_cut_short_is_refused() {
    let mut random = Random(0xdead_beef_cafe_f00d);
    for binary in ALL {
        let whole = encoded(
            *binary,
            &json!([48, 1, {"x": [1.5, null]}, "a.b", [{"k": "v"}, "\0AAAA", 70000, -70000], {"l": 1}]),
        );
        assert!(binary.decode(&whole, Sender::Client).is_ok());
        for length in 0..whole.len() {
            assert!(binary.decode(&whole[..length], Sender::Client).is_err(), "{length}");
        }
        let behind = [whole.as_slice(), &[0]].concat();
        assert!(
            binary
                .decode(&behind, Sender::Client)
                .unwrap_err()
                .to_string()
                .ends_with("got a list and 1 bytes behind it")
        );
        for _ in 0..3000 {
            let mut bytes = whole.clone();
            for _ in 0..=random.below(4) {
                let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
                bytes[at] = random.below(256) as u8;
            }
            if let Ok(message) = binary.decode(&bytes, Sender::Client) {
                // What was taken can be written, in every serialization. URIs are for the router to check.
                match &message {
                    Message::Call { procedure: uri, .. } | Message::Publish { topic: uri, .. }
                        if uri.as_str().starts_with('\0') => {}
                    _ => _ = json::decode(&json::encode(&message)).unwrap(),
                }
                binary.decode(&binary.encode(&message), Sender::Client).unwrap();
            }
        }
        // A count of 4 billion costs nothing before the items are there.
        let counts: [&[u8]; 3] =
            [&[0xdd, 255, 255, 255, 255], &[0x9b, 255, 255, 255, 255, 255, 255, 255, 255], &[0xdf; 9]];
        counts.iter().for_each(|bytes| assert!(binary.decode(bytes, Sender::Client).is_err()));
    }
}

#[cfg(feature = "cbor")]
#[test]
fn cbor_as_other_encoders_write_it() {
    let json = |bytes: &[u8]| {
        let mut rest = bytes;
        Binary::Cbor.skip(&mut rest, MAX_DEPTH, Sender::Router).map_err(|error| error.to_string())?;
        Ok::<_, String>(Binary::Cbor.to_json(bytes).unwrap().get().to_owned())
    };
    // RFC 8949, appendix A.
    for (bytes, text) in [
        (&[0x9f, 0x01, 0x82, 0x02, 0x03, 0x9f, 0x04, 0x05, 0xff, 0xff][..], "[1,[2,3],[4,5]]"),
        (&[0xbf, 0x63, b'F', b'u', b'n', 0xf5, 0x63, b'A', b'm', b't', 0x21, 0xff], r#"{"Fun":true,"Amt":-2}"#),
        (&[0xf9, 0x3c, 0x00], "1.0"),
        (&[0xf9, 0x7e, 0x00], "null"),
        (&[0xf7], "null"),
        (&[0xf0], "null"),
        (&[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0], "1363896240"),
        (&[0x3b, 255, 255, 255, 255, 255, 255, 255, 255], "-1.8446744073709552e+19"),
        (&[0xa2, 0x01, 0x02, 0xf5, 0x41, 0x00], "{\"1\":2,\"true\":\"\\u0000AA==\"}"),
    ] {
        assert_eq!(json(bytes).as_deref(), Ok(text), "{bytes:x?}");
    }
    for bytes in [
        &[0x7f, 0x61, b'a', 0xff][..],
        &[0x62, 0xc3, 0x28],
        &[0xff],
        &[0xbf, 0x01, 0xff],
        &[0x1c],
        &[0xc1],
        &[0xa1, 0x80, 0],
    ] {
        assert!(json(bytes).is_err(), "{bytes:x?}");
    }
}

#[cfg(feature = "msgpack")]
#[test]
fn msgpack_as_other_encoders_write_it() {
    let json = |bytes: &[u8]| {
        let mut rest = bytes;
        Binary::MsgPack.skip(&mut rest, MAX_DEPTH, Sender::Router).map_err(|error| error.to_string())?;
        Ok::<_, String>(Binary::MsgPack.to_json(bytes).unwrap().get().to_owned())
    };
    for (bytes, text) in [
        (&[0xca, 0x3f, 0x80, 0, 0][..], "1.0"),
        (&[0xd9, 2, b'o', b'k'], r#""ok""#),
        (&[0xda, 0, 1, b'a'], r#""a""#),
        (&[0xde, 0, 1, 0x07, 0xc3], r#"{"7":true}"#),
        // A timestamp of 32 bits.
        (&[0xd6, 0xff, 0, 0, 0, 1], r#""\u0000AAAAAQ==""#),
        (&[0xd2, 0xff, 0xff, 0xff, 0xff], "-1"),
        (&[0xcf, 255, 255, 255, 255, 255, 255, 255, 255], "18446744073709551615"),
    ] {
        assert_eq!(json(bytes).as_deref(), Ok(text), "{bytes:x?}");
    }
    for bytes in [&[0xc1][..], &[0xa2, 0xc3, 0x28], &[0xa2, b'a'], &[0x81, 0x01], &[0xc7, 3, 1, 0], &[0x81, 0x90, 0]] {
        assert!(json(bytes).is_err(), "{bytes:x?}");
    }
}
