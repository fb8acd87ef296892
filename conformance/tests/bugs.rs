//! Ten bugs that other TCPs have had, put back into this one: some scenario catches each. With none, all pass.
//!
//! Those that concern what happens are wrong tables; what is beside the table is put back by the stack itself.

use lockstep::bugs::{self, Bug};
use lockstep_conformance::scenario::{self, Scenario};
use lockstep_model::check::mutate::Edit::{self, Add, Drop, Then, When};
use lockstep_model::check::mutate::edited;
use lockstep_model::event::Timer::Retransmit;
use lockstep_model::table::AckClass;
use lockstep_model::table::Act::{AdvanceNxt, MarkFinSent, Stop};
use lockstep_model::table::Atom::{Ack, Has};
use lockstep_model::{Flag, Table};

/// One of the ten.
struct Historical {
    name: &'static str,
    /// Who had it, and when.
    whose: &'static str,
    how: Reinjected,
}

/// How a bug comes back.
enum Reinjected {
    /// As a wrong table.
    Table(&'static [Edit]),
    /// In the stack around the table.
    Stack(Bug),
}

use Reinjected::{Stack, Table as Wrong};
use playing::{passes, quietly};

mod playing;

const BUGS: [Historical; 10] = [
    Historical {
        name: "a SYN in the window is dropped",
        whose: "smoltcp to this day: it falls into a match arm for all that is unexpected, and a peer that has restarted waits",
        how: Wrong(&[Then("syn/unexpected/challenged", &[])]),
    },
    Historical {
        name: "a RST is answered",
        whose: "two such hosts never stop, of which RFC 793 warns (1981); Linux's REJECT says so in a comment, `No RST for RST`",
        how: Wrong(&[Drop("arrives/closed/rst")]),
    },
    Historical {
        name: "a FIN comes before the text before it",
        whose: "whoever looks at a FIN when it comes and not when its turn comes; smoltcp has a line of its own against it",
        how: Wrong(&[When("fin/established", &[Has(Flag::Fin, true)])]),
    },
    Historical {
        name: "an old segment updates the window",
        whose: "smoltcp to this day: it keeps no SND.WL1 and no SND.WL2",
        how: Wrong(&[When("window/update", &[Ack(AckClass::Duplicate, true)])]),
    },
    Historical {
        name: "no timer runs in LAST-ACK",
        whose: "FreeBSD until 2015: connections stuck in LAST-ACK exhaust memory (CVE-2015-5358)",
        how: Wrong(&[Then("sent/close-wait/fin", &[AdvanceNxt, MarkFinSent, Stop(Retransmit)])]),
    },
    Historical {
        name: "text with an ACK below SND.UNA is discarded",
        whose: "smoltcp to this day: what acknowledges less than was acknowledged already is dropped whole, as a duplicate",
        how: Wrong(&[
            Add("ack/unsent/unthrottled"),
            When("ack/unsent/unthrottled", &[Ack(AckClass::Old, true)]),
            Then("ack/unsent/unthrottled", &[]),
        ]),
    },
    Historical {
        name: "sequence numbers are subtracted without the wrap",
        whose: "smoltcp before 0.13.1 (2026): the numbers of SACK blocks overflow",
        how: Stack(Bug::PlainSubtraction),
    },
    Historical {
        name: "an option of length zero",
        whose: "picoTCP until 1.7.0: its options never end (CVE-2020-24337)",
        how: Stack(Bug::ZeroLengthOption),
    },
    Historical {
        name: "all connections count challenge ACKs together",
        whose: "Linux 3.6 to 4.6: a side channel by which a stranger finds ports and numbers (CVE-2016-5696)",
        how: Stack(Bug::SharedChallenges),
    },
    Historical {
        name: "FIN-WAIT-2 never ends",
        whose: "SunOS 4: servers of the young Web ran out of memory (described for Apache 1.2, 1997)",
        how: Wrong(&[Drop("ack-of-fin/fin-wait-1/orphan"), Drop("release/fin-wait-2/bounded")]),
    },
];

#[test]
fn every_historical_bug_is_caught() {
    let scenarios = scenario::find(&scenario::folder()).expect("there are scenarios");
    let failures = |bug: Option<&Historical>| -> Vec<&str> {
        let failing = scenarios.iter().filter(|scenario| !passes_with(scenario, bug));
        failing.map(|scenario| scenario.name.as_str()).collect()
    };
    assert_eq!(failures(None), Vec::<&str>::new(), "without a bug");

    let mut escaped = Vec::new();
    for bug in &BUGS {
        let caught = quietly(|| failures(Some(bug)));
        match caught.split_first() {
            Some((first, others)) => println!("{:52} {first} and {} others\n    {}", bug.name, others.len(), bug.whose),
            None => escaped.push(bug.name),
        }
    }
    assert_eq!(escaped, Vec::<&str>::new(), "no scenario catches these");
}

/// Whether a scenario passes on a stack with this bug, or with none.
fn passes_with(scenario: &Scenario, bug: Option<&Historical>) -> bool {
    match bug.map(|bug| &bug.how) {
        None => passes(scenario, Table::repaired()),
        Some(Wrong(edits)) => passes(scenario, Box::leak(Box::new(edited(edits)))),
        Some(Stack(bug)) => bugs::with(*bug, || passes(scenario, Table::repaired())),
    }
}
