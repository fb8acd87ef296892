//! Why frames and segments are dropped before the table sees them, and how often that happened.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::wire::Malformed;

/// Why something was dropped. Each reason is counted, and can be asserted.
///
/// What the table itself drops is counted by the rule that did it: see [`Stack::fired`](crate::stack::Stack::fired).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum DropReason {
    /// The bytes are not what they claim to be.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The Ethernet destination is another station, or a group that this one is not a member of.
    #[error("the frame is for another station")]
    NotOurFrame,
    /// Neither IPv4 nor ARP.
    #[error("nobody here understands the frame's type")]
    UnknownEtherType,
    /// An ARP sender that no station can have: a group address, or no unicast IPv4 address (RFC 1122 §3.2.1.3).
    #[error("the ARP packet names a sender that cannot be")]
    ArpBadSender,
    /// Another station claims our own address (RFC 5227 §2.4).
    #[error("another station claims our address")]
    ArpConflict,
    /// Nobody asked for this ARP packet: a neighbour is only learnt when we need it.
    #[error("nobody asked for what the ARP packet says")]
    ArpUnsolicited,
    /// A live neighbour's address would change although it has not been in doubt.
    #[error("the ARP packet would change a neighbour that is not in doubt")]
    ArpOverride,
    /// An ARP request for an address that is not ours.
    #[error("the ARP request asks for another station")]
    ArpNotForUs,
    /// The IPv4 destination is not our address.
    #[error("the datagram is for another host")]
    NotOurAddress,
    /// The IPv4 source cannot be a host: ourselves (the "LAND" attack), a group, a broadcast, loopback, class E or this
    /// network (RFC 1122 §3.2.1.3, RFC 9293 MUST-63).
    #[error("the datagram comes from an address that no host can have")]
    MartianSource,
    /// A part of a datagram.
    #[error("fragments are not put together")]
    Fragment,
    /// The datagram has a source route that leads on from here, or one that nobody has asked for: see
    /// [`Config::source_routes`](crate::stack::Config::source_routes).
    #[error("the datagram comes by a source route")]
    SourceRouted,
    /// The datagram carries neither TCP nor ICMP.
    #[error("nobody here understands the datagram's protocol")]
    UnknownProtocol,
    /// An ICMP message that a host ignores (RFC 1122 §3.2.2), source quench among them (RFC 9293 MUST-55).
    #[error("the ICMP message is none that a host heeds")]
    IcmpIgnored,
    /// An ICMP error about nothing that we have in flight (RFC 5927 §4.1).
    #[error("the ICMP error is about nothing that was sent")]
    IcmpNotOurs,
    /// An ICMP error that asks for smaller datagrams than there are in flight, and is wrong (RFC 5927 §7).
    #[error("the ICMP error asks for no smaller datagrams than ours")]
    IcmpImplausible,
    /// An ICMP error that quotes too little, or no TCP segment.
    #[error("the ICMP error quotes no segment")]
    IcmpBadQuote,
    /// A segment that is SYN and FIN at once, where [`TcpConfig::drop_syn_fin`](crate::tcp::TcpConfig::drop_syn_fin) is set.
    #[error("the segment is SYN and FIN at once")]
    SynFin,
    /// The listener has as many connections waiting as its backlog allows.
    #[error("the listener's backlog is full")]
    BacklogFull,
    /// The stack has as many connections as it may have.
    #[error("there are too many connections")]
    ConnectionsFull,
    /// More frames wait to leave than may wait.
    #[error("too many answers wait to be sent")]
    OutputFull,
    /// More datagrams wait for one neighbour's Ethernet address than may wait.
    #[error("too many datagrams wait for the neighbour's address")]
    ResolutionQueueFull,
    /// The neighbour did not answer.
    #[error("the neighbour does not answer")]
    NeighbourSilent,
    /// No route leads to the destination.
    #[error("there is no route to the destination")]
    NoRoute,
    /// More events wait for the user than may wait.
    #[error("too many events wait for the user")]
    EventsFull,
}

/// How often each reason has occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    counts: BTreeMap<DropReason, u64>,
}

impl Drops {
    /// How often this has happened.
    #[must_use]
    pub fn count(&self, reason: DropReason) -> u64 {
        self.counts.get(&reason).copied().unwrap_or(0)
    }

    /// What has happened at least once, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        self.counts.iter().map(|(&reason, &count)| (reason, count))
    }

    /// How often anything has happened.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    pub(crate) fn add(&mut self, reason: DropReason) {
        self.add_times(reason, 1);
    }

    pub(crate) fn add_times(&mut self, reason: DropReason, times: u64) {
        if times > 0 {
            let count = self.counts.entry(reason).or_default();
            *count = count.saturating_add(times);
        }
    }
}
