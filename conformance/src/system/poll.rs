//! What `poll` asks about a socket, and what it says.

use std::fmt;
use std::ops::BitOr;

use super::call::Descriptor;

/// `struct pollfd`, as far as the caller fills it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollFd {
    /// The socket.
    pub fd: Descriptor,
    /// What is waited for; errors and hang-ups are always told.
    pub events: PollEvents,
}

/// A set of poll(2)'s events, by the numbers of Linux.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PollEvents(pub i16);

/// Declares the events that have a name here.
macro_rules! poll_events {
    ($($(#[$doc:meta])* $short:ident = $name:literal $number:ident,)*) => {
        impl PollEvents {
            $($(#[$doc])* pub const $short: PollEvents = PollEvents(libc::$number);)*

            const NAMED: &[(&str, PollEvents)] = &[$(($name, PollEvents::$short),)*];
        }
    };
}

poll_events! {
    /// `POLLIN`: reading returns at once, if only with the end or with an error.
    IN = "POLLIN" POLLIN,
    /// `POLLPRI`: there is urgent data.
    PRI = "POLLPRI" POLLPRI,
    /// `POLLOUT`: writing returns at once.
    OUT = "POLLOUT" POLLOUT,
    /// `POLLERR`: something went wrong.
    ERR = "POLLERR" POLLERR,
    /// `POLLHUP`: both directions are closed.
    HUP = "POLLHUP" POLLHUP,
    /// `POLLNVAL`: there is no such descriptor.
    NVAL = "POLLNVAL" POLLNVAL,
    /// `POLLRDNORM`, which for TCP is [`PollEvents::IN`].
    RDNORM = "POLLRDNORM" POLLRDNORM,
    /// `POLLWRNORM`, which for TCP is [`PollEvents::OUT`].
    WRNORM = "POLLWRNORM" POLLWRNORM,
    /// `POLLRDHUP`: the peer has closed his direction.
    RDHUP = "POLLRDHUP" POLLRDHUP,
}

impl PollEvents {
    /// No events.
    pub const NONE: PollEvents = PollEvents(0);

    /// The event of this name in C.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, event)| *event)
    }

    /// Those that are in both sets.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for PollEvents {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for PollEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            Self::NAMED.iter().filter(|(_, event)| self.both(*event) == *event).map(|(name, _)| *name).collect();
        if names.is_empty() { write!(f, "{}", self.0) } else { f.write_str(&names.join("|")) }
    }
}

impl fmt::Debug for PollEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_written_as_scripts_write_them() {
        assert_eq!(PollEvents::named("POLLRDHUP"), Some(PollEvents::RDHUP));
        assert_eq!(PollEvents::named("POLLNONSENSE"), None);
        assert_eq!((PollEvents::IN | PollEvents::HUP).to_string(), "POLLIN|POLLHUP");
        assert_eq!(PollEvents::NONE.to_string(), "0");
        assert_eq!((PollEvents::IN | PollEvents::OUT).both(PollEvents::OUT), PollEvents::OUT);
    }
}
