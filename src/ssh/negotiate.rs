//! KEXINIT (RFC 4253, section 7.1): what we offer, and what follows from that and from what the client offers.

use super::cipher::{self, CIPHERS, MAC};
use super::error::{SshError, printable};
use super::hostkey;
use super::kex::{self, METHODS};
use super::limits::MAX_NAME_LIST;
use super::message;
use super::wire::{Payload, Reader};

/// Announces strict key exchange, ours and the client's (OpenSSH's PROTOCOL, section 1.10).
const STRICT_SERVER: &str = "kex-strict-s-v00@openssh.com";
const STRICT_CLIENT: &str = "kex-strict-c-v00@openssh.com";

/// The client takes EXT_INFO (RFC 8308, section 2.1).
const EXT_INFO_CLIENT: &str = "ext-info-c";

/// What both sides will use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) method: kex::Method,
    /// From the client to us.
    pub(super) incoming: cipher::Algorithm,
    /// From us to the client.
    pub(super) outgoing: cipher::Algorithm,
    /// The client sent a first message of another key exchange: it is to be skipped.
    pub(super) wrong_guess: bool,
    /// The client knows strict key exchange.
    pub(super) strict: bool,
    /// The client takes EXT_INFO.
    pub(super) ext_info: bool,
}

/// Our KEXINIT.
pub(super) fn offer(cookie: [u8; 16]) -> Payload {
    let methods: Vec<&str> = METHODS.iter().map(|(name, _)| *name).chain([STRICT_SERVER]).collect();
    let ciphers: Vec<&str> = CIPHERS.iter().map(|(name, _)| *name).collect();
    let mut payload = Payload::message(message::KEXINIT).raw(&cookie);
    for list in
        [&methods[..], &[hostkey::ALGORITHM], &ciphers, &ciphers, &[MAC], &[MAC], &["none"], &["none"], &[], &[]]
    {
        payload = payload.string(list.join(",").as_bytes());
    }
    payload.boolean(false).u32(0)
}

/// What follows from the client's KEXINIT: of each list the client's first that is ours too.
pub(super) fn choose(kexinit: &[u8]) -> Result<Chosen, SshError> {
    let mut reader = Reader::new("SSH_MSG_KEXINIT", kexinit);
    reader.byte("number")?;
    reader.bytes("cookie", 16)?;
    let methods = names(&mut reader, "kex_algorithms")?;
    let host_keys = names(&mut reader, "server_host_key_algorithms")?;
    let ciphers_in = names(&mut reader, "encryption_algorithms_client_to_server")?;
    let ciphers_out = names(&mut reader, "encryption_algorithms_server_to_client")?;
    let macs_in = names(&mut reader, "mac_algorithms_client_to_server")?;
    let macs_out = names(&mut reader, "mac_algorithms_server_to_client")?;
    let compression_in = names(&mut reader, "compression_algorithms_client_to_server")?;
    let compression_out = names(&mut reader, "compression_algorithms_server_to_client")?;
    names(&mut reader, "languages_client_to_server")?;
    names(&mut reader, "languages_server_to_client")?;
    let guessed = reader.boolean("first_kex_packet_follows")?;
    reader.u32("reserved")?;
    reader.end()?;

    let method = pick(methods, &METHODS, "key exchange method")?;
    pick(host_keys, &[(hostkey::ALGORITHM, ())], "host key algorithm")?;
    let direction = |ciphers, macs, compression| {
        let algorithm = pick(ciphers, &CIPHERS, "cipher")?;
        if algorithm == cipher::Algorithm::Aes256CtrHmac {
            pick(macs, &[(MAC, ())], "authentication code")?;
        }
        pick(compression, &[("none", ())], "compression")?;
        Ok(algorithm)
    };
    let first = |list: &str| list.split(',').next().unwrap_or_default().to_owned();
    let right =
        METHODS.first().is_some_and(|(name, _)| *name == first(methods)) && first(host_keys) == hostkey::ALGORITHM;
    Ok(Chosen {
        method,
        incoming: direction(ciphers_in, macs_in, compression_in)?,
        outgoing: direction(ciphers_out, macs_out, compression_out)?,
        wrong_guess: guessed && !right,
        strict: methods.split(',').any(|name| name == STRICT_CLIENT),
        ext_info: methods.split(',').any(|name| name == EXT_INFO_CLIENT),
    })
}

fn names<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<&'a str, SshError> {
    let list = reader.text(field)?;
    if list.len() > MAX_NAME_LIST {
        return Err(SshError::Limit {
            what: "bytes in a name-list",
            limit: MAX_NAME_LIST as u64,
            got: list.len() as u64,
        });
    }
    Ok(list)
}

fn pick<T: Copy>(theirs: &str, ours: &[(&str, T)], list: &'static str) -> Result<T, SshError> {
    theirs
        .split(',')
        .find_map(|name| ours.iter().find(|(known, _)| *known == name))
        .map(|(_, choice)| *choice)
        .ok_or_else(|| SshError::NoCommonAlgorithm { list, offered: printable(theirs.as_bytes()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kexinit(lists: [&str; 10], follows: bool) -> Vec<u8> {
        let payload = Payload::message(message::KEXINIT).raw(&[0; 16]);
        let payload = lists.iter().fold(payload, |payload, list| payload.string(list.as_bytes()));
        payload.boolean(follows).u32(0).into_bytes()
    }

    const DROPBEAR: [&str; 10] = [
        "curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group14-sha256,kexguess2@matt.ucc.asn.au",
        "ssh-ed25519,rsa-sha2-256",
        "aes128-ctr,aes256-ctr",
        "chacha20-poly1305@openssh.com,aes256-ctr",
        "hmac-sha1,hmac-sha2-256-etm@openssh.com",
        "hmac-sha1",
        "zlib@openssh.com,none",
        "none",
        "",
        "",
    ];

    #[test]
    fn the_clients_first_that_is_ours_is_chosen_for_each_direction() {
        let chosen = choose(&kexinit(DROPBEAR, false)).unwrap();
        assert_eq!(chosen.method, kex::Method::Curve25519);
        assert_eq!(chosen.incoming, cipher::Algorithm::Aes256CtrHmac);
        assert_eq!(chosen.outgoing, cipher::Algorithm::ChaCha20Poly1305);
        assert!(!chosen.wrong_guess && !chosen.strict && !chosen.ext_info);
    }

    #[test]
    fn a_guess_is_right_only_if_the_first_of_both_lists_is_ours() {
        assert!(choose(&kexinit(DROPBEAR, true)).unwrap().wrong_guess);
        let mut lists = DROPBEAR;
        lists[0] = "mlkem768x25519-sha256,ext-info-c,kex-strict-c-v00@openssh.com";
        let chosen = choose(&kexinit(lists, true)).unwrap();
        assert!(!chosen.wrong_guess && chosen.strict && chosen.ext_info);
        lists[1] = "rsa-sha2-512,ssh-ed25519";
        assert!(choose(&kexinit(lists, true)).unwrap().wrong_guess);
    }

    #[test]
    fn nothing_in_common_is_named() {
        for (list, offered, expected) in [
            (0, "diffie-hellman-group14-sha256", "no common key exchange method"),
            (1, "ssh-rsa", "no common host key algorithm"),
            (2, "aes128-cbc", "no common cipher"),
            (4, "hmac-sha1", "no common authentication code"),
            (7, "zlib", "no common compression"),
        ] {
            let mut lists = DROPBEAR;
            lists[list] = offered;
            let error = choose(&kexinit(lists, false)).unwrap_err().to_string();
            assert_eq!(error, format!("{expected}, got \"{offered}\""));
        }
    }

    #[test]
    fn a_name_list_has_a_limit_and_the_message_an_end() {
        let long = "a,".repeat(5000);
        let mut lists = DROPBEAR;
        lists[8] = &long;
        assert!(matches!(choose(&kexinit(lists, false)), Err(SshError::Limit { .. })));
        let mut longer = kexinit(DROPBEAR, false);
        longer.push(0);
        assert!(choose(&longer).is_err());
        for cut in 0..longer.len() - 1 {
            assert!(choose(&longer[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn our_offer_chooses_itself() {
        let chosen = choose(offer([1; 16]).as_bytes()).unwrap();
        assert_eq!(chosen.method, kex::Method::MlKem768X25519);
        assert_eq!(chosen.incoming, cipher::Algorithm::ChaCha20Poly1305);
    }
}
