//! Bugs that other TCPs have had, and that no wrong table can show, for tests to put back: what catches one here would
//! have caught it there.
//!
//! Only the feature `historical-bugs` can put one back, and only tests ask for it. Without it `is_back` is constant, and
//! the compiler leaves nothing of any of them.

use std::cell::Cell;

use crate::time::Instant;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Sequence numbers are subtracted as if they never began again at zero: in smoltcp before 0.13.1 (2026)
    /// the numbers of SACK blocks overflowed, a panic where overflows are checked.
    PlainSubtraction,
    /// An option of length zero is skipped by its length, so that the next one is the same, for ever: picoTCP until 1.7.0
    /// (CVE-2020-24337, 2020), netfilter in Linux 2.6 (CVE-2004-0626, 2004).
    ZeroLengthOption,
    /// All connections together answer so many suspicious segments, so that who has one of his own learns from it what
    /// happens on others: Linux 3.6 to 4.6 (CVE-2016-5696, 2016).
    SharedChallenges,
}

thread_local! {
    #[cfg(feature = "historical-bugs")]
    static BACK: Cell<Option<Bug>> = const { Cell::new(None) };
    /// Of [`Bug::SharedChallenges`]: until when no connection answers any suspicious segment.
    pub(crate) static ANSWERED_UNTIL: Cell<Instant> = const { Cell::new(Instant::ZERO) };
}

/// Does some work, in this thread, while a bug is back.
#[cfg(feature = "historical-bugs")]
pub fn with<T>(bug: Bug, work: impl FnOnce() -> T) -> T {
    /// It does not stay, however the work ends.
    struct Gone;
    impl Drop for Gone {
        fn drop(&mut self) {
            BACK.set(None);
        }
    }
    let _gone = Gone;
    BACK.set(Some(bug));
    ANSWERED_UNTIL.set(Instant::ZERO);
    work()
}

/// Whether this bug is back.
#[cfg(feature = "historical-bugs")]
pub(crate) fn is_back(bug: Bug) -> bool {
    BACK.get() == Some(bug)
}

/// Whether this bug is back.
#[cfg(not(feature = "historical-bugs"))]
pub(crate) const fn is_back(_: Bug) -> bool {
    false
}
