//! What people and programs are told: the matrix, the failures, and all of it as JSON and as JUnit XML.

pub mod brief;
pub mod html;
pub mod junit;
pub mod ladder;
pub mod matrix;
pub mod overview;
pub mod sign;

/// The folder of a scenario of this name, a section of the RFC for one of ours.
fn folder(scenario: &str) -> &str {
    scenario.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What sections are sorted by, so that 3.5 comes before 3.10: the name, with numbers as wide as any.
fn by_number(section: &str) -> String {
    let parts = section.split_inclusive(|c: char| !c.is_ascii_digit());
    let widened = parts.map(|part| match part.find(|c: char| !c.is_ascii_digit()) {
        Some(0) => part.to_owned(),
        Some(end) => format!("{:0>12}{}", &part[..end], &part[end..]),
        None => format!("{part:0>12}"),
    });
    widened.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_in_the_order_of_the_rfc() {
        let mut sections =
            ["rfc793", "3.10.2-send", "3.5.1-half_open", "rfc7323", "3.9", "3.5-establish", "3.10.7-arrive"];
        sections.sort_by_key(|section| by_number(section));
        let wanted = ["3.5-establish", "3.5.1-half_open", "3.9", "3.10.2-send", "3.10.7-arrive", "rfc793", "rfc7323"];
        assert_eq!(sections, wanted);
    }
}
