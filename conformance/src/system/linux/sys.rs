//! The system calls this room needs, each made safe by its types. All `unsafe` of the room is here.
//!
//! Errors are the kernel's own `errno`, untouched. C structs cross as arrays of bytes, laid out as Linux lays them out
//! on every architecture, so that none of them has to be trusted.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use libc::{c_int, socklen_t};

use crate::system::IoctlRequest;

/// `unshare(2)`.
#[allow(unsafe_code)]
pub(crate) fn unshare(flags: c_int) -> io::Result<()> {
    // SAFETY: takes no pointer. The flags used touch neither memory nor descriptors: later calls of this thread see
    // another user or network namespace, which every object opened before keeps ignoring.
    zero(unsafe { libc::unshare(flags) })
}

/// `setns(2)` into a network namespace.
#[allow(unsafe_code)]
pub(super) fn enter_network(namespace: &File) -> io::Result<()> {
    // SAFETY: takes no pointer, and the descriptor is open as long as the file lives.
    zero(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })
}

/// The effective user and group.
#[allow(unsafe_code)]
pub(crate) fn effective_ids() -> (libc::uid_t, libc::gid_t) {
    // SAFETY: both only read the caller's credentials and cannot fail.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// `socket(2)`, closed on exec.
#[allow(unsafe_code)]
pub(crate) fn socket(domain: c_int, kind: c_int, protocol: c_int) -> io::Result<OwnedFd> {
    // SAFETY: takes no pointer.
    let fd = number(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) })?;
    // SAFETY: the kernel just gave us this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The index of the interface of this name in the calling thread's network namespace.
#[allow(unsafe_code)]
pub(crate) fn interface_index(name: &str) -> io::Result<c_int> {
    let name = std::ffi::CString::new(name).map_err(io::Error::other)?;
    // SAFETY: the kernel reads a string that ends with a zero and outlives the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => c_int::try_from(index).map_err(io::Error::other),
    }
}

/// `bind(2)`.
#[allow(unsafe_code)]
pub(crate) fn bind(fd: &OwnedFd, address: &[u8]) -> io::Result<()> {
    let length = socklen(address)?;
    // SAFETY: the kernel reads at most the length given, that of the slice.
    zero(unsafe { libc::bind(fd.as_raw_fd(), address.as_ptr().cast(), length) })
}

/// `connect(2)`.
#[allow(unsafe_code)]
pub(super) fn connect(fd: &OwnedFd, address: &[u8]) -> io::Result<()> {
    let length = socklen(address)?;
    // SAFETY: the kernel reads at most the length given, that of the slice.
    zero(unsafe { libc::connect(fd.as_raw_fd(), address.as_ptr().cast(), length) })
}

/// `listen(2)`.
#[allow(unsafe_code)]
pub(super) fn listen(fd: &OwnedFd, backlog: c_int) -> io::Result<()> {
    // SAFETY: takes no pointer.
    zero(unsafe { libc::listen(fd.as_raw_fd(), backlog) })
}

/// `accept4(2)`, with the peer's address; the new socket does not block.
#[allow(unsafe_code)]
pub(super) fn accept(fd: &OwnedFd) -> io::Result<(OwnedFd, SocketAddrV4)> {
    let mut address = [0; SOCKADDR_IN];
    let mut length = socklen(&address)?;
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: the kernel writes at most `length` bytes of address, the array's size, and the length itself.
    let accepted =
        number(unsafe { libc::accept4(fd.as_raw_fd(), address.as_mut_ptr().cast(), &raw mut length, flags) })?;
    // SAFETY: the kernel just gave us this descriptor, and nobody else knows it.
    let accepted = unsafe { OwnedFd::from_raw_fd(accepted) };
    let [_, _, high, low, a, b, c, d, ..] = address;
    let port = u16::from_be_bytes([high, low]);
    Ok((accepted, SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port)))
}

/// `read(2)`.
#[allow(unsafe_code)]
pub(super) fn read(fd: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most the buffer's length.
    count(unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) })
}

/// `recv(2)`.
#[allow(unsafe_code)]
pub(crate) fn recv(fd: &OwnedFd, buffer: &mut [u8], flags: c_int) -> io::Result<usize> {
    // SAFETY: the kernel writes at most the buffer's length.
    count(unsafe { libc::recv(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), flags) })
}

/// `recvmsg(2)` on a socket with `SO_TIMESTAMPNS`: a datagram and when it arrived, since 1970.
#[allow(unsafe_code)]
pub(super) fn recv_stamped(fd: &OwnedFd, buffer: &mut [u8]) -> io::Result<(usize, Option<Duration>)> {
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // Room for one timestamp, aligned for its header.
    let mut control = [0u64; 8];
    // SAFETY: a msghdr is integers and pointers, for which zero is a valid value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control);
    // SAFETY: the kernel writes at most the buffer's length through the one vector, at most the control array's length,
    // and the message itself; all of them outlive the call.
    let length = count(unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) })?;
    // SAFETY: the control array is still alive, and the kernel set its length.
    Ok((length, unsafe { timestamp(&message) }))
}

/// The timestamp among a message's control data; it is all that these sockets ask for.
///
/// # Safety
/// The message's control data must be alive, and as long as it says.
#[allow(unsafe_code)]
unsafe fn timestamp(message: &libc::msghdr) -> Option<Duration> {
    // SAFETY: by the caller's promise; the macro returns null where there is no whole header.
    let header = unsafe { libc::CMSG_FIRSTHDR(message).as_ref() }?;
    if (header.cmsg_level, header.cmsg_type) != (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
        return None;
    }
    // SAFETY: by its type this header is followed by a timespec, wherever that may be aligned.
    let time = unsafe { libc::CMSG_DATA(header).cast::<libc::timespec>().read_unaligned() };
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// `write(2)`. Programs in Rust ignore SIGPIPE, so a broken pipe is an error like any other.
#[allow(unsafe_code)]
pub(super) fn write(fd: &OwnedFd, data: &[u8]) -> io::Result<usize> {
    // SAFETY: the kernel reads at most the data's length.
    count(unsafe { libc::write(fd.as_raw_fd(), data.as_ptr().cast(), data.len()) })
}

/// `send(2)`.
#[allow(unsafe_code)]
pub(crate) fn send(fd: &OwnedFd, data: &[u8], flags: c_int) -> io::Result<usize> {
    // SAFETY: the kernel reads at most the data's length.
    count(unsafe { libc::send(fd.as_raw_fd(), data.as_ptr().cast(), data.len(), flags) })
}

/// `sendto(2)`.
#[allow(unsafe_code)]
pub(super) fn send_to(fd: &OwnedFd, data: &[u8], flags: c_int, address: &[u8]) -> io::Result<usize> {
    let length = socklen(address)?;
    let to = address.as_ptr().cast();
    // SAFETY: the kernel reads at most the data's length, and the address's.
    count(unsafe { libc::sendto(fd.as_raw_fd(), data.as_ptr().cast(), data.len(), flags, to, length) })
}

/// `shutdown(2)`.
#[allow(unsafe_code)]
pub(super) fn shutdown(fd: &OwnedFd, how: c_int) -> io::Result<()> {
    // SAFETY: takes no pointer.
    zero(unsafe { libc::shutdown(fd.as_raw_fd(), how) })
}

/// `close(2)`, whose errors an [`OwnedFd`] would swallow.
#[allow(unsafe_code)]
pub(super) fn close(fd: OwnedFd) -> io::Result<()> {
    // SAFETY: we owned the descriptor and give up owning it here; Linux closes it even when it reports an error.
    zero(unsafe { libc::close(fd.into_raw_fd()) })
}

/// `getsockopt(2)` of at most `N` bytes; what the kernel does not write is zero.
#[allow(unsafe_code)]
pub(super) fn get_option<const N: usize>(fd: &OwnedFd, level: c_int, name: c_int) -> io::Result<[u8; N]> {
    let mut value = [0; N];
    let mut length = socklen(&value)?;
    // SAFETY: the kernel writes at most `length` bytes of value, the array's size, and the length itself.
    zero(unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, value.as_mut_ptr().cast(), &raw mut length) })?;
    Ok(value)
}

/// `getsockopt(2)` of what may have any length up to `most`.
#[allow(unsafe_code)]
pub(super) fn get_bytes(fd: &OwnedFd, level: c_int, name: c_int, most: usize) -> io::Result<Vec<u8>> {
    let mut value = vec![0; most];
    let mut length = socklen(&value)?;
    // SAFETY: the kernel writes at most `length` bytes of value, the vector's length, and the length itself.
    zero(unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, value.as_mut_ptr().cast(), &raw mut length) })?;
    value.truncate(length.try_into().unwrap_or(most));
    Ok(value)
}

/// `getsockopt(2)` of a `struct timeval`.
#[allow(unsafe_code)]
pub(super) fn get_time(fd: &OwnedFd, level: c_int, name: c_int) -> io::Result<Duration> {
    let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut length = socklen_t::try_from(size_of_val(&time)).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `length` bytes of time, its size, of which every value is valid, and the length.
    zero(unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, (&raw mut time).cast(), &raw mut length) })?;
    let (seconds, micros) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_usec));
    Ok(Duration::from_secs(seconds.unwrap_or_default()) + Duration::from_micros(micros.unwrap_or_default()))
}

/// `setsockopt(2)` of a `struct timeval`.
#[allow(unsafe_code)]
pub(super) fn set_time(fd: &OwnedFd, level: c_int, name: c_int, time: Duration) -> io::Result<()> {
    let time = libc::timeval {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_usec: time.subsec_micros().into(),
    };
    let length = socklen_t::try_from(size_of_val(&time)).map_err(io::Error::other)?;
    // SAFETY: the kernel reads at most the length given, that of the timeval.
    zero(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const time).cast(), length) })
}

/// `setsockopt(2)`.
#[allow(unsafe_code)]
pub(crate) fn set_option(fd: &OwnedFd, level: c_int, name: c_int, value: &[u8]) -> io::Result<()> {
    let length = socklen(value)?;
    // SAFETY: the kernel reads at most the length given, that of the slice.
    zero(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast(), length) })
}

/// `ppoll(2)` until one of the events, or until the time is over.
#[allow(unsafe_code)]
pub(crate) fn poll(events: &mut [libc::pollfd], time: Duration) -> io::Result<()> {
    let time = libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: time.subsec_nanos().into(),
    };
    let length = events.len().try_into().map_err(io::Error::other)?;
    // SAFETY: the kernel reads and writes the slice within its length, reads the time, and no signal mask is given.
    match unsafe { libc::ppoll(events.as_mut_ptr(), length, &raw const time, std::ptr::null()) } {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `ioctl(2)` with a request that writes an `int`.
#[allow(unsafe_code)]
pub(super) fn ask_number(fd: &OwnedFd, request: IoctlRequest) -> io::Result<c_int> {
    let number = libc::Ioctl::try_from(request.number()).map_err(io::Error::other)?;
    let mut answer: c_int = 0;
    // SAFETY: the kernel writes an int, which is all that these requests do.
    zero(unsafe { libc::ioctl(fd.as_raw_fd(), number, &raw mut answer) })?;
    Ok(answer)
}

/// `kill(2)` of a group of processes, if there still is one.
#[allow(unsafe_code)]
pub(super) fn kill_group(leader: u32) {
    if let Ok(leader @ 2..) = libc::pid_t::try_from(leader) {
        // SAFETY: takes no pointer, and a group of one's own children is nobody else's.
        let _ = unsafe { libc::kill(-leader, libc::SIGKILL) };
    }
}

/// `ioctl(2)` with `TUNSETIFINDEX` and `TUNSETIFF`: makes a device of this name and index on an open `/dev/net/tun`.
#[allow(unsafe_code)]
pub(super) fn make_tunnel(device: &File, name: &str, kind: c_int, index: c_int) -> io::Result<()> {
    // SAFETY: the kernel reads an int.
    zero(unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFINDEX, &raw const index) })?;
    let mut request = interface_request(name);
    request.ifr_ifru.ifru_flags = kind.try_into().map_err(io::Error::other)?;
    // SAFETY: the kernel reads an ifreq, whose name is terminated, and its flags, and writes the name back into it.
    zero(unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) })
}

/// `ioctl(2)` with `SIOCETHTOOL` and a `struct ethtool_value`; returns the value that comes back.
#[allow(unsafe_code)]
pub(super) fn ethtool(device: &str, command: u32, value: u32) -> io::Result<u32> {
    let mut value = [command, value];
    let mut request = interface_request(device);
    request.ifr_ifru.ifru_data = value.as_mut_ptr().cast();
    let any = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    // SAFETY: the kernel reads an ifreq, whose name is terminated because its last byte stays zero, and follows its
    // data to an ethtool_value, two integers, which is all that the commands of this room read and write.
    zero(unsafe { libc::ioctl(any.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) })?;
    let [_, value] = value;
    Ok(value)
}

/// A `struct ifreq` about the device of this name.
#[allow(unsafe_code)]
fn interface_request(device: &str) -> libc::ifreq {
    // SAFETY: an ifreq is integers and pointers, for which zero is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(device.bytes()).take(libc::IFNAMSIZ - 1) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    request
}

const SOCKADDR_IN: usize = 16;

/// `struct sockaddr_in`: family, port, address, padding.
pub(super) fn sockaddr_in(address: SocketAddrV4) -> [u8; SOCKADDR_IN] {
    let [family0, family1] = AF_INET.to_ne_bytes();
    let [high, low] = address.port().to_be_bytes();
    let [a, b, c, d] = address.ip().octets();
    [family0, family1, high, low, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// `struct sockaddr_ll` over Ethernet: family, protocol, device, hardware type, packet type, length of
/// address, address.
pub(crate) fn sockaddr_ll(device: i32, protocol: u16, address: [u8; 6]) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[0..2].copy_from_slice(&AF_PACKET.to_ne_bytes());
    bytes[2..4].copy_from_slice(&protocol.to_be_bytes());
    bytes[4..8].copy_from_slice(&device.to_ne_bytes());
    bytes[11] = 6;
    bytes[12..18].copy_from_slice(&address);
    bytes
}

/// The families in the type that a `sockaddr` gives them.
const AF_INET: libc::sa_family_t = 2;
const AF_PACKET: libc::sa_family_t = 17;
/// IPv4 as an Ethernet type.
pub(super) const ETH_P_IP: u16 = 0x0800;
/// All of them, as a packet socket asks for them.
pub(super) const ETH_P_ALL: u16 = 0x0003;

fn socklen(bytes: &[u8]) -> io::Result<socklen_t> {
    socklen_t::try_from(bytes.len()).map_err(io::Error::other)
}

/// The result of a call that returns zero.
fn zero(result: c_int) -> io::Result<()> {
    number(result).map(drop)
}

/// The result of a call that returns a number, such as a descriptor.
fn number(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The result of a call that returns a count of bytes.
fn count(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
