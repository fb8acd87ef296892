//! Commands and code, on a system that has what they ask for: Lockstep, with an inside that is made up.

use std::time::Duration;

use lockstep_model::Table;

use super::TEXT;
use crate::run::{Difference, End, Rules, run, run_by};
use crate::script::parse;
use crate::system::lockstep::Lockstep;
use crate::system::{Call, CallId, Datagram, Descriptor, Fault, FourTuple, Progress, Returned, State, System};
use crate::system::{TcpInfo, Timing, Turned, Wake};

/// What was asked of it is written down.
struct Asked {
    system: Lockstep,
    timing: Timing,
    told: Vec<String>,
}

impl System for Asked {
    fn name(&self) -> &str {
        "asked"
    }

    fn timing(&self) -> Timing {
        self.timing
    }

    fn now(&self) -> Duration {
        self.system.now()
    }

    fn run_until(&mut self, deadline: Duration) -> Result<Wake, Fault> {
        self.system.run_until(deadline)
    }

    fn call(&mut self, call: &Call) -> Result<Progress, Fault> {
        self.system.call(call)
    }

    fn result(&mut self, id: CallId) -> Option<Returned> {
        self.system.result(id)
    }

    fn inject(&mut self, datagram: &[u8]) -> Result<Duration, Fault> {
        self.system.inject(datagram)
    }

    fn recv(&mut self) -> Result<Option<Datagram>, Fault> {
        self.system.recv()
    }

    fn probe(&mut self, connection: FourTuple) -> Result<State, Fault> {
        self.system.probe(connection)
    }

    fn knob(&mut self, name: &str, value: &str) -> Result<Turned, Fault> {
        self.told.push(format!("{name} {value}"));
        Ok(Turned::Done)
    }

    fn info(&mut self, fd: Descriptor) -> Result<TcpInfo, Fault> {
        let Descriptor(fd) = fd;
        self.told.push(format!("info {fd}"));
        let mut info = TcpInfo::default();
        info.set("snd_cwnd", 10_u8);
        Ok(info)
    }

    fn drop_connection(&mut self, connection: FourTuple) -> Result<(), Fault> {
        self.told.push(format!("drop {connection}"));
        Ok(())
    }

    fn shell(&mut self, command: &str) -> Result<(), Fault> {
        self.told.push(command.to_owned());
        Ok(())
    }

    fn initial_sequence(&mut self, iss: u32) -> Result<(), Fault> {
        self.told.push(format!("iss {iss}"));
        Ok(())
    }
}

/// How a script ends, and what it asks for.
fn asked(text: &str) -> (End, Vec<String>) {
    let script = parse("test", text).expect("a script");
    let system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
    let mut asked = Asked { system, timing: Timing::EXACT, told: Vec::new() };
    (run(&script, &mut asked).end, asked.told)
}

/// After a connection is established.
fn then(line: &str) -> (End, Vec<String>) {
    asked(&format!("{TEXT}+0 {line}\n"))
}

#[test]
fn code_asks_for_the_inside_of_the_newest_connection() {
    let (end, told) = then("%{ assert tcpi_snd_cwnd == 10 and tcpi_state == TCP_ESTABLISHED, tcpi_snd_cwnd }%");
    assert_eq!(end, End::Completed);
    // The listener's descriptor, whatever its number, is a smaller one.
    assert!(matches!(told.as_slice(), [one] if one.starts_with("info ")), "{told:?}");
    let (end, _) = then("%{ assert tcpi_snd_cwnd > 10 }%");
    let End::Differs(Difference { line: 14, seen, .. }) = end else { panic!("{end:?}") };
    assert!(seen.contains("tcpi_snd_cwnd is 10"), "{seen}");
    let (end, _) = then("%{ assert tcpi_unacked == 0 }%");
    assert_eq!(end, End::Skipped("this system does not tell tcpi_unacked".to_owned()));
    let (end, _) = asked("0 %{ assert tcpi_snd_cwnd == 10 }%");
    assert!(matches!(end, End::Differs(_)), "{end:?}");
}

#[test]
fn states_need_no_socket() {
    let (end, told) = then(
        "read(4, ..., 100) = 6\n+0 close(4) = 0\n+0 > F. 11:11(0) ack 11\n+0 %{ assert tcpi_state == TCP_FIN_WAIT1 }%",
    );
    assert_eq!((end, told), (End::Completed, vec![]));
}

#[test]
fn connections_are_dropped_by_state_or_by_name() {
    let dropped = vec!["drop 192.0.2.1:8080 <-> 192.0.2.2:40000".to_owned()];
    assert_eq!(then("`tcpdrop -s ESTABLISHED`"), (End::Completed, dropped.clone()));
    assert_eq!(then("`tcpdrop -s CLOSE_WAIT`"), (End::Completed, vec![]));
    assert_eq!(then("`tcpdrop 192.0.2.1 8080 192.0.2.2 40000`"), (End::Completed, dropped));
    let (end, told) = then("`tcpdrop 192.0.2.1 8080 192.0.2.2 40001`");
    assert!(matches!(end, End::Skipped(_)) && told.is_empty(), "{end:?}");
}

#[test]
fn commands_reach_the_system_they_are_meant_for() {
    assert_eq!(then("`sysctl -w a=1`").1, ["a 1"]);
    assert_eq!(then("`modprobe tcp_bbr`"), (End::Completed, vec!["modprobe tcp_bbr".to_owned()]));
    assert_eq!(asked("--iss=4294967295\n0 `sysctl -w a=1`").1, ["iss 4294967295", "a 1"]);
}

/// A pause passes time; what comes next counts from its beginning.
#[test]
fn a_pause_moves_no_clock() {
    let after = |pause: &str, time: &str| {
        format!("{}\n+0 `{pause}`\n+{time} > P. 1:11(10) ack 11", {
            TEXT.lines().take(12).collect::<Vec<_>>().join("\n")
        })
    };
    // The first retransmission happens while the command sleeps.
    let without = asked(&after("sysctl -w a=1", "0.15~+1.3")).0;
    assert_eq!(without, End::Completed);
    assert_eq!(asked(&after("sleep 1.3", "0.15~+1.3")).0, without);
}

/// In virtual time nobody has to be patient; where time is real, twenty seconds are enough for most.
#[test]
fn nobody_waits_for_longer_than_he_wants() {
    let ends = |text: &str, slack: u64, patience: u32| {
        let script = parse("test", text).expect("a script");
        let system = Lockstep::new(script.mtu(), Table::repaired()).expect("a stack");
        let timing = Timing { slack: Duration::from_millis(slack), ..Timing::EXACT };
        let mut asked = Asked { system, timing, told: Vec::new() };
        run_by(&Rules { patience, ..Rules::STRICT }, &script, &mut asked).end
    };
    for (time, seconds) in [
        ("+21 `ss -tan | grep ESTAB`", 21),
        ("+1 `sleep 20`", 21),
        ("+0...30 accept(3, ..., ...) = 5", 30),
        ("+0~+25 > . 11:11(0) ack 11", 25),
    ] {
        let text = format!("{TEXT}{time}\n");
        let reason = format!("it takes {seconds} s of real time; --patience {seconds} allows that");
        assert_eq!(ends(&text, 100, 20), End::Skipped(reason), "{time}");
        assert!(!matches!(ends(&text, 100, seconds), End::Skipped(_)), "{time}");
        assert!(!matches!(ends(&text, 0, 20), End::Skipped(_)), "{time}");
    }
}
