//! What a run lets pass although the script says otherwise.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Lateness;
use crate::script::Errno;

/// What the profile of a stack allows to be different from what a script says. Scripts that were written for one stack
/// assert its habits; a rule here says that another habit is as good. Whatever a rule lets pass is recorded as a
/// [`Normalisation`], so that no run passes in silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// How the list of TCP options is compared.
    pub options: OptionList,
    /// What the window of a segment is compared for.
    pub window: Windows,
    /// Whether the system may choose any window scale, where it has one.
    pub any_window_scale: bool,
    /// Whether timestamps may say anything: their clocks and their echoes.
    pub any_timestamps: bool,
    /// The greatest segment that the system announces, whatever the script says.
    pub maximum_segment_size: Option<u16>,
    /// Whether an injected number within two of the edge of the window that the script asserts is moved to the edge
    /// of the one that the system really offers.
    pub rebase: bool,
    /// Whether ACKs of new text may come earlier, later, or together, and windows be updated unasked.
    pub optional_acks: bool,
    /// How much later than written a timer may fire, in percent of its time.
    pub late_percent: u32,
    /// How much later than written anything may happen, in milliseconds.
    pub late_ms: u32,
    /// The error that this stack gives in place of the one that is written, both by their names.
    pub errno: BTreeMap<String, String>,
    /// How many seconds of real time a script may take before it is skipped. In virtual time there is no limit.
    pub patience: u32,
}

impl Rules {
    /// Nothing passes that is not as written.
    pub const STRICT: Self = Self {
        options: OptionList::Exact,
        window: Windows::Exact,
        any_window_scale: false,
        any_timestamps: false,
        maximum_segment_size: None,
        rebase: false,
        optional_acks: false,
        late_percent: 0,
        late_ms: 0,
        errno: BTreeMap::new(),
        patience: 20,
    };

    /// How much later than written things may happen.
    pub(super) fn lateness(&self) -> Lateness {
        Lateness { percent: self.late_percent, besides: Duration::from_millis(self.late_ms.into()) }
    }

    /// What this stack gives in place of an error, if it is another.
    pub(super) fn error_for(&self, written: &Errno) -> Option<Errno> {
        self.errno.get(&written.0).cloned().map(Errno)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::STRICT
    }
}

/// How the list of TCP options is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionList {
    /// The same options in the same order, padding included.
    #[default]
    Exact,
    /// The same options; order and padding do not matter.
    Set,
    /// None that the script does not expect; order and padding do not matter.
    Subset,
}

/// What the window of a segment is compared for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Windows {
    /// The number in the header.
    #[default]
    Exact,
    /// Whether it is zero.
    Shape,
    /// Nothing.
    Ignored,
}

/// A difference that a rule let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// The options had another order, or other padding.
    OptionOrder,
    /// An option was left out.
    OptionLeftOut,
    /// Another window scale.
    WindowScale,
    /// Another timestamp.
    Timestamp,
    /// Another greatest segment.
    MaximumSegmentSize,
    /// Another window.
    Window,
    /// An injected number was moved to the edge of the real window.
    Rebased,
    /// An ACK came later, or in another segment.
    AckDelayed,
    /// An ACK came that the script does not ask for.
    AckAdded,
    /// Something came later than it should.
    Late,
    /// Another error.
    Errno,
    /// What only a user could tell was not asked for.
    NotAsked,
    /// The wire took an offer out of a SYN, of a system that always makes it.
    OfferTakenAway,
    /// A difference that the script itself calls not fatal.
    NotFatal,
}

impl Normalisation {
    /// Its name, as [`Rules`] and reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OptionOrder => "order of options",
            Self::OptionLeftOut => "option left out",
            Self::WindowScale => "window scale",
            Self::Timestamp => "timestamp",
            Self::MaximumSegmentSize => "maximum segment size",
            Self::Window => "window",
            Self::Rebased => "rebased number",
            Self::AckDelayed => "delayed ACK",
            Self::AckAdded => "additional ACK",
            Self::Late => "lateness",
            Self::Errno => "errno",
            Self::NotAsked => "not asked for",
            Self::OfferTakenAway => "offer taken away",
            Self::NotFatal => "difference that is not fatal",
        }
    }
}

impl fmt::Display for Normalisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
