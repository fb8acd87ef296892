//! Parsing what was printed is the identity.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::parse;
use super::super::value::{Errno, Percent, Position};
use super::*;

mod packets;

/// The same script with everything at one place.
fn placeless(mut script: Script) -> Script {
    script.settings.iter_mut().for_each(|setting| setting.at = Position::START);
    script.events.iter_mut().for_each(|event| event.at = Position::START);
    script
}

fn scripts() -> impl Strategy<Value = Script> {
    (vec(settings(), 0..4), vec(events(), 0..12)).prop_map(|(settings, events)| Script {
        name: "test.pkt".to_owned(),
        settings,
        events,
    })
}

fn settings() -> impl Strategy<Value = Setting> {
    let value = || option::of("[!-~]{0,8}");
    let kind = prop_oneof![
        proptest::sample::select(IpVersion::NAMES.as_slice()).prop_map(|(_, version)| SettingKind::IpVersion(version)),
        any::<u32>().prop_map(SettingKind::ToleranceUsecs),
        any::<u32>().prop_map(|thousandths| SettingKind::TolerancePercent(Percent(thousandths))),
        any::<u16>().prop_map(SettingKind::Mtu),
        any::<u32>().prop_map(SettingKind::TimestampTick),
        any::<u32>().prop_map(SettingKind::InitialSequence),
        non_fatal().prop_map(SettingKind::NonFatal),
        Just(SettingKind::StrictSegments),
        "[A-Z_][A-Z0-9_]{0,8}".prop_map(SettingKind::Define),
        value().prop_map(|value| SettingKind::Harmless { name: "verbose".to_owned(), value }),
        ("x[a-z_]{0,8}", value()).prop_map(|(name, value)| SettingKind::Other { name, value }),
    ];
    kind.prop_map(|kind| Setting { at: Position::START, kind })
}

/// One of the two, or both: neither cannot be written.
fn non_fatal() -> impl Strategy<Value = NonFatal> {
    any::<(bool, bool)>().prop_map(|(packets, calls)| NonFatal { packets: packets || !calls, calls })
}

fn events() -> impl Strategy<Value = Event> {
    let any_time = prop_oneof![
        (instants(), packets::actions()),
        (instants(), calls().prop_map(Action::Call)),
        (blocking(), calls().prop_map(Action::Call)),
        (instants(), "[ -_a-~\n]{0,20}".prop_map(|text| Action::Command(Command { text }))),
        (instants(), "[ -z\n]{0,20}".prop_map(|text| Action::Code(Code { text }))),
    ];
    any_time.prop_map(|(when, action)| Event { at: Position::START, when, action })
}

fn instants() -> impl Strategy<Value = When> {
    prop_oneof![
        Just(When::Any),
        (bases(), times()).prop_map(|(base, time)| When::At { base, time }),
        (bases(), times(), times()).prop_map(|(base, a, b)| When::Between { base, from: a.min(b), until: a.max(b) }),
    ]
}

fn blocking() -> impl Strategy<Value = When> {
    (bases(), times(), times()).prop_map(|(base, a, b)| When::Blocking { base, from: a.min(b), until: a.max(b) })
}

fn bases() -> impl Strategy<Value = Base> {
    prop_oneof![Just(Base::Start), Just(Base::Previous)]
}

fn times() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0u64..10_000).prop_map(Duration::from_millis),
        (any::<u32>(), 0u32..1_000_000_000).prop_map(|(secs, nanos)| Duration::new(u64::from(secs), nanos)),
    ]
}

fn calls() -> BoxedStrategy<Call> {
    let returned = prop_oneof![
        Just(Returned::Any),
        any::<i64>().prop_map(Returned::Value),
        "E[A-Z]{1,8}".prop_map(|name| Returned::Error(Errno(name))),
    ];
    let outcome = (returned, option::of("[ -(*-~]{0,20}")).prop_map(|(returned, note)| Outcome { returned, note });
    ("[a-z]{1,8}", vec(expressions(), 0..4), outcome)
        .prop_map(|(name, arguments, outcome)| Call { name, arguments, outcome })
        .boxed()
}

fn expressions() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        Just(Expression::Ellipsis),
        any::<i64>().prop_map(Expression::Integer),
        "[A-Za-z_][A-Za-z0-9_]{0,8}".prop_map(Expression::Name),
        r#"([ !#-\[\]-~]|\\["\\n]){0,8}"#.prop_map(Expression::Text),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let field = (option::of("[a-z_]{1,8}"), option::of(inner.clone()), inner.clone());
        let field = field.prop_map(|(name, count, value)| {
            let count = count.filter(|_| name.is_some());
            Field { name, count, value }
        });
        let names = "[A-Z_]{1,8}".prop_map(Expression::Name);
        prop_oneof![
            vec(names, 2..4).prop_map(Expression::Either),
            vec(inner.clone(), 0..3).prop_map(Expression::Array),
            vec(field, 0..3).prop_map(Expression::Struct),
            ("[a-z]{1,8}", vec(inner, 0..3)).prop_map(|(name, arguments)| Expression::Function(name, arguments)),
        ]
    })
}

proptest! {
    #[test]
    fn parsing_what_was_printed_is_the_identity(script in scripts()) {
        let text = script.to_string();
        let parsed = parse("test.pkt", &text);
        prop_assert_eq!(parsed.map(placeless), Ok(script), "{}", text);
    }
}
