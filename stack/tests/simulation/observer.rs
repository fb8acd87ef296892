//! Somebody on the wire who has read RFC 9293 and knows no rule of any table: what a host says, what it answers at once, and
//! along which arrows its connections move.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use lockstep::stack::{Pair, Status, Transition};
use lockstep::wire::{Checksum, EthernetFrame, Ipv4Packet, Protocol, TcpSegment};
use lockstep_model::check::figure5;
use lockstep_model::{Flag, Flags, Segment, Seq, SeqNum, State, Table};

/// What is wrong, in a sentence.
pub type Complaint = &'static str;

/// A segment on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    source: SocketAddr,
    destination: SocketAddr,
    segment: Segment<Seq>,
}

impl Heard {
    /// What a frame carries; `None` if that is no segment, or one that did not survive.
    pub fn parse(frame: &[u8]) -> Option<Heard> {
        let frame = EthernetFrame::parse(frame).ok()?;
        let packet = Ipv4Packet::parse(frame.payload(), Checksum::Verify).ok()?;
        if packet.protocol() != Protocol::TCP {
            return None;
        }
        let tcp = TcpSegment::parse(packet.payload(), packet.pseudo_header(), Checksum::Verify).ok()?;
        let segment = Segment {
            seq: Seq::new(tcp.seq()),
            ack: Seq::new(tcp.ack()),
            flags: Flags::from_wire(tcp.flags().0),
            text: u32::try_from(tcp.text().len()).ok()?,
            wnd: tcp.window().into(),
            up: tcp.urgent().into(),
        };
        let source = (packet.source(), tcp.source_port()).into();
        Some(Heard { source, destination: (packet.destination(), tcp.destination_port()).into(), segment })
    }

    /// Its connection, as the receiver calls it.
    pub fn receivers(&self) -> Pair {
        Pair { local: self.destination, remote: self.source }
    }

    /// Its connection, as the sender calls it.
    pub fn senders(&self) -> Pair {
        Pair { local: self.source, remote: self.destination }
    }

    /// Whether it accepts a connection: SYN,ACK.
    pub fn accepts(&self) -> bool {
        self.has(Flag::Syn) && self.has(Flag::Ack)
    }

    /// Whether it may be answered only once, however often it arrives: it carries nothing that has to be acknowledged.
    pub fn carries_nothing(&self) -> bool {
        self.segment.text == 0 && !self.has(Flag::Fin)
    }

    /// Whether a connection in this state should be watched while it gets this.
    pub fn is_delicate(&self, state: State) -> bool {
        self.has(Flag::Rst)
            || state == State::Closed
            || (state.is_synchronized() && self.has(Flag::Syn))
            || (state == State::TimeWait && self.segment.is_empty())
    }

    fn has(&self, flag: Flag) -> bool {
        self.segment.has(flag)
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Heard { source, destination, segment } = self;
        write!(f, "{} > {} {segment}<WND={}>", source.port(), destination.port(), segment.wnd)
    }
}

/// What is known of the connections of one host.
#[derive(Debug, Default)]
pub struct Observer {
    /// What it last said, resets left out.
    said: BTreeMap<Pair, Segment<Seq>>,
    /// What its peer has offered.
    offers: BTreeMap<Pair, Offer>,
    /// The state before the present one.
    came_from: BTreeMap<Pair, State>,
}

/// How far a peer has allowed the host to go. It never takes back what it has offered.
#[derive(Clone, Copy, Debug)]
struct Offer {
    /// The highest SEG.SEQ.
    seq: Seq,
    /// The farthest SEG.ACK+SEG.WND.
    edge: Seq,
}

impl Offer {
    fn of(segment: &Segment<Seq>) -> Offer {
        Offer { seq: segment.seq, edge: segment.ack.plus(segment.wnd) }
    }

    /// What an old segment has offered counts too, unless it is one of another incarnation.
    fn update(&mut self, segment: &Segment<Seq>) {
        if segment.seq.since(self.seq).unsigned_abs() <= 1 << 17 {
            let later = |one: Seq, other: Seq| if one.after(other) { one } else { other };
            let Offer { seq, edge } = Offer::of(segment);
            *self = Offer { seq: later(seq, self.seq), edge: later(edge, self.edge) };
        }
    }
}

impl Observer {
    /// The peer really said this to the host, in this state.
    pub fn hears(&mut self, heard: &Heard, state: State) {
        if !heard.has(Flag::Ack) || heard.has(Flag::Rst) {
            return;
        }
        let (pair, segment) = (heard.receivers(), &heard.segment);
        // Whether the host looks at what lies beyond the window that it last announced, nobody knows.
        let outside = |said: &Segment<Seq>| segment.seq != said.ack && !segment.seq.before(said.ack.plus(said.wnd));
        if !state.is_synchronized() {
            // The last of these is the one that makes it synchronized.
            self.offers.insert(pair, Offer::of(segment));
        } else if self.said.get(&pair).is_some_and(outside) {
            self.offers.remove(&pair);
        } else if let Some(offer) = self.offers.get_mut(&pair) {
            offer.update(segment);
        }
    }

    /// The host says this. Beyond the window that it was offered it has at most one octet to say, a probe (RFC 9293 §3.8.6.1).
    pub fn says(&mut self, heard: &Heard) -> Result<(), Complaint> {
        let (pair, segment) = (heard.senders(), heard.segment);
        if heard.has(Flag::Rst) {
            return Ok(());
        }
        self.said.insert(pair, segment);
        let too_far = |offer: &Offer| segment.end().after(offer.edge.plus(1));
        if !segment.is_empty() && !heard.has(Flag::Syn) && self.offers.get(&pair).is_some_and(too_far) {
            return Err("it sends beyond the window that it was offered (RFC 9293 §3.8.6)");
        }
        Ok(())
    }

    /// A connection of the host changes its state.
    pub fn moves(&mut self, change: &Transition, table: &Table) -> Result<(), Complaint> {
        self.came_from.insert(change.pair, change.from);
        let stage = table.rule(change.rule).ok_or("no rule of its table made this change of state")?.stage;
        if figure5::allows(change.from, change.to, stage) {
            Ok(())
        } else {
            Err("neither Figure 5 of RFC 9293 nor the list of what is beyond it has this change of state there")
        }
    }

    /// What is known when this is about to arrive in this state.
    pub fn before(&self, heard: Heard, state: State) -> Before {
        let pair = heard.receivers();
        let (said, came_from) = (self.said.get(&pair).copied(), self.came_from.get(&pair).copied());
        Before { heard, state, said, came_from, rcv_nxt: None, rfc5961: false, knows_the_way: false }
    }
}

/// In a synchronized state both ends know each other's numbers (RFC 9293 §3.5.2, group 3).
pub fn is_sound(status: &Status) -> Result<(), Complaint> {
    if status.state.is_synchronized() && !(status.tcb.syn_acked() && status.tcb.window_known()) {
        return Err("it is synchronized, and its SYN is not acknowledged or the peer's window not known");
    }
    Ok(())
}

/// A segment that is about to arrive, and its connection.
#[derive(Debug)]
pub struct Before {
    heard: Heard,
    state: State,
    said: Option<Segment<Seq>>,
    came_from: Option<State>,
    /// RCV.NXT, where a user can be asked for it.
    pub rcv_nxt: Option<Seq>,
    /// The host follows RFC 5961.
    pub rfc5961: bool,
    /// The host knows its peer's Ethernet address: what it has to say need not wait.
    pub knows_the_way: bool,
}

impl Before {
    /// Judges what came of it: what the host said at once, and how the connection moved.
    pub fn judge(&self, answers: &[Heard], changes: &[Transition]) -> Result<(), Complaint> {
        self.resets_are_not_answered_by_resets(answers)?;
        self.nobody_answers_so_that_it_is_believed(answers)?;
        self.one_answer_is_enough(answers)?;
        self.acknowledgments_are_not_acknowledged(answers)?;
        self.who_is_refused_goes_back(changes)?;
        self.our_syn_is_acknowledged_first(changes)?;
        self.the_blind_do_no_harm(changes)
    }

    /// RFC 9293 §3.10.7.1: "An incoming segment containing a RST is discarded."
    fn resets_are_not_answered_by_resets(&self, answers: &[Heard]) -> Result<(), Complaint> {
        let resets = answers.iter().filter(|answer| answer.has(Flag::Rst)).count();
        if self.heard.has(Flag::Rst) && resets > 0 {
            return Err("a RST is answered by a RST");
        }
        if resets > 1 {
            return Err("a segment is reset twice");
        }
        Ok(())
    }

    /// RFC 9293 §3.5.2, group 1: nobody answers with a reset, which has the numbers that its receiver expects.
    fn nobody_answers_so_that_it_is_believed(&self, answers: &[Heard]) -> Result<(), Complaint> {
        if self.state != State::Closed || self.heard.has(Flag::Rst) {
            return Ok(());
        }
        if answers.is_empty() && self.knows_the_way {
            return Err("a segment to nobody gets no answer");
        }
        let segment = self.heard.segment;
        let is_right = |answer: &Heard| match segment.has(Flag::Ack) {
            true => answer.segment.flags == Flags::RST && answer.segment.seq == segment.ack,
            false => {
                let numbers = (answer.segment.seq, answer.segment.ack);
                answer.segment.flags == Flags::RST_ACK && numbers == (Seq::new(0), segment.end())
            }
        };
        if answers.iter().all(is_right) { Ok(()) } else { Err("the reset of nobody has the wrong numbers") }
    }

    /// Whoever has no connection answers a segment with a segment (RFC 9293 §3.10.7.1, §3.10.7.2).
    fn one_answer_is_enough(&self, answers: &[Heard]) -> Result<(), Complaint> {
        let has_connection = !matches!(self.state, State::Closed | State::Listen);
        if has_connection || answers.len() <= 1 { Ok(()) } else { Err("a segment to nobody is answered twice") }
    }

    /// RFC 9293 §3.5: "if it did, we would wind up ACKing ACKs!"
    fn acknowledgments_are_not_acknowledged(&self, answers: &[Heard]) -> Result<(), Complaint> {
        let Heard { segment, .. } = self.heard;
        let says_nothing_new = segment.is_empty()
            && segment.flags == Flags::ACK
            && self.said.is_some_and(|said| (segment.seq, segment.ack) == (said.ack, said.end()));
        if self.state == State::TimeWait && says_nothing_new && !answers.is_empty() {
            return Err("TIME-WAIT acknowledges an acknowledgment");
        }
        Ok(())
    }

    /// RFC 9293 §3.10.7.4, second, and §3.6.1 (MAY-2).
    fn who_is_refused_goes_back(&self, changes: &[Transition]) -> Result<(), Complaint> {
        let exact = self.heard.has(Flag::Rst) && self.said.is_some_and(|said| self.heard.segment.seq == said.ack);
        if self.state == State::SynReceived && exact && changes.is_empty() {
            return Err("refused in SYN-RECEIVED, it stays there");
        }
        let (State::SynReceived, Some(came_from), Some(change)) = (self.state, self.came_from, changes.last()) else {
            return Ok(());
        };
        let back = if came_from == State::SynSent { State::Closed } else { came_from };
        if self.heard.has(Flag::Rst) && change.to != back {
            return Err("refused in SYN-RECEIVED, it does not go back to where it came from");
        }
        Ok(())
    }

    /// RFC 9293 §3.10.7.4: "If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state"
    fn our_syn_is_acknowledged_first(&self, changes: &[Transition]) -> Result<(), Complaint> {
        let establishes =
            changes.iter().any(|change| (change.from, change.to) == (State::SynReceived, State::Established));
        let is_acknowledged = self.said.is_none_or(|said| self.heard.segment.ack == said.end());
        if establishes && !is_acknowledged {
            return Err("SYN-RECEIVED becomes ESTABLISHED, and our SYN is not acknowledged");
        }
        Ok(())
    }

    /// RFC 5961 §3 and §4.
    fn the_blind_do_no_harm(&self, changes: &[Transition]) -> Result<(), Complaint> {
        if !self.rfc5961 || changes.is_empty() || !self.state.is_synchronized() {
            return Ok(());
        }
        let is_exact = self.rcv_nxt.is_none_or(|rcv_nxt| rcv_nxt == self.heard.segment.seq);
        if self.heard.has(Flag::Rst) && !is_exact {
            return Err("a RST that is not exact changes the state");
        }
        if self.heard.has(Flag::Syn) && !self.heard.has(Flag::Rst) && self.state != State::TimeWait {
            return Err("a SYN changes a synchronized state");
        }
        Ok(())
    }
}
