//! What every congestion control must do, whatever the receiver does.

use proptest::prelude::*;

use super::*;

const SMSS: u32 = 1000;

/// What may befall a connection.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Ack { octets: u32, after: u64, rtt: u64, app_limited: bool },
    Loss { in_flight: u32 },
    Recovery { cwnd: u32 },
    Recovered,
    Rto { in_flight: u32, first: bool },
    Ecn { in_flight: u32 },
    Spurious,
    Idle,
    Mss { smss: u32 },
    LostSyn,
}

fn anything() -> impl Strategy<Value = Happens> {
    // Windows of up to 2^32 octets, days of silence.
    let ack = (any::<u32>(), 0_u64..1 << 38, 0_u64..1 << 27, prop::bool::weighted(0.1));
    prop_oneof![
        20 => ack.prop_map(|(octets, after, rtt, app_limited)| Happens::Ack { octets, after, rtt, app_limited }),
        20 => (1_u32..100_000, 0_u64..50_000, 1_u64..200_000)
            .prop_map(|(octets, after, rtt)| Happens::Ack { octets, after, rtt, app_limited: false }),
        2 => any::<u32>().prop_map(|in_flight| Happens::Loss { in_flight }),
        1 => any::<u32>().prop_map(|cwnd| Happens::Recovery { cwnd }),
        2 => Just(Happens::Recovered),
        1 => (any::<u32>(), any::<bool>()).prop_map(|(in_flight, first)| Happens::Rto { in_flight, first }),
        1 => any::<u32>().prop_map(|in_flight| Happens::Ecn { in_flight }),
        1 => Just(Happens::Spurious),
        1 => Just(Happens::Idle),
        1 => any::<u32>().prop_map(|smss| Happens::Mss { smss }),
        1 => Just(Happens::LostSyn),
    ]
}

fn an_algorithm() -> impl Strategy<Value = CongestionConfig> {
    let algorithm = prop_oneof![Just(Algorithm::NewReno), Just(Algorithm::Cubic)];
    (algorithm, any::<bool>(), 0_u8..10).prop_map(|(algorithm, hystart, slow_start_limit)| CongestionConfig {
        algorithm,
        hystart,
        slow_start_limit,
        ..CongestionConfig::default()
    })
}

/// A connection and its clock.
struct Flow {
    now: Instant,
    control: Controller,
}

impl Flow {
    fn new(config: CongestionConfig) -> Self {
        Self { now: Instant::ZERO, control: Controller::new(1000, config) }
    }

    fn after(config: CongestionConfig, past: &[Happens]) -> Self {
        let mut flow = Self::new(config);
        past.iter().for_each(|&happens| flow.happens(happens));
        flow
    }

    fn ack(&mut self, octets: u32, rtt: u64, app_limited: bool) {
        let (now, rtt) = (self.now, Some(Micros::new(rtt)));
        let in_flight = self.control.cwnd().max(octets);
        self.control.on_ack(&Acked { now, octets, rtt, srtt: rtt, in_flight, app_limited });
    }

    fn happens(&mut self, happens: Happens) {
        let Self { now, control } = self;
        match happens {
            Happens::Ack { octets, after, rtt, app_limited } => {
                *now += Micros::new(after);
                self.ack(octets, rtt, app_limited);
            }
            Happens::Loss { in_flight } => control.on_loss(*now, in_flight),
            Happens::Recovery { cwnd } => control.on_recovery(cwnd),
            Happens::Recovered => control.on_recovered(*now),
            Happens::Rto { in_flight, first } => control.on_rto(*now, in_flight, first),
            Happens::Ecn { in_flight } => control.on_ecn(*now, in_flight),
            Happens::Spurious => control.on_spurious(*now),
            Happens::Idle => control.on_idle(*now),
            Happens::Mss { smss } => control.on_mss(smss),
            Happens::LostSyn => control.on_established_after_lost_syn(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn never_below_one_segment_and_never_a_panic(
        config in an_algorithm(),
        events in prop::collection::vec(anything(), 0..100),
    ) {
        let mut flow = Flow::new(config);
        let mut smss = SMSS;
        for happens in events {
            if let Happens::Mss { smss: new } = happens {
                smss = new.clamp(1, 65_535);
            }
            flow.happens(happens);
            prop_assert!(flow.control.cwnd() >= smss);
            prop_assert!(flow.control.ssthresh() >= 2);
        }
    }

    /// ACK division and stretch ACKs: however a window's worth of octets is cut into acknowledgments, it opens the window at
    /// most twofold, and never closes it.
    #[test]
    fn a_window_of_acks_at_most_doubles_the_window(
        config in an_algorithm(),
        past in prop::collection::vec(anything(), 0..40),
        cuts in prop::collection::vec(1_u32..3000, 1..100),
        rtt in 1_u64..1_000_000,
    ) {
        let mut flow = Flow::after(config, &past);
        let before = flow.control.cwnd();
        let mut left = before;
        for (n, cut) in cuts.iter().enumerate() {
            let octets = if n + 1 == cuts.len() { left } else { (*cut).min(left) };
            left -= octets;
            flow.now += Micros::new(rtt / u64::try_from(cuts.len()).unwrap());
            let window = flow.control.cwnd();
            flow.ack(octets, rtt, false);
            prop_assert!(flow.control.cwnd() >= window);
        }
        prop_assert!(flow.control.cwnd() <= before.saturating_mul(2));
    }

    /// An optimistic receiver acknowledges what he has not received, but nothing that was not sent: so his window grows by no
    /// more than what was really sent.
    #[test]
    fn the_window_grows_by_no_more_than_was_acknowledged(
        config in an_algorithm(),
        acks in prop::collection::vec((1_u32..100_000, 0_u64..1000), 1..200),
    ) {
        let mut flow = Flow::new(config);
        let mut bound = u64::from(flow.control.cwnd());
        for (wish, after) in acks {
            let octets = wish.min(flow.control.cwnd());
            flow.now += Micros::new(after);
            flow.ack(octets, after.max(1), false);
            // One segment for a window in congestion avoidance is more than that only if the window is smaller.
            bound += u64::from(octets);
            prop_assert!(u64::from(flow.control.cwnd()) <= bound);
        }
    }

    #[test]
    fn congestion_never_opens_the_window(
        config in an_algorithm(),
        past in prop::collection::vec(anything(), 0..40),
        in_flight: u32,
        how in 0..3,
    ) {
        let mut flow = Flow::after(config, &past);
        let before = flow.control.cwnd();
        let happens = match how {
            0 => Happens::Loss { in_flight },
            1 => Happens::Ecn { in_flight },
            _ => Happens::Rto { in_flight, first: true },
        };
        flow.happens(happens);
        prop_assert!(flow.control.cwnd() <= before);
    }

    #[test]
    fn what_was_no_congestion_leaves_no_trace(
        config in an_algorithm(),
        past in prop::collection::vec(anything(), 0..40),
        timeout: bool,
        during in prop::collection::vec(any::<u32>(), 0..3),
    ) {
        let mut flow = Flow::after(config, &past);
        // Nothing to undo, before as after.
        flow.happens(Happens::Spurious);
        let before = flow.control.clone();
        let in_flight = before.cwnd();
        flow.happens(if timeout { Happens::Rto { in_flight, first: true } } else { Happens::Loss { in_flight } });
        if timeout {
            during.iter().for_each(|_| flow.happens(Happens::Rto { in_flight, first: false }));
        } else {
            during.iter().for_each(|&cwnd| flow.happens(Happens::Recovery { cwnd: cwnd.min(in_flight - 1) }));
        }
        prop_assume!(flow.control.cwnd() < in_flight);
        flow.happens(Happens::Spurious);
        prop_assert_eq!(flow.control, before);
    }

    #[test]
    fn after_an_idle_time_the_window_is_at_most_the_initial_one(
        config in an_algorithm(),
        past in prop::collection::vec(anything(), 0..40),
    ) {
        let mut flow = Flow::after(config, &past);
        flow.happens(Happens::Mss { smss: SMSS });
        let (before, threshold) = (flow.control.cwnd(), flow.control.ssthresh());
        flow.happens(Happens::Idle);
        prop_assert_eq!(flow.control.cwnd(), before.min(10 * SMSS));
        prop_assert_eq!(flow.control.ssthresh(), threshold);
    }

    #[test]
    fn unused_windows_do_not_grow(
        config in an_algorithm(),
        past in prop::collection::vec(anything(), 0..40),
        octets: u32,
        after in 0_u64..1 << 38,
    ) {
        let mut flow = Flow::after(config, &past);
        let before = flow.control.cwnd();
        flow.happens(Happens::Ack { octets, after, rtt: 1000, app_limited: true });
        prop_assert_eq!(flow.control.cwnd(), before);
    }
}
