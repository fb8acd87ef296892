//! Conversations of two stacks, from the handshake to TIME-WAIT, in virtual time.
//!
//! A is 192.0.2.1, B is 192.0.2.2, a frame takes 10 ms. Sequence numbers are relative to each side's first.

mod net;

use lockstep::stack::{CallError, Event, Failure};
use lockstep::time::Micros;
use lockstep_model::{SeqNum, State};
use net::{Fate, Net, Side};

// ---- Opening ---------------------------------------------------------------------------------------------------------

#[test]
fn three_way_handshake() {
    let mut net = Net::new();
    let listener = net.listen(Side::B, 80);
    let client = net.connect(Side::A, 4000, 80);
    net.run_millis(500);
    insta::assert_snapshot!(net.story(), @r"
    1.000000 a CLOSED -> SYN-SENT by open/closed/active
    1.000000 a -> b <SEQ=0><CTL=SYN>
    1.000000 b CLOSED -> LISTEN by open/closed/passive
    1.010000 b LISTEN -> SYN-RECEIVED by arrives/listen/syn
    1.010000 a <- b <SEQ=0><ACK=1><CTL=SYN,ACK>
    1.020000 a SYN-SENT -> ESTABLISHED by syn-sent/syn/established
    1.020000 a -> b <SEQ=1><ACK=1><CTL=ACK>
    1.030000 b SYN-RECEIVED -> ESTABLISHED by ack/syn-received/established
    ");
    assert_eq!(net.events(Side::A), [Event::Connected(client)]);
    assert_eq!(net.events(Side::B), [Event::Acceptable(listener)]);
    let server = net.accept(Side::B, listener);
    assert_eq!(net.state(Side::B, server), State::Established);
    assert_eq!(net.state(Side::A, client), State::Established);
}

#[test]
fn simultaneous_open() {
    let mut net = Net::new();
    let one = net.connect(Side::A, 4000, 5000);
    let two = net.connect(Side::B, 5000, 4000);
    net.run_millis(500);
    insta::assert_snapshot!(net.story(), @r"
    1.000000 a CLOSED -> SYN-SENT by open/closed/active
    1.000000 a -> b <SEQ=0><CTL=SYN>
    1.000000 b CLOSED -> SYN-SENT by open/closed/active
    1.000000 a <- b <SEQ=0><CTL=SYN>
    1.010000 a SYN-SENT -> SYN-RECEIVED by syn-sent/syn/simultaneous
    1.010000 a -> b <SEQ=0><ACK=1><CTL=SYN,ACK>
    1.010000 b SYN-SENT -> SYN-RECEIVED by syn-sent/syn/simultaneous
    1.010000 a <- b <SEQ=0><ACK=1><CTL=SYN,ACK>
    1.020000 a SYN-RECEIVED -> ESTABLISHED by sequence/crossed-syn-ack
    1.020000 b SYN-RECEIVED -> ESTABLISHED by sequence/crossed-syn-ack
    ");
    assert_eq!(net.events(Side::A), [Event::Connected(one)]);
    assert_eq!(net.events(Side::B), [Event::Connected(two)]);
    assert_eq!(net.send(Side::A, one, b"hello"), 5);
    net.run_millis(100);
    assert_eq!(net.receive(Side::B, two), b"hello");
}

#[test]
fn connection_refused() {
    let mut net = Net::new();
    let client = net.connect(Side::A, 4000, 80);
    net.run_millis(500);
    insta::assert_snapshot!(net.story(), @r"
    1.000000 a CLOSED -> SYN-SENT by open/closed/active
    1.000000 a -> b <SEQ=0><CTL=SYN>
    1.010000 a <- b <SEQ=0><ACK=1><CTL=RST,ACK>
    1.020000 a SYN-SENT -> CLOSED by syn-sent/rst/refused
    ");
    assert_eq!(net.events(Side::A), [Event::Closed(client, Some(Failure::Refused))]);
    assert_eq!(net.receive_error(Side::A, client), Err(CallError::Failed(Failure::Refused)));
    net.release(Side::A, client);
    assert_eq!((net.a.connections(), net.b.connections()), (0, 0));
}

/// RFC 6298 (5.5) doubles from one second; R2 for a SYN is three minutes (RFC 9293 MUST-23).
#[test]
fn a_syn_that_nobody_answers_is_repeated_for_three_minutes() {
    let mut net = Net::new();
    net.weather(|_, _| Fate::Lose);
    let client = net.connect(Side::A, 4000, 80);
    net.run_secs(400);
    insta::assert_snapshot!(net.story(), @r"
    1.000000 a CLOSED -> SYN-SENT by open/closed/active
    1.000000 a -> b <SEQ=0><CTL=SYN> lost
    2.000000 a -> b <SEQ=0><CTL=SYN> lost
    4.000000 a -> b <SEQ=0><CTL=SYN> lost
    8.000000 a -> b <SEQ=0><CTL=SYN> lost
    16.000000 a -> b <SEQ=0><CTL=SYN> lost
    32.000000 a -> b <SEQ=0><CTL=SYN> lost
    64.000000 a -> b <SEQ=0><CTL=SYN> lost
    124.000000 a -> b <SEQ=0><CTL=SYN> lost
    181.000000 a SYN-SENT -> CLOSED by timeout/user
    ");
    assert_eq!(net.events(Side::A), [Event::Closed(client, Some(Failure::TimedOut))]);
}

/// The SYN,ACK is lost; the SYN is repeated and finds a child in SYN-RECEIVED, which sends its SYN,ACK again.
#[test]
fn a_lost_syn_ack_is_sent_again() {
    let mut net = Net::new();
    let listener = net.listen(Side::B, 80);
    net.weather(|from, seen| if from == Side::B && seen.index == 0 { Fate::Lose } else { Fate::Arrive });
    let client = net.connect(Side::A, 4000, 80);
    net.run_secs(5);
    insta::assert_snapshot!(net.story(), @r"
    1.000000 a CLOSED -> SYN-SENT by open/closed/active
    1.000000 a -> b <SEQ=0><CTL=SYN>
    1.000000 b CLOSED -> LISTEN by open/closed/passive
    1.010000 b LISTEN -> SYN-RECEIVED by arrives/listen/syn
    1.010000 a <- b <SEQ=0><ACK=1><CTL=SYN,ACK> lost
    2.000000 a -> b <SEQ=0><CTL=SYN>
    2.010000 a <- b <SEQ=0><ACK=1><CTL=SYN,ACK>
    2.020000 a SYN-SENT -> ESTABLISHED by syn-sent/syn/established
    2.020000 a -> b <SEQ=1><ACK=1><CTL=ACK>
    2.030000 b SYN-RECEIVED -> ESTABLISHED by ack/syn-received/established
    ");
    assert_eq!(net.state(Side::A, client), State::Established);
    let now = net.now;
    // RFC 6298 (5.7): no measurement, so three seconds; the window is one segment (RFC 5681 §3.1).
    let status = net.a.status(now, client).unwrap();
    assert_eq!((status.rto, status.cwnd), (Micros::from_secs(3), 1460));
    net.accept(Side::B, listener);
}

#[test]
fn a_listener_takes_no_more_than_its_backlog() {
    let mut net = Net::new();
    let now = net.now;
    let listener = net.b.listen(now, Side::B.socket(80), 2).unwrap();
    let clients: Vec<_> = (4000..4004).map(|port| net.connect(Side::A, port, 80)).collect();
    net.run_millis(500);
    let states: Vec<_> = clients.iter().map(|&id| net.state(Side::A, id)).collect();
    // All have been answered, but the ACKs of two are as if lost.
    assert_eq!(states, [State::Established; 4]);
    assert_eq!(net.b.drops().count(lockstep::DropReason::BacklogFull), 2);
    let established = |net: &Net| net.b.states().filter(|&(_, state)| state == State::Established).count();
    assert_eq!(established(&net), 2);
    net.accept(Side::B, listener);
    assert_eq!(established(&net), 2);
    // The SYN,ACKs are sent again; one more finds room.
    net.run_secs(2);
    assert_eq!(established(&net), 3);
    // Whoever is not accepted when the listener goes away is reset; whoever comes then is refused.
    let now = net.now;
    net.b.close_listener(now, listener).unwrap();
    net.run_secs(3);
    let states: Vec<_> = clients.iter().map(|&id| net.state(Side::A, id)).collect();
    assert_eq!(states, [State::Established, State::Closed, State::Closed, State::Closed]);
    assert_eq!(net.b.connections(), 1);
}

// ---- Closing -----------------------------------------------------------------------------------------------------------

#[test]
fn normal_close() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.close(Side::A, client);
    net.run_millis(100);
    net.close(Side::B, server);
    net.run_secs(300);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a ESTABLISHED -> FIN-WAIT-1 by close/established/fin-wait-1
    2.000000 a -> b <SEQ=1><ACK=1><CTL=FIN,ACK>
    2.010000 b ESTABLISHED -> CLOSE-WAIT by fin/established
    2.010000 a <- b <SEQ=1><ACK=2><CTL=ACK>
    2.020000 a FIN-WAIT-1 -> FIN-WAIT-2 by ack-of-fin/fin-wait-1/acked
    2.100000 b CLOSE-WAIT -> LAST-ACK by sent/close-wait/fin
    2.100000 a <- b <SEQ=1><ACK=2><CTL=FIN,ACK>
    2.110000 a FIN-WAIT-2 -> TIME-WAIT by fin/fin-wait-2
    2.110000 a -> b <SEQ=2><ACK=2><CTL=ACK>
    2.120000 b LAST-ACK -> CLOSED by ack-of-fin/last-ack/acked
    242.110000 a TIME-WAIT -> CLOSED by timeout/time-wait
    ");
    net.release(Side::A, client);
    net.release(Side::B, server);
    assert_eq!((net.a.connections(), net.b.connections()), (0, 0));
}

#[test]
fn simultaneous_close_goes_through_closing() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.close(Side::A, client);
    net.close(Side::B, server);
    net.run_secs(300);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a ESTABLISHED -> FIN-WAIT-1 by close/established/fin-wait-1
    2.000000 a -> b <SEQ=1><ACK=1><CTL=FIN,ACK>
    2.000000 b ESTABLISHED -> FIN-WAIT-1 by close/established/fin-wait-1
    2.000000 a <- b <SEQ=1><ACK=1><CTL=FIN,ACK>
    2.010000 a FIN-WAIT-1 -> CLOSING by fin/fin-wait-1
    2.010000 a -> b <SEQ=2><ACK=2><CTL=ACK>
    2.010000 b FIN-WAIT-1 -> CLOSING by fin/fin-wait-1
    2.010000 a <- b <SEQ=2><ACK=2><CTL=ACK>
    2.020000 a CLOSING -> TIME-WAIT by ack-of-fin/closing/acked
    2.020000 b CLOSING -> TIME-WAIT by ack-of-fin/closing/acked
    242.020000 a TIME-WAIT -> CLOSED by timeout/time-wait
    242.020000 b TIME-WAIT -> CLOSED by timeout/time-wait
    ");
}

/// Half-close: A has no more to send, and still receives all that B sends (RFC 9293 §3.6, figure 12).
#[test]
fn half_close_leaves_the_other_direction_open() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.send(Side::A, client, b"question");
    net.close(Side::A, client);
    net.run_millis(200);
    assert_eq!(net.receive(Side::B, server), b"question");
    assert_eq!(net.receive_error(Side::B, server), Ok(0));
    let now = net.now;
    assert_eq!(net.a.send(now, client, b"more"), Err(CallError::Closing));
    net.send(Side::B, server, b"answer");
    net.run_millis(200);
    assert_eq!(net.receive(Side::A, client), b"answer");
    net.close(Side::B, server);
    net.run_millis(200);
    assert_eq!(net.receive_error(Side::A, client), Ok(0));
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a ESTABLISHED -> FIN-WAIT-1 by close/established/fin-wait-1
    2.000000 a -> b <SEQ=1><ACK=1><TEXT=8><CTL=FIN,PSH,ACK>
    2.010000 b ESTABLISHED -> CLOSE-WAIT by fin/established
    2.010000 a <- b <SEQ=1><ACK=10><CTL=ACK>
    2.020000 a FIN-WAIT-1 -> FIN-WAIT-2 by ack-of-fin/fin-wait-1/acked
    2.200000 a <- b <SEQ=1><ACK=10><TEXT=6><CTL=PSH,ACK>
    2.250000 a -> b <SEQ=10><ACK=7><CTL=ACK>
    2.400000 b CLOSE-WAIT -> LAST-ACK by sent/close-wait/fin
    2.400000 a <- b <SEQ=7><ACK=10><CTL=FIN,ACK>
    2.410000 a FIN-WAIT-2 -> TIME-WAIT by fin/fin-wait-2
    2.410000 a -> b <SEQ=10><ACK=8><CTL=ACK>
    2.420000 b LAST-ACK -> CLOSED by ack-of-fin/last-ack/acked
    ");
}

/// Text that was acknowledged is the user's, also after the connection has ended.
#[test]
fn what_arrived_can_be_received_after_the_end() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.send(Side::A, client, b"farewell");
    net.close(Side::A, client);
    net.run_millis(100);
    net.close(Side::B, server);
    net.run_millis(100);
    assert_eq!(net.state(Side::B, server), State::Closed);
    assert_eq!(net.receive(Side::B, server), b"farewell");
    assert_eq!(net.receive_error(Side::B, server), Ok(0));
}

#[test]
fn abort_resets_the_peer() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.send(Side::B, server, b"never read");
    net.run_millis(100);
    net.abort(Side::A, client);
    net.run_millis(100);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 a <- b <SEQ=1><ACK=1><TEXT=10><CTL=PSH,ACK>
    2.050000 a -> b <SEQ=1><ACK=11><CTL=ACK>
    2.100000 a ESTABLISHED -> CLOSED by abort/open/reset
    2.100000 a -> b <SEQ=1><CTL=RST>
    2.110000 b ESTABLISHED -> CLOSED by rst/open/reset
    ");
    assert_eq!(net.events(Side::B), [Event::Closed(server, Some(Failure::Reset))]);
    assert_eq!(net.receive_error(Side::B, server), Err(CallError::Failed(Failure::Reset)));
    assert_eq!(net.receive_error(Side::A, client), Err(CallError::Failed(Failure::Aborted)));
}

/// RFC 9293 §3.6.1, SHLD-3: whoever leaves text unread says so with a reset, and so does whoever left when text comes.
#[test]
fn text_lost_by_a_release_is_told() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.send(Side::A, client, b"unread");
    net.run_millis(100);
    net.release(Side::B, server);
    net.run_millis(100);
    assert_eq!(net.events(Side::A), [Event::Closed(client, Some(Failure::Reset))]);

    let mut net = Net::new();
    let (client, server) = net.established();
    net.release(Side::B, server);
    net.run_millis(100);
    net.send(Side::A, client, b"too late");
    net.run_millis(100);
    insta::assert_snapshot!(net.story(), @r"
    2.000000 b ESTABLISHED -> FIN-WAIT-1 by release/established/fin-wait-1
    2.000000 a <- b <SEQ=1><ACK=1><CTL=FIN,ACK>
    2.010000 a ESTABLISHED -> CLOSE-WAIT by fin/established
    2.010000 a -> b <SEQ=1><ACK=2><CTL=ACK>
    2.020000 b FIN-WAIT-1 -> FIN-WAIT-2 by ack-of-fin/fin-wait-1/orphan
    2.100000 a -> b <SEQ=1><ACK=2><TEXT=8><CTL=PSH,ACK>
    2.110000 b FIN-WAIT-2 -> CLOSED by text/user-gone
    2.110000 a <- b <SEQ=2><CTL=RST>
    2.120000 a CLOSE-WAIT -> CLOSED by rst/open/reset
    ");
    assert_eq!(net.b.connections(), 0);
}

/// Nobody is there any more and the peer never closes: after 60 seconds the connection is forgotten.
#[test]
fn an_orphan_does_not_stay_in_fin_wait_2() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.release(Side::A, client);
    net.run_secs(59);
    assert_eq!(net.a.state(&Net::pair(Side::A, 4000, 80)), State::FinWait2);
    net.run_secs(2);
    assert_eq!(net.a.connections(), 0);
    assert_eq!(net.state(Side::B, server), State::CloseWait);
}

/// The 2 MSL timer is the caller's: however late it is, nothing happens before `timeout` is called.
#[test]
fn time_wait_ends_only_by_timeout() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.close(Side::A, client);
    net.run_millis(100);
    net.close(Side::B, server);
    net.run_millis(100);
    assert_eq!(net.state(Side::A, client), State::TimeWait);
    let due = net.a.poll_timeout().unwrap();
    let hours_later = due + Micros::from_secs(3600);
    let mut frame = Vec::new();
    assert!(!net.a.poll_transmit(hours_later, &mut frame));
    assert_eq!(net.a.status(hours_later, client).unwrap().state, State::TimeWait);
    net.a.timeout(hours_later);
    assert_eq!(net.a.state_of(client), Some(State::Closed));
}

/// The last ACK is lost: the FIN comes again, is acknowledged, and TIME-WAIT begins anew (RFC 9293 §3.10.7.4).
#[test]
fn a_repeated_fin_restarts_time_wait() {
    let mut net = Net::new();
    let (client, server) = net.established();
    net.close(Side::A, client);
    net.run_millis(100);
    net.story();
    net.weather(|from, seen| if from == Side::A && seen.index == 3 { Fate::Lose } else { Fate::Arrive });
    net.close(Side::B, server);
    net.run_secs(300);
    insta::assert_snapshot!(net.story(), @r"
    2.100000 b CLOSE-WAIT -> LAST-ACK by sent/close-wait/fin
    2.100000 a <- b <SEQ=1><ACK=2><CTL=FIN,ACK>
    2.110000 a FIN-WAIT-2 -> TIME-WAIT by fin/fin-wait-2
    2.110000 a -> b <SEQ=2><ACK=2><CTL=ACK> lost
    3.100000 a <- b <SEQ=1><ACK=2><CTL=FIN,ACK>
    3.110000 a -> b <SEQ=2><ACK=2><CTL=ACK>
    3.120000 b LAST-ACK -> CLOSED by ack-of-fin/last-ack/acked
    243.110000 a TIME-WAIT -> CLOSED by timeout/time-wait
    ");
}

/// MAY-2: the same four-tuple again while A is in TIME-WAIT; A listens, and the SYN is beyond its window.
#[test]
fn a_new_syn_reopens_time_wait() {
    let mut net = Net::new();
    let listener = net.listen(Side::A, 4000);
    let early = net.connect(Side::B, 80, 4000);
    net.run_millis(100);
    let served = net.accept(Side::A, listener);
    net.release(Side::A, served);
    net.run_millis(100);
    net.release(Side::B, early);
    net.run_millis(100);
    assert_eq!(net.a.state(&Net::pair(Side::A, 4000, 80)), State::TimeWait);
    net.story();
    let late = net.connect(Side::B, 80, 4000);
    net.run_millis(100);
    insta::assert_snapshot!(net.story(), @r"
    1.300000 b CLOSED -> SYN-SENT by open/closed/active
    1.300000 a <- b <SEQ=0><CTL=SYN>
    1.310000 a TIME-WAIT -> SYN-RECEIVED by reopen/syn/new
    1.310000 a -> b <SEQ=0><ACK=1><CTL=SYN,ACK>
    1.320000 b SYN-SENT -> ESTABLISHED by syn-sent/syn/established
    1.320000 a <- b <SEQ=1><ACK=1><CTL=ACK>
    1.330000 a SYN-RECEIVED -> ESTABLISHED by ack/syn-received/established
    ");
    let served = net.accept(Side::A, listener);
    net.send(Side::B, late, b"again");
    net.send(Side::A, served, b"welcome back");
    net.run_millis(200);
    assert_eq!(net.receive(Side::A, served), b"again");
    assert_eq!(net.receive(Side::B, late), b"welcome back");
}

/// The new incarnation's numbers begin above all that the old one used, even if the clock has not come so far.
#[test]
fn a_reopened_connection_begins_above_the_old_numbers() {
    let mut net = Net::new();
    let listener = net.listen(Side::A, 4000);
    let early = net.connect(Side::B, 80, 4000);
    net.run_millis(100);
    let served = net.accept(Side::A, listener);
    // 1.2 MB in about a second: the clock counts 250,000 in that time.
    for _ in 0..40 {
        let now = net.now;
        let _ = net.a.send(now, served, &[7; 65_535]);
        net.run_millis(30);
        net.receive(Side::B, early);
    }
    net.close(Side::A, served);
    net.run_millis(200);
    net.receive(Side::B, early);
    net.close(Side::B, early);
    net.run_millis(100);
    assert_eq!(net.state(Side::A, served), State::TimeWait);
    let now = net.now;
    let before = net.a.status(now, served).unwrap().tcb;
    assert!(before.snd_nxt().forward_from(before.iss()) > 1_000_000);
    // Nobody may hold what is to become another's.
    let again = net.b.connect_from(now, Side::B.socket(80), Side::A.socket(4000)).unwrap();
    net.run_millis(300);
    assert_eq!(net.state(Side::B, again), State::SynSent);
    net.release(Side::A, served);
    net.run_secs(3);
    let served = net.accept(Side::A, listener);
    let now = net.now;
    assert!(net.a.status(now, served).unwrap().tcb.iss().after(before.snd_nxt()));
    assert_eq!(net.state(Side::B, again), State::Established);
}

/// The listener goes away while a connection is being reopened for it: there is nobody to have it.
#[test]
fn a_connection_reopened_for_nobody_is_reset() {
    let mut net = Net::new();
    let listener = net.listen(Side::A, 4000);
    let early = net.connect(Side::B, 80, 4000);
    net.run_millis(100);
    let served = net.accept(Side::A, listener);
    net.release(Side::A, served);
    net.run_millis(100);
    net.release(Side::B, early);
    net.run_millis(100);
    let late = net.connect(Side::B, 80, 4000);
    net.run_millis(15);
    assert_eq!(net.a.state(&Net::pair(Side::A, 4000, 80)), State::SynReceived);
    let now = net.now;
    net.a.close_listener(now, listener).unwrap();
    net.run_millis(100);
    assert_eq!(net.state(Side::B, late), State::Closed);
    assert_eq!(net.a.connections(), 0);
    assert_eq!(net.a.poll_timeout().map(|_| ()), Some(()), "only the neighbours are still of interest");
    net.run_secs(200);
    assert_eq!(net.a.poll_timeout(), None);
}

/// It has another name than the connection whose TIME-WAIT it ended, and whoever had that hears nothing of it.
#[test]
fn a_reopened_connection_is_a_new_one() {
    let mut net = Net::new();
    let listener = net.listen(Side::A, 4000);
    let early = net.connect(Side::B, 80, 4000);
    net.run_millis(100);
    let served = net.accept(Side::A, listener);
    net.release(Side::A, served);
    net.run_millis(100);
    net.release(Side::B, early);
    net.run_millis(100);
    net.events(Side::A);
    net.connect(Side::B, 80, 4000);
    net.run_millis(100);
    let again = net.accept(Side::A, listener);
    assert_ne!(again, served);
    let now = net.now;
    assert_eq!(net.a.status(now, served).err(), Some(CallError::DoesNotExist));
    assert_eq!(net.state(Side::A, again), State::Established);
    let heard = net.events(Side::A);
    assert!(heard.iter().all(|event| matches!(event, Event::Acceptable(_))), "{heard:?}");
}

/// A peer who answers probes is alive, and one answer that gets lost does not change that (MUST-37).
#[test]
fn one_lost_probe_in_an_hour_ends_nothing() {
    let mut net = Net::new();
    let (client, server) = net.established();
    for _ in 0..12 {
        net.send(Side::A, client, &[7; 10_000]);
        net.run_millis(200);
    }
    net.run_secs(1_800);
    let mut lost = false;
    net.weather(move |_, _| if std::mem::replace(&mut lost, true) { Fate::Arrive } else { Fate::Lose });
    net.run_secs(1_800);
    assert_eq!(net.state(Side::A, client), State::Established);
    assert_eq!(net.state(Side::B, server), State::Established);
}

#[test]
fn whoever_has_left_hears_nothing_more() {
    let mut net = Net::new();
    net.listen(Side::B, 80);
    let client = net.connect(Side::A, 4000, 80);
    net.run_millis(100);
    net.release(Side::A, client);
    assert_eq!(net.a.state(&Net::pair(Side::A, 4000, 80)), State::FinWait1);
    assert_eq!(net.events(Side::A), []);
    let now = net.now;
    assert_eq!(net.a.release(now, client), Err(CallError::DoesNotExist));
    assert_eq!(net.a.status(now, client).err(), Some(CallError::DoesNotExist));
}
