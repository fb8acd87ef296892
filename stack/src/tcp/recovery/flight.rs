//! One flight: from the first octet sent into an empty network until all is acknowledged. What it hears is in [`hear`].

mod hear;

use lockstep_model::{Seq, SeqNum};

use super::frto::FRto;
use super::newreno::DupAcks;
use super::prr::Prr;
use super::rack::{PathMemory, Rack};
use super::scoreboard::Scoreboard;
use super::sent::{Place, Sent, SentLog};
use super::tlp::TailLossProbe;
use super::undo::Undo;
use super::{Again, InFlight, LossPhase, Means, RecoveryConfig, limited_transmit};
use crate::tcp::congestion::Congestion;
use crate::time::{Instant, Micros};

/// Where a flight begins: what was sent before has its places, too, and zero is before them all.
const FIRST: Place = 1 << 32;

/// What is known of losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// Nothing is known to be lost.
    Open,
    /// Fast recovery, until this is acknowledged (RecoveryPoint, "recover").
    Fast { until: Place, prr: Prr },
    /// Recovery from a timeout, until this is acknowledged.
    Timeout { until: Place, frto: FRto },
}

/// What is in flight and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Flight {
    config: RecoveryConfig,
    sack: bool,
    /// SND.UNA, and its place.
    una_seq: Seq,
    una: Place,
    /// SND.NXT.
    nxt: Place,
    log: SentLog,
    held: Scoreboard,
    dup_acks: DupAcks,
    rack: Rack,
    tlp: TailLossProbe,
    undo: Undo,
    phase: Phase,
    /// When the next segment is lost, if it is not heard of (RACK).
    lost_at: Option<Instant>,
    /// Counting has judged all before this (RFC 6675).
    judged: Place,
    /// Below this, duplicate acknowledgments may come from what a timeout sent again (RFC 6582 §4).
    recover: Place,
    /// The rescue retransmission of this recovery has left (RFC 6675 §4, NextSeg (4)).
    rescued: bool,
    /// The last segment that was larger than others, to try out the path, as long as it has left only once.
    trial: Option<(Place, Place)>,
    /// One segment leaves whatever the congestion window says: a loss was just found.
    urgent: bool,
}

impl Flight {
    /// A flight that begins at `seq`; `after_probe`: the one before ended with a tail loss probe of which it is not known
    /// whether it was needed.
    pub fn new(seq: Seq, after_probe: bool, means: &Means<'_>) -> Self {
        Self {
            config: *means.config,
            sack: means.sack,
            una_seq: seq,
            una: FIRST,
            nxt: FIRST,
            log: SentLog::default(),
            held: Scoreboard::default(),
            dup_acks: DupAcks::default(),
            rack: Rack::default(),
            tlp: if after_probe { TailLossProbe::unanswered(FIRST) } else { TailLossProbe::default() },
            undo: Undo::default(),
            phase: Phase::Open,
            lost_at: None,
            judged: FIRST,
            recover: 0,
            rescued: false,
            trial: None,
            urgent: false,
        }
    }

    /// Whether all is acknowledged.
    pub fn is_over(&self) -> bool {
        self.una == self.nxt
    }

    /// Whether the peer has not said all about a tail loss probe.
    pub fn has_unanswered_probe(&self) -> bool {
        self.tlp.is_unanswered()
    }

    /// What is in flight, counted. O(n), for who wants to look.
    pub fn describe(&self) -> InFlight {
        let (out, lost, again) = self.log.count();
        let held = if self.sack { self.held.segments() } else { self.dup_acks.count().min(out) };
        let phase = match self.phase {
            Phase::Fast { .. } => LossPhase::Fast,
            Phase::Timeout { .. } => LossPhase::Timeout,
            Phase::Open if held > 0 => LossPhase::Disorder,
            Phase::Open => LossPhase::Open,
        };
        // A tail loss probe repeats what is not known to be lost.
        let lost_before = if let Phase::Open = self.phase { 0 } else { again };
        // Without SACK what the peer holds is still in the log.
        let segments = out + lost + if self.sack { held } else { 0 };
        InFlight { phase, segments, held, lost: lost + lost_before, again }
    }

    /// Whether this is SND.NXT.
    pub fn goes_on_at(&self, seq: Seq) -> bool {
        self.place(seq) == Some(self.nxt)
    }

    // ---- What leaves ---------------------------------------------------------------------------------------------------

    pub fn allows(&self, len: u32, cwnd: u32, smss: u32) -> bool {
        let in_flight = self.in_flight(smss);
        self.urgent || in_flight == 0 || in_flight.saturating_add(len) <= cwnd
    }

    pub fn in_flight(&self, smss: u32) -> u32 {
        let (out, arrived) = match self.sack {
            true => (self.log.in_flight().saturating_add(self.held.octets()), self.held.octets()),
            false => (self.log.in_flight(), self.dup_acks.arrived(smss)),
        };
        let credit = match self.phase {
            Phase::Open if !self.config.limited_transmit => 0,
            Phase::Open => limited_transmit::credit(arrived, smss, self.judges_by_time()),
            // A flood of duplicates is no pump: no more can have arrived than was out (RFC 5681 §6).
            Phase::Fast { prr, .. } if !self.sack => arrived.min(prr.began_with()),
            Phase::Timeout { .. } if !self.sack => 0,
            Phase::Fast { .. } | Phase::Timeout { .. } => arrived,
        };
        out.saturating_sub(credit)
    }

    pub fn next_again(&self, cwnd: u32, smss: u32) -> Option<Again> {
        if let Phase::Timeout { frto, .. } = self.phase
            && frto.holds_back()
        {
            return None;
        }
        let (place, len) = self.log.next_lost(smss)?;
        self.allows(len, cwnd, smss).then(|| self.again(place, len))
    }

    /// NextSeg() (3): what lies below the highest octet held and is not lost; (4): once per recovery, the last of all.
    pub fn rescue(&self, cwnd: u32, smss: u32) -> Option<Again> {
        let Phase::Fast { until, .. } = self.phase else { return None };
        if !self.sack || self.judges_by_time() || self.log.lost() > 0 {
            return None;
        }
        let below = self.held.highest().and_then(|highest| {
            self.log.first_from(self.judged).filter(|sent| sent.end() <= highest && !sent.sent.again)
        });
        let last = self.log.last().filter(|last| !self.rescued && self.una < until && !last.sent.again);
        let sent = below.or(last)?;
        let len = sent.sent.len.min(smss);
        self.allows(len, cwnd, smss).then(|| self.again(sent.place, len))
    }

    pub fn probe(&self, smss: u32) -> Option<Again> {
        let last = self.log.last().filter(|_| self.tlp.is_due())?;
        Some(self.again(last.place, last.sent.len.min(smss)))
    }

    pub fn sent(&mut self, len: u32, means: &Means<'_>) -> bool {
        self.log.push(self.nxt, len, means.now);
        let start = self.nxt;
        self.nxt += u64::from(len);
        // A FIN makes no segment larger.
        if len > means.smss.saturating_add(1) {
            self.trial = Some((start, self.nxt));
        }
        self.left(len);
        let probe = self.tlp.is_due();
        if probe {
            self.tlp.sent(self.nxt, false);
        }
        self.schedule_probe(means);
        probe
    }

    pub fn sent_again(&mut self, again: Again, now: Instant) -> bool {
        let Some(place) = self.place(again.seq) else { return false };
        let lost = self.log.lost();
        self.log.repeat(place, again.len, now);
        self.left(again.len);
        // That what it was cut into is lost is news, once all of it has left.
        self.trial = self.trial.filter(|_| self.log.lost() > 0);
        if self.tlp.is_due() {
            self.tlp.sent(self.nxt, true);
            return true;
        }
        self.undo.repeated(again.len);
        if lost == 0 {
            self.rescued |= self.judged <= place && self.held.highest().is_none_or(|highest| place >= highest);
            self.judged = self.judged.max(place + u64::from(again.len));
        }
        // RFC 6675 §6: the more careful variant, for what the peer waits for.
        place == self.una && matches!(self.phase, Phase::Fast { .. })
    }

    fn left(&mut self, len: u32) {
        self.urgent = false;
        if let Phase::Fast { prr, .. } = &mut self.phase {
            prr.sent(len);
        }
    }

    // ---- Losses --------------------------------------------------------------------------------------------------------

    /// Marks what is lost by time (RFC 8985) or by counting (RFC 6675).
    fn find_losses(&mut self, path: &PathMemory, means: &Means<'_>) {
        self.lost_at = None;
        if self.judges_by_time() {
            let window = self.reordering_window(path, means);
            self.lost_at = self.rack.detect(&mut self.log, means.now, window);
        } else if let Some(before) = self.held.lost_before(means.smss).filter(|_| self.config.fast_recovery) {
            self.judged = self.judged.max(self.una);
            while let Some(segment) = self.log.first_from(self.judged).filter(|segment| segment.place < before) {
                self.judged = segment.end();
                if !segment.sent.again {
                    self.log.lose(segment.place);
                }
            }
        }
    }

    fn judges_by_time(&self) -> bool {
        self.sack && self.config.fast_recovery && self.config.rack
    }

    fn reordering_window(&self, path: &PathMemory, means: &Means<'_>) -> Micros {
        path.reordering_window(means.rtt.srtt(), self.phase != Phase::Open, self.held.segments())
    }

    /// Whether more is lost than a segment that was to try out the path: it alone tells of the path's width and not of
    /// congestion, and leaves again without delay (RFC 4821 §7.6.2).
    pub(super) fn has_lost_by_congestion(&self) -> bool {
        let (Some(first), Some(last)) = (self.log.first_lost(), self.log.last_lost()) else { return false };
        !self.trial.is_some_and(|(start, end)| start <= first && last < end)
    }

    fn begin_recovery(&mut self, flight_size: u32, delivered: u32, means: &mut Means<'_>) {
        if !self.log.last_lost().is_some_and(|place| means.ecn.has_slowed_down_for(self.seq(place))) {
            self.slow_down(flight_size, means);
        }
        self.phase = Phase::Fast { until: self.nxt, prr: Prr::new(flight_size) };
        self.begin_account();
        self.tlp.cancel();
        (self.urgent, self.rescued) = (true, false);
        self.go_on(delivered, false, means);
    }

    /// The window falls, and the peer is to be told if he has told of marks before (RFC 3168 §6.1.2).
    fn slow_down(&mut self, flight_size: u32, means: &mut Means<'_>) {
        means.congestion.on_loss(means.now, flight_size);
        means.ecn.reduced(self.seq(self.nxt));
    }

    /// Whether what leaves again from now on was lost, D-SACKs will tell.
    fn begin_account(&mut self) {
        if self.config.undo {
            self.undo.begin(self.una);
        }
    }

    /// The window during recovery.
    fn go_on(&mut self, delivered: u32, safe: bool, means: &mut Means<'_>) {
        let (in_flight, ssthresh) = (self.in_flight(means.smss), means.congestion.ssthresh());
        if let Phase::Fast { prr, .. } = &mut self.phase {
            let cwnd = match self.config.proportional_rate_reduction {
                true => prr.window(in_flight, delivered, ssthresh, means.smss, safe),
                false => ssthresh,
            };
            means.congestion.on_recovery(cwnd);
        }
    }

    /// All that was outstanding when recovery began is acknowledged. What was lost since then is another loss.
    fn recovered(&mut self, until: Place, flight_size: u32, path: &mut PathMemory, means: &mut Means<'_>) {
        path.recovered();
        self.phase = Phase::Open;
        if self.config.fast_recovery {
            self.recover = until;
        }
        self.dup_acks = DupAcks::default();
        if self.log.lost() > 0 {
            self.begin_recovery(flight_size, 0, means);
        }
    }

    // ---- Time ------------------------------------------------------------------------------------------------------------

    pub fn time_out(&mut self, first: bool, path: &PathMemory, means: &mut Means<'_>) {
        let flight_size = self.flight_size(means);
        let calm = self.phase == Phase::Open;
        let window = self.reordering_window(path, means);
        self.repeat_first(means.now);
        if self.judges_by_time() {
            self.rack.detect_on_timeout(&mut self.log, means.now, window);
        } else {
            self.log.lose_longer_than(0);
        }
        let frto = if calm && first && self.config.f_rto { FRto::Repeated } else { FRto::Settled };
        self.phase = Phase::Timeout { until: self.nxt, frto };
        if calm {
            self.begin_account();
        }
        self.dup_acks = DupAcks::default();
        means.congestion.on_rto(means.now, flight_size, first);
    }

    /// What the closed window did not take leaves again, an octet of it.
    pub fn repeat_probe(&mut self, now: Instant) {
        self.repeat_first(now);
        self.blame_nobody();
    }

    pub fn repeat_all(&mut self) {
        self.repeat_longer_than(0);
    }

    pub fn repeat_longer_than(&mut self, smss: u32) {
        self.log.lose_longer_than(smss);
        self.tlp.cancel();
        self.urgent = true;
        self.blame_nobody();
    }

    /// What is lost now is not lost by congestion.
    fn blame_nobody(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Timeout { until: self.nxt, frto: FRto::Settled };
        }
    }

    /// What SND.UNA points to leaves again. If the peer had told that he holds it, he does not: no word of his about what
    /// he holds is true any more (RFC 2018 §8).
    fn repeat_first(&mut self, now: Instant) {
        self.tlp.forget();
        self.lost_at = None;
        if self.held.begins_at(self.una) {
            while let Some((place, len)) = self.held.forget_one() {
                self.log.renege(place, len, now);
            }
        }
        if let Some(first) = self.log.first() {
            self.log.lose(first.place);
        }
        self.urgent = true;
    }

    pub fn deadline(&self) -> Option<Instant> {
        [self.lost_at, self.tlp.deadline()].into_iter().flatten().min()
    }

    pub fn expire(&mut self, path: &PathMemory, means: &mut Means<'_>) {
        self.tlp.expire(means.now);
        if self.lost_at.is_some_and(|at| at <= means.now) {
            self.find_losses(path, means);
            if self.phase == Phase::Open && self.has_lost_by_congestion() {
                let flight_size = self.flight_size(means);
                self.begin_recovery(flight_size, 0, means);
            }
        }
    }

    /// RFC 8985 §7.2: a probe makes sense while nothing is known but that something is out.
    fn schedule_probe(&mut self, means: &Means<'_>) {
        let nothing_known = self.phase == Phase::Open && self.held.octets() == 0 && self.log.lost() == 0;
        if self.sack && self.config.tail_loss_probe && nothing_known && !self.is_over() {
            self.tlp.schedule(means.now, means.rtt.srtt(), self.nxt - self.una <= u64::from(means.smss));
        } else {
            self.tlp.cancel();
        }
    }

    /// The same with times relative to `now` and places to SND.UNA.
    pub fn project(&self, now: Instant) -> Self {
        let view = View { now, una: self.una, by_time: self.judges_by_time() };
        let phase = match self.phase {
            Phase::Open => Phase::Open,
            Phase::Fast { until, prr } => Phase::Fast { until: view.place(until), prr },
            Phase::Timeout { until, frto } => Phase::Timeout { until: view.place(until), frto },
        };
        Self {
            una: FIRST,
            nxt: view.place(self.nxt),
            log: self.log.project(&view),
            held: self.held.project(&view),
            rack: self.rack.project(&view),
            tlp: self.tlp.project(&view),
            undo: self.undo.project(&view),
            phase,
            lost_at: self.lost_at.map(|at| view.ahead(at)),
            judged: view.place(self.judged.max(self.una)),
            recover: view.place(self.recover),
            trial: self
                .trial
                .filter(|&(_, end)| end > self.una)
                .map(|(start, end)| (view.place(start), view.place(end))),
            ..self.clone()
        }
    }

    /// Octets whose whereabouts are known.
    #[cfg(test)]
    pub fn known(&self) -> u32 {
        self.log.in_flight() + self.log.lost() + self.held.octets()
    }

    // ---- Places --------------------------------------------------------------------------------------------------------

    /// FlightSize, but for what limited transmit has sent (RFC 5681 §3.2 step 2).
    fn flight_size(&self, means: &Means<'_>) -> u32 {
        octets(self.nxt - self.una).min(means.congestion.cwnd().max(means.smss))
    }

    fn place(&self, seq: Seq) -> Option<Place> {
        self.una.checked_add_signed(seq.since(self.una_seq).into())
    }

    fn seq(&self, place: Place) -> Seq {
        self.una_seq.plus(octets(place - self.una))
    }

    fn again(&self, place: Place, len: u32) -> Again {
        Again { seq: self.seq(place), len }
    }
}

/// How a flight looks from this moment and from SND.UNA.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    now: Instant,
    una: Place,
    /// Losses are judged by time.
    by_time: bool,
}

impl View {
    /// When a segment left. If it left more than once, that measures nothing, and only RACK asks.
    pub fn left_at(&self, sent: &Sent) -> Instant {
        if sent.again && !self.by_time { Instant::ZERO } else { self.ago(sent.at) }
    }

    /// How long ago something was.
    pub fn ago(&self, at: Instant) -> Instant {
        Instant::ZERO + self.now.since(at)
    }

    /// How far ahead something lies.
    pub fn ahead(&self, at: Instant) -> Instant {
        Instant::ZERO + at.since(self.now)
    }

    /// Where a place lies; all before SND.UNA are one.
    pub fn place(&self, place: Place) -> Place {
        place.checked_sub(self.una).map_or(0, |ahead| FIRST + ahead)
    }
}

/// A length of what is outstanding, which is less than 2^31.
fn octets(len: Place) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
