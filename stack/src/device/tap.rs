//! The kernel's TAP device: what we send, its network stack receives, and the other way round.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};

use thiserror::Error;
use tun_tap::{Iface, Mode};

use super::{Device, DeviceError, Sent, check_buffer, check_frame, interface};
use crate::time::Instant;

/// The longest name of a network interface, in octets.
const MAX_NAME: usize = libc::IFNAMSIZ - 1;

/// How the kernel's side of a TAP is to be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapConfig {
    /// The kernel's own address on the device.
    pub host_addr: Ipv4Addr,
    /// The length of the network prefix around it, 0 to 32.
    pub prefix_len: u8,
    /// The most octets of a packet.
    pub mtu: u16,
}

/// A TAP device, open and non-blocking. Unless it is persistent, the interface vanishes when this is dropped.
#[derive(Debug)]
pub struct Tap {
    iface: Iface,
    mtu: usize,
}

impl Tap {
    /// Opens the TAP device `name`: attaches to it if it exists, creates it otherwise.
    ///
    /// # Errors
    /// A [`TapError`] that says what is missing.
    pub fn open(name: &str) -> Result<Self, TapError> {
        check_name(name)?;
        let fail = |error| TapError::open(name, error);
        let iface = Iface::without_packet_info(name, Mode::Tap).map_err(fail)?;
        iface.set_non_blocking().map_err(fail)?;
        let mtu = interface::mtu(name).map_err(fail)?;
        Ok(Self { iface, mtu })
    }

    /// Gives the kernel's side its address, netmask and MTU, and brings it up. What is so already is left alone, so
    /// that a device set up by somebody else can be used without the right to do it.
    ///
    /// # Errors
    /// [`TapError::BadPrefix`], [`TapError::MayNotConfigure`], or [`TapError::Configure`] with the step that failed.
    pub fn configure(&mut self, config: TapConfig) -> Result<(), TapError> {
        let name = self.iface.name();
        let netmask = netmask(config.prefix_len)?;
        let fail = |step| move |error| TapError::configure(name, step, error);
        if self.mtu != usize::from(config.mtu) {
            interface::set_mtu(name, config.mtu).map_err(fail("MTU"))?;
            self.mtu = usize::from(config.mtu);
        }
        if interface::address(name) != Some(config.host_addr) {
            interface::set_address(name, config.host_addr).map_err(fail("address"))?;
        }
        if interface::netmask(name) != Some(netmask) {
            interface::set_netmask(name, netmask).map_err(fail("netmask"))?;
        }
        if !interface::is_up(name).map_err(fail("flags"))? {
            interface::bring_up(name).map_err(fail("flags"))?;
        }
        Ok(())
    }

    /// The name of the interface.
    #[must_use]
    pub fn name(&self) -> &str {
        self.iface.name()
    }
}

impl Device for Tap {
    fn recv(&mut self, _now: Instant, buf: &mut [u8]) -> Result<Option<usize>, DeviceError> {
        check_buffer(buf.len(), self.mtu)?;
        match self.iface.recv(buf) {
            Ok(len) => Ok(Some(len)),
            Err(error) if is_not_now(&error) => Ok(None),
            Err(error) => Err(device_error(error)),
        }
    }

    fn send(&mut self, _now: Instant, frame: &[u8]) -> Result<Sent, DeviceError> {
        check_frame(frame.len(), self.mtu)?;
        match self.iface.send(frame) {
            Ok(_) => Ok(Sent::Taken),
            Err(error) if is_not_now(&error) => Ok(Sent::NoRoom),
            Err(error) => Err(device_error(error)),
        }
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        #[allow(unsafe_code)] // The crate gives out only the number of the descriptor.
        // SAFETY: `iface` owns the descriptor and closes it only when dropped; the result borrows from `self`.
        Some(unsafe { BorrowedFd::borrow_raw(self.iface.as_raw_fd()) })
    }
}

/// Why a TAP device cannot be used.
#[derive(Debug, Error)]
pub enum TapError {
    /// The kernel would refuse the name, or change it.
    #[error(
        "{name:?} is no name for a network interface: it takes 1 to {MAX_NAME} visible characters without '/', ':' or '%'"
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// The kernel has no TUN/TAP driver, or this is a sandbox without it.
    #[error("/dev/net/tun is missing: load the kernel module `tun`")]
    NoDriver,
    /// The device node is not ours to open.
    #[error("no permission to open /dev/net/tun: be root, or have root grant access to it")]
    MayNotOpen,
    /// We may neither create an interface nor attach to this one.
    #[error("no permission to use {name}: be root, or have root run `ip tuntap add {name} mode tap user YOU`")]
    MayNotAttach {
        /// The interface.
        name: String,
    },
    /// Another program has the interface open.
    #[error("{name} is busy: another program is attached to it")]
    Busy {
        /// The interface.
        name: String,
    },
    /// There is such an interface, of another kind.
    #[error("{name} is no TAP device, or not a plain one (one queue, no vnet header)")]
    NotATap {
        /// The interface.
        name: String,
    },
    /// The operating system failed in another way.
    #[error("cannot open {name}: {error}")]
    Open {
        /// The interface.
        name: String,
        /// What it said.
        error: io::Error,
    },
    /// No such prefix.
    #[error("a prefix length is 0 to 32, not {0}")]
    BadPrefix(u8),
    /// The interface is ours to use and not to configure.
    #[error("no permission to set the {step} of {name}: have root do it, or be root")]
    MayNotConfigure {
        /// The interface.
        name: String,
        /// What was to be set.
        step: &'static str,
    },
    /// The kernel refused a setting.
    #[error("cannot set the {step} of {name}: {error}")]
    Configure {
        /// The interface.
        name: String,
        /// What was to be set.
        step: &'static str,
        /// What it said.
        error: io::Error,
    },
}

impl TapError {
    fn open(name: &str, error: io::Error) -> Self {
        let name = name.to_owned();
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => Self::NoDriver,
            Some(libc::EACCES) => Self::MayNotOpen,
            Some(libc::EPERM) => Self::MayNotAttach { name },
            Some(libc::EBUSY) => Self::Busy { name },
            Some(libc::EINVAL) => Self::NotATap { name },
            _ => Self::Open { name, error },
        }
    }

    fn configure(name: &str, step: &'static str, error: io::Error) -> Self {
        let name = name.to_owned();
        match error.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => Self::MayNotConfigure { name, step },
            _ => Self::Configure { name, step, error },
        }
    }
}

/// The kernel would number a name with `%`, cut one that is too long, and choose one if it is empty.
fn check_name(name: &str) -> Result<(), TapError> {
    let fine = |byte: u8| byte.is_ascii_graphic() && !b"/:%".contains(&byte);
    if name.is_empty() || name.len() > MAX_NAME || matches!(name, "." | "..") || !name.bytes().all(fine) {
        let name = name.to_owned();
        return Err(TapError::BadName { name });
    }
    Ok(())
}

fn netmask(prefix_len: u8) -> Result<Ipv4Addr, TapError> {
    match prefix_len {
        0 => Ok(Ipv4Addr::UNSPECIFIED),
        1..=32 => Ok(Ipv4Addr::from_bits(u32::MAX << (32 - prefix_len))),
        _ => Err(TapError::BadPrefix(prefix_len)),
    }
}

/// Whether the device only has nothing to give, or no room, at this moment.
fn is_not_now(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
        || error.raw_os_error() == Some(libc::ENOBUFS)
}

/// The driver's ways to say that the interface is down (EIO on write) or was deleted (EBADFD).
fn device_error(error: io::Error) -> DeviceError {
    match error.raw_os_error() {
        Some(libc::EIO | libc::ENETDOWN) => DeviceError::Down,
        Some(libc::EBADFD | libc::ENODEV) => DeviceError::Gone,
        _ => DeviceError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_kernel_would_refuse_or_change_are_refused() {
        for name in ["", "sixteen-letters-", "a b", "a/b", "a:b", "tap%d", "..", "t\u{e4}p", "a\0"] {
            assert!(matches!(check_name(name), Err(TapError::BadName { .. })), "{name}");
        }
        for name in ["tap0", "fifteen-letters", "a.b"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        insta::assert_snapshot!(Tap::open("sixteen-letters-").unwrap_err(), @r#""sixteen-letters-" is no name for a network interface: it takes 1 to 15 visible characters without '/', ':' or '%'"#);
    }

    #[test]
    fn netmasks_follow_from_prefix_lengths() {
        assert_eq!(netmask(0).unwrap(), Ipv4Addr::UNSPECIFIED);
        assert_eq!(netmask(20).unwrap(), Ipv4Addr::new(255, 255, 240, 0));
        assert_eq!(netmask(32).unwrap(), Ipv4Addr::BROADCAST);
        assert!(matches!(netmask(33), Err(TapError::BadPrefix(33))));
    }

    #[test]
    fn what_the_kernel_says_becomes_one_clear_line() {
        let open = |errno| TapError::open("tap0", io::Error::from_raw_os_error(errno)).to_string();
        let lines = [libc::ENOENT, libc::EACCES, libc::EPERM, libc::EBUSY, libc::EINVAL, libc::EMFILE].map(open);
        insta::assert_snapshot!(lines.join("\n"), @r"
        /dev/net/tun is missing: load the kernel module `tun`
        no permission to open /dev/net/tun: be root, or have root grant access to it
        no permission to use tap0: be root, or have root run `ip tuntap add tap0 mode tap user YOU`
        tap0 is busy: another program is attached to it
        tap0 is no TAP device, or not a plain one (one queue, no vnet header)
        cannot open tap0: Too many open files (os error 24)
        ");
        let set = |errno| TapError::configure("tap0", "MTU", io::Error::from_raw_os_error(errno)).to_string();
        insta::assert_snapshot!([libc::EPERM, libc::EINVAL].map(set).join("\n"), @r"
        no permission to set the MTU of tap0: have root do it, or be root
        cannot set the MTU of tap0: Invalid argument (os error 22)
        ");
    }
}
