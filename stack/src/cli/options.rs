//! What all commands are told about the link and the stack.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use thiserror::Error;

use super::tcp::TcpOptions;

/// The link and the stack.
#[derive(Clone, Debug, Args)]
pub struct LinkOptions {
    /// The TAP device: used if it exists, created if that is allowed
    #[arg(long, value_name = "NAME", default_value = "tap0")]
    pub tap: String,
    /// The stack's own address and subnet
    #[arg(long, value_name = "ADDR/LEN", default_value = "192.0.2.2/24")]
    pub addr: Subnet,
    /// The kernel's address and subnet on the TAP, set if they are not so already
    #[arg(long, value_name = "ADDR/LEN", default_value = "192.0.2.1/24")]
    pub host_addr: Subnet,
    /// Where to send what is for other subnets
    #[arg(long, value_name = "ADDR")]
    pub gateway: Option<Ipv4Addr>,
    /// The MTU of the TAP, 68 to 65535; as it is if not given
    #[arg(long, value_name = "OCTETS", value_parser = clap::value_parser!(u16).range(68..))]
    pub mtu: Option<u16>,
    /// Write every frame that passes to this pcap file
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
    /// Print every change of a connection's state and the rule that made it, to standard error
    #[arg(long)]
    pub trace: bool,
    /// Make every random choice from this number, so that it is made again the next time
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Maximum segment lifetime; TIME-WAIT lasts twice as long
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub msl: u32,
    /// Lose so many frames of a hundred, in both directions
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100))]
    pub loss: u32,
    /// Hold so many frames of a hundred back for 5 milliseconds, so that others overtake them, in both directions
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100))]
    pub reorder: u32,
    /// Let every frame take so long, in both directions
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub delay: u32,
    #[command(flatten)]
    pub tcp: TcpOptions,
}

/// An address and the length of its subnet's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The address.
    pub address: Ipv4Addr,
    /// How many of its leading bits are the subnet's, at most 32.
    pub prefix_len: u8,
}

/// Why this is not an address and a prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an IPv4 address, a slash and a prefix length of 0 to 32 are expected, as in 192.0.2.2/24")]
pub struct NotASubnet;

impl Subnet {
    /// Whether this address is in the subnet.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        let differing = self.address.to_bits() ^ address.to_bits();
        differing.leading_zeros() >= u32::from(self.prefix_len)
    }
}

impl FromStr for Subnet {
    type Err = NotASubnet;

    fn from_str(text: &str) -> Result<Self, NotASubnet> {
        let (address, prefix_len) = text.split_once('/').ok_or(NotASubnet)?;
        let address = address.parse().map_err(|_| NotASubnet)?;
        let prefix_len = prefix_len.parse().map_err(|_| NotASubnet)?;
        if prefix_len > 32 {
            return Err(NotASubnet);
        }
        Ok(Self { address, prefix_len })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_an_address_and_a_length() {
        for bad in ["", "192.0.2.2", "192.0.2.2/", "192.0.2.2/33", "192.0.2/24", "::1/64", "192.0.2.2/-1", "a/24"] {
            assert_eq!(bad.parse::<Subnet>(), Err(NotASubnet), "{bad}");
        }
        let subnet: Subnet = "192.0.2.130/25".parse().unwrap();
        assert_eq!(subnet.to_string(), "192.0.2.130/25");
        assert!(subnet.contains(Ipv4Addr::new(192, 0, 2, 129)));
        assert!(!subnet.contains(Ipv4Addr::new(192, 0, 2, 127)));
        let [all, one] = [0, 32].map(|prefix_len| Subnet { prefix_len, ..subnet });
        assert!(all.contains(Ipv4Addr::LOCALHOST));
        assert!(one.contains(subnet.address) && !one.contains(Ipv4Addr::new(192, 0, 2, 131)));
    }
}
