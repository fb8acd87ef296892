//! F-RTO (RFC 5682): was a timeout spurious? After it only the first segment is sent again. If the next acknowledgment moves on,
//! new text is sent instead of old; if the one after that tells of something that was sent only once, before the timeout,
//! then nothing was lost but time.

/// How far the suspicion has come (§2.1 and §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum FRto {
    /// Step 1: the first segment leaves again; nothing is heard yet.
    Repeated,
    /// Step 2b: something new was acknowledged; new text leaves.
    Waiting,
    /// The timeout was right, or there is no telling.
    Settled,
}

/// What an acknowledgment after the timeout brings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// SND.UNA moved.
    pub advanced: bool,
    /// All that was sent before the timeout is acknowledged.
    pub complete: bool,
    /// The peer has something that was sent only once, before the timeout.
    pub original: bool,
    /// There is new text that may leave.
    pub more_to_send: bool,
}

impl FRto {
    /// An acknowledgment arrives. Returns whether the timeout is found to have been spurious.
    pub fn heard(&mut self, evidence: Evidence) -> bool {
        let Evidence { advanced, complete, original, more_to_send } = evidence;
        let (next, spurious) = match self {
            FRto::Repeated if advanced && !complete && more_to_send => (FRto::Waiting, false),
            FRto::Waiting if original => (FRto::Settled, true),
            FRto::Repeated | FRto::Waiting | FRto::Settled => (FRto::Settled, false),
        };
        *self = next;
        spurious
    }

    /// Whether retransmission beyond the first segment waits for the outcome.
    pub fn holds_back(self) -> bool {
        match self {
            FRto::Waiting => true,
            FRto::Repeated | FRto::Settled => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOVES_ON: Evidence = Evidence { advanced: true, complete: false, original: false, more_to_send: true };

    #[test]
    fn two_acknowledgments_that_move_on_make_the_timeout_spurious() {
        let mut frto = FRto::Repeated;
        assert!(!frto.heard(MOVES_ON));
        assert!(frto.holds_back());
        assert!(frto.heard(Evidence { original: true, ..MOVES_ON }));
        assert!(!frto.holds_back());
    }

    #[test]
    fn a_duplicate_or_nothing_to_send_settles_it() {
        let duplicate = Evidence { advanced: false, ..MOVES_ON };
        let complete = Evidence { complete: true, ..MOVES_ON };
        let nothing = Evidence { more_to_send: false, ..MOVES_ON };
        for evidence in [duplicate, complete, nothing] {
            let mut frto = FRto::Repeated;
            assert!(!frto.heard(evidence));
            assert_eq!(frto, FRto::Settled);
        }
        let mut frto = FRto::Waiting;
        assert!(!frto.heard(duplicate));
        assert_eq!(frto, FRto::Settled);
    }
}
