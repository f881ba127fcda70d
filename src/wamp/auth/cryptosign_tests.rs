//! Keys that others wrote, RFC 8032's signatures, and challenges that are none.

use super::*;
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

/// RFC 8032 section 7.1, test 1.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

fn key() -> PrivateKey {
    PrivateKey::from_text(SEED).unwrap()
}

fn respond(extra: Value) -> Result<String, String> {
    let Value::Object(extra) = extra else { panic!("{extra}") };
    answer(&key(), &extra).map_err(|rejection| rejection.to_string())
}

#[test]
fn the_key_and_the_empty_signature_of_rfc_8032() {
    assert_eq!(key().public().to_string(), PUBLIC);
    assert_eq!(key().to_hex().as_str(), SEED);
    let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
    assert_eq!(hex::encode(&key().0.sign(b"").to_bytes()), signature);
}

#[test]
fn an_answer_is_checked_by_the_public_key() {
    let challenge = [7; CHALLENGE_LENGTH];
    let text = challenge_text(&challenge);
    let answer = respond(json!({"challenge": text, "channel_binding": null})).unwrap();
    assert_eq!((answer.len(), answer.ends_with(&text)), (192, true));
    let public = PublicKey::from_hex(PUBLIC).unwrap();
    assert!(public.holds(&challenge, &answer));
    assert!(public.holds(&challenge, &answer[..128]), "the signature alone");
    assert!(public.holds(&challenge, &answer.to_uppercase()));
    assert!(!public.holds(&[8; CHALLENGE_LENGTH], &answer));
    assert!(!public.holds(&[8; CHALLENGE_LENGTH], &answer[..128]));
    let other = PrivateKey::from_seed(&[1; 32]).public();
    assert!(!other.holds(&challenge, &answer));
    for wrong in ["", "00", &"é".repeat(96), &answer[..190], &format!("{answer}00"), &"0".repeat(192)] {
        assert!(!public.holds(&challenge, wrong), "{wrong}");
    }
}

#[test]
fn keys_are_read_in_every_format() {
    let seed = hex::decode::<32>(SEED).unwrap();
    let both = [seed, hex::decode(PUBLIC).unwrap()].concat();
    for text in
        [SEED.to_uppercase(), format!("\n{SEED}\r\n"), Base64::encode_string(&seed), Base64::encode_string(&both)]
    {
        assert_eq!(PrivateKey::from_text(&text).unwrap().public().to_string(), PUBLIC, "{text}");
    }
    let openssh = include_str!("../../ssh/tests/data/host_ed25519");
    for text in [openssh.to_owned(), openssh.replace('\n', "\r\n")] {
        assert!(PrivateKey::is_openssh(&text));
        let public = PrivateKey::from_text(&text).unwrap().public();
        let expected = ssh_key::PrivateKey::from_openssh(openssh).unwrap();
        assert_eq!(Some(&public.0), expected.public_key().key_data().ed25519().map(|key| &key.0));
    }
}

#[test]
fn other_texts_are_refused_and_never_repeated() {
    let mismatch = Base64::encode_string(&[1; 64]);
    for (text, error) in [
        ("", KeyError::Format),
        ("hunter2", KeyError::Format),
        (&SEED[..62], KeyError::Format),
        ("AAAA", KeyError::Format),
        (&mismatch, KeyError::Mismatch),
        (include_str!("../../ssh/tests/data/user_rsa"), KeyError::Algorithm),
        (include_str!("../../ssh/tests/data/encrypted_ed25519"), KeyError::Encrypted),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----", KeyError::Damaged),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", KeyError::Damaged),
    ] {
        assert_eq!(PrivateKey::from_text(text).unwrap_err(), error, "{text}");
    }
    assert_eq!(format!("{:?}", key()), format!("PrivateKey(of {PUBLIC})"));
}

#[test]
fn a_damaged_file_is_never_taken_for_another_key() {
    let text = include_str!("../../ssh/tests/data/host_ed25519").trim_end();
    let whole = PrivateKey::from_text(text).unwrap().public();
    for at in 0..text.len() {
        let damaged = format!("{}{}", &text[..at], &text[at + 1..]);
        assert!(PrivateKey::from_text(&damaged).map_or(true, |key| key.public() == whole), "without character {at}");
    }
}

#[test]
fn public_keys_are_read_as_openssh_writes_them() {
    let openssh = ssh_key::PrivateKey::from_openssh(include_str!("../../ssh/tests/data/host_ed25519")).unwrap();
    let line = openssh.public_key().to_openssh().unwrap();
    let bare = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let expected = openssh.public_key().key_data().ed25519().map(|key| key.0);
    for text in [format!("{bare} joe@board 7\n"), bare.clone()] {
        assert_eq!(PublicKey::from_text(&text).map(|key| key.0), expected, "{text}");
    }
    assert_eq!(PublicKey::from_text(PUBLIC).unwrap().to_string(), PUBLIC);
    let shorter = bare.strip_suffix(|_| true).unwrap();
    let longer = format!(
        "ssh-ed25519 {}",
        Base64::encode_string(&[&Base64::decode_vec(&bare[12..]).unwrap()[..], b"x"].concat())
    );
    for text in ["ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa AAAAB3NzaC1yc2E=", shorter, &longer, &bare[12..]] {
        assert!(PublicKey::from_text(text).is_none(), "{text}");
    }
}

#[test]
fn public_keys_are_points() {
    assert!(PublicKey::from_hex(PUBLIC).is_some());
    for text in ["", "00", &PUBLIC[..62], &format!("{}02", &"ff".repeat(31))] {
        assert!(PublicKey::from_hex(text).is_none(), "{text}");
    }
}

#[test]
fn challenges_that_are_none_are_not_signed() {
    for (extra, sentence) in [
        (json!({}), "challenge: expected a string, got nothing"),
        (json!({"challenge": "00"}), "challenge: expected 64 characters of hex, got \"00\""),
        (
            json!({"challenge": "g".repeat(64)}),
            &format!("challenge: expected 64 characters of hex, got {:?}", "g".repeat(64)),
        ),
        (json!({"challenge": "0".repeat(66)}), "challenge: expected at most 64 bytes, got 66"),
        (
            json!({"challenge": "0".repeat(64), "channel_binding": "tls-unique"}),
            "channel_binding: expected null, as none is offered, got \"tls-unique\"",
        ),
    ] {
        assert_eq!(respond(extra), Err(format!("CHALLENGE: {sentence}")));
    }
}
