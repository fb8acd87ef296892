//! Figures 6 to 13 of RFC 9293 happen as drawn under the repaired table; to the letter they differ as listed.

use lockstep_model::check::drawings::FIGURES;
use lockstep_model::check::figures::{FigureReport, all, replay};
use lockstep_model::check::mutate::{Edit, Mutant, variant};
use lockstep_model::check::properties::Property;
use lockstep_model::table::{Act, Form};
use lockstep_model::{Profile, Table};
use std::io::Write;

fn reports(profile: Profile) -> String {
    all(profile).iter().map(FigureReport::to_string).collect()
}

#[test]
fn under_the_repaired_table_all_happen_as_drawn() {
    insta::assert_snapshot!(reports(Profile::Repaired), @r#"
    Figure 6, Basic Three-Way Handshake for Connection Synchronization: as drawn
    Figure 7, Simultaneous Connection Synchronization: as drawn
      §3.10.7.4, first, contradicts lines 6 and 7: the SYN,ACK begins at IRS, before RCV.NXT, and so is not acceptable (erratum 3305)
    Figure 8, Recovery from Old Duplicate SYN: as drawn
    Figure 9, Half-Open Connection Discovery: as drawn
      After line 5 "the problem is now reduced to the basic three-way handshake of Figure 6" (§3.5.1) only if B's user has opened again: as drawn, in CLOSED, B answers the SYN with a reset (§3.10.7.1)
    Figure 10, Active Side Causes Half-Open Connection Discovery: as drawn
    Figure 11, Old Duplicate SYN Initiates a Reset on Two Passive Sockets: as drawn
    Figure 12, Normal Close Sequence: as drawn
    Figure 13, Simultaneous Close Sequence: as drawn
      §3.6, case 3, contradicts line 4: "Both will, upon receiving these ACKs, delete the connection", without TIME-WAIT; §3.10.7.4 agrees with the figure
    "#);
    assert!(all(Profile::Repaired).iter().all(|report| report.differs.is_none()));
}

#[test]
fn to_the_letter_they_differ_as_listed() {
    insta::assert_snapshot!(reports(Profile::Literal9293), @r#"
    Figure 6, Basic Three-Way Handshake for Connection Synchronization: differs from line 5 on
      drawn: ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK><DATA> --> ESTABLISHED
      but A sends nothing
      D1: after an active OPEN nothing sets SND.WND, and what was never offered is a closed window: what A sends leaves only as a probe
    Figure 7, Simultaneous Connection Synchronization: differs from line 6 on
      drawn: ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK> <-- SYN-RECEIVED
      but A is in SYN-RECEIVED instead
      N15: the SYN,ACK is acknowledged and dropped; only that ACK establishes the peer
      §3.10.7.4, first, contradicts lines 6 and 7: the SYN,ACK begins at IRS, before RCV.NXT, and so is not acceptable (erratum 3305)
    Figure 8, Recovery from Old Duplicate SYN: as drawn
    Figure 9, Half-Open Connection Discovery: as drawn
      After line 5 "the problem is now reduced to the basic three-way handshake of Figure 6" (§3.5.1) only if B's user has opened again: as drawn, in CLOSED, B answers the SYN with a reset (§3.10.7.1)
    Figure 10, Active Side Causes Half-Open Connection Discovery: as drawn
    Figure 11, Old Duplicate SYN Initiates a Reset on Two Passive Sockets: as drawn
    Figure 12, Normal Close Sequence: differs from line 2 on
      drawn: FIN-WAIT-1 --> <SEQ=100><ACK=300><CTL=FIN,ACK> --> CLOSE-WAIT
      but A sends nothing
      D1: after an active OPEN nothing sets SND.WND, and what was never offered is a closed window: what A sends leaves only as a probe
    Figure 13, Simultaneous Close Sequence: differs from line 2 on
      drawn: FIN-WAIT-1 --> <SEQ=100><ACK=300><CTL=FIN,ACK> ... FIN-WAIT-1
      but A sends nothing
      D1: after an active OPEN nothing sets SND.WND, and what was never offered is a closed window: what A sends leaves only as a probe
      §3.6, case 3, contradicts line 4: "Both will, upon receiving these ACKs, delete the connection", without TIME-WAIT; §3.10.7.4 agrees with the figure
    "#);
    for profile in Profile::ALL {
        assert!(all(profile).iter().all(FigureReport::is_as_expected), "{}", reports(profile));
    }
}

fn ladder(number: u8) -> String {
    let reports = all(Profile::Repaired);
    reports
        .into_iter()
        .find(|report| report.figure == number)
        .map(|report| report.ladder.to_string())
        .expect("it is drawn")
}

#[test]
fn figure_7_simultaneous_open() {
    insta::assert_snapshot!(ladder(7), @r"
       A                                                              B
       CLOSED                                                         CLOSED
    1. SYN-SENT      OPEN active                                      CLOSED
                       | open/closed/active
                     --> <SEQ=100><CTL=SYN> ...
    2. SYN-SENT                                           OPEN active SYN-SENT
                       | open/closed/active
                     ... <SEQ=300><CTL=SYN> <--
    3. SYN-RECEIVED  <-- <SEQ=300><CTL=SYN> ...                       SYN-SENT
                       | syn-sent/syn/simultaneous
                     --> <SEQ=100><ACK=301><CTL=SYN,ACK> ...
    4. SYN-RECEIVED                        ... <SEQ=100><CTL=SYN> --> SYN-RECEIVED
                       | syn-sent/syn/simultaneous
                     ... <SEQ=300><ACK=101><CTL=SYN,ACK> <--
    5. ESTABLISHED   <-- <SEQ=300><ACK=101><CTL=SYN,ACK> ...          SYN-RECEIVED
                       | sequence/crossed-syn-ack
    6. ESTABLISHED            ... <SEQ=100><ACK=301><CTL=SYN,ACK> --> ESTABLISHED
                       | sequence/crossed-syn-ack
    ");
}

#[test]
fn figure_8_old_duplicate_syn() {
    insta::assert_snapshot!(ladder(8), @r"
       A                                                              B
       CLOSED                                                         LISTEN
    1. SYN-SENT      OPEN active                                      LISTEN
                       | open/closed/active
                     --> <SEQ=100><CTL=SYN> ...
    2. SYN-SENT                             ... <SEQ=90><CTL=SYN> --> SYN-RECEIVED
                       | arrives/listen/syn
                     ... <SEQ=300><ACK=91><CTL=SYN,ACK> <--
    3. SYN-SENT      <-- <SEQ=300><ACK=91><CTL=SYN,ACK> ...           SYN-RECEIVED
                       | syn-sent/ack/bad
                     --> <SEQ=91><CTL=RST> ...
    4. SYN-SENT                             ... <SEQ=91><CTL=RST> --> LISTEN
                       | rst/syn-received/passive
    5. SYN-SENT                            ... <SEQ=100><CTL=SYN> --> SYN-RECEIVED
                       | arrives/listen/syn
                     ... <SEQ=400><ACK=101><CTL=SYN,ACK> <--
    6. ESTABLISHED   <-- <SEQ=400><ACK=101><CTL=SYN,ACK> ...          SYN-RECEIVED
                       | syn-sent/syn/established
                     --> <SEQ=101><ACK=401><CTL=ACK> ...
    7. ESTABLISHED                ... <SEQ=101><ACK=401><CTL=ACK> --> ESTABLISHED
                       | ack/syn-received/established window/update
    ");
}

/// Where each figure first differs over a table: number of figure and line, and what is the case instead.
fn differences(table: &'static Table) -> Vec<String> {
    let difference = |figure| {
        let (_, differs) = replay(figure, table);
        differs.map(|differs| format!("Figure {}, line {}: {}", figure.number, differs.line, differs.instead))
    };
    FIGURES.iter().filter_map(difference).collect()
}

#[test]
fn a_wrong_table_goes_another_way() {
    let edited = |edits| Mutant { name: "", wrong: "", edits, falls: Property::S9, world: "handshake" }.leaked_table();
    let another_state = variant("two-way-handshake").expect("it is in the list").leaked_table();
    let another_segment = edited(&[Edit::Then("syn-sent/ack/bad", &[Act::Emit(Form::RstFromSeq)])]);
    let one_too_many =
        edited(&[Edit::Then("arrives/listen/ack", &[Act::Emit(Form::RstFromAck), Act::Emit(Form::RstFromSeq)])]);
    let no_such_timer = variant("time-wait-without-timer").expect("it is in the list").leaked_table();
    let all = [another_state, another_segment, one_too_many, no_such_timer].map(differences).concat();
    insta::assert_snapshot!(all.join("\n"), @r"
    Figure 6, line 2: B is in ESTABLISHED instead
    Figure 8, line 3: B is in ESTABLISHED instead
    Figure 11, line 2: B is in ESTABLISHED instead
    Figure 8, line 5: A sends <SEQ=0><ACK=301><CTL=RST,ACK>
    Figure 9, line 5: A sends <SEQ=0><ACK=300><CTL=RST,ACK>
    Figure 11, line 3: A sends <SEQ=0><ACK=301><CTL=RST,ACK>, too
    Figure 12, line 6: no 2MSL timer of A can go off
    ");
}

/// The folder of the documents, as `rfc9293.txt`.
const FOLDER: &str = "RFC_DIR";

#[test]
fn each_line_is_drawn_like_this_in_the_rfc() {
    let document = std::env::var_os(FOLDER).map(|folder| std::path::Path::new(&folder).join("rfc9293.txt"));
    let Some(text) = document.and_then(|path| std::fs::read_to_string(path).ok()) else {
        let skipped = format!("figures: skipped, since {FOLDER} names no folder with the text of RFC 9293");
        return writeln!(std::io::stderr(), "{skipped}").expect("standard error can be written to");
    };
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for figure in FIGURES {
        let title = format!("Figure {}: {}", figure.number, figure.title);
        let drawing =
            text.split_once(&title).map(|(before, _)| before).and_then(|before| before.rsplit_once("TCP Peer A"));
        let (_, drawing) = drawing.expect("it has a head and a title");
        let mut rest = flat(drawing);
        for line in figure.lines {
            let found = rest.split_once(&flat(line.drawn)).map(|(_, after)| after.to_owned());
            rest = found.unwrap_or_else(|| panic!("{title}: {}", line.drawn));
        }
    }
}
