//! The handshake as a listener sees it: forking, the SYN queue and its overflow (RFC 4987).
//!
//! Nothing here changes a state: a half-open child is stepped by the table like any other connection, and a cookie's
//! acknowledgment replays the SYN that was forgotten, its answer held back, and then itself.

use lockstep_model::{Call, Event, Flag, Flags, Segment, Seq, SeqNum, State, Timer};

use super::cookie::{self, Redeemed};
use super::half_open::HalfOpen;
use super::{BacklogFull, Listener, SynCookies};
use crate::drops::DropReason;
use crate::tcp::connection::{Connection, Effects, Given};
use crate::tcp::demux::Pair;
use crate::tcp::endpoints::{Endpoints, Entry, News, Owner};
use crate::time::Instant;

impl Endpoints {
    /// Steps a copy of the listener, which is a new connection unless it is in LISTEN afterwards.
    pub(in crate::tcp) fn fork(
        &mut self,
        now: Instant,
        parent: usize,
        pair: Pair,
        segment: Segment<Seq>,
        given: Given<'_>,
    ) -> Result<(), DropReason> {
        if let Some(redeemed) = self.redeem(now, &pair, &segment, given) {
            return self.grow_from_cookie(now, parent, pair, redeemed, segment, given);
        }
        let Some((mut child, listener)) = self.copy_of(parent, pair) else { return Ok(()) };
        // Text beyond what may be kept is as if it had not come; it comes again.
        let keeps_text = listener.has_room_for_whole() || !segment.has(Flag::Syn);
        let (segment, text) = if keeps_text { (segment, given.text) } else { (bare(segment), &[][..]) };
        let effects = child.arrives(&self.common, now, segment, Given { text, ..given });
        if child.tcb().state() == State::Listen {
            self.answer(now, pair, &effects);
            return Ok(());
        }
        if !listener.has_room() {
            return Err(DropReason::BacklogFull);
        }
        let full = listener.handshakes() >= self.common.config.listen.half_open;
        match (self.common.config.listen.syn_cookies, full) {
            (SynCookies::Always, _) | (SynCookies::OnOverflow, true) => {
                self.send_cookie(now, parent, pair, segment, given);
                return Ok(());
            }
            (SynCookies::Never, true) => self.recycle_oldest(now, parent),
            (SynCookies::Never | SynCookies::OnOverflow, false) => {}
        }
        self.enter(now, parent, child, &effects)
    }

    /// A child gets its place: packed if it can be, whole if it has brought text and not too many have.
    fn enter(&mut self, now: Instant, parent: usize, child: Connection, effects: &Effects) -> Result<(), DropReason> {
        if self.is_full() {
            return Err(DropReason::ConnectionsFull);
        }
        let index = self.grow(now, parent, child, effects)?;
        self.lay_to_rest(index);
        Ok(())
    }

    /// Whether there are as many connections as there may be, packed children included.
    pub(in crate::tcp) fn is_full(&self) -> bool {
        self.connections.len() + self.half_open.len() >= self.connections.capacity()
    }

    /// A child becomes a connection, which waits to be accepted when its handshake is over.
    fn grow(&mut self, now: Instant, parent: usize, child: Connection, effects: &Effects) -> Result<usize, DropReason> {
        let pair = child.pair();
        let owner = Owner::Listener { established: false };
        let entry = Entry { connection: child, owner, news: News::default(), failure: None };
        let index = self.connections.insert(entry).ok_or(DropReason::ConnectionsFull)?.index();
        if let Some(listener) = self.listeners.at_mut(parent) {
            listener.whole.insert(index);
        }
        self.demux.insert(pair, index);
        self.settle(now, index, effects);
        Ok(index)
    }

    /// Whether `segment` would end the handshake of the child at `index` while nobody more can wait to be accepted.
    pub(in crate::tcp) fn finds_no_room(
        &self,
        now: Instant,
        index: usize,
        segment: Segment<Seq>,
        given: Given<'_>,
    ) -> bool {
        let Some(entry) = self.connections.at(index) else { return false };
        let Owner::Listener { established: false } = entry.owner else { return false };
        if self.listeners.of(entry.connection.pair()).is_none_or(Listener::has_room) {
            return false;
        }
        let mut trial = entry.connection.clone();
        trial.arrives(&self.common, now, segment, given);
        trial.tcb().syn_acked()
    }

    /// What becomes of a child for whom there is no room: what it has heard is as if lost, or it is reset.
    pub(in crate::tcp) fn turn_away(&mut self, now: Instant, index: usize) -> DropReason {
        match self.common.config.listen.backlog_full {
            BacklogFull::Ignore => {}
            BacklogFull::Reset => drop(self.call_at(now, index, Call::Abort)),
        }
        DropReason::BacklogFull
    }

    // ---- The SYN queue -----------------------------------------------------------------------------------------------

    /// What was packed is a connection again, until it has nothing more to say.
    pub(in crate::tcp) fn wake_half_open(&mut self, place: usize) -> Option<usize> {
        let block = self.half_open.take(place)?;
        let parent = self.listeners.on_port(block.pair().local.port())?;
        let owner = Owner::Listener { established: false };
        let connection = block.expand(&self.common);
        let entry = Entry { connection, owner, news: News::default(), failure: None };
        let index = self.connections.insert_anyway(entry).index();
        if let Some(listener) = self.listeners.at_mut(parent) {
            listener.half_open.remove(&(block.begun(), place));
            listener.whole.insert(index);
        }
        self.attend(block.pair(), index);
        Some(index)
    }

    /// A child in the handshake that has nothing to say is packed, if no more than that is to be remembered of it.
    pub(in crate::tcp) fn pack_half_open(&mut self, index: usize) {
        let Some(entry) = self.connections.at(index) else { return };
        let Owner::Listener { established: false } = entry.owner else { return };
        let Some(block) = HalfOpen::pack(&self.common, &entry.connection) else { return };
        let (pair, begun) = (block.pair(), block.begun());
        self.demux.remove(&pair, index);
        self.forget(index);
        let place = self.half_open.insert(block);
        if let Some(listener) = self.listeners.of_mut(pair) {
            listener.whole.remove(&index);
            listener.half_open.insert((begun, place));
        }
    }

    /// The oldest half-open child gives way: patience with it is at an end (RFC 4987 §3.4).
    fn recycle_oldest(&mut self, now: Instant, parent: usize) {
        let oldest = self.listeners.at(parent).and_then(|listener| listener.half_open.first().copied());
        if let Some(index) = oldest.and_then(|(_, place)| self.wake_half_open(place)) {
            self.step_at(now, index, Event::Timeout(Timer::User), Given::default());
        }
    }

    // ---- Cookies -------------------------------------------------------------------------------------------------------

    /// Answers a SYN and keeps nothing of it: the child is forgotten as soon as it has spoken. Its text comes again.
    fn send_cookie(&mut self, now: Instant, parent: usize, pair: Pair, segment: Segment<Seq>, given: Given<'_>) {
        let Some((mut child, _)) = self.copy_of(parent, pair) else { return };
        let stamped = self.common.config.options.timestamps;
        let offered = cookie::keepable(&given.options.copied().unwrap_or_default(), stamped);
        let iss = self.cookies.bake(now, &pair, segment.seq, &offered);
        let given = Given { options: Some(&offered), iss: Some(iss), ..Given::default() };
        let mut effects = child.arrives(&self.common, now, bare(segment), given);
        for stamps in effects.emitted.iter_mut().filter_map(|dressed| dressed.options.timestamps.as_mut()) {
            stamps.value = cookie::stamped(stamps.value, &offered);
        }
        self.answer(now, pair, &effects);
    }

    /// What this segment says if it acknowledges a cookie.
    fn redeem(&self, now: Instant, pair: &Pair, segment: &Segment<Seq>, given: Given<'_>) -> Option<Redeemed> {
        let acknowledges = segment.has(Flag::Ack) && !segment.has(Flag::Syn) && !segment.has(Flag::Rst);
        let options = given.options.filter(|_| acknowledges)?;
        self.cookies.redeem(now, pair, segment.seq.minus(1), segment.ack, options)
    }

    /// Replays the SYN that was answered with a cookie, to a copy of the listener, and then the segment that acknowledges it.
    fn grow_from_cookie(
        &mut self,
        now: Instant,
        parent: usize,
        pair: Pair,
        redeemed: Redeemed,
        segment: Segment<Seq>,
        given: Given<'_>,
    ) -> Result<(), DropReason> {
        let Some((mut child, listener)) = self.copy_of(parent, pair) else { return Ok(()) };
        if !listener.has_room() {
            return Err(DropReason::BacklogFull);
        }
        let Redeemed { iss, irs, options } = redeemed;
        let syn = Segment::control(irs, Seq::new(0), Flags::SYN, 0);
        let remembered = Given { options: Some(&options), iss: Some(iss), ..Given::default() };
        child.arrives(&self.common, now, syn, remembered);
        // When the SYN,ACK left is forgotten: its round trip is not measured.
        child.flow.syn_sent = None;
        let wnd = child.flow.agreed.octets_of(u16::try_from(segment.wnd).unwrap_or(u16::MAX), false);
        let effects = child.arrives(&self.common, now, Segment { wnd, ..segment }, given);
        self.grow(now, parent, child, &effects).map(drop)
    }

    fn copy_of(&self, parent: usize, pair: Pair) -> Option<(Connection, &Listener)> {
        let listener = self.listeners.at(parent)?;
        let mut child = Connection::of(&self.common, pair, *listener.connection.tcb());
        child.flow.own_settings.clone_from(&listener.connection.flow.own_settings);
        Some((child, listener))
    }
}

/// A SYN without the text and the FIN that it brought.
fn bare(segment: Segment<Seq>) -> Segment<Seq> {
    let kept = [Flag::Syn, Flag::Rst, Flag::Ack].into_iter().filter(|&flag| segment.has(flag));
    Segment { text: 0, flags: kept.fold(Flags::default(), Flags::with), ..segment }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::tcp::{ListenOptions, TcpConfig};
    use crate::time::Micros;
    use crate::wire::{TcpOptions, Timestamps};
    use lockstep_model::Table;

    /// What offers least, what offers most, and what lies between.
    fn offers() -> Vec<TcpOptions> {
        let timestamps = [None, Some(Timestamps { value: 7, echo: 0 })];
        let scales = [None, Some(0), Some(14), Some(255)];
        let of = |timestamps, window_scale: Option<u8>| {
            let mss = window_scale.map(|_| 1460);
            TcpOptions { mss, window_scale, sack_permitted: true, timestamps, ..TcpOptions::default() }
        };
        timestamps
            .into_iter()
            .flat_map(|stamps| scales.map(|scale| of(stamps, scale)))
            .chain([TcpOptions::default()])
            .collect()
    }

    /// Whatever a SYN offers, its child is packed at once, and again after each SYN,ACK and after a challenge.
    #[test]
    fn a_child_is_packed_whenever_it_has_nothing_to_say() {
        let pair = Pair { local: ([192, 0, 2, 1], 80).into(), remote: ([192, 0, 2, 2], 4000).into() };
        for options in offers() {
            let (config, limits) = (TcpConfig::default(), Limits::default());
            let mut tcp = Endpoints::new(Table::repaired(), config, &limits, 1460, *b"handshakes' test").unwrap();
            let mut now = Instant::ZERO + Micros::from_secs(1);
            tcp.listen(now, pair.local, ListenOptions::new(1)).unwrap();
            let parent = tcp.listeners.on_port(80).unwrap();
            let syn = Segment::control(Seq::new(1000), Seq::new(0), Flags::SYN, 60_000);
            let given = Given { options: Some(&options), ..Given::default() };
            tcp.fork(now, parent, pair, syn, given).unwrap();
            let mut frame = Vec::new();
            for answers in 0..=5 {
                assert_eq!((tcp.connections.len(), tcp.half_open.len()), (0, 1), "{answers} answers to {options:?}");
                let child = tcp.half_open.iter().next().unwrap().expand(&tcp.common);
                assert_eq!(child.flow.timeouts, answers);

                let index = tcp.find(&pair).unwrap();
                let old = Segment::control(Seq::new(900), child.tcb().snd_nxt(), Flags::ACK, 60_000);
                tcp.step_at(now, index, Event::Arrives(old), Given::default());
                while tcp.poll_segment(now, &mut frame).is_some() {}
                assert_eq!((tcp.connections.len(), tcp.half_open.len()), (0, 1), "challenged, {options:?}");

                now = tcp.poll_timeout().unwrap();
                tcp.timeout(now);
                while tcp.poll_segment(now, &mut frame).is_some() {}
            }
            assert_eq!((tcp.connections.len(), tcp.half_open.len()), (0, 0), "{options:?}");
        }
    }
}
