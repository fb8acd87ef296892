//! Two stacks, each driven by a thread, talk through the sockets.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

use super::*;
use crate::drive::wire::{CLIENT, SERVER, Wire, neighbours};
use crate::drive::{Driver, Handle};
use crate::stack::KeepAlive;

/// Long enough to mean "for ever" where a test must end.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(30);

/// Two drivers and a connection between them.
struct Conversation {
    client: TcpStream,
    server: TcpStream,
    _drivers: (Driver<Wire>, Driver<Wire>),
}

fn conversation() -> Conversation {
    let drivers = neighbours();
    let listener = TcpListener::bind(drivers.1.handle(), (SERVER, 80)).unwrap();
    let client = TcpStream::connect(drivers.0.handle(), (SERVER, 80)).unwrap();
    let (server, peer) = listener.accept().unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    assert_eq!(client.peer_addr().unwrap(), server.local_addr().unwrap());
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
    }
    Conversation { client, server, _drivers: drivers }
}

fn kind<T: std::fmt::Debug>(result: io::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn pattern(len: usize, factor: usize) -> Vec<u8> {
    (0..len).map(|n| (n * factor % 251).to_be_bytes()[7]).collect()
}

/// Megabytes in both directions at once, by clones in threads.
#[test]
fn both_directions_carry_everything_in_order() {
    let Conversation { client, server, .. } = &conversation();
    let (there, back) = (pattern(3_000_000, 7), pattern(2_000_000, 11));
    thread::scope(|scope| {
        scope.spawn(|| send_all(client, &there));
        scope.spawn(|| send_all(server, &back));
        let at_server = scope.spawn(|| receive_all(server));
        assert!(receive_all(client) == back);
        assert!(at_server.join().unwrap() == there);
    });
}

fn send_all(stream: &TcpStream, text: &[u8]) {
    let mut stream = stream.try_clone().unwrap();
    stream.write_all(text).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
}

fn receive_all(stream: &TcpStream) -> Vec<u8> {
    let mut text = Vec::new();
    stream.try_clone().unwrap().read_to_end(&mut text).unwrap();
    text
}

#[test]
fn shutting_down_one_direction_leaves_the_other() {
    let Conversation { mut client, mut server, _drivers } = conversation();
    client.write_all(b"the last word").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(kind(client.write(b"x")), ErrorKind::BrokenPipe);
    let mut text = String::new();
    server.read_to_string(&mut text).unwrap();
    assert_eq!(text, "the last word");
    server.write_all(b"not quite").unwrap();
    drop(server);
    text.clear();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "not quite");
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn shutting_down_reading_wakes_the_reader_and_keeps_what_has_arrived() {
    let Conversation { client, mut server, _drivers } = conversation();
    client.set_read_timeout(None).unwrap();
    let mut reader = client.try_clone().unwrap();
    let reading = thread::spawn(move || reader.read(&mut [0; 1]).unwrap());
    thread::sleep(SHORT);
    client.shutdown(Shutdown::Read).unwrap();
    assert_eq!(reading.join().unwrap(), 0);
    server.read_exact(&mut []).unwrap();
    (&client).write_all(b"still writing").unwrap();
    server.read_exact(&mut [0; 13]).unwrap();
}

#[test]
fn a_dropped_stream_ends_well_unless_text_is_lost() {
    let Conversation { mut client, server, _drivers } = conversation();
    drop(server);
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);

    let Conversation { mut client, server, _drivers } = conversation();
    client.write_all(b"never read").unwrap();
    (&server).read_exact(&mut [0; 1]).unwrap();
    drop(server);
    assert_eq!(kind(client.read(&mut [0; 1])), ErrorKind::ConnectionReset);
    assert_eq!(kind(client.shutdown(Shutdown::Both)), ErrorKind::NotConnected);
}

#[test]
fn lingering_for_no_time_is_an_abort() {
    let Conversation { mut client, server, _drivers } = conversation();
    server.set_linger(Some(Duration::ZERO)).unwrap();
    assert_eq!(server.linger().unwrap(), Some(Duration::ZERO));
    drop(server);
    assert_eq!(kind(client.read(&mut [0; 1])), ErrorKind::ConnectionReset);
    assert_eq!(kind(client.write(b"x")), ErrorKind::ConnectionReset);
}

#[test]
fn lingering_returns_when_all_is_acknowledged() {
    let Conversation { client, mut server, _drivers } = conversation();
    client.set_linger(Some(LONG)).unwrap();
    (&client).write_all(&[1; 20_000]).unwrap();
    drop(client);
    // Before the drop returned, all of this was on the other side.
    server.set_read_timeout(Some(SHORT)).unwrap();
    let mut text = Vec::new();
    server.read_to_end(&mut text).unwrap();
    assert_eq!(text, [1; 20_000]);
}

/// The peer hears nothing any more, and acknowledges nothing: when time is up, he is told that it is over.
#[test]
fn lingering_in_vain_ends_in_a_reset() {
    let Conversation { client, server, _drivers: drivers } = conversation();
    client.set_linger(Some(SHORT)).unwrap();
    drivers.1.handle().look(|_| {
        (&client).write_all(b"never heard").unwrap();
        drop(client);
        eventually(|| drivers.0.handle().look(|stack| stack.states().count() == 0));
    });
    server.set_read_timeout(Some(LONG)).unwrap();
    eventually(|| matches!((&server).read(&mut [0; 64]), Err(error) if error.kind() == ErrorKind::ConnectionReset));
}

#[test]
fn whoever_waits_for_nothing_is_told_so() {
    let (client, server) = neighbours();
    let listener = TcpListener::bind(server.handle(), (SERVER, 80)).unwrap();
    listener.set_nonblocking(true).unwrap();
    assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
    let mut stream = TcpStream::connect(client.handle(), (SERVER, 80)).unwrap();
    let mut accepted = None;
    eventually(|| {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (mut peer, _) = accepted.unwrap();
    stream.set_nonblocking(true).unwrap();
    assert_eq!(kind(stream.read(&mut [0; 1])), ErrorKind::WouldBlock);
    assert_eq!(kind(stream.peek(&mut [0; 1])), ErrorKind::WouldBlock);
    assert_eq!(kind(stream.write_all(&vec![0; 10_000_000])), ErrorKind::WouldBlock);
    peer.write_all(b"x").unwrap();
    eventually(|| stream.read(&mut [0; 1]).is_ok());
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(SHORT)).unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(kind(stream.read(&mut [0; 1])), ErrorKind::WouldBlock);
    assert!(begun.elapsed() >= SHORT);
}

#[test]
fn what_was_peeked_at_is_still_to_be_read() {
    let Conversation { client, mut server, _drivers } = conversation();
    (&client).write_all(b"look").unwrap();
    let mut buf = [0; 8];
    eventually(|| server.peek(&mut buf).unwrap() == 4);
    assert_eq!(&buf[..4], b"look");
    assert_eq!(server.read(&mut buf).unwrap(), 4);
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.peek(&mut buf).unwrap(), 0);
}

#[test]
fn the_error_is_there_to_be_taken_once() {
    let Conversation { client, server, _drivers } = conversation();
    assert!(client.take_error().unwrap().is_none());
    server.set_linger(Some(Duration::ZERO)).unwrap();
    drop(server);
    let mut taken = None;
    eventually(|| {
        taken = client.take_error().unwrap();
        taken.is_some()
    });
    assert_eq!(taken.unwrap().kind(), ErrorKind::ConnectionReset);
    assert!(client.take_error().unwrap().is_none());
}

#[test]
fn what_was_set_is_what_is_said() {
    let Conversation { client, server, _drivers } = conversation();
    assert_eq!((client.ttl().unwrap(), client.tos().unwrap(), client.keepalive().unwrap()), (64, 0, None));
    client.set_ttl(7).unwrap();
    client.set_tos(0xb8).unwrap();
    client.set_keepalive(Some(KeepAlive::default())).unwrap();
    client.set_user_timeout(LONG).unwrap();
    let clone = client.try_clone().unwrap();
    assert_eq!((clone.ttl().unwrap(), clone.tos().unwrap()), (7, 0xb8));
    assert_eq!((clone.keepalive().unwrap(), clone.user_timeout().unwrap()), (Some(KeepAlive::default()), LONG));
    assert_eq!((server.ttl().unwrap(), server.tos().unwrap()), (64, 0));
    assert_eq!([0, 256].map(|ttl| kind(client.set_ttl(ttl))), [ErrorKind::InvalidInput; 2]);
    assert_eq!(kind(client.set_user_timeout(Duration::ZERO)), ErrorKind::InvalidInput);
    assert_eq!(kind(client.set_tos(256)), ErrorKind::InvalidInput);
}

#[test]
fn connections_inherit_from_their_listener() {
    let (client, server) = neighbours();
    let listener = TcpListener::bind(server.handle(), (SERVER, 80)).unwrap();
    listener.set_ttl(9).unwrap();
    assert_eq!(listener.ttl().unwrap(), 9);
    listener.change_settings(|settings| settings.keep_alive = Some(KeepAlive::default())).unwrap();
    let _stream = TcpStream::connect(client.handle(), (SERVER, 80)).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    assert_eq!((accepted.ttl().unwrap(), accepted.keepalive().unwrap()), (9, Some(KeepAlive::default())));
}

#[test]
fn whoever_does_not_wait_for_ever_is_told_so() {
    let Conversation { mut client, server, _drivers } = conversation();
    client.set_read_timeout(Some(SHORT)).unwrap();
    assert_eq!(kind(client.read(&mut [0; 1])), ErrorKind::WouldBlock);
    client.set_write_timeout(Some(SHORT)).unwrap();
    assert_eq!(kind(client.write_all(&[0; 3_000_000])), ErrorKind::WouldBlock);
    for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
        assert_eq!(kind(set(&client, Some(Duration::ZERO))), ErrorKind::InvalidInput);
    }
    assert_eq!(client.read_timeout().unwrap(), Some(SHORT));
    assert_eq!(client.write_timeout().unwrap(), Some(SHORT));
    drop(server);
}

/// The reasons for which there is no connection.
#[test]
fn connecting_in_vain_says_why() {
    let (client, server) = neighbours();
    let stack = client.handle();
    let connect = |to: &str| kind(TcpStream::connect(stack, to));
    assert_eq!(connect("192.0.2.2:81"), ErrorKind::ConnectionRefused);
    assert_eq!(connect("192.0.2.255:80"), ErrorKind::InvalidInput);
    assert_eq!(connect("192.0.2.2:0"), ErrorKind::InvalidInput);
    assert_eq!(connect("198.51.100.1:80"), ErrorKind::NetworkUnreachable);
    let nobody = "192.0.2.99:80".parse().unwrap();
    assert_eq!(kind(TcpStream::connect_timeout(stack, &nobody, SHORT)), ErrorKind::TimedOut);
    assert_eq!(kind(TcpStream::connect_timeout(stack, &nobody, Duration::ZERO)), ErrorKind::InvalidInput);
    let from = |local: &str, remote: &str| {
        TcpStream::connect_from(stack, local.parse().unwrap(), remote.parse().unwrap(), Some(LONG))
    };
    assert_eq!(kind(from("192.0.2.7:0", "192.0.2.2:80")), ErrorKind::AddrNotAvailable);
    let _listener = TcpListener::bind(server.handle(), "0.0.0.0:80").unwrap();
    let stream = from("0.0.0.0:4000", "192.0.2.2:80").unwrap();
    assert_eq!(stream.local_addr().unwrap(), SocketAddr::from((CLIENT, 4000)));
    assert_eq!(kind(from("192.0.2.1:4000", "192.0.2.2:80")), ErrorKind::AddrInUse);
    // The failures left nothing behind.
    drop(stream);
    assert!(stack.look(|stack| stack.connections()) <= 1);
}

#[test]
fn one_address_after_the_other_is_tried() {
    let (client, server) = neighbours();
    let _listener = TcpListener::bind(server.handle(), (SERVER, 80)).unwrap();
    let addresses = [SocketAddr::from((SERVER, 79)), SocketAddr::from((SERVER, 80))];
    assert_eq!(TcpStream::connect(client.handle(), &addresses[..]).unwrap().peer_addr().unwrap(), addresses[1]);
    let none: &[SocketAddr] = &[];
    assert_eq!(kind(TcpStream::connect(client.handle(), none)), ErrorKind::InvalidInput);
}

#[test]
fn a_listener_has_its_port_alone_until_it_is_dropped() {
    let (client, server) = neighbours();
    let bind = |address: &str| TcpListener::bind(server.handle(), address);
    let listener = bind("192.0.2.2:80").unwrap();
    assert_eq!(kind(bind("0.0.0.0:80")), ErrorKind::AddrInUse);
    assert_eq!(kind(bind("192.0.2.3:81")), ErrorKind::AddrNotAvailable);
    let any = bind("0.0.0.0:0").unwrap().local_addr().unwrap();
    assert!(any.port() != 0 && any.ip() == SERVER);

    let mut waiting = TcpStream::connect(client.handle(), (SERVER, 80)).unwrap();
    drop(listener);
    assert_eq!(kind(waiting.read(&mut [0; 1])), ErrorKind::ConnectionReset);
    bind("0.0.0.0:80").unwrap();
}

#[test]
fn a_listener_gives_one_connection_after_the_other() {
    let (client, server) = neighbours();
    let listener = TcpListener::bind(server.handle(), (SERVER, 80)).unwrap();
    let clients: Vec<TcpStream> = (0..5).map(|_| TcpStream::connect(client.handle(), (SERVER, 80)).unwrap()).collect();
    for (expected, stream) in clients.iter().zip(listener.incoming()) {
        assert_eq!(stream.unwrap().peer_addr().unwrap(), expected.local_addr().unwrap());
    }
}

/// The server is held, so that it acknowledges nothing: the second octet only leaves if it does not wait for that.
#[test]
fn nodelay_sends_small_segments_at_once() {
    let Conversation { mut client, server, _drivers: drivers } = conversation();
    client.set_nodelay(true).unwrap();
    assert!(client.nodelay().unwrap() && !server.nodelay().unwrap());
    let unsent = || {
        drivers.0.handle().tidy(|station, now| {
            let id = *station.connections.keys().next().unwrap();
            station.stack.status(now, id).unwrap().unsent
        })
    };
    drivers.1.handle().look(|_| {
        client.write_all(b"1").unwrap();
        eventually(|| unsent() == 0);
        client.write_all(b"2").unwrap();
        eventually(|| unsent() == 0);
    });
}

#[test]
fn what_is_dropped_leaves_no_bell_behind() {
    let (client, server) = neighbours();
    let listener = TcpListener::bind(server.handle(), (SERVER, 80)).unwrap();
    let stream = TcpStream::connect(client.handle(), (SERVER, 80)).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    let pinger = Pinger::new(server.handle()).unwrap();
    let bells = |driver: &Driver<Wire>| {
        driver.handle().tidy(|station, _| [station.connections.len(), station.listeners.len(), station.echoes.len()])
    };
    assert_eq!((bells(&client), bells(&server)), ([1, 0, 0], [1, 1, 1]));
    drop((listener, stream, accepted, pinger));
    assert_eq!((bells(&client), bells(&server)), ([0; 3], [0; 3]));
}

fn eventually(mut look: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !look() {
        assert!(begun.elapsed() < LONG / 3, "waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_host_that_is_there_answers_a_ping() {
    let (client, server) = neighbours();
    let stack: &Handle = client.handle();
    let mut pinger = Pinger::new(stack).unwrap();
    let reply = pinger.ping(SERVER.into(), 1, b"are you there?", LONG).unwrap().unwrap();
    assert_eq!((reply.from, reply.sequence, reply.len), (SERVER.into(), 1, 14));
    let nobody = Ipv4Addr::new(192, 0, 2, 99).into();
    assert_eq!(pinger.ping(nobody, 2, b"", SHORT).unwrap(), None);
    assert_eq!(kind(pinger.ping(CLIENT.into(), 3, b"", SHORT)), ErrorKind::InvalidInput);
    drop(server);
}

/// The answer to the first request comes when nobody waits for it any more, and is not taken for one to the second.
#[test]
fn a_late_reply_is_not_the_one_that_is_waited_for() {
    let (client, server) = neighbours();
    let mut pinger = Pinger::new(client.handle()).unwrap();
    assert!(pinger.ping(SERVER.into(), 1, b"", LONG).unwrap().is_some());
    let mut in_vain = |sequence| {
        let reply = server.handle().look(|_| pinger.ping(SERVER.into(), sequence, b"", SHORT).unwrap());
        assert_eq!(reply, None);
    };
    in_vain(2);
    eventually(|| client.handle().tidy(|station, _| station.echoes.values().any(|seat| seat.heard.is_some())));
    in_vain(3);
}
