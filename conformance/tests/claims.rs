//! What is claimed is complete, and what it rests on exists.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lockstep_conformance::claims::{Claim, Claims, Level, Status};

fn requirements() -> Claims {
    Claims::requirements().unwrap()
}

#[test]
fn every_requirement_rests_on_evidence() {
    assert_eq!(requirements().faults(), [""; 0]);
}

#[test]
fn every_threat_rests_on_evidence() {
    assert_eq!(Claims::threats().unwrap().faults(), [""; 0]);
}

/// The RFC numbers MUST-1 to MUST-69, SHLD-1 to SHLD-31, MAY-1 to MAY-18 and REC-1.
#[test]
fn every_number_of_the_rfc_is_there() {
    let numbered = |prefix: &str, last: u8| (1..=last).map(|n| format!("{prefix}-{n}")).collect::<Vec<_>>();
    let all = [numbered("MUST", 69), numbered("SHLD", 31), numbered("MAY", 18), numbered("REC", 1)].concat();
    let requirements = requirements();
    let claimed: BTreeSet<&str> = requirements.claims.iter().map(|claim| claim.id.as_str()).collect();
    assert_eq!(claimed, all.iter().map(String::as_str).collect());
    assert_eq!(all.len(), 119);
}

/// The rows are those of Appendix B, word by word; where the RFC's text is at hand.
#[test]
fn the_rows_are_those_of_appendix_b() {
    let requirements = requirements();
    let rows: BTreeSet<_> = requirements.claims.iter().map(|claim| (&claim.id, &claim.feature)).collect();
    assert_eq!((requirements.claims.len(), rows.len()), (126, 126), "a row stands twice");
    let Some(folder) = std::env::var_os("RFC_DIR").map(PathBuf::from) else {
        println!("skipped: RFC_DIR names no folder with rfc9293.txt");
        return;
    };
    let text = std::fs::read_to_string(folder.join("rfc9293.txt")).unwrap();
    let (_, appendix) = text.rsplit_once("Appendix B.  TCP Requirement Summary").unwrap();
    let letters = |text: &str| text.replace("^1", "").replace(|c: char| !c.is_alphanumeric(), "");
    let rows: Vec<&str> = appendix.lines().filter(|line| line.contains('|')).collect();
    let printed = letters(&rows.iter().map(|row| row.split('|').nth(1).unwrap_or_default()).collect::<String>());
    for claim in &requirements.claims {
        assert!(printed.contains(&letters(&claim.feature)), "{} is called otherwise: {}", claim.id, claim.feature);
        assert!(appendix.contains(&claim.id), "{}", claim.id);
    }
}

#[test]
fn a_claim_that_cannot_be_believed_is_noticed() {
    let claim = |change: fn(&mut Claim)| {
        let mut claims = requirements();
        claims.claims.truncate(0);
        let mut claim = Claim {
            id: "MUST-0".to_owned(),
            level: Level::Must,
            section: "3.1".to_owned(),
            group: "Window".to_owned(),
            feature: "Be there".to_owned(),
            status: Status::Done,
            says: "It is.".to_owned(),
            evidence: vec!["rule:rst/open/reset".parse().unwrap()],
        };
        change(&mut claim);
        claims.claims.push(claim);
        claims.faults()
    };
    assert_eq!(claim(|_| {}), [""; 0]);
    assert_eq!(claim(|it| it.says.clear()), ["MUST-0 (Be there) says nothing"]);
    assert_eq!(claim(|it| it.evidence.clear()), ["MUST-0 (Be there) is done and nothing shows it"]);
    assert_eq!(claim(|it| it.status = Status::NotDone), ["MUST-0 (Be there) is not done"]);
    let missing = claim(|it| it.evidence.push("scenario:nowhere/at_all".parse().unwrap()));
    assert_eq!(missing, ["MUST-0 (Be there): there is no scenario nowhere/at_all"]);
    assert_eq!(claim(|it| (it.level, it.status) = (Level::May, Status::NotDone)), [""; 0]);
}

#[test]
fn the_page_is_whole_and_loads_nothing() {
    for claims in [requirements(), Claims::threats().unwrap()] {
        let page = claims.page();
        assert!(page.ends_with("</html>"));
        assert!(["http:", "https:", "<script", "src="].iter().all(|sign| !page.contains(sign)));
        for claim in &claims.claims {
            assert!(page.contains(&claim.id) && page.contains(claim.status.name()), "{}", claim.id);
        }
    }
}
