//! `local=192.168.0.1/16,gateway=192.168.0.2,mtu=1500,net.ipv4.tcp_sack=0`: what packetdrill's `--so_flags` says.

use std::net::Ipv4Addr;
use std::str::FromStr;

use lockstep::stack::Config;
use lockstep_conformance::system::System;
use lockstep_conformance::system::lockstep::Lockstep;
use lockstep_model::Table;

/// The addresses that packetdrill itself has without options.
const LOCAL: (Ipv4Addr, u8) = (Ipv4Addr::new(192, 168, 0, 1), 16);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 2);

/// The stack that these flags describe.
///
/// # Errors
///
/// A sentence that says which of them cannot be.
pub fn stack(flags: &str) -> Result<Lockstep, String> {
    let mut config = Config { gateway: Some(GATEWAY.into()), ..Config::new(LOCAL.0, LOCAL.1) };
    let mut knobs = Vec::new();
    for flag in flags.split(',').map(str::trim).filter(|flag| !flag.is_empty()) {
        let (name, value) = flag.split_once('=').ok_or_else(|| format!("the flag {flag} has no value"))?;
        match name {
            "local" => {
                let (address, length) = value.split_once('/').unwrap_or((value, "24"));
                let (gateway, mtu) = (config.gateway, config.mtu);
                let local = Config::new(number::<Ipv4Addr>(name, address)?, number(name, length)?);
                config = Config { gateway, mtu, ..local };
            }
            "gateway" => config.gateway = Some(number::<Ipv4Addr>(name, value)?.into()),
            "mtu" => config.mtu = number(name, value)?,
            _ if name.contains('.') => knobs.push((name, value)),
            _ => {
                return Err(format!(
                    "there is no flag {name}: local, gateway, mtu and knobs such as net.ipv4.tcp_sack are"
                ));
            }
        }
    }
    let mut system = Lockstep::on(config, Table::repaired()).map_err(|fault| fault.to_string())?;
    knobs
        .into_iter()
        .try_for_each(|(name, value)| system.knob(name, value).map(|_| ()))
        .map_err(|fault| fault.to_string())?;
    Ok(system)
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("the flag {name} does not take the value {value}"))
}
