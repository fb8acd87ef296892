//! Scripts in the packetdrill language: whatever anybody writes is read, or refused in a sentence.

use lockstep_conformance::script::{Action, Position, Script, parse, parse_with};

/// A script as text. What is read is printed and read again, the same; everything in it has a meaning or a reason why not.
///
/// # Panics
/// On a finding.
pub fn script(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let script = match parse_with("script.pkt", &text, &["X".to_owned()]) {
        Ok(script) => script,
        Err(error) => {
            assert!(error.to_string().starts_with("script.pkt:"), "an error tells its place");
            return;
        }
    };
    let printed = script.to_string();
    let again = parse("script.pkt", &printed).unwrap_or_else(|error| panic!("{error}\nof\n{printed}"));
    let (script, again) = (placeless(script), placeless(again));
    assert_eq!(script, again, "{printed}");
    for unsupported in script.unsupported() {
        assert!(unsupported.to_string().ends_with(&unsupported.reason.to_string()));
    }
    for event in &script.events {
        if let Action::Code(code) = &event.action
            && let Ok(program) = code.program()
        {
            // Whatever the system says, there is an end.
            let _ = program.run(&|name| i64::try_from(name.len()).ok());
        }
    }
}

/// The same script with everything at one place.
fn placeless(mut script: Script) -> Script {
    script.settings.iter_mut().for_each(|setting| setting.at = Position::START);
    script.events.iter_mut().for_each(|event| event.at = Position::START);
    script
}
