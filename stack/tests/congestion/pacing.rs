//! What pacing is good for: a queue too short for a burst does not overflow.

use lockstep::tcp::pacing::PacingConfig;
use lockstep::time::Micros;

use super::dumbbell::{Flow, Line, Sample, run};

/// Ten megabits per second, 100 ms, and a queue of six segments: shorter than an initial window.
const LINE: Line = Line { rate: 1_250_000, queue: 6 * 1514, rtt: Micros::from_millis(100) };

/// What was seen until the third window left, and the line is still far from full.
fn beginning(pacing: PacingConfig) -> Sample {
    let flow = Flow { pacing, ..Flow::default() };
    run(LINE, &[flow], Micros::from_millis(650), Micros::from_millis(650)).pop().unwrap()
}

#[test]
fn a_short_queue_takes_what_comes_at_a_pace() {
    let at_once = beginning(PacingConfig::default());
    let at_a_pace = beginning(PacingConfig { on: true, burst: 2 });
    println!("at once {at_once:?}\nat a pace {at_a_pace:?}");
    assert!(at_once.dropped > 0);
    assert_eq!(at_a_pace.dropped, 0);
    assert!(at_a_pace.flows[0].received > at_once.flows[0].received);
}
