//! A stack that several threads may call, in a time that only one of them lets pass.
//!
//! packetdrill makes calls that block in a second thread, while its first one sends, receives and sleeps. A blocked call
//! waits here until the first thread has let so much time pass, or so much arrive, that it returns.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lockstep_conformance::system::lockstep::Lockstep;
use lockstep_conformance::system::{
    Call, CallId, Datagram, Descriptor, Errno, Fault, Progress, Ret, System, TcpInfo, Wake,
};

/// How long the stack is waited for where nothing else happens: longer than any timer of a TCP.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// The stack.
pub struct Plug {
    inside: Mutex<Inside>,
    /// Something has happened for which a blocked call may have waited.
    happened: Condvar,
}

struct Inside {
    system: Lockstep,
    heard: VecDeque<Datagram>,
    /// What calls have returned whose thread has not yet seen it.
    returned: BTreeMap<CallId, Ret>,
}

impl Plug {
    /// A plug for this stack.
    pub fn new(system: Lockstep) -> Self {
        let inside = Inside { system, heard: VecDeque::new(), returned: BTreeMap::new() };
        Self { inside: Mutex::new(inside), happened: Condvar::new() }
    }

    /// Makes a call, and waits until it returns.
    pub fn call(&self, call: &Call) -> Ret {
        let mut inside = self.inside();
        let id = match inside.system.call(call).map_err(errno)? {
            Progress::Returned(ret) => return ret,
            Progress::Pending(id) => id,
        };
        loop {
            if let Some(ret) = inside.returned.remove(&id) {
                return ret;
            }
            inside = self.happened.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What the stack tells of a connection's inside.
    pub fn info(&self, fd: Descriptor) -> Result<TcpInfo, Errno> {
        self.inside().system.info(fd).map_err(errno)
    }

    /// Gives the stack a datagram.
    pub fn send(&self, datagram: &[u8]) -> Result<(), Errno> {
        let mut inside = self.inside();
        inside.system.inject(datagram).map_err(errno)?;
        let now = inside.system.now();
        inside.pass(now, |_| false)?;
        self.happened.notify_all();
        Ok(())
    }

    /// The next datagram of the stack, however long that takes; an error if there will be none.
    pub fn receive(&self) -> Result<Datagram, Errno> {
        let mut inside = self.inside();
        let latest = inside.system.now() + PATIENCE;
        inside.pass(latest, |heard| !heard.is_empty())?;
        self.happened.notify_all();
        inside.heard.pop_front().ok_or(Errno::ETIMEDOUT)
    }

    /// Lets time pass.
    pub fn sleep(&self, time: Duration) -> Result<(), Errno> {
        let mut inside = self.inside();
        let until = inside.system.now() + time;
        inside.pass(until, |_| false)?;
        self.happened.notify_all();
        Ok(())
    }

    /// The time since the stack was made.
    pub fn now(&self) -> Duration {
        self.inside().system.now()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Whoever panicked while he held it has told already what is wrong.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// Lets time pass until a moment, or until what was heard is enough.
    fn pass(&mut self, until: Duration, enough: impl Fn(&VecDeque<Datagram>) -> bool) -> Result<(), Errno> {
        while !enough(&self.heard) {
            match self.system.run_until(until).map_err(errno)? {
                Wake::Deadline => return Ok(()),
                Wake::Datagram => self.heard.extend(self.system.recv().map_err(errno)?),
                Wake::Returned(id) => {
                    let returned = self.system.result(id).map(|returned| (id, returned.ret));
                    self.returned.extend(returned);
                }
            }
        }
        Ok(())
    }
}

/// What cannot be told in a number is told on the standard error.
fn errno(fault: Fault) -> Errno {
    eprintln!("lockstep: {fault}");
    match fault {
        Fault::Unsupported(_) => Errno::EOPNOTSUPP,
        Fault::Harness { .. } | Fault::Lost { .. } | Fault::Command { .. } => Errno::EPROTO,
    }
}
