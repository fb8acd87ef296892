//! Samples of the language, one file for each tier of it, as the two dialects write it: what each line means, or why it means
//! nothing here. A change of a meaning is seen in the snapshot.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::{Action, Event, Script, parse_with};

/// What every line of every sample means.
#[test]
fn every_construct_has_a_meaning_or_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/script/dialects");
    let files = fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path());
    let mut samples: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "pkt")).collect();
    samples.sort();
    assert!(samples.len() >= 12, "{samples:?}");
    for path in samples {
        let name = path.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
        let text = fs::read_to_string(&path).expect("UTF-8");
        let script = parse_with(&name, &text, &["FEATURE".to_owned()]).unwrap_or_else(|error| panic!("{error}"));
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name.clone(), told(&script));
        });
    }
}

fn told(script: &Script) -> String {
    let mut told = String::new();
    for setting in &script.settings {
        writeln!(told, "{setting}").expect("a String");
    }
    for event in &script.events {
        writeln!(told, "{event}\n    {}", meaning(event)).expect("a String");
    }
    for unsupported in script.unsupported() {
        writeln!(told, "! {unsupported}").expect("a String");
    }
    told
}

/// What a line means beyond its words: packets say what they are.
fn meaning(event: &Event) -> String {
    match &event.action {
        Action::Packet(_) | Action::Raw(_) => "a packet".to_owned(),
        Action::Icmp(icmp) => icmp.numbers().map_or_else(
            |error| format!("? {error}"),
            |numbers| format!("type {} code {}", numbers.kind, numbers.code),
        ),
        Action::Call(call) => call.operation().map_or_else(|error| format!("? {error}"), |means| format!("{means:?}")),
        Action::Command(command) => {
            command.builtins().map_or_else(|error| format!("? {error}"), |means| format!("{means:?}"))
        }
        Action::Code(code) => code
            .program()
            .map_or_else(|error| format!("? {error}"), |program| format!("asks for {:?}", program.names())),
    }
}
