//! What a peer is told about text that comes in pieces, twice, or in the wrong order, and what a hostile one can make of it.

mod raw;

use lockstep::stack::AckConfig;
use lockstep::wire::{SackBlock, TcpHeader, TcpOptions, Timestamps};
use raw::{ACK, Established, Raw, SYN, header};

/// A connection whose peer permits selective acknowledgments; with timestamps, if so wished.
fn established(raw: &mut Raw, timestamps: Option<Timestamps>) -> Established {
    let listener = raw.listen();
    let options = TcpOptions { mss: Some(1460), sack_permitted: true, timestamps, ..TcpOptions::default() };
    raw.send_header(TcpHeader { flags: SYN, seq: 1000, options, ..header() }, b"");
    let syn_ack = raw.segment();
    assert!(syn_ack.header.options.sack_permitted);
    let ack = syn_ack.header.seq.wrapping_add(1);
    let options = TcpOptions { timestamps, ..TcpOptions::default() };
    raw.send_header(TcpHeader { seq: 1001, ack, options, ..header() }, b"");
    raw.expect_silence();
    Established { id: raw.stack.accept(listener).unwrap().unwrap().connection, seq: 1001, ack }
}

/// The blocks of the one segment that leaves now, from the peer's first octet on.
fn blocks(raw: &mut Raw, at: Established) -> Vec<(u32, u32)> {
    let segment = raw.segment();
    let from = |number: u32| number.wrapping_sub(at.seq);
    segment.header.options.sack.as_slice().iter().map(|&SackBlock { left, right }| (from(left), from(right))).collect()
}

#[test]
fn out_of_order_text_is_acknowledged_selectively() {
    let mut raw = Raw::new();
    let at = established(&mut raw, None);
    for (offset, said) in
        [(10, vec![(10, 14)]), (30, vec![(30, 34), (10, 14)]), (20, vec![(20, 24), (30, 34), (10, 14)])]
    {
        raw.send(ACK, at.seq + offset, at.ack, b"text");
        assert_eq!(blocks(&mut raw, at), said);
    }
    raw.send(ACK, at.seq + 21, at.ack, b"ex");
    assert_eq!(blocks(&mut raw, at), [(21, 23), (20, 24), (30, 34), (10, 14)], "what came twice is said first");
    raw.send(ACK, at.seq, at.ack, b"0123456789");
    assert_eq!(blocks(&mut raw, at), [(20, 24), (30, 34)]);
    raw.send(ACK, at.seq, at.ack, b"0123");
    assert_eq!(blocks(&mut raw, at), [(0, 4), (20, 24), (30, 34)]);
    assert_eq!(raw.receive(at.id), b"0123456789text");
}

#[test]
fn beside_timestamps_there_is_room_for_three_blocks() {
    let mut raw = Raw::with(|config| config.tcp.acks.duplicates = 1);
    let timestamps = Some(Timestamps { value: 1, echo: 0 });
    let at = established(&mut raw, timestamps);
    for offset in [10, 20, 30, 40, 50] {
        let options = TcpOptions { timestamps, ..TcpOptions::default() };
        raw.send_header(TcpHeader { seq: at.seq + offset, ack: at.ack, options, ..header() }, b"x");
    }
    assert_eq!(blocks(&mut raw, at), [(50, 51), (40, 41), (30, 31)]);
}

#[test]
fn who_does_not_permit_it_hears_nothing_of_it() {
    let mut raw = Raw::with(|config| config.tcp.acks = AckConfig::STEADY);
    let at = raw.established();
    raw.send(ACK, at.seq + 10, at.ack, b"text");
    assert_eq!(blocks(&mut raw, at), []);
}

/// A segment with text carries as many blocks as fit beside it, and is never too long for that.
#[test]
fn text_leaves_room_or_blocks_stay_behind() {
    for (text, said) in [(1460, 0), (1449, 0), (1448, 1), (1000, 2)] {
        let mut raw = Raw::with(|config| config.tcp.acks.duplicates = 1);
        let at = established(&mut raw, None);
        raw.send(ACK, at.seq + 10, at.ack, b"text");
        raw.send(ACK, at.seq + 20, at.ack, b"text");
        raw.stack.send(raw.now, at.id, &vec![7; text]).unwrap();
        let segment = raw.segment();
        assert_eq!((segment.text.len(), segment.header.options.sack.as_slice().len()), (text, said));
    }
}
