//! One transfer from a client to a server.

use std::net::Ipv4Addr;

use lockstep::device::impair::Impairment;
use lockstep::device::prng::SplitMix64;
use lockstep::device::{Impaired, Pipe};
use lockstep::stack::Config;
use lockstep::time::{Instant, Micros};

use super::host::{Cable, Host, MTU, Make};
use super::ours::Ours;
use super::theirs::{Habits, Theirs};

/// Nothing here takes a day.
pub const DOOMSDAY: Micros = Micros::from_secs(86_400);

pub const SENDER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub const RECEIVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// Who sends to whom, through what, with how much memory.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    pub from: Make,
    pub to: Make,
    /// Of each direction.
    pub impairment: Impairment,
    /// Octets of the send buffer and of the receive buffer.
    pub buffer: usize,
}

/// Sends `text` and compares what arrives, octet by octet. Returns how long it took, from the moment the sender's
/// connection was established until the last octet was read.
pub fn transfer(course: Course, seed: u64, text: &[u8]) -> Micros {
    let (near, far) = Pipe::pair(MTU, 1 << 20);
    let mut random = SplitMix64::new(seed);
    let mut cable = |pipe| Impaired::new(pipe, random.next_u64(), course.impairment, Impairment::default());
    let mut sender = client(course, cable(near));
    let mut receiver = server(course, cable(far));
    let mut now = Instant::ZERO;
    let mut established = None;
    let (mut written, mut read) = (0, 0);
    let mut buf = vec![0; 1 << 16];
    loop {
        while sender.round(now) | receiver.round(now) {
            if established.is_none() && sender.is_established() {
                established = Some(now);
            }
            written += sender.write(now, &text[written..]);
            loop {
                let len = receiver.read(now, &mut buf);
                assert!(buf[..len] == text[read..read + len], "{course:?}, seed {seed}: wrong text at {read}");
                read += len;
                if len == 0 {
                    break;
                }
            }
        }
        if read == text.len() {
            return now.since(established.expect("text has arrived"));
        }
        let next = [sender.wakes_at(now), receiver.wakes_at(now)].into_iter().flatten().min();
        now = next.unwrap_or_else(|| panic!("{course:?}, seed {seed}: stalled at {now} after {read} octets"));
        assert!(now < Instant::ZERO + DOOMSDAY, "{course:?}, seed {seed}: no end in sight after {read} octets");
    }
}

fn client(course: Course, cable: Cable) -> Box<dyn Host> {
    match course.from {
        Make::Lockstep => Box::new(Ours::client(1, config(SENDER, course.buffer), cable, RECEIVER)),
        Make::Smoltcp(control) => {
            let habits = Habits { buffer: course.buffer, control };
            Box::new(Theirs::client(1, SENDER, habits, cable, RECEIVER))
        }
    }
}

fn server(course: Course, cable: Cable) -> Box<dyn Host> {
    match course.to {
        Make::Lockstep => Box::new(Ours::server(2, config(RECEIVER, course.buffer), cable)),
        Make::Smoltcp(control) => {
            let habits = Habits { buffer: course.buffer, control };
            Box::new(Theirs::server(2, RECEIVER, habits, cable))
        }
    }
}

/// A host that has this much memory for each buffer, and never gives up, as smoltcp does not.
pub fn config(address: Ipv4Addr, buffer: usize) -> Config {
    let mut config = Config::new(address, 24);
    (config.tcp.receive_buffer, config.tcp.receive_buffer_max) = (buffer, buffer);
    config.tcp.send_buffer = buffer;
    config.tcp.user_timeout = DOOMSDAY;
    config.tcp.syn_timeout = DOOMSDAY;
    config
}

/// Octets that are not the same anywhere.
pub fn text(len: usize, seed: u64) -> Vec<u8> {
    let mut random = SplitMix64::new(seed);
    let mut text: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| random.next_u64().to_be_bytes()).collect();
    text.truncate(len);
    text
}
