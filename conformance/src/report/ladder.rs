//! An exchange drawn as the RFC draws it: the system on the left, its peer on the right, time downwards.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use lockstep_model::{Seq, SeqNum};
use serde::{Deserialize, Serialize};

use crate::oracle::Reasons;
use crate::run::wire::icmp::{self, Message};
use crate::run::wire::{self, Unreadable};
use crate::run::{PEER_INITIAL, returned};
use crate::script::Flags;
use crate::system::{Call, Ret};
use crate::trace::{Observation, Trace, What};

/// How wide the column of the system is.
const WIDTH: usize = 34;

/// One rung: a thing that was done or seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The line of the script that asked for it, if one did.
    pub line: Option<u32>,
    /// When, since the scenario began.
    pub microseconds: u64,
    /// Where.
    pub side: Side,
    /// What it was.
    pub words: String,
    /// The rules of the table that it fired, by name, as far as the oracle can tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

/// On which side of the wire something happens, or in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// In the system: a call of its user, or the state it says it is in.
    System,
    /// The system sent it.
    Sent,
    /// Its peer sent it.
    Injected,
}

impl Row {
    /// When, in seconds.
    pub fn time(&self) -> String {
        format!("{}.{:06}", self.microseconds / 1_000_000, self.microseconds % 1_000_000)
    }
}

/// The line of the script, the time in seconds, and what it was on its side.
impl Display for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let line = self.line.map_or_else(String::new, |line| line.to_string());
        write!(f, "{line:>4} {:>11}  ", self.time())?;
        match self.side {
            Side::System => write!(f, "{}", self.words),
            Side::Sent => write!(f, "{:<WIDTH$} --> {}", "", self.words),
            Side::Injected => write!(f, "{:<WIDTH$} <-- {}", "", self.words),
        }
    }
}

/// A rung for each thing that was done or seen. The numbers of segments count from the initial sequence numbers.
pub fn draw(trace: &Trace, reasons: &Reasons) -> Vec<Row> {
    let mut numbers = Numbers::default();
    let returns: BTreeMap<u32, (Duration, &Ret)> = trace
        .observations
        .iter()
        .filter_map(|seen| match &seen.what {
            What::Returned { id, ret } => Some((*id, (seen.at, ret))),
            What::Injected(_)
            | What::Sent(_)
            | What::Called { .. }
            | What::Probed { .. }
            | What::Dropped(_)
            | What::Turned { .. } => None,
        })
        .collect();
    let rules = |index| reasons.get(&index).into_iter().flatten().map(ToString::to_string).collect();
    let rows = trace.observations.iter().enumerate();
    rows.filter_map(|(index, seen)| Some(Row { rules: rules(index), ..row(seen, &returns, &mut numbers)? })).collect()
}

fn row(seen: &Observation, returns: &BTreeMap<u32, (Duration, &Ret)>, numbers: &mut Numbers) -> Option<Row> {
    let (side, words) = match &seen.what {
        What::Called { id, call } => (Side::System, called(call, returns.get(id), seen.at)),
        // Told where the call was made; and what holds from the beginning is no part of the exchange.
        What::Returned { .. } | What::Turned { .. } => return None,
        What::Probed { connection, state } => (Side::System, format!("{state} ({})", connection.local.port())),
        What::Dropped(connection) => (Side::System, format!("dropped ({})", connection.local.port())),
        What::Injected(datagram) => (Side::Injected, numbers.injected(datagram)),
        What::Sent(datagram) => (Side::Sent, numbers.sent(datagram)),
    };
    let microseconds = u64::try_from(seen.at.as_micros()).unwrap_or(u64::MAX);
    Some(Row { line: seen.line, microseconds, side, words, rules: Vec::new() })
}

/// What the numbers of the system count from, as far as it has shown it.
#[derive(Default)]
struct Numbers {
    system: u32,
}

impl Numbers {
    fn sent(&mut self, datagram: &[u8]) -> String {
        match wire::read(datagram) {
            Ok(segment) => {
                if segment.flags.contains(Flags::SYN) {
                    self.system = segment.seq;
                }
                notation(&segment, self.system, PEER_INITIAL)
            }
            Err(unreadable) => message(icmp::read(datagram), PEER_INITIAL, &unreadable),
        }
    }

    fn injected(&self, datagram: &[u8]) -> String {
        match wire::read_injected(datagram) {
            Ok(segment) => notation(&segment, PEER_INITIAL, self.system),
            Err(unreadable) => message(icmp::read_injected(datagram), self.system, &unreadable),
        }
    }
}

/// `<ICMP TYPE=3 CODE=4 MTU=1000><SEQ=1>`: the number is that of the segment it is about, whose sender counts from
/// `initial`.
fn message(message: Result<Message, Unreadable>, initial: u32, otherwise: &Unreadable) -> String {
    let Ok(message) = message else { return otherwise.to_string() };
    let mtu = message.mtu().map(|mtu| format!(" MTU={mtu}")).unwrap_or_default();
    let quoted = message.quoted().map(|quoted| Seq::new(quoted.seq).forward_from(Seq::new(initial)));
    let quoted = quoted.map(|number| format!("<SEQ={number}>")).unwrap_or_default();
    format!("<ICMP TYPE={} CODE={}{mtu}>{quoted}", message.kind, message.code)
}

/// `<SEQ=0><ACK=1><CTL=SYN,ACK>`
fn notation(segment: &wire::Segment, sender: u32, receiver: u32) -> String {
    let relative = |number: u32, initial: u32| Seq::new(number).forward_from(Seq::new(initial)).to_string();
    let names = [
        (Flags::SYN, "SYN"),
        (Flags::FIN, "FIN"),
        (Flags::RST, "RST"),
        (Flags::PSH, "PSH"),
        (Flags::ACK, "ACK"),
        (Flags::URG, "URG"),
        (Flags::ECE, "ECE"),
        (Flags::CWR, "CWR"),
        (Flags::AE, "AE"),
    ];
    let set = names.iter().filter(|(flag, _)| segment.flags.contains(*flag));
    let flags: Vec<&str> = set.map(|(_, name)| *name).collect();
    // A reset that follows no number of its sender's has 0 (RFC 9293 §3.5.2), which counts from nothing.
    let is_absolute = segment.flags.contains(Flags::RST) && segment.seq == 0;
    let mut words = format!("<SEQ={}>", if is_absolute { "!0".to_owned() } else { relative(segment.seq, sender) });
    if segment.flags.contains(Flags::ACK) {
        words += &format!("<ACK={}>", relative(segment.ack, receiver));
    }
    words += &format!("<CTL={}>", flags.join(","));
    if !segment.text.is_empty() {
        words += &format!("<DATA={}>", segment.text.len());
    }
    words
}

/// A call, and what it returned, later if so.
fn called(call: &Call, returned_later: Option<&(Duration, &Ret)>, at: Duration) -> String {
    let name = match call {
        Call::Socket => "socket".to_owned(),
        Call::Bind { fd, .. } => format!("bind({})", fd.0),
        Call::Listen { fd, backlog } => format!("listen({}, {backlog})", fd.0),
        Call::Accept { fd } => format!("accept({})", fd.0),
        Call::Connect { fd, .. } => format!("connect({})", fd.0),
        Call::Read { fd, length } => format!("read({}, {length})", fd.0),
        Call::Write { fd, data } => format!("write({}, {})", fd.0, data.len()),
        Call::Recv { fd, length, .. } => format!("recv({}, {length})", fd.0),
        Call::Send { fd, data, .. } => format!("send({}, {})", fd.0, data.len()),
        Call::SendTo { fd, data, .. } => format!("sendto({}, {})", fd.0, data.len()),
        Call::Poll { fds, .. } => {
            let fds: Vec<String> = fds.iter().map(|polled| polled.fd.0.to_string()).collect();
            format!("poll({})", fds.join(", "))
        }
        Call::Ioctl { fd, request } => format!("ioctl({}, {})", fd.0, request.name()),
        Call::Shutdown { fd, how } => format!("shutdown({}, {})", fd.0, how.name()),
        Call::Close { fd } => format!("close({})", fd.0),
        Call::Fcntl { fd, .. } => format!("fcntl({})", fd.0),
        Call::GetSockOpt { fd, option } => format!("getsockopt({}, {})", fd.0, option.name()),
        Call::SetSockOpt { fd, option, .. } => format!("setsockopt({}, {})", fd.0, option.name()),
    };
    match returned_later {
        Some((when, ret)) if when.saturating_sub(at) < Duration::from_millis(1) => {
            format!("{name} = {}", returned(ret))
        }
        Some((when, ret)) => format!("{name} = {} at {:.3}", returned(ret), when.as_secs_f64()),
        None => format!("{name} blocks"),
    }
}

#[cfg(test)]
mod tests {
    use lockstep_model::Table;

    use super::*;
    use crate::run;
    use crate::script::parse;
    use crate::system::lockstep::Lockstep;

    #[test]
    fn an_exchange_reads_as_in_the_rfc() {
        let script = "0 `sysctl -w net.ipv4.tcp_window_scaling=0 net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=0`
            +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0...0.01 connect(3, ..., ...) = 0
            +0 > S 0:0(0) <mss 1460>
            +0.01 < S. 0:0(0) ack 1 win 5 <mss 1460>
            +0 > . 1:1(0) ack 1
            +0 shutdown(3, SHUT_WR) = 0
            +0 > F. 1:1(0) ack 1
            +0 %{ assert tcpi_state == TCP_FIN_WAIT1 }%
            +0.1 < R 1:1(0) win 0
            +0 read(3, ..., 9) = -1 ECONNRESET";
        let script = parse("test", script).expect("a script");
        let mut system = Lockstep::new(1500, Table::repaired()).expect("a stack");
        let run = run::run(&script, &mut system);
        let drawn: Vec<String> = draw(&run.trace, &Reasons::new()).iter().map(Row::to_string).collect();
        insta::assert_snapshot!(drawn.join("\n"), @r"
         2    0.000000  socket = 3
         3    0.000000  connect(3) = 0 at 0.010
         4    0.000000                                     --> <SEQ=0><CTL=SYN>
         5    0.010000                                     <-- <SEQ=0><ACK=1><CTL=SYN,ACK>
         6    0.010000                                     --> <SEQ=1><ACK=1><CTL=ACK>
         7    0.010000  shutdown(3, SHUT_WR) = 0
         8    0.010000                                     --> <SEQ=1><ACK=1><CTL=FIN,ACK>
         9    0.010000  FIN-WAIT-1 (58907)
        10    0.110000                                     <-- <SEQ=1><CTL=RST>
        11    0.110000  recv(3, 9) = -1 ECONNRESET
        ");
    }

    #[test]
    fn messages_are_told_from_segments() {
        let script = "0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
            +0 connect(3, ..., ...) = -1 EINPROGRESS
            +0 > S 0:0(0) <...>
            +0 < icmp unreachable frag_needed mtu 1000 [0:0(0)]
            +0 < raw [45 00]";
        let script = parse("test", script).expect("a script");
        let mut system = Lockstep::new(1500, Table::repaired()).expect("a stack");
        let run = run::run(&script, &mut system);
        let drawn: Vec<String> = draw(&run.trace, &Reasons::new()).iter().map(Row::to_string).collect();
        assert!(drawn.iter().any(|row| row.ends_with("<-- <ICMP TYPE=3 CODE=4 MTU=1000><SEQ=0>")), "{drawn:#?}");
        assert!(drawn.iter().any(|row| row.contains("<-- a malformed IPv4 datagram")), "{drawn:#?}");
    }
}
