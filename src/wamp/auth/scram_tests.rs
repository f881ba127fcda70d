//! SCRAM against RFC 7677's example, autobahn-python's own numbers, and routers that ask for too much or prove nothing.

use super::*;
use serde_json::{Value, json};

const NONCE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJw==";
const SALT: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";

fn client_nonce() -> [u8; NONCE_LENGTH] {
    std::array::from_fn(|byte| u8::try_from(byte).unwrap())
}

fn pencil() -> Secret {
    Secret::new("pencil".to_owned())
}

fn dict(value: Value) -> Dict {
    match value {
        Value::Object(dict) => dict,
        other => panic!("{other}"),
    }
}

fn respond(extra: Value) -> Result<Answer, Rejection> {
    answer(&pencil(), "user", &client_nonce(), &dict(extra))
}

fn check(expected: &ServerSignature, name: &str, signature: &str) -> Result<(), Rejection> {
    expected.check(Some(&dict(json!({ (name): signature }))))
}

/// RFC 7677 section 3: what WAMP signs has the very form of its example.
#[test]
fn the_example_of_rfc_7677() {
    let (client, salt) = ("rOprNGfwEbeRWgbNEkqO", "W22ZaJ0SNY7soEsUEjb6gQ==");
    let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let (proof, verifier) =
        ("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    let extra = dict(json!({"nonce": nonce, "salt": salt, "kdf": "pbkdf2", "iterations": 4096}));
    let answer = answer_to(&pencil(), "user", client, &extra).unwrap();
    assert_eq!((answer.proof.as_str(), answer.nonce.as_str()), (proof, nonce));
    assert_eq!(check(&answer.expected, "verifier", verifier), Ok(()));

    let kdf = Kdf::Pbkdf2 { iterations: 4096 };
    let keys = StoredKeys::derive(&pencil(), kdf, &Base64::decode_vec(salt).unwrap()).unwrap();
    let exchange = Exchange { authid: "user", client_nonce: client, nonce, salt, iterations: 4096 };
    assert_eq!(keys.check(&exchange, proof).as_deref(), Some(verifier));
}

/// The numbers are those of autobahn-python 25 and argon2-cffi for the same input.
#[test]
fn both_dialects_of_argon2_and_each_side_by_the_other() {
    for (dialect, proof, name, verifier) in [
        (
            Dialect::Crossbar,
            "YHKu3EIhMATtri9Vx0oNHZmPhZphSwreT2yTNV81r2c=",
            "scram_server_signature",
            "7Z/4a9Jwg0youeYFMjhGWhyfRcRbW2kKofnZyHqKrhY=",
        ),
        (
            Dialect::Spec,
            "P5eH+urt0Gb3wptPpQtprkW45JpB44AauC12w5pSNrc=",
            "verifier",
            "MR56sYWea9N/cf4UYJ/Vwo2xJlZXvPcdIG8AjqkPwW0=",
        ),
    ] {
        let kdf = Kdf::Argon2 { iterations: 64, memory: 64, dialect };
        let extra = json!({"nonce": NONCE, "kdf": kdf.name(), "salt": SALT, "iterations": 64, "memory": 64});
        let answer = respond(extra).unwrap();
        assert_eq!(answer.proof, proof, "{dialect:?}");
        assert_eq!(check(&answer.expected, name, verifier), Ok(()));
        let client_nonce = base64(&client_nonce());
        let exchange =
            Exchange { authid: "user", client_nonce: &client_nonce, nonce: NONCE, salt: SALT, iterations: 64 };
        let keys = StoredKeys::derive(&pencil(), kdf, b"0123456789abcdef").unwrap();
        assert_eq!(keys.check(&exchange, proof).as_deref(), Some(verifier));
        assert_eq!(keys.check(&Exchange { authid: "other", ..exchange }, proof), None);
        for wrong in ["", "AAAA", "!", &proof[..40], &base64(&[0; 32]), &base64(&[0; 64])] {
            assert_eq!(keys.check(&exchange, wrong), None, "{wrong}");
        }
        let others = StoredKeys::derive(&Secret::new("pencils".to_owned()), kdf, b"0123456789abcdef").unwrap();
        assert_eq!(others.check(&exchange, proof), None);
    }
}

#[test]
fn pbkdf2_with_the_entry_of_argon2_is_crossbars() {
    let extra = json!({"nonce": NONCE, "kdf": "pbkdf2", "salt": SALT, "iterations": 4096});
    let spec = respond(extra.clone()).unwrap();
    let mut extra = dict(extra);
    extra.insert("memory".to_owned(), json!(512));
    extra.insert("channel_binding".to_owned(), Value::Null);
    let crossbar = answer(&pencil(), "user", &client_nonce(), &extra).unwrap();
    assert_ne!(spec.proof, crossbar.proof);
    let kdf = Kdf::Pbkdf2 { iterations: 4096 };
    let keys = StoredKeys::derive(&pencil(), kdf, b"0123456789abcdef").unwrap();
    let client_nonce = base64(&client_nonce());
    let exchange = Exchange { authid: "user", client_nonce: &client_nonce, nonce: NONCE, salt: SALT, iterations: 4096 };
    for answer in [spec, crossbar] {
        let verifier = keys.check(&exchange, &answer.proof).expect("a router takes either");
        assert_eq!(check(&answer.expected, "verifier", &verifier), Ok(()));
    }
}

#[test]
fn a_router_that_does_not_know_the_secret_is_refused() {
    let extra = json!({"nonce": NONCE, "kdf": "pbkdf2", "salt": SALT, "iterations": 4096});
    let expected = respond(extra).unwrap().expected;
    let missing = "WELCOME: expected the router's signature in authextra (verifier), got none";
    let wrong = "WELCOME: expected the signature of a router that knows the secret, got another";
    assert_eq!(expected.check(None), Err(Rejection::Refusal(missing.to_owned())));
    assert_eq!(expected.check(Some(&dict(json!({"verifier": 1})))), Err(Rejection::Refusal(missing.to_owned())));
    for signature in ["", "AAAA", "!", &base64(&[0; 32])] {
        assert_eq!(check(&expected, "verifier", signature), Err(Rejection::Refusal(wrong.to_owned())));
    }
}

/// What Argon2 costs lies between what is worthless and what holds up a small board; what is in use lies between.
#[test]
fn argon2_has_its_least_and_its_most() {
    for (memory, least, most) in
        [(8, 512, 4096), (512, 8, 4096), (513, 8, 511), (4095, 2, 64), (4096, 1, 64), (7168, 1, 36), (65_536, 1, 4)]
    {
        assert_eq!(argon2_iterations(memory), least..=most, "{memory}");
    }
    assert!(argon2_iterations(512).contains(&4096), "the defaults of autobahn-python");
    assert!(argon2_iterations(7168).contains(&5), "what passwd makes");
    assert!(argon2_iterations(65_536).contains(&3), "RFC 9106 section 4, where memory is short");
}

#[test]
fn what_a_hostile_router_asks_is_refused_with_expected_and_got() {
    let good = json!({"nonce": NONCE, "kdf": "argon2id13", "salt": SALT, "iterations": 512, "memory": 8});
    respond(good.clone()).unwrap();
    let (long, short) = ("x".repeat(300), NONCE.get(..32).unwrap());
    for (key, value, sentence) in [
        ("nonce", json!(null), "nonce: expected a string, got nothing".to_owned()),
        ("nonce", json!(long), "nonce: expected at most 256 bytes, got 300".to_owned()),
        ("nonce", json!(short), format!("nonce: expected one that begins with the client's, got {short:?}")),
        ("nonce", json!("mine"), "nonce: expected one that begins with the client's, got \"mine\"".to_owned()),
        (
            "nonce",
            json!(format!("{short},")),
            format!("nonce: expected one that begins with the client's, got \"{short},\""),
        ),
        ("salt", json!(long), "salt: expected at most 256 bytes, got 300".to_owned()),
        ("salt", json!("!"), "salt: expected base64 of at least 8 bytes, got \"!\"".to_owned()),
        ("salt", json!("AAAA"), "salt: expected base64 of at least 8 bytes, got \"AAAA\"".to_owned()),
        ("kdf", json!("md5"), "kdf: expected pbkdf2, argon2id13 or argon2id-13, got \"md5\"".to_owned()),
        ("kdf", json!("pbkdf2"), "iterations: expected 4096 to 1000000, got 512".to_owned()),
        ("memory", json!(65_537), "memory: expected 8 to 65536, got 65537".to_owned()),
        ("memory", json!(1_u64 << 63), "memory: expected 8 to 65536, got 9223372036854775808".to_owned()),
        ("memory", json!(0), "memory: expected 8 to 65536, got 0".to_owned()),
        ("memory", json!(null), "memory: expected a whole number, got nothing".to_owned()),
        ("memory", json!(7), "memory: expected 8 to 65536, got 7".to_owned()),
        ("memory", json!(65_536), "iterations: expected 1 to 4, got 512".to_owned()),
        ("iterations", json!(1), "iterations: expected 512 to 4096, got 1".to_owned()),
        ("iterations", json!(5000), "iterations: expected 512 to 4096, got 5000".to_owned()),
        ("iterations", json!("1"), "iterations: expected a whole number, got \"1\"".to_owned()),
        (
            "channel_binding",
            json!("tls-unique"),
            "channel_binding: expected null, as none is offered, got \"tls-unique\"".to_owned(),
        ),
    ] {
        let mut extra = dict(good.clone());
        extra.insert(key.to_owned(), value);
        let rejection = answer(&pencil(), "user", &client_nonce(), &extra).err().map(|error| error.to_string());
        assert_eq!(rejection, Some(format!("CHALLENGE: {sentence}")));
    }
}
