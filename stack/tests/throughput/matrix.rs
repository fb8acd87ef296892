//! How fast, on lines that only lose, as in smoltcp's own `netsim`, and on lines that are slow and have a queue.

use std::fmt::{self, Write as _};

use lockstep::device::impair::{Bottleneck, Chance, Impairment};
use lockstep::time::Micros;
use smoltcp::socket::tcp::CongestionControl;

use super::host::Make;
use super::transfer::{Course, text, transfer};

const LOCKSTEP: Make = Make::Lockstep;
const CUBIC: Make = Make::Smoltcp(CongestionControl::Cubic);
const RENO: Make = Make::Smoltcp(CongestionControl::Reno);
const UNRULY: Make = Make::Smoltcp(CongestionControl::None);

/// Round trip times in milliseconds, losses per thousand frames in each direction, buffers in octets.
#[test]
fn delay_by_loss_by_buffer() {
    let mut table = head("   rtt    loss    buffers");
    let mut slow = Vec::new();
    for delay in [1, 10, 100] {
        for loss in [0, 1, 10, 50, 200] {
            for buffer in [1 << 16, 1 << 18, 1 << 20] {
                let impairment = Impairment {
                    delay: Micros::new(delay * 500),
                    loss: Chance::per_million(loss * 1000),
                    ..Impairment::NONE
                };
                let octets = if loss < 50 {
                    4 << 20
                } else if loss < 200 {
                    1 << 20
                } else {
                    1 << 19
                };
                let cell = Cell::measure(impairment, buffer, octets, 4);
                let name = format!("{delay:>4} ms {:>3}.{} % {:>5} KiB", loss / 10, loss % 10, buffer >> 10);
                let times = if (delay, loss) == (100, 10) { 2 } else { 1 };
                let cells = cell.slow_sender(times).into_iter().chain(cell.slow_receiver());
                slow.extend(cells.map(|what| format!("{name}: {what}")));
                writeln!(table, "{name} {cell}").unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
    assert!(slow.is_empty(), "{slow:#?}");
}

/// Lines of so many kilobytes per second, round trip times in milliseconds, queues in octets; buffers of 1 MiB. Nothing is left
/// to chance, and so a sender of smoltcp's may be unlucky with one receiver where it is lucky with the other: its first timeout,
/// and with it the rest of its way, depends on a segment more or less.
#[test]
fn rate_by_delay_by_queue() {
    let mut table = head("  line     rtt    queue");
    let mut slow = Vec::new();
    for rate in [1_250, 12_500] {
        for delay in [10, 100] {
            for queue in [1 << 14, 1 << 16, 1 << 18] {
                let bottleneck = Some(Bottleneck::new(rate * 1000, queue));
                let impairment = Impairment { delay: Micros::new(delay * 500), bottleneck, ..Impairment::NONE };
                let cell = Cell::measure(impairment, 1 << 20, 8 << 20, 1);
                let name = format!("{rate:>6} {delay:>4} ms {:>4} KiB", queue >> 10);
                slow.extend(cell.slow_sender(1).iter().map(|what| format!("{name}: {what}")));
                writeln!(table, "{name} {cell}").unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
    assert!(slow.is_empty(), "{slow:#?}");
}

/// The first lines of a table whose rows begin with what `columns` says. All rates are kilobytes per second.
fn head(columns: &str) -> String {
    let indent = " ".repeat(columns.len());
    let above = "| smoltcp to itself, controlled by | Lockstep to | Lockstep to | smoltcp to | Lockstep over";
    let below = "|    CUBIC       Reno      nothing |      itself |     smoltcp |   Lockstep | best lawful";
    format!("{indent} {above}\n{columns} {below}\n")
}

/// What they did under the same circumstances, in octets per second.
struct Cell {
    /// smoltcp with itself.
    cubic: u64,
    reno: u64,
    unruly: u64,
    /// Lockstep with itself, to smoltcp, from smoltcp.
    ours: u64,
    to_cubic: u64,
    from_cubic: u64,
}

impl Cell {
    /// Sends `octets` through `impairment` with buffers of `buffer` octets, in every pairing, and as often as there
    /// are seeds.
    fn measure(impairment: Impairment, buffer: usize, octets: usize, seeds: u64) -> Self {
        let text = text(octets, 9293);
        let rate = |from, to| {
            let course = Course { from, to, impairment, buffer };
            let time: u64 = (0..seeds).map(|seed| transfer(course, seed, &text).get()).sum();
            u64::try_from(octets).unwrap() * seeds * 1_000_000 / time
        };
        Self {
            cubic: rate(CUBIC, CUBIC),
            reno: rate(RENO, RENO),
            unruly: rate(UNRULY, UNRULY),
            ours: rate(LOCKSTEP, LOCKSTEP),
            to_cubic: rate(LOCKSTEP, CUBIC),
            from_cubic: rate(CUBIC, LOCKSTEP),
        }
    }
}

impl Cell {
    /// Smoltcp with itself under the better of its two congestion controls.
    fn best_lawful(&self) -> u64 {
        self.cubic.max(self.reno)
    }

    /// Where Lockstep is a sender, and not so many times as fast as smoltcp, but for three percent of chance.
    fn slow_sender(&self, times: u64) -> Vec<String> {
        let ought = times * self.best_lawful();
        [slow("with itself", self.ours, ought), slow("to smoltcp", self.to_cubic, ought)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Whether a sender of smoltcp's would rather have a receiver of smoltcp's.
    fn slow_receiver(&self) -> Option<String> {
        slow("from smoltcp", self.from_cubic, self.cubic)
    }
}

fn slow(who: &str, is: u64, ought: u64) -> Option<String> {
    (is * 100 < ought * 97).then(|| format!("Lockstep {who}: {is} octets per second instead of {ought}"))
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cubic, reno, unruly, ours, to_cubic, from_cubic] =
            [self.cubic, self.reno, self.unruly, self.ours, self.to_cubic, self.from_cubic]
                .map(|rate| format!("{}.{}", rate / 1000, rate / 100 % 10));
        write!(f, "| {cubic:>8} {reno:>10} {unruly:>12} |{ours:>12} |{to_cubic:>12} |{from_cubic:>11} |")?;
        let best = self.best_lawful();
        write!(f, "{:>4}.{:02}", self.ours / best, self.ours * 100 / best % 100)
    }
}
