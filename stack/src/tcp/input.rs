//! A segment arrives: who gets it.

use lockstep_model::{Event, Flag, Flags, Segment, Seq, SeqNum, State};

use super::connection::{Connection, Given};
use super::demux::Pair;
use super::ecn::Marks;
use super::endpoints::{Endpoints, News, Owner};
use super::options::Agreed;
use crate::drops::DropReason;
use crate::time::Instant;
use crate::wire::{SourceRoute, TcpSegment};

/// What the datagram of a segment says besides who it is from and for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conveyance {
    /// The octet of differentiated services and congestion notification.
    pub dscp_ecn: u8,
    /// The way back, if it came a prescribed one.
    pub return_route: Option<SourceRoute>,
}

impl Endpoints {
    /// A connection of this pair gets the segment, else a listener, else CLOSED, which is a connection that does not
    /// exist and answers by the table like any other. `by` is how its datagram came.
    ///
    /// # Errors
    /// Why the segment was dropped before the table saw it.
    pub fn input(
        &mut self,
        now: Instant,
        pair: Pair,
        bytes: &TcpSegment<'_>,
        by: Conveyance,
    ) -> Result<(), DropReason> {
        let index = self.find(&pair);
        let agreed = index.and_then(|index| self.connections.at(index)).map(|entry| entry.connection.flow.agreed);
        let segment = segment_of(bytes, agreed.unwrap_or_default());
        if self.common.config.drop_syn_fin && segment.has(Flag::Syn) && segment.has(Flag::Fin) {
            return Err(DropReason::SynFin);
        }
        let (options, _) = bytes.options();
        let marks = Marks::of(bytes.flags(), by.dscp_ecn);
        let given = Given {
            text: bytes.text(),
            options: Some(&options),
            marks,
            return_route: by.return_route,
            ..Given::default()
        };
        if let Some(index) = index {
            self.deliver(now, index, segment, given)
        } else if let Some(parent) = self.listeners.on_port(pair.local.port()) {
            self.fork(now, parent, pair, segment, given)
        } else {
            let mut nobody = Connection::closed(&self.common, pair);
            let effects = nobody.step(&self.common, now, Event::Arrives(segment), given);
            self.answer(now, pair, &effects);
            Ok(())
        }
    }

    fn deliver(
        &mut self,
        now: Instant,
        index: usize,
        segment: Segment<Seq>,
        given: Given<'_>,
    ) -> Result<(), DropReason> {
        if self.finds_no_room(now, index, segment, given) {
            return Err(self.turn_away(now, index));
        }
        let overfull = self.connections.is_overfull();
        let Some(entry) = self.connections.at_mut(index) else {
            return Ok(());
        };
        // Only a connection that nobody holds can become another one.
        let reopens = entry.owner == Owner::Nobody && entry.connection.flow.recv.unread() == 0;
        let port = entry.connection.pair().local.port();
        let listening = reopens && !overfull && self.listeners.may_reopen_on(port);
        let listener = self.listeners.on_port(port).and_then(|parent| self.listeners.at(parent));
        let inherited = listener.filter(|_| listening).and_then(|at| at.connection.flow.own_settings.as_deref());
        let effects = entry.connection.arrives(&self.common, now, segment, Given { listening, inherited, ..given });
        self.change_owner(index);
        self.settle(now, index, &effects);
        Ok(())
    }

    /// A connection reopened from TIME-WAIT (MAY-2) is a new one, a child of whoever listens now; back in TIME-WAIT, it is
    /// nobody's again.
    fn change_owner(&mut self, index: usize) {
        let Some(entry) = self.connections.at_mut(index) else { return };
        let reopened = entry.connection.tcb().reopened();
        match entry.owner {
            Owner::Nobody if reopened => {
                let Some(listener) = self.listeners.of_mut(entry.connection.pair()) else { return };
                listener.whole.insert(index);
                self.orphans.remove(index);
                entry.owner = Owner::Listener { established: false };
                entry.news = News::default();
                entry.failure = None;
                self.connections.rename(index);
            }
            Owner::Listener { established: false } if entry.connection.tcb().state() == State::TimeWait => {
                if let Some(listener) = self.listeners.of_mut(entry.connection.pair()) {
                    listener.whole.remove(&index);
                }
                entry.owner = Owner::Nobody;
            }
            Owner::User | Owner::Nobody | Owner::Listener { .. } => {}
        }
    }
}

/// The header fields and lengths that the table looks at, the window in octets.
fn segment_of(bytes: &TcpSegment<'_>, agreed: Agreed) -> Segment<Seq> {
    let flags = Flags::from_wire(bytes.flags().0);
    Segment {
        seq: Seq::new(bytes.seq()),
        ack: Seq::new(bytes.ack()),
        flags,
        text: u32::try_from(bytes.text().len()).unwrap_or(u32::MAX),
        wnd: agreed.octets_of(bytes.window(), flags.has(Flag::Syn)),
        up: bytes.urgent().into(),
    }
}
