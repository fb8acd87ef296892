//! What the stack says, as `std::net` would say it.

use std::io::{self, ErrorKind};

use crate::ip::Undelivered;
use crate::stack::{CallError, Failure, OpenError};
use crate::wire::UnreachableCode;

impl From<CallError> for io::Error {
    fn from(error: CallError) -> Self {
        let kind = match error {
            CallError::WouldBlock => ErrorKind::WouldBlock,
            CallError::Closing => ErrorKind::BrokenPipe,
            CallError::DoesNotExist => ErrorKind::NotConnected,
            CallError::Failed(failure) => failure_kind(failure),
        };
        Self::new(kind, error)
    }
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        let kind = match error {
            OpenError::AddressInUse(_) => ErrorKind::AddrInUse,
            OpenError::NotLocal(_) | OpenError::NoPortFree => ErrorKind::AddrNotAvailable,
            OpenError::BadRemote(_) => ErrorKind::InvalidInput,
            OpenError::NoRoute(_) => ErrorKind::NetworkUnreachable,
            OpenError::TooManyConnections | OpenError::TooManyListeners => ErrorKind::QuotaExceeded,
        };
        Self::new(kind, error)
    }
}

fn failure_kind(failure: Failure) -> ErrorKind {
    match failure {
        Failure::Refused => ErrorKind::ConnectionRefused,
        Failure::Reset => ErrorKind::ConnectionReset,
        Failure::TimedOut => ErrorKind::TimedOut,
        Failure::Aborted => ErrorKind::ConnectionAborted,
        Failure::Unreachable(Undelivered::Unreachable(code)) => match code {
            UnreachableCode::NET => ErrorKind::NetworkUnreachable,
            UnreachableCode::PORT => ErrorKind::ConnectionRefused,
            UnreachableCode(_) => ErrorKind::HostUnreachable,
        },
        Failure::Unreachable(Undelivered::TimeExceeded | Undelivered::ParameterProblem) => ErrorKind::HostUnreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_the_kind_that_std_net_gives_it() {
        let somewhere = "192.0.2.1:80".parse().unwrap();
        let unreachable = |code| Failure::Unreachable(Undelivered::Unreachable(code));
        let calls = [
            (CallError::WouldBlock, ErrorKind::WouldBlock),
            (CallError::Closing, ErrorKind::BrokenPipe),
            (CallError::DoesNotExist, ErrorKind::NotConnected),
            (Failure::Refused.into(), ErrorKind::ConnectionRefused),
            (Failure::Reset.into(), ErrorKind::ConnectionReset),
            (Failure::TimedOut.into(), ErrorKind::TimedOut),
            (Failure::Aborted.into(), ErrorKind::ConnectionAborted),
            (unreachable(UnreachableCode::NET).into(), ErrorKind::NetworkUnreachable),
            (unreachable(UnreachableCode::PORT).into(), ErrorKind::ConnectionRefused),
            (unreachable(UnreachableCode::HOST).into(), ErrorKind::HostUnreachable),
        ];
        for (error, kind) in calls {
            assert_eq!(io::Error::from(error).kind(), kind, "{error}");
        }
        let opens = [
            (OpenError::AddressInUse(somewhere), ErrorKind::AddrInUse),
            (OpenError::NotLocal(somewhere), ErrorKind::AddrNotAvailable),
            (OpenError::NoPortFree, ErrorKind::AddrNotAvailable),
            (OpenError::BadRemote(somewhere), ErrorKind::InvalidInput),
            (OpenError::NoRoute(somewhere), ErrorKind::NetworkUnreachable),
            (OpenError::TooManyConnections, ErrorKind::QuotaExceeded),
            (OpenError::TooManyListeners, ErrorKind::QuotaExceeded),
        ];
        for (error, kind) in opens {
            assert_eq!(io::Error::from(error).kind(), kind, "{error}");
        }
    }
}
