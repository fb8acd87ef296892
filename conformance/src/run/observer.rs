//! A system under test, and everything that was done to it and seen of it, written down in order.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

use crate::system::{
    Call, CallId, Descriptor, Fault, FourTuple, Progress, Returned, State, System, TcpInfo, Timing, Turned, Wake,
};
use crate::trace::{Observation, Trace, What};

/// More than any script asks for: a system that sends this much has gone wild.
const MOST_OBSERVATIONS: usize = 10_000;

/// Watches a system while a script is played.
pub(super) struct Observer<'a> {
    system: &'a mut dyn System,
    trace: Trace,
    /// What was heard and not yet taken.
    heard: VecDeque<Heard>,
    /// Calls that block, by the number that the trace gives them.
    blocked: BTreeMap<CallId, u32>,
    returned: BTreeMap<u32, Returned>,
    calls: u32,
    /// When the last text or FIN was injected, if nothing was heard since.
    unanswered: Option<Duration>,
}

/// A datagram of the system.
pub(super) struct Heard {
    /// When it was on the wire.
    pub(super) at: Duration,
    /// The datagram.
    pub(super) bytes: Vec<u8>,
    /// Its place in the trace.
    index: usize,
}

/// A call that was made.
pub(super) struct Made {
    /// Its number in the trace.
    pub(super) id: u32,
    /// When it was made.
    pub(super) at: Duration,
}

impl<'a> Observer<'a> {
    pub(super) fn new(system: &'a mut dyn System) -> Self {
        Self {
            system,
            trace: Trace::default(),
            heard: VecDeque::new(),
            blocked: BTreeMap::new(),
            returned: BTreeMap::new(),
            calls: 0,
            unanswered: None,
        }
    }

    pub(super) fn timing(&self) -> Timing {
        self.system.timing()
    }

    pub(super) fn now(&self) -> Duration {
        self.system.now()
    }

    /// When the last text or FIN was injected, if nothing was heard since: its acknowledgment may still come.
    pub(super) fn unanswered(&self) -> Option<Duration> {
        self.unanswered
    }

    /// Lets time pass, and notices what happens.
    pub(super) fn wait_until(&mut self, deadline: Duration) -> Result<(), Fault> {
        while self.notice(deadline)? != Wake::Deadline {}
        Ok(())
    }

    /// The next datagram, if there is one before the deadline.
    pub(super) fn next_datagram(&mut self, deadline: Duration) -> Result<Option<Heard>, Fault> {
        while self.heard.is_empty() {
            if self.notice(deadline)? == Wake::Deadline {
                break;
            }
        }
        Ok(self.heard.pop_front())
    }

    /// Lets a datagram be the next one once more.
    pub(super) fn give_back(&mut self, heard: Heard) {
        self.heard.push_front(heard);
    }

    /// Whether a call has been seen to return.
    pub(super) fn has_returned(&self, id: u32) -> bool {
        self.returned.contains_key(&id)
    }

    /// What a call returned, if it does before the deadline.
    pub(super) fn end_of_call(&mut self, id: u32, deadline: Duration) -> Result<Option<Returned>, Fault> {
        while !self.returned.contains_key(&id) {
            if self.notice(deadline)? == Wake::Deadline {
                break;
            }
        }
        Ok(self.returned.remove(&id))
    }

    /// Makes a call; [`Observer::end_of_call`] tells what it returns.
    pub(super) fn call(&mut self, call: &Call, line: Option<u32>) -> Result<Made, Fault> {
        let id = self.calls;
        self.calls += 1;
        let at = self.now();
        self.write(at, What::Called { id, call: call.clone() }, line);
        match self.system.call(call)? {
            Progress::Returned(ret) => self.note_return(id, Returned { at: self.now(), ret }),
            Progress::Pending(pending) => {
                self.blocked.insert(pending, id);
            }
        }
        Ok(Made { id, at })
    }

    /// Gives the system a datagram; `elicits` says whether it carries anything that asks for an acknowledgment.
    /// Returns when.
    pub(super) fn inject(&mut self, datagram: Vec<u8>, elicits: bool, line: u32) -> Result<Duration, Fault> {
        let at = self.system.inject(&datagram)?;
        self.write(at, What::Injected(datagram), Some(line));
        if elicits {
            self.unanswered = Some(at);
        }
        Ok(at)
    }

    /// Asks for a state without writing it down.
    pub(super) fn peek(&mut self, connection: FourTuple) -> Result<State, Fault> {
        self.system.probe(connection)
    }

    /// Writes down that a connection was in a state.
    pub(super) fn note_state(&mut self, connection: FourTuple, state: State, line: Option<u32>) {
        self.write(self.now(), What::Probed { connection, state }, line);
    }

    /// What the system tells of the inside of a connection.
    pub(super) fn info(&mut self, fd: Descriptor) -> Result<TcpInfo, Fault> {
        self.system.info(fd)
    }

    /// Ends a connection from beside its user.
    pub(super) fn drop_connection(&mut self, connection: FourTuple, line: u32) -> Result<(), Fault> {
        self.write(self.now(), What::Dropped(connection), Some(line));
        self.system.drop_connection(connection)
    }

    pub(super) fn shell(&mut self, command: &str) -> Result<(), Fault> {
        self.system.shell(command)
    }

    pub(super) fn initial_sequence(&mut self, iss: u32) -> Result<(), Fault> {
        self.system.initial_sequence(iss)
    }

    pub(super) fn knob(&mut self, name: &str, value: &str) -> Result<Turned, Fault> {
        let turned = self.system.knob(name, value)?;
        self.write(self.now(), What::Turned { knob: name.to_owned(), value: value.to_owned() }, None);
        Ok(turned)
    }

    /// Writes down that a datagram is the one that this line of the script expects.
    pub(super) fn was_expected(&mut self, heard: &Heard, line: u32) {
        if let Some(observation) = self.trace.observations.get_mut(heard.index) {
            observation.line = Some(line);
        }
    }

    /// Everything, in the order of its times.
    pub(super) fn into_trace(mut self) -> Trace {
        self.trace.ended = self.now();
        self.trace.observations.sort_by_key(|observation| observation.at);
        self.trace
    }

    /// Waits until something happens, or until the deadline.
    fn notice(&mut self, deadline: Duration) -> Result<Wake, Fault> {
        if self.trace.observations.len() > MOST_OBSERVATIONS {
            let error = io::Error::other(format!("the system did more than {MOST_OBSERVATIONS} things"));
            return Err(Fault::Harness { doing: "write down what the system does", error });
        }
        let wake = self.system.run_until(deadline)?;
        match wake {
            Wake::Deadline => {}
            Wake::Datagram => {
                if let Some(datagram) = self.system.recv()? {
                    self.unanswered = self.unanswered.filter(|asked| *asked > datagram.at);
                    let index = self.write(datagram.at, What::Sent(datagram.bytes.clone()), None);
                    self.heard.push_back(Heard { at: datagram.at, bytes: datagram.bytes, index });
                }
            }
            Wake::Returned(pending) => {
                let id = self.blocked.remove(&pending);
                if let (Some(id), Some(returned)) = (id, self.system.result(pending)) {
                    self.note_return(id, returned);
                }
            }
        }
        Ok(wake)
    }

    fn note_return(&mut self, id: u32, returned: Returned) {
        self.write(returned.at, What::Returned { id, ret: returned.ret.clone() }, None);
        self.returned.insert(id, returned);
    }

    /// Writes something down. Returns its place.
    fn write(&mut self, at: Duration, what: What, line: Option<u32>) -> usize {
        self.trace.observations.push(Observation { at, what, line });
        self.trace.observations.len() - 1
    }
}
