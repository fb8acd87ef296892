//! The table as people see it.

mod common;

use common::markup::elements;
use lockstep_model::check::figure5::FIGURE;
use lockstep_model::render::diagram::Diagram;
use lockstep_model::render::diagram::geometry::{BOXES, HALF_BOX, Line, PAGE, Point, ROUTES, Route};
use lockstep_model::render::diagram::lettering::letter;
use lockstep_model::render::{diagram, markdown};
use lockstep_model::table::Next;
use lockstep_model::{Profile, Rule, State, Table};
use std::collections::BTreeSet;

#[test]
fn the_rules_that_the_stack_runs() {
    insta::assert_snapshot!("repaired", markdown::table(Table::repaired()));
}

#[test]
fn every_rule_has_a_row_of_eight_cells() {
    for profile in Profile::ALL {
        let text = markdown::table(Table::of(profile));
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), Table::of(profile).rules().len());
        assert!(rows.iter().all(|row| row.replace("\\|", "").matches('|').count() == 9), "{}", profile.name());
    }
}

#[test]
fn a_rule_changed_in_the_table_alone_changes_table_and_diagram() {
    let reopens = ["reopen/syn/newer-timestamp", "reopen/syn/new"];
    let without = Table::repaired().mutate(|rule| (!reopens.contains(&rule.name)).then_some(rule));
    assert!(diagram::mermaid(Table::repaired()).contains("TimeWait --> SynReceived"));
    assert!(!diagram::mermaid(&without).contains("TimeWait --> SynReceived"));
    assert!(!markdown::table(&without).contains("reopen/syn/new"));
}

#[test]
fn the_readme_shows_the_diagram_of_the_table_that_the_stack_runs() {
    let readme = include_str!("../../README.md");
    let diagram = diagram::mermaid(Table::repaired());
    assert!(readme.contains(diagram.trim()), "README.md shows another diagram than `table --format mermaid`");
}

#[test]
fn the_drawing_at_hand_is_that_of_the_table_that_the_stack_runs() {
    let drawn = include_str!("../states.svg");
    assert!(drawn == diagram::svg(Table::repaired()), "states.svg is another than `table --format svg` prints");
}

#[test]
fn graphviz_draws_the_same() {
    insta::assert_snapshot!("dot", diagram::dot(Table::repaired()));
}

#[test]
fn every_arrow_has_a_way_and_every_way_an_arrow() {
    let ends = |table: &Table| Diagram::of(table).arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect::<Vec<_>>();
    let arrows: BTreeSet<(State, State)> = tables().into_iter().flat_map(ends).collect();
    let ways: BTreeSet<(State, State)> = ROUTES.iter().map(|route| (route.from, route.to)).collect();
    assert_eq!(arrows, ways);
    assert_eq!(ways.len(), ROUTES.len(), "one way for each");
    let unrouted = |table: &Table| diagram::svg(table).contains("\"unrouted\"");
    assert!(!tables().into_iter().any(unrouted));
}

#[test]
fn an_arrow_without_a_way_is_told() {
    let astray = |rule: Rule| match rule.name {
        "fin/established" => Rule { next: Next::To(State::Listen), ..rule },
        _ => rule,
    };
    let svg = diagram::svg(&Table::repaired().mutate(|rule| Some(astray(rule))));
    assert!(svg.contains(">ESTABLISHED to LISTEN: rcv FIN / snd ACK</text>"));
}

#[test]
fn what_is_drawn_solid_is_what_figure_5_draws() {
    let solid = |route: &&Route| route.line == Line::Figure;
    let drawn: BTreeSet<_> = ROUTES.iter().filter(solid).map(|route| (route.from, route.to)).collect();
    let figure = FIGURE.iter().flat_map(|arrow| arrow.from.iter().map(|&from| (from, arrow.to))).collect();
    assert_eq!(drawn, figure);
}

#[test]
fn ways_run_straight_from_border_to_border_and_through_no_box() {
    for route in ROUTES {
        let [from, to] = [(route.from, route.points.first()), (route.to, route.points.last())]
            .map(|(state, point)| boxes(state).any(|around| point.is_some_and(|&point| is_on_border(point, around))));
        assert!(from && to, "{route:?}");
        for leg in route.points.windows(2) {
            assert!(leg[0].0 == leg[1].0 || leg[0].1 == leg[1].1, "{route:?}");
            let through = BOXES.iter().find(|&&(_, middle)| overlap(area(leg[0], leg[1]), inside(middle)));
            assert!(through.is_none(), "{route:?} runs through {through:?}");
        }
    }
}

#[test]
fn no_label_lies_on_another_or_on_a_box_or_on_the_way_of_another_arrow_or_off_the_page() {
    for table in tables() {
        let diagram = Diagram::of(table);
        let mut taken: Vec<(Area, String)> =
            BOXES.iter().map(|&(state, middle)| (inside(middle), state.to_string())).collect();
        let drawn = |route: &&Route| diagram.arrows.iter().any(|arrow| route.joins(arrow));
        for route in ROUTES {
            for arrow in diagram.arrows.iter().filter(|arrow| route.joins(arrow)) {
                let others = ROUTES.iter().filter(drawn).filter(|other| other.points != route.points);
                let legs: Vec<&[Point]> = others.flat_map(|other| other.points.windows(2)).collect();
                for words in letter(&arrow.labels, route).words {
                    let place = words.place();
                    let under = taken.iter().find(|(area, _)| overlap(*area, place));
                    assert!(under.is_none(), "{words:?} on {under:?}");
                    let leg = legs.iter().find(|leg| overlap(area(leg[0], leg[1]), place));
                    assert!(leg.is_none(), "{words:?} on the way {leg:?}");
                    assert!(place.0.0 > 0 && place.0.1 > 0 && place.1.0 < PAGE.0 && place.1.1 < PAGE.1, "{words:?}");
                    taken.push((place, words.text));
                }
            }
        }
    }
}

#[test]
fn the_drawing_is_whole_and_names_every_rule_that_changes_the_state() {
    for table in tables() {
        let svg = diagram::svg(table);
        assert!(elements(&svg).is_ok(), "{:?}", elements(&svg));
        assert!(!svg.replace("http://www.w3.org/2000/svg", "").contains("://"), "it loads something");
        let diagram = Diagram::of(table);
        let marks: usize = diagram.notes.iter().map(|note| note.from.len() + 1).sum();
        assert_eq!(svg.matches("class=\"mark\"").count(), marks, "one in each box and one in the legend");
        let labels = diagram.arrows.iter().flat_map(|arrow| &arrow.labels);
        for rule in labels.chain(diagram.notes.iter().map(|note| &note.label)).flat_map(|label| &label.rules) {
            assert!(svg.contains(&format!("\n{rule}: RFC ")), "{rule}");
        }
    }
}

fn tables() -> Vec<&'static Table> {
    Profile::ALL.into_iter().map(Table::of).chain([Table::linux()]).collect()
}

/// Upper left and lower right.
type Area = (Point, Point);

fn area(a: Point, b: Point) -> Area {
    ((a.0.min(b.0), a.1.min(b.1)), (a.0.max(b.0), a.1.max(b.1)))
}

fn overlap((upper, lower): Area, (other_upper, other_lower): Area) -> bool {
    upper.0 <= other_lower.0 && other_upper.0 <= lower.0 && upper.1 <= other_lower.1 && other_upper.1 <= lower.1
}

fn boxes(state: State) -> impl Iterator<Item = Point> {
    BOXES.iter().filter(move |(here, _)| *here == state).map(|&(_, middle)| middle)
}

/// All of a box but its border.
fn inside((x, y): Point) -> Area {
    ((x - HALF_BOX.0 + 1, y - HALF_BOX.1 + 1), (x + HALF_BOX.0 - 1, y + HALF_BOX.1 - 1))
}

fn is_on_border((x, y): Point, (middle_x, middle_y): Point) -> bool {
    let (right, down) = ((x - middle_x).abs(), (y - middle_y).abs());
    (right == HALF_BOX.0 && down <= HALF_BOX.1) || (right <= HALF_BOX.0 && down == HALF_BOX.1)
}
