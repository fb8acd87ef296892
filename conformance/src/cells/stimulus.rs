//! What may arrive: 26 segments, each placed relative to R, which is RCV.NXT, and W, the window that is advertised.

use std::fmt;

use lockstep_model::{Seq, SeqNum};

use super::configuration::Here;

/// A segment that the peer sends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stimulus(usize);

/// A row of the matrix.
struct Row {
    name: &'static str,
    /// As a script writes them.
    flags: &'static str,
    start: Start,
    ack: Acknowledges,
    /// The length of its text.
    length: u32,
}

/// The number of its first octet.
#[derive(Clone, Copy)]
enum Start {
    /// So far from R.
    Next(i32),
    /// So far from R+W, the first number beyond the window.
    Edge(i32),
}

/// What it acknowledges.
#[derive(Clone, Copy)]
enum Acknowledges {
    /// It has no ACK bit.
    None,
    /// All that was sent.
    All,
    /// One octet that was not sent yet.
    Future,
    /// Less than any segment that may still be under way (RFC 5961 §5.2): further below SND.UNA than any window was wide.
    Old,
}

use Acknowledges::{All, Future, None as Nothing, Old};
use Start::{Edge, Next};

const fn row(name: &'static str, flags: &'static str, start: Start, ack: Acknowledges, length: u32) -> Row {
    Row { name, flags, start, ack, length }
}

const ROWS: [Row; 26] = [
    row("SYN in-win", "S", Next(0), Nothing, 0),
    row("SYN oow", "S", Edge(10), Nothing, 0),
    row("SYN=orig(R-1)", "S", Next(-1), Nothing, 0),
    row("SYN,ACK", "S.", Next(0), All, 0),
    row("ACK ok", ".", Next(0), All, 0),
    row("ACK future", ".", Next(0), Future, 0),
    row("ACK old", ".", Next(0), Old, 0),
    row("DATA ok", "P.", Next(0), All, 10),
    row("DATA dup", "P.", Next(-10), All, 10),
    row("DATA ooo", "P.", Next(10), All, 10),
    row("DATA oow", "P.", Edge(10), All, 10),
    row("DATA no ACK bit", "P", Next(0), Nothing, 10),
    row("DATA+ACK future", "P.", Next(0), Future, 10),
    row("FIN,ACK", "F.", Next(0), All, 0),
    row("FIN no ACK bit", "F", Next(0), Nothing, 0),
    row("FIN,ACK dup", "F.", Next(-1), All, 0),
    row("RST R", "R", Next(0), Nothing, 0),
    row("RST R+10", "R", Next(10), Nothing, 0),
    row("RST R-1", "R", Next(-1), Nothing, 0),
    row("RST R+W-1", "R", Edge(-1), Nothing, 0),
    row("RST R+W", "R", Edge(0), Nothing, 0),
    row("RST R+W+1", "R", Edge(1), Nothing, 0),
    row("RST,ACK", "R.", Next(0), All, 0),
    row("SYN,FIN", "SF", Next(0), Nothing, 0),
    row("no flags", "-", Next(0), Nothing, 0),
    row("URG data", "PU.", Next(0), All, 10),
];

/// Further below SND.UNA than the window of any peer here was wide.
const LONG_AGO: i32 = -100_000;

impl Stimulus {
    /// The reset that everybody takes.
    pub(super) const RESET: Self = Self(16);

    /// All of them, in the order of the matrix.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..ROWS.len()).map(Self)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The stimulus of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|stimulus| stimulus.name() == name)
    }

    /// The line that injects it.
    pub fn line(self, here: Here) -> String {
        let Row { flags, start, ack, length, .. } = *self.row();
        let start = match start {
            Next(offset) => shifted(here.rcv_nxt, offset),
            Edge(offset) => shifted(here.rcv_nxt.plus(u32::from(here.window)), offset),
        };
        let ack = match ack {
            Nothing => None,
            All => Some(here.snd_nxt),
            Future => Some(here.snd_nxt.plus(1)),
            Old => Some(shifted(here.snd_una, LONG_AGO)),
        };
        let mut line = format!("+0.01 < {flags} {}:{}({length})", start.raw(), start.plus(length).raw());
        if let Some(ack) = ack {
            line += &format!(" ack {}", ack.raw());
        }
        line += if flags.contains('R') { " win 0" } else { " win 65535" };
        if flags.contains('U') {
            line += &format!(" urg {length}");
        }
        if flags.contains('S') {
            line += " <mss 1460>";
        }
        line
    }

    fn row(self) -> &'static Row {
        &ROWS[self.0]
    }
}

/// A number so far from another.
fn shifted(number: Seq, offset: i32) -> Seq {
    if offset < 0 { number.minus(offset.unsigned_abs()) } else { number.plus(offset.unsigned_abs()) }
}

impl fmt::Display for Stimulus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Stimulus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reset_that_everybody_takes_is_next_in_order() {
        assert_eq!(Stimulus::RESET.name(), "RST R");
    }

    #[test]
    fn a_stimulus_is_placed_relative_to_what_is_acceptable() {
        let number = Seq::new;
        let here = Here { snd_una: number(1), snd_nxt: number(2), rcv_nxt: number(3), window: 100 };
        for (name, line) in [
            ("SYN oow", "+0.01 < S 113:113(0) win 65535 <mss 1460>"),
            ("SYN=orig(R-1)", "+0.01 < S 2:2(0) win 65535 <mss 1460>"),
            ("ACK future", "+0.01 < . 3:3(0) ack 3 win 65535"),
            ("ACK old", "+0.01 < . 3:3(0) ack 4294867297 win 65535"),
            ("DATA dup", "+0.01 < P. 4294967289:3(10) ack 2 win 65535"),
            ("RST R+W-1", "+0.01 < R 102:102(0) win 0"),
            ("no flags", "+0.01 < - 3:3(0) win 65535"),
            ("URG data", "+0.01 < PU. 3:13(10) ack 2 win 65535 urg 10"),
        ] {
            let stimulus = Stimulus::named(name).expect("there is one");
            assert_eq!(stimulus.line(here), line);
        }
    }
}
