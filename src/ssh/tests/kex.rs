//! RFC 7748's example, shares that must be refused, and hashes and keys that Python's `hashlib` computed after RFC 4253.

use std::convert::Infallible;

use ml_kem::kem::{Decapsulate, Kem, KeyExport};
use rand_core::{TryCryptoRng, TryRng};

use super::*;
use crate::ssh::tests::hex;
use crate::ssh::tests::rng::TestRng;

/// Gives these bytes.
struct Fixed(Vec<u8>);

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only bytes are asked for")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("only bytes are asked for")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

const BOB: &str = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";

#[test]
fn x25519_as_in_rfc_7748_section_6_1() {
    let mut alice = Fixed(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
    let agreement = agree(Method::Curve25519, &hex(BOB), &mut alice).unwrap();
    assert_eq!(agreement.share, hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
    let secret = "000000204a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    assert_eq!(*agreement.secret, hex(secret));
}

#[test]
fn shares_of_small_order_are_refused() {
    // The points of small order, and one that only reduces to such a one.
    for share in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        let Err(error) = agree(Method::Curve25519, &hex(share), &mut TestRng::new(1)) else {
            panic!("{share} was taken");
        };
        assert_eq!(error.to_string(), "key exchange failed: the X25519 share gives an all-zero secret");
    }
}

#[test]
fn shares_of_another_size_are_refused() {
    for method in [Method::Curve25519, Method::MlKem768X25519] {
        for size in [0, 1, 31, 33, 1184, 1215, 1217] {
            let share = vec![9; size];
            assert!(matches!(agree(method, &share, &mut TestRng::new(1)), Err(SshError::KeyExchange { .. })), "{size}");
        }
    }
}

#[test]
fn the_hybrid_joins_both_secrets() {
    let mut rng = TestRng::new(3);
    let (private, public) = MlKem768::generate_keypair_from_rng(&mut rng);
    let point = EphemeralSecret::random_from_rng(&mut rng);
    let share = [public.to_bytes().as_slice(), PublicKey::from(&point).as_bytes()].concat();
    let agreement = agree(Method::MlKem768X25519, &share, &mut rng).unwrap();
    assert_eq!(agreement.share.len(), 1088 + 32);

    let (ciphertext, theirs) = agreement.share.split_at(1088);
    let first = private.decapsulate(ciphertext.try_into().unwrap());
    let second = point.diffie_hellman(&PublicKey::from(<[u8; 32]>::try_from(theirs).unwrap()));
    let secret = Sha256::new().chain_update(first).chain_update(second).finalize();
    assert_eq!(*agreement.secret, [&[0, 0, 0, 32], secret.as_slice()].concat());
}

#[test]
fn an_ml_kem_key_out_of_range_is_refused() {
    // All coefficients are 4095, more than the modulus (FIPS 203, section 7.2).
    let share = [vec![0xff; 1184], hex(BOB)].concat();
    let Err(error) = agree(Method::MlKem768X25519, &share, &mut TestRng::new(1)) else { panic!("it was taken") };
    assert!(error.to_string().contains("ML-KEM-768"), "{error}");
}

fn secret() -> Vec<u8> {
    Payload::fields().mpint(&(0x80..0xa0).collect::<Vec<u8>>()).into_bytes()
}

const HASH: &str = "ccb88333979f9479e7a3323188a609e7e618422a1f70fe1250a2e8442402284a";

#[test]
fn the_exchange_hash() {
    let transcript = Transcript {
        client_ident: b"SSH-2.0-client",
        server_ident: b"SSH-2.0-server",
        client_kexinit: b"\x14cc",
        server_kexinit: b"\x14ss",
        host_key: b"hostkey",
        client_share: &[1; 32],
        server_share: &[2; 32],
        secret: &secret(),
    };
    assert_eq!(transcript.hash().to_vec(), hex(HASH));
}

#[test]
fn keys_are_derived_for_each_direction() {
    let hash: ExchangeHash = hex(HASH).try_into().unwrap();
    let session: ExchangeHash = std::array::from_fn(|i| u8::try_from(i).unwrap());
    let derive = |algorithm, direction| derive(algorithm, direction, &secret(), &hash, &session);
    let hex_start = |digits: &str, size| hex(digits)[..size].to_vec();

    let up = derive(Algorithm::Aes256CtrHmac, Direction::ClientToServer);
    assert_eq!(*up.iv, hex_start("6b7a0396d09aade0f37c6e7f71a3ab17", 16));
    assert_eq!(*up.key, hex_start("67419f758b33efd3baad795d59317745c6708dfb5f7b835d6454a1730b155ebf", 32));
    assert_eq!(*up.mac, hex_start("3e83ce4e3389fc34121f6e5535984049b6153c94acca7ca845f6ae87a107321d", 32));
    let down = derive(Algorithm::Aes256CtrHmac, Direction::ServerToClient);
    assert_eq!(*down.iv, hex_start("496bb04113c2881f64dfff39e841accf", 16));
    assert_eq!(*down.mac, hex_start("144753926cdaf03596faad26958aeb69c85befa66514665a0ed8027c34e7c626", 32));
    // Longer than one hash.
    let long = derive(Algorithm::ChaCha20Poly1305, Direction::ServerToClient);
    let expected = "2a3dad4c12bc07829ec975bdd7b32914e9ac06e0cb3b954dc191dfb76819bf84\
                    fd702abedfb4f2c1db3fc2afc685fcb1e4f47476c8cd3787bcbfd52474b7896b";
    assert_eq!(*long.key, hex(expected));
    assert!(long.iv.is_empty() && long.mac.is_empty());
}
