//! The thread that joins a device, a clock and a [`Stack`].
//!
//! A [`Driver`] owns the device. It goes round and round: a batch of frames in, due timers, a batch of frames out, then it
//! tells those who wait. It holds the stack only for the middle part, never across a system call, and sleeps when there
//! is nothing to do, until a frame arrives, a timer is due, or a user has called. Users reach the stack by a [`Handle`];
//! [`crate::net`] builds sockets on it.

mod shared;

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thiserror::Error;

use crate::device::poll::wait_readable;
use crate::device::{Device, DeviceError, ETHERNET_HEADER, Sent};
use crate::stack::{Stack, Transition};
use crate::time::Instant;

use shared::{Outlook, Shared};

pub(crate) use shared::{Bell, EchoSeat, Station, is_delivered};
pub use shared::{Handle, Outage};

/// The most frames taken in, and the most sent, before the other direction, the timers and the users have their turn.
pub const BATCH: usize = 64;

/// Runs a stack on a device in a thread of its own, until it is stopped or dropped.
///
/// # Examples
/// ```no_run
/// use lockstep::{Config, Stack, device::Tap, drive::Driver, net::TcpListener};
/// use lockstep_model::Table;
/// use std::{net::Ipv4Addr, time::Duration};
///
/// let config = Config::new(Ipv4Addr::new(192, 0, 2, 2), 24);
/// let stack = Stack::new(config, Table::repaired(), *b"sixteen secrets!")?;
/// let driver = Driver::spawn(stack, Tap::open("tap0")?)?;
/// let listener = TcpListener::bind(driver.handle(), "192.0.2.2:7")?;
/// let (mut stream, _) = listener.accept()?;
/// std::io::copy(&mut stream.try_clone()?, &mut stream)?;
/// driver.stop(Duration::from_secs(1))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Driver<D> {
    handle: Handle,
    thread: Option<JoinHandle<Result<D, Arc<DeviceError>>>>,
}

/// Hears of every change of a connection's state, in order, in the driver's thread.
pub type TraceSink = Box<dyn FnMut(Transition) + Send>;

/// Why a driver cannot start, or how it ended.
#[derive(Debug, Error)]
pub enum DriveError {
    /// A device without [`Device::fd`] cannot be waited for; whoever has one drives the stack himself.
    #[error("the device has no descriptor to wait for")]
    NoDescriptor,
    /// The operating system gave no thread, or no means to wake it.
    #[error("cannot start the driver: {0}")]
    Start(#[source] io::Error),
    /// The device failed.
    #[error("{0}")]
    Device(Arc<DeviceError>),
    /// The driver's thread panicked, which is a bug.
    #[error("the driver's thread panicked")]
    Panicked,
}

impl<D: Device + Send + 'static> Driver<D> {
    /// Starts to run `stack` on `device`.
    ///
    /// # Errors
    /// [`DriveError::NoDescriptor`], [`DriveError::Start`].
    pub fn spawn(stack: Stack, device: D) -> Result<Self, DriveError> {
        Self::start(stack, device, None)
    }

    /// Starts to run `stack` on `device`, and tells `trace` of every change of state. It runs in the driver's thread, and
    /// nothing else does meanwhile.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn spawn_traced(
        mut stack: Stack,
        device: D,
        trace: impl FnMut(Transition) + Send + 'static,
    ) -> Result<Self, DriveError> {
        stack.set_tracing(true);
        Self::start(stack, device, Some(Box::new(trace)))
    }

    /// What users of the stack need.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Ends all calls, closes all that is open, waits at most `patience` until every peer has acknowledged that, resets
    /// what is left, and gives the device back.
    ///
    /// # Errors
    /// [`DriveError::Device`] if the device had failed before.
    pub fn stop(mut self, patience: Duration) -> Result<D, DriveError> {
        self.join(patience).unwrap_or(Err(DriveError::Panicked))
    }

    fn start(stack: Stack, device: D, trace: Option<TraceSink>) -> Result<Self, DriveError> {
        if device.fd().is_none() {
            return Err(DriveError::NoDescriptor);
        }
        let (waker, alarm) = UnixStream::pair().map_err(DriveError::Start)?;
        waker.set_nonblocking(true).map_err(DriveError::Start)?;
        alarm.set_nonblocking(true).map_err(DriveError::Start)?;
        let shared = Arc::new(Shared::new(stack, waker));
        let rounds = Rounds {
            shared: Arc::clone(&shared),
            alarm,
            incoming: vec![Vec::new(); BATCH],
            outgoing: vec![Vec::new(); BATCH],
            transitions: Vec::new(),
            trace,
            device,
        };
        let thread = thread::Builder::new().name("lockstep".to_owned()).spawn(|| rounds.run());
        Ok(Self { handle: Handle::new(shared), thread: Some(thread.map_err(DriveError::Start)?) })
    }
}

impl<D> Driver<D> {
    /// `None` if somebody has waited for the thread before.
    fn join(&mut self, patience: Duration) -> Option<Result<D, DriveError>> {
        let thread = self.thread.take()?;
        self.handle.stop(patience);
        Some(match thread.join() {
            Ok(ended) => ended.map_err(DriveError::Device),
            Err(_) => Err(DriveError::Panicked),
        })
    }
}

impl<D> Drop for Driver<D> {
    /// Stops without patience: what is open is reset.
    fn drop(&mut self) {
        self.join(Duration::ZERO);
    }
}

/// What the thread works with.
struct Rounds<D> {
    shared: Arc<Shared>,
    device: D,
    /// Readable when a user has called while the driver slept.
    alarm: UnixStream,
    incoming: Vec<Vec<u8>>,
    outgoing: Vec<Vec<u8>>,
    transitions: Vec<Transition>,
    trace: Option<TraceSink>,
}

impl<D: Device> Rounds<D> {
    fn run(mut self) -> Result<D, Arc<DeviceError>> {
        // However this ends, nobody waits in vain afterwards.
        let farewell = shared::Farewell(Arc::clone(&self.shared));
        match self.go_round().map_err(Arc::new) {
            Ok(()) => Ok(self.device),
            Err(error) => {
                farewell.because_of(&error);
                Err(error)
            }
        }
    }

    fn go_round(&mut self) -> Result<(), DeviceError> {
        loop {
            let received = self.receive()?;
            let (sent, outlook) =
                self.shared.round(&self.incoming[..received], &mut self.outgoing, &mut self.transitions);
            self.send(sent)?;
            self.tell();
            match outlook {
                Outlook::Over => return Ok(()),
                Outlook::Sleep(until) if received < BATCH => self.sleep(until)?,
                Outlook::Sleep(_) | Outlook::Busy => {}
            }
        }
    }

    /// Takes a batch of frames from the device; returns how many there were.
    fn receive(&mut self) -> Result<usize, DeviceError> {
        let room = self.device.mtu() + ETHERNET_HEADER;
        for (received, frame) in self.incoming.iter_mut().enumerate() {
            frame.resize(room, 0);
            match self.device.recv(self.shared.now(), frame) {
                Ok(Some(len)) => frame.truncate(len),
                // A cable that is pulled out may be put in again.
                Ok(None) | Err(DeviceError::Down) => return Ok(received),
                // What has arrived counts first; the error will be there again.
                Err(_) if received > 0 => return Ok(received),
                Err(error) => return Err(error),
            }
        }
        Ok(self.incoming.len())
    }

    /// Hands the first `count` outgoing frames to the device. What it does not take is lost, as on any link.
    fn send(&mut self, count: usize) -> Result<(), DeviceError> {
        for frame in &self.outgoing[..count] {
            match self.device.send(self.shared.now(), frame) {
                Ok(Sent::Taken | Sent::NoRoom) | Err(DeviceError::Down) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn tell(&mut self) {
        for transition in self.transitions.drain(..) {
            if let Some(trace) = &mut self.trace {
                trace(transition);
            }
        }
    }

    /// Sleeps until a frame arrives, a user calls, or it is time for the stack or for the device.
    fn sleep(&mut self, until: Option<Instant>) -> Result<(), DeviceError> {
        let until = [until, self.device.poll_timeout()].into_iter().flatten().min();
        let timeout = until.map(|at| at.since(self.shared.now()));
        let device = self.device.fd().ok_or(DeviceError::Gone)?;
        wait_readable([device, self.alarm.as_fd()], timeout).map_err(DeviceError::Io)?;
        shared::silence(&self.alarm);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod wire;

#[cfg(test)]
mod tests {
    use super::wire::{CLIENT, SERVER, Wire, neighbours, stack};
    use super::*;
    use crate::device::Pipe;
    use crate::net::{TcpListener, TcpStream};
    use crate::stack::Pair;
    use lockstep_model::State;
    use std::io::{ErrorKind, Read, Write};
    use std::os::fd::BorrowedFd;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    /// Counts how often it is asked for a frame.
    struct Counted(Wire, Arc<AtomicUsize>);

    impl Device for Counted {
        fn recv(&mut self, now: Instant, buf: &mut [u8]) -> Result<Option<usize>, DeviceError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.recv(now, buf)
        }

        fn send(&mut self, now: Instant, frame: &[u8]) -> Result<Sent, DeviceError> {
            self.0.send(now, frame)
        }

        fn mtu(&self) -> usize {
            self.0.mtu()
        }

        fn fd(&self) -> Option<BorrowedFd<'_>> {
            self.0.fd()
        }
    }

    /// Says what it was told to say; is it readable? Always, or never.
    struct Scripted {
        recv: Box<dyn FnMut() -> Result<Option<usize>, DeviceError> + Send>,
        ready: (UnixStream, UnixStream),
    }

    impl Scripted {
        fn new(readable: bool, recv: impl FnMut() -> Result<Option<usize>, DeviceError> + Send + 'static) -> Self {
            let mut ready = UnixStream::pair().unwrap();
            if readable {
                ready.1.write_all(b"there is something").unwrap();
            }
            Self { recv: Box::new(recv), ready }
        }
    }

    impl Device for Scripted {
        fn recv(&mut self, _now: Instant, _buf: &mut [u8]) -> Result<Option<usize>, DeviceError> {
            (self.recv)()
        }

        fn send(&mut self, _now: Instant, _frame: &[u8]) -> Result<Sent, DeviceError> {
            Err(DeviceError::Down)
        }

        fn mtu(&self) -> usize {
            1500
        }

        fn fd(&self) -> Option<BorrowedFd<'_>> {
            Some(self.ready.0.as_fd())
        }
    }

    /// Two frames that mean nothing, an interface that is down for a moment, and one more frame.
    #[test]
    fn what_has_arrived_counts_and_a_device_that_is_down_may_come_up() {
        let frame = || Ok(Some(20));
        let down = || Err(DeviceError::Down);
        let mut says = [frame(), frame(), down(), down(), Ok(None), frame()].into_iter();
        let device = Scripted::new(true, move || says.next().unwrap_or(Err(DeviceError::Gone)));
        let driver = Driver::spawn(stack(CLIENT), device).unwrap();
        let handle = driver.handle().clone();
        let error = TcpStream::connect(&handle, (SERVER, 80)).unwrap_err();
        assert_eq!(error.to_string(), "the device is gone");
        assert_eq!(handle.look(|stack| stack.drops().total()), 3);
        assert!(matches!(driver.stop(Duration::ZERO), Err(DriveError::Device(_))));
    }

    /// The contract of [`Device`]: it is asked until it has nothing, readable or not.
    #[test]
    fn a_batch_and_one_more_frame_are_taken_before_sleeping() {
        let (all_taken, taken) = mpsc::channel();
        let mut left = BATCH + 1;
        let device = Scripted::new(false, move || {
            let Some(one_less) = left.checked_sub(1) else {
                let _ = all_taken.send(());
                return Ok(None);
            };
            left = one_less;
            Ok(Some(20))
        });
        let driver = Driver::spawn(stack(CLIENT), device).unwrap();
        taken.recv_timeout(Duration::from_secs(60)).unwrap();
        driver.stop(Duration::ZERO).unwrap();
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let (panic_now, told) = mpsc::channel::<()>();
        let device = Scripted::new(true, move || match told.try_recv() {
            Ok(()) => panic!("a device with a bug"),
            Err(_) => Ok(None),
        });
        let driver = Driver::spawn(stack(CLIENT), device).unwrap();
        let listener = TcpListener::bind(driver.handle(), "0.0.0.0:80").unwrap();
        let waiting = thread::spawn(move || listener.accept().unwrap_err().kind());
        panic_now.send(()).unwrap();
        assert_eq!(waiting.join().unwrap(), ErrorKind::NetworkDown);
        assert!(matches!(driver.stop(Duration::ZERO), Err(DriveError::Panicked)));
    }

    #[test]
    fn nothing_to_do_is_nothing_done() {
        let (near, _far) = Wire::pair();
        let asked = Arc::new(AtomicUsize::new(0));
        let driver = Driver::spawn(stack(CLIENT), Counted(near, Arc::clone(&asked))).unwrap();
        // It falls asleep, is woken by a call, and falls asleep again.
        thread::sleep(Duration::from_millis(50));
        let listener = TcpListener::bind(driver.handle(), "0.0.0.0:80").unwrap();
        let waiting = thread::spawn(move || listener.accept().unwrap_err().kind());
        thread::sleep(Duration::from_millis(50));
        let before = asked.load(Ordering::Relaxed);
        thread::sleep(Duration::from_millis(100));
        assert_eq!(asked.load(Ordering::Relaxed), before);
        driver.stop(Duration::ZERO).unwrap();
        assert_eq!(waiting.join().unwrap(), ErrorKind::NetworkDown);
    }

    #[test]
    fn a_device_that_cannot_be_waited_for_is_refused() {
        let (near, _far) = Pipe::pair(1500, 8);
        assert!(matches!(Driver::spawn(stack(CLIENT), near), Err(DriveError::NoDescriptor)));
    }

    #[test]
    fn when_the_device_fails_everybody_hears_why() {
        let (near, far) = Wire::pair();
        let driver = Driver::spawn(stack(CLIENT), near).unwrap();
        let handle = driver.handle().clone();
        let listener = TcpListener::bind(&handle, "0.0.0.0:80").unwrap();
        let waiting = thread::spawn(move || listener.accept().unwrap_err());
        drop(far);
        let error = waiting.join().unwrap();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NetworkDown, "the device is gone"));
        let later = TcpListener::bind(&handle, "0.0.0.0:81").unwrap_err();
        assert_eq!(later.to_string(), "the device is gone");
        assert!(
            matches!(driver.stop(Duration::ZERO), Err(DriveError::Device(error)) if matches!(*error, DeviceError::Gone))
        );
    }

    #[test]
    fn whoever_waits_hears_of_an_interruption_and_may_still_close() {
        let (client, server) = neighbours();
        let listener = TcpListener::bind(server.handle(), (SERVER, 80)).unwrap();
        let mut stream = TcpStream::connect(client.handle(), (SERVER, 80)).unwrap();
        let (mut accepted, _) = listener.accept().unwrap();
        let waiting = thread::spawn(move || accepted.read(&mut [0; 1]).unwrap_err().kind());
        server.handle().interrupt();
        assert_eq!(waiting.join().unwrap(), ErrorKind::NetworkDown);
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::NetworkDown);
        // Its thread has dropped the accepted stream, and the driver still runs: the peer hears the end.
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    }

    /// The server stops with text on its way; all of it arrives, then the end.
    #[test]
    fn stopping_with_patience_delivers_what_was_written() {
        let (client, server) = neighbours();
        let listener = TcpListener::bind(server.handle(), (SERVER, 80)).unwrap();
        let mut stream = TcpStream::connect(client.handle(), (SERVER, 80)).unwrap();
        let (mut accepted, _) = listener.accept().unwrap();
        accepted.write_all(&[7; 30_000]).unwrap();
        let _device = server.stop(Duration::from_secs(30)).unwrap();
        let mut text = vec![0; 30_000];
        stream.read_exact(&mut text).unwrap();
        assert!(text.iter().all(|&octet| octet == 7));
    }

    #[test]
    fn stopping_without_patience_resets() {
        let (client, server) = neighbours();
        let listener = TcpListener::bind(server.handle(), (SERVER, 80)).unwrap();
        let mut stream = TcpStream::connect(client.handle(), (SERVER, 80)).unwrap();
        let _accepted = listener.accept().unwrap();
        let handle = server.handle().clone();
        let _device = server.stop(Duration::ZERO).unwrap();
        let to_anybody = Pair { local: (SERVER, 80).into(), remote: (CLIENT, 4000).into() };
        assert_eq!(handle.look(|stack| stack.state(&to_anybody)), State::Closed);
        let error = stream.read(&mut [0; 1]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }

    #[test]
    fn every_change_of_state_is_traced_in_order() {
        let (near, far) = Wire::pair();
        let (sink, lines) = mpsc::channel();
        let trace = move |transition: Transition| {
            sink.send(format!("{} -> {} by {}", transition.from, transition.to, transition.rule)).unwrap();
        };
        let client = Driver::spawn_traced(stack(CLIENT), near, trace).unwrap();
        let server = Driver::spawn(stack(SERVER), far).unwrap();
        let listener = TcpListener::bind(server.handle(), (SERVER, 80)).unwrap();
        let stream = TcpStream::connect(client.handle(), (SERVER, 80)).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        drop(accepted);
        assert_eq!((&stream).read(&mut [0; 1]).unwrap(), 0);
        drop(stream);
        client.stop(Duration::from_secs(30)).unwrap();
        insta::assert_snapshot!(lines.iter().collect::<Vec<_>>().join("\n"), @r"
        CLOSED -> SYN-SENT by open/closed/active
        SYN-SENT -> ESTABLISHED by syn-sent/syn/established
        ESTABLISHED -> CLOSE-WAIT by fin/established
        CLOSE-WAIT -> LAST-ACK by sent/close-wait/fin
        LAST-ACK -> CLOSED by ack-of-fin/last-ack/acked
        ");
    }
}
