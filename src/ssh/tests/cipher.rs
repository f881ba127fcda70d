//! Packets whose bytes others computed: the worked example of draft-ietf-sshm-chacha20-poly1305, and Python's
//! `cryptography` for the rest.

use zeroize::Zeroizing;

use super::*;
use crate::ssh::tests::hex;

fn material(iv: &str, key: &str, mac: &str) -> KeyMaterial {
    KeyMaterial { iv: Zeroizing::new(hex(iv)), key: Zeroizing::new(hex(key)), mac: Zeroizing::new(hex(mac)) }
}

/// Seals `plain` as the packets of these sequence numbers, and opens the result; flips a bit of each byte in between.
fn check(algorithm: Algorithm, material: &KeyMaterial, plain: &str, packets: &[(u32, &str)]) {
    let mut sealing = Protection::new(algorithm, material).unwrap();
    let mut opening = Protection::new(algorithm, material).unwrap();
    for (sequence, expected) in packets {
        let expected = hex(expected);
        let mut packet = hex(plain);
        packet.resize(packet.len() + sealing.tag(), 0);
        sealing.seal(*sequence, &mut packet).unwrap();
        assert_eq!(packet, expected);

        let head = *packet.first_chunk::<LENGTH>().unwrap();
        assert_eq!(opening.length(*sequence, head) as usize, hex(plain).len() - LENGTH);
        for at in 0..packet.len() {
            let mut forged = packet.clone();
            forged[at] ^= 1;
            assert_eq!(opening.open(*sequence, &mut forged), Err(SshError::Integrity), "byte {at}");
        }
        if algorithm != Algorithm::Aes256Gcm {
            assert_eq!(opening.open(sequence + 1, &mut packet.clone()), Err(SshError::Integrity));
        }
        opening.open(*sequence, &mut packet).unwrap();
        assert_eq!(packet[LENGTH..hex(plain).len()], hex(plain)[LENGTH..]);
    }
}

#[test]
fn chacha20_poly1305() {
    let key = "8bbff6855fc102338c373e73aac0c914f076a905b2444a32eecaffeae22becc5\
               e9b7a7a5825a8249346ec1c28301cf394543fc7569887d76e168f37562ac0740";
    let plain = "00000048065e00000000000000384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e73\
                 65637465747572206164697069736963696e6720656c69744e43e804dc6c";
    let sealed = "2c3ecce4a5bc05895bf07a7ba956b6c68829ac7c83b780b7000ecde745afc705bbc378ce03a280236b87b53bed58\
                  39662302b164b6286a48cd1e097138e3cb909b8b2b829dd18d2a35ff82d995349e855bf02c298ef775f2d1a7e8b8";
    check(Algorithm::ChaCha20Poly1305, &material("", key, ""), plain, &[(7, sealed)]);
}

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const PLAIN: &str = "000000100a020000000070707070707070707070";

#[test]
fn aes256_gcm_counts_its_nonce_up() {
    check(
        Algorithm::Aes256Gcm,
        &material("01020304ffffffffffffffff", KEY, ""),
        PLAIN,
        &[
            (3, "000000107b3eb9245fc1126b11c2a14e50bde91634543a55bbbfdbff83b3b36e79844ca1"),
            (4, "000000102b57dd5d179108018b97e7cbc0b0c71e51a788066b487cb07f61d0ab80772f49"),
        ],
    );
}

#[test]
fn aes256_ctr_goes_on_from_packet_to_packet() {
    let mac = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
    check(
        Algorithm::Aes256CtrHmac,
        &material("404142434445464748494a4b4c4d4e4f", KEY, mac),
        PLAIN,
        &[
            (
                3,
                "00000010a97cdf3f975aca9fe30b12b7fd2bc127\
                 031c51963a8bd51d2abc3ce843723dcb4cb3c7f035e18294b1d7015e00d5fa36",
            ),
            (
                4,
                "00000010ba771e93a8ee1431fb99cdbe20262541\
                 bb3b3b0a52df38ade318c7dbf05eff9535f6e58e2373e2ff19a85c8b82fa4bcd",
            ),
        ],
    );
}

#[test]
fn a_packet_smaller_than_its_tag_is_no_packet() {
    for algorithm in [Algorithm::ChaCha20Poly1305, Algorithm::Aes256Gcm, Algorithm::Aes256CtrHmac] {
        let (iv, key, mac) = algorithm.sizes();
        let zeros = |size| Zeroizing::new(vec![0; size]);
        let material = KeyMaterial { iv: zeros(iv), key: zeros(key), mac: zeros(mac) };
        let mut protection = Protection::new(algorithm, &material).unwrap();
        for size in 0..LENGTH + protection.tag() {
            assert_eq!(protection.open(0, &mut vec![0; size]), Err(SshError::Integrity));
        }
    }
}
