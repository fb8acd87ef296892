//! IPv4 and ICMP.

use crate::sums_to_zero;
use etherparse::icmpv4::{DestUnreachableHeader, TimeExceededCode};
use etherparse::{IcmpEchoHeader, Icmpv4Slice, Icmpv4Type, IpNumber, Ipv4HeaderSlice, Ipv4Slice};
use lockstep::wire::{Checksum, Icmpv4Message, Ipv4Packet, Malformed, Protocol, TcpQuote, ipv4};

/// A datagram is accepted as `etherparse` does, except that impossible fragments are refused here, and that
/// authentication headers (protocol 51) are looked into there and are any payload here.
pub fn ipv4(data: &[u8]) {
    match Ipv4Packet::parse(data, Checksum::Vouched) {
        Ok(packet) => accepted(data, &packet),
        Err(Malformed::Ipv4FragmentLength | Malformed::Ipv4FragmentEnd) => assert!(is_impossible_fragment(data)),
        Err(reason) => assert!(Ipv4Slice::from_slice(data).is_err(), "not refused by etherparse: {reason}"),
    }
    if let Ok(quoted) = Ipv4Packet::parse_quoted(data) {
        assert!(quoted.payload().len() + ipv4::HEADER_LEN <= data.len());
    }
}

/// Whether a datagram is a fragment that has no data, ends beyond the longest datagram, or is not the last but does not
/// end where another could begin.
fn is_impossible_fragment(data: &[u8]) -> bool {
    let header = Ipv4HeaderSlice::from_slice(data).expect("etherparse refuses the header of a fragment");
    let begin = header.fragments_offset().byte_offset();
    let len = header.payload_len().expect("a total length above the header's");
    let beyond = usize::from(begin) + usize::from(len) + header.slice().len() > usize::from(u16::MAX);
    header.is_fragmenting_payload() && (len == 0 || beyond || (header.more_fragments() && !len.is_multiple_of(8)))
}

fn accepted(data: &[u8], packet: &Ipv4Packet<'_>) {
    assert!(!is_impossible_fragment(data));
    let (header, payload) = (packet.header(), packet.payload());
    let header_len = usize::from(data[0] & 0x0f) * 4;
    let verified = Ipv4Packet::parse(data, Checksum::Verify);
    assert_eq!(verified.is_ok(), sums_to_zero(&[&data[..header_len]]));

    let quoted = Ipv4Packet::parse_quoted(data).expect("what can be sent can be quoted");
    assert_eq!((quoted.header(), quoted.payload()), (header, payload));

    let mut emitted = [&[0; ipv4::HEADER_LEN], payload].concat();
    header.emit(&mut emitted);
    let again = Ipv4Packet::parse(&emitted, Checksum::Verify).expect("what was emitted is well-formed");
    assert_eq!((again.header(), again.payload()), (header, payload));

    if header.protocol != Protocol(IpNumber::AUTHENTICATION_HEADER.0) {
        agrees_with_etherparse(data, packet);
    }
}

fn agrees_with_etherparse(data: &[u8], packet: &Ipv4Packet<'_>) {
    let ours = packet.header();
    let theirs = Ipv4Slice::from_slice(data).expect("etherparse refuses a datagram");
    assert_eq!(theirs.payload().payload, packet.payload());
    assert_eq!(theirs.is_payload_fragmented(), packet.is_fragment());
    let theirs = theirs.header();
    assert_eq!(theirs.total_len(), packet.total_len());
    assert_eq!((theirs.dcp().value() << 2) | theirs.ecn().value(), ours.dscp_ecn);
    assert_eq!(theirs.identification(), ours.identification);
    assert_eq!(theirs.dont_fragment(), ours.dont_fragment);
    assert_eq!(theirs.more_fragments(), ours.more_fragments);
    assert_eq!(theirs.fragments_offset().byte_offset(), ours.fragment_offset);
    assert_eq!(theirs.ttl(), ours.ttl);
    assert_eq!(theirs.protocol().0, ours.protocol.0);
    assert_eq!(theirs.source_addr(), ours.source);
    assert_eq!(theirs.destination_addr(), ours.destination);
}

/// Any eight bytes are a message, to `etherparse` too, except timestamps (13 and 14) of a wrong length.
pub fn icmpv4(data: &[u8]) {
    let theirs = Icmpv4Slice::from_slice(data);
    let Ok(message) = Icmpv4Message::parse(data, Checksum::Vouched) else {
        assert!(theirs.is_err(), "refused, but not by etherparse");
        return;
    };
    let verified = Icmpv4Message::parse(data, Checksum::Verify);
    assert_eq!(verified.is_ok(), sums_to_zero(&[data]));

    let mut emitted = vec![0; message.emitted_len()];
    assert_eq!(message.emit(&mut emitted), data.len());
    assert_eq!(Icmpv4Message::parse(&emitted, Checksum::Verify), Ok(message));

    match theirs {
        Ok(theirs) => means_the_same(&message, &theirs),
        Err(reason) => assert!([13, 14].contains(&data[0]), "refused by etherparse: {reason}"),
    }
}

/// Redirects and timestamps have types there and are unknown here: the bytes are the same.
fn means_the_same(message: &Icmpv4Message<'_>, theirs: &Icmpv4Slice<'_>) {
    let icmp_type = theirs.icmp_type();
    match *message {
        Icmpv4Message::EchoRequest { identifier: id, sequence: seq, data } => {
            assert_eq!(icmp_type, Icmpv4Type::EchoRequest(IcmpEchoHeader { id, seq }));
            assert_eq!(theirs.payload(), data);
        }
        Icmpv4Message::EchoReply { identifier: id, sequence: seq, data } => {
            assert_eq!(icmp_type, Icmpv4Type::EchoReply(IcmpEchoHeader { id, seq }));
            assert_eq!(theirs.payload(), data);
        }
        Icmpv4Message::DestinationUnreachable { code, next_hop_mtu, quoted } => {
            if let Some(known) = DestUnreachableHeader::from_values(code.0, next_hop_mtu) {
                assert_eq!(icmp_type, Icmpv4Type::DestinationUnreachable(known));
            }
            assert_eq!(theirs.payload(), quoted);
            can_be_looked_into(quoted);
        }
        Icmpv4Message::TimeExceeded { code, quoted } => {
            if let Some(known) = TimeExceededCode::from_u8(code) {
                assert_eq!(icmp_type, Icmpv4Type::TimeExceeded(known));
            }
            assert_eq!(theirs.payload(), quoted);
            can_be_looked_into(quoted);
        }
        Icmpv4Message::ParameterProblem { code, pointer, quoted } => {
            assert_eq!((code, pointer), (theirs.code_u8(), theirs.bytes5to8()[0]));
            assert_eq!(theirs.payload(), quoted);
            can_be_looked_into(quoted);
        }
        Icmpv4Message::Unknown { kind, code, rest_of_header, data } => {
            assert_eq!((kind, code), (theirs.type_u8(), theirs.code_u8()));
            assert_eq!(rest_of_header, theirs.bytes5to8());
            assert_eq!(data, &theirs.slice()[8..]);
        }
    }
}

fn can_be_looked_into(quoted: &[u8]) {
    if let Ok(datagram) = Ipv4Packet::parse_quoted(quoted) {
        assert_eq!(TcpQuote::parse(datagram.payload()).is_some(), datagram.payload().len() >= 8);
    }
}
