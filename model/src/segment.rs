//! A segment as the state machine sees it: header fields and lengths, no bytes (RFC 9293 §3.1, §3.3.1).

use crate::seq::SeqNum;
use core::fmt;

/// A control bit that the state machine looks at (RFC 9293 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Flag {
    /// No more data from sender.
    Fin,
    /// Synchronize sequence numbers.
    Syn,
    /// Reset the connection.
    Rst,
    /// Push function.
    Psh,
    /// Acknowledgment field is significant.
    Ack,
    /// Urgent pointer field is significant.
    Urg,
}

impl Flag {
    /// All six, in the order of their bits on the wire.
    pub const ALL: [Flag; 6] = [Flag::Fin, Flag::Syn, Flag::Rst, Flag::Psh, Flag::Ack, Flag::Urg];

    const fn bit(self) -> u8 {
        match self {
            Flag::Fin => 1,
            Flag::Syn => 2,
            Flag::Rst => 4,
            Flag::Psh => 8,
            Flag::Ack => 16,
            Flag::Urg => 32,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Flag::Fin => "FIN",
            Flag::Syn => "SYN",
            Flag::Rst => "RST",
            Flag::Psh => "PSH",
            Flag::Ack => "ACK",
            Flag::Urg => "URG",
        }
    }
}

/// A set of control bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u8);

impl Flags {
    /// `<CTL=SYN>`
    pub const SYN: Flags = Flags::of(&[Flag::Syn]);
    /// `<CTL=SYN,ACK>`
    pub const SYN_ACK: Flags = Flags::of(&[Flag::Syn, Flag::Ack]);
    /// `<CTL=ACK>`
    pub const ACK: Flags = Flags::of(&[Flag::Ack]);
    /// `<CTL=FIN,ACK>`
    pub const FIN_ACK: Flags = Flags::of(&[Flag::Fin, Flag::Ack]);
    /// `<CTL=RST>`
    pub const RST: Flags = Flags::of(&[Flag::Rst]);
    /// `<CTL=RST,ACK>`
    pub const RST_ACK: Flags = Flags::of(&[Flag::Rst, Flag::Ack]);

    /// The set of the given bits.
    #[must_use]
    pub const fn of(flags: &[Flag]) -> Flags {
        let mut bits = 0;
        let mut i = 0;
        while i < flags.len() {
            bits |= flags[i].bit();
            i += 1;
        }
        Flags(bits)
    }

    /// The set whose bits are the low six of a TCP header's flag octet; ECE and CWR are no business of this machine.
    #[must_use]
    pub const fn from_wire(octet: u8) -> Flags {
        Flags(octet & 0x3f)
    }

    /// The flag octet of a TCP header, ECE and CWR clear.
    #[must_use]
    pub const fn to_wire(self) -> u8 {
        self.0
    }

    /// Whether `flag` is set.
    #[must_use]
    pub const fn has(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }

    /// This set and `flag`.
    #[must_use]
    pub const fn with(self, flag: Flag) -> Flags {
        Flags(self.0 | flag.bit())
    }
}

impl fmt::Display for Flags {
    /// As the RFC writes them: `SYN,ACK`; `-` for none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = [Flag::Syn, Flag::Fin, Flag::Rst, Flag::Psh, Flag::Urg, Flag::Ack];
        let mut first = true;
        for flag in order.into_iter().filter(|&flag| self.has(flag)) {
            f.write_str(if first { "" } else { "," })?;
            f.write_str(flag.name())?;
            first = false;
        }
        if first { f.write_str("-") } else { Ok(()) }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The header fields of a segment and the length of its text (RFC 9293 §3.3.1, "current segment variables").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Segment<S: SeqNum> {
    /// SEG.SEQ: the number of the first octet, or of the SYN if there is one.
    pub seq: S,
    /// SEG.ACK: the next number its sender expects; meaningful only with the ACK bit.
    pub ack: S,
    /// The control bits.
    pub flags: Flags,
    /// The number of octets of text, without SYN and FIN.
    pub text: S::Len,
    /// SEG.WND, in octets, after scaling.
    pub wnd: S::Len,
    /// SEG.UP: the urgent pointer, an offset from SEG.SEQ; meaningful only with the URG bit.
    pub up: S::Len,
}

impl<S: SeqNum> Segment<S> {
    /// A segment without text and with nothing urgent.
    #[must_use]
    pub fn control(seq: S, ack: S, flags: Flags, wnd: S::Len) -> Self {
        Segment { seq, ack, flags, text: S::Len::default(), wnd, up: S::Len::default() }
    }

    /// Whether the control bit is set.
    #[must_use]
    pub fn has(&self, flag: Flag) -> bool {
        self.flags.has(flag)
    }

    /// SEG.LEN: the number of sequence numbers it occupies, counting SYN and FIN (RFC 9293 §3.4).
    #[must_use]
    pub fn len(&self) -> u32 {
        let text: u32 = self.text.into();
        text.saturating_add(u32::from(self.has(Flag::Syn))).saturating_add(u32::from(self.has(Flag::Fin)))
    }

    /// Whether it occupies no sequence number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SEG.SEQ+SEG.LEN: the number after its last.
    #[must_use]
    pub fn end(&self) -> S {
        self.seq.plus(self.len())
    }

    /// The number of the first octet of its text: a SYN comes before it.
    #[must_use]
    pub fn text_seq(&self) -> S {
        self.seq.plus(u32::from(self.has(Flag::Syn)))
    }
}

impl<S: SeqNum> fmt::Display for Segment<S> {
    /// In the notation of the RFC's figures: `<SEQ=100><ACK=300><CTL=SYN,ACK>`, with the text's length if there is text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<SEQ={}>", self.seq)?;
        if self.has(Flag::Ack) {
            write!(f, "<ACK={}>", self.ack)?;
        }
        let text: u32 = self.text.into();
        if text > 0 {
            write!(f, "<TEXT={text}>")?;
        }
        write!(f, "<CTL={}>", self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seq::Seq;

    #[test]
    fn syn_and_fin_each_occupy_one_number() {
        let segment = |flags, text| Segment { text, ..Segment::control(Seq::new(u32::MAX), Seq::new(0), flags, 0) };
        assert!(segment(Flags::ACK, 0).is_empty());
        assert_eq!(segment(Flags::SYN, 0).end(), Seq::new(0));
        assert_eq!(segment(Flags::SYN.with(Flag::Fin), 3).len(), 5);
        assert_eq!(segment(Flags::SYN, 3).text_seq(), Seq::new(0));
        assert_eq!(segment(Flags::FIN_ACK, 3).text_seq(), Seq::new(u32::MAX));
    }

    #[test]
    fn it_prints_as_the_rfc_draws_it() {
        let segment = Segment { text: 2, ..Segment::control(Seq::new(7), Seq::new(9), Flags::FIN_ACK, 4) };
        assert_eq!(segment.to_string(), "<SEQ=7><ACK=9><TEXT=2><CTL=FIN,ACK>");
        assert_eq!(Segment::control(Seq::new(7), Seq::new(9), Flags::RST, 0).to_string(), "<SEQ=7><CTL=RST>");
    }
}
