//! The program as a user runs it.

use std::process::{Command, Output};

fn lockstep_model(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lockstep-model")).args(arguments).output().expect("the program runs")
}

#[test]
fn a_check_reports_to_people_and_to_programs() {
    let path = std::env::temp_dir().join(format!("lockstep-model-{}.json", std::process::id()));
    let output = lockstep_model(&["check", "--world", "handshake", "--json", &path.to_string_lossy()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("S2  holds: nobody is half-synchronized"), "{text}");
    let json: serde_json::Value =
        serde_json::from_reader(std::fs::File::open(&path).expect("it was written")).expect("it is JSON");
    std::fs::remove_file(&path).expect("it can be removed");
    assert_eq!(json["profile"], "repaired");
    assert_eq!(json["worlds"][0]["world"], "handshake");
    assert!(json["worlds"][0]["verdicts"][0]["falls"].is_null());
    assert_eq!(json["figures"].as_array().map(Vec::len), Some(8), "Figures 6 to 13");
    assert!(text.contains("Figure 7, Simultaneous Connection Synchronization: as drawn"), "{text}");
}

#[test]
fn to_the_letter_properties_fall_with_a_reason_and_a_ladder() {
    let output = lockstep_model(&["check", "--world", "data", "--profile", "literal9293"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("S17 FALLS, as expected") && text.contains("D1: an active OPEN leaves"), "{text}");
    assert!(text.contains("ESTABLISHED   <-- <SEQ=0><ACK=1><CTL=SYN,ACK> ..."), "{text}");
}

#[test]
fn a_sweep_reports_to_people_and_to_programs() {
    let path = std::env::temp_dir().join(format!("lockstep-model-sweep-{}.json", std::process::id()));
    let arguments = ["check", "--sweep", "--threads", "2", "--world", "calm", "--json", &path.to_string_lossy()];
    let output = lockstep_model(&arguments);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("  hold: S1 S2 S3") && text.contains("probability that a state was missed"), "{text}");
    let json: serde_json::Value =
        serde_json::from_reader(std::fs::File::open(&path).expect("it was written")).expect("it is JSON");
    std::fs::remove_file(&path).expect("it can be removed");
    assert_eq!((&json["threads"], &json["worlds"][0]["world"]), (&2.into(), &"calm".into()));
    let output = lockstep_model(&["check", "--world", "calm", "--stateright"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let states = format!("{} states, {} transitions", json["worlds"][0]["states"], json["worlds"][0]["transitions"]);
    assert_eq!(text.matches(&states).count(), 3, "of the explorer, of Stateright and in all\n{text}");
}

#[test]
fn an_unknown_world_is_one_line_and_a_failure() {
    let output = lockstep_model(&["check", "--world", "moon"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("there is no world \"moon\"; there are calm, handshake, "), "{text}");
}
