//! Where a stimulus may arrive: the eleven states, with two of them told apart by how the connection got there.

use std::fmt;

use lockstep_model::{Seq, SeqNum};

use crate::script::{Action, Direction, Event, Fd, Flags, Packet, Script};
use crate::system::State;

/// A state, and how a connection got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Configuration {
    /// No connection, and nobody listens.
    Closed,
    /// No connection yet.
    Listen,
    /// After an active OPEN.
    SynSent,
    /// After a passive OPEN.
    SynReceivedPassive,
    /// After two active OPENs that crossed.
    SynReceivedSimultaneous,
    /// The peer has sent nothing yet, nor have we.
    Established,
    /// Our FIN is not acknowledged.
    FinWait1,
    /// It is, and the user waits for the peer's.
    FinWait2,
    /// It is, and the user is gone.
    FinWait2Orphan,
    /// The peer has sent his FIN.
    CloseWait,
    /// The FINs have crossed.
    Closing,
    /// And then we have sent ours.
    LastAck,
    /// We closed first.
    TimeWait,
}

impl Configuration {
    /// All of them, in the order of the matrix.
    pub const ALL: [Configuration; 13] = [
        Self::Closed,
        Self::Listen,
        Self::SynSent,
        Self::SynReceivedPassive,
        Self::SynReceivedSimultaneous,
        Self::Established,
        Self::FinWait1,
        Self::FinWait2,
        Self::FinWait2Orphan,
        Self::CloseWait,
        Self::Closing,
        Self::LastAck,
        Self::TimeWait,
    ];

    /// The name for the head of a narrow column.
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::Closed => "CLO",
            Self::Listen => "LIS",
            Self::SynSent => "SS",
            Self::SynReceivedPassive => "SRp",
            Self::SynReceivedSimultaneous => "SRs",
            Self::Established => "EST",
            Self::FinWait1 => "FW1",
            Self::FinWait2 => "FW2",
            Self::FinWait2Orphan => "FW2o",
            Self::CloseWait => "CW",
            Self::Closing => "CLG",
            Self::LastAck => "LA",
            Self::TimeWait => "TW",
        }
    }

    /// The state of the connection.
    pub const fn state(self) -> State {
        match self {
            Self::Closed => State::Closed,
            Self::Listen => State::Listen,
            Self::SynSent => State::SynSent,
            Self::SynReceivedPassive | Self::SynReceivedSimultaneous => State::SynReceived,
            Self::Established => State::Established,
            Self::FinWait1 => State::FinWait1,
            Self::FinWait2 | Self::FinWait2Orphan => State::FinWait2,
            Self::CloseWait => State::CloseWait,
            Self::Closing => State::Closing,
            Self::LastAck => State::LastAck,
            Self::TimeWait => State::TimeWait,
        }
    }

    /// The configuration of this name, long or short.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|configuration| configuration.short_name() == name || configuration.to_string() == name)
    }

    /// The socket of the connection, where its user has one.
    pub const fn socket(self) -> Option<Fd> {
        match self {
            Self::Closed | Self::Listen | Self::SynReceivedPassive | Self::FinWait2Orphan => None,
            Self::SynSent | Self::SynReceivedSimultaneous => Some(Fd(3)),
            Self::Established
            | Self::FinWait1
            | Self::FinWait2
            | Self::CloseWait
            | Self::Closing
            | Self::LastAck
            | Self::TimeWait => Some(Fd(4)),
        }
    }

    /// The way there: that of the configuration before it, and one step more. The listener remains, for TIME-WAIT may
    /// be reopened only where there is one.
    const fn way(self) -> (Option<Self>, &'static str) {
        match self {
            Self::Closed => (None, ""),
            Self::Listen => (Some(Self::Closed), LISTEN),
            Self::SynSent => (Some(Self::Closed), CONNECT),
            Self::SynReceivedPassive => {
                (Some(Self::Listen), "+0 < S 0:0(0) win 65535 <mss 1460>\n+0 > S. 0:0(0) ack 1 <...>")
            }
            Self::SynReceivedSimultaneous => {
                (Some(Self::SynSent), "+0.01 < S 0:0(0) win 65535 <mss 1460>\n+0 > S. 0:0(0) ack 1 <...>")
            }
            Self::Established => {
                (Some(Self::SynReceivedPassive), "+0.01 < . 1:1(0) ack 1 win 65535\n+0 accept(3, ..., ...) = 4")
            }
            Self::FinWait1 => (Some(Self::Established), "+0.01 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 1"),
            Self::FinWait2 => (Some(Self::FinWait1), "+0.01 < . 1:1(0) ack 2 win 65535"),
            Self::FinWait2Orphan => {
                (Some(Self::Established), "+0.01 close(4) = 0\n+0 > F. 1:1(0) ack 1\n+0.01 < . 1:1(0) ack 2 win 65535")
            }
            Self::CloseWait => (Some(Self::Established), "+0.01 < F. 1:1(0) ack 1 win 65535\n+0~+0.5 > . 1:1(0) ack 2"),
            Self::Closing => (Some(Self::FinWait1), "+0.01 < F. 1:1(0) ack 1 win 65535\n+0~+0.5 > . 2:2(0) ack 2"),
            Self::LastAck => (Some(Self::CloseWait), "+0.01 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 2"),
            Self::TimeWait => (Some(Self::FinWait2), "+0.01 < F. 1:1(0) ack 2 win 65535\n+0~+0.5 > . 2:2(0) ack 2"),
        }
    }

    /// The way there, and the assertion that this is the place, line by line.
    pub fn lines(self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut here = Some(self);
        while let Some(configuration) = here {
            let (before, step) = configuration.way();
            lines.splice(0..0, step.lines().map(str::to_owned));
            here = before;
        }
        lines.push(assertion(self.state()));
        lines
    }

    /// What R and the others are at the end of this way, where the system advertises this window.
    pub fn here(self, way: &Script, window: u16) -> Here {
        let mut here = Here { snd_una: Seq::new(0), snd_nxt: Seq::new(0), rcv_nxt: Seq::new(0), window };
        for packet in way.events.iter().filter_map(packet) {
            let ack = packet.ack.map(|ack| Seq::new(ack.value));
            match packet.direction {
                Direction::Expected => {
                    here.snd_nxt = end(packet).unwrap_or(here.snd_nxt);
                    here.rcv_nxt = ack.unwrap_or(here.rcv_nxt);
                }
                Direction::Injected => here.snd_una = ack.unwrap_or(here.snd_una),
            }
        }
        here
    }
}

const LISTEN: &str = "\
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0";

const CONNECT: &str = "\
+0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <...>";

/// The line that asserts that the connection is in a state.
pub(super) fn assertion(state: State) -> String {
    let name = match state {
        State::Closed => return "+0 `! ss -Htan state connected | grep :`".to_owned(),
        State::Listen => "LISTEN",
        State::SynSent => "SYN-SENT",
        State::SynReceived => "SYN-RECV",
        State::Established => "ESTAB",
        State::FinWait1 => "FIN-WAIT-1",
        State::FinWait2 => "FIN-WAIT-2",
        State::CloseWait => "CLOSE-WAIT",
        State::Closing => "CLOSING",
        State::LastAck => "LAST-ACK",
        State::TimeWait => "TIME-WAIT",
    };
    format!("+0 `ss -tan | grep {name}`")
}

/// The numbers of a configuration, as scripts count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Here {
    /// SND.UNA
    pub snd_una: Seq,
    /// SND.NXT
    pub snd_nxt: Seq,
    /// RCV.NXT, or R; 0 where there is none.
    pub rcv_nxt: Seq,
    /// The window that the system advertises, or W.
    pub window: u16,
}

fn packet(event: &Event) -> Option<&Packet> {
    if let Action::Packet(packet) = &event.action { Some(packet) } else { None }
}

/// The number after a segment.
fn end(packet: &Packet) -> Option<Seq> {
    let control = [Flags::SYN, Flags::FIN].into_iter().filter(|flag| packet.flags.contains(*flag)).count();
    let length = u32::from(packet.sequence.length?) + u32::try_from(control).ok()?;
    Some(Seq::new(packet.sequence.start?.value).plus(length))
}

/// The name of the state, and what tells the two apart where there are two.
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.state().name())?;
        match self {
            Self::SynReceivedPassive => f.write_str(" passive"),
            Self::SynReceivedSimultaneous => f.write_str(" simultaneous"),
            Self::FinWait2Orphan => f.write_str(" orphan"),
            Self::Closed
            | Self::Listen
            | Self::SynSent
            | Self::Established
            | Self::FinWait1
            | Self::FinWait2
            | Self::CloseWait
            | Self::Closing
            | Self::LastAck
            | Self::TimeWait => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script;

    #[test]
    fn the_numbers_are_read_off_the_way() {
        let numbers = |configuration: Configuration| {
            let way = script::parse("way", &configuration.lines().join("\n")).expect("a script");
            let here = configuration.here(&way, 5);
            (here.snd_una.raw(), here.snd_nxt.raw(), here.rcv_nxt.raw())
        };
        let seen = Configuration::ALL.map(|configuration| (configuration.short_name(), numbers(configuration)));
        let wanted = [
            ("CLO", (0, 0, 0)),
            ("LIS", (0, 0, 0)),
            ("SS", (0, 1, 0)),
            ("SRp", (0, 1, 1)),
            ("SRs", (0, 1, 1)),
            ("EST", (1, 1, 1)),
            ("FW1", (1, 2, 1)),
            ("FW2", (2, 2, 1)),
            ("FW2o", (2, 2, 1)),
            ("CW", (1, 1, 2)),
            ("CLG", (1, 2, 2)),
            ("LA", (1, 2, 2)),
            ("TW", (2, 2, 2)),
        ];
        assert_eq!(seen, wanted);
    }
}
