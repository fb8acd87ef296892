//! The settings of a network interface, by the ioctls of netdevice(7), so that no `ip` program is needed.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;

/// `IFF_UP` in the type of `ifr_flags`; libc has it in another.
const IFF_UP: libc::c_short = 1;

/// `AF_INET` in the type of `sa_family`; libc has it in another.
const AF_INET: libc::sa_family_t = 2;

/// The MTU.
pub fn mtu(name: &str) -> io::Result<usize> {
    let answer = ask(name, libc::SIOCGIFMTU)?;
    #[allow(unsafe_code)] // A union of C.
    // SAFETY: SIOCGIFMTU fills in this field; every bit pattern is a number.
    let mtu = unsafe { answer.ifr_ifru.ifru_mtu };
    usize::try_from(mtu).map_err(io::Error::other)
}

/// Sets the MTU.
pub fn set_mtu(name: &str, mtu: u16) -> io::Result<()> {
    let mut request = request(name);
    request.ifr_ifru.ifru_mtu = mtu.into();
    ioctl(libc::SIOCSIFMTU, &mut request)
}

/// Whether the interface is administratively up.
pub fn is_up(name: &str) -> io::Result<bool> {
    Ok(flags(name)? & IFF_UP != 0)
}

/// Brings the interface up.
pub fn bring_up(name: &str) -> io::Result<()> {
    let mut request = request(name);
    request.ifr_ifru.ifru_flags = flags(name)? | IFF_UP;
    ioctl(libc::SIOCSIFFLAGS, &mut request)
}

/// The first IPv4 address, if there is one.
pub fn address(name: &str) -> Option<Ipv4Addr> {
    ask(name, libc::SIOCGIFADDR).ok().map(ipv4)
}

/// Sets the first IPv4 address.
pub fn set_address(name: &str, address: Ipv4Addr) -> io::Result<()> {
    let mut request = request(name);
    request.ifr_ifru.ifru_addr = sockaddr(address);
    ioctl(libc::SIOCSIFADDR, &mut request)
}

/// The netmask of the first IPv4 address, if there is one.
pub fn netmask(name: &str) -> Option<Ipv4Addr> {
    ask(name, libc::SIOCGIFNETMASK).ok().map(ipv4)
}

/// Sets the netmask of the first IPv4 address.
pub fn set_netmask(name: &str, netmask: Ipv4Addr) -> io::Result<()> {
    let mut request = request(name);
    request.ifr_ifru.ifru_netmask = sockaddr(netmask);
    ioctl(libc::SIOCSIFNETMASK, &mut request)
}

fn flags(name: &str) -> io::Result<libc::c_short> {
    let answer = ask(name, libc::SIOCGIFFLAGS)?;
    #[allow(unsafe_code)] // A union of C.
    // SAFETY: SIOCGIFFLAGS fills in this field; every bit pattern is a number.
    Ok(unsafe { answer.ifr_ifru.ifru_flags })
}

/// The address in an answer to `SIOCGIFADDR` or `SIOCGIFNETMASK`: a `sockaddr_in`, two octets of port before four of
/// address.
fn ipv4(answer: libc::ifreq) -> Ipv4Addr {
    #[allow(unsafe_code)] // A union of C.
    // SAFETY: all address fields of the union are one `sockaddr`, and every bit pattern is one.
    let data = unsafe { answer.ifr_ifru.ifru_addr }.sa_data;
    let [_, _, a, b, c, d, ..] = data.map(|octet| octet.to_ne_bytes()[0]);
    Ipv4Addr::new(a, b, c, d)
}

fn sockaddr(address: Ipv4Addr) -> libc::sockaddr {
    let mut sa_data = [0; 14];
    for (place, octet) in sa_data[2..6].iter_mut().zip(address.octets()) {
        *place = libc::c_char::from_ne_bytes([octet]);
    }
    libc::sockaddr { sa_family: AF_INET, sa_data }
}

/// Asks the kernel for one setting.
fn ask(name: &str, what: libc::c_ulong) -> io::Result<libc::ifreq> {
    let mut request = request(name);
    ioctl(what, &mut request)?;
    Ok(request)
}

/// A request about the interface `name`, which is no longer than fits, with its value all zeros.
fn request(name: &str) -> libc::ifreq {
    #[allow(unsafe_code)] // A struct of C that has no constructor.
    // SAFETY: `ifreq` consists of numbers and a pointer; all zeros is a value of each.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last place stays zero: the name is a C string.
    for (place, octet) in request.ifr_name[..libc::IFNAMSIZ - 1].iter_mut().zip(name.bytes()) {
        *place = libc::c_char::from_ne_bytes([octet]);
    }
    request
}

fn ioctl(what: libc::c_ulong, request: &mut libc::ifreq) -> io::Result<()> {
    // Any IPv4 socket will do; netdevice(7) only wants one to come by.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    #[allow(unsafe_code)] // A system call without a safe wrapper.
    // SAFETY: `socket` is open, and each of the requests above reads and writes one `ifreq`, which `request` points to.
    match unsafe { libc::ioctl(socket.as_raw_fd(), what, std::ptr::from_mut(request)) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
