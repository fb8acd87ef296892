//! A device as a packet socket sees it, packet(7).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::system::PEER_ADDRESS;
use crate::system::linux::sys;

/// The longest IPv4 datagram.
const DATAGRAM: usize = 65_535;

/// Sends and receives whole IPv4 datagrams; the kernel adds and removes the Ethernet header.
pub(in crate::system::linux) struct PacketSocket {
    fd: OwnedFd,
    device: i32,
    /// Where datagrams arrive.
    buffer: Vec<u8>,
}

impl PacketSocket {
    /// The other end of a wire in the calling thread's network namespace: what arrives there.
    pub(super) fn open(device: i32) -> io::Result<Self> {
        Self::bound(device, sys::ETH_P_IP)
    }

    /// The system's own end: what it sends there is seen by those only to whom all protocols are the same.
    pub(super) fn open_to_overhear(device: i32) -> io::Result<Self> {
        Self::bound(device, sys::ETH_P_ALL)
    }

    fn bound(device: i32, protocol: u16) -> io::Result<Self> {
        // Protocol zero: nothing arrives before the socket is bound to one device.
        let fd = sys::socket(libc::AF_PACKET, libc::SOCK_DGRAM | libc::SOCK_NONBLOCK, 0)?;
        sys::set_option(&fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &1i32.to_ne_bytes())?;
        sys::bind(&fd, &sys::sockaddr_ll(device, protocol, [0; 6]))?;
        Ok(Self { fd, device, buffer: vec![0; DATAGRAM] })
    }

    /// Sends a datagram to this hardware address.
    pub(super) fn send(&self, datagram: &[u8], mac: [u8; 6]) -> io::Result<()> {
        let to = sys::sockaddr_ll(self.device, sys::ETH_P_IP, mac);
        sys::send_to(&self.fd, datagram, 0, &to).map(drop)
    }

    /// The next TCP or ICMP datagram to the tester, with its time of arrival; `None` when no other is there.
    pub(super) fn recv(&mut self) -> io::Result<Option<(Instant, Vec<u8>)>> {
        // Bounded by the queue of the socket: what is skipped is not seen twice.
        loop {
            let (length, stamp) = match sys::recv_stamped(&self.fd, &mut self.buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            };
            let datagram = &self.buffer[..length];
            if is_for_tester(datagram) {
                return Ok(Some((instant(stamp), datagram.to_vec())));
            }
        }
    }

    /// How many datagrams found no room in the socket's queue since this was last asked.
    pub(super) fn lost(&self) -> io::Result<u32> {
        // struct tpacket_stats: packets and, of these, drops; reading clears both.
        let [_, _, _, _, a, b, c, d] = sys::get_option::<8>(&self.fd, libc::SOL_PACKET, libc::PACKET_STATISTICS)?;
        Ok(u32::from_ne_bytes([a, b, c, d]))
    }
}

impl AsRawFd for PacketSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// Whether this is IPv4 (RFC 791 §3.1) to the tester, and TCP or ICMP.
fn is_for_tester(datagram: &[u8]) -> bool {
    const ICMP: u8 = 1;
    const TCP: u8 = 6;
    match datagram.first_chunk::<20>() {
        Some([0x40..=0x4f, _, _, _, _, _, _, _, _, ICMP | TCP, _, _, _, _, _, _, a, b, c, d]) => {
            [*a, *b, *c, *d] == PEER_ADDRESS.octets()
        }
        Some(_) | None => false,
    }
}

/// The kernel stamps with the clock on the wall, which may be set at any time; we count on one that cannot. Only their
/// difference now is trusted, as read within a few microseconds. What error remains makes the datagram later, never
/// earlier.
fn instant(stamp: Option<Duration>) -> Instant {
    const TIGHT: Duration = Duration::from_micros(20);
    let mut best = read_both_clocks();
    for _ in 0..8 {
        if best.apart < TIGHT {
            break;
        }
        let next = read_both_clocks();
        if next.apart < best.apart {
            best = next;
        }
    }
    let Clocks { wall, now, .. } = best;
    let age = stamp.and_then(|stamp| wall.checked_sub(stamp)).unwrap_or_default();
    now.checked_sub(age).unwrap_or(now)
}

/// Two clocks, read one after the other.
struct Clocks {
    wall: Duration,
    now: Instant,
    apart: Duration,
}

fn read_both_clocks() -> Clocks {
    let before = Instant::now();
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Instant::now();
    Clocks { wall, now, apart: now - before }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(protocol: u8, destination: [u8; 4]) -> Vec<u8> {
        let mut header = vec![0; 20];
        header[0] = 0x45;
        header[9] = protocol;
        header[16..].copy_from_slice(&destination);
        header
    }

    #[test]
    fn only_tcp_and_icmp_to_the_tester_count() {
        let tester = PEER_ADDRESS.octets();
        assert!(is_for_tester(&header(6, tester)));
        assert!(is_for_tester(&header(1, tester)));
        assert!(!is_for_tester(&header(17, tester)));
        assert!(!is_for_tester(&header(2, [224, 0, 0, 22])));
        assert!(!is_for_tester(&header(6, tester)[..19]));
        let mut other = header(6, tester);
        other[0] = 0x65;
        assert!(!is_for_tester(&other), "another version, as of what is no IP at all");
    }
}
