//! Every scenario of this repository on every system, as the program runs them, and what holds of their folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use lockstep_conformance::deviations::Deviations;
use lockstep_conformance::lab::Lab;
use lockstep_conformance::namespace::require;
use lockstep_conformance::scenario::{self, Scenario};
use lockstep_conformance::verdict::{Subject, Verdict, examine};

fn scenarios() -> Vec<Scenario> {
    scenario::find(&scenario::folder()).expect("there are scenarios")
}

#[test]
fn lockstep_conforms_to_every_scenario() {
    let lab = Lab::committed().expect("the ledger is well-formed");
    for scenario in scenarios() {
        let outcome = examine(&scenario, Subject::Lockstep, &lab);
        assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.scenario);
    }
}

/// As the program says; it starts itself again in a namespace, which no test harness with its threads could enter.
#[test]
fn linux_is_as_recorded_in_every_scenario() {
    let Output { status, stdout, stderr } = program(&["run", "--system", "linux"], &[]);
    let (told, complaint) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{told}{complaint}");
    if require::skip_with(require::NETNS, &told).expect("nobody demands it") {
        return;
    }
    let summary = told.lines().last().unwrap_or_default();
    assert!(summary.starts_with("linux ") && summary.contains(" conform"), "{told}");
}

/// What it does not as the RFC says is recorded, and so is why: a new scenario needs a look at smoltcp, too.
#[test]
fn smoltcp_is_as_recorded_in_every_scenario() {
    let lab = Lab::committed().expect("the ledger is well-formed");
    let outcomes = scenarios().into_iter().map(|scenario| examine(&scenario, Subject::Smoltcp, &lab));
    let unrecorded: Vec<String> = outcomes
        .filter(|outcome| !outcome.verdict.is_green())
        .map(|outcome| format!("{}: {:?}", outcome.scenario, outcome.verdict))
        .collect();
    assert!(unrecorded.is_empty(), "{}", unrecorded.join("\n"));
}

#[test]
fn a_stack_behind_an_interface_needs_a_target_that_is_one() {
    let told = |arguments: &[&str]| {
        let Output { status, stderr, .. } = program(&[&["run"], arguments].concat(), &[]);
        assert!(!status.success(), "{arguments:?}");
        String::from_utf8_lossy(&stderr).into_owned()
    };
    assert_eq!(told(&["--system", "tap:tap0"]), "tap:tap0 needs a --target: the address of the stack behind it\n");
    assert_eq!(told(&["--target", "192.0.2.1"]), "--target needs a system behind an interface: --system tap:NAME\n");
    assert!(told(&["--system", "tap:tap0", "--target", "nowhere"]).starts_with("`nowhere` is not a target: say ADDR"));
    let nowhere = told(&["--system", "tap:lockstep-none", "--target", "192.0.2.1"]);
    assert!(nowhere.starts_with("cannot reach 192.0.2.1 behind lockstep-none: interface lockstep-none: "), "{nowhere}");
    assert!(told(&["--system", "minix"]).contains("there is no such system"));
}

/// A deviation that is recorded as a script has an entry in the ledger, and an entry names a scenario that exists.
#[test]
fn the_ledger_and_the_folder_of_deviations_agree() {
    let ledger = Deviations::committed().expect("the ledger is well-formed");
    let all = scenarios();
    let names: BTreeSet<&str> = all.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(ledger.scenarios().difference(&names).collect::<Vec<_>>(), Vec::<&&str>::new(), "no such scenario");
    for subject in Subject::ALL {
        let folder = scenario::deviations(subject.name());
        if !folder.is_dir() {
            continue;
        }
        let prefix = format!("deviations/{}/", subject.name());
        for recorded in scenario::find(&folder).expect("recorded deviations") {
            let name = recorded.name.strip_prefix(&prefix).unwrap_or(&recorded.name);
            assert!(ledger.scenarios().contains(name), "{} has no entry in the ledger", recorded.name);
        }
    }
}

#[test]
fn a_script_that_expects_something_else_fails_with_the_exchange() {
    let script = "
        +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
        +0 bind(3, ..., ...) = 0
        +0 listen(3, 1) = 0
        +0 < S 0:0(0) win 65535 <mss 1460>
        +0 > S. 0:0(0) ack 2 <mss 1460>
    ";
    let file = Scratch::new("expects_something_else.pkt", script);
    let json = Scratch::new("expects_something_else.json", "");
    let output = program(&["run", "--system", "lockstep", "--json"], &[&json.0, &file.0]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stdout);
    for words in ["<-- <SEQ=0><CTL=SYN>", "--> <SEQ=0><ACK=1><CTL=SYN,ACK>", "ack is 1, not 2", "lockstep: 1 FAIL"] {
        assert!(told.contains(words), "{words:?} is missing in:\n{told}");
    }
    let json = std::fs::read_to_string(&json.0).expect("JSON was written");
    let report: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(report["outcomes"][0]["verdict"]["is"], "fail");
    assert_eq!(report["outcomes"][0]["verdict"]["difference"]["line"], 6);
}

#[test]
fn what_cannot_be_run_is_skipped_aloud() {
    let script = "0 `tc qdisc add dev tun0 root netem`";
    let file = Scratch::new("cannot_be_run.pkt", script);
    let output = program(&["run", "--system", "lockstep"], &[&file.0]);
    assert!(output.status.success());
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("no shell for commands") && told.contains("lockstep: 1 skipped"), "{told}");
}

/// Two scripts on the kernel, and the process of one of them is killed: that is a verdict on this one.
#[test]
fn a_crash_is_a_verdict_on_one_script() {
    let quick = Scratch::new("a_crash_quick.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n");
    let slow = Scratch::new("a_crash_slow.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+9 close(3) = 0\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-conformance"));
    command.args(["run", "--system", "linux", "--jobs", "1"]).args([&*quick, &*slow]).stdout(Stdio::piped());
    let program = command.spawn().expect("the program starts");
    thread::sleep(Duration::from_secs(3));
    for child in children(program.id()) {
        let killed = Command::new("kill").args(["-KILL", &child]).status();
        assert!(killed.is_ok_and(|status| status.success()), "no process {child}");
    }
    let output = program.wait_with_output().expect("the program ends");
    let told = String::from_utf8_lossy(&output.stdout);
    if require::skip_with(require::NETNS, &told).expect("nobody demands it") {
        return;
    }
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("a_crash_slow on linux\n  the run crashed with signal: 9 (SIGKILL)"), "{told}");
    assert!(told.contains(": 1 conform, 1 could not be judged"), "{told}");
}

/// The processes that a process has started, in any of its threads.
fn children(process: u32) -> Vec<String> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("it runs").flatten();
    let started = |thread: PathBuf| std::fs::read_to_string(thread.join("children")).unwrap_or_default();
    let children: Vec<String> = threads.map(|thread| started(thread.path())).collect();
    children.join(" ").split_whitespace().map(str::to_owned).collect()
}

/// What `-D` defines picks the parts of a script.
#[test]
fn a_name_can_be_defined() {
    let script = "#ifdef ODD\n+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n#else\n+0 close(3) = 0\n#endif\n";
    let file = Scratch::new("a_name_can_be_defined.pkt", script);
    assert_eq!(program(&["run", "--system", "lockstep", "-D", "ODD"], &[&file.0]).status.code(), Some(0));
    assert_eq!(program(&["run", "--system", "lockstep"], &[&file.0]).status.code(), Some(1));
}

/// Every file that was asked for says the same.
#[test]
fn the_files_agree() {
    let folder = scenario::folder().join("3.5.2-reset");
    let [json, junit, html] = ["json", "xml", "html"].map(|kind| Scratch::new(&format!("the_files_agree.{kind}"), ""));
    let files: [&Path; 7] =
        [Path::new("--json"), &json, Path::new("--junit"), &junit, Path::new("--html"), &html, &folder];
    let output = program(&["run", "--system", "lockstep", "--system", "lockstep", "--jobs", "3"], &files);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = |file: &Path| std::fs::read_to_string(file).expect("it was written");
    let report: serde_json::Value = serde_json::from_str(&text(&json)).expect("it is JSON");
    let count = report["outcomes"].as_array().map_or(0, Vec::len);
    assert!(count > 0 && text(&junit).matches("<testcase ").count() == count, "{}", text(&junit));
    assert_eq!(text(&html).matches("<template id=\"s").count(), count);
}

#[test]
fn what_is_no_script_is_no_pass() {
    let file = Scratch::new("no_script.pkt", "+0 > S 0:0(0");
    let output = program(&["run", "--system", "lockstep"], &[&file.0]);
    assert_eq!(output.status.code(), Some(1));
    let output = program(&["run"], &[Path::new("/nowhere")]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
}

fn program(arguments: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-conformance"));
    command.args(arguments).args(paths).output().expect("the program starts")
}

/// A file that is gone after its test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, text).expect("the target directory can be written");
        Self(path)
    }
}

impl std::ops::Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is in the target directory: no harm if it stays.
        let _ = std::fs::remove_file(&self.0);
    }
}
