//! Commands: knobs, questions about states, pauses, and what an operator does to connections.

use std::net::{SocketAddr, SocketAddrV4};

use super::Stop;
use super::player::{Player, line};
use crate::script::{Builtin, Event, Knob};
use crate::system::{FourTuple, State, Turned};

impl Player<'_> {
    pub(super) fn command(&mut self, builtin: &Builtin, event: &Event) -> Result<(), Stop> {
        match builtin {
            Builtin::Set(knob) => self.turn(knob),
            Builtin::Probe(probe) => self.probe(probe, event),
            Builtin::Drop(state) => self.drop_all(*state, event),
            Builtin::DropConnection { local, remote } => self.drop_one(*local, *remote, event),
            // The clock of the script stands still meanwhile: what comes next counts from the command, not from its end.
            Builtin::Sleep(time) => Ok(self.observer.wait_until(self.observer.now() + *time)?),
            // Every run begins with the values of a fresh system, and nothing outlives it.
            Builtin::Defaults | Builtin::Restore => Ok(()),
            Builtin::Shell(command) => Ok(self.observer.shell(command)?),
        }
    }

    /// Sets a knob; of one that the system has not only the default, which is told.
    fn turn(&mut self, Knob { name, value }: &Knob) -> Result<(), Stop> {
        match self.observer.knob(name, value)? {
            Turned::Done => {}
            Turned::AtDefault => {
                self.unknown_knobs.insert(name.clone());
            }
        }
        Ok(())
    }

    /// Drops every connection of the script that is in this state.
    fn drop_all(&mut self, state: State, event: &Event) -> Result<(), Stop> {
        for connection in self.conversation.connections().to_vec() {
            if self.observer.peek(connection)? == state {
                self.observer.drop_connection(connection, line(event))?;
            }
        }
        Ok(())
    }

    /// Drops this connection, if it is one of the script.
    fn drop_one(&mut self, local: SocketAddr, remote: SocketAddr, event: &Event) -> Result<(), Stop> {
        let connection = four_tuple(local, remote).filter(|named| self.conversation.connections().contains(named));
        let none =
            || Stop::Skip(format!("there is no connection of {local} with {remote} to drop: the runner chooses both"));
        Ok(self.observer.drop_connection(connection.ok_or_else(none)?, line(event))?)
    }
}

fn four_tuple(local: SocketAddr, remote: SocketAddr) -> Option<FourTuple> {
    Some(FourTuple { local: v4(local)?, remote: v4(remote)? })
}

fn v4(address: SocketAddr) -> Option<SocketAddrV4> {
    match address {
        SocketAddr::V4(address) => Some(address),
        SocketAddr::V6(_) => None,
    }
}
