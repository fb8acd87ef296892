//! Calls that receive and send.

use super::super::ast::{Expression, Field};
use super::read::{descriptor, flags as flag_names, is_ellipsis, members, size};
use super::{Fd, Operation};
use crate::system::MessageFlags;

pub(super) fn read(arguments: &[Expression]) -> Option<Operation> {
    let [fd, buffer, length] = arguments else { return None };
    receive(fd, plain(buffer, length)?, &Expression::Integer(0))
}

pub(super) fn recv(arguments: &[Expression]) -> Option<Operation> {
    let [fd, buffer, length, flags] = arguments else { return None };
    receive(fd, plain(buffer, length)?, flags)
}

pub(super) fn recvfrom(arguments: &[Expression]) -> Option<Operation> {
    let [fd, buffer, length, flags, address, size] = arguments else { return None };
    let open = is_ellipsis(address) && super::is_length(size);
    receive(fd, plain(buffer, length)?, flags).filter(|_| open)
}

pub(super) fn readv(arguments: &[Expression]) -> Option<Operation> {
    let [fd, vectors, count] = arguments else { return None };
    receive(fd, gathered(vectors, Some(count))?, &Expression::Integer(0))
}

pub(super) fn recvmsg(arguments: &[Expression]) -> Option<Operation> {
    let [fd, message, flags] = arguments else { return None };
    receive(fd, in_message(message)?, flags)
}

pub(super) fn write(arguments: &[Expression]) -> Option<Operation> {
    let [fd, buffer, length] = arguments else { return None };
    sending(fd, plain(buffer, length)?, &Expression::Integer(0))
}

pub(super) fn send(arguments: &[Expression]) -> Option<Operation> {
    let [fd, buffer, length, flags] = arguments else { return None };
    sending(fd, plain(buffer, length)?, flags)
}

/// Of a stream the address is that of the other end, which is known.
pub(super) fn sendto(arguments: &[Expression]) -> Option<Operation> {
    let [fd, buffer, length, flags, address, size] = arguments else { return None };
    let open = is_ellipsis(address) && super::is_length(size);
    sending(fd, plain(buffer, length)?, flags).filter(|_| open)
}

pub(super) fn writev(arguments: &[Expression]) -> Option<Operation> {
    let [fd, vectors, count] = arguments else { return None };
    sending(fd, gathered(vectors, Some(count))?, &Expression::Integer(0))
}

pub(super) fn sendmsg(arguments: &[Expression]) -> Option<Operation> {
    let [fd, message, flags] = arguments else { return None };
    sending(fd, in_message(message)?, flags)
}

fn receive(fd: &Expression, length: usize, flags: &Expression) -> Option<Operation> {
    Some(Operation::Receive { fd: descriptor(fd)?, length, flags: message_flags(flags)? })
}

fn sending(fd: &Expression, length: usize, flags: &Expression) -> Option<Operation> {
    let (fd, flags): (Fd, MessageFlags) = (descriptor(fd)?, message_flags(flags)?);
    Some(if flags.fast_open {
        Operation::FastOpen { fd, length, flags }
    } else {
        Operation::Send { fd, length, flags }
    })
}

/// A buffer that the runner has, and its length.
fn plain(buffer: &Expression, length: &Expression) -> Option<usize> {
    size(length).filter(|_| is_ellipsis(buffer))
}

/// The length of all buffers of `[{..., 1000}, {..., 500}]`, of which there are `count`.
fn gathered(vectors: &Expression, count: Option<&Expression>) -> Option<usize> {
    let Expression::Array(vectors) = vectors else { return None };
    let counted = match count {
        Some(count) => is_ellipsis(count) || size(count)? == vectors.len(),
        None => true,
    };
    let lengths = vectors.iter().map(|vector| match vector {
        Expression::Struct(fields) => {
            let [buffer, length] = members(fields, [&["iov_base"], &["iov_len"]])?;
            plain(buffer, length)
        }
        Expression::Ellipsis
        | Expression::Integer(_)
        | Expression::Name(_)
        | Expression::Text(_)
        | Expression::Either(_)
        | Expression::Array(_)
        | Expression::Function(..) => None,
    });
    let length = lengths.sum::<Option<usize>>()?;
    counted.then_some(length)
}

/// The length of all buffers of a `struct msghdr`. It may name addresses and flags only where they say nothing; of control
/// data nothing is understood.
fn in_message(message: &Expression) -> Option<usize> {
    let Expression::Struct(fields) = message else { return None };
    let mut length = None;
    for Field { name, count, value } in fields {
        match name.as_deref()? {
            "msg_iov" => length = Some(gathered(value, count.as_ref())?),
            "msg_name" if is_ellipsis(value) => {}
            "msg_flags" | "msg_controllen" if *value == Expression::Integer(0) => {}
            "msg_namelen" => {}
            _ => return None,
        }
    }
    length
}

/// `MSG_NOSIGNAL` changes nothing: no system under test raises signals. Nor does `MSG_CMSG_CLOEXEC`.
fn message_flags(flags: &Expression) -> Option<MessageFlags> {
    let mut set = MessageFlags::NONE;
    for flag in flag_names(flags)? {
        if !set.add(flag) && !matches!(flag, "MSG_NOSIGNAL" | "MSG_CMSG_CLOEXEC") {
            return None;
        }
    }
    Some(set)
}
