//! Anything at all, before and after the login: nothing panics, and every limit holds. The same in each run.

use rand_core::Rng;

use super::client::{Client, IDENT, Setup, auth, config, on, open, password, request};
use super::rng::TestRng;
use crate::ssh::limits::{MAX_CHANNELS, MAX_REPLIES};
use crate::ssh::message;
use crate::ssh::wire::Payload;
use crate::ssh::{ChannelId, Event, Stream, Verdict};

fn below(rng: &mut TestRng, end: usize) -> usize {
    usize::try_from(rng.next_u64() % end.max(1) as u64).unwrap()
}

/// Changes, cuts, doubles or lengthens bytes here and there.
fn mutate(rng: &mut TestRng, bytes: &mut Vec<u8>) {
    for _ in 0..=below(rng, 4) {
        let at = below(rng, bytes.len());
        match below(rng, 6) {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_within(at..),
            2 => bytes.extend(std::iter::repeat_n(0xff, below(rng, 8))),
            _ if bytes.is_empty() => bytes.push(rng.next_u32() as u8),
            3 => bytes[at] = 0xff,
            4 => bytes[at] = 0,
            _ => bytes[at] ^= 1 << below(rng, 8),
        }
    }
}

/// Does what a driver would, in a random way.
fn drive(rng: &mut TestRng, client: &mut Client) {
    let mut opened = 0;
    while let Some(event) = client.server.next_event() {
        match event {
            Event::Login { .. } => {
                let verdict = if below(rng, 4) == 0 { Verdict::Accept } else { Verdict::Refuse };
                let _ = client.server.answer_auth(verdict);
            }
            Event::Opened(_) => opened += 1,
            Event::Data { channel, bytes } => client.server.consumed(channel, bytes.len()),
            Event::Exec { channel, command } => {
                client.server.write(channel, Stream::Out, &command);
                client.server.exit(channel, 1);
            }
            Event::Shell(channel) => client.server.close(channel),
            _ => {}
        }
    }
    assert!(opened <= MAX_CHANNELS);
    assert!(client.server.output().len() <= MAX_REPLIES * 2);
}

#[test]
fn noise_before_any_keys() {
    let mut rng = TestRng::new(11);
    for _ in 0..400 {
        let mut client = Client::silent(Setup::default(), config());
        let mut noise = vec![0; below(&mut rng, 300)];
        rng.fill_bytes(&mut noise);
        if below(&mut rng, 4) > 0 {
            // A length that is likely to be taken, so that what follows is looked at.
            let length = u32::try_from(12 + 8 * below(&mut rng, 20)).unwrap();
            noise.splice(..0, [IDENT, b"\r\n", &length.to_be_bytes(), &[4, rng.next_u32() as u8 % 60]].concat());
        }
        while !noise.is_empty() && client.server.receive(&noise).is_ok() {
            noise.drain(..noise.len() / 2 + 1);
        }
        drive(&mut rng, &mut client);
    }
}

#[test]
fn an_exchange_that_is_not_quite_right() {
    let mut rng = TestRng::new(12);
    for turn in 0..300 {
        let method = if turn % 4 == 0 { "mlkem768x25519-sha256" } else { "curve25519-sha256" };
        let mut client = Client::identified(Setup { method, ..Setup::default() }, config());
        let mut kexinit = client.kexinit(turn % 3 == 0).into_bytes();
        if turn % 2 == 0 {
            mutate(&mut rng, &mut kexinit);
        }
        let mut share = client.share().into_bytes();
        mutate(&mut rng, &mut share);
        for payload in [kexinit, share, vec![message::NEWKEYS], vec![message::SERVICE_REQUEST, 0, 0]] {
            if client.send(Payload::fields().raw(&payload)).is_err() {
                assert!(client.server.is_over());
                break;
            }
        }
        drive(&mut rng, &mut client);
    }
}

/// Messages that a client may well send; those of a login come first in the list.
fn plausible(rng: &mut TestRng, client: &Client, kinds: usize) -> Payload {
    let channel = ChannelId(rng.next_u32() % 4);
    let messages = [
        password("me", "secret"),
        auth("me", "publickey").boolean(true).string(b"ssh-ed25519").string(&[0; 51]).string(&[0; 83]),
        auth("me", "none"),
        open(b"session", 1, 10_000, 1000),
        request(channel, "pty-req", true).string(b"vt100").u32(80).u32(24).u32(0).u32(0).string(&[1, 0, 0, 0, 1, 0]),
        request(channel, "env", true).string(b"A").string(b"b"),
        request(channel, "exec", true).string(b"stats"),
        request(channel, "shell", true),
        request(channel, "window-change", false).u32(80).u32(24).u32(0).u32(0),
        request(channel, "signal", false).string(b"INT"),
        on(channel, message::CHANNEL_DATA).string(b"data"),
        on(channel, message::CHANNEL_EXTENDED_DATA).u32(1).string(b"data"),
        on(channel, message::CHANNEL_WINDOW_ADJUST).u32(rng.next_u32()),
        on(channel, message::CHANNEL_EOF),
        on(channel, message::CHANNEL_CLOSE),
        Payload::message(message::GLOBAL_REQUEST).string(b"keepalive@openssh.com").boolean(true),
        Payload::message(message::IGNORE).string(b"x"),
        Payload::message(message::DISCONNECT).u32(11).string(b"x").string(b""),
        client.kexinit(false),
        Payload::message(rng.next_u32() as u8).raw(&rng.next_u64().to_be_bytes()),
    ];
    messages[below(rng, messages.len().min(kinds))].clone()
}

fn many_messages(seed: u64, rounds: usize, start: fn() -> Client, usual: usize) {
    let mut rng = TestRng::new(seed);
    let mut taken = 0;
    for _ in 0..rounds {
        let mut client = start();
        for _ in 0..40 {
            let kinds = if below(&mut rng, 8) == 0 { usize::MAX } else { usual };
            let mut payload = plausible(&mut rng, &client, kinds).into_bytes();
            if below(&mut rng, 4) == 0 {
                mutate(&mut rng, &mut payload);
            }
            if client.send(Payload::fields().raw(&payload)).is_err() {
                break;
            }
            taken += 1;
            drive(&mut rng, &mut client);
            if client.server.is_over() {
                break;
            }
            let output = client.server.output().len();
            client.server.consume(below(&mut rng, output + 1));
        }
    }
    assert!(taken > 2 * rounds, "most messages are looked at: {taken}");
}

#[test]
fn messages_before_a_login() {
    many_messages(13, 100, || Client::served(Setup::default(), config()), 3);
}

#[test]
fn messages_after_a_login() {
    let start = || {
        let mut client = Client::logged_in(Setup::default(), config());
        for number in 0..4 {
            client.open(number, 10_000, 1000);
        }
        client
    };
    many_messages(14, 200, start, 16);
}

#[test]
fn every_message_in_every_state() {
    let states: [fn(Setup, crate::ssh::Config) -> Client; 4] =
        [Client::identified, Client::connected, Client::served, Client::logged_in];
    for start in states {
        for number in 0..=255 {
            let mut client = start(Setup::default(), config());
            let result = client.send(Payload::message(number).raw(&[0; 24]));
            let is_end = result.is_err() || number == message::DISCONNECT;
            assert_eq!(client.server.is_over(), is_end, "{number}");
        }
    }
}
