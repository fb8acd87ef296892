//! A connection: its `Tcb`, which only the table moves, and its [`Flow`], which is all that the table does not decide.
//!
//! [`Connection::step`] is the one place of the stack where a `Tcb` changes. What the table asks for meanwhile is in
//! [`host`](super::host), what a connection sends next in [`output`](super::output).

use std::sync::Arc;

use lockstep_model::table::Stage;
use lockstep_model::{
    Call, Event, Fired, Flag, Prediction, Reply, Segment, Seq, SeqNum, Signal, State, Table, Tcb, Timer,
};

use super::ack_policy::AckPolicy;
use super::autotune::Autotune;
use super::challenge::Budgets;
use super::config::TcpConfig;
use super::congestion::{Congestion, Controller};
use super::demux::{CompactPair, Pair};
use super::ecn::{Ecn, Marks};
use super::host::Step;
use super::isn::IsnSecret;
use super::options::{Agreed, DEFAULT_SEND_MSS, Dressed, TimestampClock};
use super::pacing::{Pace, Pacer};
use super::pmtu::{Heed, PathMtu};
use super::recovery::{Means, Recovery};
use super::recv::RecvBuffer;
use super::rtt::{RtoConfig, RttEstimator};
use super::sack_report::{SackReport, repeated_by};
use super::send::SendBuffer;
use super::settings::Settings;
use super::timers::TimerTable;
use crate::ip::Undelivered;
use crate::ip::pmtu::PathMtus;
use crate::time::{Instant, Micros};
use crate::wire::{SourceRoute, TcpOptions};

/// Octets of the headers of IPv4 and TCP without options.
pub(super) const HEADERS: u16 = 40;

/// What all connections of a stack have in common.
#[derive(Clone, Debug)]
pub(super) struct Common {
    /// The table that moves them, and the ways of expected segments through it.
    pub prediction: Prediction<'static>,
    /// Durations, sizes and policies.
    pub config: TcpConfig,
    /// Bounds of their retransmission timeouts.
    pub rto: Arc<RtoConfig>,
    /// What holds for connections whose users have chosen nothing.
    pub settings: Settings,
    /// The MSS we announce: what our link carries after the headers (MUST-67).
    pub mss: u16,
    /// For initial sequence numbers.
    pub secret: IsnSecret,
    /// What has been found out about paths.
    pub paths: PathMtus,
}

impl Common {
    /// The table that moves all connections.
    pub fn table(&self) -> &'static Table {
        self.prediction.table()
    }

    /// The longest datagram that our link carries.
    pub fn link_mtu(&self) -> u16 {
        self.mss.saturating_add(HEADERS)
    }
}

/// What comes with an event besides the event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given<'a> {
    /// The text of a segment or of a SEND.
    pub text: &'a [u8],
    /// The text of a SEND is urgent.
    pub urgent: bool,
    /// The options of a segment.
    pub options: Option<&'a TcpOptions>,
    /// What it says of congestion.
    pub marks: Marks,
    /// The way its datagram came, backwards, if that was prescribed.
    pub return_route: Option<SourceRoute>,
    /// Whether somebody listens for a new connection in place of this one.
    pub listening: bool,
    /// What that one inherits, if its listener has settings of his own.
    pub inherited: Option<&'a Settings>,
    /// The ISS of the connection that begins, if it is not to be chosen.
    pub iss: Option<Seq>,
}

/// What came of an event.
#[derive(Clone, Debug)]
pub(super) struct Effects {
    /// The state before.
    pub from: State,
    /// The rules that fired.
    pub fired: Fired,
    /// It was an expected segment, whose way through the table was known.
    pub predicted: bool,
    /// The return of a call.
    pub reply: Option<Reply>,
    /// What the user is to be told.
    pub signals: Vec<Signal>,
    /// Control segments that are to leave.
    pub emitted: Vec<Dressed>,
    /// Octets of a SEND that were taken.
    pub queued: usize,
    /// There is more for the user to read, or the end of it.
    pub readable: bool,
    /// Text that waited for the user was thrown away.
    pub text_lost: bool,
    /// There is room for the user to write, who has found none before.
    pub writable: bool,
    /// The peer has been silent for so long that the way to him may be wrong (R1).
    pub doubtful: bool,
    /// The path to the peer takes so much, which is news.
    pub path_mtu: Option<u16>,
}

impl Effects {
    fn nothing_yet(from: State) -> Self {
        Self {
            from,
            fired: Fired::default(),
            predicted: false,
            reply: None,
            signals: Vec::new(),
            emitted: Vec::new(),
            queued: 0,
            readable: false,
            text_lost: false,
            writable: false,
            doubtful: false,
            path_mtu: None,
        }
    }
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Connection {
    pair: CompactPair,
    tcb: Tcb<Seq>,
    pub(super) flow: Flow,
}

impl Connection {
    /// A connection that does not exist: CLOSED.
    pub fn closed(common: &Common, pair: Pair) -> Self {
        Self::of(common, pair, Tcb::closed())
    }

    /// A connection in the state of `tcb`, with nothing in its buffers: a listener's child.
    pub fn of(common: &Common, pair: Pair, tcb: Tcb<Seq>) -> Self {
        Self { pair: pair.into(), tcb, flow: Flow::new(common, pair) }
    }

    /// Its two ends.
    pub fn pair(&self) -> Pair {
        (&self.pair).into()
    }

    /// Its variables, to look at.
    pub fn tcb(&self) -> &Tcb<Seq> {
        &self.tcb
    }

    /// Lets the table do to this connection what it says about `event`.
    pub fn step(&mut self, common: &Common, now: Instant, event: Event<Seq>, given: Given<'_>) -> Effects {
        let effects = Effects::nothing_yet(self.tcb.state());
        let (pair, protected) = ((&self.pair).into(), common.config.protects_from(&event));
        let mut host = Step { flow: &mut self.flow, common, now, pair, given, protected, effects };
        let foreseen = match &event {
            Event::Arrives(segment) => common.prediction.predict(&mut self.tcb, segment, &mut host),
            Event::Call(_) | Event::Sent { .. } | Event::Timeout(_) => None,
        };
        let fired = foreseen.unwrap_or_else(|| lockstep_model::step(common.table(), &mut self.tcb, event, &mut host));
        Effects { fired, predicted: foreseen.is_some(), ..host.effects }
    }

    /// A user's call without text.
    pub fn call(&mut self, common: &Common, now: Instant, call: Call) -> Effects {
        self.step(common, now, Event::Call(call), Given::default())
    }

    /// A segment arrives.
    pub fn arrives(&mut self, common: &Common, now: Instant, segment: Segment<Seq>, given: Given<'_>) -> Effects {
        let sack = self.flow.agreed.sack;
        let repeated = if sack { repeated_by(&segment, self.tcb.rcv_nxt(), &self.flow.recv) } else { None };
        let effects = self.step(common, now, Event::Arrives(segment), given);
        if sack {
            self.flow.sack.arrived(&segment, self.tcb.rcv_nxt(), &self.flow.recv, repeated);
        }
        self.note_urgent(&segment, &effects);
        self.heed_window(common, now, &segment);
        if self.tcb.syn_acked() {
            self.flow.keep_alive_from(common, now);
        }
        effects
    }

    /// The next of its timers that is due goes off; `None` if none is.
    pub fn timeout(&mut self, common: &Common, now: Instant) -> Option<Effects> {
        self.flow.patience.expire(now);
        self.flow.pacer.expire(now);
        let (recovery, mut means) = self.flow.recovery(common, now);
        recovery.expire(&mut means);
        let mut timer = self.flow.timers.expire(now)?;
        while self.is_put_off(common, now, timer) {
            timer = self.flow.timers.expire(now)?;
        }
        let in_vain = self.is_in_vain(common, timer);
        let claimed = self.flow.pmtu.claimed();
        let doubtful = timer == Timer::Retransmit && self.flow.retransmission_is_due(common, now, &self.tcb);
        // A mere suspicion may be an outage, and is not passed on.
        let path_mtu = claimed.filter(|&mtu| mtu == self.flow.pmtu.mtu());
        let timer = if in_vain { Timer::User } else { timer };
        // In the other states something else runs out of patience, and no keep-alive is sent that could be in vain.
        let keeps_alive = timer == Timer::KeepAlive && common.table().covers(Stage::KeepAliveTimeout, self.tcb.state());
        let effects = self.step(common, now, Event::Timeout(timer), Given::default());
        if keeps_alive {
            self.flow.keep_alive_was_sent(common, now);
        }
        Some(Effects { doubtful, path_mtu, ..effects })
    }

    /// Whether it is too early for this timer after all; then it is set anew. A keep-alive only leaves where nothing is
    /// outstanding and nothing waits to be sent (RFC 9293 §3.8.4, MUST-26): what is asks the peer as well.
    fn is_put_off(&mut self, common: &Common, now: Instant, timer: Timer) -> bool {
        match timer {
            Timer::User => self.flow.postpone_user_timeout(common),
            Timer::KeepAlive => {
                let busy = !self.tcb.retransmission_queue_is_empty() || self.flow.send.len() > self.flow.sent;
                if busy {
                    self.flow.keep_alive_from(common, now);
                }
                busy
            }
            Timer::Retransmit | Timer::Persist | Timer::TimeWait | Timer::FinWait2 | Timer::DelayedAck => false,
        }
    }

    /// Whether what this timer would send again has been sent often enough: a keep-alive, or a listener's SYN,ACK to one who
    /// may never have sent a SYN.
    fn is_in_vain(&self, common: &Common, timer: Timer) -> bool {
        let half_open_child = self.tcb.state() == State::SynReceived && self.tcb.is_passive();
        match timer {
            Timer::KeepAlive => self.flow.keep_alives_are_in_vain(common),
            Timer::Retransmit => half_open_child && self.flow.timeouts >= common.config.listen.syn_ack_retries,
            Timer::Persist | Timer::TimeWait | Timer::FinWait2 | Timer::User | Timer::DelayedAck => false,
        }
    }

    /// When something is next to be done without anybody asking.
    pub fn next_deadline(&self) -> Option<Instant> {
        let Flow { timers, patience, recovery, pacer, .. } = &self.flow;
        let deadlines = [timers.next_deadline(), patience.deadline(), recovery.deadline(), pacer.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Whether an ICMP error about `seq` is about something in flight (RFC 5927 §4.1).
    pub fn has_in_flight(&self, seq: Seq) -> bool {
        seq.in_window(self.tcb.snd_una(), self.tcb.snd_nxt().forward_from(self.tcb.snd_una()))
    }

    /// A router says that the segment with `seq` is too large for a path that takes `mtu` octets. Returns what is true of
    /// the path from now on, if that is news.
    pub fn too_large(&mut self, common: &Common, now: Instant, seq: Seq, mtu: u16) -> (Heed, Option<u16>) {
        let heed = self.flow.pmtu.reported(seq, mtu, &common.config.path_mtu, now);
        if heed != Heed::Now {
            return (heed, None);
        }
        self.flow.on_path_mtu();
        self.flow.recovery.on_narrow_path(self.flow.smss.into());
        (heed, Some(self.flow.pmtu.mtu()))
    }

    /// Whether it is an attempt to connect that nobody has answered, so that an ICMP error may end it (RFC 5927 §5.2).
    pub fn is_unanswered_attempt(&self) -> bool {
        !self.tcb.is_passive() && !self.tcb.syn_acked() && self.flow.syn_outstanding
    }

    /// It is CLOSED: whatever it meant to send has lost its meaning.
    pub fn fall_silent(&mut self) {
        self.flow.acknowledged();
        self.flow.recovery.clear();
        self.flow.patience = Patience::NotNeeded;
    }

    /// The same connection with its times relative to `now`.
    pub fn project(&self, now: Instant) -> Self {
        Self { flow: self.flow.project(now), ..self.clone() }
    }

    /// What a peer says about a closed window. One who keeps it closed cannot hold a connection that nobody owns (RFC 6429).
    fn heed_window(&mut self, common: &Common, now: Instant, segment: &Segment<Seq>) {
        let tcb = &self.tcb;
        if tcb.snd_wnd() > 0 {
            self.flow.window_is_open(common, now, tcb);
        } else if tcb.window_known() && segment.has(Flag::Ack) && segment.ack == tcb.snd_una() && !tcb.user_gone() {
            self.flow.peer_answers_probes(common, now);
        }
    }
}

/// How long text waits that is too little for a segment, when nothing can make it more (RFC 9293 §3.8.6.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Patience {
    /// Nothing waits.
    #[default]
    NotNeeded,
    /// Until then.
    Until(Instant),
    /// It has waited long enough.
    Over,
}

impl Patience {
    fn deadline(self) -> Option<Instant> {
        match self {
            Patience::Until(at) => Some(at),
            Patience::NotNeeded | Patience::Over => None,
        }
    }

    fn expire(&mut self, now: Instant) {
        if self.deadline().is_some_and(|at| at <= now) {
            *self = Patience::Over;
        }
    }

    fn map(self, relative: impl Fn(Instant) -> Instant) -> Self {
        match self {
            Patience::Until(at) => Patience::Until(relative(at)),
            Patience::NotNeeded | Patience::Over => self,
        }
    }
}

/// All of a connection that the table does not decide: text on its way out and in, measured times, deadlines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Flow {
    pub send: SendBuffer,
    /// How many of the octets in `send` have been transmitted at least once.
    pub sent: usize,
    pub recv: RecvBuffer,
    /// Eff.snd.MSS: the most text a segment of ours may carry beside its options (RFC 9293 §3.7.1).
    pub smss: u16,
    /// The most text that the peer takes in a segment.
    pub send_mss: u16,
    pub ecn: Ecn,
    /// What is known of the path to him.
    pub pmtu: PathMtu,
    pub agreed: Agreed,
    pub clock: TimestampClock,
    pub rtt: RttEstimator,
    pub congestion: Controller,
    pub pacer: Pacer,
    pub timers: TimerTable,
    pub recovery: Recovery,
    /// When our SYN left for the first time.
    pub syn_sent: Option<Instant>,
    /// Our SYN has been sent and is not acknowledged.
    pub syn_outstanding: bool,
    /// It has been sent again after a timeout.
    pub syn_repeated: bool,
    /// Timeouts since anything was acknowledged, which are retransmissions of one segment.
    pub timeouts: u8,
    /// How often the closed window has been probed: the interval doubles with each (SHLD-30).
    pub probes: u8,
    /// How many of these probes found no answer since the last that did.
    pub unanswered: u8,
    /// A probe is to leave.
    pub probe_due: bool,
    pub challenges: Budgets,
    pub acks: AckPolicy,
    pub sack: SackReport,
    pub autotune: Autotune,
    /// The number after the last octet of urgent data, until the user has gone beyond it.
    pub urgent_mark: Option<Seq>,
    /// When text or a FIN last left.
    pub last_sent: Option<Instant>,
    pub patience: Patience,
    pub nagle: bool,
    /// What the user has chosen, if it is not what holds for all.
    pub own_settings: Option<Box<Settings>>,
    /// The way back to a peer who has prescribed how his datagrams come (RFC 9293 §3.9.2.1, MUST-53).
    pub return_route: Option<Box<SourceRoute>>,
    /// Keep-alives since the peer was last heard.
    pub keep_alives: u8,
    /// The user found no room for all he had to send.
    pub wants_to_write: bool,
    /// What ICMP last said.
    pub soft_error: Option<Undelivered>,
}

impl Flow {
    pub fn new(common: &Common, pair: Pair) -> Self {
        let config = &common.config;
        Self {
            send: SendBuffer::new(config.send_buffer),
            sent: 0,
            recv: RecvBuffer::new(config.receive_buffer),
            smss: DEFAULT_SEND_MSS.min(common.mss),
            send_mss: DEFAULT_SEND_MSS,
            ecn: Ecn::new(false),
            pmtu: PathMtu::of_link(common.link_mtu()),
            agreed: Agreed::default(),
            clock: TimestampClock::new(common, pair),
            rtt: RttEstimator::new(common.rto.clone()),
            congestion: Controller::new(DEFAULT_SEND_MSS, config.congestion),
            pacer: Pacer::new(config.pacing),
            timers: TimerTable::new(),
            recovery: Recovery::default(),
            syn_sent: None,
            syn_outstanding: false,
            syn_repeated: false,
            timeouts: 0,
            probes: 0,
            unanswered: 0,
            probe_due: false,
            challenges: Budgets::default(),
            acks: AckPolicy::new(config.acks, common.mss),
            sack: SackReport::default(),
            autotune: Autotune::default(),
            urgent_mark: None,
            last_sent: None,
            patience: Patience::NotNeeded,
            nagle: config.nagle,
            own_settings: None,
            return_route: None,
            keep_alives: 0,
            wants_to_write: false,
            soft_error: None,
        }
    }

    /// Eff.snd.MSS = min(SendMSS + 20, MMS_S) - TCPhdrsize - IPoptionsize (RFC 9293 §3.7.1), by what is known of the path.
    pub fn effective_send_mss(&self) -> u16 {
        self.text_in(self.pmtu.mtu().min(self.send_mss.saturating_add(HEADERS))).max(1)
    }

    /// The text that a datagram of this size has room for. The MSS option counts no options; who sends them makes room for
    /// them (RFC 6691 §2).
    pub fn text_in(&self, datagram: u16) -> u16 {
        datagram.saturating_sub(self.headers_len())
    }

    /// Octets of headers, of TCP and IP, that a segment with text has.
    pub fn headers_len(&self) -> u16 {
        let route = self.route().map_or(0, SourceRoute::option_len);
        HEADERS.saturating_add(self.agreed.options_len()).saturating_add(u16::try_from(route).unwrap_or(u16::MAX))
    }

    /// The way that what is sent is to take: the one that the user prescribes, else back as the peer's came (MUST-52).
    pub fn route(&self) -> Option<&SourceRoute> {
        let users = self.own_settings.as_deref().and_then(|settings| settings.source_route.as_ref());
        users.or(self.return_route.as_deref())
    }

    /// The peer's datagram came a way that he prescribed; the latest counts (SHLD-24).
    pub fn came_by(&mut self, way_back: SourceRoute) {
        if self.return_route.as_deref() != Some(&way_back) {
            self.return_route = Some(Box::new(way_back));
            self.smss = self.effective_send_mss();
        }
    }

    /// The path takes datagrams of another size than before: what leaves from now on, again or for the first time, fits it.
    pub fn on_path_mtu(&mut self) {
        self.smss = self.effective_send_mss();
        self.congestion.on_mss(self.smss.into());
    }

    /// An acknowledgment leaves, in whatever segment.
    pub fn acknowledged(&mut self) {
        self.acks.acknowledged();
        self.timers.stop(Timer::DelayedAck);
    }

    /// The retransmission timeout, longer with each probe of a closed window.
    pub fn retransmission_delay(&self, common: &Common) -> Micros {
        let doubled = self.rtt.rto().saturating_mul(1_u64.checked_shl(self.probes.into()).unwrap_or(u64::MAX));
        if self.probes > 0 { doubled.min(common.config.rto.max) } else { self.rtt.rto() }
    }

    /// So much text leaves, and the next waits for its turn.
    pub fn pace(&mut self, now: Instant, octets: u32) {
        let (cwnd, ssthresh) = (self.congestion.cwnd(), self.congestion.ssthresh());
        let pace = Pace { cwnd, in_slow_start: cwnd < ssthresh, srtt: self.rtt.srtt(), smss: self.smss.into() };
        self.pacer.sent(now, octets, pace);
    }

    /// Loss recovery, and what it works with.
    pub fn recovery<'a>(&'a mut self, common: &'a Common, now: Instant) -> (&'a mut Recovery, Means<'a>) {
        let means = Means {
            now,
            config: &common.config.recovery,
            sack: self.agreed.sack,
            smss: self.smss.into(),
            rtt: &mut self.rtt,
            congestion: &mut self.congestion,
            ecn: &mut self.ecn,
        };
        (&mut self.recovery, means)
    }

    /// R2 begins to run, unless it runs already (RFC 9293 §3.8.3).
    pub fn start_user_timeout(&mut self, common: &Common, now: Instant) {
        if self.timers.deadline(Timer::User).is_none() {
            let user_timeout = self.settings(common).user_timeout;
            let r2 = if self.syn_outstanding { common.config.syn_timeout } else { user_timeout };
            self.timers.set(Timer::User, now + r2);
        }
    }

    /// R2 comes after R1, however long the retransmission timeout has become (RFC 9293 §3.8.3: R1 is at least three
    /// retransmissions): if there have not been so many, it is the retransmission timer's turn.
    fn postpone_user_timeout(&mut self, common: &Common) -> bool {
        let next = self.timers.deadline(Timer::Retransmit);
        let early = self.timeouts.max(self.unanswered) <= common.config.r1;
        if let Some(at) = next.filter(|_| early) {
            self.timers.set(Timer::User, at);
        }
        early && next.is_some()
    }

    /// The peer is heard: keep-alives begin anew.
    pub fn keep_alive_from(&mut self, common: &Common, now: Instant) {
        self.keep_alives = 0;
        if let Some(keep_alive) = self.settings(common).keep_alive {
            self.timers.set(Timer::KeepAlive, now + keep_alive.idle);
        }
    }

    /// One more keep-alive has left; the next follows sooner than the first.
    fn keep_alive_was_sent(&mut self, common: &Common, now: Instant) {
        self.keep_alives = self.keep_alives.saturating_add(1);
        if let Some(keep_alive) = self.settings(common).keep_alive {
            self.timers.set(Timer::KeepAlive, now + keep_alive.interval);
        }
    }

    /// Enough keep-alives have found no answer (MUST-29).
    fn keep_alives_are_in_vain(&self, common: &Common) -> bool {
        self.settings(common).keep_alive.is_some_and(|keep_alive| self.keep_alives >= keep_alive.probes)
    }

    /// The retransmission timer has gone off: back off (RFC 6298 (5.5)). Returns whether R1 is reached. A probe that a closed
    /// window does not take is no sign of congestion.
    fn retransmission_is_due(&mut self, common: &Common, now: Instant, tcb: &Tcb<Seq>) -> bool {
        if tcb.window_known() && tcb.snd_wnd() == 0 {
            self.probes = self.probes.saturating_add(1);
            self.unanswered = self.unanswered.saturating_add(1);
            return false;
        }
        self.timeouts = self.timeouts.saturating_add(1);
        self.rtt.on_timeout();
        self.syn_repeated |= self.syn_outstanding;
        if !self.syn_outstanding {
            self.ecn.reduced(tcb.snd_nxt());
            if self.pmtu.timed_out(&common.config.path_mtu, now) {
                self.on_path_mtu();
            }
        }
        self.timeouts == common.config.r1
    }

    /// The window is open. What a closed one did not take is sent again without waiting for the backed-off timer.
    fn window_is_open(&mut self, common: &Common, now: Instant, tcb: &Tcb<Seq>) {
        self.probe_due = false;
        self.unanswered = 0;
        if std::mem::take(&mut self.probes) > 0 && tcb.armed(Timer::Retransmit) {
            self.recovery.on_window_opened();
            self.timers.set(Timer::Retransmit, now + self.retransmission_delay(common));
        }
    }

    /// A peer that answers probes is alive, however long its window stays closed (MUST-37).
    fn peer_answers_probes(&mut self, common: &Common, now: Instant) {
        self.unanswered = 0;
        if self.timers.deadline(Timer::User).is_some() {
            self.timers.stop(Timer::User);
            self.start_user_timeout(common, now);
        }
    }

    fn project(&self, now: Instant) -> Self {
        let ahead = |at: Instant| Instant::ZERO + at.since(now);
        let ago = |at: Instant| Instant::ZERO + now.since(at);
        let mut timers = TimerTable::new();
        for timer in Timer::ALL {
            if let Some(deadline) = self.timers.deadline(timer) {
                timers.set(timer, ahead(deadline));
            }
        }
        Self {
            timers,
            congestion: self.congestion.project(now),
            pacer: self.pacer.project(now),
            recovery: self.recovery.project(now),
            syn_sent: self.syn_sent.map(ago),
            challenges: self.challenges.project(now),
            last_sent: self.last_sent.map(ago),
            patience: self.patience.map(ahead),
            pmtu: self.pmtu.project(now),
            clock: self.clock.project(now),
            acks: self.acks.project(now),
            autotune: self.autotune.project(now),
            ..self.clone()
        }
    }
}
