//! Figures 6 to 13 of RFC 9293 §3.5 and §3.6, line by line as drawn, and how such a line is read.

use super::endpoint::Side;
use crate::event::{Call, Timer};
use crate::segment::{Flag, Flags};
use crate::state::State;

/// A figure of the RFC.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its number.
    pub number: u8,
    /// Its title.
    pub title: &'static str,
    /// The ISS of each incarnation of each end, in the figure's numbers.
    pub iss: [&'static [u32]; 2],
    /// What has happened before the first line.
    pub before: &'static [Cause],
    /// Its lines.
    pub lines: &'static [Line],
    /// Where the RFC's words disagree with it.
    pub remark: Option<&'static str>,
}

/// A line of a figure.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Its number; those that the RFC draws under one number share it.
    pub number: u8,
    /// What somebody does before the segment of this line leaves or arrives.
    pub first: &'static [Cause],
    /// The line as drawn; two spaces or more between the columns.
    pub drawn: &'static str,
}

/// Something that a figure leaves to its reader, or writes in parentheses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The user calls.
    Calls(Side, Call),
    /// A timer goes off.
    Timeout(Side, Timer),
    /// The host crashes and starts again.
    Reboots(Side),
    /// Whatever is on its way arrives, until nothing is.
    AllArrives,
}

use Cause::{AllArrives, Calls, Reboots, Timeout};
use Side::{A, B};

const ACTIVE: Call = Call::OpenActive { remote: true };
const SEND: Call = Call::Send { remote: false };

/// Both ends are ESTABLISHED, and nothing is on its way.
const ESTABLISHED: &[Cause] = &[Calls(B, Call::OpenPassive), Calls(A, ACTIVE), AllArrives];

/// The numbers that Figure 11 leaves open.
const Z: u32 = 100;
const X: u32 = 300;

const fn line(number: u8, drawn: &'static str) -> Line {
    Line { number, first: &[], drawn }
}

const fn after(first: &'static [Cause], number: u8, drawn: &'static str) -> Line {
    Line { number, first, drawn }
}

/// All of them.
pub const FIGURES: &[Figure] = &[
    Figure {
        number: 6,
        title: "Basic Three-Way Handshake for Connection Synchronization",
        iss: [&[100], &[300]],
        before: &[Calls(B, Call::OpenPassive)],
        lines: &[
            line(1, "CLOSED                                               LISTEN"),
            after(&[Calls(A, ACTIVE)], 2, "SYN-SENT    --> <SEQ=100><CTL=SYN>               --> SYN-RECEIVED"),
            line(3, "ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK>  <-- SYN-RECEIVED"),
            line(4, "ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK>       --> ESTABLISHED"),
            after(&[Calls(A, SEND)], 5, "ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK><DATA> --> ESTABLISHED"),
        ],
        remark: None,
    },
    Figure {
        number: 7,
        title: "Simultaneous Connection Synchronization",
        iss: [&[100], &[300]],
        before: &[],
        lines: &[
            line(1, "CLOSED                                           CLOSED"),
            after(&[Calls(A, ACTIVE)], 2, "SYN-SENT     --> <SEQ=100><CTL=SYN>              ..."),
            after(&[Calls(B, ACTIVE)], 3, "SYN-RECEIVED <-- <SEQ=300><CTL=SYN>              <-- SYN-SENT"),
            line(4, "             ... <SEQ=100><CTL=SYN>              --> SYN-RECEIVED"),
            line(5, "SYN-RECEIVED --> <SEQ=100><ACK=301><CTL=SYN,ACK> ..."),
            line(6, "ESTABLISHED  <-- <SEQ=300><ACK=101><CTL=SYN,ACK> <-- SYN-RECEIVED"),
            line(7, "             ... <SEQ=100><ACK=301><CTL=SYN,ACK> --> ESTABLISHED"),
        ],
        remark: Some(
            "§3.10.7.4, first, contradicts lines 6 and 7: the SYN,ACK begins at IRS, before RCV.NXT, and so is not \
             acceptable (erratum 3305)",
        ),
    },
    Figure {
        number: 8,
        title: "Recovery from Old Duplicate SYN",
        iss: [&[90, 100], &[300, 400]],
        before: &[Calls(A, ACTIVE), Calls(A, Call::Close), Calls(B, Call::OpenPassive)],
        lines: &[
            line(1, "CLOSED                                               LISTEN"),
            after(&[Calls(A, ACTIVE)], 2, "SYN-SENT    --> <SEQ=100><CTL=SYN>               ..."),
            line(3, "(duplicate) ... <SEQ=90><CTL=SYN>               --> SYN-RECEIVED"),
            line(4, "SYN-SENT    <-- <SEQ=300><ACK=91><CTL=SYN,ACK>  <-- SYN-RECEIVED"),
            line(5, "SYN-SENT    --> <SEQ=91><CTL=RST>               --> LISTEN"),
            line(6, "            ... <SEQ=100><CTL=SYN>               --> SYN-RECEIVED"),
            line(7, "ESTABLISHED <-- <SEQ=400><ACK=101><CTL=SYN,ACK>  <-- SYN-RECEIVED"),
            line(8, "ESTABLISHED --> <SEQ=101><ACK=401><CTL=ACK>      --> ESTABLISHED"),
        ],
        remark: None,
    },
    Figure {
        number: 9,
        title: "Half-Open Connection Discovery",
        iss: [&[99, 400], &[299]],
        before: ESTABLISHED,
        lines: &[
            after(&[Reboots(A)], 1, "(REBOOT)                              (send 300,receive 100)"),
            line(2, "CLOSED                                           ESTABLISHED"),
            after(&[Calls(A, ACTIVE)], 3, "SYN-SENT --> <SEQ=400><CTL=SYN>              --> (??)"),
            line(4, "(!!)     <-- <SEQ=300><ACK=100><CTL=ACK>     <-- ESTABLISHED"),
            line(5, "SYN-SENT --> <SEQ=100><CTL=RST>              --> (Abort!!)"),
            line(6, "SYN-SENT                                         CLOSED"),
            after(&[Timeout(A, Timer::Retransmit)], 7, "SYN-SENT --> <SEQ=400><CTL=SYN>              -->"),
        ],
        remark: Some(
            "After line 5 \"the problem is now reduced to the basic three-way handshake of Figure 6\" (§3.5.1) only if B's \
             user has opened again: as drawn, in CLOSED, B answers the SYN with a reset (§3.10.7.1)",
        ),
    },
    Figure {
        number: 10,
        title: "Active Side Causes Half-Open Connection Discovery",
        iss: [&[99], &[299]],
        before: ESTABLISHED,
        lines: &[
            after(&[Reboots(A)], 1, "(REBOOT)                                  (send 300,receive 100)"),
            after(&[Calls(B, SEND)], 2, "(??)    <-- <SEQ=300><ACK=100><DATA=10><CTL=ACK> <-- ESTABLISHED"),
            line(3, "        --> <SEQ=100><CTL=RST>                   --> (ABORT!!)"),
        ],
        remark: None,
    },
    Figure {
        number: 11,
        title: "Old Duplicate SYN Initiates a Reset on Two Passive Sockets",
        iss: [&[Z], &[X]],
        before: &[Calls(A, ACTIVE), Calls(A, Call::Close), Calls(A, Call::OpenPassive), Calls(B, Call::OpenPassive)],
        lines: &[
            line(1, "LISTEN                                        LISTEN"),
            line(2, "     ... <SEQ=Z><CTL=SYN>                -->  SYN-RECEIVED"),
            line(3, "(??) <-- <SEQ=X><ACK=Z+1><CTL=SYN,ACK>   <--  SYN-RECEIVED"),
            line(4, "     --> <SEQ=Z+1><CTL=RST>              -->  (return to LISTEN!)"),
            line(5, "LISTEN                                        LISTEN"),
        ],
        remark: None,
    },
    Figure {
        number: 12,
        title: "Normal Close Sequence",
        iss: [&[99], &[299]],
        before: ESTABLISHED,
        lines: &[
            line(1, "ESTABLISHED                                          ESTABLISHED"),
            after(&[Calls(A, Call::Close)], 2, "FIN-WAIT-1  --> <SEQ=100><ACK=300><CTL=FIN,ACK>  --> CLOSE-WAIT"),
            line(3, "FIN-WAIT-2  <-- <SEQ=300><ACK=101><CTL=ACK>      <-- CLOSE-WAIT"),
            after(&[Calls(B, Call::Close)], 4, "TIME-WAIT   <-- <SEQ=300><ACK=101><CTL=FIN,ACK>  <-- LAST-ACK"),
            line(5, "TIME-WAIT   --> <SEQ=101><ACK=301><CTL=ACK>      --> CLOSED"),
            after(&[Timeout(A, Timer::TimeWait)], 6, "CLOSED"),
        ],
        remark: None,
    },
    Figure {
        number: 13,
        title: "Simultaneous Close Sequence",
        iss: [&[99], &[299]],
        before: ESTABLISHED,
        lines: &[
            line(1, "ESTABLISHED                                          ESTABLISHED"),
            after(
                &[Calls(A, Call::Close), Calls(B, Call::Close)],
                2,
                "FIN-WAIT-1  --> <SEQ=100><ACK=300><CTL=FIN,ACK>  ... FIN-WAIT-1",
            ),
            line(2, "            <-- <SEQ=300><ACK=100><CTL=FIN,ACK>  <--"),
            line(2, "            ... <SEQ=100><ACK=300><CTL=FIN,ACK>  -->"),
            line(3, "CLOSING     --> <SEQ=101><ACK=301><CTL=ACK>      ... CLOSING"),
            line(3, "            <-- <SEQ=301><ACK=101><CTL=ACK>      <--"),
            line(3, "            ... <SEQ=101><ACK=301><CTL=ACK>      -->"),
            line(4, "TIME-WAIT                                            TIME-WAIT"),
            after(
                &[Timeout(A, Timer::TimeWait), Timeout(B, Timer::TimeWait)],
                4,
                "CLOSED                                               CLOSED",
            ),
        ],
        remark: Some(
            "§3.6, case 3, contradicts line 4: \"Both will, upon receiving these ACKs, delete the connection\", without \
             TIME-WAIT; §3.10.7.4 agrees with the figure",
        ),
    },
];

/// What a line says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drawn {
    /// The states of both ends after it, where they are drawn.
    pub states: [Option<State>; 2],
    /// Its segment.
    pub segment: Option<DrawnSegment>,
}

/// A segment as drawn. Its length is left out (§3.5): a model's octet stands for all that a figure sends at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DrawnSegment {
    /// Who has sent it.
    pub from: Side,
    /// It leaves in this line.
    pub departs: bool,
    /// It arrives in this line.
    pub arrives: bool,
    /// SEG.SEQ, in the figure's numbers.
    pub seq: u32,
    /// SEG.ACK, in the figure's numbers.
    pub ack: Option<u32>,
    /// Whether it carries text.
    pub text: bool,
    /// The control bits.
    pub flags: Flags,
}

/// Reads a line; `None` if it is not drawn as the RFC draws.
#[must_use]
pub fn read(drawn: &str) -> Option<Drawn> {
    let Some((left, rest)) = drawn.split_once("<SEQ") else {
        let (left, right) = drawn.split_once("  ").unwrap_or((drawn, ""));
        return Some(Drawn { states: [state(left)?, state(right)?], segment: None });
    };
    let (fields, right) = rest.split_once(' ')?;
    let (left, left_arrow) = left.trim().split_at_checked(left.trim().len().checked_sub(ARROW)?)?;
    let (right_arrow, right) = right.trim().split_at_checked(ARROW)?;
    let (from, departs, arrives) = match (left_arrow, right_arrow) {
        ("-->", "-->") => (A, true, true),
        ("-->", "...") => (A, true, false),
        ("...", "-->") => (A, false, true),
        ("<--", "<--") => (B, true, true),
        ("...", "<--") => (B, true, false),
        ("<--", "...") => (B, false, true),
        _ => return None,
    };
    let nothing = DrawnSegment { from, departs, arrives, seq: 0, ack: None, text: false, flags: Flags::default() };
    let segment = fields.strip_suffix('>')?.split("><").try_fold(nothing, with_field)?;
    Some(Drawn { states: [state(left)?, state(right)?], segment: Some(segment) })
}

/// The length of an arrow, or of the dots where there is none.
const ARROW: usize = 3;

/// The state in a column, if the column has one: some stand in parentheses, in other words.
fn state(column: &str) -> Option<Option<State>> {
    let column = column.trim();
    let named = State::ALL.into_iter().find(|state| state.name() == column);
    match column {
        "(Abort!!)" | "(ABORT!!)" => Some(Some(State::Closed)),
        "(return to LISTEN!)" => Some(Some(State::Listen)),
        _ if column.is_empty() || column.starts_with('(') => Some(None),
        _ => named.map(Some),
    }
}

/// One more of `=100`, as SEQ begins, `ACK=301`, `CTL=SYN,ACK`, `DATA` and `DATA=10`.
fn with_field(segment: DrawnSegment, field: &str) -> Option<DrawnSegment> {
    let (name, value) = field.split_once('=').unwrap_or((field, ""));
    match name {
        "" => Some(DrawnSegment { seq: number(value)?, ..segment }),
        "ACK" => Some(DrawnSegment { ack: Some(number(value)?), ..segment }),
        "CTL" => Some(DrawnSegment { flags: value.split(',').try_fold(segment.flags, with_flag)?, ..segment }),
        "DATA" => Some(DrawnSegment { text: true, ..segment }),
        _ => None,
    }
}

fn with_flag(flags: Flags, name: &str) -> Option<Flags> {
    let flag = match name {
        "SYN" => Flag::Syn,
        "ACK" => Flag::Ack,
        "FIN" => Flag::Fin,
        "RST" => Flag::Rst,
        _ => return None,
    };
    Some(flags.with(flag))
}

/// `100`, `Z` or `Z+1`.
fn number(text: &str) -> Option<u32> {
    let (base, plus) = text.split_once('+').unwrap_or((text, "0"));
    let base = match base {
        "Z" => Z,
        "X" => X,
        digits => digits.parse().ok()?,
    };
    Some(base + plus.parse::<u32>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_can_be_read() {
        for figure in FIGURES {
            for line in figure.lines {
                assert!(read(line.drawn).is_some(), "Figure {}: {}", figure.number, line.drawn);
            }
        }
    }

    #[test]
    fn a_line_says_who_sends_what_and_where_it_is() {
        let crossing = read("             ... <SEQ=Z><ACK=X+1><CTL=SYN,ACK> --> ESTABLISHED").expect("it can be read");
        assert_eq!(crossing.states, [None, Some(State::Established)]);
        let segment = crossing.segment.expect("it has one");
        assert_eq!((segment.from, segment.departs, segment.arrives), (A, false, true));
        assert_eq!((segment.seq, segment.ack, segment.flags), (Z, Some(X + 1), Flags::SYN_ACK));
        let data = read("(??)    <-- <SEQ=300><ACK=100><DATA=10><CTL=ACK> <-- ESTABLISHED").expect("it can be read");
        let segment = data.segment.expect("it has one");
        assert_eq!((segment.from, segment.departs, segment.arrives, segment.text), (B, true, true, true));
        assert_eq!(data.states, [None, Some(State::Established)]);
    }

    #[test]
    fn what_the_rfc_does_not_draw_cannot_be_read() {
        for drawn in
            ["OPEN", "CLOSED --> <SEQ=1><CTL=SYN>", "CLOSED --> <SEQ=1><CTL=SIN> -->", "--> <SEQ=W><CTL=SYN> ..."]
        {
            assert_eq!(read(drawn), None, "{drawn}");
        }
    }
}
