//! The user: the calls of a script.

use super::Stop;
use super::calls;
use super::clock::Window;
use super::player::{Player, differs, line};
use super::rules::Normalisation;
use crate::script::{Call, Event, Operation, When};

/// A call that blocks, as the script says.
pub(super) struct Blocked {
    /// Its number in the trace.
    id: u32,
    event: Event,
    call: Call,
    operation: Operation,
    /// When it may return.
    pub(super) returns: Window,
}

impl Player<'_> {
    /// Plays the user.
    pub(super) fn call(&mut self, call: &Call, event: &Event, returns: Window) -> Result<(), Stop> {
        let Ok(operation) = call.operation() else { return Ok(()) };
        if !self.sockets.know(&operation) {
            // An accept() that blocks may be about to return the socket.
            let now = self.clock.happened();
            self.unblock(|call| call.returns.earliest <= now)?;
        }
        self.sockets.announce(&operation, &mut self.conversation);
        let made = self.observer.call(&self.sockets.call(&operation), Some(line(event)))?;
        self.clock.set(made.at);
        let blocked = Blocked { id: made.id, event: event.clone(), call: call.clone(), operation, returns };
        if let When::Blocking { .. } = event.when {
            self.blocked.push(blocked);
            return Ok(());
        }
        self.returned(&blocked)
    }

    /// Compares the calls that have returned, and waits for those that are `due`.
    pub(super) fn unblock(&mut self, due: impl Fn(&Blocked) -> bool) -> Result<(), Stop> {
        let is_due = |call: &Blocked| due(call) || self.observer.has_returned(call.id);
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.blocked).into_iter().partition(is_due);
        self.blocked = later;
        due.iter().try_for_each(|call| self.returned(call))
    }

    /// Waits for a call to return, and compares what.
    fn returned(&mut self, call: &Blocked) -> Result<(), Stop> {
        let Some(returned) = self.observer.end_of_call(call.id, call.returns.latest)? else {
            return Err(differs(&call.event, "it blocks".to_owned()));
        };
        if returned.at < call.returns.earliest {
            return Err(differs(&call.event, format!("it returns {} too early", calls::returned(&returned.ret))));
        }
        self.note_late(call.returns, returned.at);
        let wanted = &call.call.outcome.returned;
        let settled = self.sockets.settle(&call.operation, wanted, &returned.ret, &self.conversation, self.rules);
        let settled = match settled {
            Ok(settled) => settled,
            Err(_) if self.non_fatal.calls => {
                self.normalised.insert(Normalisation::NotFatal);
                return Ok(());
            }
            Err(seen) => return Err(differs(&call.event, seen)),
        };
        self.normalised.extend(settled.normalised);
        if let Some(further) = settled.further {
            self.observer.call(&further, Some(line(&call.event)))?;
        }
        Ok(())
    }
}
