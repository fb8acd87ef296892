//! The oracle against exchanges written by hand: the good ones are explained, every planted fault is found.

mod oracle_signals;
mod oracle_tape;

use lockstep_conformance::system::{ShutdownHow, State};
use lockstep_conformance::trace::{Observation, What};
use lockstep_model::Flags;
use oracle_tape::{CONNECTION, Tape, windowless};

#[test]
fn a_whole_connection_is_explained() {
    Tape::established()
        .probed(State::Established)
        .hears(Flags::ACK, 1, 1, 100)
        .says(Flags::ACK, 1, 101, 0)
        .reads(100)
        .writes(50)
        .says(Flags::ACK, 1, 101, 50)
        .hears(Flags::ACK, 101, 51, 0)
        .hears(Flags::FIN_ACK, 101, 51, 0)
        .says(Flags::ACK, 51, 102, 0)
        .probed(State::CloseWait)
        .closes()
        .says(Flags::FIN_ACK, 51, 102, 0)
        .probed(State::LastAck)
        .hears(Flags::ACK, 102, 52, 0)
        .probed(State::Listen)
        .explained();
}

#[test]
fn delays_and_silent_timeouts_that_the_rfc_allows_are_explained() {
    Tape::established()
        .hears(Flags::ACK, 1, 1, 100)
        .after(499)
        .says(Flags::ACK, 1, 101, 0)
        .shuts()
        .says(Flags::FIN_ACK, 1, 101, 0)
        .after(1_000)
        .says(Flags::FIN_ACK, 1, 101, 0)
        .hears(Flags::FIN_ACK, 101, 2, 0)
        .says(Flags::ACK, 2, 102, 0)
        .probed(State::TimeWait)
        .after(240_000)
        .probed(State::Listen)
        .explained();
}

#[test]
fn optional_parts_may_be_followed_or_not() {
    let reset_in_window = || Tape::established().hears(Flags::RST, 11, 0, 0);
    reset_in_window().says(Flags::ACK, 1, 1, 0).probed(State::Established).explained();
    reset_in_window().probed(State::Listen).explained();
}

#[test]
fn planted_a_syn_ack_that_acknowledges_the_wrong_number() {
    Tape::listening().hears(Flags::SYN, 0, 0, 0).says(Flags::SYN_ACK, 0, 0, 0).rejected("<ACK=5000><CTL=SYN,ACK>");
}

#[test]
fn planted_text_that_is_never_acknowledged() {
    Tape::established().hears(Flags::ACK, 1, 1, 100).rejected("an acknowledgment of 5101");
}

#[test]
fn planted_an_acknowledgment_after_half_a_second() {
    Tape::established()
        .hears(Flags::ACK, 1, 1, 100)
        .after(501)
        .says(Flags::ACK, 1, 101, 0)
        .rejected("an acknowledgment of 5101");
}

#[test]
fn planted_an_acknowledgment_over_a_gap() {
    Tape::established().hears(Flags::ACK, 11, 1, 10).says(Flags::ACK, 1, 21, 0).rejected("RCV.NXT is 5001, not 5021");
}

#[test]
fn planted_an_acknowledgment_that_nothing_asks_for() {
    Tape::established()
        .hears(Flags::ACK, 1, 1, 100)
        .says(Flags::ACK, 1, 101, 0)
        .hears(Flags::ACK, 101, 1, 0)
        .says(Flags::ACK, 1, 101, 0)
        .rejected("nothing asks for an acknowledgment");
}

#[test]
fn planted_a_fin_without_a_close() {
    Tape::established().says(Flags::FIN_ACK, 1, 1, 0).rejected("the user has not closed");
}

#[test]
fn planted_a_fin_that_overtakes_text() {
    Tape::established().writes(50).shuts().says(Flags::FIN_ACK, 1, 1, 0).rejected("text is left to send");
}

#[test]
fn planted_a_fin_with_a_new_number_when_sent_again() {
    Tape::established()
        .shuts()
        .says(Flags::FIN_ACK, 1, 1, 0)
        .after(1_000)
        .says(Flags::FIN_ACK, 2, 1, 0)
        .rejected("nothing new may be sent");
}

#[test]
fn planted_text_that_the_user_never_sent() {
    Tape::established().says(Flags::ACK, 1, 1, 10).rejected("the user has sent only 0 octets more");
}

#[test]
fn planted_text_beyond_the_window() {
    Tape::established().writes(4_001).says(Flags::ACK, 1, 1, 4_001).rejected("room for 4000 octets");
}

#[test]
fn planted_text_before_the_connection_is_established() {
    Tape::listening()
        .hears(Flags::SYN, 0, 0, 0)
        .says(Flags::SYN_ACK, 0, 1, 0)
        .says(Flags::ACK, 1, 1, 10)
        .rejected("nothing new may be sent");
}

#[test]
fn planted_a_lost_segment_that_is_never_sent_again() {
    Tape::established().writes(50).says(Flags::ACK, 1, 1, 50).rejected("Retransmit runs since");
}

#[test]
fn planted_a_retransmission_long_before_any_timeout() {
    Tape::established()
        .writes(50)
        .says(Flags::ACK, 1, 1, 50)
        .after(20)
        .says(Flags::ACK, 1, 1, 50)
        .rejected("before the shortest timeout");
}

/// What comes after it was lost too, perhaps.
#[test]
fn after_a_timeout_the_rest_of_the_flight_goes_out_again_at_once() {
    Tape::established()
        .writes(90)
        .says(Flags::ACK, 1, 1, 50)
        .says(Flags::ACK, 51, 1, 40)
        .after(1_000)
        .says(Flags::ACK, 1, 1, 50)
        .after(10)
        .hears(Flags::ACK, 1, 51, 0)
        .says(Flags::ACK, 51, 1, 40)
        .hears(Flags::ACK, 1, 91, 0)
        .explained();
}

#[test]
fn planted_a_second_retransmission_right_after_the_first() {
    Tape::established()
        .writes(90)
        .says(Flags::ACK, 1, 1, 50)
        .says(Flags::ACK, 51, 1, 40)
        .after(1_000)
        .says(Flags::ACK, 1, 1, 50)
        .after(20)
        .says(Flags::ACK, 1, 1, 50)
        .rejected("before the shortest timeout");
}

#[test]
fn planted_text_that_is_accepted_and_never_sent() {
    Tape::established().writes(50).rejected("text or a FIN could leave since");
}

#[test]
fn planted_a_fin_that_is_never_sent() {
    Tape::established().shuts().rejected("text or a FIN could leave since");
}

#[test]
fn planted_a_closed_window_that_is_never_probed() {
    let mut tape = Tape::established().hears(Flags::ACK, 1, 1, 0);
    if let Some(Observation { what: What::Injected(bytes), .. }) = tape.trace.observations.last_mut() {
        *bytes = windowless(1, 1);
    }
    tape.writes(50).rejected("Persist runs since");
}

#[test]
fn planted_an_end_that_the_peer_has_not_sent() {
    Tape::established().reads(0).rejected("told of an end");
}

#[test]
fn an_end_that_the_user_has_asked_for_is_explained() {
    Tape::established().shuts_down(ShutdownHow::Read).reads(0).explained();
}

#[test]
fn an_acknowledgment_for_each_of_two_gaps_is_explained() {
    Tape::established()
        .hears(Flags::ACK, 11, 1, 10)
        .hears(Flags::ACK, 31, 1, 10)
        .says(Flags::ACK, 1, 1, 0)
        .says(Flags::ACK, 1, 1, 0)
        .explained();
}

#[test]
fn a_retransmission_that_takes_new_text_along_is_explained() {
    Tape::established()
        .writes(50)
        .says(Flags::ACK, 1, 1, 50)
        .writes(30)
        .after(1_000)
        .says(Flags::ACK, 1, 1, 80)
        .hears(Flags::ACK, 1, 81, 0)
        .explained();
}

#[test]
fn a_retransmission_that_duplicate_acknowledgments_ask_for_is_explained() {
    Tape::established()
        .writes(50)
        .says(Flags::ACK, 1, 1, 50)
        .hears(Flags::ACK, 1, 1, 0)
        .hears(Flags::ACK, 1, 1, 0)
        .hears(Flags::ACK, 1, 1, 0)
        .says(Flags::ACK, 1, 1, 50)
        .hears(Flags::ACK, 1, 51, 0)
        .explained();
}

#[test]
fn planted_a_retransmission_for_duplicates_of_an_earlier_flight() {
    Tape::established()
        .writes(50)
        .says(Flags::ACK, 1, 1, 50)
        .hears(Flags::ACK, 1, 1, 0)
        .hears(Flags::ACK, 1, 51, 0)
        .writes(50)
        .says(Flags::ACK, 51, 1, 50)
        .after(20)
        .says(Flags::ACK, 51, 1, 50)
        .rejected("before the shortest timeout");
}

#[test]
fn planted_a_probe_with_a_number_long_acknowledged() {
    let closed = || {
        let sent = Tape::established().writes(50).says(Flags::ACK, 1, 1, 50);
        sent.add(What::Injected(windowless(1, 51))).writes(10).after(1_000)
    };
    closed()
        .says(Flags::ACK, 50, 1, 0)
        .hears(Flags::ACK, 1, 51, 0)
        .says(Flags::ACK, 51, 1, 10)
        .hears(Flags::ACK, 1, 61, 0)
        .explained();
    closed().says(Flags::ACK, 40, 1, 0).rejected("SND.UNA is 1051");
}

#[test]
fn planted_a_reset_in_answer_to_a_reset() {
    Tape::default().hears(Flags::RST_ACK, 1, 1, 0).says(Flags::RST, 1, 0, 0).rejected("no rule asks for");
}

#[test]
fn planted_a_reset_with_the_wrong_number() {
    Tape::listening().hears(Flags::ACK, 1, 7, 0).says(Flags::RST, 8, 0, 0).rejected("<SEQ=1008><CTL=RST>");
}

#[test]
fn planted_a_reset_outside_the_window_that_is_obeyed() {
    Tape::established().hears(Flags::RST, 4_001, 0, 0).probed(State::Listen).rejected("the state is ESTABLISHED");
}

#[test]
fn planted_a_fin_that_changes_no_state() {
    Tape::established()
        .hears(Flags::FIN_ACK, 1, 1, 0)
        .says(Flags::ACK, 1, 2, 0)
        .probed(State::Established)
        .rejected("the state is CLOSE-WAIT");
}

/// RFC 5961 §7 lets the answers be limited, which is no leave never to answer.
#[test]
fn planted_a_suspicious_segment_that_is_not_answered_though_none_was_before() {
    let suspicious = [(Flags::SYN, 1, 0), (Flags::RST, 11, 0), (Flags::ACK, 1, 9), (Flags::ACK, 4_001, 1)];
    for (flags, seq, ack) in suspicious {
        let heard = |tape: Tape| tape.hears(flags, seq, ack, 0);
        let answered = || heard(Tape::established()).says(Flags::ACK, 1, 1, 0);
        answered().probed(State::Established).explained();
        heard(answered()).probed(State::Established).explained();
        heard(Tape::established()).after(1_000).probed(State::Established).rejected("an acknowledgment of 5001");
    }
}

#[test]
fn planted_a_syn_that_is_obeyed_in_a_synchronized_state() {
    Tape::established().hears(Flags::SYN, 9_000, 0, 0).probed(State::SynReceived).rejected("the state is ESTABLISHED");
}

#[test]
fn planted_text_given_to_the_user_before_it_arrived() {
    Tape::established()
        .hears(Flags::ACK, 11, 1, 10)
        .says(Flags::ACK, 1, 1, 0)
        .reads(10)
        .rejected("only 0 have arrived");
}

#[test]
fn planted_a_time_wait_that_ends_early() {
    Tape::established()
        .shuts()
        .says(Flags::FIN_ACK, 1, 1, 0)
        .hears(Flags::FIN_ACK, 1, 2, 0)
        .says(Flags::ACK, 2, 2, 0)
        .probed(State::TimeWait)
        .after(60_000)
        .probed(State::Listen)
        .rejected("the state is TIME-WAIT");
}

#[test]
fn planted_a_time_wait_that_never_ends() {
    Tape::established()
        .shuts()
        .says(Flags::FIN_ACK, 1, 1, 0)
        .hears(Flags::FIN_ACK, 1, 2, 0)
        .says(Flags::ACK, 2, 2, 0)
        .after(400_000)
        .probed(State::TimeWait)
        .rejected("TimeWait runs since");
}

#[test]
fn planted_a_fin_that_is_sent_again_before_its_text() {
    let sent = Tape::established().writes(90).shuts().says(Flags::ACK, 1, 1, 50).says(Flags::FIN_ACK, 51, 1, 40);
    sent.after(1_000).says(Flags::FIN_ACK, 1, 1, 50).rejected("the FIN keeps its sequence number");
}

/// Only data and FINs may be acknowledged late.
#[test]
fn planted_a_syn_ack_that_takes_its_time() {
    Tape::listening().hears(Flags::SYN, 0, 0, 0).after(400).says(Flags::SYN_ACK, 0, 1, 0).rejected("was asked for");
}

#[test]
fn planted_a_wrong_checksum() {
    let mut tape = Tape::listening().hears(Flags::SYN, 0, 0, 0).says(Flags::SYN_ACK, 0, 1, 0);
    if let Some(Observation { what: What::Sent(bytes), .. }) = tape.trace.observations.last_mut() {
        *bytes.last_mut().expect("a header") ^= 1;
    }
    tape.rejected("checksum is wrong");
}

#[test]
fn planted_a_wrong_checksum_of_the_ip_header() {
    let mut tape = Tape::listening().hears(Flags::SYN, 0, 0, 0).says(Flags::SYN_ACK, 0, 1, 0);
    if let Some(Observation { what: What::Sent(bytes), .. }) = tape.trace.observations.last_mut() {
        // The time to live.
        bytes[8] ^= 1;
    }
    tape.rejected("checksum of its IPv4 header is wrong");
}

/// Text before its turn: here ten octets of every twenty.
fn with_holes(holes: u32) -> Tape {
    (1..=holes)
        .fold(Tape::established(), |tape, hole| tape.hears(Flags::ACK, 1 + 20 * hole, 1, 10).says(Flags::ACK, 1, 1, 0))
}

/// Nobody sees which of it was kept, and there are more ways than anybody could follow one by one.
#[test]
fn many_holes_are_no_more_work_than_many_segments() {
    let filled = (0..40).fold(with_holes(40), |tape, hole| {
        let kept = 1 + 20 * hole;
        tape.hears(Flags::ACK, kept, 1, 20).says(Flags::ACK, 1, kept + 30, 0)
    });
    filled.explained();
}

/// Any part of what came before its turn may have been kept (SHLD-31), and what was not comes again.
#[test]
fn text_before_its_turn_may_be_kept_in_part() {
    let filled = |reaches: u32| {
        let two = Tape::established().hears(Flags::ACK, 11, 1, 10).says(Flags::ACK, 1, 1, 0);
        let two = two.hears(Flags::FIN_ACK, 21, 1, 10).says(Flags::ACK, 1, 1, 0);
        two.hears(Flags::ACK, 1, 1, 10).says(Flags::ACK, 1, reaches, 0)
    };
    for reaches in [11, 21, 31, 32] {
        filled(reaches).explained();
    }
    filled(16).rejected("RCV.NXT is");
    filled(11).hears(Flags::ACK, 11, 1, 10).says(Flags::ACK, 1, 32, 0).explained();
    filled(21).hears(Flags::ACK, 1, 1, 0).says(Flags::ACK, 1, 31, 0).rejected("RCV.NXT is");
    filled(31).probed(State::Established).explained();
    filled(31).probed(State::CloseWait).rejected("the state is ESTABLISHED");
}

/// The operator may end a connection as its user may (RFC 9293 §3.10.5): who is not told of it has no reason for a reset.
#[test]
fn a_connection_that_is_dropped_is_aborted() {
    let dropped = |tape: Tape| tape.add(What::Dropped(CONNECTION));
    dropped(Tape::established()).says(Flags::RST, 1, 0, 0).probed(State::Listen).explained();
    Tape::established().says(Flags::RST, 1, 0, 0).rejected("RST");
    dropped(Tape::established()).probed(State::Established).rejected("ESTABLISHED");
}

/// The operator's R2 (RFC 9293 §3.8.3): one SYN,ACK more, and then no sooner than after another timeout; this holds for
/// the next connection too.
#[test]
fn a_connection_request_is_given_up_when_the_operator_says() {
    let operator = |retries: &str| {
        let (knob, value) = ("net.ipv4.tcp_synack_retries".to_owned(), retries.to_owned());
        Tape::listening().add(What::Turned { knob, value })
    };
    let request = |tape: Tape, iss: u32| {
        let asked = tape.hears(Flags::SYN, 0, 0, 0).says(Flags::SYN_ACK, iss, 1, 0);
        asked.after(1_000).says(Flags::SYN_ACK, iss, 1, 0)
    };
    let once = || request(operator("1"), 0);
    let given_up = |tape: Tape| tape.after(2_000).probed(State::Listen);
    given_up(once()).explained();
    given_up(request(given_up(once()), 9_000)).explained();
    once().after(100).probed(State::Listen).rejected("the state is SYN-RECEIVED");
    given_up(request(operator("2"), 0)).rejected("the state is SYN-RECEIVED");
    given_up(request(Tape::listening(), 0)).rejected("the state is SYN-RECEIVED");
}
