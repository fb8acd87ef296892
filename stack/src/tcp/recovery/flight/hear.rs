//! What an acknowledgment tells a flight: what has arrived, what has not, and what recovery makes of it.

use lockstep_model::{Seq, SeqNum};

use super::super::blocks::Blocks;
use super::super::rack::PathMemory;
use super::super::sent::{Delivered, Place};
use super::super::tlp::{self, Answer};
use super::super::{Heard, Means, frto};
use super::{Flight, Phase, octets};
use crate::tcp::congestion::{Acked, Congestion};
use crate::tcp::ecn::Echo;
use crate::tcp::rtt::Transmissions;
use crate::time::{Instant, Micros};

/// The clock of timestamps counts milliseconds.
const TIMESTAMP_TICK: Micros = Micros::from_millis(1);

/// What an acknowledgment has told.
#[derive(Clone, Copy, Debug, Default)]
struct News {
    /// Octets acknowledged for the first time.
    acked: u32,
    /// Octets that have arrived, as is known only now.
    delivered: u32,
    /// The round trip of the first segment acknowledged, if it left only once (Karn's algorithm, MUST-18).
    rtt: Option<Micros>,
    /// How long ago that one left for the last time.
    waited: Option<Micros>,
    /// Something that left only once, before the timeout, has arrived.
    original: bool,
}

impl News {
    /// Whether a timestamp that left so long ago is of the last transmission. It may echo an earlier one although that has been
    /// here for long: what has arrived twice does not move TS.Recent (RFC 7323 §5.3), and when every acknowledgment of the first
    /// was lost, the time of all timeouts since would pass for a round trip.
    fn is_last_way(&self, echoed: Micros) -> bool {
        self.waited.is_none_or(|waited| echoed <= waited + TIMESTAMP_TICK)
    }
}

impl Flight {
    pub fn hear(&mut self, heard: &Heard<'_>, path: &mut PathMemory, means: &mut Means<'_>) {
        let ack = self.place(heard.ack).unwrap_or(0);
        let una = ack.max(self.una).min(self.nxt);
        let blocks = if self.sack { heard.blocks } else { &[] };
        let blocks = Blocks::read(blocks, ack, una..self.nxt, |raw| self.place(Seq::new(raw)));
        let flight_size = self.flight_size(means);
        let could_be = octets(self.nxt - self.una).saturating_add(heard.unsent).min(heard.window);
        let app_limited = could_be.saturating_add(means.smss) <= means.congestion.cwnd();
        let lost = self.log.lost();
        let news = self.deliver(una, heard, &blocks, path, means);
        let rtt = news.rtt.or(heard.echoed.filter(|&echoed| news.is_last_way(echoed))).filter(|_| news.acked > 0);
        if let Some(rtt) = rtt {
            means.rtt.on_acked(rtt, Transmissions::Once);
        }
        if let Some(twice) = blocks.twice {
            self.arrived_twice(twice, path, means);
        }
        let probe = tlp::Evidence {
            ack: una,
            duplicate: news.acked == 0,
            selective: !heard.blocks.is_empty(),
            twice: blocks.twice,
        };
        if self.tlp.answered(&probe) == Answer::RepairedLoss && self.phase == Phase::Open {
            self.slow_down(flight_size, means);
            means.congestion.on_recovered(means.now);
        }
        self.find_losses(path, means);
        let srtt = means.rtt.srtt();
        let acked = Acked { now: means.now, octets: news.acked, rtt, srtt, in_flight: flight_size, app_limited };
        self.settle(&acked, &news, heard, lost < self.log.lost(), path, means);
        self.schedule_probe(means);
    }

    /// Takes out of the log what has arrived.
    fn deliver(
        &mut self,
        una: Place,
        heard: &Heard<'_>,
        blocks: &Blocks,
        path: &mut PathMemory,
        means: &Means<'_>,
    ) -> News {
        let mut news = News { acked: octets(una - self.una), ..News::default() };
        let mut first = true;
        while let Some(segment) = self.log.take_acked(una) {
            news.rtt = news.rtt.or((first && !segment.sent.again).then(|| means.now.since(segment.sent.at)));
            news.waited = news.waited.or(Some(means.now.since(segment.sent.at)));
            first = false;
            self.arrived(&segment, &mut news, path, means.now);
        }
        self.una_seq = self.una_seq.plus(news.acked);
        self.una = una;
        self.held.acked(una);
        for (left, right) in blocks.held() {
            while let Some(segment) = self.log.take_within(left, right) {
                self.held.hold(segment.place, segment.sent.len);
                self.arrived(&segment, &mut news, path, means.now);
            }
        }
        if !self.sack && self.config.fast_recovery {
            self.count_duplicates(heard, &mut news, means.smss);
        }
        news
    }

    fn arrived(&mut self, segment: &Delivered, news: &mut News, path: &mut PathMemory, now: Instant) {
        news.delivered = news.delivered.saturating_add(segment.sent.len);
        if !segment.sent.again {
            news.original |= matches!(self.phase, Phase::Timeout { until, .. } if segment.end() <= until);
        }
        if self.judges_by_time() {
            self.rack.delivered(path, now, segment);
        }
    }

    /// Without SACK, duplicates and partial acknowledgments tell of losses (RFC 6582 §3.2).
    fn count_duplicates(&mut self, heard: &Heard<'_>, news: &mut News, smss: u32) {
        let in_recovery = matches!(self.phase, Phase::Fast { until, .. } if self.una < until);
        let mut lost = false;
        if news.acked > 0 {
            news.delivered = self.dup_acks.acked(news.acked, smss, in_recovery);
            lost = in_recovery;
        } else if heard.duplicate {
            news.delivered = smss.min(self.in_flight(smss));
            let careful = matches!(self.phase, Phase::Open) && self.una > self.recover;
            lost = self.dup_acks.another() && careful;
        }
        if let Some(first) = self.log.first().filter(|_| lost) {
            self.log.lose(first.place);
        }
    }

    /// The peer tells of a duplicate: losses may have been none.
    fn arrived_twice(&mut self, twice: (Place, Place), path: &mut PathMemory, means: &mut Means<'_>) {
        self.rack.duplicate(path, self.una, self.nxt);
        if self.config.undo && self.undo.duplicate(twice) {
            self.nothing_was_lost(means);
        }
    }

    /// Recovery begins, goes on or ends, and congestion control hears of it.
    fn settle(
        &mut self,
        acked: &Acked,
        news: &News,
        heard: &Heard<'_>,
        more_lost: bool,
        path: &mut PathMemory,
        means: &mut Means<'_>,
    ) {
        match self.phase {
            Phase::Open if !self.has_lost_by_congestion() => match heard.echo {
                Echo::None if acked.octets > 0 => means.congestion.on_ack(acked),
                Echo::None | Echo::Again => {}
                Echo::First => means.congestion.on_ecn(means.now, acked.in_flight),
            },
            Phase::Open => self.begin_recovery(acked.in_flight, news.delivered, means),
            Phase::Fast { until, .. } if self.una >= until => {
                means.congestion.on_recovered(means.now);
                self.recovered(until, acked.in_flight, path, means);
            }
            Phase::Fast { .. } => self.go_on(news.delivered, acked.octets > 0 && !more_lost, means),
            Phase::Timeout { until, mut frto } => {
                let complete = self.una >= until;
                let advanced = acked.octets > 0;
                let room = heard.offered.saturating_sub(octets(self.nxt - self.una));
                let more_to_send = heard.unsent.min(room) >= means.smss;
                let evidence = frto::Evidence { advanced, complete, original: news.original, more_to_send };
                let spurious = frto.heard(evidence);
                self.phase = Phase::Timeout { until, frto };
                self.urgent |= frto.holds_back();
                if advanced && !spurious {
                    means.congestion.on_ack(acked);
                }
                if spurious {
                    self.nothing_was_lost(means);
                } else if complete {
                    self.recovered(until, acked.in_flight, path, means);
                }
            }
        }
    }

    fn nothing_was_lost(&mut self, means: &mut Means<'_>) {
        self.log.find_all();
        self.phase = Phase::Open;
        means.congestion.on_spurious(means.now);
        means.ecn.has_its_window_back();
    }
}
