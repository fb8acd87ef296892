//! Claims on a terminal: counts, and a list of what is not done and why.

use std::fmt::{self, Display, Formatter};

use super::{Claim, Claims, Level, Status};

impl Display for Claims {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title)?;
        counts(self, f)?;
        for status in [Status::NotDone, Status::NotApplicable] {
            list(self, status, f)?;
        }
        Ok(())
    }
}

fn counts(claims: &Claims, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "{:<12}", "")?;
    Status::ALL.iter().try_for_each(|status| write!(f, "{:>16}", status.name()))?;
    writeln!(f)?;
    for level in Level::ALL {
        let numbers = Status::ALL.map(|status| claims.of(level, status).count());
        if numbers.iter().any(|&number| number > 0) {
            write!(f, "{:<12}", level.name())?;
            numbers.iter().try_for_each(|number| write!(f, "{number:>16}"))?;
            writeln!(f)?;
        }
    }
    Ok(())
}

fn list(claims: &Claims, status: Status, f: &mut Formatter<'_>) -> fmt::Result {
    let mut listed: Vec<&Claim> = claims.claims.iter().filter(|claim| claim.status == status).collect();
    listed.sort_by_key(|claim| claim.level);
    if !listed.is_empty() {
        writeln!(f, "\n{}:", status.name())?;
    }
    for claim in listed {
        writeln!(f, "  {:<8} {:<10} {}\n           {}", claim.id, claim.level.name(), claim.feature, claim.says)?;
    }
    Ok(())
}
