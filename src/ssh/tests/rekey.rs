//! New keys while a connection is at work.

use super::client::{Client, NOTHING, Setup, config, on, request};
use crate::ssh::limits::MAX_HELD;
use crate::ssh::message;
use crate::ssh::wire::Payload;
use crate::ssh::{Config, Event, RekeyLimits, SshError, Stream};

fn rekeying(bytes: u64, packets: u64) -> Config {
    let mut config = config();
    config.rekey = RekeyLimits { bytes, packets };
    config
}

#[test]
fn output_waits_for_an_exchange_of_the_client() {
    let (mut client, channel) = Client::in_channel(100_000, 1000);
    assert_eq!(client.server.write(channel, Stream::Out, b"before"), 6);
    client.send_kexinit().unwrap();
    assert_eq!((client.server.room(channel), client.server.write(channel, Stream::Out, b"during")), (0, 0));
    client.server.exit(channel, 3);
    assert_eq!(client.numbers(), [message::CHANNEL_DATA, message::KEXINIT]);
    client.send_share().unwrap();
    assert_eq!(
        client.numbers(),
        [
            message::KEX_ECDH_REPLY,
            message::NEWKEYS,
            message::CHANNEL_REQUEST,
            message::CHANNEL_EOF,
            message::CHANNEL_CLOSE
        ]
    );
    client.send(on(channel, message::CHANNEL_CLOSE)).unwrap();
    assert_eq!(client.events(), [Event::Closed(channel)]);
}

#[test]
fn the_session_keeps_its_id_and_ext_info_comes_once() {
    let mut client = Client::connected(Setup::default(), config());
    assert_eq!(client.numbers(), [message::EXT_INFO]);
    let session = client.session;
    client.exchange();
    assert_eq!(client.numbers(), NOTHING);
    assert_eq!(client.session, session);
}

#[test]
fn nothing_else_comes_between_the_clients_kexinit_and_its_keys() {
    let (mut client, channel) = Client::in_channel(1000, 1000);
    client.send_kexinit().unwrap();
    client.send(Payload::message(message::IGNORE).string(b"")).unwrap();
    let error = client.send(on(channel, message::CHANNEL_DATA).string(b"x")).unwrap_err();
    assert_eq!(error.to_string(), "expected SSH_MSG_KEX_ECDH_INIT, got SSH_MSG_CHANNEL_DATA (94)");
}

#[test]
fn the_server_asks_after_so_many_bytes() {
    let mut client = Client::logged_in(Setup::default(), rekeying(10_000, 1 << 31));
    let channel = client.open(7, 1_000_000, 1000);
    let (mut sent, mut exchanges, mut data) = (0, 0, 0);
    while sent < 100_000 {
        sent += client.server.write(channel, Stream::Out, &[b'x'; 700]);
        while let Some(payload) = client.next() {
            match payload[0] {
                message::KEXINIT => {
                    assert_eq!(client.server.room(channel), 0);
                    exchanges += 1;
                    // What the client had on its way is taken still.
                    client.send(on(channel, message::CHANNEL_DATA).string(b"in flight")).unwrap();
                    assert!(matches!(client.server.next_event(), Some(Event::Data { .. })));
                    client.send_kexinit().unwrap();
                    client.send_share().unwrap();
                }
                message::CHANNEL_DATA => data += payload.len() - 9,
                _ => {}
            }
        }
    }
    assert_eq!(data, sent);
    assert!((9..=11).contains(&exchanges), "{exchanges}");
}

#[test]
fn the_server_asks_after_so_many_packets_received() {
    let mut client = Client::logged_in(Setup::default(), rekeying(1 << 30, 10));
    // SERVICE_REQUEST and USERAUTH_REQUEST were the first two.
    for _ in 2..10 {
        assert_eq!(client.numbers(), NOTHING);
        client.send(Payload::message(message::IGNORE).string(b"")).unwrap();
    }
    assert_eq!(client.numbers(), [message::KEXINIT]);
    client.send_kexinit().unwrap();
    client.send_share().unwrap();
    assert_eq!(client.numbers(), [message::KEX_ECDH_REPLY, message::NEWKEYS]);
}

#[test]
fn a_client_that_gives_no_new_keys_is_cut_off() {
    let mut client = Client::logged_in(Setup::default(), rekeying(10_000, 1 << 31));
    let error = loop {
        if let Err(error) = client.send(Payload::message(message::IGNORE).string(&[0; 1000])) {
            break error;
        }
    };
    assert!(matches!(error, SshError::Limit { limit: 10_000, .. }), "{error}");
}

#[test]
fn what_is_held_for_a_client_is_bounded() {
    let mut client = Client::logged_in(Setup::default(), rekeying(4000, 1 << 31));
    let channel = client.open(7, 1_000_000, 1000);
    client.server.write(channel, Stream::Out, &[b'x'; 5000]);
    // Our KEXINIT is out, and answers to these wait for new keys.
    let mut config = 0;
    let error = loop {
        match client.send(request(channel, "none such", true)) {
            Ok(()) => config += 5,
            Err(error) => break error,
        }
    };
    assert!(config <= MAX_HELD, "{error}");
}
