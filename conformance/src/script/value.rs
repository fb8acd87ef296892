//! The small values of the language: positions, times, tolerances, sequence numbers, error names.

use std::fmt;
use std::time::Duration;

use crate::system;

/// A place in a script. Lines and columns count from one; a column is one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Position {
    /// Where every script begins.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A sequence number as scripts write it.
///
/// A relative number counts from the initial sequence number of the end whose octets it counts: `seq` of an injected packet and
/// `ack` of an expected one from the peer's, which is the number that the script itself put into the first SYN it injects;
/// `ack` of an injected packet and `seq` of an expected one from that of the system under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeqNumber {
    /// The number, modulo 2^32: 4294967295 is one before the base.
    pub value: u32,
    /// Written with `!`: the number on the wire, not relative to anything.
    pub absolute: bool,
}

impl SeqNumber {
    /// A number relative to the sender's initial sequence number.
    pub const fn relative(value: u32) -> Self {
        Self { value, absolute: false }
    }

    /// The number on the wire, for a sender whose initial sequence number is `initial`.
    pub const fn on_wire(self, initial: u32) -> u32 {
        if self.absolute { self.value } else { initial.wrapping_add(self.value) }
    }

    /// The number that follows `length` octets from here.
    pub fn after(self, length: u16) -> Self {
        Self { value: self.value.wrapping_add(u32::from(length)), ..self }
    }
}

/// How far the time of an event may lie from the time written in the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tolerance(pub Duration);

impl Tolerance {
    /// What holds without `--tolerance_usecs`: 4 ms, as in packetdrill.
    pub const DEFAULT: Self = Self(Duration::from_millis(4));

    /// Whether something due at `due` may happen at `seen`; both since one common origin.
    pub fn allows(self, due: Duration, seen: Duration) -> bool {
        due.abs_diff(seen) <= self.0
    }
}

/// A part of a hundred, in thousandths of a percent: `12.5` is 12,500.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Percent(pub u32);

impl Percent {
    /// That part of `time`.
    pub fn of(self, time: Duration) -> Duration {
        time.saturating_mul(self.0) / 100_000
    }

    /// What `digits` with at most three decimals mean.
    pub(super) fn parse(digits: &str) -> Option<Self> {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
        let thousandths = (is_number && fraction.len() <= 3).then(|| format!("{whole}{fraction:0<3}"));
        thousandths?.parse().ok().map(Self)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, thousandths) = (self.0 / 1000, self.0 % 1000);
        match format!("{thousandths:03}").trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            fraction => write!(f, "{whole}.{fraction}"),
        }
    }
}

/// The name of an error of a system call, such as `ECONNREFUSED`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Errno(pub String);

impl Errno {
    /// Its number on this system, or nothing if it is not one that a socket call can give.
    pub fn number(&self) -> Option<i32> {
        let name = if self.0 == "EWOULDBLOCK" { "EAGAIN" } else { &self.0 };
        system::Errno::named(name).map(|errno| errno.0)
    }
}

/// The time that `digits` means in seconds, with at most nine decimal places: `1`, `0.100`, `.1`.
pub(super) fn seconds(digits: &str) -> Option<Duration> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > 9 || !(whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let secs = if whole.is_empty() { 0 } else { whole.parse::<u32>().ok()? };
    let nanos = format!("{fraction:0<9}").parse().ok()?;
    Some(Duration::new(u64::from(secs), nanos))
}

/// `time` in seconds, as short as it is exact: the reverse of [`seconds`].
pub(super) fn display_seconds(time: Duration) -> String {
    let nanos = format!("{:09}", time.subsec_nanos());
    match nanos.trim_end_matches('0') {
        "" => time.as_secs().to_string(),
        fraction => format!("{}.{fraction}", time.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn seconds_have_at_most_nine_decimals() {
        assert_eq!(seconds("0"), Some(Duration::ZERO));
        assert_eq!(seconds("1"), Some(Duration::from_secs(1)));
        assert_eq!(seconds(".1"), Some(Duration::from_millis(100)));
        assert_eq!(seconds("0.050"), Some(Duration::from_millis(50)));
        assert_eq!(seconds("2.000000001"), Some(Duration::new(2, 1)));
        for wrong in ["0.0000000001", "4294967296", "x", "1.x", "0x10"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn relative_numbers_wrap_and_absolute_ones_stay() {
        assert_eq!(SeqNumber::relative(4_294_967_295).on_wire(1000), 999);
        assert_eq!(SeqNumber::relative(1).on_wire(u32::MAX), 0);
        assert_eq!(SeqNumber { value: 7, absolute: true }.on_wire(1000), 7);
        assert_eq!(SeqNumber::relative(u32::MAX).after(2), SeqNumber::relative(1));
    }

    #[test]
    fn a_tolerance_has_two_sides() {
        let tolerance = Tolerance::DEFAULT;
        let due = Duration::from_millis(10);
        assert!(tolerance.allows(due, Duration::from_millis(6)));
        assert!(tolerance.allows(due, Duration::from_millis(14)));
        assert!(!tolerance.allows(due, Duration::from_micros(5_999)));
        assert!(!tolerance.allows(due, Duration::from_micros(14_001)));
    }

    #[test]
    fn errors_have_names_and_numbers() {
        let refused = Errno("ECONNREFUSED".to_owned());
        assert_eq!(refused.number(), Some(libc::ECONNREFUSED));
        assert_eq!(Errno("EWHATEVER".to_owned()).number(), None);
    }

    proptest! {
        #[test]
        fn seconds_read_what_display_wrote(secs in any::<u32>(), nanos in 0u32..1_000_000_000) {
            let time = Duration::new(u64::from(secs), nanos);
            prop_assert_eq!(seconds(&display_seconds(time)), Some(time));
        }
    }
}
