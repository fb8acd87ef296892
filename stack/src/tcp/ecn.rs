//! Explicit congestion notification (RFC 3168): routers mark what they would else drop, and the receiver tells the sender.
//!
//! Both SYNs have to ask for it (§6.1.1). New text is then sent as ECN-capable, and nothing else is: no SYN, no bare
//! acknowledgment, no retransmission, no probe (§6.1.1, §6.1.4 to §6.1.6). The receiver says ECE in every segment from a
//! mark until it hears CWR (§6.1.3); the sender slows down once per window and says CWR with the next new text (§6.1.2).

use lockstep_model::{Flag, Segment, Seq, SeqNum};

use super::options::Dressed;
use crate::wire::TcpFlags;

/// The two bits of the IP header's octet of service: ECN-capable, as a sender says it,
const ECT_0: u8 = 0b10;

/// and congestion experienced, as a router says it.
pub(super) const CE: u8 = 0b11;

/// What an arriving segment says of congestion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// The peer has seen a mark.
    pub ece: bool,
    /// The peer has slowed down because of ours; in a SYN, that it knows ECN.
    pub cwr: bool,
    /// A router has marked the datagram.
    pub ce: bool,
}

impl Marks {
    /// Those of a segment with these flags in a datagram with this octet of service.
    pub fn of(flags: TcpFlags, dscp_ecn: u8) -> Self {
        let ce = dscp_ecn & CE == CE;
        Self { ece: flags.contains(TcpFlags::ECE), cwr: flags.contains(TcpFlags::CWR), ce }
    }
}

/// Whether an acknowledgment echoes a mark (§6.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Echo {
    /// It does not.
    #[default]
    None,
    /// It does, and the sender has slowed down for this window already: it does not grow.
    Again,
    /// It is the first in this window: the sender has to slow down.
    First,
}

/// One connection's part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ecn {
    /// Both have asked for it.
    agreed: bool,
    /// A mark was seen, and the peer has not said that he knows.
    echo: bool,
    /// The window is smaller than before, which the peer has not been told.
    cwr_due: bool,
    /// The window was reduced when `reduced_at` was SND.NXT, which has not been passed: no echo until then is a new one.
    reduced: bool,
    reduced_at: Seq,
}

impl Ecn {
    /// Agreed on or not; nothing has been marked yet.
    pub fn new(agreed: bool) -> Self {
        Self { agreed, echo: false, cwr_due: false, reduced: false, reduced_at: Seq::new(0) }
    }

    /// Whether it is in use.
    pub fn is_agreed(&self) -> bool {
        self.agreed
    }

    /// The peer's SYN is accepted: it asks with both bits, and a SYN,ACK answers with one. One that answers with both has
    /// only reflected ours (§6.1.1.1).
    pub fn agree(&mut self, wanted: bool, syn: &Segment<Seq>, marks: Marks) {
        self.agreed = wanted && marks.ece && marks.cwr != syn.has(Flag::Ack);
    }

    /// Text within the window has arrived.
    pub fn received(&mut self, marks: Marks) {
        if self.agreed {
            self.echo = (self.echo && !marks.cwr) || marks.ce;
        }
    }

    /// An acknowledgment of new data up to `una` has arrived.
    pub fn heard(&mut self, marks: Marks, una: Seq, nxt: Seq) -> Echo {
        self.reduced &= !una.after(self.reduced_at);
        if !self.agreed || !marks.ece {
            Echo::None
        } else if self.reduced {
            Echo::Again
        } else {
            self.reduced(nxt);
            Echo::First
        }
    }

    /// The window is smaller than before, for whatever reason: what was in flight then says nothing new.
    pub fn reduced(&mut self, nxt: Seq) {
        if self.agreed {
            (self.reduced, self.reduced_at) = (true, nxt);
            self.cwr_due = true;
        }
    }

    /// The window was reduced for nothing and is as it was: what was in flight may still tell of congestion.
    pub fn has_its_window_back(&mut self) {
        self.reduced = false;
    }

    /// Whether the window was reduced after the segment with `seq` had left.
    pub fn has_slowed_down_for(&self, seq: Seq) -> bool {
        self.reduced && seq.before(self.reduced_at)
    }

    /// The bits that a segment carries besides its own; `asks` if we want it and nothing has been lost for that yet.
    pub fn flags(&self, segment: &Segment<Seq>, asks: bool) -> TcpFlags {
        match (segment.has(Flag::Rst), segment.has(Flag::Syn), segment.has(Flag::Ack)) {
            (false, true, false) if asks => TcpFlags::ECE | TcpFlags::CWR,
            (false, true, true) if self.agreed => TcpFlags::ECE,
            (false, false, true) if self.agreed && self.echo => TcpFlags::ECE,
            (true | false, true | false, true | false) => TcpFlags::default(),
        }
    }

    /// `dressed` is new text: routers may mark it, and it says that the window has become smaller.
    pub fn mark_new(&mut self, dressed: &mut Dressed) {
        if self.agreed {
            dressed.handling.dscp_ecn |= ECT_0;
            if std::mem::take(&mut self.cwr_due) {
                dressed.congestion |= TcpFlags::CWR;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_model::Flags;

    const NONE: Marks = Marks { ece: false, cwr: false, ce: false };
    const ECE: Marks = Marks { ece: true, ..NONE };
    const CWR: Marks = Marks { cwr: true, ..NONE };
    const BOTH: Marks = Marks { ece: true, cwr: true, ..NONE };
    const MARKED: Marks = Marks { ce: true, ..NONE };

    fn segment(flags: Flags) -> Segment<Seq> {
        Segment::control(Seq::new(0), Seq::new(0), flags, 0)
    }

    fn agreed() -> Ecn {
        let mut ecn = Ecn::new(false);
        ecn.agree(true, &segment(Flags::SYN), BOTH);
        assert!(ecn.is_agreed());
        ecn
    }

    #[test]
    fn only_two_who_ask_rightly_agree() {
        for (wanted, flags, marks, expected) in [
            (true, Flags::SYN, BOTH, true),
            (true, Flags::SYN, ECE, false),
            (true, Flags::SYN, CWR, false),
            (true, Flags::SYN, NONE, false),
            (true, Flags::SYN_ACK, ECE, true),
            (true, Flags::SYN_ACK, BOTH, false),
            (true, Flags::SYN_ACK, CWR, false),
            (true, Flags::SYN_ACK, NONE, false),
            (false, Flags::SYN, BOTH, false),
            (false, Flags::SYN_ACK, ECE, false),
        ] {
            let mut ecn = Ecn::new(false);
            ecn.agree(wanted, &segment(flags), marks);
            assert_eq!(ecn.is_agreed(), expected, "{wanted} {flags:?} {marks:?}");
        }
    }

    #[test]
    fn a_mark_is_echoed_until_the_peer_knows() {
        let mut ecn = agreed();
        let ack = segment(Flags::ACK);
        ecn.received(NONE);
        assert_eq!(ecn.flags(&ack, true), TcpFlags::default());
        ecn.received(MARKED);
        ecn.received(NONE);
        assert_eq!(ecn.flags(&ack, true), TcpFlags::ECE);
        // What says CWR may be marked itself.
        ecn.received(Marks { ce: true, ..CWR });
        assert_eq!(ecn.flags(&ack, true), TcpFlags::ECE);
        ecn.received(CWR);
        assert_eq!(ecn.flags(&ack, true), TcpFlags::default());
    }

    #[test]
    fn no_reset_says_anything_and_whoever_has_not_agreed_nothing() {
        let mut ecn = agreed();
        ecn.received(MARKED);
        assert_eq!(ecn.flags(&segment(Flags::RST_ACK), true), TcpFlags::default());
        let mut stranger = Ecn::new(false);
        stranger.received(MARKED);
        assert!([Flags::ACK, Flags::SYN_ACK].iter().all(|&flags| stranger.flags(&segment(flags), true).0 == 0));
        assert_eq!(stranger.heard(ECE, Seq::new(9), Seq::new(10)), Echo::None);
    }

    /// A peer who never stops to say ECE costs one reduction per window.
    #[test]
    fn the_sender_slows_down_once_per_window() {
        let mut ecn = agreed();
        let mut heard = |una, nxt| ecn.heard(ECE, Seq::new(una), Seq::new(nxt));
        assert_eq!(heard(100, 1000), Echo::First);
        assert_eq!((heard(500, 1500), heard(1000, 2000)), (Echo::Again, Echo::Again));
        assert_eq!(heard(1001, 2001), Echo::First);
    }

    #[test]
    fn a_timeout_counts_as_the_reduction_of_its_window() {
        let mut ecn = agreed();
        ecn.reduced(Seq::new(1000));
        assert_eq!(ecn.heard(ECE, Seq::new(1000), Seq::new(2000)), Echo::Again);
        assert_eq!(ecn.heard(ECE, Seq::new(1500), Seq::new(2000)), Echo::First);
    }
}
