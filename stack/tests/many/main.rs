//! Connections in numbers: what one costs in memory when there are 100,000, and what peers can make a stack keep.
//!
//! What one costs in instructions is in `benches/connections.rs`.

mod memory;
mod pair;

use lockstep::stack::{CallError, Config, Failure, Stack};
use lockstep::time::Micros;
use lockstep_model::State;
use pair::{BATCH, Couple};

const MANY: usize = 100_000;
const PORTS: [u16; 4] = [80, 81, 82, 83];

/// Twice the maximum segment lifetime (RFC 9293 §3.4.2).
const TIME_WAIT: Micros = Micros::from_secs(240);

/// All of them for an instant ESTABLISHED, then all of them in TIME-WAIT, then none.
#[test]
fn a_hundred_thousand_connections() {
    let _alone = memory::alone();
    let roomy = |config: &mut Config| {
        (config.limits.connections, config.limits.time_waits, config.limits.orphans) = (MANY, MANY, MANY);
    };
    let mut couple = Couple::new(&PORTS, roomy, roomy);
    let empty = memory::in_use();
    let opened = couple.open(MANY);
    assert!([&couple.client, &couple.server].into_iter().all(|stack| all_in(stack, State::Established)));
    let each = (memory::in_use() - empty - size_of_val(&*opened)) / MANY / 2;
    println!("an idle connection takes {each} octets of the heap at each end");
    assert!(each <= 900);

    // Every one of them still works.
    for &(client, server) in opened.iter().step_by(997) {
        assert_eq!(couple.client.send(couple.now, client, b"hello"), Ok(5));
        couple.exchange();
        assert_eq!(couple.server.receive(couple.now, server, &mut [0; 8]), Ok(5));
    }

    couple.close(&opened);
    assert_eq!((couple.client.connections(), couple.server.connections()), (MANY, 0));
    assert!(all_in(&couple.client, State::TimeWait));
    couple.run(TIME_WAIT);
    assert_eq!(couple.client.connections(), 0);
}

/// A client that connects again and again keeps little of each connection.
#[test]
fn a_hundred_thousand_in_time_wait() {
    let _alone = memory::alone();
    let mut couple = Couple::new(&PORTS, |config| config.limits.time_waits = MANY, |_| {});
    let empty = memory::in_use();
    for _ in 0..MANY / BATCH {
        let opened = couple.open(BATCH);
        couple.close(&opened);
    }
    assert_eq!((couple.client.connections(), couple.server.connections()), (MANY, 0));
    let each = (memory::in_use() - empty) / MANY;
    println!("a connection in TIME-WAIT takes {each} octets of the heap");
    assert!(each <= 200);
    couple.run(TIME_WAIT);
    assert_eq!(couple.client.connections(), 0);
}

/// There are never more of them than there may be: of those that wait, some that have not long to wait go.
#[test]
fn too_many_in_time_wait() {
    let _alone = memory::alone();
    let mut couple = Couple::new(&PORTS, |config| config.limits.time_waits = 100, |_| {});
    for _ in 0..5 {
        let opened = couple.open(100);
        couple.close(&opened);
        assert_eq!(couple.client.connections(), 100);
        couple.run(Micros::from_secs(50));
    }
    // The last hundred, opened 50 seconds ago, are still there.
    couple.run(Micros::from_secs(189));
    assert_eq!(couple.client.connections(), 100);
    couple.run(Micros::from_secs(1));
    assert_eq!(couple.client.connections(), 0);
}

// ---- Peers who take nothing (CVE-2008-4609; threats T10 and T28) -------------------------------------------------------------

const PEERS: usize = 10_000;

/// A client who announces little room and never reads.
fn stingy(config: &mut Config) {
    config.tcp.receive_buffer = 1_000;
}

/// The server has answered and gone; nobody takes the answers. The oldest give way, and patience ends for all.
#[test]
fn orphans_with_closed_windows() {
    const ORPHANS: usize = 500;
    let _alone = memory::alone();
    let mut couple = Couple::new(&PORTS, stingy, |config| config.limits.orphans = ORPHANS);
    let answer = [b'x'; 20_000];
    let mut opened = Vec::new();
    for _ in 0..PEERS / BATCH {
        let batch = couple.open(BATCH);
        for &(_, server) in &batch {
            assert_eq!(couple.server.send(couple.now, server, &answer), Ok(answer.len()));
            couple.server.release(couple.now, server).unwrap();
        }
        couple.exchange();
        assert!(couple.server.connections() <= ORPHANS);
        opened.extend(batch);
    }
    let (oldest, newest) = (opened[0].0, opened[PEERS - 1].0);
    assert_eq!(couple.client.receive(couple.now, oldest, &mut [0; 9]), Err(CallError::Failed(Failure::Reset)));
    assert_eq!(couple.server.connections(), ORPHANS);

    // The peers answer every probe; that keeps only a connection that somebody owns (RFC 9293 MUST-37, RFC 6429).
    let with_orphans = memory::in_use();
    couple.run(Micros::from_secs(99));
    assert_eq!(couple.server.connections(), ORPHANS);
    couple.run(Micros::from_secs(30));
    assert_eq!(couple.server.connections(), 0);
    let given_back = with_orphans - memory::in_use();
    assert!(given_back > ORPHANS * (answer.len() - 2_000), "{given_back} octets of what they had not taken");
    // Who comes back later finds nobody.
    assert_eq!(couple.client.send(couple.now, newest, b"?"), Ok(1));
    couple.exchange();
    assert_eq!(couple.client.status(couple.now, newest).unwrap().failure, Some(Failure::Reset));
}

/// The server has gone, and its peers know it, and do not close.
#[test]
fn orphans_in_fin_wait_2() {
    let _alone = memory::alone();
    let mut couple = Couple::new(&PORTS, stingy, |config| config.limits.orphans = PEERS);
    let opened = couple.open(PEERS);
    for opened in opened.chunks(BATCH) {
        opened.iter().for_each(|&(_, server)| couple.server.release(couple.now, server).unwrap());
        couple.exchange();
    }
    assert_eq!(couple.server.connections(), PEERS);
    assert!(all_in(&couple.server, State::FinWait2));
    couple.run(Micros::from_secs(59));
    assert_eq!(couple.server.connections(), PEERS);
    couple.run(Micros::from_secs(1));
    assert_eq!(couple.server.connections(), 0);
}

/// Closed windows are probed for ever (RFC 9293 MUST-36), more and more rarely, and others hardly notice.
#[test]
fn ten_thousand_closed_windows_slow_nobody_down() {
    let _alone = memory::alone();
    let (alone, stressed) = (time_of_an_upload(0), time_of_an_upload(PEERS));
    println!("16 MB at 100 Mbit/s take {alone:?}, beside {PEERS} closed windows {stressed:?}");
    assert!(10 * stressed.get() <= 11 * alone.get());
}

fn time_of_an_upload(peers: usize) -> Micros {
    let mut couple = Couple::new(&PORTS, stingy, |_| {});
    for (_, server) in couple.open(peers) {
        couple.server.send(couple.now, server, &[b'x'; 2_000]).unwrap();
        couple.exchange();
    }
    let (client, server) = couple.open(1)[0];
    couple.slow_down(Micros::new(80), Micros::from_millis(1));
    // Just before all of them are probed for the second time.
    couple.run(Micros::from_secs(2));
    let (begun, chunk) = (couple.now, [b'y'; 65_536]);
    let (mut sent, mut received) = (0, 0);
    while received < 16_000_000 {
        let left = chunk.len().min(16_000_000 - sent);
        sent += couple.client.send(couple.now, client, &chunk[..left]).unwrap_or(0);
        received += couple.server.receive(couple.now, server, &mut [0; 65_536]).unwrap_or(0);
        couple.exchange();
        couple.step(begun + Micros::from_secs(60));
        assert!(couple.now < begun + Micros::from_secs(60));
    }
    couple.now.since(begun)
}

fn all_in(stack: &Stack, state: State) -> bool {
    stack.states().all(|(_, other)| other == state)
}
