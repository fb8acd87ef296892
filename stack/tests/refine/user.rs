//! The user of one end: what he has done, what he may still do, and what he was given.

use lockstep::stack::{ConnectionId, Failure, ListenerId};
use lockstep_model::Seq;
use std::hash::{Hash, Hasher};

use crate::end::Stimulus;

/// How a user reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Whatever there is, as soon as it is there.
    AtOnce,
    /// Some time.
    Slowly,
}

/// What a user may still do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Script {
    /// Active OPENs.
    pub opens: u8,
    /// SENDs, of `octets` each.
    pub sends: u8,
    pub octets: u8,
    pub closes: u8,
    pub releases: u8,
    pub aborts: u8,
    /// How often the clock may go on to the next deadline.
    pub ticks: u8,
}

impl Script {
    /// One of these is done.
    pub fn spend(&mut self, stimulus: &Stimulus) {
        match stimulus {
            Stimulus::Arrives { .. } | Stimulus::Read | Stimulus::OpenAgain | Stimulus::StopListening => {}
            Stimulus::Timeout => self.ticks -= 1,
            Stimulus::Open => self.opens -= 1,
            Stimulus::Send(_) => self.sends -= 1,
            Stimulus::Close => self.closes -= 1,
            Stimulus::Release => self.releases -= 1,
            Stimulus::Abort => self.aborts -= 1,
        }
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct User {
    pub left: Script,
    pub connection: Name<ConnectionId>,
    pub listener: Name<ListenerId>,
    /// All connections that he has had, the present one last.
    pub incarnations: Vec<Incarnation>,
    /// What the present one has given him, and whether it was the end.
    pub received: Vec<u8>,
    pub at_end: bool,
    /// How the last one came to a bad end.
    pub failure: Option<Failure>,
}

/// A connection that a user has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Incarnation {
    pub iss: Seq,
    /// Octets that he has sent.
    pub sent: u8,
    /// He has said that this was all.
    pub closed: bool,
    /// He has gone away or aborted: what is still sent to him is refused.
    pub gone: bool,
}

/// The name of a connection or a listener. Whether there is one matters, which one it is does not.
#[derive(Clone, Copy, Debug)]
pub struct Name<T>(pub Option<T>);

impl<T> PartialEq for Name<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_some() == other.0.is_some()
    }
}

impl<T> Eq for Name<T> {}

impl<T> Hash for Name<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.is_some().hash(state);
    }
}

impl User {
    pub fn new(left: Script, listener: Option<ListenerId>) -> Self {
        User {
            left,
            connection: Name(None),
            listener: Name(listener),
            incarnations: Vec::new(),
            received: Vec::new(),
            at_end: false,
            failure: None,
        }
    }

    /// He has a new connection.
    pub fn begins(&mut self, id: ConnectionId, iss: Seq) {
        self.connection = Name(Some(id));
        self.incarnations.push(Incarnation { iss, sent: 0, closed: false, gone: false });
        (self.received, self.at_end, self.failure) = (Vec::new(), false, None);
    }

    /// The octets that he sends next.
    pub fn next_text(&self, side: usize, octets: u8) -> Vec<u8> {
        let sent = self.incarnations.last().map_or(0, |incarnation| incarnation.sent);
        (sent..sent + octets).map(|place| octet(side, self.incarnations.len(), place.into())).collect()
    }

    /// So many octets more were taken.
    pub fn sent(&mut self, octets: u8) {
        if let Some(incarnation) = self.incarnations.last_mut() {
            incarnation.sent += octets;
        }
    }

    /// He closes; perhaps for good.
    pub fn closes(&mut self, gone: bool) {
        if let Some(incarnation) = self.incarnations.last_mut() {
            incarnation.closed = true;
            incarnation.gone |= gone;
        }
    }

    pub fn has_closed(&self) -> bool {
        self.incarnations.last().is_some_and(|incarnation| incarnation.closed)
    }
}

/// The octet at this place of the text of the n-th incarnation (from 1) of this side's user: no other has it there.
pub fn octet(side: usize, incarnation: usize, place: u32) -> u8 {
    let whose = [b'A', b'a'][side].to_owned();
    let place = u8::try_from(place % 8).unwrap_or(0);
    let incarnation = u8::try_from(incarnation % 3).unwrap_or(0);
    whose + 8 * incarnation + place
}
