//! A script that is played only as far as it goes: what the system does then is not compared with anything, but watched.

use std::time::Duration;

use super::expect::is_again;
use super::player::Player;
use super::{Difference, End, Rules, Stop, wire};
use crate::script::{Event, Fd, Flags, Operation, Packet, Script, SeqNumber, Wanted};
use crate::system::{self, Errno, Output, SocketOption, State, System};
use crate::trace::Trace;

/// What is due by a moment is late only after it.
const AFTER: Duration = Duration::from_millis(1);

/// The way to an experiment is to be as it is written.
static STRICT: Rules = Rules::STRICT;

/// A run whose end is open.
pub struct Experiment<'a> {
    player: Player<'a>,
}

/// A segment that was not expected, because nothing was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How long after the last event it was on the wire.
    pub after: Duration,
    /// As a script would write it.
    pub packet: Packet,
    /// Whether it only repeats text, a SYN or a FIN that was there before.
    pub again: bool,
}

impl<'a> Experiment<'a> {
    /// Begins, with the settings of this script, on a system that is fresh.
    pub fn new(settings: &Script, system: &'a mut dyn System) -> Self {
        Self { player: Player::new(settings, system, &STRICT) }
    }

    /// Plays these events.
    ///
    /// # Errors
    ///
    /// Where they end the run.
    pub fn play(&mut self, events: &[Event]) -> Result<(), End> {
        events.iter().try_for_each(|event| self.player.event(event)).map_err(End::from)
    }

    /// The window that the system advertised last, as it is in the header.
    pub fn window(&self) -> Option<u16> {
        self.player.heard.last().map(|segment| segment.window)
    }

    /// Watches for so long. What is seen is in order.
    ///
    /// # Errors
    ///
    /// If the harness fails, or the system sends what is no segment.
    pub fn watch(&mut self, time: Duration) -> Result<Vec<Seen>, End> {
        let until = self.player.observer.now() + time;
        let mut seen = Vec::new();
        while let Some(segment) = self.next(until)? {
            seen.push(segment);
        }
        Ok(seen)
    }

    /// Watches until there is an answer, or until it is certain that there is none: an acknowledgment may be late. What
    /// only repeats an earlier segment answers nothing.
    ///
    /// # Errors
    ///
    /// As [`Experiment::watch`].
    pub fn watch_for_answer(&mut self) -> Result<Vec<Seen>, End> {
        let timing = self.player.observer.timing();
        let until = self.player.observer.now() + *timing.window(timing.delayed_ack).end() + AFTER;
        let mut seen: Vec<Seen> = Vec::new();
        while seen.last().is_none_or(|seen| seen.again) {
            match self.next(until)? {
                Some(segment) => seen.push(segment),
                None => break,
            }
        }
        Ok(seen)
    }

    /// The state of the connection that is talked about. It is written down.
    ///
    /// # Errors
    ///
    /// If the harness fails.
    pub fn state(&mut self) -> Result<State, End> {
        let connection = self.player.conversation.connection();
        let state = self.player.observer.peek(connection).map_err(Stop::from)?;
        self.player.observer.note_state(connection, state, None);
        Ok(state)
    }

    /// The error that ended the connection of a socket, if one did. It is cleared.
    ///
    /// # Errors
    ///
    /// If the harness fails, or the system has no such option.
    pub fn error(&mut self, fd: Fd) -> Result<Option<Errno>, End> {
        let option = Operation::GetOption { fd, option: SocketOption::Error, value: Wanted::Any };
        let call = self.player.sockets.call(&option);
        let made = self.player.observer.call(&call, None).map_err(Stop::from)?;
        let returned = self.player.observer.end_of_call(made.id, made.at).map_err(Stop::from)?;
        match returned.and_then(|returned| returned.ret.ok()).map(|success| success.output) {
            Some(Output::Option(system::OptionValue::Int(0))) | None => Ok(None),
            Some(Output::Option(system::OptionValue::Int(number))) => Ok(Some(Errno(number))),
            Some(_) => Ok(None),
        }
    }

    /// Everything that was done and seen.
    pub fn into_trace(self) -> Trace {
        self.player.finish(End::Completed).trace
    }

    fn next(&mut self, until: Duration) -> Result<Option<Seen>, End> {
        let player = &mut self.player;
        let Some(heard) = player.observer.next_datagram(until).map_err(Stop::from)? else { return Ok(None) };
        let segment = wire::read(&heard.bytes).map_err(|unreadable| {
            let expected = "a segment".to_owned();
            End::Differs(Difference { line: 0, expected, seen: unreadable.to_string() })
        })?;
        player.conversation.learn(&segment, None);
        let again = player.heard.iter().any(|before| is_again(before, &segment));
        let mut packet = player.conversation.packet(&segment);
        if segment.seq == 0 && segment.flags.contains(Flags::RST) {
            // RFC 9293 §3.5.2: "the sequence number of the reset is zero", which counts from nothing.
            packet.sequence.start = Some(SeqNumber { value: 0, absolute: true });
        }
        player.heard.push(segment);
        let after = heard.at.saturating_sub(player.clock.happened());
        Ok(Some(Seen { after, packet, again }))
    }
}
