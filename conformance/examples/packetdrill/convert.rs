//! What C has as pointers, numbers and errno, and what a call of ours has.

use std::ffi::{c_int, c_void};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::slice;
use std::time::Duration;

use libc::{iovec, size_t, sockaddr, sockaddr_in, socklen_t, ssize_t};
use lockstep_conformance::system::{Errno, MessageFlags, OptionKind, OptionValue, Output, Ret, SocketOption, Success};

/// An array of the caller's.
pub fn elements<'a, T>(array: *mut T, count: usize) -> &'a mut [T] {
    if array.is_null() { &mut [] } else { unsafe { slice::from_raw_parts_mut(array, count) } }
}

/// A buffer of the caller's.
pub fn part<'a>(buffer: *mut c_void, length: size_t) -> &'a mut [u8] {
    elements(buffer.cast(), length)
}

/// The buffers of a vector.
pub fn parts<'a>(parts: *const iovec, count: usize) -> Vec<&'a mut [u8]> {
    elements(parts.cast_mut(), count).iter().map(|one| part(one.iov_base, one.iov_len)).collect()
}

/// What was received, spread over the caller's buffers.
pub fn received(ret: Ret, parts: &mut [&mut [u8]]) -> ssize_t {
    if let Ok(Success { output: Output::Data(data), .. }) = &ret {
        let mut data = data.as_slice();
        for part in parts {
            let (first, rest) = data.split_at(part.len().min(data.len()));
            part[..first.len()].copy_from_slice(first);
            data = rest;
        }
    }
    size(ret)
}

/// A count of octets, or -1 and errno.
pub fn size(ret: Ret) -> ssize_t {
    match ret {
        Ok(success) => ssize_t::try_from(success.value).unwrap_or(ssize_t::MAX),
        Err(errno) => {
            set_errno(errno);
            -1
        }
    }
}

/// A number, or -1 and errno.
pub fn int(ret: Ret) -> c_int {
    c_int::try_from(size(ret)).unwrap_or(c_int::MAX)
}

fn set_errno(Errno(number): Errno) {
    // The errno of the calling thread, which is where C looks for it.
    unsafe { *libc::__errno_location() = number }
}

/// The IPv4 address and port in a `struct sockaddr`.
pub fn address(at: *const sockaddr, length: socklen_t) -> Result<SocketAddrV4, Errno> {
    if at.is_null() || usize::try_from(length).unwrap_or(0) < size_of::<sockaddr_in>() {
        return Err(Errno::EINVAL);
    }
    let address = unsafe { at.cast::<sockaddr_in>().read_unaligned() };
    if c_int::from(address.sin_family) != libc::AF_INET {
        return Err(Errno::EAFNOSUPPORT);
    }
    Ok(SocketAddrV4::new(Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes()), u16::from_be(address.sin_port)))
}

/// Writes an address into the caller's `struct sockaddr`, as much of it as there is room for.
pub fn tell_address(address: SocketAddrV4, at: *mut sockaddr, length: *mut socklen_t) {
    let Some(length) = (unsafe { length.as_mut() }).filter(|_| !at.is_null()) else { return };
    let [a, b] = libc::sa_family_t::try_from(libc::AF_INET).unwrap_or_default().to_ne_bytes();
    let [c, d] = address.port().to_be_bytes();
    let told = [[a, b, c, d].as_slice(), &address.ip().octets(), &[0; 8]].concat();
    let fits = told.len().min(usize::try_from(*length).unwrap_or(0));
    part(at.cast(), fits).copy_from_slice(&told[..fits]);
    *length = socklen_t::try_from(told.len()).unwrap_or_default();
}

/// `MSG_*`; `MSG_NOSIGNAL` changes nothing here, where nobody raises signals.
pub fn message_flags(flags: c_int) -> Result<MessageFlags, Errno> {
    MessageFlags::numbered(flags & !libc::MSG_NOSIGNAL).ok_or(Errno::EOPNOTSUPP)
}

/// The option of this level and number.
pub fn option(level: c_int, name: c_int) -> Result<SocketOption, Errno> {
    let found = SocketOption::ALL.iter().find(|option| option.number() == (level, name));
    found.copied().ok_or(Errno::ENOPROTOOPT)
}

/// The value of an option as C has it.
pub fn told(output: &Output) -> Vec<u8> {
    let Output::Option(value) = output else { return Vec::new() };
    match value {
        OptionValue::Int(value) => value.to_ne_bytes().to_vec(),
        OptionValue::Linger { on, seconds } => [i32::from(*on).to_ne_bytes(), seconds.to_ne_bytes()].concat(),
        OptionValue::Time(time) => {
            let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
            [seconds.to_ne_bytes(), i64::from(time.subsec_micros()).to_ne_bytes()].concat()
        }
        OptionValue::Text(text) => text.as_bytes().to_vec(),
        OptionValue::Bytes(bytes) => bytes.clone(),
    }
}

/// The value of an option from what C has.
pub fn option_value(option: SocketOption, octets: &[u8]) -> Result<OptionValue, Errno> {
    let int = |octets: &[u8]| octets.first_chunk().map(|octets| i32::from_ne_bytes(*octets)).ok_or(Errno::EINVAL);
    let long = |octets: &[u8]| octets.first_chunk().map(|octets| i64::from_ne_bytes(*octets)).ok_or(Errno::EINVAL);
    let rest = |from: usize| octets.get(from..).unwrap_or_default();
    match option.kind() {
        OptionKind::Int => int(octets).map(OptionValue::Int),
        OptionKind::Linger => Ok(OptionValue::Linger { on: int(octets)? != 0, seconds: int(rest(4))? }),
        OptionKind::Time => {
            let (seconds, micros) = (u64::try_from(long(octets)?), u64::try_from(long(rest(8))?));
            let (Ok(seconds), Ok(micros)) = (seconds, micros) else { return Err(Errno::EINVAL) };
            Ok(OptionValue::Time(Duration::from_secs(seconds) + Duration::from_micros(micros)))
        }
        OptionKind::Text => Ok(OptionValue::Text(String::from_utf8_lossy(octets).trim_end_matches('\0').to_owned())),
        OptionKind::Bytes => Ok(OptionValue::Bytes(octets.to_vec())),
    }
}
