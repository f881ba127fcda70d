//! Host keys that `ssh-keygen` and the crate `ssh-key` wrote and read.

use super::*;
use crate::ssh::tests::rng::TestRng;

const KEY: &str = include_str!("data/host_ed25519");
const FINGERPRINT: &str = include_str!("data/host_ed25519.fingerprint");

#[test]
fn a_key_of_ssh_keygen_is_read() {
    for text in [KEY.to_owned(), KEY.replace('\n', "\r\n"), format!("\n{KEY}\n\n")] {
        let key = HostKey::from_openssh(&text).unwrap();
        assert_eq!(key.fingerprint(), FINGERPRINT.trim());
        assert_eq!(format!("{key:?}"), format!("HostKey({})", FINGERPRINT.trim()));
    }
}

#[test]
fn a_key_is_written_as_others_read_it() {
    let mut rng = TestRng::new(1);
    for key in [HostKey::generate(&mut rng), HostKey::from_openssh(KEY).unwrap()] {
        let text = key.to_openssh();
        assert!(text.lines().all(|line| line.len() <= 70) && text.ends_with("-----\n"));
        assert_eq!(HostKey::from_openssh(&text).unwrap().fingerprint(), key.fingerprint());
        let read = ssh_key::PrivateKey::from_openssh(text.as_str()).unwrap();
        assert_eq!(read.fingerprint(ssh_key::HashAlg::Sha256).to_string(), key.fingerprint());
        assert_eq!(read.comment(), "wampproc");
        assert_eq!(read.public_key().to_bytes().unwrap(), key.blob());
    }
}

#[test]
fn generated_keys_differ() {
    let mut rng = TestRng::new(1);
    assert_ne!(HostKey::generate(&mut rng).fingerprint(), HostKey::generate(&mut rng).fingerprint());
}

#[test]
fn other_texts_are_refused() {
    for (text, expected) in [
        ("", "expected a private key in OpenSSH's format, got something else: not between its two lines"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\n!\n-----END OPENSSH PRIVATE KEY-----\n",
            "expected a private key in OpenSSH's format, got something else: not in base64",
        ),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            "expected a private key in OpenSSH's format, got something else: not a container of version 1",
        ),
        (include_str!("data/user_rsa"), "expected a key of the kind ssh-ed25519, got ssh-rsa"),
        (include_str!("data/encrypted_ed25519"), "expected a key without a passphrase, got an encrypted one"),
    ] {
        assert_eq!(HostKey::from_openssh(text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_damaged_key_is_refused_and_not_taken_for_another() {
    let whole = HostKey::from_openssh(KEY).unwrap().fingerprint();
    let text = KEY.trim_end();
    let characters: Vec<char> = text.chars().collect();
    for at in 0..characters.len() {
        let mut damaged = characters.clone();
        damaged[at] = if damaged[at] == 'A' { 'B' } else { 'A' };
        if let Ok(key) = HostKey::from_openssh(&damaged.iter().collect::<String>()) {
            // Only the comment or the padding can be damaged without anybody noticing.
            assert_eq!(key.fingerprint(), whole);
        }
        assert!(HostKey::from_openssh(&text[..at]).is_err());
    }
}
