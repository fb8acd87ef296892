//! The negatives that a checker of TCP must reproduce, each with a shortest counterexample.

use lockstep_model::check::environments::named;
use lockstep_model::check::explore::explore;
use lockstep_model::check::falls;
use lockstep_model::check::liveness::decide;
use lockstep_model::check::mutate::variant;

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
