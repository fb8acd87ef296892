//! How a receive buffer follows its user, from end to end (RFC 7323 §1.1: a path is used only as far as the window reaches).

#[allow(dead_code, reason = "others use more of it")]
#[path = "many/pair.rs"]
mod pair;

use lockstep::stack::Config;
use lockstep::time::Micros;
use pair::Couple;

/// The window before anything is known.
const FIRST: usize = 1 << 20;

/// The widest window that a server offers in four seconds on a path of 100 ms and 400 Mbit/s, who takes at most so much every ten.
fn widest_window(at_once: usize) -> usize {
    let long = |config: &mut Config| config.tcp.send_buffer = 16 << 20;
    let mut couple = Couple::new(&[], long, |_| {});
    couple.slow_down(Micros::new(20), Micros::from_millis(50));
    let address = ([192, 0, 2, 2], 80).into();
    let listener = couple.server.listen(couple.now, address, 1).unwrap();
    let client = couple.client.connect(couple.now, address).unwrap();
    couple.exchange();
    couple.run(Micros::from_secs(1));
    let server = couple.server.accept(listener).unwrap().unwrap().connection;
    let (text, mut buffer, mut widest) = (vec![b'x'; 1 << 20], vec![0; at_once], 0);
    for _ in 0..400 {
        while couple.client.send(couple.now, client, &text).is_ok() {}
        couple.exchange();
        couple.run(Micros::from_millis(10));
        couple.server.receive(couple.now, server, &mut buffer).unwrap_or(0);
        couple.exchange();
        widest = widest.max(couple.server.status(couple.now, server).unwrap().rcv_wnd);
    }
    widest
}

#[test]
fn the_window_grows_for_who_reads_fast() {
    let most = Config::new([192, 0, 2, 1], 24).tcp.receive_buffer_max;
    let widest = widest_window(8 << 20);
    println!("from {FIRST} octets to {widest} of at most {most}");
    assert!(widest > 4 * FIRST && widest <= most);
}

#[test]
fn the_window_stays_for_who_reads_slowly() {
    assert!(widest_window(4_000) <= FIRST);
}
