//! Text on its way between two stacks, in virtual time: when it leaves, when it is acknowledged, and that it arrives;
//! retransmissions, windows, keep-alives. A is 192.0.2.1, B is 192.0.2.2, a frame takes 10 ms; sequence numbers are relative to
//! each side's first.

mod net;

use lockstep::stack::{AckConfig, Event, Failure};
use lockstep::time::Micros;
use lockstep_model::State;
use net::{Fate, Net, Side};

/// Acknowledgments wait for company, at most 40 ms, and not beyond the second segment of a full size.
#[test]
fn acknowledgments_are_delayed_but_not_for_long() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.a.set_nodelay(client, true).unwrap();
    net.send(Side::A, client, b"alone");
    net.run_millis(100);
    for text in [1, 2, 3] {
        net.send(Side::A, client, &[text; 600]);
        net.run_millis(1);
    }
    net.run_millis(100);
    // An answer within the delay carries the acknowledgment.
    net.send(Side::A, client, b"ping");
    net.run_millis(15);
    net.send(Side::B, server, b"pong");
    net.run_millis(100);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a -> b <SEQ=1><ACK=1><TEXT=5><CTL=PSH,ACK>
    2.050000 a <- b <SEQ=1><ACK=6><CTL=ACK>
    2.100000 a -> b <SEQ=6><ACK=1><TEXT=600><CTL=PSH,ACK>
    2.101000 a -> b <SEQ=606><ACK=1><TEXT=600><CTL=PSH,ACK>
    2.102000 a -> b <SEQ=1206><ACK=1><TEXT=600><CTL=PSH,ACK>
    2.111000 a <- b <SEQ=1><ACK=1206><CTL=ACK>
    2.152000 a <- b <SEQ=1><ACK=1806><CTL=ACK>
    2.203000 a -> b <SEQ=1806><ACK=1><TEXT=4><CTL=PSH,ACK>
    2.218000 a <- b <SEQ=1><ACK=1810><TEXT=4><CTL=PSH,ACK>
    2.268000 a -> b <SEQ=1810><ACK=5><CTL=ACK>
    ");
}

/// The first segments after a pause are acknowledged at once, until the receiver answers.
#[test]
fn who_begins_to_send_is_acknowledged_quickly() {
    let mut net = Net::with(|config| config.tcp.acks = AckConfig::default());
    let (client, server) = net.established();
    net.a.set_nodelay(client, true).unwrap();
    net.send(Side::A, client, b"onetwo");
    net.run_millis(100);
    net.send(Side::B, server, b"answer");
    net.run_millis(100);
    net.send(Side::A, client, b"six");
    net.run_millis(100);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK>
    2.010000 a <- b <SEQ=1><ACK=7><CTL=ACK>
    2.100000 a <- b <SEQ=1><ACK=7><TEXT=6><CTL=PSH,ACK>
    2.150000 a -> b <SEQ=7><ACK=7><CTL=ACK>
    2.200000 a -> b <SEQ=7><ACK=7><TEXT=3><CTL=PSH,ACK>
    2.250000 a <- b <SEQ=7><ACK=10><CTL=ACK>
    ");
}

/// Nagle: what is small waits until nothing is in flight, then leaves together.
#[test]
fn small_writes_are_collected_while_something_is_in_flight() {
    let mut net = Net::new();
    let (client, _) = net.established();
    for _ in 0..5 {
        net.send(Side::A, client, b"tiny");
        net.run_millis(2);
    }
    net.run_millis(200);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a -> b <SEQ=1><ACK=1><TEXT=4><CTL=PSH,ACK>
    2.050000 a <- b <SEQ=1><ACK=5><CTL=ACK>
    2.060000 a -> b <SEQ=5><ACK=1><TEXT=16><CTL=PSH,ACK>
    2.110000 a <- b <SEQ=1><ACK=21><CTL=ACK>
    ");
}

#[test]
fn a_lost_segment_is_repeated_after_the_timeout_and_the_timeout_backs_off() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.weather(|from, seen| if from == Side::A && (2..5).contains(&seen.index) { Fate::Lose } else { Fate::Arrive });
    net.send(Side::A, client, b"hello");
    net.run_secs(20);
    let now = net.now;
    assert_eq!(net.a.status(now, client).unwrap().timeouts, 0);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a -> b <SEQ=1><ACK=1><TEXT=5><CTL=PSH,ACK> lost
    3.000000 a -> b <SEQ=1><ACK=1><TEXT=5><CTL=PSH,ACK> lost
    5.000000 a -> b <SEQ=1><ACK=1><TEXT=5><CTL=PSH,ACK> lost
    9.000000 a -> b <SEQ=1><ACK=1><TEXT=5><CTL=PSH,ACK>
    9.050000 a <- b <SEQ=1><ACK=6><CTL=ACK>
    ");
    assert_eq!(net.receive(Side::B, server), b"hello");
    // Karn: what was sent more than once measures nothing, and the doubled timeout stays.
    let now = net.now;
    assert_eq!(net.a.status(now, client).unwrap().rto, Micros::from_secs(8));
    net.send(Side::A, client, b"again");
    net.run_secs(1);
    let now = net.now;
    assert_eq!(net.a.status(now, client).unwrap().rto, Micros::from_secs(1));
}

/// R2 for text: 100 seconds (RFC 9293 §3.8.3).
#[test]
fn text_that_nobody_acknowledges_ends_the_connection() {
    let mut net = Net::new();
    let (client, _) = net.established();
    net.weather(|_, _| Fate::Lose);
    net.send(Side::A, client, b"hello?");
    net.run_secs(200);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK> lost
    3.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK> lost
    5.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK> lost
    9.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK> lost
    17.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK> lost
    33.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK> lost
    65.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK> lost
    102.000000 a ESTABLISHED -> CLOSED by timeout/user
    ");
    assert_eq!(net.events(Side::A), [Event::Closed(client, Some(Failure::TimedOut))]);
}

/// R2 comes after R1, however long the timeout has become: at least three retransmissions (RFC 9293 §3.8.3).
#[test]
fn a_slow_connection_gets_its_retransmissions() {
    let mut net = Net::with(|config| config.tcp.rto.min = Micros::from_secs(60));
    let (client, _) = net.established();
    net.weather(|_, _| Fate::Lose);
    net.send(Side::A, client, b"hello?");
    net.run_secs(1000);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK> lost
    62.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK> lost
    122.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK> lost
    182.000000 a -> b <SEQ=1><ACK=1><TEXT=6><CTL=PSH,ACK> lost
    242.000000 a ESTABLISHED -> CLOSED by timeout/user
    ");
}

/// R2 counts from when anything was last acknowledged, not from when something was first in flight.
#[test]
fn progress_keeps_a_connection_alive() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.delay = Micros::from_millis(400);
    net.a.set_nodelay(client, true).unwrap();
    for tenth in 0..2_000 {
        net.send(Side::A, client, &[7; 1000]);
        net.run_millis(100);
        net.receive(Side::B, server);
        let tcb = net.a.status(net.now, client).unwrap().tcb;
        assert!(tenth < 10 || !tcb.retransmission_queue_is_empty());
    }
    assert_eq!(net.state(Side::A, client), State::Established);
    // An outage after that has R2 for itself.
    net.weather(|_, _| Fate::Lose);
    net.run_secs(50);
    net.weather(|_, _| Fate::Arrive);
    net.run_secs(40);
    assert_eq!(net.state(Side::A, client), State::Established);
}

/// RFC 6928: ten segments of 1460 at first, and more with each acknowledgment (RFC 5681 §3.1); after an idle time again.
#[test]
fn a_connection_starts_slowly() {
    let mut net = Net::new();
    let (client, server) = net.established();
    let mut rounds = Vec::new();
    for round in 0..8 {
        // Everything in flight is acknowledged within a round; then nothing happens for a while.
        if round == 4 {
            net.run_secs(10);
        }
        let now = net.now;
        let fits = net.a.status(now, client).unwrap().cwnd;
        net.send(Side::A, client, &[7; 60_000]);
        net.flush();
        rounds.push(net.story().lines().count());
        assert!(rounds[round] * 1460 <= usize::try_from(fits).unwrap() || rounds[round] == 10);
        net.run_millis(500);
        net.receive(Side::B, server);
        net.run_millis(50);
        net.story();
    }
    assert_eq!(rounds, [10, 26, 34, 41, 10, 26, 34, 41]);
}

/// A hole is filled by a retransmission; what was beyond it is not sent twice, and a FIN waits for it.
#[test]
fn text_out_of_order_waits_for_the_hole_to_be_filled() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.weather(|from, seen| if from == Side::A && seen.index == 2 { Fate::Lose } else { Fate::Arrive });
    net.send(Side::A, client, &[7; 4000]);
    net.close(Side::A, client);
    net.run_millis(500);
    assert!(net.receive(Side::B, server).is_empty());
    assert_eq!(net.state(Side::B, server), State::Established);
    net.run_secs(5);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a ESTABLISHED -> FIN-WAIT-1 by close/established/fin-wait-1
    2.000000 a -> b <SEQ=1><ACK=1><TEXT=1460><CTL=ACK> lost
    2.000000 a -> b <SEQ=1461><ACK=1><TEXT=1460><CTL=ACK>
    2.000000 a -> b <SEQ=2921><ACK=1><TEXT=1080><CTL=FIN,PSH,ACK>
    2.010000 a <- b <SEQ=1><ACK=1><CTL=ACK>
    3.000000 a -> b <SEQ=1><ACK=1><TEXT=1460><CTL=ACK>
    3.010000 b ESTABLISHED -> CLOSE-WAIT by fin/established
    3.010000 a <- b <SEQ=1><ACK=4002><CTL=ACK>
    3.020000 a FIN-WAIT-1 -> FIN-WAIT-2 by ack-of-fin/fin-wait-1/acked
    ");
    assert_eq!(net.receive(Side::B, server), [7; 4000]);
    assert_eq!(net.state(Side::B, server), State::CloseWait);
}

/// MUST-36, MUST-37, SHLD-29, SHLD-30: the closed window is probed, ever more slowly and for ever, and opens at last.
#[test]
fn a_closed_window_is_probed_until_it_opens() {
    let mut net = Net::with(|config| config.tcp.receive_buffer = 2000);
    let (client, server) = net.established();
    net.send(Side::A, client, &[7; 3000]);
    net.run_secs(40);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a -> b <SEQ=1><ACK=1><TEXT=1460><CTL=ACK><WND=2000>
    2.050000 a <- b <SEQ=1><ACK=1461><CTL=ACK><WND=540>
    2.260000 a -> b <SEQ=1461><ACK=1><TEXT=540><CTL=ACK><WND=2000>
    2.310000 a <- b <SEQ=1><ACK=2001><CTL=ACK><WND=0>
    3.320000 a -> b <SEQ=2001><ACK=1><TEXT=1><CTL=ACK><WND=2000>
    3.330000 a <- b <SEQ=1><ACK=2001><CTL=ACK><WND=0>
    5.320000 a -> b <SEQ=2001><ACK=1><TEXT=1><CTL=ACK><WND=2000>
    5.330000 a <- b <SEQ=1><ACK=2001><CTL=ACK><WND=0>
    9.320000 a -> b <SEQ=2001><ACK=1><TEXT=1><CTL=ACK><WND=2000>
    9.330000 a <- b <SEQ=1><ACK=2001><CTL=ACK><WND=0>
    17.320000 a -> b <SEQ=2001><ACK=1><TEXT=1><CTL=ACK><WND=2000>
    17.330000 a <- b <SEQ=1><ACK=2001><CTL=ACK><WND=0>
    33.320000 a -> b <SEQ=2001><ACK=1><TEXT=1><CTL=ACK><WND=2000>
    33.330000 a <- b <SEQ=1><ACK=2001><CTL=ACK><WND=0>
    ");
    // The user timeout does not count while the peer answers.
    net.run_secs(3600);
    assert_eq!(net.state(Side::A, client), State::Established);
    net.story();
    assert_eq!(net.receive(Side::B, server), [7; 2000]);
    net.run_secs(2);
    insta::assert_snapshot!(net.story(), @r"
    3642.000000 a <- b <SEQ=1><ACK=2001><CTL=ACK><WND=2000>
    3642.010000 a -> b <SEQ=2001><ACK=1><TEXT=1><CTL=ACK><WND=2000>
    3642.060000 a <- b <SEQ=1><ACK=2002><CTL=ACK><WND=1999>
    3642.070000 a -> b <SEQ=2002><ACK=1><TEXT=999><CTL=PSH,ACK><WND=2000>
    3642.120000 a <- b <SEQ=1><ACK=3001><CTL=ACK><WND=1000>
    ");
    assert_eq!(net.receive(Side::B, server), [7; 1000]);
}

/// The last thing to send is a FIN, and the window is closed.
#[test]
fn a_fin_finds_its_way_into_a_closed_window() {
    let mut net = Net::with(|config| config.tcp.receive_buffer = 1000);
    let (client, server) = net.established();
    net.send(Side::A, client, &[7; 1000]);
    net.close(Side::A, client);
    net.run_secs(5);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a ESTABLISHED -> FIN-WAIT-1 by close/established/fin-wait-1
    2.000000 a -> b <SEQ=1><ACK=1><TEXT=1000><CTL=PSH,ACK><WND=1000>
    2.050000 a <- b <SEQ=1><ACK=1001><CTL=ACK><WND=0>
    3.060000 a -> b <SEQ=1001><ACK=1><CTL=FIN,ACK><WND=1000>
    3.070000 a <- b <SEQ=1><ACK=1001><CTL=ACK><WND=0>
    5.060000 a -> b <SEQ=1001><ACK=1><CTL=FIN,ACK><WND=1000>
    5.070000 a <- b <SEQ=1><ACK=1001><CTL=ACK><WND=0>
    ");
    assert_eq!(net.receive(Side::B, server), [7; 1000]);
    net.run_secs(10);
    assert_eq!(net.receive_error(Side::B, server), Ok(0));
    assert_eq!(net.state(Side::A, client), State::FinWait2);
}

/// The window has room for less than a segment and less than half of what it was: after a while that is used.
#[test]
fn a_silly_window_is_used_in_the_end() {
    let mut net = Net::with(|config| config.tcp.receive_buffer = 10_000);
    let (client, server) = net.established();
    net.send(Side::A, client, &[7; 9500]);
    net.run_millis(500);
    net.story();
    net.send(Side::A, client, &[7; 1000]);
    net.run_millis(900);
    insta::assert_snapshot!(net.story(), @r"
    2.700000 a -> b <SEQ=9501><ACK=1><TEXT=500><CTL=ACK><WND=10000>
    2.750000 a <- b <SEQ=1><ACK=10001><CTL=ACK><WND=0>
    ");
    assert_eq!(net.receive(Side::B, server).len(), 10_000);
}

#[test]
fn idle_connections_are_kept_alive_if_asked_for() {
    let mut net = Net::with(|config| config.tcp.keep_alive = Some(lockstep::stack::KeepAlive::default()));
    let (client, server) = net.established();
    net.run_secs(7_300);
    insta::assert_snapshot!(net.story(), @r"
    7201.040000 a -> b <SEQ=0><ACK=1><CTL=ACK>
    7201.050000 a <- b <SEQ=0><ACK=1><CTL=ACK>
    7201.050000 a <- b <SEQ=1><ACK=1><CTL=ACK>
    7201.060000 a -> b <SEQ=1><ACK=1><CTL=ACK>
    ");
    assert_eq!(net.state(Side::A, client), State::Established);
    net.weather(|_, _| Fate::Lose);
    net.run_secs(7_200 + 10 * 75);
    assert_eq!(net.events(Side::A), [Event::Closed(client, Some(Failure::TimedOut))]);
    assert_eq!(net.events(Side::B), [Event::Closed(server, Some(Failure::TimedOut))]);
}

#[test]
fn where_no_keep_alive_is_sent_none_is_in_vain() {
    let two_seconds = Micros::from_secs(2);
    let patient = lockstep::stack::KeepAlive { idle: two_seconds, interval: two_seconds, probes: 3 };
    let mut net = Net::with(|config| config.tcp.keep_alive = Some(patient));
    let (client, _) = net.established();
    net.weather(|_, _| Fate::Lose);
    net.close(Side::A, client);
    net.run_secs(20);
    assert_eq!(net.state(Side::A, client), State::FinWait1, "the FIN is still sent again");
}

/// What is sent again asks the peer as well (MUST-26), and patience with it is another's (§3.8.3).
#[test]
fn no_keep_alive_leaves_while_text_is_outstanding() {
    let second = Micros::from_secs(1);
    let impatient = lockstep::stack::KeepAlive { idle: second, interval: second, probes: 2 };
    let mut net = Net::with(|config| config.tcp.keep_alive = Some(impatient));
    let (client, _) = net.established();
    net.weather(|_, _| Fate::Lose);
    net.send(Side::A, client, &[7; 10]);
    net.story();
    net.run_secs(10);
    assert_eq!(net.state(Side::A, client), State::Established);
    let probes = net.story().lines().filter(|line| line.contains("a -> b <SEQ=0>")).count();
    assert_eq!(probes, 0);
}

#[test]
fn a_neighbour_that_never_answers_is_told_to_the_user() {
    let mut net = Net::new();
    let now = net.now;
    let nobody = "192.0.2.77:80".parse().unwrap();
    let client = net.a.connect(now, nobody).unwrap();
    net.run_secs(10);
    assert_eq!(net.events(Side::A), [Event::Doubtful(client)]);
    assert!(net.a.drops().count(lockstep::DropReason::NeighbourSilent) > 0);
    net.run_secs(180);
    let events = net.events(Side::A);
    let [.., Event::Closed(_, Some(Failure::Unreachable(why)))] = events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(why.to_string(), "host unreachable");
}

// ---- Whole transfers -----------------------------------------------------------------------------------------------------

/// The byte at each offset of a stream, the same in every test.
fn byte_at(offset: usize) -> u8 {
    let [a, b, c, ..] = offset.to_le_bytes();
    a ^ b.wrapping_mul(31) ^ c.wrapping_mul(17)
}

/// Sends `len` bytes each way at once, closes, and checks every byte.
fn both_ways(net: &mut Net, len: usize, deadline: Micros) {
    let (client, server) = net.established();
    let ends = [(Side::A, client), (Side::B, server)];
    let stream: Vec<u8> = (0..len).map(byte_at).collect();
    let (mut sent, mut received) = ([0; 2], [Vec::new(), Vec::new()]);
    let mut finished = [false; 2];
    let end = net.now + deadline;
    while finished != [true; 2] {
        assert!(net.now < end, "stalled at {sent:?} sent, {:?} received", received.each_ref().map(Vec::len));
        for (i, (side, id)) in ends.into_iter().enumerate() {
            let now = net.now;
            if sent[i] < len {
                sent[i] += net.stack(side).send(now, id, &stream[sent[i]..]).unwrap_or(0);
                if sent[i] == len {
                    net.close(side, id);
                }
            }
            received[i].extend(net.receive(side, id));
            finished[i] = received[i].len() == len && net.receive_error(side, id) == Ok(0);
        }
        net.run_millis(5);
        net.story();
    }
    assert!(received.iter().all(|text| *text == stream));
}

#[test]
fn a_megabyte_each_way() {
    let mut net = Net::new();
    both_ways(&mut net, 1_000_000, Micros::from_secs(30));
    for stack in [&net.a, &net.b] {
        let arrived =
            stack.fired().into_iter().find(|(rule, _)| rule.name() == "sequence/acceptable").map(|(_, count)| count);
        assert!(10 * stack.predicted() > 9 * arrived.unwrap(), "nearly all segments are the expected ones");
    }
}

#[test]
fn a_megabyte_each_way_at_five_percent_loss() {
    let mut net = Net::new();
    let mut random = lockstep::device::prng::SplitMix64::new(5);
    net.weather(move |_, _| if random.below(100) < 5 { Fate::Lose } else { Fate::Arrive });
    both_ways(&mut net, 1_000_000, Micros::from_secs(3600));
}

/// A projection says what will happen: it does not depend on when the same thing happened, but on what happened.
#[test]
fn equal_histories_at_other_times_have_equal_projections() {
    // Initial sequence numbers follow the clock, which wraps after 2^32 ticks of 4 microseconds.
    let around_the_clock = Micros::new(4 << 32);
    let after = |wait: Micros, text: &[u8]| {
        let mut net = Net::new();
        net.run_for(wait);
        let start = net.now;
        net.a.ping(start, Side::B.address().into(), 1, 2, b"").unwrap();
        net.run_millis(500);
        net.events(Side::A);
        net.listen(Side::B, 80);
        let client = net.connect(Side::A, 4000, 80);
        net.run_millis(500);
        net.send(Side::A, client, text);
        net.flush();
        let now = net.now;
        (net.a.project(now), net.b.project(now))
    };
    // After ten minutes the neighbours have forgotten each other.
    let wait = Micros::from_secs(600);
    let early = after(wait, b"same");
    assert!(early == after(wait + around_the_clock, b"same"));
    assert!(early != after(wait, b"else"));
    assert!(early != after(wait + Micros::from_secs(1), b"same"));
}

/// Nor does it depend on where things lie in memory.
#[test]
fn a_projection_does_not_see_the_order_of_places() {
    let connected = |ports: [u16; 3]| {
        let mut net = Net::new();
        net.listen(Side::B, 80);
        let ids = ports.map(|port| net.connect(Side::A, port, 80));
        net.release(Side::A, ids[2]);
        net.run_millis(500);
        let now = net.now;
        (net.a.project(now), net.b.project(now))
    };
    let (a, _) = connected([4000, 4001, 4002]);
    assert!(a == connected([4001, 4000, 4002]).0);
    assert!(a != connected([4001, 4002, 4000]).0);
}
