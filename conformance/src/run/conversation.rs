//! Who talks to whom, and from which number on they count: between the packets of a script and segments on the wire.

use std::net::SocketAddrV4;

use lockstep_model::{Seq, SeqNum};

use super::compare::{Comparison, compare};
use super::rules::Rules;
use super::timestamps::Timestamps;
use super::wire::icmp::{Message, Quoted};
use super::wire::{Ip, Segment};
use crate::script::{
    Direction, Ecn, Flags, Icmp, IcmpVersion, IpFields, Packet, SeqNumber, Sequence, TcpOption, TcpOptions,
};
use crate::system::{FourTuple, PEER_ADDRESS, SYSTEM_ADDRESS};

/// The port that `bind(3, ..., ...)` binds, and that the peer talks to unless the system chose another.
pub const SYSTEM_PORT: u16 = 8080;

/// The port of the peer.
pub const PEER_PORT: u16 = 40_000;

/// What the numbers of the peer count from. So close to the end of the sequence space, every script with a little
/// text from the peer goes round it.
pub const PEER_INITIAL: u32 = u32::MAX - 15;

/// The conversation of one script: one connection at a time, between the two addresses.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Nothing while the system has yet to show which port it chose.
    system_port: Option<u16>,
    /// What the numbers of the system count from: learned from its SYN.
    system_initial: Option<u32>,
    /// The next SYN of the system begins another connection.
    begins: bool,
    /// The number of the last SYN that may have opened a connection, as the script counts.
    peer_syn: u32,
    /// Every connection there was.
    connections: Vec<FourTuple>,
    /// The clock of the system.
    timestamps: Timestamps,
}

impl Conversation {
    /// Before anything was said.
    pub(super) fn new(timestamps: Timestamps) -> Self {
        let connections = vec![four_tuple(SYSTEM_PORT)];
        let system_port = Some(SYSTEM_PORT);
        Self { system_port, system_initial: None, begins: true, peer_syn: 0, connections, timestamps }
    }

    /// The connection that is talked about now.
    pub fn connection(&self) -> FourTuple {
        four_tuple(self.system_port.unwrap_or(SYSTEM_PORT))
    }

    /// Every connection there was.
    pub fn connections(&self) -> &[FourTuple] {
        &self.connections
    }

    /// A connection that there never was: a segment of it meets the listener, or nobody.
    pub fn stranger(&self) -> FourTuple {
        let remote = SocketAddrV4::new(PEER_ADDRESS, PEER_PORT + 1);
        FourTuple { remote, ..self.connection() }
    }

    /// The position of the first octet that the peer sends in this connection.
    pub fn first_position(&self) -> u32 {
        Seq::new(self.peer_syn).plus(1).raw()
    }

    /// The user connects a socket, which is bound to our port or gets one from the system.
    pub fn opens_actively(&mut self, bound: bool) {
        self.begins = true;
        self.system_port = bound.then_some(SYSTEM_PORT);
        if !bound && self.system_initial.is_none() {
            // There is no connection with our port yet, and perhaps never.
            self.connections.clear();
        }
    }

    /// The peer sends a SYN with this number where no connection is.
    pub fn opens_passively(&mut self, number: SeqNumber) {
        self.begins = true;
        self.answers(number);
    }

    /// The peer sends a SYN with this number to a system that waits for one.
    pub fn answers(&mut self, number: SeqNumber) {
        self.peer_syn = if number.absolute { relative(number.value, PEER_INITIAL) } else { number.value };
    }

    /// The segment that an injected packet stands for.
    pub fn segment(&self, packet: &Packet) -> Segment {
        let system_initial = self.system_initial();
        let start = packet.sequence.start.unwrap_or(SeqNumber::relative(0));
        let options = match &packet.options {
            TcpOptions::Exactly(options) => options.iter().map(|option| self.on_wire(option)).collect(),
            TcpOptions::Any => Vec::new(),
        };
        Segment {
            ip: ip(packet.ip),
            system_port: self.connection().local.port(),
            peer_port: PEER_PORT,
            flags: packet.flags,
            seq: start.on_wire(PEER_INITIAL),
            ack: packet.ack.map_or(0, |ack| ack.on_wire(system_initial)),
            window: packet.window.unwrap_or_default(),
            urgent: packet.urgent.unwrap_or_default(),
            options,
            text: text(first_octet(packet.flags, start.value), usize::from(packet.sequence.length.unwrap_or_default())),
        }
    }

    /// A segment of the system, of which nothing is known but its place.
    pub fn quotable(&self, place: Sequence) -> Segment {
        let start = place.start.unwrap_or(SeqNumber::relative(0));
        let packet = Packet::new(Direction::Expected, Flags::ACK, place);
        let seq = start.on_wire(self.system_initial());
        let text = text(self.system_number(seq), usize::from(place.length.unwrap_or_default()));
        Segment { seq, text, ..self.segment(&packet) }
    }

    /// Takes from the first SYN of a connection what only the system knows: its port, and its initial sequence
    /// number, which the script writes as `written`.
    pub fn learn(&mut self, segment: &Segment, written: Option<SeqNumber>) {
        if !segment.flags.contains(Flags::SYN) || segment.flags.contains(Flags::RST) {
            return;
        }
        if self.system_port.is_none() {
            self.system_port = Some(segment.system_port);
            self.connections.push(four_tuple(segment.system_port));
        }
        if std::mem::take(&mut self.begins) {
            let written = written.filter(|number| !number.absolute).map_or(0, |number| number.value);
            self.system_initial = Some(relative(segment.seq, written));
            self.timestamps.begin();
        }
    }

    /// A segment was the expected one: where it shows the clock of the system, the script's word for that is known.
    pub fn heard(&mut self, expected: &Packet, segment: &Segment) {
        let TcpOptions::Exactly(options) = &expected.options else { return };
        if let (Some(written), Some(seen)) = (options.iter().find_map(clock), segment.options.iter().find_map(clock)) {
            self.timestamps.heard(written, seen);
        }
    }

    /// Whether a segment belongs to the connection that is talked about.
    pub fn includes(&self, segment: &Segment) -> bool {
        (segment.system_port, segment.peer_port) == (self.connection().local.port(), PEER_PORT)
    }

    /// How a script would write a segment of the system.
    pub fn packet(&self, segment: &Segment) -> Packet {
        let has = |flag| segment.flags.contains(flag);
        let options = segment.options.iter().map(|option| off_wire(option, PEER_INITIAL)).collect();
        let start = SeqNumber::relative(self.system_number(segment.seq));
        let sequence = Sequence::new(start, u16::try_from(segment.text.len()).unwrap_or(u16::MAX));
        Packet {
            ack: has(Flags::ACK).then(|| SeqNumber::relative(relative(segment.ack, PEER_INITIAL))),
            window: Some(segment.window),
            urgent: has(Flags::URG).then_some(segment.urgent),
            options: TcpOptions::Exactly(options),
            ..Packet::new(Direction::Expected, segment.flags, sequence)
        }
    }

    /// How a segment of the system differs from what the script expects.
    pub fn compare(&self, expected: &Packet, segment: &Segment, rules: &Rules) -> Comparison {
        let mut comparison = compare(expected, &self.packet_like(expected, segment), rules);
        if !self.includes(segment) {
            let (seen, expected) = (four_tuple(segment.system_port), self.connection());
            comparison.differences.insert(0, format!("it is of connection {seen}, not {expected}"));
        }
        let position = first_octet(segment.flags, self.system_number(segment.seq));
        if comparison.differences.is_empty() && segment.text != text(position, segment.text.len()) {
            comparison.differences.push("the text is not what the user wrote at this place".to_owned());
        }
        comparison
    }

    /// How a script would write a segment of the system, with absolute numbers where `like` has them.
    fn packet_like(&self, like: &Packet, segment: &Segment) -> Packet {
        let mut packet = self.packet(segment);
        let is_absolute = |number: Option<SeqNumber>| number.is_some_and(|number| number.absolute);
        if is_absolute(like.sequence.start) {
            packet.sequence.start = Some(SeqNumber { value: segment.seq, absolute: true });
        }
        if is_absolute(like.ack) {
            packet.ack = packet.ack.map(|_| SeqNumber { value: segment.ack, absolute: true });
        }
        packet.ip = fields(segment.ip);
        self.tell_time_like(like, &mut packet);
        packet
    }

    /// Writes the clock of the system as the script does, where it is close enough to that.
    fn tell_time_like(&self, like: &Packet, packet: &mut Packet) {
        let (TcpOptions::Exactly(like), TcpOptions::Exactly(options)) = (&like.options, &mut packet.options) else {
            return;
        };
        let Some(expected) = like.iter().find_map(clock) else { return };
        for option in options {
            if let TcpOption::Timestamps { val, .. } = option {
                *val = self.timestamps.as_written(expected, *val);
            }
        }
    }

    /// An option of the peer, which counts from the system's initial sequence number and echoes its clock.
    fn on_wire(&self, option: &TcpOption) -> TcpOption {
        match option {
            TcpOption::Timestamps { val, ecr } => TcpOption::Timestamps { val: *val, ecr: self.timestamps.echo(*ecr) },
            TcpOption::EndOfList
            | TcpOption::NoOperation
            | TcpOption::MaximumSegmentSize(_)
            | TcpOption::WindowScale(_)
            | TcpOption::SackPermitted
            | TcpOption::Sack(_)
            | TcpOption::FastOpen { .. }
            | TcpOption::Octets(_)
            | TcpOption::Foreign(_) => {
                shifted(option, |number| SeqNumber::relative(number).on_wire(self.system_initial()))
            }
        }
    }

    fn system_initial(&self) -> u32 {
        self.system_initial.unwrap_or_default()
    }

    fn system_number(&self, number: u32) -> u32 {
        relative(number, self.system_initial())
    }
}

/// The text that lies at a position: every octet tells where it belongs.
pub fn text(position: u32, length: usize) -> Vec<u8> {
    let positions = std::iter::successors(Some(Seq::new(position)), |position| Some(position.plus(1)));
    positions.map(|position| octet(position.raw())).take(length).collect()
}

/// The octet at a position. The period is a prime, so that no power of two hides a shift.
fn octet(position: u32) -> u8 {
    let [.., octet] = (position % 251).to_be_bytes();
    octet
}

/// A SYN takes the number before the text.
fn first_octet(flags: Flags, number: u32) -> u32 {
    Seq::new(number).plus(u32::from(flags.contains(Flags::SYN))).raw()
}

fn relative(number: u32, initial: u32) -> u32 {
    Seq::new(number).forward_from(Seq::new(initial))
}

fn four_tuple(system_port: u16) -> FourTuple {
    FourTuple {
        local: SocketAddrV4::new(SYSTEM_ADDRESS, system_port),
        remote: SocketAddrV4::new(PEER_ADDRESS, PEER_PORT),
    }
}

/// The IP header of an injected datagram, the usual but for what the script says of it.
pub(super) fn ip(fields: IpFields) -> Ip {
    let usual = Ip::default();
    let bits = fields.ecn.map_or(0, |ecn| match ecn {
        Ecn::NotCapable => 0b00,
        Ecn::Ect1 => 0b01,
        Ecn::Ect0 | Ecn::Ect01 => 0b10,
        Ecn::CongestionExperienced => 0b11,
    });
    Ip { ttl: fields.ttl.unwrap_or(usual.ttl), tos: fields.tos.unwrap_or(usual.tos) | bits }
}

/// How a script would write an ICMP message of the system.
pub(super) fn icmp(message: &Message) -> Icmp {
    let number = |quoted: Quoted| SeqNumber::relative(relative(quoted.seq, PEER_INITIAL));
    Icmp {
        direction: Direction::Expected,
        ip: fields(message.ip),
        version: IcmpVersion::V4,
        kind: message.kind.to_string(),
        code: Some(message.code.to_string()),
        mtu: message.mtu().map(u32::from),
        quoted: message.quoted().map(|quoted| Sequence { start: Some(number(quoted)), length: None }),
    }
}

/// The IP header of a datagram, as a script writes it.
fn fields(ip: Ip) -> IpFields {
    IpFields { ttl: Some(ip.ttl), tos: Some(ip.tos), ..IpFields::default() }
}

/// The sender's clock in an option.
fn clock(option: &TcpOption) -> Option<u32> {
    if let TcpOption::Timestamps { val, .. } = option { Some(*val) } else { None }
}

fn off_wire(option: &TcpOption, initial: u32) -> TcpOption {
    shifted(option, |number| relative(number, initial))
}

fn shifted(option: &TcpOption, shift: impl Fn(u32) -> u32) -> TcpOption {
    match option {
        TcpOption::Sack(blocks) => {
            TcpOption::Sack(blocks.iter().map(|(first, after)| (shift(*first), shift(*after))).collect())
        }
        TcpOption::EndOfList
        | TcpOption::NoOperation
        | TcpOption::MaximumSegmentSize(_)
        | TcpOption::WindowScale(_)
        | TcpOption::SackPermitted
        | TcpOption::Timestamps { .. }
        | TcpOption::FastOpen { .. }
        | TcpOption::Octets(_)
        | TcpOption::Foreign(_) => option.clone(),
    }
}
