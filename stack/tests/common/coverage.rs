//! Which rules of the stack's table fire where, and why some fire nowhere.

use std::collections::BTreeSet;

use lockstep_model::Table;

/// Rules, each with the reason why nothing makes it fire.
pub type Silent = &'static [(&'static str, &'static str)];

/// What a user of the stack cannot say, so that it fires neither in the simulation nor under the checker.
pub const UNSAYABLE: Silent = &[
    ("open/closed/unspecified", "a connect without a remote socket cannot be said"),
    ("open/listen/active", "a listener forks; it is never made active itself"),
    ("send/listen/active", "a listener has nothing to send; its children have"),
    ("send/listen/unspecified", "a listener has nothing to send; its children have"),
    ("release/listen/delete", "a listener is closed by CLOSE"),
    ("abort/listen/delete", "a listener is closed by CLOSE"),
    ("rst/syn-received/close-queued", "a listener's child has no user before it is established, who could close it"),
    ("syn/syn-received/close-queued", "a listener's child has no user before it is established, who could close it"),
];

/// What fires under the checker and not in the simulation.
pub const UNSEEN_IN_SIMULATION: Silent =
    &[("ack-of-fin/time-wait/occupying", "no peer sends text after its FIN, and the attacker's has a bad ACK")];

/// The list of what never fires is neither too short nor too long.
pub fn every_rule_fired_but(silent: &[Silent], fired: &BTreeSet<&'static str>) {
    let listed: BTreeSet<&str> = silent.iter().copied().flatten().map(|(name, _)| *name).collect();
    let never: BTreeSet<&str> =
        Table::repaired().rules().iter().map(|rule| rule.name).filter(|name| !fired.contains(name)).collect();
    let unlisted: Vec<_> = never.difference(&listed).collect();
    assert!(unlisted.is_empty(), "these rules never fired: {unlisted:#?}");
    let stale: Vec<_> = listed.difference(&never).collect();
    assert!(stale.is_empty(), "these rules did fire, or do not exist: {stale:#?}");
}
