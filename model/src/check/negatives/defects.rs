//! The defects of the text of RFC 9293, each put back into the repaired table where it makes a property fall. D6 and D7
//! make none fall: what the words allow there has no place in their own order of checks, or is never reached. F15 is what
//! the words leave to the user, with the table as it is.

use super::worlds::{self, CLEAR};
use super::{Case, cases};
use crate::check::mutate;
use crate::check::mutate::Edit::{Add, Drop};
use crate::check::properties::Property::*;

/// All of them.
pub const DEFECTS: &[Case] = &[
    Case {
        edits: &[Add("syn-sent/syn/established-window-unset")],
        world: worlds::handshake,
        falls: &[S17],
        ..cases::case("D1", "After an active OPEN nobody sets the send window.")
    },
    Case {
        edits: &[Add("ack-of-fin/time-wait/acknowledge")],
        world: worlds::simultaneous,
        falls: &[L3],
        ..cases::case("D2", "TIME-WAIT acknowledges whatever is acceptable.")
    },
    Case {
        edits: mutate::CLOSE_AT_ONCE,
        world: worlds::close,
        falls: &[S17],
        ..cases::case("D3", "CLOSE in SYN-RECEIVED enters FIN-WAIT-1 at once.")
    },
    Case {
        edits: &[Add("abort/open/time-wait")],
        world: worlds::close,
        falls: &[S7, S13],
        ..cases::case("D4", "The side that issues a reset enters TIME-WAIT.")
    },
    Case {
        edits: cases::RFC_5961_IN_SYN_RECEIVED,
        world: worlds::half_open,
        falls: &[L1],
        ..cases::case("D5", "In SYN-RECEIVED an ACK answers a bad ACK.")
    },
    Case {
        edits: &[Add("ack/syn-received/bad-falls-through"), Add("fin/syn-received"), Add("fin/syn-received/none")],
        world: worlds::old_segments::<CLEAR>,
        falls: &[S16],
        ..cases::case("D8", "After a bad ACK in SYN-RECEIVED the FIN is processed.")
    },
    Case {
        edits: &[Drop("receive/both-closed/deliver")],
        world: worlds::slow_reader,
        falls: &[S23],
        ..cases::case("D9", "RECEIVE refuses the text on hand once both have closed.")
    },
    Case {
        edits: cases::NO_FIN_WAIT_2_TIMER,
        world: worlds::reset_of_an_orphan,
        falls: &[L9],
        ..cases::case("D10", "Nothing ends FIN-WAIT-2.")
    },
    Case {
        edits: &[Drop("ack/new/window-not-newer")],
        world: worlds::both_ways,
        falls: &[S11],
        ..cases::case("D11", "An old segment with a new ACK moves the right edge of the send window.")
    },
    Case {
        edits: &[Drop("rst/syn-received/close-queued"), Drop("syn/syn-received/close-queued")],
        world: worlds::window,
        falls: &[S14],
        ..cases::case("D12", "Back in LISTEN the CLOSE that was queued is forgotten.")
    },
    Case {
        edits: cases::UNTHROTTLED,
        world: worlds::old_segments::<CLEAR>,
        falls: &[L3],
        ..cases::case("N8", "Every unacceptable segment is acknowledged.")
    },
    Case {
        world: worlds::handshake,
        falls: &[L4],
        ..cases::case("F15", "An old SYN meets a half-open end, and no user gives up.")
    },
];
