//! A network of one's own, without being root.
//!
//! The program [re-executes itself](reexec), and the child [enters](enter) a new user and network namespace as the
//! first thing in its `main`, before any thread exists: the kernel refuses a user namespace to a process with threads,
//! and a thread left behind would stay in the network of the host.
//!
//! ```no_run
//! use lockstep_conformance::namespace;
//!
//! if namespace::is_child() {
//!     if let Err(refused) = namespace::enter() {
//!         eprintln!("{refused}");
//!         std::process::exit(namespace::EXIT_REFUSED.into());
//!     }
//!     // This process may configure links, open packet sockets and write its own net.ipv4 sysctls.
//! } else {
//!     let status = namespace::reexec(["run"]).status();
//! }
//! ```
//!
//! Ubuntu 24.04 (`kernel.apparmor_restrict_unprivileged_userns`) and Docker's default seccomp profile refuse;
//! [`Refused`] then says so in one sentence, and [`require`] decides whether a test may be skipped for it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::process::Command;

use crate::system::linux::sys;

/// The variable that marks a child of [`reexec`].
const MARK: &str = "LOCKSTEP_NAMESPACE";

/// The exit status by which a child tells that [`enter`] was refused; the sentence is on its standard error.
pub const EXIT_REFUSED: u8 = 77;

/// Why this machine gives us no network namespace.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A namespace would hold only one of the threads, or is refused by the kernel outright.
    #[error("a network namespace needs a process with one thread, and this one has {threads}")]
    Threaded {
        /// How many there are.
        threads: usize,
    },
    /// Neither as an unprivileged user nor, where we are root, as root.
    #[error("the kernel refuses a user and network namespace to this user: {error}")]
    NotPermitted {
        /// What `unshare` said.
        error: io::Error,
    },
    /// The new user namespace exists, but we are nobody in it.
    #[error("cannot become root of the new user namespace, writing {file}: {error}")]
    Unmapped {
        /// The file that maps users or groups.
        file: &'static str,
        /// Why it could not be written.
        error: io::Error,
    },
    /// We are root of the namespace, but a security module took the power away (AppArmor on Ubuntu does).
    #[error("inside its new network namespace this user still may not open a packet socket: {error}")]
    Powerless {
        /// What `socket` said.
        error: io::Error,
    },
    /// `/proc` is not there or not readable.
    #[error("cannot count the threads of this process: {error}")]
    NoProc {
        /// Why not.
        error: io::Error,
    },
}

/// This same program again, with these arguments, to enter a namespace: in it [`is_child`] holds.
pub fn reexec<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    // Not current_exe(): its path may lie in a directory that the child's user cannot search.
    let mut command = Command::new("/proc/self/exe");
    command.args(arguments).env(MARK, "1");
    command
}

/// Whether this process was made by [`reexec`] and is to [`enter`] a namespace first.
#[must_use]
pub fn is_child() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Moves this process into a new network namespace where it may do everything: as root of a new user namespace, or
/// where that is refused and we are root already, without one. There is no way back.
///
/// # Errors
/// [`Refused`], with one clear sentence. The process may then be half-way and should end.
pub fn enter() -> Result<(), Refused> {
    let threads = fs::read_dir("/proc/self/task").map_err(|error| Refused::NoProc { error })?.count();
    if threads != 1 {
        return Err(Refused::Threaded { threads });
    }
    let (user, group) = sys::effective_ids();
    match sys::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) {
        Ok(()) => become_root(user, group)?,
        Err(_) if user == 0 => sys::unshare(libc::CLONE_NEWNET).map_err(|error| Refused::NotPermitted { error })?,
        Err(error) => return Err(Refused::NotPermitted { error }),
    }
    try_packet_socket().map_err(|error| Refused::Powerless { error })
}

/// Maps this user and group to root in the user namespace just made (user_namespaces(7)). One's own ids are all that
/// an unprivileged process may map, and the group only after giving up setgroups(2).
fn become_root(user: libc::uid_t, group: libc::gid_t) -> Result<(), Refused> {
    let files = [
        ("/proc/self/setgroups", String::from("deny")),
        ("/proc/self/uid_map", format!("0 {user} 1")),
        ("/proc/self/gid_map", format!("0 {group} 1")),
    ];
    for (file, content) in files {
        fs::write(file, content).map_err(|error| Refused::Unmapped { file, error })?;
    }
    Ok(())
}

/// The power that decides: an AppArmor profile can deny it although the capability seems to be there.
fn try_packet_socket() -> io::Result<()> {
    sys::socket(libc::AF_PACKET, libc::SOCK_DGRAM, 0).map(drop)
}

/// Which features of the machine a run insists on: `LOCKSTEP_REQUIRE=tap,netns`.
///
/// A test that needs a feature the machine refuses is skipped, and says so in one line. Where the variable names the
/// feature, the skip is a failure: continuous integration cannot lose a test silently.
pub mod require {
    use std::fmt::Display;

    /// The variable, a list of features separated by commas.
    pub const VARIABLE: &str = "LOCKSTEP_REQUIRE";

    /// A network namespace, see [`enter`](super::enter).
    pub const NETNS: &str = "netns";

    /// A required feature is not there.
    #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
    #[error("{VARIABLE} demands {feature}, but: {reason}")]
    pub struct Missing {
        feature: String,
        reason: String,
    }

    /// Prints one line that `feature` is missing and why, so that what needs it can be skipped.
    ///
    /// # Errors
    /// [`Missing`] when [`VARIABLE`] names the feature.
    pub fn skip(feature: &str, reason: impl Display) -> Result<(), Missing> {
        let list = std::env::var(VARIABLE).unwrap_or_default();
        if demands(&list, feature) {
            return Err(Missing { feature: feature.to_owned(), reason: reason.to_string() });
        }
        println!("{}{reason}", beginning(feature));
        Ok(())
    }

    /// Skips what another program has skipped for want of `feature`, by what it printed. Says whether it has.
    ///
    /// # Errors
    /// As [`skip`].
    pub fn skip_with(feature: &str, printed: &str) -> Result<bool, Missing> {
        let reason = printed.lines().find_map(|line| line.strip_prefix(&beginning(feature)));
        reason.map_or(Ok(false), |reason| skip(feature, reason).map(|()| true))
    }

    /// How the line begins that says why something is skipped.
    fn beginning(feature: &str) -> String {
        format!("skipped, no {feature}: ")
    }

    fn demands(list: &str, feature: &str) -> bool {
        list.split(',').any(|name| name.trim() == feature)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_list_demands_exactly_what_it_names() {
            assert!(demands("tap,netns", "netns"));
            assert!(demands(" netns ", "netns"));
            assert!(!demands("tap", "netns"));
            assert!(!demands("", "netns"));
            assert!(!demands("netns2", "netns"));
        }

        #[test]
        fn what_another_program_skipped_is_skipped_here() {
            assert_eq!(skip_with("moon", "1 conform\nskipped, no moon: it is day\n"), Ok(true));
            assert_eq!(skip_with("moon", "skipped, no sun: it is night\n"), Ok(false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threaded_process_is_refused() {
        // The test harness itself runs this in a second thread.
        let refused = enter().expect_err("this process has threads");
        assert!(matches!(refused, Refused::Threaded { threads } if threads > 1), "{refused}");
    }

    #[test]
    fn a_child_carries_the_mark() {
        let command = reexec(["run", "--json"]);
        assert_eq!(command.get_program(), "/proc/self/exe");
        assert!(command.get_envs().any(|(name, value)| name == MARK && value.is_some()));
        assert!(!is_child());
    }
}
