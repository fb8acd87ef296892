//! The worlds, each small and with one question.

use lockstep::stack::KeepAlive;
use lockstep::time::Micros;

use crate::user::{Reads, Script};
use crate::world::World;

const NOTHING: Script = Script { opens: 0, sends: 0, octets: 3, closes: 0, releases: 0, aborts: 0, ticks: 0 };

/// All of them.
pub fn all() -> Vec<World> {
    vec![
        handshake(),
        simultaneous_open(),
        data(),
        window(),
        close(),
        simultaneous_close(),
        half_close(),
        release(),
        abort(),
        time_wait(),
        reopen(),
        keep_alive(),
        silence(),
        closed_window(),
        calls(),
        attack(),
        two_forgeries(),
        attack_on_time_wait(),
        attack_without_rfc_5961(),
    ]
}

/// The world of this name.
pub fn named(name: &str) -> World {
    all().into_iter().find(|world| world.name == name).expect("a world of this name")
}

fn handshake() -> World {
    World {
        scripts: [Script { opens: 2, closes: 1, ticks: 2, ..NOTHING }, Script { ticks: 2, ..NOTHING }],
        listens: [false, true],
        duplicates: 1,
        ..World::new("handshake", "does a SYN, lost, repeated or old, lead to what RFC 9293 draws?")
    }
}

fn simultaneous_open() -> World {
    let script = Script { opens: 1, closes: 1, ticks: 1, ..NOTHING };
    World {
        scripts: [Script { sends: 1, ..script }, script],
        capacity: 2,
        ..World::new("simultaneous-open", "do two SYNs that cross make one connection?")
    }
}

fn data() -> World {
    World {
        scripts: [Script { opens: 1, sends: 3, octets: 2, ticks: 1, ..NOTHING }, Script { ticks: 1, ..NOTHING }],
        listens: [false, true],
        ..World::new("data", "does text, lost, repeated and out of order, arrive as it was sent, across 2^32?")
    }
}

fn window() -> World {
    World {
        scripts: [Script { opens: 1, sends: 2, octets: 2, closes: 1, ticks: 3, ..NOTHING }, NOTHING],
        capacity: 2,
        listens: [false, true],
        reads: [Reads::AtOnce, Reads::Slowly],
        ..World::new("window", "does a window that closes open again?")
    }
    .configured(|config| config.receive_buffer = 3)
}

fn close() -> World {
    let script = Script { opens: 1, sends: 1, closes: 1, ticks: 1, ..NOTHING };
    World {
        scripts: [script, Script { opens: 0, ..script }],
        listens: [false, true],
        capacity: 2,
        ..World::new("close", "does every order of closing end, with all that was sent?")
    }
}

fn simultaneous_close() -> World {
    let script = Script { opens: 1, closes: 2, ticks: 1, ..NOTHING };
    World {
        scripts: [script, Script { opens: 0, ..script }],
        listens: [false, true],
        capacity: 2,
        duplicates: 1,
        ..World::new("simultaneous-close", "do two FINs that cross, and repeated ones, end one connection?")
    }
}

fn half_close() -> World {
    World {
        scripts: [
            Script { opens: 1, closes: 1, ..NOTHING },
            Script { sends: 2, octets: 2, closes: 1, ticks: 1, ..NOTHING },
        ],
        listens: [false, true],
        reads: [Reads::Slowly, Reads::AtOnce],
        ..World::new("half-close", "does one direction go on when the other has ended?")
    }
}

fn release() -> World {
    World {
        scripts: [
            Script { opens: 1, sends: 1, releases: 1, closes: 1, ..NOTHING },
            Script { releases: 1, closes: 1, ticks: 1, ..NOTHING },
        ],
        listens: [false, true],
        reads: [Reads::Slowly; 2],
        capacity: 2,
        ..World::new("release", "does a connection end that nobody owns, and hear who has lost text by that?")
    }
}

fn abort() -> World {
    World {
        scripts: [
            Script { opens: 2, sends: 1, aborts: 1, closes: 1, ..NOTHING },
            Script { aborts: 1, closes: 1, ticks: 1, ..NOTHING },
        ],
        listens: [false, true],
        capacity: 2,
        ..World::new("abort", "does an abort end both ends at once, whatever else is on its way?")
    }
}

fn time_wait() -> World {
    World {
        scripts: [
            Script { opens: 2, sends: 1, closes: 1, ticks: 2, ..NOTHING },
            Script { closes: 2, ticks: 1, ..NOTHING },
        ],
        listens: [false, true],
        capacity: 2,
        ..World::new("time-wait", "does a new incarnation get nothing of the old one's?")
    }
}

fn reopen() -> World {
    World {
        scripts: [
            Script { opens: 2, closes: 1, aborts: 1, ..NOTHING },
            Script { closes: 1, releases: 1, ticks: 1, ..NOTHING },
        ],
        listens: [false, true],
        capacity: 2,
        ..World::new("reopen", "may a new SYN cut TIME-WAIT short, and an old one not?")
    }
}

fn keep_alive() -> World {
    let keep_alive = KeepAlive { idle: Micros::from_secs(10), interval: Micros::from_secs(5), probes: 2 };
    World {
        scripts: [Script { opens: 1, closes: 1, ticks: 3, ..NOTHING }, Script { ticks: 1, ..NOTHING }],
        listens: [false, true],
        capacity: 2,
        ..World::new("keep-alive", "does a silent peer end a connection, and one who answers not?")
    }
    .configured(|config| config.keep_alive = Some(keep_alive))
}

fn silence() -> World {
    World {
        scripts: [
            Script { opens: 1, sends: 1, closes: 1, ticks: 2, ..NOTHING },
            Script { closes: 1, ticks: 2, ..NOTHING },
        ],
        listens: [false, true],
        capacity: 2,
        ..World::new("silence", "does a user hear that nobody answers (R2)?")
    }
    .configured(|config| {
        (config.r1, config.user_timeout, config.syn_timeout) =
            (0, Micros::from_millis(1_500), Micros::from_millis(1_500));
    })
}

fn attack() -> World {
    World {
        scripts: [Script { opens: 1, closes: 1, ticks: 1, ..NOTHING }, Script { sends: 1, closes: 1, ..NOTHING }],
        listens: [false, true],
        capacity: 2,
        forgeries: 1,
        ..World::new("attack", "does a blind attacker change nothing without the exact numbers?")
    }
}

fn two_forgeries() -> World {
    World {
        scripts: [Script { opens: 1, ..NOTHING }, NOTHING],
        listens: [false, true],
        capacity: 2,
        forgeries: 2,
        ..World::new("two-forgeries", "is the second of a kind not answered within an interval of challenges?")
    }
}

fn closed_window() -> World {
    World {
        scripts: [
            Script { opens: 1, closes: 1, ..NOTHING },
            Script { sends: 2, octets: 2, closes: 2, ticks: 2, ..NOTHING },
        ],
        listens: [false, true],
        reads: [Reads::Slowly, Reads::AtOnce],
        capacity: 2,
        ..World::new("closed-window", "does what waits for a closed window, a FIN too, leave in the end?")
    }
    .configured(|config| config.receive_buffer = 2)
}

fn calls() -> World {
    World {
        scripts: [
            Script { opens: 1, closes: 2, releases: 1, ..NOTHING },
            Script { opens: 1, sends: 1, releases: 1, ..NOTHING },
        ],
        listens: [false, true],
        reads: [Reads::Slowly, Reads::AtOnce],
        insists: true,
        capacity: 2,
        ..World::new("calls", "is every call, in every state, answered as it should be?")
    }
}

fn attack_on_time_wait() -> World {
    World {
        scripts: [Script { opens: 2, closes: 1, ..NOTHING }, Script { closes: 1, releases: 1, ..NOTHING }],
        forgeries: 1,
        ..World { name: "attack-on-time-wait", question: "and in TIME-WAIT, reopened or not?", ..reopen() }
    }
}

fn attack_without_rfc_5961() -> World {
    let world =
        World { name: "attack-793", question: "is all as RFC 793 says where RFC 5961 is not followed?", ..attack() };
    world.configured(|config| (config.rfc5961, config.rfc1337) = (false, false))
}
