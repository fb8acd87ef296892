//! The negatives that a checker of TCP must reproduce, each with a shortest counterexample.

use lockstep_model::check::bounds::{Bounds, Move, Script, Times};
use lockstep_model::check::environments::named;
use lockstep_model::check::explore::{explore, hunt};
use lockstep_model::check::falls;
use lockstep_model::check::liveness::{Counterexample, decide};
use lockstep_model::check::mutate::variant;
use lockstep_model::check::properties::Property;
use lockstep_model::check::world::World;
use lockstep_model::{Call, Table};

/// How the property that a mutant must break falls in its world.
fn counterexample(name: &str) -> String {
    let mutant = variant(name).expect("it is in the list");
    let world = named(mutant.world, mutant.leaked_table()).expect("its world exists");
    let found = explore(&world, |_| {});
    let example = decide(&world, &found, mutant.falls).expect("the property falls");
    let falls = falls(&world, &found, &example);
    format!("{} falls: {}\n{}", mutant.falls, mutant.falls.gist(), falls.ladder)
}

#[test]
fn n1_two_way_handshake() {
    insta::assert_snapshot!(counterexample("two-way-handshake"), @r"
    S2 falls: nobody is half-synchronized
          A                                                              B
          CLOSED                                                         CLOSED
       1. SYN-SENT      OPEN active                                      CLOSED
                          | open/closed/active
                        --> <SEQ=0><CTL=SYN> ...
       2. SYN-SENT                                          OPEN passive LISTEN
                          | open/closed/passive
       3. SYN-SENT                              ... <SEQ=0><CTL=SYN> --> ESTABLISHED
                          | arrives/listen/syn
                          | broken: [S2, S19]
                        ... <SEQ=0><ACK=1><CTL=SYN,ACK> <--
    ");
}

#[test]
fn n6_close_in_syn_received_done_literally() {
    insta::assert_snapshot!(counterexample("close-in-syn-received"), @r"
    S17 falls: the send window is set in every synchronized state
          A                                                              B
          CLOSED                                                         CLOSED
       1. SYN-SENT      OPEN active                                      CLOSED
                          | open/closed/active
                        --> <SEQ=0><CTL=SYN> ...
       2. SYN-SENT                                          OPEN passive LISTEN
                          | open/closed/passive
       3. SYN-SENT                              ... <SEQ=0><CTL=SYN> --> SYN-RECEIVED
                          | arrives/listen/syn
                        ... <SEQ=0><ACK=1><CTL=SYN,ACK> <--
       4. SYN-SENT                                                 CLOSE FIN-WAIT-1
                          | close/syn-received/at-once
                          | broken: [S17]
    ");
}

#[test]
fn n7_time_wait_acknowledges_whatever_is_acceptable() {
    insta::assert_snapshot!(counterexample("time-wait-acknowledges-all"), @r"
    L3 falls: no packet war
          A                                                              B
          CLOSED                                                         CLOSED
       1. SYN-SENT      OPEN active                                      CLOSED
                          | open/closed/active
                        --> <SEQ=0><CTL=SYN> ...
       2. SYN-SENT                                          OPEN passive LISTEN
                          | open/closed/passive
       3. SYN-SENT                              ... <SEQ=0><CTL=SYN> --> SYN-RECEIVED
                          | arrives/listen/syn
                        ... <SEQ=0><ACK=1><CTL=SYN,ACK> <--
       4. ESTABLISHED   <-- <SEQ=0><ACK=1><CTL=SYN,ACK> ...              SYN-RECEIVED
                          | syn-sent/syn/established
                        --> <SEQ=1><ACK=1><CTL=ACK> ...
       5. FIN-WAIT-1    CLOSE                                            SYN-RECEIVED
                          | close/established/fin-wait-1
                          | sent/closed-by-user/fin
                        --> <SEQ=1><ACK=1><CTL=FIN,ACK> ...
       6. FIN-WAIT-1                                               CLOSE SYN-RECEIVED
                          | close/syn-received/deferred
       7. FIN-WAIT-1                 ... <SEQ=1><ACK=1><CTL=FIN,ACK> --> CLOSING
                          | ack/syn-received/established window/update
                          | deferred-close/established text/accept fin/fin-wait-1
                          | sent/closed-by-user/fin
                        ... <SEQ=1><ACK=2><CTL=FIN,ACK> <--
       8. TIME-WAIT     <-- <SEQ=1><ACK=2><CTL=FIN,ACK> ...              CLOSING
                          | ack/new window/update ack-of-fin/fin-wait-1/acked text/accept
                          | fin/fin-wait-2
                        --> <SEQ=2><ACK=2><CTL=ACK> ...
       9. TIME-WAIT                      ... <SEQ=2><ACK=2><CTL=ACK> --> TIME-WAIT
                          | ack/new window/update ack-of-fin/closing/acked
      10. TIME-WAIT                      ... <SEQ=1><ACK=1><CTL=ACK> --> TIME-WAIT
                          | sequence/unacceptable/answered
                        ... <SEQ=2><ACK=2><CTL=ACK> <--
      11. TIME-WAIT     <-- <SEQ=2><ACK=2><CTL=ACK> ...                  TIME-WAIT
                          | ack-of-fin/time-wait/acknowledge
                        --> <SEQ=2><ACK=2><CTL=ACK> ...
      12. TIME-WAIT                      ... <SEQ=2><ACK=2><CTL=ACK> --> TIME-WAIT
                          | ack-of-fin/time-wait/acknowledge
                        ... <SEQ=2><ACK=2><CTL=ACK> <--
    ");
}

#[test]
fn n22_no_retransmission() {
    insta::assert_snapshot!(counterexample("no-retransmission"), @r"
    L1 falls: from everywhere all can come to rest
          A                                                              B
          CLOSED                                                         CLOSED
       1. SYN-SENT      OPEN active                                      CLOSED
                          | open/closed/active
                        --> <SEQ=0><CTL=SYN> ...
       2. SYN-SENT                                          OPEN passive LISTEN
                          | open/closed/passive
       3. SYN-SENT                              ... <SEQ=0><CTL=SYN> --> SYN-RECEIVED
                          | arrives/listen/syn
                        ... <SEQ=0><ACK=1><CTL=SYN,ACK> <--
       4. ESTABLISHED   <-- <SEQ=0><ACK=1><CTL=SYN,ACK> ...              SYN-RECEIVED
                          | syn-sent/syn/established
                        --> <SEQ=1><ACK=1><CTL=ACK> ...
       5. FIN-WAIT-1    CLOSE                                            SYN-RECEIVED
                          | close/established/fin-wait-1
                          | sent/closed-by-user/fin
                        --> <SEQ=1><ACK=1><CTL=FIN,ACK> ...
       6. FIN-WAIT-1                 ... <SEQ=1><ACK=1><CTL=FIN,ACK> XXX SYN-RECEIVED
    ");
}

/// Not the table is wrong here but the world: segments live for ever, and a new incarnation's numbers overlap the old
/// ones'. It is what MSL and the clock that chooses the ISS are for, and shows that S4 would notice an octet that is
/// not the user's.
#[test]
fn an_old_octet_is_taken_for_a_new_one_where_numbers_overlap_and_no_segment_dies() {
    const A: Script = &[
        (Move::Call(Call::OpenActive { remote: true }), Times::AtMost(2)),
        (Move::Call(Call::Send { remote: false }), Times::AtMost(2)),
        (Move::Call(Call::Close), Times::Any),
    ];
    const B: Script = &[(Move::Call(Call::OpenPassive), Times::AtMost(2)), (Move::Call(Call::Close), Times::Any)];
    let reopen = named("reopen", Table::repaired()).expect("it exists");
    let bounds = Bounds { scripts: [A, B], capacity: 2, iss_stride: 1, msl: false, ..reopen.bounds };
    let world = World { bounds, ..reopen };
    let (found, state) = hunt(&world, Property::S4).expect("S4 falls");
    let example = Counterexample { way: found.way_to(state), round: Vec::new() };
    insta::assert_snapshot!(falls(&world, &found, &example).ladder, @r"
        A                                                              B
        CLOSED                                                         CLOSED
     1. SYN-SENT      OPEN active                                      CLOSED
                        | open/closed/active
                      --> <SEQ=0><CTL=SYN> ...
     2. SYN-SENT      SEND                                             CLOSED
                        | send/handshake/queue
     3. SYN-SENT                                          OPEN passive LISTEN
                        | open/closed/passive
     4. SYN-SENT                              ... <SEQ=0><CTL=SYN> --> SYN-RECEIVED
                        | arrives/listen/syn
                      ... <SEQ=0><ACK=1><CTL=SYN,ACK> <--
     5. ESTABLISHED   <-- <SEQ=0><ACK=1><CTL=SYN,ACK> ...              SYN-RECEIVED
                        | syn-sent/syn/established
                        | sent/text
                      --> <SEQ=1><ACK=1><TEXT=1><CTL=ACK> ...
     6. ESTABLISHED                                              CLOSE SYN-RECEIVED
                        | close/syn-received/deferred
     7. ESTABLISHED            ... <SEQ=1><ACK=1><TEXT=1><CTL=ACK> --> FIN-WAIT-1
                        | ack/syn-received/established window/update
                        | deferred-close/established text/accept
                        | sent/closed-by-user/fin
                      ... <SEQ=1><ACK=2><CTL=FIN,ACK> <--
     8. CLOSE-WAIT    <-- <SEQ=1><ACK=2><CTL=FIN,ACK> ...              FIN-WAIT-1
                        | ack/new window/update text/accept fin/established
                      --> <SEQ=2><ACK=2><CTL=ACK> ...
     9. CLOSE-WAIT    SEND                                             FIN-WAIT-1
                        | send/open/segmentize
                        | sent/text
                      --> <SEQ=2><ACK=2><TEXT=1><CTL=ACK> ...
    10. LAST-ACK      CLOSE                                            FIN-WAIT-1
                        | close/close-wait/queue
                        | sent/close-wait/fin
                      --> <SEQ=3><ACK=2><CTL=FIN,ACK> ... (lost: the network is full)
    11. LAST-ACK                       ... <SEQ=2><ACK=2><CTL=ACK> --> FIN-WAIT-2
                        | ack/new window/update ack-of-fin/fin-wait-1/acked
    12. LAST-ACK      retransmission timeout                           FIN-WAIT-2
                        | timeout/retransmission/oldest
                      --> <SEQ=2><ACK=2><TEXT=1><CTL=FIN,ACK> ...
    13. LAST-ACK           ... <SEQ=2><ACK=2><TEXT=1><CTL=FIN,ACK> --> TIME-WAIT
                        | window/update text/accept fin/fin-wait-2
                      ... <SEQ=2><ACK=4><CTL=ACK> <--
    14. CLOSED        <-- <SEQ=2><ACK=4><CTL=ACK> ...                  TIME-WAIT
                        | ack/new window/update ack-of-fin/last-ack/acked
    15. SYN-SENT      OPEN active                                      TIME-WAIT
                        | open/closed/active
                      --> <SEQ=0><CTL=SYN> #2 ...
    16. SYN-SENT                                          2MSL timeout CLOSED
                        | timeout/time-wait
    17. SYN-SENT                                          OPEN passive LISTEN
                        | open/closed/passive
    18. SYN-SENT                           ... <SEQ=0><CTL=SYN> #2 --> SYN-RECEIVED
                        | arrives/listen/syn
                      ... <SEQ=0><ACK=1><CTL=SYN,ACK> #2 <--
    19. SYN-SENT               ... <SEQ=2><ACK=2><TEXT=1><CTL=ACK> --> ESTABLISHED
                        | ack/syn-received/established window/update text/accept
                        | broken: [S2, S4]
                      ... <SEQ=1><ACK=2><CTL=ACK> #2 <--
    ");
}
