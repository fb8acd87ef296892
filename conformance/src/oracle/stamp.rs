//! Timestamps as the oracle follows them (RFC 7323 §4.3, §5.3): what the SYNs agreed on, and the peer's clock.

use lockstep_model::table::TimestampClass;
use lockstep_model::{Seq, SeqNum};

/// What an arriving segment carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stamp {
    /// Not both SYNs offered timestamps.
    #[default]
    NotInUse,
    /// They did, and this segment has none.
    Missing,
    /// SEG.TSval
    Value(u32),
}

/// The peer's clock as the system knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct PeerClock {
    /// Of the segment that arrives.
    pub stamp: Stamp,
    /// TS.Recent
    ts_recent: Option<u32>,
}

impl PeerClock {
    /// What the timestamp says. A missing one SHOULD end the processing (§3.2), or may be taken for nothing.
    pub fn class(&self, strict: bool) -> TimestampClass {
        let value = match self.stamp {
            Stamp::NotInUse => return TimestampClass::NotInUse,
            Stamp::Missing if strict => return TimestampClass::Missing,
            Stamp::Missing => return TimestampClass::NotInUse,
            Stamp::Value(value) => value,
        };
        match self.ts_recent.map(|recent| Seq::new(value).since(Seq::new(recent))) {
            Some(..=-1) => TimestampClass::Older,
            Some(0) => TimestampClass::Same,
            Some(1..) | None => TimestampClass::Newer,
        }
    }

    /// The peer's SYN counts: its clock is another's, or the same that has gone on.
    pub fn begin(&mut self) {
        self.ts_recent = None;
        self.record();
    }

    /// TS.Recent <- SEG.TSval, if that is not older.
    pub fn record(&mut self) {
        if let (Stamp::Value(value), TimestampClass::Same | TimestampClass::Newer) = (self.stamp, self.class(true)) {
            self.ts_recent = Some(value);
        }
    }
}
