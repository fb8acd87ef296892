//! What a system does with a stimulus, in a few letters.

use std::fmt;

use crate::run::Seen;
use crate::script::Flags;
use crate::system::{Errno, State};

/// What was seen.
///
/// ```text
/// -          nothing           A→EST    it acknowledges, and is ESTABLISHED
/// SA         a SYN,ACK         a        it acknowledges, but not at once
/// R  RA      a RST, a RST,ACK  !RST     the user is told of a reset
/// R+S        both, in order    !PIPE    the user is told EPIPE
/// ```
///
/// `→CLO` says that there is no connection any more; a listener may remain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Each segment that was sent at once.
    pub at_once: Vec<Seen>,
    /// Each that was sent later, within the time that an acknowledgment may take.
    pub later: Vec<Seen>,
    /// The state afterwards, if it is another.
    pub state: Option<State>,
    /// What the user is told.
    pub error: Option<Errno>,
}

impl fmt::Display for Reaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_once = self.at_once.iter().map(letters);
        // What only repeats an earlier segment is no reaction: its timer has gone off.
        let later = self.later.iter().filter(|seen| !seen.again).map(|seen| letters(seen).to_lowercase());
        let segments: Vec<String> = at_once.chain(later).collect();
        f.write_str(&if segments.is_empty() { "-".to_owned() } else { segments.join("+") })?;
        if let Some(state) = self.state {
            write!(f, "→{}", short(state))?;
        }
        match self.error {
            None => Ok(()),
            Some(Errno::ECONNRESET) => f.write_str("!RST"),
            Some(Errno::EPIPE) => f.write_str("!PIPE"),
            Some(Errno::ECONNREFUSED) => f.write_str("!REF"),
            Some(other) => write!(f, "!{other}"),
        }
    }
}

fn letters(seen: &Seen) -> String {
    let letters = [(Flags::SYN, 'S'), (Flags::FIN, 'F'), (Flags::RST, 'R'), (Flags::ACK, 'A')];
    let set = letters.iter().filter(|(flag, _)| seen.packet.flags.contains(*flag)).map(|(_, letter)| *letter);
    let text = (seen.packet.sequence.length > Some(0)).then_some('D');
    set.chain(text).collect()
}

const fn short(state: State) -> &'static str {
    match state {
        State::Closed => "CLO",
        State::Listen => "LIS",
        State::SynSent => "SS",
        State::SynReceived => "SR",
        State::Established => "EST",
        State::FinWait1 => "FW1",
        State::FinWait2 => "FW2",
        State::CloseWait => "CW",
        State::Closing => "CLG",
        State::LastAck => "LA",
        State::TimeWait => "TW",
    }
}
