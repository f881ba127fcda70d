//! WAMP-CRA (*Challenge Response Authentication*): HMAC-SHA-256 of a challenge, by a secret or by a key derived from it.
//!
//! With a salt the HMAC's key is the base64 *text* of what PBKDF2 gives, as the spec's example and every implementation has it.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::challenge::Challenge;
use super::limits::{MAX_CHALLENGE, MAX_KEYLEN, MAX_PBKDF2_ITERATIONS, MAX_SALT};
use super::{Rejection, Secret};
use crate::wamp::options::Dict;

/// What holds when a challenge with a salt does not say (*Salted Passwords*).
const ITERATIONS: u64 = 1000;
/// See [`ITERATIONS`].
const KEYLEN: u64 = 32;

/// HMAC-SHA-256 of the parts, one after the other.
#[must_use]
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length will do, so there is no other case.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// The key of a salted secret: base64 text, which itself is the key.
#[must_use]
pub fn derive(secret: &Secret, salt: &str, iterations: u32, keylen: usize) -> Secret {
    let mut key = Zeroizing::new(vec![0; keylen]);
    pbkdf2::pbkdf2_hmac::<Sha256>(secret.expose().as_bytes(), salt.as_bytes(), iterations, &mut key);
    Secret::new(Base64::encode_string(&key))
}

/// The signature of a challenge, as it stands in AUTHENTICATE.
#[must_use]
pub fn sign(key: &Secret, challenge: &str) -> String {
    Base64::encode_string(&hmac(key.expose().as_bytes(), &[challenge.as_bytes()]))
}

/// Whether this is the signature of a challenge. Takes as long when it is not.
#[must_use]
pub fn holds(key: &Secret, challenge: &str, signature: &str) -> bool {
    sign(key, challenge).as_bytes().ct_eq(signature.as_bytes()).into()
}

/// The signature that a client answers with.
pub(super) fn answer(secret: &Secret, extra: &Dict) -> Result<String, Rejection> {
    let entries = Challenge::new(extra);
    let challenge = entries.text("challenge", MAX_CHALLENGE)?;
    if !entries.has("salt") {
        return Ok(sign(secret, challenge));
    }
    let salt = entries.text("salt", MAX_SALT)?;
    let iterations = entries.number("iterations", Some(ITERATIONS), 1..=MAX_PBKDF2_ITERATIONS)?;
    let keylen = entries.number("keylen", Some(KEYLEN), 1..=MAX_KEYLEN)?;
    // Both are far smaller.
    let iterations = u32::try_from(iterations).unwrap_or(u32::MAX);
    let keylen = usize::try_from(keylen).unwrap_or(usize::MAX);
    Ok(sign(&derive(secret, salt, iterations, keylen), challenge))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn respond(extra: serde_json::Value) -> Result<String, String> {
        let serde_json::Value::Object(extra) = extra else { panic!("{extra}") };
        answer(&secret("secret123"), &extra).map_err(|rejection| rejection.to_string())
    }

    /// RFC 4231, test cases 1 and 2.
    #[test]
    fn hmac_is_that_of_rfc_4231() {
        for (key, data, expected) in [
            (&[0x0b; 20][..], &b"Hi There"[..], "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            assert_eq!(hex(&hmac(key, &[data])), expected);
            let (one, two) = data.split_at(3);
            assert_eq!(hex(&hmac(key, &[one, two])), expected, "in parts");
        }
    }

    /// The vectors of RFC 6070 with SHA-256 in place of SHA-1, and autobahn-python's numbers.
    #[test]
    fn keys_are_derived_by_pbkdf2_and_used_as_text() {
        for (password, salt, iterations, keylen, expected) in [
            ("password", "salt", 1, 32, "Eg+2z/z4syxD5yJSVsT4N6hlSMkszDVICAWYfLcL4Xs="),
            ("password", "salt", 4096, 32, "xeR41ZKIyEGqUw22hFxMjZYok6ABzk4RpJY4c6qYE0o="),
            ("secret123", "salt123", 100, 16, "DpHHRlQ6UNULJlP9J8WkPw=="),
        ] {
            assert_eq!(
                derive(&secret(password), salt, iterations, keylen).expose(),
                expected,
                "{password} {iterations}"
            );
        }
        let challenge = r#"{"nonce":1}"#;
        let extra = json!({"challenge": challenge, "salt": "salt123", "iterations": 100, "keylen": 16});
        assert_eq!(respond(extra).as_deref(), Ok("FHkJgKAZfIT4yjJAzp39UKgGijst1p4H5ctvo5gl1OQ="));
        assert_eq!(
            respond(json!({"challenge": challenge})).as_deref(),
            Ok("BcxG5oIHeRqip6LfsAd8+KCOb6I3EQfxYEO8HZQwU/0=")
        );
    }

    #[test]
    fn a_challenge_is_signed_by_the_secret_or_the_derived_key() {
        let plain = respond(json!({"challenge": "x"})).unwrap();
        assert_eq!(plain, sign(&secret("secret123"), "x"));
        let salted = respond(json!({"challenge": "x", "salt": "pepper", "iterations": 2, "keylen": 16})).unwrap();
        assert_eq!(salted, sign(&derive(&secret("secret123"), "pepper", 2, 16), "x"));
        let defaults = respond(json!({"challenge": "x", "salt": "pepper"})).unwrap();
        assert_eq!(defaults, sign(&derive(&secret("secret123"), "pepper", 1000, 32), "x"));
        assert!(holds(&secret("secret123"), "x", &plain) && !holds(&secret("secret123"), "y", &plain));
        assert!(!holds(&secret("secret123"), "x", "") && !holds(&secret("secret12"), "x", &plain));
    }

    #[test]
    fn what_a_hostile_router_asks_is_refused_with_expected_and_got() {
        let long = "x".repeat(5000);
        for (extra, sentence) in [
            (json!({}), "CHALLENGE: challenge: expected a string, got nothing"),
            (json!({"challenge": 1}), "CHALLENGE: challenge: expected a string, got 1"),
            (json!({"challenge": long}), "CHALLENGE: challenge: expected at most 4096 bytes, got 5000"),
            (json!({"challenge": "x", "salt": []}), "CHALLENGE: salt: expected a string, got []"),
            (json!({"challenge": "x", "salt": long}), "CHALLENGE: salt: expected at most 256 bytes, got 5000"),
            (
                json!({"challenge": "x", "salt": "s", "iterations": 1_000_001}),
                "CHALLENGE: iterations: expected 1 to 1000000, got 1000001",
            ),
            (
                json!({"challenge": "x", "salt": "s", "iterations": 0}),
                "CHALLENGE: iterations: expected 1 to 1000000, got 0",
            ),
            (
                json!({"challenge": "x", "salt": "s", "iterations": -1}),
                "CHALLENGE: iterations: expected a whole number, got -1",
            ),
            (
                json!({"challenge": "x", "salt": "s", "keylen": 9_223_372_036_854_775_808_u64}),
                "CHALLENGE: keylen: expected 1 to 64, got 9223372036854775808",
            ),
            (
                json!({"challenge": "x", "salt": "s", "keylen": 1.5}),
                "CHALLENGE: keylen: expected a whole number, got 1.5",
            ),
        ] {
            assert_eq!(respond(extra), Err(sentence.to_owned()));
        }
    }
}
