//! Two hosts of Lockstep on every kind of bad network, both sending at once: all arrives, octet by octet, nothing falls silent
//! while there is something to do, and nothing is left at the end.

use lockstep::device::impair::{Chance, Impairment};
use lockstep::device::prng::SplitMix64;
use lockstep::device::{Impaired, Pipe};
use lockstep::stack::CallError;
use lockstep::time::{Instant, Micros};
use lockstep_model::State;

use super::host::{Host, MTU};
use super::ours::Ours;
use super::transfer::{DOOMSDAY, RECEIVER, SENDER, config, text};

/// Octets in each direction.
const OCTETS: usize = 300_000;

/// Losses in percent of the frames in each direction.
const LOSSES: [u32; 6] = [0, 1, 5, 10, 20, 30];

const SEEDS: u64 = 20;

/// What a silence may have besides a timeout: the way of the frame that breaks it, and the ARP that precedes the first.
const SLACK: Micros = Micros::from_secs(2);

#[test]
fn loss_alone() {
    soak(|loss, random| Impairment {
        loss: Chance::percent(loss),
        delay: Micros::from_millis(random.below(100)),
        ..Impairment::default()
    });
}

#[test]
fn loss_with_a_quarter_reordered_and_a_tenth_doubled() {
    soak(|loss, random| Impairment {
        loss: Chance::percent(loss),
        duplicate: Chance::percent(10),
        reorder: Chance::percent(25),
        reorder_by: Micros::from_millis(random.below(50)),
        delay: Micros::from_millis(random.below(50)),
        ..Impairment::default()
    });
}

#[test]
fn loss_with_corruption_and_jitter() {
    soak(|loss, random| Impairment {
        loss: Chance::percent(loss),
        corrupt: Chance::percent(2),
        delay: Micros::from_millis(random.below(50)),
        jitter: Micros::from_millis(random.below(100)),
        ..Impairment::default()
    });
}

fn soak(weather: impl Fn(u32, &mut SplitMix64) -> Impairment) {
    let texts = [1, 2].map(|seed| text(OCTETS, seed));
    for loss in LOSSES {
        for seed in 0..SEEDS {
            let mut random = SplitMix64::new(seed);
            let impairment = weather(loss, &mut random);
            println!("seed {seed}, {impairment:?}");
            let took = exchange(impairment, &texts, &mut random);
            println!("    took {took} s");
        }
    }
}

/// Both send their text and close; returns how long it took until each had all of the other's.
fn exchange(impairment: Impairment, texts: &[Vec<u8>; 2], random: &mut SplitMix64) -> Micros {
    let (near, far) = Pipe::pair(MTU, 1 << 20);
    let mut cable = |pipe| Impaired::new(pipe, random.next_u64(), impairment, Impairment::default());
    let mut ends = [
        End::new(Ours::client(1, config(SENDER, 1 << 16), cable(near), RECEIVER)),
        End::new(Ours::server(2, config(RECEIVER, 1 << 16), cable(far))),
    ];
    let mut watch = Watch::default();
    let mut now = Instant::ZERO;
    let mut done = None;
    loop {
        while ends.each_mut().map(|end| end.host.round(now)).contains(&true) {
            let [one, two] = &mut ends;
            one.talk(now, &texts[0], &texts[1]);
            two.talk(now, &texts[1], &texts[0]);
            watch.look(now, &mut ends);
        }
        if done.is_none() && ends.iter().all(|end| end.is_done) {
            done = Some(now.since(Instant::ZERO));
        }
        let next = ends.iter_mut().filter_map(|end| end.host.wakes_at(now)).min();
        match (next, done) {
            (Some(next), _) => now = next,
            (None, Some(took)) => {
                assert!(ends.iter().all(|end| end.host.stack.connections() == 0));
                return took;
            }
            (None, None) => panic!("stalled at {now}"),
        }
        assert!(now < Instant::ZERO + DOOMSDAY, "no end in sight at {now}");
    }
}

/// A host and its user.
struct End {
    host: Ours,
    written: usize,
    read: usize,
    has_closed: bool,
    is_done: bool,
}

impl End {
    fn new(host: Ours) -> Self {
        Self { host, written: 0, read: 0, has_closed: false, is_done: false }
    }

    /// The retransmission timeout of its connection, if it has one.
    fn timeout(&mut self, now: Instant) -> Option<Micros> {
        let id = self.host.id?;
        self.host.stack.status(now, id).ok().map(|status| status.rto)
    }

    /// Sends what it can of `mine`, expects `theirs`, and leaves when that is acknowledged and both are through.
    fn talk(&mut self, now: Instant, mine: &[u8], theirs: &[u8]) {
        let Some(id) = self.host.id.filter(|_| !self.is_done) else { return };
        self.written += self.host.write(now, &mine[self.written..]);
        if self.written == mine.len() && !self.has_closed {
            self.host.close(now);
            self.has_closed = true;
        }
        let mut buf = [0; 4096];
        loop {
            match self.host.stack.receive(now, id, &mut buf) {
                Ok(0) => {
                    assert_eq!(self.read, theirs.len(), "a premature end");
                    if matches!(self.host.stack.state_of(id), Some(State::TimeWait | State::Closed) | None) {
                        self.host.stack.release(now, id).unwrap();
                        self.is_done = true;
                    }
                    return;
                }
                Ok(len) => {
                    assert!(theirs.get(self.read..self.read + len) == Some(&buf[..len]), "wrong text at {}", self.read);
                    self.read += len;
                }
                Err(CallError::WouldBlock) => return,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Sees to it that the wire is not silent for longer than a timeout, as far as it is backed off. Text that waits for a timer
/// that nobody has set would wait for ever, or until some other timer comes to its help.
#[derive(Default)]
struct Watch {
    frames: u64,
    since: Instant,
    timeout: Micros,
}

impl Watch {
    fn look(&mut self, now: Instant, ends: &mut [End; 2]) {
        let frames = ends.iter().map(|end| end.host.sent()).sum();
        if frames == self.frames || ends.iter().all(|end| end.is_done) {
            return;
        }
        let silence = now.since(self.since);
        assert!(silence <= self.timeout + SLACK, "silence of {silence} s until {now}, timeout {}", self.timeout);
        let timeouts = ends.iter_mut().filter_map(|end| end.timeout(now));
        *self = Self { frames, since: now, timeout: timeouts.max().unwrap_or_default() };
    }
}
