//! Commands and code: knobs, and questions about states.

use std::fmt;
use std::time::Duration;

use super::Stop;
use super::player::{Player, differs, line};
use crate::script::{Builtin, Event, Program, state_number};
use crate::system::{Fault, FourTuple, State, Unsupported};

/// How often a state is asked for again while it is not the expected one, within the system's slack.
const ASK_AGAIN: Duration = Duration::from_millis(1);

impl Player<'_> {
    pub(super) fn command(&mut self, builtin: &Builtin, event: &Event) -> Result<(), Stop> {
        match builtin {
            Builtin::Set(knob) => Ok(self.observer.knob(&knob.name, &knob.value)?),
            Builtin::Probe(probe) => self.ask(event, |states| {
                probe.count.allows(states.all.iter().filter(|state| probe.states.include(**state)).count())
            }),
            Builtin::Defaults | Builtin::Restore => Ok(()),
            Builtin::Drop(_) | Builtin::DropConnection { .. } | Builtin::Sleep(_) | Builtin::Shell(_) => {
                Err(Fault::Unsupported(Unsupported::Call { what: "commands besides knobs and questions" }).into())
            }
        }
    }

    pub(super) fn assert(&mut self, program: &Program, event: &Event) -> Result<(), Stop> {
        if program.names().iter().any(|name| *name != "tcpi_state") {
            return Err(Fault::Unsupported(Unsupported::Call { what: "TCP_INFO besides tcpi_state" }).into());
        }
        let holds = |states: &States| program.run(&|_| Some(state_number(states.newest))).is_ok();
        self.ask(event, holds)
    }

    /// Asks for the states, again and again for as long as the system may be slow, until they are as the script says.
    fn ask(&mut self, event: &Event, hold: impl Fn(&States) -> bool) -> Result<(), Stop> {
        let patience = self.observer.now() + self.observer.timing().slack;
        loop {
            let states = self.states()?;
            let (holds, now) = (hold(&states), self.observer.now());
            if holds || now >= patience {
                for (connection, state) in &states.connections {
                    self.observer.note_state(*connection, *state, Some(line(event)));
                }
                let seen = if holds { Ok(()) } else { Err(differs(event, states.to_string())) };
                return seen;
            }
            self.observer.wait_until(now + ASK_AGAIN)?;
        }
    }

    fn states(&mut self) -> Result<States, Fault> {
        let mut connections = Vec::new();
        for connection in self.conversation.connections().to_vec() {
            connections.push((connection, self.observer.peek(connection)?));
        }
        // One listener, however many connections it would take a segment of.
        let listener = Some(self.observer.peek(self.conversation.stranger())?).filter(|state| *state == State::Listen);
        let live = connections.iter().map(|(_, state)| *state).filter(|state| *state != State::Listen);
        let newest = self.observer.peek(self.conversation.connection())?;
        Ok(States { all: live.chain(listener).collect(), newest, connections })
    }
}

/// The states of all connections of a script.
struct States {
    connections: Vec<(FourTuple, State)>,
    /// Their states, CLOSED where there is none any more, and that of the listener.
    all: Vec<State>,
    /// The state of the connection that is talked about.
    newest: State,
}

impl fmt::Display for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.all.iter().map(|state| state.name()).collect();
        f.write_str(&if names.is_empty() { State::Closed.name().to_owned() } else { names.join(" and ") })
    }
}
