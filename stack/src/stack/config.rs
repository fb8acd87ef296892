//! What a stack is told when it is made.

use std::net::{IpAddr, Ipv4Addr};

use thiserror::Error;

use crate::ip::Interface;
use crate::limits::Limits;
use crate::tcp::config::TcpConfig;
use crate::tcp::isn::IsnSecretError;
use crate::wire::MacAddr;

/// Everything a stack is told. [`Config::new`] gives the defaults; change the fields that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Our Ethernet address.
    pub mac: MacAddr,
    /// Our IP address (IPv4).
    pub address: IpAddr,
    /// How many leading bits of it are the subnet's, 0 to 32.
    pub prefix_len: u8,
    /// Where datagrams for other subnets go.
    pub gateway: Option<IpAddr>,
    /// The longest datagram the link carries, in octets, at least 68 (RFC 791).
    pub mtu: u16,
    /// Time to live of what we send, in hops (RFC 9293 MUST-49).
    pub ttl: u8,
    /// Whether datagrams are accepted that come by a source route, and answered the same way back (RFC 9293 MUST-53). Off, for
    /// whoever can prescribe a way can pretend to be anybody (RFC 7126 §4.3).
    pub source_routes: bool,
    /// TCP's durations, sizes and policies.
    pub tcp: TcpConfig,
    /// How much of anything there may be.
    pub limits: Limits,
}

/// Why a configuration cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Only IPv4 for now.
    #[error("{0} is not an IPv4 address")]
    NotIpv4(IpAddr),
    /// No host can have this address in this subnet.
    #[error("{0}/{1} is not the address of a host")]
    NotAHost(Ipv4Addr, u8),
    /// More bits than an address has.
    #[error("an IPv4 prefix has at most 32 bits, not {0}")]
    PrefixTooLong(u8),
    /// A router must be reachable without a router.
    #[error("the gateway {0} is not a neighbour")]
    GatewayElsewhere(Ipv4Addr),
    /// A group address cannot send.
    #[error("{0} is not the address of a station")]
    NotAStation(MacAddr),
    /// RFC 791 requires 68 octets of every link.
    #[error("an MTU of {0} octets is less than 68")]
    MtuTooSmall(u16),
    /// A bound of zero, or a time of zero where one is needed.
    #[error("{0} must not be zero")]
    Zero(&'static str),
    /// The secret is none.
    #[error(transparent)]
    Secret(#[from] IsnSecretError),
}

impl Config {
    /// A host at `address` in a subnet of `prefix_len` bits on an Ethernet of MTU 1500, its Ethernet address made from
    /// its IP address, everything else as the RFCs recommend.
    #[must_use]
    pub fn new(address: impl Into<IpAddr>, prefix_len: u8) -> Self {
        let address = address.into();
        Self {
            mac: locally_administered(address),
            address,
            prefix_len,
            gateway: None,
            mtu: 1500,
            ttl: 64,
            source_routes: false,
            tcp: TcpConfig::default(),
            limits: Limits::default(),
        }
    }

    /// The interface described, if there can be such a one.
    pub(crate) fn interface(&self) -> Result<Interface, ConfigError> {
        if self.mac.is_multicast() || self.mac == MacAddr::ZERO {
            return Err(ConfigError::NotAStation(self.mac));
        }
        if self.prefix_len > 32 {
            return Err(ConfigError::PrefixTooLong(self.prefix_len));
        }
        if self.mtu < 68 {
            return Err(ConfigError::MtuTooSmall(self.mtu));
        }
        if self.tcp.path_mtu.floor < 68 {
            return Err(ConfigError::MtuTooSmall(self.tcp.path_mtu.floor));
        }
        self.check_not_zero()?;
        let address = ipv4(self.address)?;
        let gateway = self.gateway.map(ipv4).transpose()?;
        let interface = Interface::new(self.mac, address, self.prefix_len, gateway, self.ttl);
        if !interface.is_neighbour_or_self(address) {
            return Err(ConfigError::NotAHost(address, self.prefix_len));
        }
        match gateway.filter(|&gateway| gateway == address || !interface.is_neighbour_or_self(gateway)) {
            Some(elsewhere) => Err(ConfigError::GatewayElsewhere(elsewhere)),
            None => Ok(interface),
        }
    }

    fn check_not_zero(&self) -> Result<(), ConfigError> {
        let Limits { connections, orphans, listeners, neighbours, waiting_per_neighbour, answers, events, .. } =
            self.limits;
        let bounds = [
            ("the number of connections", connections),
            ("the number of orphans", orphans),
            ("the number of listeners", listeners),
            ("the number of neighbours", neighbours),
            ("the number of waiting frames", waiting_per_neighbour),
            ("the number of waiting answers", answers),
            ("the number of waiting events", events),
            ("the receive buffer", self.tcp.receive_buffer),
            ("the send buffer", self.tcp.send_buffer),
            ("the time to live", usize::from(self.ttl)),
        ];
        match bounds.into_iter().find(|&(_, bound)| bound == 0) {
            Some((name, _)) => Err(ConfigError::Zero(name)),
            None => Ok(()),
        }
    }
}

fn ipv4(address: IpAddr) -> Result<Ipv4Addr, ConfigError> {
    match address {
        IpAddr::V4(v4) => Ok(v4),
        IpAddr::V6(_) => Err(ConfigError::NotIpv4(address)),
    }
}

/// `02:00:` and the last four octets of the IP address: no vendor's, and different for every host of a small network.
fn locally_administered(address: IpAddr) -> MacAddr {
    let [a, b, c, d] = match address {
        IpAddr::V4(v4) => v4.octets(),
        IpAddr::V6(v6) => {
            let [.., a, b, c, d] = v6.octets();
            [a, b, c, d]
        }
    };
    MacAddr([2, 0, a, b, c, d])
}
