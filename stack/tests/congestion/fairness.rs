//! Two flows, the second some seconds later than the first: do they come to share the line?

use lockstep::tcp::congestion::Algorithm::{self, Cubic, NewReno};
use lockstep::tcp::congestion::CongestionConfig;
use lockstep::time::{Instant, Micros};

use super::dumbbell::{Flow, Line, Sample, run};
use super::kept::compare;
use super::plot::{Curve, Drawing, Panel};
use super::windows::seconds;

/// Ten megabits per second, 40 ms, and a queue of as much again.
const LINE: Line = Line { rate: 1_250_000, queue: 50_000, rtt: Micros::from_millis(40) };

const SECONDS: u32 = 100;

/// When the second flow begins.
const LATER: Micros = Micros::from_secs(10);

/// From then on it counts.
const SETTLED: Micros = Micros::from_secs(40);

/// So many samples are taken in a second; what is drawn is an average over one.
const PER_SECOND: usize = 4;

#[test]
fn two_flows_share_the_line() {
    let courses =
        [(NewReno, NewReno, 0.9), (Cubic, Cubic, 0.9), (NewReno, Cubic, 0.5)].map(|(first, second, least)| {
            let flow = |algorithm, begins| {
                let congestion = CongestionConfig { algorithm, ..CongestionConfig::default() };
                Flow { congestion, begins, ..Flow::default() }
            };
            let flows = [flow(first, Instant::ZERO), flow(second, Instant::ZERO + LATER)];
            let interval = Micros::new(1_000_000 / u64::try_from(PER_SECOND).unwrap());
            let samples = run(LINE, &flows, Micros::from_secs(SECONDS.into()), interval);
            (first, second, least, samples)
        });
    let panels = courses.iter().map(|(first, second, _, samples)| panel((*first, *second), judge(samples).0, samples));
    let title = "Two flows on a line of 10 Mbit/s, 40 ms round trip, 50 kB queue";
    compare("fairness.svg", &Drawing { title, panels: panels.collect() }.to_svg());
    for (first, second, least, samples) in &courses {
        let (index, used) = judge(samples);
        println!("{first:?} and {second:?}: Jain's index {index:.3}, {:.0} % of the line", used * 100.0);
        assert!(index >= *least, "{first:?} and {second:?}: Jain's index {index}");
        assert!(used >= 0.85, "{first:?} and {second:?}: {used} of the line");
    }
}

/// Jain's index of what the flows had once they had settled, and which part of the line they used.
fn judge(samples: &[Sample]) -> (f64, f64) {
    let settled = samples.iter().find(|sample| sample.at >= Instant::ZERO + SETTLED).unwrap();
    let last = samples.last().unwrap();
    let shares: Vec<f64> = settled
        .flows
        .iter()
        .zip(&last.flows)
        .map(|(before, after)| f64::from(u32::try_from(after.received - before.received).unwrap()))
        .collect();
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    let flows = f64::from(u32::try_from(shares.len()).unwrap());
    let capacity = f64::from(u32::try_from(LINE.rate).unwrap()) * (seconds(last.at) - seconds(settled.at));
    (sum * sum / (flows * squares), sum / capacity)
}

fn panel<'a>((first, second): (Algorithm, Algorithm), index: f64, samples: &[Sample]) -> Panel<'a> {
    let curve = |flow: usize| {
        let pairs = samples.iter().zip(samples.iter().skip(PER_SECOND));
        let rate = |(before, after): (&Sample, &Sample)| {
            let octets = after.flows[flow].received - before.flows[flow].received;
            let megabits = f64::from(u32::try_from(octets).unwrap()) * 8.0 / 1e6;
            (seconds(after.at), megabits / (seconds(after.at) - seconds(before.at)))
        };
        pairs.map(rate).collect::<Vec<_>>()
    };
    Panel {
        title: format!("{first:?} and {second:?}: Jain's index {index:.2} from {} s on", SETTLED.get() / 1_000_000),
        y_label: "Mbit/s, averaged over 1 s",
        x_max: f64::from(SECONDS),
        x_step: 10.0,
        y_max: 12.0,
        y_step: 2.0,
        curves: vec![
            Curve { name: "first flow", colour: "#1f5fa8", dashed: false, points: curve(0) },
            Curve { name: "second flow", colour: "#e08214", dashed: false, points: curve(1) },
        ],
        marks: None,
        level: Some(("half of the line", 5.0)),
    }
}
