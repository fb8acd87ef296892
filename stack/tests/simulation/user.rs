//! Users: they write, read, close, leave and abort when they like, and know what they must find.

use std::collections::BTreeMap;
use std::fmt;

use lockstep::device::prng::SplitMix64;
use lockstep::stack::{CallError, ConnectionId, Failure, Stack};
use lockstep::time::{Instant, Micros};
use lockstep_model::{Seq, SeqNum};

use crate::world::Climate;

/// The streams that the users of one host have written, by their initial sequence numbers: what tells one incarnation
/// from the next, at both ends.
#[derive(Debug, Default)]
pub struct Ledger {
    streams: BTreeMap<u32, Stream>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    octets: u64,
    finished: bool,
}

/// What a user needs to act.
pub struct Account<'a> {
    pub stack: &'a mut Stack,
    pub now: Instant,
    pub ledger: &'a mut Ledger,
    /// The other host's.
    pub peer: &'a Ledger,
}

/// One user at one end of a connection.
#[derive(Debug)]
pub struct User {
    id: ConnectionId,
    manner: Manner,
    to_send: u64,
    /// The initial sequence numbers of both directions, once known.
    mine: Option<u32>,
    theirs: Option<u32>,
    sent: u64,
    received: u64,
    closed: bool,
    at_end: bool,
    /// How often in a row there was nothing to do.
    idle: u32,
    /// Waits for ever: in a calm world nothing is lost for good.
    patient: bool,
}

/// So often in a row a user finds nothing to do, a second between, before he gives up.
const PATIENCE: u32 = 400;

/// How a user goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Closes when all is sent, reads to the end, leaves.
    Polite,
    /// Closes when the peer has closed; after a while anyway.
    Late,
    /// Closes whenever, and finishes what it can.
    Hasty,
    /// Leaves after so many octets received, whatever there is.
    Leaves(u64),
    /// Aborts after so many octets received.
    Aborts(u64),
}

/// How a user's story ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub received: u64,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// All sent, all received, both closed.
    Well,
    Left,
    Aborted,
    /// The connection ended without a word: reset when both had closed.
    Gone,
    /// Nothing has happened for minutes: the peer is not there any more, and nothing is in flight that would show it.
    Tired,
    Failed(Failure),
}

impl End {
    /// Whether this may happen where nobody does wrong.
    pub fn is_good(self) -> bool {
        matches!(self.how, How::Well | How::Failed(Failure::Refused))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.how {
            How::Failed(failure) => failure.fmt(f),
            how @ (How::Well | How::Left | How::Aborted | How::Gone | How::Tired) => write!(f, "{how:?}"),
        }
    }
}

impl User {
    pub fn new(id: ConnectionId, climate: &Climate, random: &mut SplitMix64) -> User {
        let text = |random: &mut SplitMix64| random.below(climate.most_text + 1);
        let manner = match random.below(if climate.calm { 6 } else { 12 }) {
            0..4 => Manner::Polite,
            4 | 5 => Manner::Late,
            6 | 7 => Manner::Hasty,
            8 => Manner::Leaves(0),
            9 => Manner::Leaves(text(random)),
            _ => Manner::Aborts(text(random)),
        };
        User {
            id,
            manner,
            to_send: text(random),
            mine: None,
            theirs: None,
            sent: 0,
            received: 0,
            closed: false,
            at_end: false,
            idle: 0,
            patient: climate.calm,
        }
    }

    /// The connection.
    pub fn connection(&self) -> ConnectionId {
        self.id
    }

    /// Does a few things that may be done now. Tells how it ended, if it did.
    pub fn act(&mut self, mut account: Account<'_>, random: &mut SplitMix64, seed: u64) -> Option<End> {
        self.idle = self.idle.saturating_add(1);
        self.learn(&mut account);
        if self.manner == Manner::Leaves(0) && random.below(8) == 0 {
            return self.leave(account, How::Left);
        }
        let acted = self.write(&mut account, random).and_then(|()| self.read(&mut account, random, seed));
        match acted {
            Err(CallError::Failed(failure)) => return self.leave(account, How::Failed(failure)),
            Err(_) => return self.leave(account, How::Gone),
            Ok(()) => {}
        }
        match self.manner {
            Manner::Polite if self.sent == self.to_send && self.theirs.is_some() => self.close(&mut account),
            Manner::Late if self.theirs.is_some() && (self.at_end || self.idle > 40) => self.close(&mut account),
            Manner::Hasty if random.below(6) == 0 => self.close(&mut account),
            Manner::Leaves(after) if self.received >= after.max(1) || self.idle > 12 => {
                return self.leave(account, How::Left);
            }
            Manner::Aborts(after) if self.received >= after && self.idle > 1 => {
                let first = account.stack.abort(account.now, self.id);
                let again = account.stack.abort(account.now, self.id);
                assert_eq!((first.is_ok(), again.is_ok()), (true, false), "seed {seed}: {self:?}");
                return self.leave(account, How::Aborted);
            }
            Manner::Leaves(_) if self.at_end => return self.leave(account, How::Left),
            Manner::Polite | Manner::Late | Manner::Hasty | Manner::Leaves(_) | Manner::Aborts(_) => {}
        }
        match (self.at_end, self.closed) {
            (true, true) => self.leave(account, How::Well),
            (true, false) if self.sent == self.to_send => {
                self.close(&mut account);
                None
            }
            (_, _) if self.patient || self.idle < PATIENCE => None,
            (_, _) => self.leave(account, How::Tired),
        }
    }

    /// How long until it acts again: longer and longer while there is nothing to do.
    pub fn pause(&self, random: &mut SplitMix64) -> Micros {
        let most = 2_000_u64 << self.idle.min(10);
        Micros::new(1 + random.below(most))
    }

    /// The initial sequence numbers, as soon as they exist.
    fn learn(&mut self, account: &mut Account<'_>) {
        let Ok(status) = account.stack.status(account.now, self.id) else {
            return;
        };
        let raw = |seq: Seq| seq.raw();
        if self.mine.is_none() {
            self.mine = Some(raw(status.tcb.iss()));
        }
        if self.theirs.is_none() && status.tcb.syn_acked() {
            self.theirs = Some(raw(status.tcb.irs()));
        }
    }

    fn write(&mut self, account: &mut Account<'_>, random: &mut SplitMix64) -> Result<(), CallError> {
        if self.closed {
            return self.write_in_vain(account);
        }
        if self.sent == self.to_send {
            return Ok(());
        }
        let iss = self.mine.unwrap_or_default();
        let len = (self.to_send - self.sent).min(1 + random.below(9_000));
        let text: Vec<u8> = (self.sent..self.sent + len).map(|offset| octet(iss, offset)).collect();
        match account.stack.send(account.now, self.id, &text) {
            Ok(taken) => {
                self.sent += u64::try_from(taken).unwrap();
                self.idle = 0;
                account.ledger.streams.entry(iss).or_default().octets = self.sent;
                Ok(())
            }
            Err(CallError::WouldBlock) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// After a close nothing more is taken. Only why is the question: it may have ended, too.
    fn write_in_vain(&self, account: &mut Account<'_>) -> Result<(), CallError> {
        match account.stack.send(account.now, self.id, b"too late") {
            Ok(taken) => panic!("{taken} octets were taken after the close of {self:?}"),
            Err(CallError::Failed(failure)) => Err(CallError::Failed(failure)),
            Err(CallError::Closing | CallError::DoesNotExist | CallError::WouldBlock) => Ok(()),
        }
    }

    fn read(&mut self, account: &mut Account<'_>, random: &mut SplitMix64, seed: u64) -> Result<(), CallError> {
        let mut buf = vec![0; usize::try_from(1 + random.below(9_000)).unwrap()];
        match account.stack.receive(account.now, self.id, &mut buf) {
            Ok(0) => {
                self.check_end(account.peer, seed);
                self.at_end = true;
                Ok(())
            }
            Ok(len) => {
                self.idle = 0;
                self.check_text(&buf[..len], seed);
                Ok(())
            }
            Err(CallError::WouldBlock) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn check_text(&mut self, text: &[u8], seed: u64) {
        let irs = self.theirs.expect("text comes after the handshake");
        for &byte in text {
            assert_eq!(byte, octet(irs, self.received), "seed {seed}: octet {} of {self:?}", self.received);
            self.received += 1;
        }
    }

    /// The end of the stream is where its writer closed it.
    fn check_end(&self, peer: &Ledger, seed: u64) {
        let irs = self.theirs.expect("the end comes after the handshake");
        let stream = peer.streams.get(&irs).copied().unwrap_or_default();
        assert!(stream.finished, "seed {seed}: an end that nobody made, {self:?}");
        assert_eq!(stream.octets, self.received, "seed {seed}: the stream ends elsewhere, {self:?}");
    }

    fn close(&mut self, account: &mut Account<'_>) {
        self.finish_stream(account);
        let again = account.stack.close(account.now, self.id);
        assert!(!self.closed || again.is_err());
        self.closed = true;
    }

    fn finish_stream(&self, account: &mut Account<'_>) {
        if let Some(iss) = self.mine {
            account.ledger.streams.entry(iss).or_default().finished = true;
        }
    }

    fn leave(&self, mut account: Account<'_>, how: How) -> Option<End> {
        self.finish_stream(&mut account);
        account.stack.release(account.now, self.id).expect("each user leaves once");
        Some(End { received: self.received, how })
    }
}

/// The octet at this offset of the stream that begins with this number.
fn octet(iss: u32, offset: u64) -> u8 {
    let mixed = (u64::from(iss) << 32 | offset).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed.to_be_bytes()[1]
}
