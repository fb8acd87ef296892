//! The TAP device, what surrounds it, the stack and the thread that drives it, as the options say.

use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::{Duration, SystemTime};

use lockstep::Config;
use lockstep::device::impair::{Chance, Impairment};
use lockstep::device::tap::TapConfig;
use lockstep::device::{Device, DeviceError, Impaired, Recorded, Sent, Tap};
use lockstep::drive::{Driver, Handle};
use lockstep::stack::{Stack, Transition};
use lockstep::time::{Instant, Micros};
use lockstep_model::Table;

use super::CliError;
use super::options::LinkOptions;

/// How long a reordered frame is held back.
const REORDER_BY: Micros = Micros::from_millis(5);

/// A stack that runs on a TAP device.
pub struct Link {
    driver: Driver<AnyDevice>,
    address: SocketAddr,
}

impl Link {
    /// Sets all of it up.
    pub fn open(options: &LinkOptions) -> Result<Self, CliError> {
        let LinkOptions { addr, host_addr, .. } = *options;
        if addr.address == host_addr.address {
            return Err(CliError::HostsOwn(addr.address));
        }
        if !addr.contains(host_addr.address) {
            return Err(CliError::Elsewhere(host_addr.address, addr));
        }
        let config = config(options);
        // Whatever is wrong with the addresses is said before anything is changed.
        let secret = secret(options.seed)?;
        Stack::new(config.clone(), Table::repaired(), secret)?;

        let tap = open_tap(options)?;
        let mtu = u16::try_from(tap.mtu()).unwrap_or(u16::MAX);
        let stack = Stack::new(Config { mtu, ..config }, Table::repaired(), secret)?;
        let device = surround(tap, options)?;
        let driver = match options.trace {
            true => Driver::spawn_traced(stack, device, print)?,
            false => Driver::spawn(stack, device)?,
        };
        Ok(Self { driver, address: (addr.address, 0).into() })
    }

    /// What sockets are opened with.
    pub fn handle(&self) -> &Handle {
        self.driver.handle()
    }

    /// Our address with this port.
    pub fn socket(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address.ip(), port)
    }

    /// Closes what is open, and gives peers so long to acknowledge it.
    pub fn stop(self, patience: Duration) -> Result<(), CliError> {
        self.driver.stop(patience)?;
        Ok(())
    }
}

/// In one piece, so that what others print comes before it or after it.
fn print(transition: Transition) {
    let line = format!("{transition}\n");
    eprint!("{line}");
}

fn config(options: &LinkOptions) -> Config {
    let mut config = Config::new(options.addr.address, options.addr.prefix_len);
    config.gateway = options.gateway.map(Into::into);
    config.mtu = options.mtu.unwrap_or(config.mtu);
    config.tcp.msl = Micros::from_secs(options.msl.into());
    options.tcp.apply(&mut config.tcp);
    config
}

fn open_tap(options: &LinkOptions) -> Result<Tap, CliError> {
    let mut tap = Tap::open(&options.tap)?;
    let as_it_is = u16::try_from(tap.mtu()).unwrap_or(u16::MAX);
    let host = options.host_addr;
    tap.configure(TapConfig {
        host_addr: host.address,
        prefix_len: host.prefix_len,
        mtu: options.mtu.unwrap_or(as_it_is),
    })?;
    Ok(tap)
}

/// Puts what is asked for around the TAP. What is recorded is what passes the TAP.
fn surround(tap: Tap, options: &LinkOptions) -> Result<AnyDevice, CliError> {
    let recorded: AnyDevice = match &options.pcap {
        Some(path) => AnyDevice(Box::new(Recorded::create(tap, path, unix_time())?)),
        None => AnyDevice(Box::new(tap)),
    };
    let impairment = Impairment {
        loss: Chance::percent(options.loss),
        reorder: Chance::percent(options.reorder),
        reorder_by: REORDER_BY,
        delay: Micros::from_millis(options.delay.into()),
        ..Impairment::default()
    };
    if options.loss == 0 && options.reorder == 0 && options.delay == 0 {
        return Ok(recorded);
    }
    let seed = match options.seed {
        Some(seed) => seed,
        None => getrandom::u64().map_err(CliError::Random)?,
    };
    Ok(AnyDevice(Box::new(Impaired::new(recorded, seed, impairment, impairment))))
}

/// The time now, which a clock before 1970 does not know.
fn unix_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// What makes numbers unpredictable; predictable if there is a seed.
fn secret(seed: Option<u64>) -> Result<[u8; 16], CliError> {
    let mut secret = [0; 16];
    match seed {
        // Never all the same, which would be no secret at all.
        Some(seed) => secret.copy_from_slice(&[seed.to_be_bytes(), (!seed).to_be_bytes()].concat()),
        None => getrandom::fill(&mut secret).map_err(CliError::Random)?,
    }
    Ok(secret)
}

/// A device, whatever is around it.
struct AnyDevice(Box<dyn Device + Send>);

impl Device for AnyDevice {
    fn recv(&mut self, now: Instant, buf: &mut [u8]) -> Result<Option<usize>, DeviceError> {
        self.0.recv(now, buf)
    }

    fn send(&mut self, now: Instant, frame: &[u8]) -> Result<Sent, DeviceError> {
        self.0.send(now, frame)
    }

    fn mtu(&self) -> usize {
        self.0.mtu()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.fd()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.poll_timeout()
    }
}
