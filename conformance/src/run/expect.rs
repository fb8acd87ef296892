//! What the system sends: the packets that a script expects, and the silence after the last of them.

use std::time::Duration;

use lockstep_model::{Seq, SeqNum};

use super::clock::Window;
use super::compare::{Comparison, compare_icmp};
use super::conversation::{self, PEER_INITIAL};
use super::observer::Heard;
use super::player::{Player, differs, line};
use super::rules::Normalisation;
use super::wire::{self, Segment};
use super::{Difference, Stop};
use crate::script::{Event, Flags, Icmp, Packet, Script};

impl Player<'_> {
    /// Takes the next segment of the system, and compares it with the expected one.
    pub(super) fn expect(&mut self, packet: &Packet, event: &Event) -> Result<(), Stop> {
        let window = self.clock.window(event.when);
        // Each turn takes a datagram, of which the observer bears no more than so many.
        loop {
            let Some(heard) = self.observer.next_datagram(window.latest)? else {
                return if self.owes(packet, event, None) { Ok(()) } else { Err(self.missing(event, window.latest)) };
            };
            let segment = wire::read(&heard.bytes).map_err(|_| differs(event, self.described(&heard.bytes)))?;
            self.conversation.learn(&segment, packet.sequence.start);
            let mut comparison = self.conversation.compare(packet, &segment, self.rules);
            self.compare_times(window, heard.at, &mut comparison);
            if comparison.differences.is_empty() {
                return self.take(packet, event, heard, segment, comparison);
            }
            if self.owes(packet, event, Some(&segment)) {
                self.observer.give_back(heard);
                return Ok(());
            }
            if self.is_additional(&segment) {
                self.hear(&segment, heard.at)?;
            } else if self.non_fatal.packets {
                comparison.normalised.insert(Normalisation::NotFatal);
                return self.take(packet, event, heard, segment, comparison);
            } else {
                let (seen, how) = (self.conversation.packet(&segment), comparison.differences.join(", "));
                return Err(differs(event, format!("{seen} ({how})")));
            }
        }
    }

    /// Takes the next datagram of the system, and compares it with the expected ICMP message.
    pub(super) fn expect_icmp(&mut self, icmp: &Icmp, event: &Event) -> Result<(), Stop> {
        let window = self.clock.window(event.when);
        // Each turn takes a datagram, of which the observer bears no more than so many.
        loop {
            let Some(heard) = self.observer.next_datagram(window.latest)? else {
                return Err(self.missing(event, window.latest));
            };
            if let Ok(segment) = wire::read(&heard.bytes)
                && self.is_additional(&segment)
            {
                self.hear(&segment, heard.at)?;
                continue;
            }
            let seen = self.described(&heard.bytes);
            let message = wire::icmp::read(&heard.bytes).map_err(|_| differs(event, seen.clone()))?;
            let mut comparison = compare_icmp(icmp, &conversation::icmp(&message));
            self.compare_times(window, heard.at, &mut comparison);
            if !comparison.differences.is_empty() {
                return Err(differs(event, format!("{seen} ({})", comparison.differences.join(", "))));
            }
            self.observer.was_expected(&heard, line(event));
            self.clock.saw(event.when, heard.at);
            return Ok(());
        }
    }

    /// How a script would write what the system sent, or why it could not.
    fn described(&self, datagram: &[u8]) -> String {
        match (wire::read(datagram), wire::icmp::read(datagram)) {
            (Ok(segment), _) => self.conversation.packet(&segment).to_string(),
            (Err(_), Ok(message)) => conversation::icmp(&message).to_string(),
            (Err(unreadable), Err(_)) => unreadable.to_string(),
        }
    }

    /// Whether what is sent at this time is what was to be sent then.
    fn compare_times(&self, window: Window, at: Duration, comparison: &mut Comparison) {
        if !window.contains(at) {
            let (side, distance) = match at.checked_sub(self.clock.happened()) {
                Some(after) => ("after", after),
                None => ("before", self.clock.happened() - at),
            };
            comparison.differences.push(format!("it is sent {distance:.3?} {side} the last event"));
        } else if at > window.in_time {
            comparison.normalised.insert(Normalisation::Late);
        }
    }

    /// The segment is the expected one.
    fn take(
        &mut self,
        packet: &Packet,
        event: &Event,
        heard: Heard,
        segment: Segment,
        mut comparison: Comparison,
    ) -> Result<(), Stop> {
        self.normalised.append(&mut comparison.normalised);
        self.observer.was_expected(&heard, line(event));
        self.clock.saw(event.when, heard.at);
        self.conversation.heard(packet, &segment);
        self.edge.heard(packet, &segment, segment.ack.wrapping_sub(PEER_INITIAL));
        self.hear(&segment, heard.at)?;
        self.heard.push(segment);
        Ok(())
    }

    /// Takes account of a segment, expected or not.
    fn hear(&mut self, segment: &Segment, at: Duration) -> Result<(), Stop> {
        match self.acks.heard(segment, at) {
            Some(owed) => Err(self.missing(&owed.event, owed.until)),
            None => Ok(()),
        }
    }

    /// Whether the rules let the system owe this packet, when it is silent or sends something else first.
    fn owes(&mut self, packet: &Packet, event: &Event, instead: Option<&Segment>) -> bool {
        let Some(number) = packet.ack.map(|ack| Seq::new(ack.on_wire(PEER_INITIAL))) else { return false };
        // Whatever comes instead has to bring it.
        let brings = |segment: &Segment| segment.flags.contains(Flags::ACK) && !number.after(Seq::new(segment.ack));
        let owes = self.rules.optional_acks && self.acks.may_be_owed(packet, number) && instead.is_none_or(brings);
        if owes {
            let until = self.clock.happened() + self.observer.timing().delayed_ack;
            self.acks.owe(event, number, until);
            self.normalised.insert(Normalisation::AckDelayed);
        }
        owes
    }

    /// Whether the rules let the system send this unasked. Takes note of it.
    fn is_additional(&mut self, segment: &Segment) -> bool {
        let is_additional =
            self.rules.optional_acks && self.conversation.includes(segment) && self.acks.is_additional(segment);
        if is_additional {
            self.normalised.insert(Normalisation::AckAdded);
        }
        is_additional
    }

    /// Waits until it is certain that nothing else happens: an acknowledgment may be late, and a retransmission after
    /// the last event is no concern of the script.
    pub(super) fn end(&mut self, script: &Script) -> Result<(), Stop> {
        let Some(last) = script.events.last() else { return Ok(()) };
        let timing = self.observer.timing();
        let quiet = self.observer.now() + timing.silence;
        loop {
            let answered = self.observer.unanswered().map(|asked| asked + timing.delayed_ack);
            let owed = self.acks.owed().map(|owed| owed.until);
            let until = quiet.max(answered.unwrap_or_default()).max(owed.unwrap_or_default());
            let Some(heard) = self.observer.next_datagram(until)? else { break };
            let nothing = |seen| Difference { line: line(last), expected: "nothing more".to_owned(), seen };
            let seen = self.described(&heard.bytes);
            let segment = wire::read(&heard.bytes).map_err(|_| Stop::Differs(nothing(seen.clone())))?;
            let is_over = heard.at >= self.clock.happened();
            let is_again = is_over && self.heard.iter().any(|before| is_again(before, &segment));
            if !is_again && !self.is_additional(&segment) {
                return Err(Stop::Differs(nothing(seen)));
            }
            self.hear(&segment, heard.at)?;
        }
        self.acks.owed().map_or(Ok(()), |owed| Err(self.missing(&owed.event, owed.until)))
    }

    /// Nothing came until now that could be what this line expects.
    fn missing(&self, event: &Event, until: Duration) -> Stop {
        differs(event, format!("nothing for {:.3?}", until.saturating_sub(self.clock.happened())))
    }
}

/// Whether a segment is a retransmission of one before.
pub(super) fn is_again(before: &Segment, segment: &Segment) -> bool {
    let takes_numbers = |segment: &Segment| {
        !segment.text.is_empty() || segment.flags.contains(Flags::SYN) || segment.flags.contains(Flags::FIN)
    };
    let what = |segment: &Segment| (segment.seq, segment.flags.contains(Flags::SYN), segment.text.len());
    takes_numbers(segment) && what(before) == what(segment)
}
