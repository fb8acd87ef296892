//! What happens to frames, and what does not.

use super::bottleneck::mark;
use super::link::flip_bit;
use super::*;
use crate::device::Pipe;
use crate::wire::{Checksum, Ipv4Header, Ipv4Packet, Protocol};
use proptest::prelude::*;

const HEADER: &[u8; ETHERNET_HEADER] = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\x00";

fn frame(number: u16) -> Vec<u8> {
    let mut frame = HEADER.to_vec();
    frame.extend(number.to_be_bytes());
    frame.extend([0; 30]);
    frame
}

fn number(frame: &[u8]) -> u16 {
    u16::from_be_bytes([frame[14], frame[15]])
}

/// Sends `count` frames, one per millisecond, through `outgoing`, and returns those that come out with their times.
fn run(seed: u64, outgoing: Impairment, count: u16) -> (Vec<(Instant, Vec<u8>)>, ImpairmentCounts) {
    let (near, mut far) = Pipe::pair(100, MAX_KEPT);
    let mut near = Impaired::new(near, seed, Impairment::default(), outgoing);
    let mut out = Vec::new();
    let mut now = Instant::ZERO;
    let mut buf = [0; 114];
    let mut next = 0;
    for _ in 0..4 * u32::from(count) {
        let sending = (next < count).then(|| Instant::ZERO + Micros::from_millis(u64::from(next)));
        let Some(when) = sending.into_iter().chain(near.poll_timeout()).min() else { break };
        now = now.max(when);
        assert_eq!(near.recv(now, &mut buf).unwrap(), None);
        if sending == Some(now) {
            near.send(now, &frame(next)).unwrap();
            next += 1;
        }
        while let Some(len) = far.recv(now, &mut buf).unwrap() {
            out.push((now, buf[..len].to_vec()));
        }
    }
    assert_eq!(near.poll_timeout(), None);
    (out, near.outgoing())
}

fn numbers(out: &[(Instant, Vec<u8>)]) -> Vec<u16> {
    out.iter().map(|(_, frame)| number(frame)).collect()
}

#[test]
fn nothing_wrong_changes_nothing() {
    let (out, counts) = run(1, Impairment::default(), 100);
    let expected: Vec<_> = (0..100).map(|n| (Instant::ZERO + Micros::from_millis(u64::from(n)), frame(n))).collect();
    assert_eq!(out, expected);
    let untouched = ImpairmentCounts { offered: 100, delivered: 100, ..ImpairmentCounts::default() };
    assert_eq!(counts, untouched);
}

/// The numbers follow from the seed; a change of the sequence is a change of every recorded simulation.
#[test]
fn a_seed_has_its_fate_for_ever() {
    let bad = Impairment {
        loss: Chance::percent(10),
        duplicate: Chance::percent(5),
        corrupt: Chance::percent(3),
        reorder: Chance::percent(20),
        reorder_by: Micros::from_millis(3),
        delay: Micros::from_millis(50),
        jitter: Micros::from_millis(1),
        ..Impairment::default()
    };
    let (out, counts) = run(2024, bad, 2000);
    insta::assert_snapshot!(format!("{counts:?}"), @"ImpairmentCounts { offered: 2000, lost: 208, duplicated: 83, corrupted: 55, reordered: 381, delivered: 1875, overflowed: 0, marked: 0, no_room: 0 }");
    assert_eq!(run(2024, bad, 2000).0, out);
    assert_ne!(run(2025, bad, 2000).0, out);
}

#[test]
fn delay_delivers_at_the_microsecond() {
    let slow = Impairment { delay: Micros::new(12_345), ..Impairment::default() };
    let (out, _) = run(1, slow, 3);
    let times: Vec<u64> = out.iter().map(|(at, _)| at.as_micros()).collect();
    assert_eq!(times, [12_345, 13_345, 14_345]);
}

#[test]
fn jitter_adds_at_most_what_it_says() {
    let uneven = Impairment { delay: Micros::from_millis(5), jitter: Micros::new(10), ..Impairment::default() };
    let (out, _) = run(1, uneven, 200);
    let extras: std::collections::BTreeSet<u64> = out
        .iter()
        .map(|(at, frame)| at.since(Instant::ZERO + Micros::from_millis(u64::from(number(frame)) + 5)).get())
        .collect();
    assert_eq!(extras, (0..=10).collect());
}

#[test]
fn a_reordered_frame_is_overtaken_by_as_many_as_fit() {
    let shuffled = Impairment { reorder: Chance::percent(10), reorder_by: Micros::new(2_500), ..Impairment::default() };
    let (out, counts) = run(3, shuffled, 200);
    let mut order = numbers(&out);
    let late = order.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!(late > 0 && counts.reordered > 10);
    for (place, &n) in order.iter().enumerate() {
        assert!(place.abs_diff(usize::from(n)) <= 3);
    }
    order.sort_unstable();
    assert_eq!(order, (0..200).collect::<Vec<u16>>());
}

#[test]
fn corruption_flips_one_bit_of_a_packet_and_spares_the_rest() {
    let noisy = Impairment { corrupt: Chance::percent(100), ..Impairment::default() };
    let (out, counts) = run(4, noisy, 500);
    assert_eq!(counts.corrupted, 500);
    for (sent, (_, received)) in (0..500).zip(&out) {
        let flipped: u32 = frame(sent).iter().zip(received).map(|(a, b)| (a ^ b).count_ones()).sum();
        assert_eq!(flipped, 1);
        assert_eq!(&received[..ETHERNET_HEADER], HEADER);
    }
    let mut arp = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\x06who has".to_vec();
    assert!(!flip_bit(&mut arp, 7));
    assert!(!flip_bit(&mut [1, 2, 3], 7));
}

/// One more impairment does not move the others: the same frames are lost with and without duplication.
#[test]
fn impairments_do_not_shift_each_other() {
    let lossy = Impairment { loss: Chance::percent(30), ..Impairment::default() };
    let worse = Impairment { duplicate: Chance::percent(30), ..lossy };
    let mut doubled = numbers(&run(5, worse, 300).0);
    let single = numbers(&run(5, lossy, 300).0);
    assert!(doubled.len() > single.len());
    doubled.dedup();
    assert_eq!(doubled, single);
}

#[test]
fn incoming_frames_suffer_too_and_wait_for_their_time() {
    let (near, mut far) = Pipe::pair(100, MAX_KEPT);
    let slow = Impairment { delay: Micros::from_millis(10), duplicate: Chance::percent(100), ..Impairment::default() };
    let mut near = Impaired::new(near, 6, slow, Impairment::default());
    let mut buf = [0; 114];
    far.send(Instant::ZERO, &frame(1)).unwrap();
    assert_eq!(near.recv(Instant::ZERO, &mut buf).unwrap(), None);
    let due = near.poll_timeout().unwrap();
    assert_eq!(due, Instant::ZERO + Micros::from_millis(10));
    assert_eq!(near.recv(due, &mut buf).unwrap(), Some(46));
    assert_eq!(near.recv(due, &mut buf).unwrap(), Some(46));
    assert_eq!(near.recv(due, &mut buf).unwrap(), None);
    assert_eq!(near.incoming().delivered, 2);
}

#[test]
fn no_more_than_the_bound_is_kept() {
    let (near, _far) = Pipe::pair(100, 1);
    let stuck = Impairment { delay: Micros::from_secs(1), ..Impairment::default() };
    let mut near = Impaired::new(near, 7, Impairment::default(), stuck);
    for _ in 0..MAX_KEPT + 5 {
        near.send(Instant::ZERO, &frame(0)).unwrap();
    }
    assert_eq!(near.outgoing().no_room, 5);
}

/// Frames of 46 octets, one per millisecond, through a line that takes 4 milliseconds for each.
#[test]
fn a_line_takes_its_time_for_every_octet() {
    let narrow = Impairment { bottleneck: Some(Bottleneck::new(11_500, 1_000_000)), ..Impairment::default() };
    let (out, _) = run(1, narrow, 5);
    let times: Vec<u64> = out.iter().map(|(at, _)| at.as_micros()).collect();
    assert_eq!(times, [4_000, 8_000, 12_000, 16_000, 20_000]);
    assert_eq!(numbers(&out), [0, 1, 2, 3, 4]);

    // What does not divide is not lost: 3 frames of 46 octets at 7 octets per second.
    let odd = Impairment { bottleneck: Some(Bottleneck::new(7, 1_000)), ..Impairment::default() };
    let times: Vec<u64> = run(1, odd, 3).0.iter().map(|(at, _)| at.as_micros()).collect();
    assert_eq!(times, [6_571_429, 13_142_858, 19_714_286]);
}

/// Three frames fit: the one on the line, and two that wait. The line takes 4 milliseconds and ends at full ones.
#[test]
fn a_full_queue_drops_its_tail() {
    let narrow = Impairment { bottleneck: Some(Bottleneck::new(11_500, 3 * 46)), ..Impairment::default() };
    let (out, counts) = run(1, narrow, 16);
    assert_eq!(numbers(&out), [0, 1, 2, 4, 8, 12]);
    assert_eq!((counts.overflowed, counts.delivered), (10, 6));
    // Frames longer than the queue pass where nobody is before them.
    let no_queue = Impairment { bottleneck: Some(Bottleneck::new(11_500, 1)), ..Impairment::default() };
    assert_eq!(numbers(&run(1, no_queue, 9).0), [0, 4, 8]);
}

/// An IPv4 packet, its header's checksum right, its last two bits of the type of service octet these.
fn packet(ecn: u8, identification: u16) -> Vec<u8> {
    let mut frame = HEADER.to_vec();
    frame.resize(ETHERNET_HEADER + 40, 0);
    let header = Ipv4Header {
        dscp_ecn: 0xb8 | ecn,
        identification,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: Protocol::TCP,
        source: [192, 0, 2, 1].into(),
        destination: [192, 0, 2, 2].into(),
        payload_len: 20,
    };
    header.emit(&mut frame[ETHERNET_HEADER..]);
    frame
}

#[test]
fn a_mark_is_for_those_who_know_it_and_the_checksum_stays_right() {
    for identification in 0..=u16::MAX {
        for ecn in [0b01, 0b10, 0b11] {
            let mut frame = packet(ecn, identification);
            assert!(mark(&mut frame));
            let marked = Ipv4Packet::parse(&frame[ETHERNET_HEADER..], Checksum::Verify).unwrap();
            assert_eq!(marked.dscp_ecn(), 0xbb);
        }
    }
    let mut ignorant = packet(0b00, 1);
    assert!(!mark(&mut ignorant));
    assert_eq!(ignorant, packet(0b00, 1));
    let mut broken = packet(0b01, 1);
    broken[ETHERNET_HEADER + 8] ^= 1;
    assert!(mark(&mut broken));
    assert!(Ipv4Packet::parse(&broken[ETHERNET_HEADER..], Checksum::Verify).is_err());
    assert!(!mark(&mut HEADER.to_vec()));
}

/// Frames of 54 octets, all at once: those that find more than two before them are marked.
#[test]
fn a_long_queue_marks() {
    let (near, mut far) = Pipe::pair(100, MAX_KEPT);
    let bottleneck = Bottleneck { mark_above: Some(2 * 54), ..Bottleneck::new(1_000_000, 10_000) };
    let marking = Impairment { bottleneck: Some(bottleneck), ..Impairment::default() };
    let mut near = Impaired::new(near, 1, Impairment::default(), marking);
    for _ in 0..5 {
        near.send(Instant::ZERO, &packet(0b10, 1)).unwrap();
    }
    let mut buf = [0; 114];
    assert_eq!(near.recv(Instant::ZERO + Micros::from_secs(1), &mut buf).unwrap(), None);
    let mut ecn = Vec::new();
    while let Some(len) = far.recv(Instant::ZERO, &mut buf).unwrap() {
        ecn.push(Ipv4Packet::parse(&buf[ETHERNET_HEADER..len], Checksum::Verify).unwrap().dscp_ecn() & 0b11);
    }
    assert_eq!(ecn, [0b10, 0b10, 0b10, 0b11, 0b11]);
    assert_eq!(near.outgoing().marked, 2);
}

#[test]
fn an_outage_takes_what_sets_out_in_it() {
    let at = |millis| Instant::ZERO + Micros::from_millis(millis);
    let dark = Impairment {
        outage: Some(Outage { from: at(3), until: at(6) }),
        delay: Micros::from_millis(2),
        ..Impairment::default()
    };
    let (out, counts) = run(1, dark, 10);
    assert_eq!(numbers(&out), [0, 1, 2, 6, 7, 8, 9]);
    assert_eq!(counts.lost, 3);
}

/// One burst of four frames in every hundred and four, more or less; other losses are the same with and without.
#[test]
fn losses_come_in_bursts() {
    let bursts = Some(Bursts { begin: Chance::percent(1), end: Chance::percent(25) });
    let bursty = Impairment { bursts, ..Impairment::default() };
    let (out, counts) = run(1, bursty, 5_000);
    let numbers_out = numbers(&out);
    let gaps: Vec<u16> = numbers_out.windows(2).map(|pair| pair[1] - pair[0] - 1).filter(|&gap| gap > 0).collect();
    assert!((30..80).contains(&gaps.len()), "{} bursts", gaps.len());
    let lost: u16 = gaps.iter().sum();
    assert!((3..6).contains(&(usize::from(lost) / gaps.len())), "{lost} lost in {} bursts", gaps.len());
    assert!(counts.lost >= lost.into());

    let lossy = Impairment { loss: Chance::percent(10), ..Impairment::default() };
    let single = numbers(&run(1, lossy, 5_000).0);
    let both = numbers(&run(1, Impairment { bursts, ..lossy }, 5_000).0);
    let expected: Vec<u16> = single.into_iter().filter(|n| numbers_out.contains(n)).collect();
    assert_eq!(both, expected);
}

proptest! {
    /// Every frame is accounted for.
    #[test]
    fn books_balance(seed in any::<u64>(), loss in 0_u32..60, duplicate in 0_u32..60, jitter in 0_u64..9_000) {
        let bad = Impairment {
            loss: Chance::percent(loss),
            duplicate: Chance::percent(duplicate),
            jitter: Micros::new(jitter),
            ..Impairment::default()
        };
        let (out, counts) = run(seed, bad, 60);
        prop_assert_eq!(counts.offered, 60);
        prop_assert_eq!(counts.delivered, counts.offered - counts.lost + counts.duplicated);
        prop_assert_eq!(u64::try_from(out.len()).unwrap(), counts.delivered);
    }
}
