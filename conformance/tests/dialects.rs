//! Small suites in the two dialects of packetdrill, written for the kernels that speak them: as they stand they run on
//! Lockstep with that kernel's personality, and with no other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockstep_conformance::deviations::Deviations;
use lockstep_conformance::lab::Lab;
use lockstep_conformance::namespace::require;
use lockstep_conformance::personality::Personality;
use lockstep_conformance::profile::Profile;
use lockstep_conformance::run::{End, run};
use lockstep_conformance::scenario::{self, Scenario};
use lockstep_conformance::script;
use lockstep_conformance::system::lockstep::Lockstep;
use lockstep_conformance::verdict::{Outcome, Subject, Verdict, examine};
use lockstep_model::Table;

fn folder(dialect: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialects").join(dialect)
}

fn suite(dialect: &str) -> Vec<Scenario> {
    scenario::find(&folder(dialect)).expect("there are scripts")
}

fn lab(personality: Option<&str>) -> Lab {
    let personality = personality.map(|name| Personality::named(name).expect("there is one"));
    Lab { personality, ..Lab::new(Deviations::default()) }
}

/// The scripts of a dialect that pass with a personality.
fn passed(dialect: &str, personality: Option<&str>) -> Vec<Outcome> {
    let lab = lab(personality);
    let outcomes = suite(dialect).into_iter().map(|scenario| examine(&scenario, Subject::Lockstep, &lab));
    outcomes.filter(|outcome| outcome.verdict == Verdict::Pass).collect()
}

/// Nothing is let pass; only knobs that mean nothing here are told.
#[test]
fn every_script_passes_strictly_with_its_own_personality() {
    for dialect in ["freebsd", "linux"] {
        for scenario in suite(dialect) {
            let outcome = examine(&scenario, Subject::Lockstep, &lab(Some(dialect)));
            assert_eq!(outcome.verdict, Verdict::Pass, "{}", scenario.name);
            let is_a_knob =
                |told: &String| told.starts_with("knob ") && told.ends_with("at its default and unknown here");
            assert!(outcome.normalised.iter().all(is_a_knob), "{}: {:?}", scenario.name, outcome.normalised);
        }
    }
    assert!(suite("freebsd").len() >= 12 && suite("linux").len() >= 5);
}

#[test]
fn what_one_kernel_does_is_not_what_the_other_does() {
    assert_eq!(passed("linux", Some("freebsd")), vec![]);
    let names = |outcomes: Vec<Outcome>| -> Vec<String> {
        let last = |name: String| name.rsplit('/').next().unwrap_or_default().to_owned();
        outcomes.into_iter().map(|outcome| last(outcome.scenario)).collect()
    };
    // These say nothing of options, buffers or a window after text, and turn all the knobs that they rely on.
    let any = ["established-rst-insecure", "established-rst-secure", "established-syn-secure"];
    for other in [Some("linux"), Some("rfc"), None] {
        let passed = names(passed("freebsd", other));
        let few = passed.iter().filter(|name| !any.contains(&name.as_str())).count();
        assert!(few <= 2, "{other:?}: {passed:?}");
    }
}

/// It passes on another host, too, and what makes it pass is told.
#[test]
fn a_profile_names_what_it_lets_pass() {
    let mut scenarios = suite("freebsd").into_iter();
    let scenario = scenarios.find(|scenario| scenario.name.ends_with("listen-syn-only_sack")).expect("it is there");
    let rules = Profile::named("freebsd").expect("there is one").rules;
    let lax = examine(&scenario, Subject::Lockstep, &Lab { rules, ..lab(Some("linux")) });
    assert_eq!(lax.verdict, Verdict::Pass);
    assert_eq!(lax.normalised, ["order of options", "knob net.inet.tcp.blackhole is at its default and unknown here"]);
    let strict = examine(&scenario, Subject::Lockstep, &lab(Some("linux")));
    assert!(matches!(strict.verdict, Verdict::Fail(_)), "{:?}", strict.verdict);
}

/// What RFC 9293 knows no exception for: the oracle would call it a deviation, so that only the script judges.
#[test]
fn a_segment_that_is_syn_and_fin_is_dropped_where_a_knob_says_so() {
    let text = |value: u8| {
        format!(
            "0 `sysctl -w net.inet.tcp.drop_synfin={value} net.inet.tcp.rfc1323=0 net.inet.tcp.sack.enable=0`
             +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
             +0 bind(3, ..., ...) = 0
             +0 listen(3, 1) = 0
             +0 < SF 0:0(0) win 65535 <mss 1460>
             +1 < S 0:0(0) win 65535 <mss 1460>
             +0 > S. 0:0(0) ack 1 <mss 1460>"
        )
    };
    let end = |value| {
        let script = script::parse("drop", &text(value)).expect("a script");
        run(&script, &mut Lockstep::new(1500, Table::repaired()).expect("a stack")).end
    };
    assert_eq!(end(1), End::Completed);
    assert!(matches!(end(0), End::Differs(_)), "it is a SYN by default");
}

/// In a namespace of its own, which the program enters.
#[test]
fn linux_itself_passes_its_dialect() {
    let output = Command::new(env!("CARGO_BIN_EXE_lockstep-conformance"))
        .args(["run", "--system", "linux"])
        .arg(folder("linux"))
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let (told, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}{complaint}");
    if let Some(reason) = told.lines().find_map(|line| line.strip_prefix("skipped, no netns: ")) {
        require::skip(require::NETNS, reason).expect("nobody demands it");
        return;
    }
    assert!(told.lines().last().unwrap_or_default().contains("5 conform"), "{told}");
}
