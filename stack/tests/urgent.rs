//! Urgent data on its way out: which segments say what of it, and what the other end makes of that (RFC 9293 §3.8.5, RFC 6093).

mod net;
mod raw;

use lockstep::stack::{AckConfig, CallError, Event};
use lockstep::time::Micros;
use lockstep::wire::{TcpFlags, TcpHeader};
use lockstep_model::State;
use net::{Fate, Net, Side};
use raw::{ACK, Established, Raw, SYN, Segment, header};

/// The peer takes segments of 536 octets, and nothing waits for company.
fn established() -> (Raw, Established) {
    let mut raw = Raw::with(|config| (config.tcp.nagle, config.tcp.acks) = (false, AckConfig::STEADY));
    let at = raw.established();
    (raw, at)
}

/// Where a segment says that urgent data ends, from its own first octet on.
fn pointer(segment: &Segment) -> Option<u16> {
    let urg = segment.header.flags.contains(TcpFlags::URG);
    assert!(urg || segment.header.urgent == 0);
    urg.then_some(segment.header.urgent)
}

/// Text and pointer of each segment that leaves now.
fn said(raw: &mut Raw) -> Vec<(usize, Option<u16>)> {
    raw.segments().iter().map(|segment| (segment.text.len(), pointer(segment))).collect()
}

fn acknowledge(raw: &mut Raw, at: Established, octets: u32, window: u16) {
    let ack = at.ack.wrapping_add(octets);
    raw.send_header(TcpHeader { seq: at.seq, ack, window, ..header() }, b"");
}

/// MUST-30, MUST-62: the pointer is at the octet after the urgent data, on each segment that begins before it and on none
/// that begins behind.
#[test]
fn each_segment_before_the_mark_points_at_it() {
    let (mut raw, at) = established();
    raw.stack.send(raw.now, at.id, b"calm").unwrap();
    assert_eq!(said(&mut raw), [(4, None)]);
    assert_eq!(raw.stack.send_urgent(raw.now, at.id, b"!"), Ok(1));
    assert_eq!(said(&mut raw), [(1, Some(1))]);
    raw.stack.send_urgent(raw.now, at.id, &[7; 600]).unwrap();
    raw.stack.send(raw.now, at.id, &[8; 1000]).unwrap();
    assert_eq!(said(&mut raw), [(536, Some(600)), (536, Some(64)), (528, None)]);
    acknowledge(&mut raw, at, 1605, 60_000);
    raw.stack.send(raw.now, at.id, b"calm").unwrap();
    assert_eq!(said(&mut raw), [(4, None)]);
}

/// What leaves again says it again, until it is acknowledged. What was not urgent when it left is, if it now precedes the mark.
#[test]
fn what_is_retransmitted_points_at_the_mark() {
    let (mut raw, at) = established();
    raw.stack.send(raw.now, at.id, &[7; 536]).unwrap();
    assert_eq!(said(&mut raw), [(536, None)]);
    raw.stack.send_urgent(raw.now, at.id, &[8; 600]).unwrap();
    assert_eq!(said(&mut raw), [(536, Some(600)), (64, Some(64))]);
    raw.wait(Micros::from_secs(3));
    assert_eq!(said(&mut raw).first(), Some(&(536, Some(1136))));
    acknowledge(&mut raw, at, 536, 60_000);
    assert_eq!(said(&mut raw).first(), Some(&(536, Some(600))));
    acknowledge(&mut raw, at, 1136, 60_000);
    raw.stack.send(raw.now, at.id, b"calm").unwrap();
    assert_eq!(said(&mut raw), [(4, None)]);
    raw.wait(Micros::from_secs(20));
    assert!(said(&mut raw).iter().all(|said| *said == (4, None)));
}

/// A second urgent SEND moves the mark, also for what has left already.
#[test]
fn the_mark_advances() {
    let (mut raw, at) = established();
    raw.stack.send_urgent(raw.now, at.id, b"one").unwrap();
    assert_eq!(said(&mut raw), [(3, Some(3))]);
    raw.stack.send(raw.now, at.id, b" and ").unwrap();
    raw.stack.send_urgent(raw.now, at.id, b"two").unwrap();
    assert_eq!(said(&mut raw), [(8, Some(8))]);
    raw.wait(Micros::from_secs(3));
    assert!(matches!(said(&mut raw)[..], [(_, Some(11)), ..]));
}

/// MUST-31: urgent data may be of any length. As far as 16 bits reach, the pointer is true; before, it points into the urgent
/// data and advances with each segment.
#[test]
fn urgent_data_may_be_longer_than_a_pointer() {
    const LEN: usize = 100_000;
    let (mut raw, at) = established();
    let text: Vec<u8> = (0..=250).cycle().take(LEN).collect();
    assert_eq!(raw.stack.send_urgent(raw.now, at.id, &text), Ok(LEN));
    raw.stack.send(raw.now, at.id, b"calm").unwrap();
    let mut received = Vec::new();
    while received.len() < LEN + 4 {
        let segments = raw.segments();
        assert!(!segments.is_empty());
        for segment in segments {
            let begins = usize::try_from(segment.header.seq.wrapping_sub(at.ack)).unwrap();
            assert_eq!(begins, received.len());
            let ahead = u16::try_from(LEN.saturating_sub(begins)).unwrap_or(u16::MAX);
            assert_eq!(pointer(&segment), Some(ahead).filter(|&ahead| ahead > 0), "at {begins}");
            received.extend(segment.text);
        }
        raw.now += Micros::from_millis(20);
        acknowledge(&mut raw, at, u32::try_from(received.len()).unwrap(), 60_000);
    }
    assert_eq!((&received[..LEN], &received[LEN..]), (&text[..], &b"calm"[..]));
}

/// A peer who has closed his window hears at once that there is something to open it for, and again with each probe.
#[test]
fn a_closed_window_does_not_keep_the_news() {
    let (mut raw, at) = established();
    acknowledge(&mut raw, at, 0, 0);
    raw.stack.send_urgent(raw.now, at.id, &[7; 600]).unwrap();
    let news = raw.segment();
    assert_eq!((news.header.seq, news.text.len(), pointer(&news)), (at.ack, 0, Some(600)));
    raw.expect_silence();
    for _ in 0..2 {
        raw.wait(Micros::from_secs(10));
        let probe = raw.segments().remove(0);
        assert_eq!((probe.header.seq, probe.text.len(), pointer(&probe)), (at.ack, 1, Some(600)));
    }
    acknowledge(&mut raw, at, 1, 60_000);
    assert_eq!(said(&mut raw), [(536, Some(599)), (63, Some(63))]);
}

/// Text that Nagle's algorithm holds back does not hold the news back either.
#[test]
fn the_news_wait_for_no_company() {
    let mut raw = Raw::new();
    let at = raw.established();
    raw.stack.send(raw.now, at.id, b"calm").unwrap();
    assert_eq!(said(&mut raw), [(4, None)]);
    raw.stack.send_urgent(raw.now, at.id, b"hurry").unwrap();
    assert_eq!(said(&mut raw), [(0, Some(5))]);
    acknowledge(&mut raw, at, 4, 60_000);
    assert_eq!(said(&mut raw), [(5, Some(5))]);
}

/// RFC 9293 §3.10.2: queued in the handshake and sent as urgent after it, refused after a CLOSE. "The user must also send at
/// least one data octet" (§3.8.5).
#[test]
fn it_is_a_send_like_any_other() {
    let mut raw = Raw::with(|config| config.tcp.send_buffer = 8);
    let id = raw.stack.connect_from(raw.now, (raw::HERE, 80).into(), (raw::THERE, 4000).into()).unwrap();
    let syn = raw.segment();
    assert_eq!(raw.stack.send_urgent(raw.now, id, b"hurry"), Ok(5));
    raw.expect_silence();
    let ack = syn.header.seq.wrapping_add(1);
    raw.send(SYN | ACK, 1000, ack, b"");
    let said: Vec<_> = raw.segments().iter().map(|segment| (segment.text.clone(), pointer(segment))).collect();
    assert_eq!(said.last(), Some(&(b"hurry".to_vec(), Some(5))), "{said:?}");
    let at = Established { id, seq: 1001, ack };
    acknowledge(&mut raw, at, 5, 60_000);

    assert_eq!(raw.stack.send_urgent(raw.now, id, b""), Ok(0));
    raw.expect_silence();
    assert_eq!(raw.stack.send_urgent(raw.now, id, b"0123456789"), Ok(8), "the mark is where the buffer ends");
    assert_eq!(pointer(&raw.segment()), Some(8));
    assert_eq!(raw.stack.send_urgent(raw.now, id, b"89"), Err(CallError::WouldBlock));
    raw.expect_silence();
    acknowledge(&mut raw, at, 13, 60_000);
    raw.stack.close(raw.now, id).unwrap();
    assert_eq!(raw.state(), State::FinWait1);
    assert_eq!(raw.stack.send_urgent(raw.now, id, b"89"), Err(CallError::Closing));
    assert!(raw.segments().iter().all(|segment| pointer(segment).is_none()));
}

/// Two stacks across a bad wire: in line, octet by octet, and the user at the other end knows where it ends.
#[test]
fn the_other_end_is_told_and_reads_it_in_its_place() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.weather(|side, seen| if side == Side::A && seen.index % 5 == 3 { Fate::Lose } else { Fate::Arrive });
    let stream: Vec<u8> = (0..=250).cycle().take(12_000).collect();
    net.send(Side::A, client, &stream[..2_000]);
    let now = net.now;
    assert_eq!(net.stack(Side::A).send_urgent(now, client, &stream[2_000..9_000]), Ok(7_000));
    net.send(Side::A, client, &stream[9_000..]);
    net.run_secs(60);
    assert!(net.events(Side::B).contains(&Event::Urgent(server)));
    let now = net.now;
    assert_eq!(net.stack(Side::B).status(now, server).unwrap().urgent_ahead, Some(9_000));
    assert_eq!(net.receive(Side::B, server), stream);
    assert_eq!(net.stack(Side::B).status(now, server).unwrap().urgent_ahead, None);
}

/// A peer whose user does not read, so that the window is closed, is roused all the same.
#[test]
fn it_rouses_a_user_who_does_not_read() {
    let mut net = Net::with(|config| config.tcp.receive_buffer = 5_000);
    let (client, server) = net.established();
    net.send(Side::A, client, &[7; 5_000]);
    net.run_secs(1);
    net.events(Side::B);
    let now = net.now;
    net.stack(Side::A).send_urgent(now, client, b"read!").unwrap();
    net.run_millis(20);
    assert!(net.events(Side::B).contains(&Event::Urgent(server)));
    let now = net.now;
    assert_eq!(net.stack(Side::B).status(now, server).unwrap().urgent_ahead, Some(5_005));
}
