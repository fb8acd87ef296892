//! Delay by loss by buffer, on lines without a bottleneck, as in smoltcp's own `netsim`: what random loss does to a stack.

use std::fmt::{self, Write as _};

use lockstep::device::impair::{Chance, Impairment};
use lockstep::time::Micros;
use smoltcp::socket::tcp::CongestionControl;

use super::host::Make;
use super::transfer::{Course, text, transfer};

/// Round trip times in milliseconds, losses per thousand frames in each direction, buffers in octets.
const DELAYS: [u64; 3] = [1, 10, 100];
const LOSSES: [u32; 5] = [0, 1, 10, 50, 200];
const BUFFERS: [usize; 3] = [1 << 16, 1 << 18, 1 << 20];

/// Runs of one cell.
const SEEDS: u64 = 4;

const LOCKSTEP: Make = Make::Lockstep;
const CUBIC: Make = Make::Smoltcp(CongestionControl::Cubic);
const RENO: Make = Make::Smoltcp(CongestionControl::Reno);
const UNRULY: Make = Make::Smoltcp(CongestionControl::None);

/// What they did under the same circumstances, in octets per second.
struct Cell {
    delay: u64,
    loss: u32,
    buffer: usize,
    /// smoltcp with itself.
    cubic: u64,
    reno: u64,
    unruly: u64,
    /// Lockstep with itself, to smoltcp, from smoltcp.
    ours: u64,
    to_cubic: u64,
    from_cubic: u64,
}

#[test]
fn delay_by_loss_by_buffer() {
    let mut table = String::from(HEAD.trim_start_matches('\n'));
    for delay in DELAYS {
        for loss in LOSSES {
            for buffer in BUFFERS {
                let cell = Cell::measure(delay, loss, buffer);
                writeln!(table, "{cell}").unwrap();
            }
        }
    }
    println!("{table}");
}

const HEAD: &str = "
Kilobytes per second.     | smoltcp to itself, controlled by | Lockstep to | Lockstep to | smoltcp to | first over the
   rtt    loss    buffers |    CUBIC       Reno      nothing |      itself |     smoltcp |   Lockstep | best lawful
";

impl Cell {
    fn measure(delay: u64, loss: u32, buffer: usize) -> Self {
        let rate = |from, to| rate(from, to, delay, loss, buffer);
        Self {
            delay,
            loss,
            buffer,
            cubic: rate(CUBIC, CUBIC),
            reno: rate(RENO, RENO),
            unruly: rate(UNRULY, UNRULY),
            ours: rate(LOCKSTEP, LOCKSTEP),
            to_cubic: rate(LOCKSTEP, CUBIC),
            from_cubic: rate(CUBIC, LOCKSTEP),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, tenth) = (self.loss / 10, self.loss % 10);
        write!(f, "{:>4} ms {percent:>3}.{tenth} % {:>5} KiB |", self.delay, self.buffer >> 10)?;
        let [cubic, reno, unruly, ours, to_cubic, from_cubic] =
            [self.cubic, self.reno, self.unruly, self.ours, self.to_cubic, self.from_cubic]
                .map(|rate| format!("{}.{}", rate / 1000, rate / 100 % 10));
        write!(f, " {cubic:>8} {reno:>10} {unruly:>12} |{ours:>12} |{to_cubic:>12} |{from_cubic:>11} |")?;
        let best = self.cubic.max(self.reno);
        write!(f, "{:>4}.{:02}", self.ours / best, self.ours * 100 / best % 100)
    }
}

/// Octets per second, over all seeds.
fn rate(from: Make, to: Make, delay: u64, loss: u32, buffer: usize) -> u64 {
    let octets = if loss < 50 {
        4 << 20
    } else if loss < 200 {
        1 << 20
    } else {
        1 << 19
    };
    let impairment =
        Impairment { delay: Micros::new(delay * 500), loss: Chance::per_million(loss * 1000), ..Impairment::default() };
    let course = Course { from, to, impairment, buffer };
    let text = text(octets, 9293);
    let time: u64 = (0..SEEDS).map(|seed| transfer(course, seed, &text).get()).sum();
    u64::try_from(octets).unwrap() * SEEDS * 1_000_000 / time
}
