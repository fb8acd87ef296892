//! Calls that ask about sockets: `poll` and `ioctl`.

use std::time::Duration;

use super::super::ast::Expression;
use super::read::{descriptor, flags, integer, is_ellipsis, members, name, size};
use super::{Operation, Polled};
use crate::system::{IoctlRequest, PollEvents};

pub(super) fn poll(arguments: &[Expression]) -> Option<Operation> {
    let [Expression::Array(sockets), count, timeout] = arguments else { return None };
    let counted = is_ellipsis(count) || size(count)? == sockets.len();
    let sockets = sockets.iter().map(polled).collect::<Option<_>>().filter(|_| counted)?;
    // A negative timeout is none.
    let timeout = u64::try_from(integer(timeout)?).ok().map(Duration::from_millis);
    Some(Operation::Poll { sockets, timeout })
}

fn polled(socket: &Expression) -> Option<Polled> {
    let Expression::Struct(fields) = socket else { return None };
    let [fd, expected, told] = members(fields, [&["fd"], &["events"], &["revents"]])?;
    Some(Polled { fd: descriptor(fd)?, events: events(expected)?, revents: events(told)? })
}

fn events(expression: &Expression) -> Option<PollEvents> {
    let names = flags(expression)?;
    names.into_iter().try_fold(PollEvents::NONE, |events, name| Some(events | PollEvents::named(name)?))
}

pub(super) fn ioctl(arguments: &[Expression]) -> Option<Operation> {
    let [fd, request, value] = arguments else { return None };
    let value = match value {
        Expression::Ellipsis => None,
        Expression::Array(items) => match items.as_slice() {
            [Expression::Ellipsis] => None,
            [value] => Some(integer(value)?),
            _ => return None,
        },
        Expression::Integer(_)
        | Expression::Name(_)
        | Expression::Text(_)
        | Expression::Either(_)
        | Expression::Struct(_)
        | Expression::Function(..) => return None,
    };
    Some(Operation::Ioctl { fd: descriptor(fd)?, request: IoctlRequest::named(name(request)?)?, value })
}
