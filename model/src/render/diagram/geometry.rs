//! Where the drawing has its states, and which way each arrow runs: the one part of the diagram that is made by hand.
//!
//! It is Figure 5 of RFC 9293 on a landscape page: opening above, closing below, the active closer left, the passive
//! one right, and CLOSED twice. What the figure leaves out runs around it in lanes on the left and below.

use super::Arrow;
use crate::state::State::{
    self, CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
};

/// A place on the page: to the right, and down.
pub type Point = (i32, i32);

/// The page has the proportions of A4.
pub const PAGE: Point = (1200, 848);
/// Half the width and half the height of a state's box.
pub const HALF_BOX: Point = (70, 24);

/// The middle of the CLOSED where a connection begins.
pub const BEGIN: Point = (600, 52);
/// The middle of the CLOSED where it ends.
pub const END: Point = (990, 712);

/// The middle of each state's box. CLOSED is drawn twice, as in Figure 5: where a connection begins and where it ends.
pub const BOXES: &[(State, Point)] = &[
    (Closed, BEGIN),
    (Listen, (600, 166)),
    (SynReceived, (210, 285)),
    (SynSent, (990, 285)),
    (Established, (600, 398)),
    (FinWait1, (210, 515)),
    (CloseWait, (990, 515)),
    (FinWait2, (210, 616)),
    (Closing, (600, 616)),
    (LastAck, (990, 616)),
    (TimeWait, (600, 712)),
    (Closed, END),
];

/// The middles of the boxes that an arrow joins: what is past ESTABLISHED ends in the lower CLOSED.
#[must_use]
pub fn ends(from: State, to: State) -> (Point, Point) {
    let middle = |state| BOXES.iter().find(|(here, _)| *here == state).map_or(BEGIN, |&(_, middle)| middle);
    let is_past = middle(from).1 > middle(Established).1;
    (middle(from), if to == Closed && is_past { END } else { middle(to) })
}

/// The way of an arrow.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// From this state ...
    pub from: State,
    /// ... to that.
    pub to: State,
    /// Whether Figure 5 draws it.
    pub line: Line,
    /// From the border of one box to the border of the other, with a corner at each point between.
    pub points: &'static [Point],
    /// Where its label stands.
    pub label: (Point, Side),
}

/// How an arrow is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// Figure 5 has it.
    Figure,
    /// Figure 5 leaves it out.
    Beyond,
}

/// Where a label stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The event above the arrow and the actions below, so that the arrow is the line between them.
    Across,
    /// Left of the arrow, which comes from above or below.
    Left,
    /// Right of it.
    Right,
    /// In one line, above the arrow.
    Along,
}

use Line::{Beyond, Figure};
use Side::{Across, Along, Left, Right};

const fn route((from, to): (State, State), line: Line, points: &'static [Point], label: (Point, Side)) -> Route {
    Route { from, to, line, points, label }
}

/// One for each arrow that some profile draws.
pub const ROUTES: &[Route] = &[
    // Opening.
    route((Closed, Listen), Figure, &[(572, 76), (572, 142)], ((562, 109), Left)),
    route((Listen, Closed), Figure, &[(628, 142), (628, 76)], ((638, 109), Right)),
    route((Closed, SynSent), Figure, &[(670, 44), (1030, 44), (1030, 261)], ((1040, 160), Right)),
    route((SynSent, Closed), Figure, &[(990, 261), (990, 64), (670, 64)], ((980, 112), Left)),
    route((Listen, SynSent), Figure, &[(670, 166), (950, 166), (950, 261)], ((808, 166), Across)),
    route((Listen, SynReceived), Figure, &[(530, 178), (246, 178), (246, 261)], ((388, 178), Across)),
    route((SynReceived, Listen), Figure, &[(174, 261), (174, 154), (530, 154)], ((352, 154), Across)),
    route((SynSent, SynReceived), Figure, &[(920, 285), (280, 285)], ((600, 285), Across)),
    route((SynReceived, Established), Figure, &[(246, 309), (246, 398), (530, 398)], ((388, 398), Across)),
    route((SynSent, Established), Figure, &[(950, 309), (950, 398), (670, 398)], ((810, 398), Across)),
    // Closing.
    route((SynReceived, FinWait1), Figure, &[(174, 309), (174, 491)], ((164, 420), Left)),
    route((Established, FinWait1), Figure, &[(572, 422), (572, 458), (246, 458), (246, 491)], ((400, 458), Across)),
    route((Established, CloseWait), Figure, &[(628, 422), (628, 458), (990, 458), (990, 491)], ((810, 458), Across)),
    route((FinWait1, FinWait2), Figure, &[(210, 539), (210, 592)], ((220, 566), Right)),
    route((FinWait1, Closing), Figure, &[(280, 515), (572, 515), (572, 592)], ((426, 515), Across)),
    route((FinWait2, TimeWait), Figure, &[(246, 640), (246, 712), (530, 712)], ((388, 712), Across)),
    route((Closing, TimeWait), Figure, &[(600, 640), (600, 688)], ((610, 664), Right)),
    route((CloseWait, LastAck), Figure, &[(990, 539), (990, 592)], ((1000, 566), Right)),
    route((LastAck, Closed), Figure, &[(990, 640), (990, 688)], ((1000, 664), Right)),
    route((TimeWait, Closed), Figure, &[(670, 712), (920, 712)], ((795, 712), Across)),
    // What the figure leaves out.
    route(
        (SynReceived, TimeWait),
        Beyond,
        &[(140, 297), (96, 297), (96, 764), (580, 764), (580, 736)],
        ((388, 764), Along),
    ),
    route(
        (TimeWait, SynReceived),
        Beyond,
        &[(620, 736), (620, 786), (72, 786), (72, 273), (140, 273)],
        ((388, 786), Along),
    ),
    route((FinWait2, Closed), Beyond, &[(174, 640), (174, 808), (974, 808), (974, 736)], ((600, 808), Along)),
    route(
        (FinWait1, Closed),
        Beyond,
        &[(140, 515), (120, 515), (120, 830), (1006, 830), (1006, 736)],
        ((600, 830), Along),
    ),
    // What only the letter does.
    route(
        (SynReceived, CloseWait),
        Beyond,
        &[(280, 297), (310, 297), (310, 486), (896, 486), (896, 515), (920, 515)],
        ((690, 486), Along),
    ),
    route((CloseWait, Closing), Beyond, &[(920, 527), (628, 527), (628, 592)], ((774, 527), Across)),
];

impl Route {
    /// Whether it is the way of this arrow.
    #[must_use]
    pub fn joins(&self, arrow: &Arrow) -> bool {
        (self.from, self.to) == (arrow.from, arrow.to)
    }
}
