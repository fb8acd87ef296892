//! The Linux kernel as system under test, without root.
//!
//! ```text
//!            one network namespace per scenario
//!   real sockets             packet socket
//!   of the user              of the peer
//!        |                        |
//!      kernel                     |
//!   192.0.2.1                (192.0.2.2)
//!     system ------ veth ------ tester
//! ```
//!
//! The process has [entered](crate::namespace::enter) a user namespace before; in it every [`Linux`] makes a network
//! namespace of its own. Ports, sysctls, metrics of earlier connections and TIME-WAIT all begin afresh, no scenario can
//! disturb the next, and nothing has to be cleaned. Measured: 3 ms to make one, 10 ms to close its packet socket (a
//! grace period of the kernel, in which nothing runs), the burial in the background; a scenario of a handshake and a
//! byte takes 14 ms with all of that. A network namespace belongs to a thread, so threads may run scenarios side by
//! side.
//!
//! States come from sock_diag(7), which knows SYN-RECEIVED and TIME-WAIT; times are the kernel's receive timestamps.

use std::fs::{self, File};
use std::io;
use std::time::{Duration, Instant};

use super::pending::Pending;
use super::{
    Call, CallId, Datagram, Descriptor, Fault, FourTuple, Progress, Returned, State, System, TcpInfo, Timing, Turned,
    Unsupported, Wake, knob,
};
use diag::SockDiag;
pub use link::Link;
use link::Wire;
use sockets::{Attempt, Effort, Sockets, Wait};

mod diag;
mod link;
mod netlink;
mod offload;
mod options;
mod shell;
mod sockets;
pub(crate) mod sys;
mod sysctl;
pub mod tcp_info;

/// Why a command is not run.
const NO_SHELL: &str = "it runs a command with your rights on your files; --shell allows that, if you trust the script";

/// The kernel, in a network of its own with one wire.
pub struct Linux {
    name: String,
    began: Instant,
    /// The network namespace, for what the kernel ties to the calling thread: new sockets and sysctls.
    network: File,
    sockets: Sockets,
    wire: Wire,
    diag: SockDiag,
    /// A datagram that was seen while waiting.
    arrived: Option<Datagram>,
    pending: Pending<Blocked>,
    /// What the next active OPEN is to begin with.
    initial_sequence: Option<u32>,
    /// Whether commands of scenarios are run.
    shell: bool,
}

/// A call that blocks.
struct Blocked {
    call: Call,
    effort: Effort,
    wait: Wait,
    /// When it gives up.
    until: Option<Duration>,
}

impl Linux {
    /// Makes a network namespace for the calling thread, which stays in it, and in it a wire with this MTU in bytes.
    ///
    /// # Errors
    /// [`Fault::Harness`], above all when this process has not [entered](crate::namespace::enter) a namespace where it
    /// may do that.
    pub fn new(mtu: u16) -> Result<Self, Fault> {
        Self::over(Link::Veth, mtu)
    }

    /// As [`new`](Self::new), over this link.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Fault::Unsupported`] where this user has no such link.
    pub fn over(link: Link, mtu: u16) -> Result<Self, Fault> {
        sys::unshare(libc::CLONE_NEWNET).map_err(harness("make a network namespace"))?;
        sysctl::prepare().map_err(harness("prepare the sysctls of its network namespace"))?;
        let wire = Wire::build(link, mtu).map_err(|error| no_link(link, error))?;
        Ok(Self {
            name: kernel_name(),
            began: Instant::now(),
            network: File::open("/proc/thread-self/ns/net").map_err(harness("keep its network namespace"))?,
            sockets: Sockets::default(),
            wire,
            diag: SockDiag::open().map_err(harness("open a sock_diag socket"))?,
            arrived: None,
            pending: Pending::default(),
            initial_sequence: None,
            shell: false,
        })
    }

    /// Runs the commands of scenarios from now on. Only their network is another: they have the rights of whoever runs
    /// this program, and all his files.
    pub fn allow_shell(&mut self) {
        self.shell = true;
    }

    /// Makes the calls that block once more, until one of them returns.
    fn retry(&mut self) -> Result<Option<CallId>, Fault> {
        let Self { pending, sockets, began, .. } = self;
        pending.retry(|Blocked { call, effort, wait, until }| {
            // Read first: what it waits for may come while it is looked at.
            let late = until.is_some_and(|until| until <= began.elapsed());
            let ret = match sockets.attempt(call, effort)? {
                Attempt::Returned(ret) => ret,
                Attempt::Blocked(_) if late => Sockets::give_up(call, effort),
                Attempt::Blocked(again) => {
                    *wait = again;
                    return Ok(None);
                }
            };
            Ok(Some(Returned { at: began.elapsed(), ret }))
        })
    }

    /// Takes one datagram from the wire, if none waits already. Says whether one does.
    fn listen(&mut self) -> Result<bool, Fault> {
        if self.arrived.is_none() {
            let received = self.wire.recv().map_err(harness("receive from the wire"))?;
            self.arrived = received.map(|(at, bytes)| Datagram { at: at.saturating_duration_since(self.began), bytes });
        }
        Ok(self.arrived.is_some())
    }

    /// Waits until something may have changed.
    fn sleep(&self, time: Duration) -> io::Result<()> {
        let pollfd = |fd, events| libc::pollfd { fd, events, revents: 0 };
        let mut events: Vec<_> = self.wire.descriptors().map(|fd| pollfd(fd, libc::POLLIN)).collect();
        let waits = self.pending.blocked().flat_map(|blocked| &blocked.wait.fds);
        events.extend(waits.map(|(fd, wanted)| pollfd(*fd, *wanted)));
        let first = self.pending.blocked().filter_map(|blocked| blocked.until).min();
        let time = first.map_or(time, |first| time.min(first.saturating_sub(self.now())));
        match sys::poll(&mut events, time) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }
}

impl System for Linux {
    fn name(&self) -> &str {
        &self.name
    }

    /// As measured: an answer takes 8 us at the median and 4 ms at most; SYNs come again after 1.007, 2.016, 4.192,
    /// 8.192 and 16.13 s, for far timers are coarse.
    fn timing(&self) -> Timing {
        Timing {
            silence: Duration::from_millis(6),
            delayed_ack: Duration::from_millis(550),
            tick: Duration::from_millis(10),
            slack: Duration::from_millis(100),
            stretch: Some(8),
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn run_until(&mut self, deadline: Duration) -> Result<Wake, Fault> {
        // Each turn either returns or waits, at most until the deadline.
        loop {
            if self.listen()? {
                return Ok(Wake::Datagram);
            }
            if let Some(id) = self.retry()? {
                return Ok(Wake::Returned(id));
            }
            match deadline.checked_sub(self.now()) {
                None | Some(Duration::ZERO) => return Ok(Wake::Deadline),
                Some(rest) => self.sleep(rest).map_err(harness("wait"))?,
            }
        }
    }

    fn call(&mut self, call: &Call) -> Result<Progress, Fault> {
        if matches!(call, Call::Socket) {
            sys::enter_network(&self.network).map_err(harness("return to its network namespace"))?;
        }
        if let Call::Connect { fd, .. } | Call::SendTo { fd, .. } = call
            && let Some(iss) = self.initial_sequence.take()
        {
            self.sockets.begin_at(*fd, iss).map_err(harness("choose an initial sequence number"))?;
        }
        let (made, mut effort) = (self.now(), Effort::default());
        match self.sockets.attempt(call, &mut effort)? {
            Attempt::Returned(ret) => Ok(Progress::Returned(ret)),
            Attempt::Blocked(wait) => {
                let until = wait.limit.map(|limit| made + limit);
                Ok(self.pending.keep(Blocked { call: call.clone(), effort, wait, until }))
            }
        }
    }

    fn result(&mut self, id: CallId) -> Option<Returned> {
        self.pending.take(id)
    }

    fn inject(&mut self, datagram: &[u8]) -> Result<Duration, Fault> {
        let at = self.now();
        self.wire.send(datagram).map_err(harness("send to the wire"))?;
        Ok(at)
    }

    fn recv(&mut self) -> Result<Option<Datagram>, Fault> {
        if !self.listen()? {
            let lost = self.wire.lost().map_err(harness("count what the wire lost"))?;
            return if lost == 0 { Ok(None) } else { Err(Fault::Lost { datagrams: lost }) };
        }
        Ok(self.arrived.take())
    }

    fn probe(&mut self, connection: FourTuple) -> Result<State, Fault> {
        self.diag.state(connection).map_err(harness("ask sock_diag"))
    }

    fn knob(&mut self, name: &str, value: &str) -> Result<Turned, Fault> {
        sys::enter_network(&self.network).map_err(harness("return to its network namespace"))?;
        let knobs = knob::of_linux(name, value)?;
        for (name, value) in &knobs {
            sysctl::write(name, value)?;
        }
        Ok(if knobs.is_empty() { Turned::AtDefault } else { Turned::Done })
    }

    fn info(&mut self, fd: Descriptor) -> Result<TcpInfo, Fault> {
        self.sockets.info(fd).map_err(harness("ask for TCP_INFO"))
    }

    /// By `SOCK_DESTROY`, for which a kernel may not be built.
    fn drop_connection(&mut self, connection: FourTuple) -> Result<(), Fault> {
        self.diag.destroy(connection).map_err(|error| match error.raw_os_error() {
            Some(libc::EOPNOTSUPP) => {
                Unsupported::Call { what: "tcpdrop, being built without INET_DIAG_DESTROY" }.into()
            }
            Some(_) | None => harness("drop a connection")(error),
        })
    }

    fn shell(&mut self, command: &str) -> Result<(), Fault> {
        if !self.shell {
            return Err(Unsupported::Absent { reason: NO_SHELL }.into());
        }
        sys::enter_network(&self.network).map_err(harness("return to its network namespace"))?;
        shell::run(command)
    }

    fn initial_sequence(&mut self, iss: u32) -> Result<(), Fault> {
        if iss == 0 {
            return Err(
                Unsupported::Call { what: "initial sequence number of zero, which to TCP_REPAIR is none" }.into()
            );
        }
        self.initial_sequence = Some(iss);
        Ok(())
    }
}

impl Drop for Linux {
    fn drop(&mut self) {
        self.sockets.abort();
    }
}

fn harness(doing: &'static str) -> impl Fn(io::Error) -> Fault {
    move |error| Fault::Harness { doing, error }
}

fn no_link(link: Link, error: io::Error) -> Fault {
    match (link, error.kind()) {
        (Link::Tun | Link::Tap, io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {
            let reason = "a link over TUN or TAP needs /dev/net/tun, which this user cannot open: be root, or use veth";
            Unsupported::Absent { reason }.into()
        }
        (Link::Veth | Link::Tun | Link::Tap, _) => harness("build a link to the kernel")(error),
    }
}

/// `linux 6.18`: the release without what a distributor appends.
fn kernel_name() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let version: Vec<&str> = release.trim().splitn(3, '.').take(2).collect();
    format!("linux {}", version.join("."))
}
