//! What a hostile or broken receiver says to make us send too fast, too much, or for ever (threats T13 to T15), and what a dead one
//! does not say (threats T35).

mod raw;

use std::fmt::Write as _;

use lockstep::time::Micros;
use lockstep::wire::{SackBlock, TcpFlags, TcpHeader, TcpOptions};
use lockstep_model::State;
use raw::{ACK, Established, Raw, SYN, Segment, header};

const SMSS: u32 = 1000;

/// A connection whose peer takes segments of `mss` octets, and SACK if he says so.
fn established(raw: &mut Raw, mss: u16, sack_permitted: bool) -> Established {
    let listener = raw.listen();
    let options = TcpOptions { mss: Some(mss), sack_permitted, ..TcpOptions::default() };
    raw.send_header(TcpHeader { flags: SYN, seq: 1000, options, ..header() }, b"");
    let ack = raw.segment().header.seq.wrapping_add(1);
    raw.wait(Micros::from_millis(20));
    raw.send(ACK, 1001, ack, b"");
    raw.expect_silence();
    let id = raw.stack.accept(listener).unwrap().unwrap().connection;
    Established { id, seq: 1001, ack }
}

fn write(raw: &mut Raw, at: Established, octets: usize) -> Vec<Segment> {
    assert_eq!(raw.stack.send(raw.now, at.id, &vec![7; octets]), Ok(octets));
    raw.segments()
}

fn cwnd(raw: &mut Raw, at: Established) -> u32 {
    raw.stack.status(raw.now, at.id).unwrap().cwnd
}

/// The peer acknowledges `ack` octets and says that he holds these.
fn acknowledge(raw: &mut Raw, at: Established, ack: u32, held: &[(u32, u32)]) -> Vec<Segment> {
    let block =
        |&(left, right): &(u32, u32)| SackBlock { left: at.ack.wrapping_add(left), right: at.ack.wrapping_add(right) };
    let sack = held.iter().map(block).collect();
    let options = TcpOptions { sack, ..TcpOptions::default() };
    raw.send_header(TcpHeader { seq: at.seq, ack: at.ack.wrapping_add(ack), options, ..header() }, b"");
    raw.segments()
}

/// Where the segments begin, in octets from the first.
fn places(segments: &[Segment], at: Established) -> Vec<u32> {
    segments.iter().map(|segment| segment.header.seq.wrapping_sub(at.ack)).collect()
}

// ---- 14: optimistic acknowledgments ----------------------------------------------------------------------------------------

#[test]
fn what_was_never_sent_cannot_be_acknowledged() {
    let mut raw = Raw::new();
    let at = established(&mut raw, 1000, true);
    assert_eq!(write(&mut raw, at, 60_000).len(), 10);
    let before = cwnd(&mut raw, at);
    for beyond in [1, 1000, 50_000, 1 << 30] {
        let answers = acknowledge(&mut raw, at, 10 * SMSS + beyond, &[]);
        assert!(answers.iter().all(|answer| answer.text.is_empty()), "{answers:?}");
    }
    let status = raw.stack.status(raw.now, at.id).unwrap();
    assert_eq!((status.cwnd, status.tcb.usable_window()), (before, 60_000 - 10 * SMSS));
}

/// Who acknowledges what was sent, but has not arrived, gets it faster, but never more than the law of slow start allows: what is
/// in flight at most doubles with each round.
#[test]
fn an_optimist_gets_no_more_than_twice_as_much_each_round() {
    let mut raw = Raw::new();
    let at = established(&mut raw, 1000, true);
    let (mut acked, mut round) = (0, write(&mut raw, at, 60_000).len());
    while acked < 50 * SMSS {
        let mut next = 0;
        for _ in 0..round {
            acked += SMSS;
            next += acknowledge(&mut raw, at, acked, &[]).len();
        }
        assert!(next <= 2 * round, "{next} after {round}");
        round = next.max(1);
    }
}

// ---- 15: duplicates that are none ----------------------------------------------------------------------------------------

#[test]
fn only_duplicates_by_the_five_conditions_of_rfc_5681_count() {
    let lose_first = |change: fn(&mut TcpHeader), text: &[u8]| {
        let mut raw = Raw::new();
        let mut at = established(&mut raw, 1000, false);
        write(&mut raw, at, 5000);
        acknowledge(&mut raw, at, 1000, &[]);
        at.ack = at.ack.wrapping_add(1000);
        let mut seq = at.seq;
        let mut again = Vec::new();
        for n in 0..3_u16 {
            let mut duplicate = TcpHeader { seq, ack: at.ack, window: 60_000, ..header() };
            duplicate.urgent = n;
            change(&mut duplicate);
            raw.send_header(duplicate, text);
            seq = seq.wrapping_add(u32::try_from(text.len()).unwrap());
            again.extend(raw.segments().into_iter().filter(|segment| !segment.text.is_empty()));
        }
        places(&again, at)
    };
    let none: [u32; 0] = [];
    assert_eq!(lose_first(|_| {}, b""), [0], "three duplicates");
    assert_eq!(lose_first(|_| {}, b"text"), none, "segments with text");
    assert_eq!(lose_first(|header| header.window -= header.urgent, b""), none, "news of the window");
    assert_eq!(lose_first(|header| header.ack = header.ack.wrapping_sub(1), b""), none, "older than SND.UNA");
}

/// Duplicates, however many, take no more out of us than one fast retransmission and a segment for each of what was in flight.
#[test]
fn a_flood_of_duplicates_is_no_pump() {
    let mut raw = Raw::new();
    let at = established(&mut raw, 1000, false);
    let in_flight = write(&mut raw, at, 60_000).len();
    let mut sent = 0;
    for _ in 0..1000 {
        sent += acknowledge(&mut raw, at, 0, &[]).len();
    }
    assert!(sent <= in_flight + 3, "{sent} segments for duplicates of {in_flight}");
}

// ---- 13: the scoreboard under fire -----------------------------------------------------------------------------------------

/// A peer who takes 48 octets at a time and holds every other segment makes us keep no more than one entry per segment, and each
/// acknowledgment is answered in bounded time; what he holds is not sent again.
#[test]
fn every_other_tiny_segment_held() {
    let mut raw = Raw::new();
    let at = established(&mut raw, 1, true);
    let mut sent = write(&mut raw, at, 40_000);
    assert!(sent.iter().all(|segment| segment.text.len() == 48), "the least MSS that is believed");
    let mut nth = 0;
    while nth < 400 {
        let left = 48 * (2 * nth + 1);
        let more = acknowledge(&mut raw, at, 0, &[(left, left + 48)]);
        sent.extend(more);
        nth += 1;
    }
    let mut times = std::collections::BTreeMap::new();
    places(&sent, at).into_iter().for_each(|place| *times.entry(place).or_insert(0) += 1);
    let held_and_again = times.iter().filter(|&(place, &times)| place / 48 % 2 == 1 && times > 1).count();
    assert_eq!(held_and_again, 0);
    assert_eq!(raw.state(), State::Established);
}

#[test]
fn blocks_about_what_was_never_sent_or_inside_out_say_nothing() {
    let mut raw = Raw::new();
    let at = established(&mut raw, 1000, true);
    write(&mut raw, at, 5000);
    for lie in [(6000, 9000), (3000, 2000), (4000, 5001), (2000, 2000), (0_u32.wrapping_sub(9000), 3000)] {
        for _ in 0..4 {
            assert_eq!(acknowledge(&mut raw, at, 0, &[lie]), [], "{lie:?}");
        }
    }
}

#[test]
fn what_the_peer_holds_is_not_sent_again_and_the_hole_is() {
    let mut raw = Raw::new();
    let at = established(&mut raw, 1000, true);
    write(&mut raw, at, 5000);
    raw.wait(Micros::from_millis(20));
    assert_eq!(acknowledge(&mut raw, at, 0, &[(1000, 2000)]), []);
    assert_eq!(acknowledge(&mut raw, at, 0, &[(1000, 3000)]), []);
    let again = acknowledge(&mut raw, at, 0, &[(1000, 4000)]);
    assert_eq!(places(&again, at), [0]);
    assert_eq!(acknowledge(&mut raw, at, 4000, &[]), []);
    assert_eq!(acknowledge(&mut raw, at, 5000, &[]), []);
}

/// A peer who forgets what he has said he holds (RFC 2018 §8) gets it again after a timeout.
#[test]
fn who_reneges_is_served_after_a_timeout() {
    let mut raw = Raw::new();
    let at = established(&mut raw, 1000, true);
    write(&mut raw, at, 3000);
    raw.wait(Micros::from_millis(20));
    assert_eq!(acknowledge(&mut raw, at, 0, &[(1000, 3000)]), []);
    let mut acked = 0;
    for _ in 0..20 {
        raw.wait(Micros::from_secs(1));
        for segment in raw.segments() {
            if segment.header.seq == at.ack.wrapping_add(acked) {
                acked += u32::try_from(segment.text.len()).unwrap();
                raw.now += Micros::from_millis(10);
                acknowledge(&mut raw, at, acked, &[]);
            }
        }
    }
    assert_eq!(acked, 3000);
}

// ---- 35: the retransmission timer ------------------------------------------------------------------------------------------

/// Nobody answers: the timer doubles up to its maximum, and R2 ends it (RFC 6298 §5.5, RFC 9293 §3.8.3).
#[test]
fn the_timer_backs_off() {
    let mut raw = Raw::with(|config| config.tcp.user_timeout = Micros::from_secs(300));
    let at = established(&mut raw, 1000, false);
    let begun = raw.now;
    write(&mut raw, at, 100);
    let mut trace = String::new();
    let mut last = begun;
    while raw.stack.state_of(at.id) != Some(State::Closed) && trace.len() < 10_000 {
        raw.wait(Micros::from_millis(100));
        for segment in raw.segments() {
            let (since, len) = (raw.now.since(last), segment.text.len());
            writeln!(trace, "after {since} again {len} octets").unwrap();
            last = raw.now;
        }
    }
    writeln!(trace, "ended after {}", raw.now.since(begun)).unwrap();
    insta::assert_snapshot!(trace, @"
    after 1.000000 again 100 octets
    after 2.000000 again 100 octets
    after 4.000000 again 100 octets
    after 8.000000 again 100 octets
    after 16.000000 again 100 octets
    after 32.000000 again 100 octets
    after 60.000000 again 100 octets
    after 60.000000 again 100 octets
    after 60.000000 again 100 octets
    ended after 300.000000
    ");
}

/// The floor of the timer is a choice (RFC 6298 §2.4), and holds however short the round trip.
#[test]
fn the_timer_has_a_floor() {
    for floor in [200, 1000] {
        let mut raw = Raw::with(|config| config.tcp.rto.min = Micros::from_millis(floor));
        let at = established(&mut raw, 1000, false);
        write(&mut raw, at, 100);
        raw.wait(Micros::from_millis(floor - 1));
        raw.expect_silence();
        raw.wait(Micros::from_millis(1));
        assert_eq!(raw.segment().header.flags, TcpFlags::PSH | ACK, "floor {floor}");
    }
}

// ---- Acknowledgments that come late, or not ----------------------------------------------------------------------------------

fn ssthresh(raw: &mut Raw, at: Established) -> u32 {
    raw.stack.status(raw.now, at.id).unwrap().ssthresh
}

/// What an overtaken acknowledgment says of text out of order is old, and no report of duplicates (RFC 2883 §4: it is the
/// acknowledgment of the same segment that a D-SACK lies below).
#[test]
fn an_overtaken_acknowledgment_undoes_no_recovery() {
    let mut raw = Raw::new();
    let at = established(&mut raw, 1000, true);
    write(&mut raw, at, 10_000);
    assert!(places(&acknowledge(&mut raw, at, 0, &[(1000, 5000)]), at).contains(&0));
    let slower = ssthresh(&mut raw, at);
    assert_ne!(slower, u32::MAX);
    acknowledge(&mut raw, at, 5000, &[]);
    acknowledge(&mut raw, at, 0, &[(1000, 5000)]);
    assert_eq!(ssthresh(&mut raw, at), slower);
}

/// RFC 8985 §7.4: a loss that a probe has repaired is a loss, although nobody else has noticed it; unless the peer says that he
/// had it already.
#[test]
fn a_loss_that_a_probe_repaired_slows_down() {
    for had_it in [false, true] {
        let mut raw = Raw::new();
        let at = established(&mut raw, 1000, true);
        write(&mut raw, at, 3000);
        acknowledge(&mut raw, at, 2000, &[]);
        raw.wait(Micros::from_millis(250));
        assert_eq!(places(&raw.segments(), at), [2000], "the probe");
        acknowledge(&mut raw, at, 3000, &[]);
        if had_it {
            acknowledge(&mut raw, at, 3000, &[(2000, 3000)]);
        }
        write(&mut raw, at, 1000);
        acknowledge(&mut raw, at, 4000, &[]);
        assert_eq!(ssthresh(&mut raw, at) == u32::MAX, had_it);
    }
}

/// RFC 5682 §2.1 step 2b: if the peer's window takes no new text, what the timeout found lost goes on leaving.
#[test]
fn nobody_waits_for_the_outcome_of_f_rto_behind_a_closed_window() {
    let mut raw = Raw::new();
    let at = established(&mut raw, 1000, false);
    let offers = |raw: &mut Raw, ack: u32, window: u16| {
        raw.send_header(TcpHeader { seq: at.seq, ack: at.ack.wrapping_add(ack), window, ..header() }, b"");
    };
    offers(&mut raw, 0, 5000);
    assert_eq!(write(&mut raw, at, 10_000).len(), 5);
    raw.wait(Micros::from_millis(1100));
    assert_eq!(places(&raw.segments(), at), [0]);
    offers(&mut raw, 1000, 4000);
    assert!(places(&raw.segments(), at).contains(&1000));
}
