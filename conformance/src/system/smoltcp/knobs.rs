//! What can be chosen of smoltcp.

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::system) struct Knobs {
    /// A SYN may offer window scaling, which smoltcp's does.
    pub(in crate::system) window_scaling: bool,
    /// A SYN may offer selective acknowledgments, which smoltcp's does.
    pub(in crate::system) sack: bool,
    /// A SYN offers timestamps.
    pub(in crate::system) timestamps: bool,
}

impl Default for Knobs {
    /// smoltcp's own.
    fn default() -> Self {
        Self { window_scaling: true, sack: true, timestamps: false }
    }
}
