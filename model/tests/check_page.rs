//! The report as a page.

mod common;

use common::markup::elements;
use lockstep_model::check::environments::named;
use lockstep_model::check::html::page;
use lockstep_model::check::mutate::variant;
use lockstep_model::check::negatives::{CASES, Case, Negative, Shown, caught};
use lockstep_model::check::properties::Property;
use lockstep_model::check::{Report, run};
use lockstep_model::{Profile, Table};
use std::sync::LazyLock;

/// Two worlds, one of which has a property fall, and two wrong tables: one for an unsafe step, one for a packet war.
static CHECKED: LazyLock<(Report, Vec<Negative>, String)> = LazyLock::new(|| {
    let profile = Profile::Literal9293;
    let worlds = ["handshake", "attack"].map(|name| named(name, Table::of(profile)).expect("it exists"));
    let report = run(&worlds, profile, |_, _| {});
    let negatives: Vec<Negative> =
        ["two-way-handshake", "unthrottled-acks"].iter().filter_map(|name| caught(variant(name)?)).collect();
    let numbered: Vec<Shown> =
        CASES.iter().filter(|case| case.id == "N1" || case.id == "N15").map(Case::show).collect();
    let page = page(&report, Table::of(profile), &negatives, &numbered);
    (report, negatives, page)
});

#[test]
fn it_is_whole_and_loads_nothing() {
    let (_, _, page) = &*CHECKED;
    let elements = elements(page).unwrap_or_else(|wrong| panic!("{wrong}"));
    for needed in ["html", "title", "header", "main", "table", "details", "svg"] {
        assert!(elements.contains(&needed), "{needed}");
    }
    let loads = ["script", "link", "img", "iframe", "object", "image", "use"];
    assert!(!elements.iter().any(|element| loads.contains(element)), "{elements:?}");
    let harmless = ["href=\"https://www.rfc-editor.org/rfc/rfc", "xmlns=\"http://www.w3.org/2000/svg\""];
    let rest = harmless.iter().fold(page.clone(), |page, known| page.replace(known, ""));
    assert!(!rest.contains("://") && !rest.contains("@import") && !rest.contains("src=") && !rest.contains("url(h"));
}

#[test]
fn every_world_property_rule_and_negative_is_named() {
    let (report, negatives, page) = &*CHECKED;
    for world in &report.worlds {
        assert!(page.contains(&format!("id=\"world-{}\"", world.world)) && page.contains(world.question));
        assert!(world.bounds.iter().all(|line| page.contains(line.as_str())));
        for number in [world.states, world.transitions] {
            assert!(page.replace('\u{202f}', "").contains(&format!("{number} ")), "{number}");
        }
        for verdict in world.verdicts.iter().filter(|verdict| verdict.falls.is_some()) {
            assert!(page.contains(&format!("<b>{}</b> falls after", verdict.property)));
        }
    }
    for property in Property::ALL {
        assert!(page.contains(&format!("id=\"property-{property}\"")) && page.contains(property.gist()), "{property}");
    }
    for rule in Table::of(Profile::Literal9293).rules() {
        assert!(page.contains(&format!("id=\"rule-{}\"", rule.name)), "{}", rule.name);
    }
    assert_eq!(negatives.len(), 2);
    for negative in negatives {
        assert!(page.contains(&format!("<b>{}</b>", negative.id)), "{}", negative.id);
    }
    for (id, property) in [("N1", "S2"), ("N15", "L2")] {
        let (_, told) = page.split_once(&format!("<h3>{id} ")).expect("it has a heading");
        let told = told.split("<h3>").next().unwrap_or(told);
        assert!(told.contains(&format!("#property-{property}\"")), "{id}: {property}");
    }
}

#[test]
fn every_link_within_leads_somewhere() {
    let (_, _, page) = &*CHECKED;
    let targets: Vec<&str> = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(targets.len() > 100);
    for target in targets {
        assert_eq!(page.matches(&format!(" id=\"{target}\"")).count(), 1, "{target}");
    }
}

#[test]
fn what_segments_are_made_of_is_escaped() {
    let (_, _, page) = &*CHECKED;
    assert!(page.contains("&lt;SEQ=0&gt;&lt;CTL=SYN&gt;") && !page.contains("<SEQ"));
}

#[test]
fn a_verdict_that_nobody_expected_is_told_first() {
    let (report, negatives, page) = &*CHECKED;
    assert!(report.is_as_expected() && page.contains("Every verdict is the expected one."));
    let mut news = report.clone();
    let fallen = news.worlds[0].verdicts.iter_mut().find(|verdict| verdict.falls.is_some()).expect("to the letter");
    fallen.expected_to_fall = None;
    let page = lockstep_model::check::html::page(&news, Table::of(Profile::Literal9293), negatives, &[]);
    assert!(page.contains("Not every verdict is the expected one."));
    assert_eq!(page.matches('✗').count(), 3, "in the key, among the verdicts and in its world");
}
