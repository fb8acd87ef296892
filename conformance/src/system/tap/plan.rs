//! Which scripts a service can play the user of, and how they are played then.
//!
//! Nobody makes socket calls for us on the other side. There are two services: *discard* accepts, reads all it gets, and
//! closes when its peer has; *echo* also writes all that it reads. A script whose user does no more than that can be run:
//!
//! * What the service does by itself it does at once, so that a `close` is taken to follow the peer's FIN, and a `write`
//!   of as much as the peer has sent to follow that, whatever the script waits for in between.
//! * What only the user could tell is not asked for: states, errors, options. The delays before are kept.
//! * Everything else is no service's: the script is skipped, with the reason.

use std::time::Duration;

use crate::script::{
    Action, Base, Builtin, Call, Command, Direction, Errno, Event, Expression, Flags, Packet, Returned, Script, When,
};
use crate::system::{ETHERNET_MTU, Unsupported};

/// A script as it is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is left of it, in the order in which it happens.
    pub script: Script,
    /// Whether something is not asked for.
    pub is_less: bool,
    /// Who plays the user.
    pub(super) service: Service,
}

/// Who plays the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Nobody listens.
    Nobody,
    Echo,
    Discard,
}

/// Plans a script.
///
/// # Errors
///
/// [`Unsupported`] says what in it no service does.
pub fn plan(script: &Script) -> Result<Plan, Unsupported> {
    let mut planner = Planner::default();
    if script.mtu() != ETHERNET_MTU {
        return Err(no("way to change the MTU of the link"));
    }
    script.events.iter().try_for_each(|event| planner.event(event))?;
    planner.finish(script)
}

#[derive(Default)]
struct Planner {
    events: Vec<Event>,
    is_less: bool,
    /// How much time has to pass for what is left out.
    pause: Duration,
    listens: bool,
    echoes: bool,
    /// The sockets that were accepted.
    accepted: Vec<i64>,
    /// The number after the last that the peer sent in order.
    next: Option<u32>,
    /// Whether it has sent other text besides: then nobody knows here when something is read.
    in_disorder: bool,
    /// How many octets it sent in order, and how many the user wrote.
    received: usize,
    written: usize,
    /// Where in the events things go that the service does at once: behind what the peer sent last.
    at_once: usize,
    peer_closed: bool,
    was_reset: bool,
    closed: bool,
}

impl Planner {
    fn event(&mut self, event: &Event) -> Result<(), Unsupported> {
        match &event.action {
            Action::Packet(packet) => self.packet(packet, event),
            Action::Icmp(_) => Err(no("ICMP")),
            Action::Raw(_) => Err(no("raw packets")),
            Action::Command(command) => self.command(command, event),
            Action::Code(_) => {
                self.leave_out(event);
                Ok(())
            }
            Action::Call(call) => self.call(call, event),
        }
    }

    fn packet(&mut self, packet: &Packet, event: &Event) -> Result<(), Unsupported> {
        match packet.direction {
            Direction::Expected if packet.window.is_some() => return Err(no("say in when its user reads")),
            Direction::Expected => self.keep(event),
            Direction::Injected => {
                self.settle()?;
                self.follow(packet)?;
                self.keep(event);
                self.at_once = self.events.len();
            }
        }
        Ok(())
    }

    /// Follows what the peer sends in order.
    fn follow(&mut self, packet: &Packet) -> Result<(), Unsupported> {
        let Some(start) = packet.sequence.start.filter(|number| !number.absolute).map(|number| number.value) else {
            return Err(no("way to follow these sequence numbers"));
        };
        let length = u32::from(packet.sequence.length.unwrap_or_default());
        self.was_reset |= packet.flags.contains(Flags::RST);
        if packet.flags.contains(Flags::SYN) {
            if packet.flags.contains(Flags::FIN) && self.listens {
                return Err(no("way to tell when it hears a FIN that comes with a SYN"));
            }
            // Some take text that comes with it, some do not.
            self.in_disorder |= length > 0;
            self.next = self.next.or(Some(start.wrapping_add(1)));
            return Ok(());
        }
        let in_order = self.next == Some(start) && packet.flags.contains(Flags::ACK);
        if in_order {
            self.next = Some(start.wrapping_add(length));
            self.received += usize::from(packet.sequence.length.unwrap_or_default());
        } else if length > 0 {
            self.in_disorder = true;
        }
        if packet.flags.contains(Flags::FIN) && self.listens {
            if !in_order || self.in_disorder {
                return Err(no("way to tell when it hears a FIN that comes out of order"));
            }
            self.peer_closed = true;
        }
        Ok(())
    }

    /// What the service has to do before anything else happens.
    fn settle(&self) -> Result<(), Unsupported> {
        if self.peer_closed && !self.closed {
            return Err(no("user who lets a connection be when its peer has closed"));
        }
        if self.echoes && (self.in_disorder || self.written != self.received) {
            return Err(no("user who writes something else than he reads"));
        }
        Ok(())
    }

    fn command(&mut self, command: &Command, event: &Event) -> Result<(), Unsupported> {
        let builtins = command.builtins().unwrap_or_default();
        if builtins.iter().all(|builtin| matches!(builtin, Builtin::Probe(_))) {
            self.leave_out(event);
        } else {
            self.keep(event);
        }
        Ok(())
    }

    fn call(&mut self, call: &Call, event: &Event) -> Result<(), Unsupported> {
        let fd = call.arguments.first().and_then(integer);
        match call.name.as_str() {
            "socket" | "bind" | "fcntl" | "setsockopt" => self.keep(event),
            "listen" => {
                self.listens = true;
                self.keep(event);
            }
            "accept" => {
                if let Returned::Value(number @ 0..) = call.outcome.returned {
                    self.accepted.push(number);
                }
                self.keep(event);
            }
            "read" | "recv" if is_readable(&call.outcome.returned) && !self.was_reset => self.keep(event),
            "read" | "recv" | "getsockopt" => self.leave_out(event),
            "write" | "send" => {
                self.echoes = true;
                let Returned::Value(length @ 1..) = call.outcome.returned else { return Err(no("write that fails")) };
                self.written += usize::try_from(length).unwrap_or(usize::MAX);
                if self.written > self.received {
                    return Err(no("user who writes something else than he reads"));
                }
                self.hoist(event);
            }
            "close" if self.peer_closed && !self.closed && fd.is_some_and(|fd| self.accepted.contains(&fd)) => {
                self.closed = true;
                self.hoist(event);
            }
            "close" => return Err(no("user who closes before his peer does")),
            "connect" => return Err(no("user who connects")),
            "shutdown" => return Err(no("user who shuts down one direction")),
            _ => return Err(no("user who makes such calls")),
        }
        Ok(())
    }

    fn keep(&mut self, event: &Event) {
        let pause = std::mem::take(&mut self.pause);
        self.events.push(Event { when: later(event.when, pause), ..event.clone() });
    }

    /// The time until the event passes all the same.
    fn leave_out(&mut self, event: &Event) {
        self.is_less = true;
        self.pause += delay(event.when);
    }

    /// Puts the event where the service does it: at once.
    fn hoist(&mut self, event: &Event) {
        let when = When::At { base: Base::Previous, time: Duration::ZERO };
        self.events.insert(self.at_once, Event { when, ..event.clone() });
        self.at_once += 1;
    }

    fn finish(self, script: &Script) -> Result<Plan, Unsupported> {
        self.settle()?;
        if !self.events.iter().any(|event| matches!(event.action, Action::Packet(_))) {
            return Err(no("say in a script without packets"));
        }
        let service = match (self.listens, self.echoes) {
            (false, _) => Service::Nobody,
            (true, true) => Service::Echo,
            (true, false) => Service::Discard,
        };
        let script = Script { events: self.events, ..script.clone() };
        Ok(Plan { script, is_less: self.is_less, service })
    }
}

/// Whether this is what a service reads, or that there is nothing to read.
fn is_readable(returned: &Returned) -> bool {
    match returned {
        Returned::Value(value) => *value >= 0,
        Returned::Error(Errno(name)) => name == "EAGAIN",
        Returned::Any => false,
    }
}

fn integer(expression: &Expression) -> Option<i64> {
    if let Expression::Integer(value) = expression { Some(*value) } else { None }
}

/// How long after the event before it an event happens.
fn delay(when: When) -> Duration {
    match when {
        When::At { base: Base::Previous, time } => time,
        When::Between { base: Base::Previous, from, .. } | When::Blocking { base: Base::Previous, from, .. } => from,
        // What counts from the start needs no delay to be kept.
        When::Any
        | When::At { base: Base::Start, .. }
        | When::Between { base: Base::Start, .. }
        | When::Blocking { base: Base::Start, .. } => Duration::ZERO,
    }
}

/// The same so much later.
fn later(when: When, pause: Duration) -> When {
    let base = Base::Previous;
    match when {
        When::At { base: Base::Previous, time } => When::At { base, time: time + pause },
        When::Between { base: Base::Previous, from, until } => {
            When::Between { base, from: from + pause, until: until + pause }
        }
        When::Blocking { base: Base::Previous, from, until } => {
            When::Blocking { base, from: from + pause, until: until + pause }
        }
        When::Any
        | When::At { base: Base::Start, .. }
        | When::Between { base: Base::Start, .. }
        | When::Blocking { base: Base::Start, .. } => when,
    }
}

/// What a service has not.
fn no(what: &'static str) -> Unsupported {
    Unsupported::Call { what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse;
    use crate::system::promises::PASSIVE;

    fn planned(text: &str) -> Result<Plan, String> {
        plan(&parse("test", &format!("{PASSIVE}\n{text}")).expect("a script")).map_err(|error| error.to_string())
    }

    /// What is played after the connection is there.
    fn played(text: &str) -> String {
        let Plan { script, .. } = planned(text).expect("a service does no more");
        let events: Vec<String> = script.events.iter().skip(7).map(ToString::to_string).collect();
        events.join("\n")
    }

    #[test]
    fn a_service_closes_at_once() {
        let text = "+0.1 < F. 1:1(0) ack 1 win 65535
            +0~+0.5 > . 1:1(0) ack 2
            +0 `ss -tan | grep CLOSE-WAIT`
            +0.2 close(4) = 0
            +0 > F. 1:1(0) ack 2";
        insta::assert_snapshot!(played(text), @r"
        +0.1 < F. 1:1(0) ack 1 win 65535
        +0 close(4) = 0
        +0~+0.5 > . 1:1(0) ack 2
        +0 > F. 1:1(0) ack 2
        ");
        assert!(planned(text).is_ok_and(|plan| plan.is_less && plan.service == Service::Discard));
    }

    #[test]
    fn a_service_echoes_at_once() {
        let text = "+0.1 < P. 1:11(10) ack 1 win 65535
            +0~+0.5 > . 1:1(0) ack 11
            +0 read(4, ..., 100) = 10
            +0 write(4, ..., 10) = 10
            +0 > P. 1:11(10) ack 11
            +0 %{ assert tcpi_state == TCP_ESTABLISHED }%
            +0.1 < . 11:11(0) ack 11 win 65535";
        insta::assert_snapshot!(played(text), @r"
        +0.1 < P. 1:11(10) ack 1 win 65535
        +0 write(4, ..., 10) = 10
        +0~+0.5 > . 1:1(0) ack 11
        +0 read(4, ..., 100) = 10
        +0 > P. 1:11(10) ack 11
        +0.1 < . 11:11(0) ack 11 win 65535
        ");
        assert!(planned(text).is_ok_and(|plan| plan.is_less && plan.service == Service::Echo));
    }

    #[test]
    fn what_no_service_does_is_told() {
        let fin = "+0 < F. 1:1(0) ack 1 win 65535";
        for (text, reason) in [
            ("+0 close(4) = 0", "user who closes before his peer does"),
            ("+0 write(4, ..., 10) = 10", "user who writes something else than he reads"),
            ("+0 shutdown(4, SHUT_WR) = 0", "user who shuts down one direction"),
            (fin, "user who lets a connection be when its peer has closed"),
            (&format!("{fin}\n{fin}"), "user who lets a connection be when its peer has closed"),
            ("+0 < F. 2:2(0) ack 1 win 65535", "way to tell when it hears a FIN that comes out of order"),
            ("+0 < SF 0:0(0) win 65535", "way to tell when it hears a FIN that comes with a SYN"),
            ("+0 > . 1:1(0) ack 1 win 1000", "say in when its user reads"),
        ] {
            assert_eq!(planned(text), Err(format!("this system has no {reason}")), "{text}");
        }
        let nobody = parse("test", "+0 < R 1:1(0) win 0").expect("a script");
        assert!(plan(&nobody).is_ok_and(|plan| plan.service == Service::Nobody && !plan.is_less));
    }
}
