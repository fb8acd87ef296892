//! Flag nonsense (threats T24): all 512 combinations of the nine bits that are or were flags, in all eleven states.

mod raw;

use lockstep::stack::ConnectionId;
use lockstep::time::Micros;
use lockstep::wire::{TcpFlags, TcpHeader};
use lockstep_model::State;
use raw::{ACK, FIN_ACK, HERE, RST, Raw, SYN, THERE, header, tcp_frame};

/// A stack that has been brought into a state, and the numbers that its peer would use next.
struct Scene {
    raw: Raw,
    seq: u32,
    ack: u32,
}

impl Scene {
    fn of(state: State) -> Scene {
        let scene = match state {
            State::Closed => Scene { raw: Raw::new(), seq: 1001, ack: 5 },
            State::Listen => {
                let mut raw = Raw::new();
                raw.listen();
                Scene { raw, seq: 1001, ack: 5 }
            }
            State::SynSent => {
                let mut raw = Raw::new();
                raw.stack.connect_from(raw.now, (HERE, 80).into(), (THERE, 4000).into()).unwrap();
                let ack = raw.segment().header.seq.wrapping_add(1);
                Scene { raw, seq: 1000, ack }
            }
            State::SynReceived => {
                let mut raw = Raw::new();
                raw.listen();
                raw.send(SYN, 1000, 0, b"");
                let ack = raw.segment().header.seq.wrapping_add(1);
                Scene { raw, seq: 1001, ack }
            }
            State::Established => Scene::established().0,
            State::FinWait1 => Scene::closed_first(&[]),
            State::FinWait2 => Scene::closed_first(&[(ACK, 1)]),
            State::Closing => Scene::closed_first(&[(FIN_ACK, 0)]),
            State::TimeWait => Scene::closed_first(&[(FIN_ACK, 1)]),
            State::CloseWait => Scene::closed_last().0,
            State::LastAck => {
                let (mut scene, id) = Scene::closed_last();
                scene.raw.stack.close(scene.raw.now, id).unwrap();
                scene.quiet();
                scene
            }
        };
        assert_eq!(scene.raw.state(), state);
        scene
    }

    fn established() -> (Scene, ConnectionId) {
        let mut raw = Raw::new();
        let at = raw.established();
        (Scene { raw, seq: at.seq, ack: at.ack }, at.id)
    }

    /// We close, and the peer answers with these flags, acknowledging our FIN or not.
    fn closed_first(answers: &[(TcpFlags, u32)]) -> Scene {
        let (mut scene, id) = Scene::established();
        scene.raw.stack.close(scene.raw.now, id).unwrap();
        scene.quiet();
        for &(flags, acked) in answers {
            scene.raw.send(flags, scene.seq, scene.ack.wrapping_add(acked), b"");
            scene.seq = scene.seq.wrapping_add(u32::from(flags == FIN_ACK));
            scene.ack = scene.ack.wrapping_add(acked);
        }
        scene.quiet();
        scene
    }

    fn closed_last() -> (Scene, ConnectionId) {
        let (mut scene, id) = Scene::established();
        scene.raw.send(FIN_ACK, scene.seq, scene.ack, b"");
        scene.seq = scene.seq.wrapping_add(1);
        scene.quiet();
        (scene, id)
    }

    /// What is to be said by now has been said.
    fn quiet(&mut self) {
        self.raw.wait(Micros::from_millis(100));
        self.raw.segments();
    }
}

/// A frame with the bit set that was NS once (RFC 3540) and is reserved again; the checksum follows.
fn with_reserved_bit(mut frame: Vec<u8>) -> Vec<u8> {
    const TCP: usize = 14 + 20;
    frame[TCP + 12] |= 1;
    let checksum = u16::from_be_bytes([frame[TCP + 16], frame[TCP + 17]]);
    let (sum, carry) = (!checksum).overflowing_add(0x0100);
    let adjusted = !(sum + u16::from(carry));
    frame[TCP + 16..TCP + 18].copy_from_slice(&adjusted.to_be_bytes());
    frame
}

/// No panic, at most one answer, none to a reset; and without a RST, a SYN or an ACK nothing changes (RFC 9293 §3.10.7).
#[test]
fn every_combination_in_every_state_is_survived() {
    for state in State::ALL {
        for bits in 0..=255_u8 {
            for (reserved, text) in [(false, &b""[..]), (true, b""), (false, b"x"), (true, b"x")] {
                let Scene { mut raw, seq, ack } = Scene::of(state);
                let flags = TcpFlags(bits);
                let frame = tcp_frame(THERE, HERE, &TcpHeader { flags, seq, ack, ..header() }, text);
                let dropped = raw.stack.input(raw.now, &if reserved { with_reserved_bit(frame) } else { frame });
                assert_eq!(dropped, None, "{state} {flags:?}");
                let after = raw.state();
                raw.wait(Micros::from_millis(200));
                let answers = raw.segments();
                assert!(answers.len() <= 1, "{state} {flags:?}: {answers:?}");
                if flags.contains(RST) {
                    assert!(answers.iter().all(|answer| !answer.header.flags.contains(RST)), "{state} {flags:?}");
                } else if !flags.contains(SYN) && !flags.contains(ACK) {
                    assert_eq!(after, state, "{flags:?}");
                }
            }
        }
    }
}
