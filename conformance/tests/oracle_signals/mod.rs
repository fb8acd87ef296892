//! What is no ordinary segment: errors of the network, urgent data, keep-alives, patience; and what Linux does instead.

use crate::oracle_tape::Tape;
use etherparse::icmpv4::DestUnreachableHeader::{FragmentationNeeded, Host, Port};
use lockstep_conformance::oracle::Judgement;
use lockstep_conformance::system::{SocketOption, State};
use lockstep_model::Flags;

#[test]
fn a_hard_error_of_the_network_may_abort_or_not() {
    Tape::established().hears_of_network(Port).probed(State::Established).explained();
    Tape::established().hears_of_network(Port).probed(State::Listen).explained();
}

/// Whether the error was heeded or not, neither way leads there.
#[test]
fn what_the_last_beliefs_have_in_mind_is_told_of_all_of_them() {
    match Tape::established().hears_of_network(Port).probed(State::SynSent).verdict() {
        Judgement::Diverged(divergence) => {
            let fired = |of: &str| divergence.rules.iter().any(|rule| rule.name().starts_with(of));
            assert!(fired("syn/absent") && fired("timeout/user"), "{divergence:#?}");
        }
        Judgement::Explained { .. } => panic!("explained"),
    }
}

#[test]
fn planted_a_soft_error_of_the_network_that_aborts() {
    Tape::established().hears_of_network(Host).probed(State::Established).explained();
    Tape::established().hears_of_network(Host).probed(State::Listen).rejected("the state is ESTABLISHED");
}

#[test]
fn what_was_too_big_may_leave_again_at_once() {
    let sent = || Tape::established().writes(50).says(Flags::ACK, 1, 1, 50).after(20);
    let too_big = FragmentationNeeded { next_hop_mtu: 60 };
    sent().hears_of_network(too_big).says(Flags::ACK, 1, 1, 20).hears(Flags::ACK, 1, 51, 0).explained();
    sent().hears_of_network(Port).says(Flags::ACK, 1, 1, 20).rejected("before the shortest timeout");
}

#[test]
fn urgent_data_is_pointed_at() {
    let urgent = || Tape::established().writes_urgently(50).says(Flags::ACK, 1, 1, 50);
    urgent().urgently(50).hears(Flags::ACK, 1, 51, 0).explained();
    urgent().urgently(49).rejected("the urgent pointer is 50, not 49");
    let plain = Tape::established().writes(50).says(Flags::ACK, 1, 1, 50);
    plain.urgently(50).rejected("is urgent");
}

#[test]
fn urgent_data_may_be_announced_once_without_text() {
    let announced = || Tape::established().writes_urgently(50).says(Flags::ACK, 1, 1, 0).urgently(50);
    announced().says(Flags::ACK, 1, 1, 50).urgently(50).hears(Flags::ACK, 1, 51, 0).explained();
    announced().says(Flags::ACK, 1, 1, 0).urgently(50).rejected("nothing asks for an acknowledgment");
}

#[test]
fn only_who_asked_for_it_is_kept_alive() {
    let idle = |keeps_alive| Tape::established().sets(SocketOption::KeepAlive, keeps_alive).after(7_200_000);
    idle(1).says(Flags::ACK, 0, 1, 0).hears(Flags::ACK, 1, 1, 0).probed(State::Established).explained();
    idle(0).says(Flags::ACK, 0, 1, 0).rejected("all before it is acknowledged");
    idle(1).says(Flags::ACK, 0, 1, 0).after(75_000).probed(State::Listen).explained();
    idle(1).says(Flags::ACK, 0, 1, 0).hears(Flags::ACK, 1, 1, 0).probed(State::Listen).rejected("the state is ESTAB");
}

#[test]
fn a_users_patience_is_his_own() {
    let unheard = |patience| {
        let sent = Tape::established().sets(SocketOption::UserTimeout, patience).writes(50).says(Flags::ACK, 1, 1, 50);
        sent.after(1_000).says(Flags::ACK, 1, 1, 50).after(2_000).probed(State::Listen)
    };
    unheard(3_000).explained();
    unheard(3_001).rejected("the state is ESTABLISHED");
}

#[test]
fn planted_a_second_acknowledgment_of_one_segment() {
    Tape::established()
        .hears(Flags::FIN_ACK, 1, 1, 100)
        .says(Flags::ACK, 1, 102, 0)
        .says(Flags::ACK, 1, 102, 0)
        .rejected("nothing asks for an acknowledgment");
}

/// The edges of the window, one octet further than RFC 9293 has them: only as deviations of Linux.
#[test]
fn linux_has_edges_of_its_own() {
    let right_edge = || Tape::established().hears(Flags::RST, 4_001, 0, 0).says(Flags::ACK, 1, 1, 0);
    right_edge().takes_linux(&["linux/sequence/right-edge"]);
    right_edge().rejected("nothing asks for an acknowledgment");

    let just_before = || {
        let closed_by_peer = Tape::established().hears(Flags::FIN_ACK, 1, 1, 0).says(Flags::ACK, 1, 2, 0);
        closed_by_peer.hears(Flags::RST, 1, 0, 0).probed(State::Listen)
    };
    just_before().takes_linux(&["linux/sequence/rst-just-before", "linux/rst/just-before"]);
    just_before().rejected("the state is CLOSE-WAIT");

    let repeated = || {
        let heard = Tape::established().hears(Flags::ACK, 1, 1, 10).says(Flags::ACK, 1, 11, 0);
        let closed = heard.shuts().says(Flags::FIN_ACK, 1, 11, 0);
        closed.hears(Flags::ACK, 1, 2, 10).says(Flags::ACK, 2, 11, 0).probed(State::FinWait2)
    };
    repeated().takes_linux(&["linux/sequence/repeated"]);
    repeated().rejected("the state is FIN-WAIT-1");
}

#[test]
fn linux_keeps_little_of_a_connection_without_a_user() {
    let orphan = || Tape::established().closes().says(Flags::FIN_ACK, 1, 1, 0).hears(Flags::ACK, 1, 2, 0);
    let answered = || orphan().hears(Flags::RST, 0, 0, 0).says(Flags::ACK, 2, 1, 0).probed(State::FinWait2);
    answered().takes_linux(&["linux/orphan/rst-outside-answered"]);
    answered().rejected("nothing asks for an acknowledgment");
    let reset = || orphan().hears(Flags::ACK, 1, 3, 10).says(Flags::RST, 3, 0, 0).probed(State::Listen);
    reset().takes_linux(&["linux/orphan/text-resets-before-ack"]);
    reset().rejected("no rule asks for a reset");
}
