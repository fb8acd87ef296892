//! What a peer is told about text that comes in pieces, twice, or in the wrong order, and what a hostile one can make of it.

mod raw;

use lockstep::stack::{AckConfig, Event};
use lockstep::wire::{SackBlock, TcpFlags, TcpHeader, TcpOptions, Timestamps};
use lockstep_model::State;
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

// ---- Attacks (threats T11, T25, T34) ------------------------------------------------------------------------------------

/// SegmentSmack (CVE-2018-5390): whoever sends holes is heard and stalls nobody, himself included once he fills them.
#[test]
fn ten_thousand_holes_of_one_octet_take_little_memory_and_the_stream_still_arrives() {
    let mut raw = Raw::new();
    let at = established(&mut raw, None);
    let stream: Vec<u8> = (0..=250).cycle().take(20_001).collect();
    let send = |raw: &mut Raw, place: usize, len: usize| {
        let seq = at.seq.wrapping_add(u32::try_from(place).unwrap());
        raw.send(ACK, seq, at.ack, &stream[place..place + len]);
        raw.segments()
    };
    for place in (0..10_000).map(|n| 1 + 2 * (n * 7919 % 10_000)) {
        let answers = send(&mut raw, place, 1);
        assert!(answers.len() <= 1 && answers.iter().all(|answer| answer.header.ack == at.seq));
    }
    let mut received = Vec::new();
    while received.len() < stream.len() {
        let rest = stream.len() - received.len();
        send(&mut raw, received.len(), rest.min(1_000));
        let text = raw.receive(at.id);
        assert!(!text.is_empty());
        received.extend(text);
    }
    assert_eq!(received, stream);
}

/// URGENT/11: wherever the pointer points and however much text there is, the user gets the very octets that were sent; and
/// he is told how far urgent data reaches.
#[test]
fn urgent_pointers_of_all_kinds_change_no_octet() {
    let pointers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 1_459, 1_460, 1_461, 32_767, 32_768, 65_534, u16::MAX];
    let stream: Vec<u8> = (0..=255).cycle().take(3_000).collect();
    for (first, second) in pointers.into_iter().flat_map(|first| pointers.map(|second| (first, second))) {
        for len in [1, 2, 5, 1_460] {
            let mut raw = Raw::with(|config| config.tcp.acks = AckConfig::STEADY);
            let at = established(&mut raw, None);
            let mut send = |from: u32, urgent: u16, len: usize| {
                let text = &stream[usize::try_from(from).unwrap()..][..len];
                let flags = ACK | TcpFlags::URG;
                raw.send_header(TcpHeader { flags, seq: at.seq + from, ack: at.ack, urgent, ..header() }, text);
            };
            // Out of order, in order, and once more.
            let behind = u32::try_from(len).unwrap();
            send(behind, second, len);
            send(0, first, len);
            send(0, second, len);
            let ahead = u32::from(first).max(behind + u32::from(second)).max(u32::from(second));
            let told = raw.stack.status(raw.now, at.id).unwrap().urgent_ahead;
            assert!(told.is_none_or(|told| told <= usize::try_from(ahead).unwrap()));
            assert_eq!(raw.receive(at.id), stream[..2 * len], "pointers {first} and {second}, {len} octets");
        }
    }
}

/// RFC 9293 MUST-31, MUST-32, MUST-33, RFC 6093 §3: told at once, told again when the pointer advances, in line, and the end
/// is known to the octet.
#[test]
fn the_user_knows_where_urgent_data_ends() {
    let mut raw = Raw::with(|config| config.tcp.acks = AckConfig::STEADY);
    let at = established(&mut raw, None);
    let urgent = |raw: &mut Raw, from: u32, urgent: u16, text: &[u8]| {
        let flags = ACK | TcpFlags::URG;
        raw.send_header(TcpHeader { flags, seq: at.seq + from, ack: at.ack, urgent, ..header() }, text);
        let told = std::iter::from_fn(|| raw.stack.poll_event()).any(|event| event == Event::Urgent(at.id));
        (told, raw.stack.status(raw.now, at.id).unwrap().urgent_ahead)
    };
    // The pointer comes before the text it is about.
    assert_eq!(urgent(&mut raw, 0, 10, b""), (true, Some(10)));
    assert_eq!(urgent(&mut raw, 0, 10, b"urge"), (false, Some(10)));
    assert_eq!(urgent(&mut raw, 4, 8, b"nt text."), (true, Some(12)));
    let mut some = [0; 5];
    assert_eq!(raw.stack.receive(raw.now, at.id, &mut some), Ok(5));
    assert_eq!(raw.stack.status(raw.now, at.id).unwrap().urgent_ahead, Some(7));
    assert_eq!(raw.receive(at.id), b"t text.");
    assert_eq!(raw.stack.status(raw.now, at.id).unwrap().urgent_ahead, Some(0), "the mark");
    raw.send(ACK, at.seq + 12, at.ack, b"calm");
    assert_eq!(raw.receive(at.id), b"calm");
    assert_eq!(raw.stack.status(raw.now, at.id).unwrap().urgent_ahead, None);
}

/// RFC 9293 MUST-34: a peer who takes window back is not believed to have lost what is in flight, and gets no more.
#[test]
fn a_window_that_shrinks_stops_new_text_only() {
    let mut raw = Raw::new();
    let at = established(&mut raw, None);
    raw.stack.send(raw.now, at.id, &[7; 20_000]).unwrap();
    let flight: usize = raw.segments().iter().map(|segment| segment.text.len()).sum();
    assert!(flight > 2_000);
    raw.send_header(TcpHeader { seq: at.seq, ack: at.ack, window: 1_000, ..header() }, b"");
    assert!(raw.segments().is_empty());
    let ack = at.ack.wrapping_add(u32::try_from(flight).unwrap());
    raw.send_header(TcpHeader { seq: at.seq, ack, window: 60_000, ..header() }, b"");
    assert!(raw.segments().iter().all(|segment| segment.header.seq.wrapping_sub(ack) < 60_000));
    assert_eq!(raw.state(), State::Established);
}

/// RFC 7323 §2.3: a shift of more than 14 is taken for 14.
#[test]
fn no_window_is_larger_than_a_gibibyte() {
    for (shift, meant) in [(0, 0), (14, 14), (15, 14), (255, 14)] {
        let mut raw = Raw::new();
        let listener = raw.listen();
        let options = TcpOptions { mss: Some(1460), window_scale: Some(shift), ..TcpOptions::default() };
        raw.send_header(TcpHeader { flags: SYN, seq: 1000, options, ..header() }, b"");
        let ack = raw.segment().header.seq.wrapping_add(1);
        raw.send_header(TcpHeader { seq: 1001, ack, window: u16::MAX, ..header() }, b"");
        let id = raw.stack.accept(listener).unwrap().unwrap().connection;
        assert_eq!(raw.stack.status(raw.now, id).unwrap().tcb.snd_wnd(), 65_535 << meant);
    }
}
