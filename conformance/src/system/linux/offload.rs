//! What a kernel would leave to hardware, it does itself here.

use std::io;

use super::sys;

/// Commands of `linux/ethtool.h`, which libc does not name.
const GET_LINK: u32 = 0x0a;
const SET_RX_CHECKSUM: u32 = 0x15;
const SET_TX_CHECKSUM: u32 = 0x17;
const SET_TSO: u32 = 0x1f;
const SET_GSO: u32 = 0x24;
const SET_GRO: u32 = 0x2c;

/// Turns off checksum and segmentation offload in both directions: every segment of the kernel appears as on a real
/// wire, and a wrong checksum of ours is found out.
pub(super) fn disable(device: &str) -> io::Result<()> {
    for command in [SET_TSO, SET_GSO, SET_GRO, SET_TX_CHECKSUM, SET_RX_CHECKSUM] {
        sys::ethtool(device, command, 0)?;
    }
    Ok(())
}

/// Turns off segmentation in a device that never sums what it sends: a tunnel of which no offload was asked for.
pub(super) fn disable_segmentation(device: &str) -> io::Result<()> {
    for command in [SET_TSO, SET_GSO, SET_GRO] {
        sys::ethtool(device, command, 0)?;
    }
    Ok(())
}

/// Waits until the kernel's link watch has acted on the device's carrier: to be asked for the link state makes it act
/// now.
pub(super) fn wait_for_carrier(device: &str) -> io::Result<()> {
    match sys::ethtool(device, GET_LINK, 0)? {
        0 => Err(io::Error::other(format!("device {device} has no carrier"))),
        _ => Ok(()),
    }
}
