//! What scripts let pass on a stack.
//!
//! Scripts that were written for one stack assert its habits: the order of options, windows to the octet, the names of
//! errors. A profile says for another stack which of its habits are as good, see [`Rules`]. What a rule lets pass is told
//! with every verdict. Without a profile nothing passes that is not as written.

use serde::{Deserialize, Serialize};

use crate::run::Rules;
use crate::settings::{self, Committed, SettingsError};

/// The profiles of this repository.
pub const COMMITTED: Committed = &[
    ("lockstep", include_str!("../../profiles/lockstep.toml")),
    ("linux", include_str!("../../profiles/linux.toml")),
    ("smoltcp", include_str!("../../profiles/smoltcp.toml")),
    ("freebsd", include_str!("../../profiles/freebsd.toml")),
];

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The stack, and for which scripts this is.
    pub about: String,
    /// What passes.
    #[serde(default)]
    pub rules: Rules,
}

impl Profile {
    /// The profile with this name, or in this file.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] says in one sentence what is wrong.
    pub fn named(name: &str) -> Result<Self, SettingsError> {
        settings::named("profile", COMMITTED, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_of_this_repository_can_be_read_and_only_lockstep_needs_none() {
        for (name, _) in COMMITTED {
            let profile = Profile::named(name).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(profile.rules == Rules::STRICT, *name == "lockstep", "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_one_sentence() {
        let told = |text: &str| settings::parse::<Profile>("my.toml", text).expect_err(text).to_string();
        let unknown = told("about = \"x\"\n[rules]\noption = \"set\"\n");
        assert!(unknown.starts_with("my.toml:3: unknown field `option`, expected one of `options`"), "{unknown}");
        let value = told("about = \"x\"\n\n[rules]\nwindow = \"large\"\n");
        assert!(value.starts_with("my.toml:4: unknown variant `large`, expected one of `exact`"), "{value}");
        assert!(told("about = 1").starts_with("my.toml:1: invalid type"));
        assert!(told("about = \"x\"\nabout = \"y\"").starts_with("my.toml:2: duplicate key"));
        let none = Profile::named("minix").expect_err("there is none").to_string();
        assert!(none.starts_with("there is no profile `minix`, nor can a file of this name be read"), "{none}");
        assert!(none.ends_with("say lockstep, linux, smoltcp, freebsd, or where it is"), "{none}");
        assert!(!unknown.contains('\n') && !value.contains('\n'));
    }
}
