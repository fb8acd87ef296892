//! Ethernet II (RFC 894): two addresses and the type of what follows. The frame check sequence is the device's.

use super::{Malformed, mac_addr_at, put, u16_at};
use std::fmt;

/// Bytes of an Ethernet II header.
pub const HEADER_LEN: usize = 14;

/// A view of a frame whose length has been checked.
#[derive(Clone, Copy, Debug)]
pub struct EthernetFrame<'a> {
    header: &'a [u8; HEADER_LEN],
    payload: &'a [u8],
}

impl<'a> EthernetFrame<'a> {
    /// Checks that there is a header and that it is one of Ethernet II.
    ///
    /// # Errors
    /// [`Malformed::EthernetTruncated`], [`Malformed::EthernetLength`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (header, payload) = bytes.split_first_chunk().ok_or(Malformed::EthernetTruncated)?;
        let frame = EthernetFrame { header, payload };
        if frame.ethertype() < EtherType::LOWEST {
            return Err(Malformed::EthernetLength);
        }
        Ok(frame)
    }

    /// Who the frame is for.
    pub fn destination(&self) -> MacAddr {
        mac_addr_at(self.header, 0)
    }

    /// Who sent it.
    pub fn source(&self) -> MacAddr {
        mac_addr_at(self.header, 6)
    }

    /// What the payload is.
    pub fn ethertype(&self) -> EtherType {
        EtherType(u16_at(self.header, 12))
    }

    /// What follows the header. Short frames are padded, so that this may be longer than the packet inside.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The header as a value.
    pub fn header(&self) -> EthernetHeader {
        EthernetHeader { destination: self.destination(), source: self.source(), ethertype: self.ethertype() }
    }
}

/// An Ethernet II header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EthernetHeader {
    /// Who the frame is for.
    pub destination: MacAddr,
    /// Who sends it.
    pub source: MacAddr,
    /// What the payload is.
    pub ethertype: EtherType,
}

impl EthernetHeader {
    /// Writes the header at the front of `buffer` and returns its length, [`HEADER_LEN`].
    ///
    /// # Panics
    /// When `buffer` is shorter than that.
    pub fn emit(&self, buffer: &mut [u8]) -> usize {
        put(buffer, 0, self.destination.0);
        put(buffer, 6, self.source.0);
        put(buffer, 12, self.ethertype.0.to_be_bytes());
        HEADER_LEN
    }
}

/// The type of a frame's payload (IEEE 802 numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EtherType(pub u16);

impl EtherType {
    /// IPv4 (RFC 894).
    pub const IPV4: EtherType = EtherType(0x0800);
    /// ARP (RFC 826).
    pub const ARP: EtherType = EtherType(0x0806);
    /// Anything below is an IEEE 802.3 length.
    const LOWEST: EtherType = EtherType(0x0600);
}

/// An Ethernet address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// Everybody on the link.
    pub const BROADCAST: MacAddr = MacAddr([0xff; 6]);
    /// Nobody; ARP requests carry it where the address asked for would be.
    pub const ZERO: MacAddr = MacAddr([0; 6]);

    /// Whether the address names a group of stations, of which broadcast is one. No station sends from such an address.
    pub fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{Ethernet2Header, Ethernet2Slice};
    use proptest::prelude::*;

    fn any_header() -> impl Strategy<Value = EthernetHeader> {
        (any::<[u8; 6]>(), any::<[u8; 6]>(), 0x0600..=u16::MAX).prop_map(|(destination, source, ethertype)| {
            EthernetHeader {
                destination: MacAddr(destination),
                source: MacAddr(source),
                ethertype: EtherType(ethertype),
            }
        })
    }

    #[test]
    fn an_ieee_802_3_frame_is_refused() {
        let mut bytes = [0; 60];
        put(&mut bytes, 12, 46_u16.to_be_bytes());
        assert_eq!(EthernetFrame::parse(&bytes).unwrap_err(), Malformed::EthernetLength);
        put(&mut bytes, 12, 0x05ff_u16.to_be_bytes());
        assert_eq!(EthernetFrame::parse(&bytes).unwrap_err(), Malformed::EthernetLength);
    }

    #[test]
    fn groups_are_told_from_stations() {
        assert!(MacAddr::BROADCAST.is_multicast());
        assert!(MacAddr([0x01, 0, 0x5e, 0, 0, 1]).is_multicast());
        assert!(!MacAddr([0x02, 0, 0x5e, 0, 0, 1]).is_multicast());
        assert_eq!(MacAddr([2, 0, 0x5e, 0xff, 0, 1]).to_string(), "02:00:5e:ff:00:01");
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            match EthernetFrame::parse(&bytes) {
                Ok(frame) => prop_assert_eq!(frame.payload().len() + HEADER_LEN, bytes.len()),
                Err(Malformed::EthernetTruncated) => prop_assert!(bytes.len() < HEADER_LEN),
                Err(reason) => prop_assert_eq!(reason, Malformed::EthernetLength),
            }
        }

        #[test]
        fn parse_after_emit_is_the_identity(header in any_header(), payload: Vec<u8>) {
            let mut bytes = [&[0; HEADER_LEN][..], &payload].concat();
            prop_assert_eq!(header.emit(&mut bytes), HEADER_LEN);
            let frame = EthernetFrame::parse(&bytes).unwrap();
            prop_assert_eq!(frame.header(), header);
            prop_assert_eq!(frame.payload(), payload);
        }

        #[test]
        fn etherparse_reads_what_we_emit(header in any_header()) {
            let mut bytes = [0; HEADER_LEN];
            header.emit(&mut bytes);
            let theirs = Ethernet2Slice::from_slice_without_fcs(&bytes).unwrap();
            prop_assert_eq!(theirs.destination(), header.destination.0);
            prop_assert_eq!(theirs.source(), header.source.0);
            prop_assert_eq!(theirs.ether_type().0, header.ethertype.0);
        }

        #[test]
        fn we_read_what_etherparse_emits(header in any_header()) {
            let theirs = Ethernet2Header {
                destination: header.destination.0,
                source: header.source.0,
                ether_type: etherparse::EtherType(header.ethertype.0),
            };
            prop_assert_eq!(EthernetFrame::parse(&theirs.to_bytes()).unwrap().header(), header);
        }
    }
}
