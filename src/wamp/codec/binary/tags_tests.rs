//! Values behind tags: what `cbor2` (Python) reads, what it hangs up on, and what nobody knows.

use crate::wamp::codec::Sender;
use crate::wamp::codec::binary::Binary;

/// The bytes of a value behind a tag.
fn tagged(tag: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    minicbor::Encoder::new(&mut bytes).tag(minicbor::data::Tag::new(tag)).unwrap();
    bytes.extend_from_slice(content);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    minicbor::to_vec(text).unwrap()
}

fn bytes(bytes: &[u8]) -> Vec<u8> {
    minicbor::to_vec(minicbor::bytes::ByteVec::from(bytes.to_vec())).unwrap()
}

fn list(items: &[&[u8]]) -> Vec<u8> {
    let mut list = vec![0x80 + u8::try_from(items.len()).unwrap()];
    items.iter().for_each(|item| list.extend_from_slice(item));
    list
}

fn integer(value: i64) -> Vec<u8> {
    minicbor::to_vec(value).unwrap()
}

fn float(value: f64) -> Vec<u8> {
    minicbor::to_vec(value).unwrap()
}

/// Whether a client may send it, as an item and as a key.
fn is_taken(value: &[u8]) -> bool {
    let takes = |sender| {
        [[&[0x81], value].concat(), [&[0xa1], value, &[0x01]].concat()].map(|bytes| {
            let mut rest = bytes.as_slice();
            Binary::Cbor.skip(&mut rest, 8, sender).is_ok()
        })
    };
    assert!(takes(Sender::Router)[0], "a client takes what others could make a router pass on");
    takes(Sender::Client)[0]
}

fn check_all(tag: u64, good: &[Vec<u8>], bad: &[Vec<u8>]) {
    for value in good {
        assert!(is_taken(&tagged(tag, value)), "{tag} {value:x?}");
    }
    for value in bad {
        assert!(!is_taken(&tagged(tag, value)), "{tag} {value:x?}");
    }
}

#[test]
fn times_are_times_that_there_are() {
    let good = ["2013-03-21T20:04:00Z", "2024-02-29T23:59:59.25+23:59", "0001-01-01T00:00:00-00:00"];
    let bad = [
        "x",
        "",
        "2013-03-21",
        "2013-03-21T20:04:00",
        "2013-03-21 20:04:00Z",
        "2013-13-21T20:04:00Z",
        "2013-00-21T20:04:00Z",
        "2013-02-29T20:04:00Z",
        "1900-02-29T20:04:00Z",
        "2013-03-00T20:04:00Z",
        "2013-03-21T24:04:00Z",
        "2013-03-21T23:59:60Z",
        "2013-03-21T20:04Z",
        "2013-03-21T20:04:00.Z",
        "2013-03-21T20:04:00+24:00",
        "2013-03-21T20:04:00+01",
        "1890-01-01T00:00:00+00:53:28",
        "2013-03-21T20:04:00ZZ",
        "0000-01-01T00:00:00Z",
        "+013-03-21T20:04:00Z",
        "2013-03-21T\u{664}0:04:00Z",
    ];
    check_all(0, &good.map(text), &bad.map(text));
    check_all(0, &[], &[integer(5), bytes(b"2013-03-21T20:04:00Z")]);
    let seconds = [integer(0), integer(253_402_300_799), float(-62_135_596_800.0), float(1.5)];
    let others = [
        integer(253_402_300_800),
        integer(-62_135_596_801),
        float(f64::NAN),
        float(f64::INFINITY),
        text("1"),
        vec![0xf6],
    ];
    check_all(1, &seconds, &others);
    check_all(100, &[integer(-719_162), integer(2_932_896)], &[integer(-719_163), integer(2_932_897), float(1.0)]);
    check_all(1004, &[text("2013-03-21")], &[text("2013-02-30"), text("2013-03-21-"), integer(1)]);
}

#[test]
fn numbers_are_numbers_that_can_be_computed() {
    let bignum = |length| tagged(2, &bytes(&vec![255; length]));
    check_all(2, &[bytes(b""), bytes(&[255; 212])], &[bytes(&[255; 213]), text("x"), integer(1), list(&[])]);
    check_all(3, &[bytes(&[1; 212])], &[bytes(&[0; 213]), text("x")]);
    for tag in [4, 5] {
        let pair = |exponent: Vec<u8>, mantissa: Vec<u8>| list(&[&exponent, &mantissa]);
        let good = [
            pair(integer(-2), integer(27315)),
            pair(integer(i16::MAX.into()), bignum(212)),
            pair(integer(0), vec![0x3b, 255, 255, 255, 255, 255, 255, 255, 255]),
            vec![0x9f, 0x01, 0x02, 0xff],
        ];
        let bad = [
            pair(integer(i64::from(i16::MAX) + 1), integer(1)),
            pair(integer(i64::MIN), integer(1)),
            pair(bignum(1), integer(1)),
            pair(integer(1), float(1.0)),
            pair(integer(1), bignum(213)),
            pair(integer(1), text("5")),
            list(&[&[1]]),
            list(&[&[1], &[1], &[1]]),
            vec![0x9f, 0x01, 0x02, 0x03, 0xff],
            tagged(64, &[0x82, 1, 1]),
            integer(1),
        ];
        check_all(tag, &good, &bad);
    }
    let good = [list(&[&integer(-1), &integer(3)]), list(&[&bignum(9), &bignum(9)])];
    let bad = [
        list(&[&[1], &[0]]),
        list(&[&[1], &integer(-3)]),
        list(&[&[1], &tagged(2, &bytes(&[0]))]),
        list(&[&float(1.0), &[1]]),
        list(&[]),
    ];
    check_all(30, &good, &bad);
    check_all(43_000, &[list(&[&float(1.5), &[2]])], &[list(&[&text("a"), &[1]]), text("a")]);
}

#[test]
fn ids_and_addresses_have_the_length_of_theirs() {
    check_all(37, &[bytes(&[0; 16])], &[bytes(&[0]), bytes(&[0; 17]), text("0123456789abcdef")]);
    let v4 = |prefix: u8, network: &[u8]| list(&[&integer(prefix.into()), &bytes(network)]);
    let at = |address: &[u8], prefix: u8| list(&[&bytes(address), &integer(prefix.into())]);
    let good =
        [bytes(&[1; 4]), v4(24, &[10, 1, 2]), v4(9, &[10, 128]), v4(0, &[]), v4(32, &[1; 4]), at(&[10, 1, 2, 3], 8)];
    let bad = [
        bytes(&[1; 3]),
        v4(8, &[10, 1]),
        v4(9, &[10, 192]),
        v4(33, &[10]),
        v4(24, &[0; 5]),
        at(&[10], 8),
        at(&[1; 4], 33),
        list(&[&bytes(&[1; 4]), &[0xf6]]),
        list(&[&bytes(&[1; 4]), &[8], &[1]]),
        text("10.0.0.1"),
    ];
    check_all(52, &good, &bad);
    let address = bytes(&[1; 16]);
    let good = [
        address.clone(),
        list(&[&[0x18, 64], &bytes(&[1; 8])]),
        list(&[&address, &[0x18, 64]]),
        list(&[&address, &[0xf6], &bytes(b"eth0")]),
        list(&[&address, &[0x18, 64], &[1]]),
    ];
    let bad = [bytes(&[1; 4]), list(&[&address, &[0x18, 129]]), list(&[&address, &[0xf6], &text("eth0")])];
    check_all(54, &good, &bad);
    check_all(260, &[bytes(&[1; 4]), bytes(&[1; 6]), address.clone()], &[bytes(&[1; 5]), text("a")]);
    let masked = |address: &[u8], prefix: u8| [&[0xa1], bytes(address).as_slice(), &integer(prefix.into())].concat();
    check_all(261, &[masked(&[10, 0, 0, 0], 8)], &[masked(&[10], 8), masked(&[1; 4], 33), vec![0xa0], list(&[])]);
}

#[test]
fn references_and_regular_expressions_are_refused_and_the_unknown_passes() {
    check_all(25, &[], &[integer(0), text("x")]);
    check_all(29, &[], &[integer(0)]);
    check_all(35, &[], &[text("("), text("a")]);
    check_all(258, &[list(&[]), list(&[&[1]])], &[bytes(&[0]), vec![0xa0]]);
    check_all(24, &[bytes(&[0])], &[text("a")]);
    for tag in [32, 33, 34, 36] {
        check_all(tag, &[text("a")], &[bytes(b"a"), integer(1)]);
    }
    for tag in [21, 22, 23, 26, 27, 28, 38, 63, 64, 256, 1001, 55_799, 70_000, u64::MAX] {
        check_all(tag, &[text("a"), bytes(&[0]), integer(1), list(&[&[1]]), vec![0xf6]], &[]);
    }
}
