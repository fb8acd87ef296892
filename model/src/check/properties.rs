//! What must hold: each property with its sentence, its place in the RFC and how it is decided.
//!
//! The numbers are those of the project's list of properties. *Safety* is decided at each step of a world and stays as
//! a ghost in the state that the step leads to, so that every explorer sees the same. *Liveness* is decided on the
//! whole graph of states (see [`liveness`](super::liveness)).

use super::bounds::Environment::{self, E0, E2, E3, E4, E5, E6, E7, E7b, E8, E9};
use super::endpoint::Endpoint;
use super::world::State;
use crate::engine::Tcb;
use crate::event::Timer;
use crate::seq::SeqNum;
use crate::state::State as Connection;
use core::fmt;

/// Declares the properties: of each its statement with the places in the RFCs, what decides it, the weakest environments
/// that it must survive (any world that decides it in all of one list will do), and its gist.
macro_rules! properties {
    ($($(#[doc = $statement:literal])+ $property:ident: $decided:ident, $weakest:expr, $gist:literal $(, $assuming:literal)?;)+) => {
        /// A property.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Property {
            $($(#[doc = $statement])+ $property,)+
        }

        const COUNT: usize = [$(Property::$property),+].len();

        impl Property {
            /// All of them.
            pub const ALL: [Property; COUNT] = [$(Property::$property),+];

            /// Its number in the list of properties.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Property::$property => stringify!($property),)+
                }
            }

            /// What it says.
            #[must_use]
            pub fn statement(self) -> &'static str {
                match self {
                    $(Property::$property => concat!($($statement),+),)+
                }
                .trim_start()
            }

            /// What it says, in a few words.
            #[must_use]
            pub const fn gist(self) -> &'static str {
                match self {
                    $(Property::$property => $gist,)+
                }
            }

            /// How it is decided.
            #[must_use]
            pub const fn decided(self) -> Decided {
                match self {
                    $(Property::$property => Decided::$decided,)+
                }
            }

            /// The weakest environments that it must survive: in each of these lists, in some world that has all of it.
            #[must_use]
            pub const fn weakest(self) -> &'static [&'static [Environment]] {
                match self {
                    $(Property::$property => $weakest,)+
                }
            }

            /// What must be assumed for it to hold, and which negative shows that it must; `None` if nothing.
            #[must_use]
            pub const fn assumption(self) -> Option<&'static str> {
                match self {
                    $(Property::$property => { let assuming: &[&str] = &[$($assuming)?]; assuming.first().copied() })+
                }
            }
        }
    };
}

/// How a property is decided.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Decided {
    /// At each step.
    Step,
    /// On the whole graph of states.
    Graph,
}

properties! {
    /// SND.UNA =< SND.NXT, SND.NXT never moves back, what is outstanding fits the largest window ever offered and a
    /// probe or FIN, and the variables of each state are as its sentence says (RFC 9293 §3.3.1, §3.3.2, §3.4).
    S1: Step, &[&[E0], &[E3], &[E5], &[E6], &[E7], &[E8], &[E9]], "the variables are well-formed, SND.NXT never moves back";
    /// Who enters ESTABLISHED with an incarnation of the peer has had its current SYN seen by that incarnation: nobody
    /// is half-synchronized (RFC 9293 §3.5).
    S2: Step, &[&[E5, E6]], "nobody is half-synchronized",
        "N5: an initial sequence number lies above all numbers that the last incarnation has used (RFC 9293 §3.4.1)";
    /// When both ends are synchronized with each other, IRS of each is ISS of the other (RFC 9293 §3.4.1).
    S3: Step, &[&[E5]], "synchronized ends agree on their ISS";
    /// The octets delivered to a user, or held for him, are those that the user of the paired incarnation sent, each at
    /// its place (RFC 9293 §3.6, §3.10.7.4).
    S4: Step, &[&[E5], &[E8]], "each octet delivered is the one sent";
    /// No octet and no FIN of an incarnation other than the paired one is taken, and no reset that one earlier
    /// incarnation sent to another parts two ends that are synchronized (RFC 9293 §3.4.1 to §3.4.3).
    S5: Step, &[&[E5], &[E5, E6]], "nothing of another incarnation changes a connection",
        "N13: after a crash the clock that chooses the ISS goes on, or the host keeps quiet for an MSL (RFC 9293 §3.4.3)";
    /// The user has his end of file only after all octets that the paired incarnation's user sent before CLOSE (RFC
    /// 9293 §3.6).
    S6: Step, &[&[E5]], "end of file only after every octet",
        "N12: 2MSL outlasts the peer's FIN: its last acknowledgment gets through once before TIME-WAIT ends (RFC 9293 §3.6.1)";
    /// Who reaches TIME-WAIT, or CLOSED from LAST-ACK, has had all octets and the FIN accepted by the peer, as far as
    /// the peer still knows (RFC 9293 §3.6).
    S7: Step, &[&[E5]], "who is done has been heard to the end";
    /// A reset that ends a connection leaves no partner behind that is synchronized with it: there is no spurious reset
    /// (RFC 9293 §3.5.2).
    S8: Step, &[&[E5]], "no reset parts two ends that are synchronized with each other",
        "a reset that answers a segment without ACK bears SEQ=0 (RFC 9293 §3.10.7.1): RCV.NXT of a later connection is not 0 when it arrives";
    /// No RST is answered by a RST, and each RST is `<SEQ=SEG.ACK><CTL=RST>`,
    /// `<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>` or `<SEQ=SND.NXT><CTL=RST>` (RFC 9293 §3.5.2, §3.10.7.1).
    S9: Step, &[&[E0], &[E3], &[E5], &[E6], &[E7], &[E8], &[E9]], "resets have their three forms and are not answered by resets";
    /// An acknowledgment names the octet after the last that has arrived in order, none leaves before the peer's ISS is
    /// known, and a paired peer never finds one that acknowledges what it has not sent (RFC 9293 §3.4).
    S10: Step, &[&[E5]], "what is acknowledged has arrived";
    /// No new text and no FIN is sent beyond the window that the peer has offered, but for a probe (RFC 9293 §3.8.6,
    /// §3.8.6.1).
    S11: Step, &[&[E8]], "nothing new goes beyond the offered window";
    /// The FIN occupies one sequence number, after all octets; neither it nor an octet is ever sent under another
    /// number; SEND after CLOSE is an error and queues nothing (RFC 9293 §3.10.2, §3.10.4).
    S12: Step, &[&[E0], &[E3], &[E5], &[E6], &[E7], &[E8], &[E9]], "octets and FIN keep their numbers, nothing is sent after CLOSE";
    /// TIME-WAIT is entered only by FIN processing or by return from a reopening; it is left only by 2MSL, ABORT, RST
    /// or a new SYN for a listener, which keeps the old numbers until the SYN has proved new; FIN-WAIT-1, FIN-WAIT-2
    /// and CLOSING end without it only by a reset, ABORT, RELEASE or a timeout (RFC 9293 §3.6.1 MUST-13, MAY-2).
    S13: Step, &[&[E0], &[E3], &[E5], &[E6], &[E7], &[E8], &[E9]], "TIME-WAIT is entered and left as it should be, and not bypassed";
    /// SYN-RECEIVED returns to LISTEN if and only if the OPEN was passive, no CLOSE waits and a RST or SYN arrived, and
    /// leaves nothing to retransmit (RFC 9293 §3.5 MUST-11, §3.10.4, §3.10.7.4, erratum 8710).
    S14: Step, &[&[E0], &[E3], &[E5], &[E6], &[E7], &[E8], &[E9]], "SYN-RECEIVED returns to LISTEN when it should and only then";
    /// SYN-RECEIVED becomes ESTABLISHED only on SND.UNA < SEG.ACK =< SND.NXT (RFC 9293 §3.10.7.4; RFC 793, erratum
    /// 3301).
    S15: Step, &[&[E0], &[E3], &[E5], &[E6], &[E7], &[E8], &[E9]], "only an ACK of our SYN establishes";
    /// Nothing is delivered and no FIN processed before our SYN is acknowledged (RFC 9293 §3.5).
    S16: Step, &[&[E4]], "nothing is taken before our SYN is acknowledged";
    /// SND.WND, SND.WL1 and SND.WL2 are set in every synchronized state (RFC 1122 §4.2.2.20 (c), (f)).
    S17: Step, &[&[E0], &[E3], &[E5], &[E6], &[E7], &[E8], &[E9]], "the send window is set in every synchronized state";
    /// The rules are complete: wherever an event comes to a check that has rules for the state, one of them fires (RFC
    /// 9293 §3.10). That none is shadowed, for every valuation of the guards, the symbolic run of the table shows.
    S18: Step, &[&[E0], &[E3], &[E5], &[E6], &[E7], &[E8], &[E9]], "wherever a check has rules, one of them fires";
    /// The state changes only along the arrows of Figure 5 and those of a committed list (RFC 9293 §3.3.2).
    S19: Step, &[&[E0], &[E3], &[E5], &[E6], &[E7], &[E8], &[E9]], "the state follows the arrows of Figure 5 and the committed list";
    /// Without the exact RCV.NXT a forged RST changes no synchronized state, a forged SYN never does but by reopening
    /// TIME-WAIT, and forged text needs an ACK in range, wherever RFC 5961 is followed (RFC 5961 §3, §4, §5).
    S20: Step, &[&[E7]], "a blind attacker must hit the exact number",
        "N18: a forged SYN in the window still returns a passive SYN-RECEIVED to LISTEN (RFC 9293 §3.10.7.4, erratum 8710)";
    /// An arrival is answered by at most one segment without text or FIN, and one that is not acceptable by nothing else
    /// (RFC 9293 §3.5.2, §3.10.7.4).
    S21: Step, &[&[E7]], "an arrival is answered once";
    /// The right edge of the receive window, RCV.NXT+RCV.WND, never moves back, unless the host takes buffer away (RFC
    /// 9293 §3.8.6 SHLD-14); a sender whose peer does so keeps S1 and S11 (MUST-34).
    S22: Step, &[&[E8]], "the right edge of the receive window never moves back";
    /// Every call in every state is answered as §3.10.1 to §3.10.6 list it, and each of "connection reset", "refused"
    /// and "aborted due to user timeout" is signalled once, when the connection is gone (RFC 9293 §3.9.1, §3.10).
    S23: Step, &[&[E9]], "every call is answered as listed";
    /// The retransmission timer runs if and only if something sent is not acknowledged; 2MSL if and only if in
    /// TIME-WAIT; the persist timer if and only if the window is closed, something waits and nothing is outstanding
    /// (RFC 9293 §3.8.1, §3.8.6.1, §3.10.8).
    S24: Step, &[&[E8]], "the right timers run";
    /// From everywhere a quiescent state can be reached, with the users' help: each end CLOSED or in LISTEN, and
    /// nothing on its way (RFC 9293 §3.6).
    L1: Graph, &[&[E3], &[E6, E9]], "from everywhere all can come to rest";
    /// While both ends are open, one of them actively, and no user has closed, both can still become ESTABLISHED
    /// without any further call (RFC 9293 §3.5).
    L2: Graph, &[&[E3]], "ends that are open can still be established";
    /// There is no packet war: deliveries alone, without user, timer or attacker, never lead back to the same state
    /// (RFC 9293 §3.5.2, A.2).
    L3: Graph, &[&[E4], &[E5], &[E6], &[E7], &[E7b]], "no packet war";
    /// An OPEN ends in ESTABLISHED or an error, text sent between open ends is acknowledged, and when both users have
    /// closed both ends come to rest: not only can this happen, it does, if what is sent again and again arrives at last
    /// and timers go off (RFC 9293 §3.4, §3.5, §3.6).
    L4: Graph, &[&[E2], &[E3]], "what was begun comes to its end",
        "a passive or simultaneous OPEN does not send its SYN,ACK for ever (R2, RFC 9293 §3.8.3 MUST-23): where segments outlive their connection, an old SYN and a half-open peer go round";
    /// An end whose peer has crashed, and that has sent something since, leaves its synchronized state at last (RFC 9293
    /// §3.5.1).
    L5: Graph, &[&[E6, E9]], "who speaks to a peer that has crashed finds out",
        "the peer does not send a SYN,ACK for ever (R2, RFC 9293 §3.8.3 MUST-23): if an old SYN has set it to SYN-RECEIVED, neither end finds the other's numbers acceptable";
    /// While both ends are ESTABLISHED, all text that a user has sent can still be acknowledged, by no other call
    /// than RECEIVE (RFC 9293 §3.8.6.1 MUST-36); and a window that stays closed closes no connection (MUST-37).
    L6: Graph, &[&[E8]], "what is sent can still be acknowledged";
    /// TIME-WAIT ends: only the remote FIN, sent again, restarts 2MSL (RFC 9293 §3.10.7.4).
    L7: Step, &[&[E3]], "only a repeated FIN prolongs TIME-WAIT";
    /// LISTEN is not lost: while a passive OPEN waits for its first peer, and the peer can still open, a connection can
    /// be established, whatever has been forged (RFC 9293 §3.10.7.4).
    L8: Graph, &[&[E7]], "a listener can still be reached",
        "N18: not that it will be: an attacker who goes on for ever can keep it in SYN-RECEIVED";
    /// Whoever waits has a timer that runs or a user who can give up (RFC 9293 §3.6, §3.8.3).
    L9: Graph, &[&[E6, E9]], "nobody waits for ever with nobody to help";
}

impl Property {
    /// Whether it is decided step by step.
    #[must_use]
    pub const fn is_safety(self) -> bool {
        matches!(self.decided(), Decided::Step)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

/// The safety properties that a step broke.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Violations(u32);

impl Violations {
    /// Whether this property is broken.
    #[must_use]
    pub fn of(self, property: Property) -> bool {
        property.is_safety() && self.0 & property.bit() != 0
    }

    /// Whether any is.
    #[must_use]
    pub fn any(self) -> bool {
        self.0 != 0
    }

    /// Adds what another found.
    pub(super) fn join(&mut self, other: Violations) {
        self.0 |= other.0;
    }

    /// Notes that this property is broken, if so.
    pub(super) fn note(&mut self, property: Property, broken: bool) {
        if broken {
            self.0 |= property.bit();
        }
    }
}

impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Property::ALL.iter().filter(|&&property| self.of(property))).finish()
    }
}

/// The properties of a state alone: S1, S3, S12, S17 and S24.
pub(super) fn judge_state(state: &State, violations: &mut Violations) {
    for end in &state.ends {
        violations.note(Property::S1, !(variables_fit_the_state(end) && numbers_fit_the_counters(end)));
        violations.note(Property::S12, !fin_has_one_number(end));
        violations.note(Property::S17, end.tcb.state().is_synchronized() && !end.tcb.window_known());
        violations.note(Property::S24, !timers_fit(end));
    }
    violations.note(Property::S3, !ends_agree(&state.ends));
}

/// S1: what the sentence of each state says about the variables.
fn variables_fit_the_state(Endpoint { tcb, .. }: &Endpoint) -> bool {
    let nothing_acked = tcb.snd_una() == tcb.iss() && tcb.snd_nxt() == tcb.iss().plus(1) && !tcb.syn_acked();
    match tcb.state() {
        Connection::Closed => *tcb == Tcb::closed(),
        Connection::Listen => tcb.is_passive() && tcb.retransmission_queue_is_empty() && !tcb.fin_sent(),
        Connection::SynSent => nothing_acked && !tcb.is_passive() && !tcb.close_queued(),
        Connection::SynReceived => nothing_acked && tcb.rcv_nxt() == tcb.irs().plus(1) && !tcb.fin_sent(),
        Connection::Established => !tcb.close_queued() && !tcb.fin_sent(),
        Connection::FinWait1 | Connection::Closing => tcb.close_queued() && !tcb.fin_acked(),
        Connection::CloseWait => !tcb.fin_sent(),
        Connection::FinWait2 | Connection::TimeWait => tcb.fin_acked(),
        Connection::LastAck => tcb.fin_sent() && !tcb.fin_acked(),
    }
}

/// Whether SND.UNA, SND.NXT and RCV.NXT mean something: from the first SYN on, and in TIME-WAIT only until it is
/// reopened, for a return restores the numbers but not the ISS they were counted from.
fn is_counted(tcb: &Tcb<super::endpoint::N>) -> bool {
    !matches!(tcb.state(), Connection::Closed | Connection::Listen | Connection::TimeWait)
}

/// S1: SND.UNA and SND.NXT against the octets that the owner counted, and the window.
fn numbers_fit_the_counters(Endpoint { tcb, owner }: &Endpoint) -> bool {
    if !is_counted(tcb) {
        return true;
    }
    let first = tcb.iss().plus(u32::from(tcb.syn_acked()));
    let una = first.plus(u32::from(owner.acked) + u32::from(tcb.fin_acked()));
    let outstanding = tcb.snd_nxt().since(tcb.snd_una());
    let most = i32::from(tcb.max_snd_wnd()).max(1) + 1;
    let received = u32::from(owner.received) + u32::from(owner.end_of_file);
    let their_fin_counts =
        matches!(tcb.state(), Connection::CloseWait | Connection::Closing | Connection::LastAck) == owner.end_of_file;
    let rcv_nxt_fits = tcb.state() == Connection::SynSent || tcb.rcv_nxt() == tcb.irs().plus(1 + received);
    tcb.snd_una() == una
        && (0..=most).contains(&outstanding)
        && owner.acked <= owner.sent
        && rcv_nxt_fits
        && their_fin_counts
}

/// S12: SND.NXT is one beyond the FIN once it was sent, and before that one beyond the last octet sent.
fn fin_has_one_number(Endpoint { tcb, owner }: &Endpoint) -> bool {
    let octets = u32::from(if tcb.fin_sent() { owner.queued } else { owner.sent });
    !is_counted(tcb) || tcb.snd_nxt() == tcb.iss().plus(1 + octets + u32::from(tcb.fin_sent()))
}

/// S24.
fn timers_fit(Endpoint { tcb, owner }: &Endpoint) -> bool {
    let waits = owner.queued > owner.sent || tcb.fin_due();
    let stuck = tcb.snd_wnd() == 0 && waits && tcb.retransmission_queue_is_empty() && tcb.may_send_text();
    tcb.armed(Timer::Retransmit) != tcb.retransmission_queue_is_empty()
        && tcb.armed(Timer::TimeWait) == (tcb.state() == Connection::TimeWait)
        && tcb.armed(Timer::Persist) == stuck
}

/// S3.
fn ends_agree([a, b]: &[Endpoint; 2]) -> bool {
    let synchronized = a.tcb.state().is_synchronized() && b.tcb.state().is_synchronized();
    let paired = a.owner.peer == b.owner.incarnation && b.owner.peer == a.owner.incarnation;
    !(synchronized && paired) || (a.tcb.irs() == b.tcb.iss() && b.tcb.irs() == a.tcb.iss())
}
