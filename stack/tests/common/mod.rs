//! What tests share that need more than a library: namespaces, and an honest way to say that something was skipped.

use std::env;
use std::process::Command;

/// Says in one line why a test does nothing here.
///
/// # Panics
/// If `LOCKSTEP_REQUIRE`, a comma-separated list, names `feature`: there a skip is a failure.
pub fn skip(feature: &str, reason: &str) {
    let required = env::var("LOCKSTEP_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|name| name.trim() == feature),
        "{feature} is required by LOCKSTEP_REQUIRE and is missing: {reason}"
    );
    eprintln!("skipped: {feature} is missing: {reason}");
}

/// Runs the ignored test `name` of the calling test program in a network namespace of its own, where it may do what it likes to interfaces
/// and addresses.
///
/// The program is started again by `unshare`, because a program with threads, as every test program is, cannot enter a user namespace.
/// Root needs none; anybody else becomes root in one of his own, where the kernel allows that.
///
/// # Panics
/// If the test fails there.
pub fn in_network_namespace(name: &str) {
    let Some(mut command) = unshare() else {
        return skip("netns", "`unshare` makes no network namespace for this user");
    };
    let program = env::current_exe().expect("a running test has a program");
    let output = command
        .arg(program)
        .args(["--ignored", "--exact", "--nocapture", name])
        .output()
        .expect("`unshare` was there a moment ago");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    eprintln!("{said}");
    assert!(output.status.success(), "{name} failed in its namespace");
    assert!(said.contains("1 passed"), "there is no ignored test {name}");
}

/// The command that runs what follows in a new network namespace, if there is one for us.
fn unshare() -> Option<Command> {
    [&["--net"][..], &["--user", "--map-root-user", "--net"]].into_iter().find_map(|arguments| {
        let works = Command::new("unshare").args(arguments).arg("true").output().is_ok_and(|o| o.status.success());
        works.then(|| {
            let mut command = Command::new("unshare");
            command.args(arguments).arg("--");
            command
        })
    })
}
