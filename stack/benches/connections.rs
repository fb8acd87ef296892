//! What a connection costs in instructions, beside few others and beside very many: the same.
//!
//! `cargo bench --bench connections` needs valgrind, and `gungraun-runner` of the version that `Cargo.lock` names.
//! `benches/flat.sh` fails if anything costs a fifth more beside 10,000 connections than beside 10. Beside 100,000 it costs
//! the same; only, under valgrind these take minutes to open.

#![allow(
    missing_docs,
    unused_qualifications,
    reason = "the macros make public items, and take no comments for documentation"
)]

#[allow(dead_code, reason = "no time passes here")]
#[path = "../tests/many/pair.rs"]
mod pair;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use lockstep::stack::{Config, ConnectionId};
use pair::Couple;

/// A client and a server with so many connections between them, and one more. Everything has happened once: what grows
/// with the number of connections has grown.
fn beside(others: usize) -> (Couple, ConnectionId, ConnectionId) {
    let roomy = |config: &mut Config| config.limits.connections = 20_000;
    let mut couple = Couple::new(&[80, 81, 82, 83], roomy, roomy);
    couple.open(others);
    let [one, other] = couple.open(2)[..] else { unreachable!("two were opened") };
    for (client, server) in [one, other] {
        pass_a_segment(&mut couple, client, server);
    }
    couple.close(&[other]);
    (couple, one.0, one.1)
}

// From the SYN to TIME-WAIT, both ends.
#[library_benchmark(setup = beside)]
#[bench::few(10)]
#[bench::many(10_000)]
fn open_and_close((mut couple, _, _): (Couple, ConnectionId, ConnectionId)) -> Couple {
    let opened = couple.open(1);
    couple.close(black_box(&opened));
    couple
}

// A segment of text from one user to the other, and its acknowledgment.
#[library_benchmark(setup = beside)]
#[bench::few(10)]
#[bench::many(10_000)]
fn one_segment((mut couple, client, server): (Couple, ConnectionId, ConnectionId)) -> Couple {
    pass_a_segment(&mut couple, client, server);
    couple
}

fn pass_a_segment(couple: &mut Couple, client: ConnectionId, server: ConnectionId) {
    let mut text = [b'x'; 1_000];
    let sent = couple.client.send(couple.now, client, black_box(&text));
    couple.exchange();
    let received = couple.server.receive(couple.now, server, &mut text);
    assert!(sent == Ok(1_000) && received == Ok(1_000));
}

library_benchmark_group!(name = connections, benchmarks = [open_and_close, one_segment]);
main!(library_benchmark_groups = connections);
