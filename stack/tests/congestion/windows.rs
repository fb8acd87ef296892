//! One flow on its own: how its window moves.

use lockstep::tcp::congestion::{Algorithm, CongestionConfig};
use lockstep::time::{Instant, Micros};

use super::dumbbell::{Flow, Line, Sample, run};
use super::kept::compare;
use super::plot::{Curve, Drawing, Panel};

/// Ten megabits per second, a round trip of 100 ms without waiting, and as much in the queue as on the way.
const LINE: Line = Line { rate: 1_250_000, queue: 125_000, rtt: Micros::from_millis(100) };

const SECONDS: u32 = 60;

/// Kilobytes that line and queue hold together.
const FULL: f64 = 250.0;

#[test]
fn windows_over_time() {
    let both = [
        ("NewReno (RFC 5681): one segment more per round trip, half of all at a loss", Algorithm::NewReno),
        ("CUBIC (RFC 9438): back to seven tenths, then to the old maximum along a cubic curve", Algorithm::Cubic),
    ];
    let courses = both.map(|(title, algorithm)| {
        let congestion = CongestionConfig { algorithm, ..CongestionConfig::default() };
        let flow = Flow { congestion, ..Flow::default() };
        let samples = run(LINE, &[flow], Micros::from_secs(SECONDS.into()), Micros::from_millis(20));
        (title, algorithm, samples)
    });
    let panels = courses.iter().map(|(title, _, samples)| panel(title, samples)).collect();
    let title = "Congestion windows on a line of 10 Mbit/s, 100 ms round trip, 125 kB queue";
    compare("congestion.svg", &Drawing { title, panels }.to_svg());
    courses.iter().for_each(|(_, algorithm, samples)| judge(*algorithm, samples));
}

/// The line is never idle for long, and the window has been too large several times.
fn judge(algorithm: Algorithm, samples: &[Sample]) {
    let last = samples.last().unwrap();
    let share = last.flows[0].received * 100 / (LINE.rate * u64::from(SECONDS));
    let moments = moments(samples);
    let overflows = 1 + moments.windows(2).filter(|pair| pair[1] - pair[0] > 1.0).count();
    println!("{algorithm:?}: {share} % of the line, {overflows} overflows");
    assert!(share >= 90, "{algorithm:?}: {share} % of the line");
    assert!((4..=15).contains(&overflows), "{algorithm:?}: {overflows} overflows");
}

fn panel<'a>(title: &str, samples: &[Sample]) -> Panel<'a> {
    let curve = |of: fn(&Sample) -> u32| {
        let points = samples.iter().map(|sample| (seconds(sample.at), f64::from(of(sample)) / 1000.0));
        points.collect::<Vec<_>>()
    };
    // Before the first loss the threshold is as high as can be, and above everything.
    let threshold = curve(|sample| sample.flows[0].ssthresh).into_iter().filter(|&(_, height)| height < 1e6).collect();
    Panel {
        title: title.to_owned(),
        y_label: "kilobytes",
        x_max: f64::from(SECONDS),
        x_step: 5.0,
        y_max: 400.0,
        y_step: 50.0,
        curves: vec![
            Curve { name: "cwnd", colour: "#1f5fa8", dashed: false, points: curve(|sample| sample.flows[0].cwnd) },
            Curve { name: "ssthresh", colour: "#e08214", dashed: true, points: threshold },
        ],
        marks: Some(("the queue overflows", moments(samples))),
        level: Some(("line and queue are full", FULL)),
    }
}

/// When frames were dropped.
fn moments(samples: &[Sample]) -> Vec<f64> {
    let pairs = samples.windows(2).filter(|pair| pair[1].dropped > pair[0].dropped);
    pairs.map(|pair| seconds(pair[1].at)).collect()
}

pub fn seconds(at: Instant) -> f64 {
    f64::from(u32::try_from(at.as_micros() / 1000).unwrap()) / 1e3
}
