//! Offers that are taken away: smoltcp's SYN always offers window scaling and selective acknowledgments, and a script
//! may want neither. Then the wire takes them out of the SYN, as some middleboxes do; the peer, who never hears of them,
//! answers without. Nothing else of a segment is touched.

use etherparse::{Ipv4Header, TcpHeader, TcpOptionElement};

use super::knobs::Knobs;

/// The datagram without the offers that the knobs turn off; `None` if there is none in it.
pub(super) fn without(datagram: &[u8], knobs: &Knobs) -> Option<Vec<u8>> {
    let (mut ip, rest) = Ipv4Header::from_slice(datagram).ok()?;
    let (mut tcp, text) = TcpHeader::from_slice(rest).ok()?;
    let elements: Vec<TcpOptionElement> = tcp.options_iterator().collect::<Result<_, _>>().ok()?;
    let kept: Vec<TcpOptionElement> = elements.iter().filter(|element| keeps(element, knobs)).cloned().collect();
    if !tcp.syn || kept.len() == elements.len() {
        return None;
    }
    tcp.set_options(&kept).ok()?;
    ip.set_payload_len(tcp.header_len() + text.len()).ok()?;
    ip.header_checksum = ip.calc_header_checksum();
    tcp.checksum = tcp.calc_checksum_ipv4(&ip, text).ok()?;
    Some([ip.to_bytes().as_slice(), tcp.to_bytes().as_slice(), text].concat())
}

fn keeps(element: &TcpOptionElement, knobs: &Knobs) -> bool {
    match element {
        TcpOptionElement::WindowScale(_) => knobs.window_scaling,
        TcpOptionElement::SelectiveAcknowledgementPermitted => knobs.sack,
        TcpOptionElement::Noop
        | TcpOptionElement::MaximumSegmentSize(_)
        | TcpOptionElement::SelectiveAcknowledgement(..)
        | TcpOptionElement::Timestamp(..) => true,
    }
}
