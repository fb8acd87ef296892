//! Waiting for devices: ppoll(2).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use crate::time::Micros;

/// Waits until one of `fds` is readable, at most `timeout`, or without end if there is none.
///
/// Returns whether one is. A signal may end the wait early, with `false`: whoever waits looks at his clock anyway.
///
/// # Errors
/// What ppoll(2) reports, which takes a lack of memory.
pub fn wait_readable<const N: usize>(fds: [BorrowedFd<'_>; N], timeout: Option<Micros>) -> io::Result<bool> {
    let mut polled = fds.map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    let count = libc::nfds_t::try_from(N).map_err(io::Error::other)?;
    let timespec = timeout.map(timespec);
    let timeout = timespec.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);

    #[allow(unsafe_code)] // A system call without a safe wrapper.
    // SAFETY: `polled` has `count` entries, all of them of descriptors that are open as long as `fds`; `timeout` is null or
    // points to `timespec`, which lives until the end; there is no signal mask.
    let ready = unsafe { libc::ppoll(polled.as_mut_ptr(), count, timeout, std::ptr::null()) };
    match ready {
        -1 => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
        ready => Ok(ready > 0),
    }
}

fn timespec(span: Micros) -> libc::timespec {
    let span = Duration::from(span);
    libc::timespec {
        // Centuries from now is as good as never.
        tv_sec: libc::time_t::try_from(span.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: span.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn says_whether_one_is_readable() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let (quiet, _other) = UnixStream::pair().unwrap();
        let fds = || [quiet.as_fd(), near.as_fd()];
        assert!(!wait_readable(fds(), Some(Micros::ZERO)).unwrap());
        far.write_all(b"x").unwrap();
        assert!(wait_readable(fds(), Some(Micros::new(u64::MAX))).unwrap());
        assert!(wait_readable(fds(), None).unwrap());
        assert!(!wait_readable([quiet.as_fd()], Some(Micros::from_millis(1))).unwrap());
    }
}
