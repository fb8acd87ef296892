//! One cell on one system: the way, the stimulus, and then nothing but watching.

use std::time::Duration;

use lockstep_model::Seq;

use super::configuration::assertion;
use super::{Cell, Reaction};
use crate::run::{End, Experiment, Seen};
use crate::script::{self, Packet, Script, TcpOptions};
use crate::system::{State, System};
use crate::trace::Trace;

/// A reaction within this time is one at once. The kernel answers most segments while it is given them, but an ACK of a
/// FIN at its next tick, and a bad ACK in SYN-SENT with another SYN two ticks later: 12 ms were measured. The shortest
/// delay of an ACK is 40 ms there.
const AT_ONCE: Duration = Duration::from_millis(30);

/// What became of a cell on a system.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The cell as a script: what was done, and as far as it went, what was seen.
    pub text: String,
    /// Everything that was done and seen.
    pub trace: Trace,
    /// How the system reacted; how the run ended if it did not come so far.
    pub reaction: Result<Reaction, End>,
}

impl Trial {
    /// Runs a cell on a system that is fresh.
    pub fn on(system: &mut dyn System, cell: Cell) -> Self {
        let mut lines = cell.configuration.lines();
        // Every event bears the line that it has in the whole script.
        let way = match parse(cell, &[vec![String::new(); HEAD], lines.clone()].concat()) {
            Ok(way) => way,
            Err(end) => return Self { text: lines.join("\n"), trace: Trace::default(), reaction: Err(end) },
        };
        let mut experiment = Experiment::new(&way, system);
        let reaction = provoke(&mut experiment, cell, &way, &mut lines);
        let text = lines.iter().map(|line| format!("{line}\n")).collect();
        Self { text, trace: experiment.into_trace(), reaction }
    }
}

fn parse(cell: Cell, lines: &[String]) -> Result<Script, End> {
    script::parse(&cell.to_string(), &lines.join("\n")).map_err(|error| End::Broken(error.to_string()))
}

/// Plays the way, then the stimulus, and watches. What is played and seen is added to the lines.
fn provoke(
    experiment: &mut Experiment<'_>,
    cell: Cell,
    way: &Script,
    lines: &mut Vec<String>,
) -> Result<Reaction, End> {
    experiment.play(&way.events)?;
    // A system that has said nothing yet has no window, and the stimulus is placed as if it had this one.
    let window = experiment.window().unwrap_or(u16::MAX);
    let here = cell.configuration.here(way, window);
    lines.splice(0..0, head(cell, here.rcv_nxt, window));
    lines.push(cell.stimulus.line(here));
    let whole = parse(cell, lines)?;
    experiment.play(whole.events.get(way.events.len()..).unwrap_or_default())?;

    let mut seen = experiment.watch(AT_ONCE)?;
    let state = gone_or(experiment.state()?, cell);
    let error = match cell.configuration.socket() {
        Some(fd) => experiment.error(fd)?,
        None => None,
    };
    if seen.is_empty() {
        seen = experiment.watch_for_answer()?;
    }
    let (at_once, later) = seen.into_iter().partition(|seen| seen.after <= AT_ONCE);
    let reaction = Reaction { at_once, later, state: (state != cell.configuration.state()).then_some(state), error };
    lines.extend(told(&reaction, cell));
    Ok(reaction)
}

/// A reaction as a script expects it.
fn told(reaction: &Reaction, cell: Cell) -> Vec<String> {
    let mut lines: Vec<String> = reaction.at_once.iter().map(|seen| format!("+0 {}", expected(seen))).collect();
    lines.push(assertion(reaction.state.unwrap_or(cell.configuration.state())));
    if let Some(fd) = cell.configuration.socket() {
        let error = reaction.error.map_or_else(|| "0".to_owned(), |error| error.to_string());
        lines.push(format!("+0 getsockopt({}, SOL_SOCKET, SO_ERROR, [{error}], [4]) = 0", fd.0));
    }
    lines.extend(reaction.later.iter().map(|seen| format!("+0~+0.5 {}", expected(seen))));
    lines
}

/// A listener that remains is not what became of the connection.
fn gone_or(state: State, cell: Cell) -> State {
    if state == State::Listen && cell.configuration.state() != State::Listen { State::Closed } else { state }
}

/// How many lines a script says of itself before it begins.
const HEAD: usize = 4;

/// What it says.
fn head(cell: Cell, rcv_nxt: Seq, window: u16) -> [String; HEAD] {
    [
        format!("// {}: {}", cell.configuration, cell.stimulus),
        "//".to_owned(),
        format!("// R is {rcv_nxt}, W is {window}."),
        String::new(),
    ]
}

/// How a script expects what was seen: options and the window are the system's own affair.
fn expected(seen: &Seen) -> Packet {
    let options = match &seen.packet.options {
        TcpOptions::Exactly(options) if options.is_empty() => seen.packet.options.clone(),
        TcpOptions::Exactly(_) | TcpOptions::Any => TcpOptions::Any,
    };
    Packet { window: None, options, ..seen.packet.clone() }
}
