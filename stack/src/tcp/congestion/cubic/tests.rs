//! CUBIC compared with floating point, with the closed forms of RFC 9438, and with its sentences.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;

const SMSS: u32 = 1000;

/// A flow in congestion avoidance, whose window is `cwnd` segments and was `w_max` before.
fn flow(w_max: u32, config: CongestionConfig) -> Cubic {
    let mut cubic = Cubic::new(1000, CongestionConfig { hystart: false, ..config });
    cubic.on_recovery(w_max * SMSS);
    cubic.on_loss(Instant::ZERO, w_max * SMSS);
    cubic.on_recovered(Instant::ZERO);
    cubic
}

fn ack(cubic: &mut Cubic, now: Instant, octets: u32, rtt: Micros) {
    let in_flight = cubic.cwnd();
    cubic.on_ack(&Acked { now, octets, rtt: Some(rtt), srtt: Some(rtt), in_flight, app_limited: false });
}

/// A window is acknowledged, segment by segment, evenly over a round trip.
fn round(cubic: &mut Cubic, now: &mut Instant, rtt: Micros) -> u32 {
    let segments = cubic.cwnd() / SMSS;
    for n in 0..segments {
        let at = *now + Micros::new(rtt.get() * u64::from(n) / u64::from(segments));
        ack(cubic, at, SMSS, rtt);
    }
    *now += rtt;
    segments
}

fn seconds(span: Micros) -> f64 {
    let millis = u32::try_from(span.get() / 1000).unwrap();
    let micros = u32::try_from(span.get() % 1000).unwrap();
    f64::from(millis) / 1e3 + f64::from(micros) / 1e6
}

/// Equation 1 in floating point.
fn curve(t: Micros, k: Micros, w_max: u32, smss: u32) -> f64 {
    0.4 * f64::from(smss) * (seconds(t) - seconds(k)).powi(3) + f64::from(w_max)
}

proptest! {
    /// Equation 2, up to windows of 2^32 octets.
    #[test]
    fn k_is_exact_to_a_microsecond(missing: u32, smss in 1_u32..=65_535) {
        let k = time_to_plateau(missing, smss);
        let exact = (f64::from(missing) / f64::from(smss) / 0.4).cbrt();
        prop_assert!((seconds(k) - exact).abs() < 1.1e-6, "{k} {exact}");
    }

    /// Equation 1, over days.
    #[test]
    fn the_curve_is_exact_to_an_octet(
        t in 0_u64..300_000_000_000,
        k in 0_u64..2_000_000_000,
        w_max: u32,
        smss in 1_u32..=65_535,
    ) {
        let (t, k) = (Micros::new(t), Micros::new(k));
        let exact = curve(t, k, w_max, smss).clamp(0.0, f64::from(u32::MAX));
        // Twelve digits are what floating point is good for here.
        let error = (f64::from(w_cubic(t, k, w_max, smss)) - exact).abs();
        prop_assert!(error < 1.0 + exact.abs() * 1e-9, "{error}");
    }

    /// Far from K the cube is cut off where it makes no difference any more.
    #[test]
    fn the_ends_of_the_curve_saturate(k: u64, w_max: u32, smss in 1_u32..=65_535) {
        let far = Micros::new(FAR_FROM_K);
        prop_assert_eq!(w_cubic(Micros::new(k) + far, Micros::new(k), w_max, smss), u32::MAX);
        prop_assert_eq!(w_cubic(Micros::ZERO, Micros::new(k) + far, w_max, smss), 0);
    }

    /// At its beginning the curve is where the window is: K and W_cubic fit together.
    #[test]
    fn the_curve_begins_at_the_window(w_max: u32, less: u32, smss in 1_u32..=65_535) {
        let cwnd = w_max.saturating_sub(less);
        let epoch = Epoch::begin(Instant::ZERO, cwnd, Some(w_max), smss);
        let begins = epoch.w_cubic(Micros::ZERO, smss);
        // A microsecond of K is so much of the curve: 3 C K^2.
        let slope = 1.2 * f64::from(smss) * seconds(epoch.k).powi(2) / 1e6;
        prop_assert!((f64::from(begins) - f64::from(cwnd)).abs() <= slope + 2.0);
    }
}

#[test]
fn the_window_comes_back_to_its_maximum_after_k_and_stays_there_for_a_while() {
    // K = cbrt(0.3 * 1000 / 0.4) = 9.09 seconds.
    let mut cubic = flow(1000, CongestionConfig::default());
    let (mut now, rtt) = (Instant::ZERO, Micros::from_millis(100));
    assert_eq!(cubic.cwnd(), 700 * SMSS);
    let mut at = |cubic: &mut Cubic, millis| {
        while now < Instant::ZERO + Micros::from_millis(millis) {
            round(cubic, &mut now, rtt);
        }
        cubic.cwnd() / SMSS
    };
    assert!((850..862).contains(&at(&mut cubic, 2_000)), "{}", cubic.cwnd());
    assert!((970..980).contains(&at(&mut cubic, 5_000)), "{}", cubic.cwnd());
    assert!((999..=1001).contains(&at(&mut cubic, 9_100)), "{}", cubic.cwnd());
    assert!((1000..1008).contains(&at(&mut cubic, 11_000)), "{}", cubic.cwnd());
    assert!((1500..1560).contains(&at(&mut cubic, 20_000)), "{}", cubic.cwnd());
}

/// The average window, in segments, when one segment in `period` is lost.
fn average_window(period: u32, rtt: Micros) -> f64 {
    let mut cubic = flow(20, CongestionConfig::default());
    let (mut now, mut since, mut rounds, mut sum) = (Instant::ZERO, 0, 0_u32, 0.0);
    let mut losses = 0;
    while losses < 60 {
        let sent = round(&mut cubic, &mut now, rtt);
        since += sent;
        if losses >= 20 {
            rounds += 1;
            sum += f64::from(sent);
        }
        if since >= period {
            since -= period;
            losses += 1;
            let in_flight = cubic.cwnd();
            cubic.on_loss(now, in_flight);
            cubic.on_recovered(now);
        }
    }
    sum / f64::from(rounds)
}

/// RFC 9438 §5.2, equation 6: 1.054 * (RTT^3 / p^3)^(1/4) segments, where the cube rules.
#[test]
fn long_round_trips_have_the_window_of_equation_6() {
    for (period, millis) in [(100_000, 100), (1_000_000, 100), (1_000_000, 50)] {
        let expected = 1.054 * (seconds(Micros::from_millis(millis)) * f64::from(period)).powf(0.75);
        let average = average_window(period, Micros::from_millis(millis));
        assert!((average / expected - 1.0).abs() < 0.05, "{average} instead of {expected}");
    }
}

/// RFC 9438 §4.3, equations 3 and 4: NewReno's 1.22 / sqrt(p) segments, where that is more.
#[test]
fn short_round_trips_have_the_window_of_newreno() {
    for period in [1_000, 10_000] {
        let expected = (1.5 * f64::from(period)).sqrt();
        let average = average_window(period, Micros::from_millis(1));
        assert!((average / expected - 1.0).abs() < 0.05, "{average} instead of {expected}");
    }
}

#[test]
fn a_flow_that_did_not_come_back_to_its_maximum_leaves_room_for_others() {
    let mut cubic = flow(1000, CongestionConfig::default());
    cubic.on_loss(Instant::ZERO, 700 * SMSS);
    assert_eq!((cubic.past.w_max.map(NonZeroU32::get), cubic.past.cwnd_prior), (Some(595 * SMSS), 700 * SMSS));
    let mut slow = flow(1000, CongestionConfig { fast_convergence: false, ..CongestionConfig::default() });
    slow.on_loss(Instant::ZERO, 700 * SMSS);
    assert_eq!(slow.past.w_max.map(NonZeroU32::get), Some(700 * SMSS));
}

#[test]
fn after_a_timeout_the_first_stage_begins_at_its_plateau() {
    let mut cubic = flow(100, CongestionConfig::default());
    cubic.on_rto(Instant::ZERO, 60 * SMSS, true);
    assert_eq!((cubic.cwnd(), cubic.ssthresh()), (SMSS, 42 * SMSS));
    cubic.on_rto(Instant::ZERO, SMSS, false);
    assert_eq!(cubic.ssthresh(), 42 * SMSS);
    let mut now = Instant::ZERO;
    for _ in 0..8 {
        round(&mut cubic, &mut now, Micros::from_millis(100));
    }
    let epoch = cubic.past.epoch.unwrap();
    assert_eq!((epoch.k, epoch.plateau), (Micros::ZERO, 42 * SMSS));
}

#[test]
fn a_window_that_is_not_used_does_not_grow_and_no_time_passes_for_it() {
    let mut cubic = flow(1000, CongestionConfig::default());
    let (mut now, rtt) = (Instant::ZERO, Micros::from_millis(100));
    for _ in 0..10 {
        round(&mut cubic, &mut now, rtt);
    }
    let before = (cubic.cwnd(), cubic.past.epoch.as_ref().unwrap().elapsed);
    for second in 0..60 {
        now += Micros::from_secs(1);
        let (octets, in_flight) = (SMSS, 3 * SMSS);
        cubic.on_ack(&Acked { now, octets, rtt: None, srtt: Some(rtt), in_flight, app_limited: true });
        assert_eq!((cubic.cwnd(), cubic.past.epoch.as_ref().unwrap().elapsed), before, "{second}");
    }
    // What follows is counted from the last acknowledgment, whatever it was for.
    now += Micros::from_millis(10);
    ack(&mut cubic, now, SMSS, rtt);
    assert_eq!(cubic.past.epoch.as_ref().unwrap().elapsed, before.1 + Micros::from_millis(10));
    // Nor does time pass in a silence that was too short for a restart.
    now += Micros::from_millis(900);
    ack(&mut cubic, now, SMSS, rtt);
    assert_eq!(cubic.past.epoch.as_ref().unwrap().elapsed, before.1 + Micros::from_millis(210));
}

#[test]
fn one_ack_of_several_windows_counts_as_one_window() {
    let (now, rtt) = (Instant::ZERO, Micros::from_millis(100));
    let [one, many] = [1, 10].map(|windows| {
        let mut cubic = flow(100, CongestionConfig::default());
        ack(&mut cubic, now, SMSS, rtt);
        ack(&mut cubic, now + rtt, windows * 70 * SMSS, rtt);
        cubic.cwnd()
    });
    assert!(many - one < SMSS, "{one} {many}");
}

#[test]
fn a_mark_reduces_like_a_loss_and_cannot_be_undone() {
    let mut cubic = flow(100, CongestionConfig::default());
    cubic.on_ecn(Instant::ZERO, 70 * SMSS);
    assert_eq!((cubic.cwnd(), cubic.ssthresh()), (49 * SMSS, 49 * SMSS));
    let reduced = cubic.clone();
    cubic.on_spurious(Instant::ZERO);
    assert_eq!(cubic, reduced);
}
