//! Error numbers, with the names that scripts give them.

use std::fmt;

/// An error number, by the numbers of Linux.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

/// Declares the error numbers that have a name here.
macro_rules! errnos {
    ($($name:ident)*) => {
        impl Errno {
            $(
                #[doc = concat!("`", stringify!($name), "`.")]
                pub const $name: Errno = Errno(libc::$name);
            )*

            const NAMED: &[(&str, Errno)] = &[$((stringify!($name), Errno::$name),)*];
        }
    };
}

errnos! {
    EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF EBUSY ECONNABORTED ECONNREFUSED ECONNRESET
    EDESTADDRREQ EDOM EEXIST EFAULT EHOSTDOWN EHOSTUNREACH EINPROGRESS EINTR EINVAL EIO EISCONN EMFILE EMSGSIZE
    ENETDOWN ENETRESET ENETUNREACH ENFILE ENOBUFS ENODEV ENOENT ENOMEM ENOPROTOOPT ENOSYS ENOTCONN ENOTSOCK ENOTTY
    ENXIO EOPNOTSUPP EPERM EPIPE EPROTO EPROTONOSUPPORT EPROTOTYPE ERANGE ESHUTDOWN ESOCKTNOSUPPORT ESPIPE ESTALE
    ETIMEDOUT EXDEV
}

impl Errno {
    /// The error number of this name, if it is one of ours.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, errno)| *errno)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMED.iter().find(|(_, errno)| errno == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_errors_and_back() {
        assert_eq!(Errno::named("ECONNRESET"), Some(Errno::ECONNRESET));
        assert_eq!(Errno::named("ENONSENSE"), None);
        assert_eq!(Errno::ECONNRESET.to_string(), "ECONNRESET");
        assert_eq!(Errno(9_999).to_string(), "errno 9999");
    }
}
