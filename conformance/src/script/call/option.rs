//! `setsockopt` and `getsockopt`.

use std::time::Duration;

use super::super::ast::{Call, Expression, Field};
use super::super::value::Errno;
use super::read::{descriptor, integer, members, name};
use super::{CallError, Operation, Wanted};
use crate::system::{OptionKind, OptionValue, SocketOption};

/// Values of options that have names, by the numbers of Linux.
const NAMED: [(&str, i32); 4] =
    [("IP_PMTUDISC_DONT", 0), ("IP_PMTUDISC_WANT", 1), ("IP_PMTUDISC_DO", 2), ("IP_PMTUDISC_PROBE", 3)];

pub(super) fn set(arguments: &[Expression]) -> Option<Operation> {
    let [fd, level, option, value, length] = arguments else { return None };
    let measured = matches!(length, Expression::Integer(_) | Expression::Ellipsis | Expression::Function(..));
    let option = option_named(level, option).filter(|_| measured)?;
    Some(Operation::SetOption { fd: descriptor(fd)?, option, value: option_value(option, value)? })
}

pub(super) fn get(arguments: &[Expression]) -> Option<Operation> {
    let [fd, level, option, value, Expression::Array(_) | Expression::Ellipsis] = arguments else {
        return None;
    };
    let option = option_named(level, option)?;
    Some(Operation::GetOption { fd: descriptor(fd)?, option, value: wanted(option, value)? })
}

/// What to say of a call about an option that is not known.
pub(super) fn unknown(call: &Call) -> Option<CallError> {
    let ("setsockopt" | "getsockopt", [_, level, option, ..]) = (call.name.as_str(), call.arguments.as_slice()) else {
        return None;
    };
    let is_unknown = option_named(level, option).is_none();
    is_unknown.then(|| CallError::Option { level: level.to_string(), option: option.to_string() })
}

/// The option of this name, if that is its level.
fn option_named(level: &Expression, option: &Expression) -> Option<SocketOption> {
    let option = name(option)?;
    let belongs = match name(level)? {
        "SOL_SOCKET" => option.starts_with("SO_"),
        "IPPROTO_TCP" | "SOL_TCP" => option.starts_with("TCP_"),
        "IPPROTO_IP" | "SOL_IP" => option.starts_with("IP_"),
        _ => false,
    };
    SocketOption::named(option).filter(|_| belongs)
}

fn wanted(option: SocketOption, value: &Expression) -> Option<Wanted> {
    match value {
        Expression::Ellipsis => Some(Wanted::Any),
        Expression::Array(items) if matches!(items.as_slice(), [Expression::Ellipsis]) => Some(Wanted::Any),
        Expression::Array(items) if option == SocketOption::Error => match items.as_slice() {
            [Expression::Name(error)] => Some(Wanted::Error(Errno(error.clone()))),
            _ => option_value(option, value).map(Wanted::Value),
        },
        _ => option_value(option, value).map(Wanted::Value),
    }
}

fn option_value(option: SocketOption, value: &Expression) -> Option<OptionValue> {
    let value = match value {
        Expression::Array(items) => match items.as_slice() {
            [item] => item,
            _ => return None,
        },
        bare => bare,
    };
    match (option.kind(), value) {
        (OptionKind::Int, Expression::Integer(value)) => i32::try_from(*value).ok().map(OptionValue::Int),
        (OptionKind::Int, Expression::Name(name)) => {
            NAMED.iter().find(|(known, _)| known == name).map(|(_, value)| OptionValue::Int(*value))
        }
        (OptionKind::Linger, Expression::Struct(fields)) => linger(fields),
        (OptionKind::Time, Expression::Struct(fields)) => time(fields),
        (OptionKind::Text, Expression::Text(text)) => Some(OptionValue::Text(text.clone())),
        (OptionKind::Int | OptionKind::Linger | OptionKind::Time | OptionKind::Text | OptionKind::Bytes, _) => None,
    }
}

fn linger(fields: &[Field]) -> Option<OptionValue> {
    let [on, seconds] = members(fields, [&["onoff", "l_onoff"], &["linger", "l_linger"]])?;
    Some(OptionValue::Linger { on: integer(on)? != 0, seconds: i32::try_from(integer(seconds)?).ok()? })
}

fn time(fields: &[Field]) -> Option<OptionValue> {
    let [seconds, microseconds] = members(fields, [&["tv_sec"], &["tv_usec"]])?;
    let whole = Duration::from_secs(u64::try_from(integer(seconds)?).ok()?);
    let part = Duration::from_micros(u64::try_from(integer(microseconds)?).ok().filter(|micros| *micros < 1_000_000)?);
    Some(OptionValue::Time(whole + part))
}
