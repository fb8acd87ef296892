//! Questions about states, and about what else a system tells of its connections.

use std::fmt;
use std::time::Duration;

use super::Stop;
use super::player::{Player, differs, line};
use crate::script::{Event, Failure, Probe, Program};
use crate::system::info::state_number;
use crate::system::{Fault, FourTuple, State, TcpInfo};

/// How often a question is asked again while the answer is not the expected one, within the system's slack.
const ASK_AGAIN: Duration = Duration::from_millis(1);

impl Player<'_> {
    /// Counts the connections in some states.
    pub(super) fn probe(&mut self, probe: &Probe, event: &Event) -> Result<(), Stop> {
        self.ask(event, |player| {
            let states = player.states()?;
            let holds = probe.count.allows(states.all.iter().filter(|state| probe.states.include(**state)).count());
            let answer = if holds { Ok(()) } else { Err(states.to_string()) };
            Ok((states, answer))
        })
    }

    /// Checks what a block of code asserts of the script's newest connection.
    pub(super) fn assert(&mut self, program: &Program, event: &Event) -> Result<(), Stop> {
        // The state is known even of a connection that no socket belongs to any more.
        let asks_for_more = program.names().iter().any(|name| *name != "tcpi_state");
        let socket = self.sockets.newest().filter(|_| asks_for_more);
        if asks_for_more && socket.is_none() {
            return Err(differs(event, "there is no connection that could be asked".to_owned()));
        }
        self.ask(event, |player| {
            let states = player.states()?;
            let info = socket.map(|fd| player.observer.info(fd)).transpose()?.unwrap_or_default();
            let answer = match program.run(&|name| look_up(name, &states, &info)) {
                Ok(_) => Ok(()),
                Err(Failure::Unknown(name)) => return Err(Stop::Skip(format!("this system does not tell {name}"))),
                Err(failure @ (Failure::False { .. } | Failure::Arithmetic { .. })) => Err(failure.to_string()),
            };
            Ok((states, answer))
        })
    }

    /// Asks a question, again and again for as long as the system may be slow, until the answer is as the script says.
    fn ask(
        &mut self,
        event: &Event,
        question: impl Fn(&mut Self) -> Result<(States, Result<(), String>), Stop>,
    ) -> Result<(), Stop> {
        let patience = self.observer.now() + self.observer.timing().slack;
        loop {
            let (states, answer) = question(self)?;
            let now = self.observer.now();
            if answer.is_ok() || now >= patience {
                for (connection, state) in &states.connections {
                    self.observer.note_state(*connection, *state, Some(line(event)));
                }
                return answer.map_err(|seen| differs(event, seen));
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

/// What a name in a block of code means.
fn look_up(name: &str, states: &States, info: &TcpInfo) -> Option<i64> {
    match name.strip_prefix("tcpi_")? {
        "state" => Some(state_number(states.newest)),
        field => info.get(field),
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
