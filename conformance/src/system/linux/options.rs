//! Socket options, as getsockopt(2) and setsockopt(2) take them.

use std::io;
use std::os::fd::OwnedFd;

use super::sys;
use crate::system::{OptionKind, OptionValue, SocketOption};

/// Far more than any option's value.
const LONGEST: usize = 1_024;

/// The value of an option.
pub(super) fn get(fd: &OwnedFd, option: SocketOption) -> io::Result<OptionValue> {
    let (level, name) = option.number();
    match option.kind() {
        OptionKind::Int => Ok(OptionValue::Int(i32::from_ne_bytes(sys::get_option::<4>(fd, level, name)?))),
        OptionKind::Linger => {
            let [a, b, c, d, e, f, g, h] = sys::get_option::<8>(fd, level, name)?;
            let on = i32::from_ne_bytes([a, b, c, d]) != 0;
            Ok(OptionValue::Linger { on, seconds: i32::from_ne_bytes([e, f, g, h]) })
        }
        OptionKind::Time => Ok(OptionValue::Time(sys::get_time(fd, level, name)?)),
        OptionKind::Text => {
            let mut text = sys::get_bytes(fd, level, name, LONGEST)?;
            text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or(text.len()));
            Ok(OptionValue::Text(String::from_utf8_lossy(&text).into_owned()))
        }
        OptionKind::Bytes => Ok(OptionValue::Bytes(sys::get_bytes(fd, level, name, LONGEST)?)),
    }
}

/// Sets an option.
pub(super) fn set(fd: &OwnedFd, option: SocketOption, value: &OptionValue) -> io::Result<()> {
    let (level, name) = option.number();
    match value {
        OptionValue::Int(value) => sys::set_option(fd, level, name, &value.to_ne_bytes()),
        OptionValue::Linger { on, seconds } => sys::set_option(fd, level, name, &linger(*on, *seconds)),
        OptionValue::Time(time) => sys::set_time(fd, level, name, *time),
        OptionValue::Text(text) => sys::set_option(fd, level, name, text.as_bytes()),
        OptionValue::Bytes(bytes) => sys::set_option(fd, level, name, bytes),
    }
}

/// `struct linger`.
pub(super) fn linger(on: bool, seconds: i32) -> [u8; 8] {
    let [a, b, c, d] = i32::from(on).to_ne_bytes();
    let [e, f, g, h] = seconds.to_ne_bytes();
    [a, b, c, d, e, f, g, h]
}
