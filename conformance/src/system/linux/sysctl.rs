//! The kernel's knobs, sysctl(8), of one network namespace.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::system::Unsupported;

/// Writes a knob of the calling thread's network namespace, which is what `/proc/sys/net` shows.
///
/// # Errors
/// [`Unsupported`] for a name outside `net.ipv4` and `net.core`, for one that namespaces do not have, and for a refused
/// value.
pub(super) fn write(name: &str, value: &str) -> Result<(), Unsupported> {
    let no_knob = || Unsupported::Knob { name: name.to_owned() };
    let path = path(name).ok_or_else(no_knob)?;
    // Not fs::write(): it would create a file where there is none.
    let written = fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| io::Write::write_all(&mut file, value.as_bytes()));
    written.map_err(|error| {
        if is_absent(&error) {
            no_knob()
        } else {
            Unsupported::KnobValue { name: name.to_owned(), value: value.to_owned() }
        }
    })
}

/// Quiets what could disturb a scenario: without IPv6 there is no duplicate address detection on the wire, and a kernel
/// that forwards (namespaces inherit that) might send back what reaches the tester's end. Both are precautions only, so
/// that a `/proc/sys` mounted read-only, as containers have it, is no obstacle.
pub(super) fn prepare() -> io::Result<()> {
    for (path, value) in [
        ("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"),
        ("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"),
        ("/proc/sys/net/ipv4/ip_forward", "0"),
    ] {
        match fs::write(path, value) {
            Err(error) if !is_absent(&error) => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether a knob is not there to be written, as opposed to refusing the value.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// The file of a knob that a scenario may touch. Only plain words between the dots: no way out of the directory.
fn path(name: &str) -> Option<PathBuf> {
    let (area, rest) = name.strip_prefix("net.")?.split_once('.')?;
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
    };
    let is_ours = matches!(area, "ipv4" | "core") && rest.split('.').all(is_word);
    is_ours.then(|| PathBuf::from("/proc/sys/net").join(area).join(rest.replace('.', "/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn knobs_stay_inside_the_two_directories() {
        assert_eq!(path("net.ipv4.tcp_rfc1337").as_deref(), Some(Path::new("/proc/sys/net/ipv4/tcp_rfc1337")));
        assert_eq!(
            path("net.ipv4.conf.all.rp_filter").as_deref(),
            Some(Path::new("/proc/sys/net/ipv4/conf/all/rp_filter")),
        );
        for name in [
            "kernel.hostname",
            "net.ipv6.conf.all.forwarding",
            "net.ipv4",
            "net.ipv4.",
            "net.ipv4...kernel.hostname",
            "net.ipv4./../../kernel/hostname",
            "tcp_rfc1337",
        ] {
            assert_eq!(path(name), None, "{name}");
        }
    }
}
