//! ICMP for IPv4 (RFC 792): echo, destination unreachable (RFC 1191 for the next hop's MTU), time exceeded, parameter
//! problem.

use super::{Checksum, Malformed, Sum, put, u16_at};

/// Bytes before the data or the quoted datagram of every message.
pub const HEADER_LEN: usize = 8;

const ECHO_REPLY: u8 = 0;
const DESTINATION_UNREACHABLE: u8 = 3;
const ECHO_REQUEST: u8 = 8;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;

/// An ICMP message; the data or the quoted datagram is borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Icmpv4Message<'a> {
    /// Somebody pings: to be answered with the same identifier, sequence and data (RFC 1122 §3.2.2.6).
    EchoRequest {
        /// Tells one pinging process from another.
        identifier: u16,
        /// Tells one ping from another.
        sequence: u16,
        /// To be sent back.
        data: &'a [u8],
    },
    /// The answer to a ping.
    EchoReply {
        /// As in the request.
        identifier: u16,
        /// As in the request.
        sequence: u16,
        /// As in the request.
        data: &'a [u8],
    },
    /// A datagram could not be delivered.
    DestinationUnreachable {
        /// Why.
        code: UnreachableCode,
        /// With [`UnreachableCode::FRAGMENTATION_NEEDED`], the MTU in bytes of the hop that was too narrow, or zero
        /// from a router older than RFC 1191; with other codes zero.
        next_hop_mtu: u16,
        /// The datagram's header and at least eight bytes of its payload, for
        /// [`Ipv4Packet::parse_quoted`](super::Ipv4Packet::parse_quoted).
        quoted: &'a [u8],
    },
    /// A datagram or its fragments lived too long.
    TimeExceeded {
        /// 0 in transit, 1 in reassembly.
        code: u8,
        /// The datagram's header and at least eight bytes of its payload.
        quoted: &'a [u8],
    },
    /// A header could not be understood.
    ParameterProblem {
        /// 0: the pointer says where; 1: a required option is missing (RFC 1108); 2: bad length.
        code: u8,
        /// The octet of the quoted header at which the trouble was noticed.
        pointer: u8,
        /// The datagram's header and at least eight bytes of its payload.
        quoted: &'a [u8],
    },
    /// Any other message, to be ignored (RFC 1122 §3.2.2).
    Unknown {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
        /// Bytes four to seven of the message.
        rest_of_header: [u8; 4],
        /// The bytes after them.
        data: &'a [u8],
    },
}

/// Why a destination is unreachable (RFC 792, RFC 1122 §3.2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnreachableCode(pub u8);

impl UnreachableCode {
    /// No route to the network.
    pub const NET: UnreachableCode = UnreachableCode(0);
    /// No such host there.
    pub const HOST: UnreachableCode = UnreachableCode(1);
    /// The host does not know the protocol.
    pub const PROTOCOL: UnreachableCode = UnreachableCode(2);
    /// Nobody listens on the port.
    pub const PORT: UnreachableCode = UnreachableCode(3);
    /// The datagram is too long for the next hop and may not be fragmented.
    pub const FRAGMENTATION_NEEDED: UnreachableCode = UnreachableCode(4);
    /// The source route failed.
    pub const SOURCE_ROUTE_FAILED: UnreachableCode = UnreachableCode(5);
}

impl<'a> Icmpv4Message<'a> {
    /// Reads the payload of a datagram of [`Protocol::ICMP`](super::Protocol::ICMP).
    ///
    /// # Errors
    /// [`Malformed::Icmpv4Truncated`], [`Malformed::Icmpv4Checksum`].
    pub fn parse(bytes: &'a [u8], checksum: Checksum) -> Result<Self, Malformed> {
        let (header, body) = bytes.split_first_chunk().ok_or(Malformed::Icmpv4Truncated)?;
        if checksum == Checksum::Verify && Sum::default().plus(bytes).checksum() != 0 {
            return Err(Malformed::Icmpv4Checksum);
        }
        Ok(Self::from_parts(header, body))
    }

    /// Echo messages have code 0; with another they are something that nobody has defined.
    fn from_parts(header: &[u8; HEADER_LEN], body: &'a [u8]) -> Self {
        let [kind, code, _, _, rest_of_header @ ..] = *header;
        let (identifier, sequence) = (u16_at(header, 4), u16_at(header, 6));
        match (kind, code) {
            (ECHO_REQUEST, 0) => Icmpv4Message::EchoRequest { identifier, sequence, data: body },
            (ECHO_REPLY, 0) => Icmpv4Message::EchoReply { identifier, sequence, data: body },
            (DESTINATION_UNREACHABLE, code) => {
                let code = UnreachableCode(code);
                let next_hop_mtu = if code == UnreachableCode::FRAGMENTATION_NEEDED { sequence } else { 0 };
                Icmpv4Message::DestinationUnreachable { code, next_hop_mtu, quoted: body }
            }
            (TIME_EXCEEDED, code) => Icmpv4Message::TimeExceeded { code, quoted: body },
            (PARAMETER_PROBLEM, code) => {
                let [pointer, ..] = rest_of_header;
                Icmpv4Message::ParameterProblem { code, pointer, quoted: body }
            }
            (kind, code) => Icmpv4Message::Unknown { kind, code, rest_of_header, data: body },
        }
    }

    /// Bytes that [`emit`](Self::emit) writes.
    pub fn emitted_len(&self) -> usize {
        HEADER_LEN + self.body().len()
    }

    /// Writes the message with its checksum at the front of `buffer` and returns its length.
    ///
    /// # Panics
    /// When `buffer` is shorter than [`emitted_len`](Self::emitted_len).
    pub fn emit(&self, buffer: &mut [u8]) -> usize {
        let (kind, code, rest_of_header) = self.head();
        let message = &mut buffer[..self.emitted_len()];
        put(message, 0, [kind, code, 0, 0]);
        put(message, 4, rest_of_header);
        message[HEADER_LEN..].copy_from_slice(self.body());
        put(message, 2, Sum::default().plus(message).checksum().to_be_bytes());
        message.len()
    }

    fn head(&self) -> (u8, u8, [u8; 4]) {
        let pair = |first: u16, second: u16| {
            let ([a, b], [c, d]) = (first.to_be_bytes(), second.to_be_bytes());
            [a, b, c, d]
        };
        match *self {
            Icmpv4Message::EchoRequest { identifier, sequence, .. } => (ECHO_REQUEST, 0, pair(identifier, sequence)),
            Icmpv4Message::EchoReply { identifier, sequence, .. } => (ECHO_REPLY, 0, pair(identifier, sequence)),
            Icmpv4Message::DestinationUnreachable { code, next_hop_mtu, .. } => {
                (DESTINATION_UNREACHABLE, code.0, pair(0, next_hop_mtu))
            }
            Icmpv4Message::TimeExceeded { code, .. } => (TIME_EXCEEDED, code, [0; 4]),
            Icmpv4Message::ParameterProblem { code, pointer, .. } => (PARAMETER_PROBLEM, code, [pointer, 0, 0, 0]),
            Icmpv4Message::Unknown { kind, code, rest_of_header, .. } => (kind, code, rest_of_header),
        }
    }

    fn body(&self) -> &'a [u8] {
        match *self {
            Icmpv4Message::EchoRequest { data, .. }
            | Icmpv4Message::EchoReply { data, .. }
            | Icmpv4Message::Unknown { data, .. } => data,
            Icmpv4Message::DestinationUnreachable { quoted, .. }
            | Icmpv4Message::TimeExceeded { quoted, .. }
            | Icmpv4Message::ParameterProblem { quoted, .. } => quoted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Slice, Icmpv4Type, icmpv4};
    use proptest::prelude::*;

    /// What a message says besides its body: kind, code and two numbers.
    type Head = (u8, u8, u16, u16);

    fn any_head() -> impl Strategy<Value = Head> {
        prop_oneof![
            (Just(ECHO_REQUEST), Just(0), any::<u16>(), any::<u16>()),
            (Just(ECHO_REPLY), Just(0), any::<u16>(), any::<u16>()),
            (Just(DESTINATION_UNREACHABLE), 0_u8..16, Just(0), any::<u16>()),
            (Just(TIME_EXCEEDED), 0_u8..2, Just(0), Just(0)),
            (Just(PARAMETER_PROBLEM), 0_u8..3, (0_u16..=255).prop_map(|pointer| pointer << 8), Just(0)),
            (13_u8.., any::<u8>(), any::<u16>(), any::<u16>()),
        ]
    }

    fn message((kind, code, first, second): Head, body: &[u8]) -> Icmpv4Message<'_> {
        let [a, b] = first.to_be_bytes();
        let [c, d] = second.to_be_bytes();
        Icmpv4Message::from_parts(&[kind, code, 0, 0, a, b, c, d], body)
    }

    fn emitted(message: &Icmpv4Message<'_>) -> Vec<u8> {
        let mut bytes = vec![0xa5; message.emitted_len()];
        assert_eq!(message.emit(&mut bytes), bytes.len());
        bytes
    }

    /// The same message in the words of etherparse.
    fn theirs(message: &Icmpv4Message<'_>) -> Icmpv4Type {
        match *message {
            Icmpv4Message::EchoRequest { identifier, sequence, .. } => {
                Icmpv4Type::EchoRequest(IcmpEchoHeader { id: identifier, seq: sequence })
            }
            Icmpv4Message::EchoReply { identifier, sequence, .. } => {
                Icmpv4Type::EchoReply(IcmpEchoHeader { id: identifier, seq: sequence })
            }
            Icmpv4Message::DestinationUnreachable { code, next_hop_mtu, .. } => Icmpv4Type::DestinationUnreachable(
                icmpv4::DestUnreachableHeader::from_values(code.0, next_hop_mtu).unwrap(),
            ),
            Icmpv4Message::TimeExceeded { code, .. } => {
                Icmpv4Type::TimeExceeded(icmpv4::TimeExceededCode::from_u8(code).unwrap())
            }
            Icmpv4Message::ParameterProblem { code, pointer, .. } => {
                // They know no pointer where the code is not zero.
                Icmpv4Type::ParameterProblem(icmpv4::ParameterProblemHeader::from_values(code, pointer).unwrap())
            }
            Icmpv4Message::Unknown { kind, code, rest_of_header, .. } => {
                Icmpv4Type::Unknown { type_u8: kind, code_u8: code, bytes5to8: rest_of_header }
            }
        }
    }

    #[test]
    fn a_narrow_hop_tells_its_mtu() {
        let bytes = [3, 4, 0, 0, 0, 0, 0x05, 0x14, 0x45];
        let parsed = Icmpv4Message::parse(&bytes, Checksum::Vouched).unwrap();
        let code = UnreachableCode::FRAGMENTATION_NEEDED;
        assert_eq!(parsed, Icmpv4Message::DestinationUnreachable { code, next_hop_mtu: 1300, quoted: &[0x45] });
    }

    #[test]
    fn an_echo_with_a_code_is_no_echo() {
        let bytes = [8, 1, 0, 0, 1, 2, 3, 4];
        let unknown = Icmpv4Message::Unknown { kind: 8, code: 1, rest_of_header: [1, 2, 3, 4], data: &[] };
        assert_eq!(Icmpv4Message::parse(&bytes, Checksum::Vouched), Ok(unknown));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Icmpv4Message::parse(&bytes, Checksum::Verify);
            match Icmpv4Message::parse(&bytes, Checksum::Vouched) {
                Ok(message) => prop_assert_eq!(message.emitted_len(), bytes.len()),
                Err(reason) => prop_assert_eq!((reason, bytes.len() < HEADER_LEN), (Malformed::Icmpv4Truncated, true)),
            }
        }

        #[test]
        fn parse_after_emit_is_the_identity(head in any_head(), body: Vec<u8>) {
            let message = message(head, &body);
            let bytes = emitted(&message);
            prop_assert_eq!(Icmpv4Message::parse(&bytes, Checksum::Verify), Ok(message));
        }

        #[test]
        fn every_flipped_bit_is_caught(head in any_head(), body in prop::collection::vec(any::<u8>(), 0..20)) {
            let good = emitted(&message(head, &body));
            for bit in 0..good.len() * 8 {
                let mut bytes = good.clone();
                bytes[bit / 8] ^= 0x80 >> (bit % 8);
                prop_assert_eq!(Icmpv4Message::parse(&bytes, Checksum::Verify), Err(Malformed::Icmpv4Checksum));
            }
        }

        #[test]
        fn etherparse_agrees_both_ways(head in any_head(), body: Vec<u8>) {
            // Timestamps are unknown here and known there, which knows no pointer of two kinds of parameter problems.
            prop_assume!(![13, 14].contains(&head.0) && (head.0 != PARAMETER_PROBLEM || head.1 == 0));
            let message = message(head, &body);
            let bytes = emitted(&message);
            let read_by_them = Icmpv4Slice::from_slice(&bytes).unwrap();
            prop_assert_eq!(read_by_them.icmp_type(), theirs(&message));
            prop_assert_eq!(read_by_them.payload(), &body);

            let written_by_them = Icmpv4Header::with_checksum(theirs(&message), &body).to_bytes();
            let bytes = [&written_by_them[..], &body].concat();
            prop_assert_eq!(Icmpv4Message::parse(&bytes, Checksum::Verify), Ok(message));
        }
    }
}
