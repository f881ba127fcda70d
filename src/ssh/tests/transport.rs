//! From the first byte to the first keys: every combination that is offered, and everything that must not come there.

use super::client::{Client, IDENT, NOTHING, Setup, config, open, password};
use crate::ssh::cipher::CIPHERS;
use crate::ssh::kex::METHODS;
use crate::ssh::limits::{MAX_EARLY_EXCHANGES, MAX_REPLIES};
use crate::ssh::message;
use crate::ssh::wire::Payload;
use crate::ssh::{Event, SshError};

/// That this ended the connection, in these words, and that the client was told so.
fn assert_over(client: &mut Client, result: &Result<(), SshError>, sentence: &str) {
    assert_eq!(result.as_ref().expect_err(sentence).to_string(), sentence);
    assert!(client.server.is_over() && !client.server.wants_input());
    let last = std::iter::from_fn(|| client.next()).last().expect("a DISCONNECT");
    assert_eq!(last[0], message::DISCONNECT);
    assert!(last.windows(sentence.len()).any(|words| words == sentence.as_bytes()));
}

#[test]
fn every_combination_works() {
    for (method, _) in METHODS {
        for (cipher, _) in CIPHERS {
            for strict in [true, false] {
                let mut client = Client::logged_in(Setup { method, cipher, strict }, config());
                client.exchange();
                let channel = client.open(1, 1000, 1000);
                assert_eq!(client.server.write(channel, crate::ssh::Stream::Out, b"hello"), 5);
                assert_eq!(client.next_number(), message::CHANNEL_DATA);
                assert_eq!(client.server.client(), "SSH-2.0-test client");
            }
        }
    }
}

#[test]
fn bytes_may_come_one_by_one() {
    let mut client = Client::silent(Setup::default(), config());
    let trickle = |client: &mut Client, bytes: Vec<u8>| {
        for byte in bytes {
            client.server.receive(&[byte]).unwrap();
        }
    };
    trickle(&mut client, [IDENT, b"\n"].concat());
    let kexinit = client.kexinit(false);
    client.remember(&kexinit);
    let bytes = client.seal(&kexinit);
    trickle(&mut client, bytes);
    let share = client.share();
    let bytes = client.seal(&share);
    trickle(&mut client, bytes);
    while client.next_number() != message::NEWKEYS {}
    let bytes = client.seal(&Payload::message(message::SERVICE_REQUEST).string(b"ssh-userauth"));
    trickle(&mut client, bytes);
    assert_eq!(client.numbers(), [message::EXT_INFO, message::SERVICE_ACCEPT]);
}

#[test]
fn ext_info_lists_the_signatures() {
    let mut client = Client::connected(Setup::default(), config());
    let info = client.next().unwrap();
    let expected = Payload::message(message::EXT_INFO)
        .u32(1)
        .string(b"server-sig-algs")
        .string(b"ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256,rsa-sha2-512");
    assert_eq!(info, expected.as_bytes());
}

#[test]
fn other_protocols_are_told_off() {
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 100], b"SSH-1.5-old\r\n", &[b'a'; 1 << 20]] {
        let mut client = Client::silent(Setup::default(), config());
        assert!(matches!(client.server.receive(garbage), Err(SshError::Ident { .. })));
        assert!(client.server.is_over());
        assert_eq!(client.server.receive(IDENT), Ok(()), "nothing is looked at any more");
        assert_eq!(client.server.next_event(), None);
    }
}

#[test]
fn a_megabyte_without_a_newline_is_not_kept() {
    let mut client = Client::silent(Setup::default(), config());
    assert_eq!(client.server.receive(b"SSH-2.0-"), Ok(()));
    assert!(client.server.receive(&[b'a'; 1 << 20]).is_err());
}

#[test]
fn nothing_but_the_exchange_comes_before_the_first_keys() {
    let ignorable = [
        Payload::message(message::IGNORE).string(b""),
        Payload::message(message::DEBUG).boolean(false).string(b"").string(b""),
        Payload::message(message::UNIMPLEMENTED).u32(0),
        Payload::message(message::EXT_INFO).u32(0),
        Payload::message(message::SERVICE_REQUEST).string(b"ssh-userauth"),
        password("me", "secret"),
        Payload::message(200),
    ];
    for strict in [true, false] {
        for payload in &ignorable {
            let got = payload.as_bytes()[0];
            let sentence = |expected| SshError::Unexpected { expected, got }.to_string();

            let mut client = Client::identified(Setup { strict, ..Setup::default() }, config());
            let result = client.send(payload.clone());
            assert_over(&mut client, &result, &sentence("SSH_MSG_KEXINIT"));

            let mut client = Client::identified(Setup { strict, ..Setup::default() }, config());
            client.send_kexinit().unwrap();
            let result = client.send(payload.clone());
            assert_over(&mut client, &result, &sentence("SSH_MSG_KEX_ECDH_INIT"));

            let mut client = Client::identified(Setup { strict, ..Setup::default() }, config());
            client.send_kexinit().unwrap();
            client.send_share().unwrap();
            let result = client.send(payload.clone());
            assert_eq!(result.unwrap_err().to_string(), sentence("SSH_MSG_NEWKEYS"));
        }
    }
}

#[test]
fn the_steps_of_an_exchange_come_in_order_and_once() {
    let mut client = Client::identified(Setup::default(), config());
    let result = client.send_share();
    assert_over(&mut client, &result, "expected SSH_MSG_KEXINIT, got SSH_MSG_KEX_ECDH_INIT (30)");

    let mut client = Client::identified(Setup::default(), config());
    let result = client.send(Payload::message(message::NEWKEYS));
    assert_over(&mut client, &result, "expected SSH_MSG_KEXINIT, got SSH_MSG_NEWKEYS (21)");

    let mut client = Client::identified(Setup::default(), config());
    client.send_kexinit().unwrap();
    let result = client.send_kexinit();
    assert_over(&mut client, &result, "expected SSH_MSG_KEX_ECDH_INIT, got SSH_MSG_KEXINIT (20)");

    let mut client = Client::identified(Setup::default(), config());
    client.send_kexinit().unwrap();
    let result = client.send(Payload::message(message::KEX_ECDH_REPLY));
    assert_over(&mut client, &result, "expected SSH_MSG_KEX_ECDH_INIT, got SSH_MSG_KEX_ECDH_REPLY (31)");

    let mut client = Client::connected(Setup::default(), config());
    let result = client.send_share();
    assert_over(&mut client, &result, "expected no message of a key exchange, got SSH_MSG_KEX_ECDH_INIT (30)");
}

#[test]
fn a_wrong_guess_is_skipped_once() {
    let mut client = Client::identified(Setup::default(), config());
    let kexinit = client.kexinit(true);
    client.remember(&kexinit);
    client.send(kexinit).unwrap();
    // Our first method is the hybrid, so this is none of its messages.
    client.send(Payload::message(message::KEX_ECDH_INIT).string(&[7; 32])).unwrap();
    client.send_share().unwrap();
    assert_eq!(client.numbers()[..3], [message::KEXINIT, message::KEX_ECDH_REPLY, message::NEWKEYS]);
}

#[test]
fn a_right_guess_is_used() {
    let setup = Setup { method: "mlkem768x25519-sha256", ..Setup::default() };
    let mut client = Client::identified(setup, config());
    let kexinit = client.kexinit(true);
    client.remember(&kexinit);
    client.send(kexinit).unwrap();
    client.send_share().unwrap();
    assert_eq!(client.numbers()[..3], [message::KEXINIT, message::KEX_ECDH_REPLY, message::NEWKEYS]);
}

#[test]
fn a_share_that_makes_the_secret_known_is_refused() {
    let mut client = Client::identified(Setup::default(), config());
    client.send_kexinit().unwrap();
    let result = client.send(Payload::message(message::KEX_ECDH_INIT).string(&[0; 32]));
    assert_over(&mut client, &result, "key exchange failed: the X25519 share gives an all-zero secret");
}

#[test]
fn only_algorithms_that_are_offered_are_taken() {
    let mut client = Client::identified(Setup { cipher: "aes128-cbc", ..Setup::default() }, config());
    let result = client.send_kexinit();
    assert_over(&mut client, &result, "no common cipher, got \"aes128-cbc\"");
}

#[test]
fn nothing_is_looked_at_after_disconnect() {
    let mut client = Client::logged_in(Setup::default(), config());
    let goodbye = Payload::message(message::DISCONNECT).u32(11).string(b"bye\x1b[2J").string(b"");
    let bytes = [client.seal(&goodbye), client.seal(&open(b"session", 1, 1000, 1000))].concat();
    client.server.receive(&bytes).unwrap();
    assert!(client.server.is_over());
    assert_eq!(client.events(), [Event::Disconnected { reason: 11, message: "bye\u{fffd}[2J".into() }]);
    assert_eq!(client.numbers(), NOTHING);
    client.server.disconnect("too late");
    assert_eq!(client.server.output(), b"");
}

#[test]
fn disconnect_may_come_at_any_time() {
    for client in [Client::identified(Setup::default(), config()), Client::connected(Setup::default(), config())] {
        let mut client = client;
        client.send(Payload::message(message::DISCONNECT)).unwrap();
        assert_eq!(client.events(), [Event::Disconnected { reason: 0, message: String::new() }]);
        assert!(client.server.is_over());
    }
}

#[test]
fn the_server_says_good_bye_with_a_sentence() {
    let mut client = Client::logged_in(Setup::default(), config());
    client.server.disconnect("the manhole is closed");
    let expected = Payload::message(message::DISCONNECT).u32(11).string(b"the manhole is closed").string(b"");
    assert_eq!(client.next().unwrap(), expected.as_bytes());
    assert!(client.server.is_over());
}

#[test]
fn packets_have_a_size_and_a_shape() {
    let packet = |length: u32, padding: u8| {
        let mut packet = length.to_be_bytes().to_vec();
        packet.push(padding);
        packet.resize(4 + usize::try_from(length.min(1000)).unwrap(), message::IGNORE);
        packet
    };
    for (bytes, sentence) in [
        (packet(0xffff_ffff, 4), "bytes in a packet: expected at most 34996, got 4294967295"),
        (packet(35_000, 4), "bytes in a packet: expected at most 34996, got 35000"),
        (packet(0, 4), "malformed packet: its length is too small"),
        (packet(5, 4), "malformed packet: its length is too small"),
        (packet(13, 4), "malformed packet: its length is no multiple of a block"),
        (packet(12, 3), "malformed packet: its padding"),
        (packet(12, 11), "malformed packet: its padding"),
        (packet(12, 255), "malformed packet: its padding"),
    ] {
        let mut client = Client::identified(Setup::default(), config());
        let result = client.server.receive(&bytes);
        assert_over(&mut client, &result, sentence);
    }
}

#[test]
fn a_changed_packet_ends_the_connection() {
    for (cipher, _) in CIPHERS {
        for at in [5, 20] {
            let mut client = Client::connected(Setup { cipher, ..Setup::default() }, config());
            let mut bytes = client.seal(&Payload::message(message::SERVICE_REQUEST).string(b"ssh-userauth"));
            bytes[at] ^= 0x40;
            let result = client.server.receive(&bytes);
            assert_over(&mut client, &result, "a packet's authentication code is wrong");
        }
    }
}

#[test]
fn a_packet_does_not_come_twice() {
    for (cipher, _) in CIPHERS {
        let mut client = Client::connected(Setup { cipher, ..Setup::default() }, config());
        let bytes = client.seal(&Payload::message(message::IGNORE).string(b"twice"));
        client.server.receive(&bytes).unwrap();
        assert!(client.server.receive(&bytes).is_err(), "{cipher}");
    }
}

#[test]
fn keys_are_not_exchanged_for_ever_before_a_login() {
    let mut client = Client::connected(Setup::default(), config());
    for _ in 1..MAX_EARLY_EXCHANGES {
        client.exchange();
    }
    assert!(matches!(client.send_kexinit(), Err(SshError::Limit { .. })));

    let mut client = Client::logged_in(Setup::default(), config());
    for _ in 0..2 * MAX_EARLY_EXCHANGES {
        client.exchange();
    }
}

#[test]
fn unknown_messages_are_answered_by_their_number() {
    let mut client = Client::logged_in(Setup::default(), config());
    for number in [8, 25, 120, 192, 255] {
        client.send(Payload::message(message::IGNORE).string(b"")).unwrap();
        client.send(Payload::message(number)).unwrap();
        assert_eq!(client.next_number(), message::UNIMPLEMENTED, "{number}");
    }
    // Strict key exchange counted from 0 again: SERVICE_REQUEST, USERAUTH_REQUEST, IGNORE.
    let mut client = Client::logged_in(Setup::default(), config());
    client.send(Payload::message(message::IGNORE).string(b"")).unwrap();
    client.send(Payload::message(250)).unwrap();
    assert_eq!(client.next().unwrap(), Payload::message(message::UNIMPLEMENTED).u32(3).as_bytes());
}

#[test]
fn who_does_not_read_is_not_read_from() {
    let mut client = Client::logged_in(Setup::default(), config());
    let mut keep_alives = 0;
    while client.server.wants_input() {
        let request = Payload::message(message::GLOBAL_REQUEST).string(b"keepalive@openssh.com").boolean(true);
        let bytes = client.seal(&request);
        client.server.receive(&bytes).unwrap();
        keep_alives += 1;
        assert!(client.server.output().len() <= MAX_REPLIES + 1000);
    }
    assert_eq!(client.numbers(), vec![message::REQUEST_FAILURE; keep_alives]);
    assert!(client.server.wants_input());
}
