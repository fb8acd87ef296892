//! Wrong tables and wrong bytes: all are noticed.

use lockstep_model::check::mutate::{MUTANTS, variant};
use lockstep_model::{Flag, Flags, Segment, Seq, SeqNum, Table};

use crate::end::REFINES;
use crate::explore::{Fall, explore};
use crate::world::World;
use crate::worlds;

/// Every wrong table, a world that tells, and the property that falls there when the reference runs the same wrong table; none where
/// only liveness falls, or S18 or S21, which are the model's to decide.
const WRONG: &[(&str, &str, Option<&str>)] = &[
    ("two-way-handshake", "handshake", Some("S2")),
    ("close-in-syn-received", "simultaneous-open", Some("S11")),
    ("time-wait-acknowledges-all", "simultaneous-open", Some("L3")),
    ("no-retransmission", "handshake", None),
    ("irs-recorded-again", "handshake", Some("S3")),
    ("syn-ack-sent-once", "handshake", None),
    ("ack-of-nothing-establishes", "attack", Some("S15")),
    ("bad-ack-falls-through", "silence", Some("S17")),
    ("no-time-wait", "simultaneous-open", Some("S13")),
    ("closing-skips-time-wait", "simultaneous-open", Some("S13")),
    ("fin-out-of-order", "simultaneous-open", Some("S6")),
    ("rst-answered-by-rst", "simultaneous-open", Some("S9")),
    ("reset-with-own-number", "simultaneous-open", Some("S9")),
    ("rst-anywhere-in-window", "attack", Some("S20")),
    ("syn-in-window-resets", "attack", Some("S20")),
    ("ack-of-unsent-is-taken", "attack", Some("S20")),
    ("passive-end-is-refused", "handshake", Some("S14")),
    ("active-end-returns-to-listen", "simultaneous-open", Some(REFINES)),
    ("unthrottled-acks", "abort", Some("L3")),
    ("any-ack-is-of-our-fin", "handshake", Some("S1")),
    ("last-ack-ends-at-any-ack", "simultaneous-open", Some("S7")),
    ("send-after-close", "simultaneous-open", Some("S12")),
    ("fin-not-counted", "handshake", Some("S1")),
    ("their-fin-not-counted", "handshake", Some(REFINES)),
    ("close-wait-to-closing", "simultaneous-open", Some("S19")),
    ("reopening-forgets", "reopen", Some("S1")),
    ("syn-without-timer", "handshake", Some("S24")),
    ("time-wait-without-timer", "simultaneous-open", Some("S24")),
    ("no-zero-window-probe", "window", None),
    ("aborter-enters-time-wait", "abort", Some("S1")),
    ("reset-in-silence", "abort", Some("S23")),
    ("window-never-updated", "window", None),
    ("closing-has-no-end", "simultaneous-open", None),
    ("closed-says-nothing", "abort", None),
    ("closed-window-closes", "window", None),
    ("no-rule-without-urgent-data", "handshake", None),
    ("time-wait-restarted-by-any-ack", "simultaneous-open", Some("L3")),
    ("orphan-without-timer", "release", None),
    ("listener-stuck-in-syn-received", "handshake", None),
    ("answered-twice", "abort", None),
    ("their-fin-counted-twice", "handshake", Some("S10")),
    ("old-syn-begins-again", "handshake", Some("S3")),
    ("old-segments-are-reset", "handshake", Some("S9")),
    ("any-old-rst-resets", "simultaneous-open", Some("S8")),
];

fn table(name: &str) -> &'static Table {
    variant(name).expect("a mutant of this name").leaked_table()
}

fn fall(name: &str, stack: &'static Table, reference: &'static Table) -> Option<Fall> {
    explore(&worlds::named(name).with_tables(stack, reference)).fall
}

#[test]
fn every_wrong_table_is_tried() {
    let unlisted = MUTANTS.iter().filter(|mutant| WRONG.iter().all(|(name, ..)| *name != mutant.name));
    assert_eq!(unlisted.map(|mutant| mutant.name).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_stack_with_a_wrong_table_does_not_what_the_engine_does() {
    for (name, world, _) in WRONG {
        let Some(Fall { complaint, way }) = fall(world, table(name), Table::repaired()) else {
            panic!("{name} is not noticed in {world}");
        };
        println!("{name:30} {world:18} {:3} steps: {:.90}", way.len(), complaint.what);
        assert_eq!(complaint.property, REFINES, "{name} in {world}: {}", complaint.what);
    }
}

#[test]
fn what_is_wrong_in_both_a_property_sees() {
    for &(name, world, expected) in WRONG {
        let Some(expected) = expected else { continue };
        let Some(Fall { complaint, way }) = fall(world, table(name), table(name)) else {
            panic!("{name} is not noticed in {world}");
        };
        println!("{name:30} {world:18} {:8} {:3} steps: {:.80}", complaint.property, way.len(), complaint.what);
        assert_eq!(complaint.property, expected, "{name} in {world}: {}", complaint.what);
    }
}

/// What a wrong parser, or a wrong emitter, would do to a header.
#[test]
fn a_wrong_field_is_noticed() {
    type Damage = fn(&mut Segment<Seq>);
    let damages: [(&str, Damage); 6] = [
        ("SEG.SEQ", |segment| segment.seq = segment.seq.plus(1)),
        ("SEG.ACK", |segment| segment.ack = segment.ack.minus(1)),
        ("SEG.WND", |segment| segment.wnd ^= 1),
        ("FIN", |segment| segment.flags = Flags::from_wire(segment.flags.to_wire() & !1)),
        ("RST", |segment| segment.flags = segment.flags.with(Flag::Rst)),
        ("URG", |segment| (segment.flags, segment.up) = (segment.flags.with(Flag::Urg), 5)),
    ];
    for (field, damage) in damages {
        let found = explore(&World { damage: Some(damage), ..worlds::named("close") });
        let Fall { complaint, way } = found.fall.unwrap_or_else(|| panic!("{field} may be wrong"));
        println!("{field:8} {:3} steps: {:.90}", way.len(), complaint.what);
        assert_eq!(complaint.property, REFINES, "{field}: {}", complaint.what);
    }
}
