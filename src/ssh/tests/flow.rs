//! Windows, both ways.

use super::client::{Client, NOTHING, on};
use crate::ssh::limits::{MAX_DATA, MAX_OUTPUT, RECEIVE_WINDOW};
use crate::ssh::message;
use crate::ssh::wire::{Payload, Reader};
use crate::ssh::{Event, Stream};

/// The data of a CHANNEL_DATA.
fn data(payload: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new("data", payload);
    assert_eq!(reader.byte("number"), Ok(message::CHANNEL_DATA));
    reader.u32("recipient").unwrap();
    reader.string("data").unwrap().to_vec()
}

#[test]
fn output_stops_at_the_clients_window() {
    let (mut client, channel) = Client::in_channel(10, 4);
    assert_eq!(client.server.room(channel), 10);
    assert_eq!(client.server.write(channel, Stream::Out, b"0123456789abc"), 10);
    assert_eq!(client.server.room(channel), 0);
    assert_eq!(client.server.write(channel, Stream::Err, b"x"), 0, "stderr has the same window");
    let pieces: Vec<Vec<u8>> = std::iter::from_fn(|| client.next()).map(|payload| data(&payload)).collect();
    assert_eq!(pieces, [b"0123".to_vec(), b"4567".to_vec(), b"89".to_vec()]);

    client.send(on(channel, message::CHANNEL_WINDOW_ADJUST).u32(3)).unwrap();
    assert_eq!(client.server.write(channel, Stream::Out, b"abcdef"), 3);
    assert_eq!(data(&client.next().unwrap()), b"abc");
    assert!(client.next().is_none());
}

#[test]
fn output_stops_when_the_client_does_not_read() {
    let (mut client, channel) = Client::in_channel(u32::MAX, u32::MAX);
    let mut taken = 0;
    loop {
        let count = client.server.write(channel, Stream::Out, &[b'x'; 50_000]);
        taken += count;
        if count == 0 {
            break;
        }
    }
    assert!(client.server.output().len() < MAX_OUTPUT + 1000);
    assert_eq!(client.server.room(channel), 0);
    assert!(client.server.wants_input(), "the client's answers may be what it waits for");
    let pieces: Vec<Vec<u8>> = std::iter::from_fn(|| client.next()).map(|payload| data(&payload)).collect();
    assert!(pieces.iter().all(|piece| piece.len() <= MAX_DATA as usize));
    assert_eq!(pieces.concat().len(), taken);
    assert!(client.server.room(channel) > 0);
}

#[test]
fn output_may_be_sent_in_any_pieces() {
    let (mut client, channel) = Client::in_channel(100_000, 100);
    let sent: Vec<u8> = (0..20_000_u32).map(|i| (i % 251) as u8).collect();
    let (mut taken, mut got, mut step) = (0, Vec::new(), 1);
    let mut wire = Vec::new();
    while taken < sent.len() || !client.server.output().is_empty() {
        taken += client.server.write(channel, Stream::Out, &sent[taken..]);
        let output = client.server.output();
        let piece = output[..step.min(output.len())].to_vec();
        client.server.consume(piece.len());
        wire.extend(piece);
        step = step * 7 % 4093 + 1;
    }
    client.feed(&wire);
    while let Some(payload) = client.next() {
        got.extend(data(&payload));
    }
    assert_eq!(got, sent);
}

#[test]
fn a_window_has_an_end() {
    let (mut client, channel) = Client::in_channel(u32::MAX - 5, 1000);
    client.send(on(channel, message::CHANNEL_WINDOW_ADJUST).u32(5)).unwrap();
    let error = client.send(on(channel, message::CHANNEL_WINDOW_ADJUST).u32(1)).unwrap_err();
    assert_eq!(error.to_string(), "channel 0: a window of more than 2^32 - 1 bytes");
}

#[test]
fn a_client_that_takes_no_packets_gets_none() {
    let (mut client, channel) = Client::in_channel(1000, 0);
    assert_eq!((client.server.room(channel), client.server.write(channel, Stream::Out, b"x")), (0, 0));
}

#[test]
fn input_is_bounded_by_our_window() {
    let (mut client, channel) = Client::in_channel(1000, 1000);
    let half = vec![b'x'; MAX_DATA as usize];
    client.send(on(channel, message::CHANNEL_DATA).string(&half)).unwrap();
    client.send(on(channel, message::CHANNEL_EXTENDED_DATA).u32(1).string(b"dropped")).unwrap();
    let rest = vec![b'x'; (RECEIVE_WINDOW - MAX_DATA - 7) as usize];
    client.send(on(channel, message::CHANNEL_DATA).string(&rest)).unwrap();
    assert_eq!(client.events().len(), 2);
    assert_eq!(client.numbers(), NOTHING, "nothing was consumed yet");
    let error = client.send(on(channel, message::CHANNEL_DATA).string(b"x")).unwrap_err();
    assert_eq!(error.to_string(), "channel 0: more data than the window has room for");
}

#[test]
fn one_packet_has_at_most_what_was_agreed_on() {
    let (mut client, channel) = Client::in_channel(1000, 1000);
    let long = vec![b'x'; MAX_DATA as usize + 1];
    let error = client.send(on(channel, message::CHANNEL_DATA).string(&long)).unwrap_err();
    assert_eq!(error.to_string(), "channel 0: more data in a packet than was agreed on");
}

#[test]
fn what_is_consumed_opens_the_window_again() {
    let (mut client, channel) = Client::in_channel(1000, 1000);
    let piece = vec![b'x'; 16 * 1024];
    let mut room = RECEIVE_WINDOW;
    for _ in 0..100 {
        client.send(on(channel, message::CHANNEL_DATA).string(&piece)).unwrap();
        room -= 16 * 1024;
        for event in client.events() {
            let Event::Data { bytes, .. } = event else { panic!("{event:?}") };
            client.server.consumed(channel, bytes.len());
        }
        while let Some(payload) = client.next() {
            assert_eq!(payload, Payload::message(message::CHANNEL_WINDOW_ADJUST).u32(7).u32(32 * 1024).as_bytes());
            room += 32 * 1024;
        }
        assert!((16 * 1024..=RECEIVE_WINDOW).contains(&room), "{room}");
    }
    // More than was received is not given back.
    client.server.consumed(channel, 1 << 30);
    assert!(client.numbers().len() <= 1);
    assert_eq!(client.events(), []);
}
