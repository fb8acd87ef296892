//! Any packet that can be written.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::super::ast::{
    Action, Direction, Ecn, Flags, Icmp, IcmpVersion, IpFields, Layer, Packet, Ports, Raw, Sequence, Spoil, TcpOption,
    TcpOptions,
};
use super::super::super::value::SeqNumber;

pub(super) fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => packets().prop_map(Action::Packet),
        1 => icmp().prop_map(Action::Icmp),
        1 => raw().prop_map(Action::Raw),
    ]
}

fn packets() -> impl Strategy<Value = Packet> {
    let injected = (
        sequences(Direction::Injected),
        exact_options(),
        any::<u16>().prop_map(Some),
        numbers().prop_map(Some),
        vec(spoils(), 0..3),
        ip_fields(Direction::Injected),
        Just(Direction::Injected),
    );
    let expected = (
        sequences(Direction::Expected),
        prop_oneof![exact_options(), Just(TcpOptions::Any)],
        option::of(any::<u16>()),
        option::of(numbers()),
        Just(Vec::new()),
        ip_fields(Direction::Expected),
        Just(Direction::Expected),
    );
    let rest = (any::<u16>(), option::of(any::<u16>()), option::weighted(0.1, ports()), option::weighted(0.1, ports()));
    (prop_oneof![injected, expected], rest).prop_map(
        |((sequence, options, window, ack, spoiled, ip, direction), (bits, urgent, ports, udp))| {
            let flags = Flags::from_bits(bits);
            let ack = ack.filter(|_| flags.contains(Flags::ACK) || bits > 0x8000);
            Packet { direction, ip, ports, flags, sequence, ack, window, urgent, options, udp, spoiled }
        },
    )
}

fn numbers() -> impl Strategy<Value = SeqNumber> {
    (any::<u32>(), any::<bool>()).prop_map(|(value, absolute)| SeqNumber { value, absolute })
}

fn ports() -> impl Strategy<Value = Ports> {
    any::<(u16, u16)>().prop_map(|(source, destination)| Ports { source, destination })
}

/// Only what is expected may be left open.
fn sequences(direction: Direction) -> BoxedStrategy<Sequence> {
    let written = (numbers(), any::<u16>()).prop_map(|(start, length)| Sequence::new(start, length));
    let open = option::of(any::<u16>()).prop_map(|length| Sequence { start: None, length });
    match direction {
        Direction::Injected => written.boxed(),
        Direction::Expected => prop_oneof![3 => written, 1 => open].boxed(),
    }
}

fn ip_fields(direction: Direction) -> impl Strategy<Value = IpFields> {
    let codepoint = proptest::sample::select(Ecn::NAMES.as_slice()).prop_map(|(_, codepoint)| codepoint);
    let octet = prop_oneof![
        Just((None, None)),
        any::<u8>().prop_map(|tos| (Some(tos), None)),
        codepoint.prop_map(|ecn| (None, Some(ecn))),
    ];
    (option::weighted(0.2, any::<u8>()), octet, option::weighted(0.1, 0u32..=0xf_ffff)).prop_map(
        move |(ttl, (tos, ecn), flow_label)| {
            let ecn = ecn.filter(|ecn| *ecn != Ecn::Ect01 || direction == Direction::Expected);
            IpFields { ttl, tos, ecn, flow_label }
        },
    )
}

fn spoils() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        Just(Spoil::Checksum),
        (0u8..=15).prop_map(Spoil::DataOffset),
        (0u8..=7).prop_map(Spoil::Reserved),
        any::<u16>().prop_map(Spoil::Cut),
    ]
}

/// No more than a header has room for: four of ten octets.
fn exact_options() -> BoxedStrategy<TcpOptions> {
    let option = prop_oneof![
        Just(TcpOption::EndOfList),
        Just(TcpOption::NoOperation),
        any::<u16>().prop_map(TcpOption::MaximumSegmentSize),
        any::<u8>().prop_map(TcpOption::WindowScale),
        Just(TcpOption::SackPermitted),
        vec(any::<(u32, u32)>(), 0..2).prop_map(TcpOption::Sack),
        any::<(u32, u32)>().prop_map(|(val, ecr)| TcpOption::Timestamps { val, ecr }),
        (any::<bool>(), vec(any::<u8>(), 0..=6))
            .prop_map(|(experimental, cookie)| TcpOption::FastOpen { experimental, cookie }),
        vec(any::<u8>(), 0..=10).prop_map(TcpOption::Octets),
        "(md5|md5 valid|ECN e1b 1 ceb 0|exp-tarr 5)".prop_map(TcpOption::Foreign),
    ];
    vec(option, 0..5).prop_map(TcpOptions::Exactly).boxed()
}

fn icmp() -> impl Strategy<Value = Icmp> {
    let word = || "[a-z][a-z_]{0,8}".prop_filter("a word of its own", |name| name != "mtu" && name != "code");
    let name = || prop_oneof![word(), any::<u8>().prop_map(|number| number.to_string())];
    let directed = prop_oneof![Just(Direction::Injected), Just(Direction::Expected)];
    let version = prop_oneof![Just(IcmpVersion::V4), Just(IcmpVersion::V6)];
    let quoted = option::of(sequences(Direction::Expected));
    (directed, version, name(), option::of(name()), option::of(any::<u32>()), quoted).prop_flat_map(
        |(direction, version, kind, code, mtu, quoted)| {
            ip_fields(direction).prop_map(move |ip| Icmp {
                direction,
                ip,
                version,
                kind: kind.clone(),
                code: code.clone(),
                mtu,
                quoted,
            })
        },
    )
}

fn raw() -> impl Strategy<Value = Raw> {
    let layer = prop_oneof![Just(Layer::Datagram), Just(Layer::Segment)];
    (layer, vec(any::<u8>(), 0..40)).prop_map(|(layer, octets)| Raw { layer, octets })
}
