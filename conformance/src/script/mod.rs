//! The packetdrill language: scripts as text, as a syntax tree, and as text again.
//!
//! [`parse`] turns a file into a [`Script`]; `Script`'s `Display` prints it back, and parsing that gives the same tree.
//! Nothing here runs anything. Whoever runs a script asks three things of it: its settings ([`Script::tolerance`],
//! [`Script::mtu`]), its [`Event`]s in order, and [`Script::unsupported`], the list of everything in it that is well formed
//! but not understood here. A script with such a list is to be skipped, aloud; nothing is ever ignored silently.
//!
//! # The language
//!
//! ```text
//! // A comment; `#` and `/* */` work too. Options come first.
//! --ip_version=ipv4
//! --tolerance_usecs=50000
//!
//! 0    `sysctl -w net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=0`
//! +0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
//! +0   bind(3, ..., ...) = 0
//! +0   listen(3, 1) = 0
//! +0   < S 0:0(0) win 65535 <mss 1460>
//! +0   > S. 0:0(0) ack 1 <mss 1460>
//! +0.1 < . 1:1(0) ack 1 win 65535
//! +0   accept(3, ..., ...) = 4
//! +0   `ss -tan | grep ESTAB`
//! +0   %{ assert tcpi_state == TCP_ESTABLISHED }%
//! ```
//!
//! * **Time** ([`When`]): `0.1` since the start, `+0.1` since the previous event, `*` at any time, `+0~+0.5` within a range,
//!   `+0...0.2` for a call that blocks until then. Without a range an event happens at its time within the tolerance.
//! * **Options** ([`SettingKind`]): `--name=value`, of both dialects. Those that only tell packetdrill how to run are accepted and
//!   left alone ([`SettingKind::is_harmless`] says which, and why).
//! * **Parts**: `#ifdef NAME`, `#ifndef`, `#else`, `#endif`; names come from `-D NAME` ([`parse_with`]), `--define=NAME` and `#define`.
//! * **Packets** ([`Packet`]): `<` is injected, `>` is expected. Flags are `.FSRPEWAU` (`.` is ACK, `-` none), or a digit for the
//!   counter of AccECN. Sequence numbers count from the initial sequence number of their sender, modulo 2^32, so that
//!   `4294967295` is one before it; `!` marks absolute ones, `...(10)` is any number and ten octets, `...` any text too. An
//!   expected packet without `win` or `urg` may carry any; without `<>` it must carry **no option**, and `<...>` allows all.
//!   `[ttl 64,ect0]` after the direction is about the IP header ([`IpFields`]).
//! * **ICMP** ([`Icmp`]): `< icmp unreachable frag_needed mtu 1300 [1:1461(1460)]` quotes the segment in brackets.
//! * **System calls** ([`Call`]), with `...` where the runner fills in an address; [`Call::operation`] gives them a meaning.
//! * **Commands** ([`Command`]): settings of the kernel, state assertions (below), pauses, `tcpdrop`; [`Builtin::Shell`] is all else.
//! * **Code** ([`Code`]): `assert tcpi_snd_cwnd == 10`, what TCP_INFO says of the script's socket, in a small language of exact
//!   numbers ([`Program`]).
//!
//! # What is ours
//!
//! No dialect can write what is malformed, nor choose the numbers of the system. These lines can:
//!
//! | line | injects |
//! |---|---|
//! | `< raw [45 00 ...]` | these octets, as a whole datagram: nothing is added or put right |
//! | `< raw tcp [0000 0000 ...]` | these octets as the segment in an IPv4 datagram; ports of 0 become those of the connection, a checksum of 0 the right one |
//! | `< S 0:0(0) win 5 <raw 0200>` | a segment with these octets among its options |
//! | `< S 0:0(0) win 5 [bad checksum]` | a segment whose checksum is wrong |
//! | `< S 0:0(0) win 5 [data offset 4]` | ... whose header claims to be that many words long |
//! | `< S 0:0(0) win 5 [reserved 7]` | ... with these reserved bits |
//! | `< P. 1:11(10) ack 1 win 5 [cut 3]` | ... without its last octets |
//! | `--iss=4294967290` | nothing: the system's next active OPEN takes this initial sequence number |
//!
//! # Asserting a state
//!
//! TCP_INFO needs a socket, so it cannot see a connection in SYN-RECEIVED that nobody accepted yet, nor one in TIME-WAIT. A
//! state is therefore asserted by listing connections, in the words of a shell that packetdrill itself could run:
//!
//! | command | holds if |
//! |---|---|
//! | `` `ss -tan \| grep SYN-RECV` `` | at least one of the script's connections is in SYN-RECEIVED |
//! | `` `! ss -tan \| grep ESTAB` `` | none is ESTABLISHED |
//! | `` `ss -tan \| grep -c TIME-WAIT \| grep 1` `` | exactly one is in TIME-WAIT |
//! | `` `! ss -Htan state connected \| grep :` `` | the script has no connection left: CLOSED (a listener may remain) |
//! | `` `sockstat -46 -P tcp \| grep -c CLOSE_WAIT \| grep 1` `` | exactly one is in CLOSE-WAIT, as FreeBSD asks |
//!
//! The script's connections are those between the two addresses of its run, so the assertion concerns one connection by its
//! four-tuple wherever a script opens only one. States may be written as RFC 9293, `ss`, `sockstat` or the C headers do.

mod ast;
mod call;
mod code;
mod command;
mod conditions;
#[cfg(test)]
mod dialects;
mod error;
mod icmp;
mod lexer;
mod parser;
mod printer;
mod state;
mod value;

pub use ast::{
    Action, Base, Call, Code, Command, Direction, Ecn, Event, Expression, Field, Flags, Icmp, IcmpVersion, IpFields,
    IpVersion, Layer, NonFatal, Outcome, Packet, Ports, Raw, Returned, Script, Sequence, Setting, SettingKind, Spoil,
    TcpOption, TcpOptions, When,
};
pub use call::{CallError, Fd, Operation, Polled, Wanted};
pub use code::{CodeError, Failure, Number, Program};
pub use command::{Builtin, CommandError, Count, Knob, Probe, States};
pub use error::{ParseError, Problem, Reason, Unsupported};
pub use icmp::{IcmpError, Numbers as IcmpNumbers};
pub use parser::{parse, parse_with};
pub use state::State;
pub use value::{Errno, Percent, Position, SeqNumber, Tolerance};

/// The scripts of this package: each is named for what it shows, quotes why, and can be run as it stands.
#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::state::state_named;
    use super::*;

    const EVENTS: [&str; 13] =
        ["open", "send", "close", "abort", "syn", "syn_ack", "ack", "rst", "fin", "text", "timeout", "receive", "icmp"];

    /// Every script, by its path below `scripts/`.
    fn scripts() -> Vec<(String, String)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
        let entries = |directory: &Path| -> Vec<PathBuf> {
            fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable").path()).collect()
        };
        let files = entries(&root).into_iter().flat_map(|directory| entries(&directory));
        let named = files.map(|file| {
            let name = file.strip_prefix(&root).expect("below scripts").display().to_string();
            (name, fs::read_to_string(&file).expect("UTF-8"))
        });
        named.collect()
    }

    /// The comment at the head of a script, as one line.
    fn head(text: &str) -> String {
        let lines = text.lines().map_while(|line| line.strip_prefix("//"));
        one_line(&lines.collect::<Vec<_>>().join(" "))
    }

    /// The same words with one space between them, and none after a hyphen, where an RFC may break a line.
    fn one_line(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ").replace("- ", "-")
    }

    #[test]
    fn every_script_can_be_run() {
        let scripts = scripts();
        assert!(scripts.len() >= 50, "{} scripts", scripts.len());
        for (name, text) in &scripts {
            let script = parse(name, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(script.unsupported(), [], "{name}");
            let happens = |event: &Event| matches!(event.action, Action::Packet(_) | Action::Call(_));
            assert!(script.events.iter().any(happens), "nothing happens in {name}");
        }
    }

    #[test]
    fn every_script_is_read_again_as_it_was_printed() {
        let placeless = |mut script: Script| {
            script.settings.iter_mut().for_each(|setting| setting.at = Position::START);
            script.events.iter_mut().for_each(|event| event.at = Position::START);
            script
        };
        for (name, text) in &scripts() {
            let script = parse(name, text).unwrap_or_else(|error| panic!("{error}"));
            let again = parse(name, &script.to_string()).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(placeless(again), placeless(script), "{name}");
        }
    }

    #[test]
    fn every_script_is_named_for_its_cell() {
        for (name, text) in &scripts() {
            let (_, file) = name.split_once('/').expect("in a directory");
            let cell: Vec<&str> = file.strip_suffix(".pkt").expect("a .pkt").split('-').collect();
            let &[state, event, what] = cell.as_slice() else { panic!("{name} is not state-event-what.pkt") };
            assert!(EVENTS.contains(&event) && !what.is_empty(), "{name} names no event");
            let state = state_named(state).unwrap_or_else(|| panic!("{name} names no state"));
            assert!(text.starts_with(&format!("// {}, ", state.name())), "{name} begins with another state");
        }
    }

    #[test]
    fn every_quotation_is_in_its_rfc() {
        let Some(directory) = env::var_os("RFC_DIR").map(PathBuf::from) else {
            return eprintln!("skipped: RFC_DIR does not name a folder of RFC texts");
        };
        let rfc = one_line(&fs::read_to_string(directory.join("rfc9293.txt")).expect("rfc9293.txt"));
        for (name, text) in &scripts() {
            let head = head(text);
            let quotations: Vec<&str> = head.split("RFC 9293 §").skip(1).collect();
            // RFC 7323 is not at hand.
            assert!(!quotations.is_empty() || head.contains("RFC 7323 §"), "{name} quotes nothing");
            for quotation in quotations {
                let (section, rest) = quotation.split_once(": \"").unwrap_or_else(|| panic!("{name}: {quotation}"));
                let (words, _) = rest.rsplit_once('"').expect("a closing quote");
                assert!(rfc.contains(&format!(" {section}. ")), "{name}: there is no section {section}");
                assert!(rfc.contains(words), "{name}: RFC 9293 does not say {words:?}");
            }
        }
    }
}
