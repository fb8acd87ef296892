//! A world: two ends, the frames on their way between them, and everything that may happen next.

use std::sync::Arc;

use lockstep::stack::{AckConfig, Config, OptionsConfig, PathMtuConfig, Stack, TcpConfig};
use lockstep::tcp::congestion::{Algorithm, CongestionConfig};
use lockstep::tcp::isn::{IsnSecret, initial_sequence_number};
use lockstep::tcp::recovery::RecoveryConfig;
use lockstep::time::{Instant, Micros};
use lockstep::wire::{ArpOperation, ArpPacket, EtherType, EthernetHeader, arp, ethernet};
use lockstep_model::{RuleId, Segment, Seq, SeqNum, State as Connection, Table, Timer};

use crate::attacker;
use crate::end::{Complaint, End, REFINES, Stimulus, broken};
use crate::memo::Memo;
use crate::properties::Passage;
use crate::reference::{ISS_TICK, MSS, Reference, Setting};
use crate::user::{Reads, Script, User};
use crate::wire::{ADDRESSES, MACS, PORTS, Said, decode, encode};

/// A bounded world.
pub struct World {
    pub name: &'static str,
    pub question: &'static str,
    pub scripts: [Script; 2],
    pub listens: [bool; 2],
    pub reads: [Reads; 2],
    /// The users call what is refused, too, and listeners go away.
    pub insists: bool,
    /// How many frames may be on their way; one sent when there is no room is lost.
    pub capacity: usize,
    /// How many frames the network may deliver twice.
    pub duplicates: u8,
    /// How many segments somebody may forge.
    pub forgeries: u8,
    pub settings: [Setting; 2],
    /// The table of the stacks, if it is not that of the reference.
    pub stack_table: &'static Table,
    /// What the network does to a frame: nothing, except to see that this is noticed.
    pub damage: Option<fn(&mut Segment<Seq>)>,
    pub memo: Memo,
}

/// Everything there is at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub ends: [Arc<End>; 2],
    /// A sorted set: unlimited retransmission of the same segment leaves the space finite.
    pub network: Vec<Packet>,
    pub duplicates: u8,
    pub forgeries: u8,
    /// What went wrong on the way here. Nothing follows.
    pub complaint: Option<Complaint>,
}

/// A frame on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet {
    pub to: usize,
    pub frame: Arc<[u8]>,
}

/// Something that may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The frame at this place of the network arrives.
    Deliver(usize),
    /// It arrives, and a copy of it is still on its way.
    Duplicate(usize),
    /// The clock of this end goes on to its next deadline.
    Tick(usize),
    Open(usize),
    OpenAgain(usize),
    StopListening(usize),
    Send(usize),
    Read(usize),
    Close(usize),
    Release(usize),
    Abort(usize),
    /// Somebody who sees nothing forges the n-th segment of his list, to this end.
    Forge(usize, usize),
}

impl Action {
    pub fn is_delivery(self) -> bool {
        matches!(self, Action::Deliver(_))
    }
}

const SECRETS: [[u8; 16]; 2] = [*b"refinement: here", *b"refinement:there"];

/// The ISS of the first incarnations: text of one side crosses 2^32, that of the other the antipode. Three octets step over zero, for
/// zero is the number of the reset that nobody sends (§3.5.2, group 1): an old one would be exact by chance.
const FIRST_ISS: [u32; 2] = [u32::MAX - 2, (1 << 31) - 3];

impl World {
    /// A world in which nothing happens yet.
    pub fn new(name: &'static str, question: &'static str) -> World {
        World {
            name,
            question,
            scripts: [Script::default(); 2],
            listens: [false; 2],
            reads: [Reads::AtOnce; 2],
            insists: false,
            capacity: 3,
            duplicates: 0,
            forgeries: 0,
            settings: [0, 1].map(setting),
            stack_table: Table::repaired(),
            damage: None,
            memo: Memo::default(),
        }
    }

    /// The same world with other tables: the stacks', and the engine's.
    pub fn with_tables(mut self, stack: &'static Table, reference: &'static Table) -> World {
        self.stack_table = stack;
        self.settings.iter_mut().for_each(|setting| setting.table = reference);
        self
    }

    /// The same world with another configuration of both hosts.
    pub fn configured(mut self, change: impl Fn(&mut TcpConfig)) -> World {
        self.settings.iter_mut().for_each(|setting| change(&mut setting.config));
        self
    }

    pub fn initial(&self) -> State {
        State {
            ends: [0, 1].map(|side| Arc::new(self.end(side))),
            network: Vec::new(),
            duplicates: self.duplicates,
            forgeries: self.forgeries,
            complaint: None,
        }
    }

    fn end(&self, side: usize) -> End {
        let setting = &self.settings[side];
        let config =
            Config { mtu: MSS + 40, mac: MACS[side], tcp: setting.config.clone(), ..Config::new(ADDRESSES[side], 24) };
        let mut stack = Stack::new(config, self.stack_table, SECRETS[side]).unwrap();
        stack.set_tracing(true);
        // Both know the other's Ethernet address, because they have pinged: ARP is not the question.
        stack.ping(setting.epoch, ADDRESSES[1 - side].into(), 0, 0, &[]).unwrap();
        stack.input(setting.epoch, &arp_reply(1 - side, side));
        while stack.poll_transmit(setting.epoch, &mut Vec::new()) {}
        let listens = self.listens[side];
        let address = (ADDRESSES[side], PORTS[side]).into();
        let listener = listens.then(|| stack.listen(setting.epoch, address, 1).unwrap());
        let user = User::new(self.scripts[side], listener);
        End::new(stack, setting.epoch, user, Reference::new(setting, listens))
    }

    /// All that may happen; nothing after a complaint.
    pub fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        if state.complaint.is_some() {
            return;
        }
        actions.extend((0..state.network.len()).map(Action::Deliver));
        if state.duplicates > 0 {
            actions.extend((0..state.network.len()).map(Action::Duplicate));
        }
        for (side, end) in state.ends.iter().enumerate() {
            let left = end.user.left;
            let connection = end.connection.as_ref();
            let has_name = end.user.connection.0.is_some();
            let mut may = |action, allowed| {
                if allowed {
                    actions.push(action)
                }
            };
            may(Action::Tick(side), left.ticks > 0 && connection.is_some_and(|c| c.next_deadline.is_some()));
            may(Action::Open(side), left.opens > 0 && !has_name && connection.is_none());
            may(Action::Send(side), left.sends > 0 && has_name);
            may(Action::Close(side), left.closes > 0 && has_name);
            may(Action::Release(side), left.releases > 0 && has_name);
            may(Action::Abort(side), left.aborts > 0 && has_name);
            let counters = &end.reference.counters;
            let readable = counters.unread > 0 || (counters.ended && !end.user.at_end);
            may(Action::Read(side), self.reads[side] == Reads::Slowly && has_name && (readable || self.insists));
            let listens = end.user.listener.0.is_some();
            may(Action::OpenAgain(side), self.insists && (connection.is_some() || listens));
            may(Action::StopListening(side), self.insists && listens);
            if state.forgeries > 0 && (end.reference.is_bound() || end.reference.listens) {
                actions.extend((0..attacker::LIST.len()).map(|n| Action::Forge(side, n)));
            }
        }
    }

    /// What follows, and the rules that fired on the way.
    pub fn apply(&self, state: &State, action: Action) -> (State, Vec<RuleId>) {
        let mut next = state.clone();
        let mut fired = Vec::new();
        next.complaint = self.advance(state, &mut next, action, &mut fired).err();
        (next, fired)
    }

    fn advance(
        &self,
        before: &State,
        next: &mut State,
        action: Action,
        fired: &mut Vec<RuleId>,
    ) -> Result<(), Complaint> {
        let (side, stimulus) = self.stimulus(next, action)?;
        let turned = self.memo.turn(self, side, &before.ends[side], &stimulus);
        fired.extend(&turned.fired);
        next.ends[side] = turned.end.clone();
        turned.verdict.clone()?;
        for (frame, _) in &turned.said {
            next.send(Packet { to: 1 - side, frame: frame.clone() }, self.capacity);
        }
        Passage { world: self, side, before, after: next, stimulus: &stimulus, turned: &turned }.judge()
    }

    /// Who is concerned, and by what; the network gives up what arrives, and what 2MSL outlive.
    fn stimulus(&self, next: &mut State, action: Action) -> Result<(usize, Stimulus), Complaint> {
        let (side, stimulus) = match action {
            Action::Deliver(place) => {
                let packet = next.network.remove(place);
                (packet.to, self.arrival(packet)?)
            }
            Action::Duplicate(place) => {
                next.duplicates -= 1;
                (next.network[place].to, self.arrival(next.network[place].clone())?)
            }
            Action::Forge(side, n) => {
                next.forgeries -= 1;
                let said = attacker::forge(n, &next.ends[side].reference);
                let frame = encode(1 - side, &said.segment, &said.text).into();
                (side, Stimulus::Arrives { frame, said, forged: true })
            }
            Action::Tick(side) => {
                if next.ends[side].reference.tcb.armed(Timer::TimeWait) {
                    // No segment lives for two MSL (RFC 9293 §3.4.2).
                    next.network.clear();
                }
                (side, Stimulus::Timeout)
            }
            Action::Open(side) => (side, Stimulus::Open),
            Action::OpenAgain(side) => (side, Stimulus::OpenAgain),
            Action::StopListening(side) => (side, Stimulus::StopListening),
            Action::Send(side) => (side, Stimulus::Send(next.ends[side].user.left.octets)),
            Action::Read(side) => (side, Stimulus::Read),
            Action::Close(side) => (side, Stimulus::Close),
            Action::Release(side) => (side, Stimulus::Release),
            Action::Abort(side) => (side, Stimulus::Abort),
        };
        Ok((side, stimulus))
    }

    /// The reference is told what was said; the stack gets the bytes, as they come out of the network.
    fn arrival(&self, packet: Packet) -> Result<Stimulus, Complaint> {
        let from = 1 - packet.to;
        let said = decode(from, &packet.frame).map_err(|what| broken(REFINES, what))?;
        let frame = match self.damage {
            None => packet.frame,
            Some(damage) => {
                let Said { mut segment, text, .. } = said.clone();
                damage(&mut segment);
                encode(from, &segment, &text).into()
            }
        };
        Ok(Stimulus::Arrives { frame, said, forged: false })
    }
}

impl State {
    fn send(&mut self, packet: Packet, capacity: usize) {
        if let Err(place) = self.network.binary_search(&packet)
            && self.network.len() < capacity
        {
            self.network.insert(place, packet);
        }
    }

    /// The state of the connection at this end.
    pub fn connection(&self, side: usize) -> Connection {
        self.ends[side].reference.tcb.state()
    }
}

/// The reference's view of a host: nothing waits for company, durations are short, so that no neighbour is forgotten meanwhile.
fn setting(side: usize) -> Setting {
    let mut config = TcpConfig {
        msl: Micros::from_secs(2),
        receive_buffer: 16,
        send_buffer: 16,
        r1: u8::MAX,
        fin_wait_2: Micros::from_secs(3),
        nagle: false,
        // The reference knows no options: windows are small, and time is what the checker says it is.
        options: OptionsConfig::NONE,
        // Sixteen octets never fill a congestion window. An algorithm that remembers when it was told what would only make one
        // state into many.
        congestion: CongestionConfig { algorithm: Algorithm::NewReno, hystart: false, ..CongestionConfig::default() },
        // Segments of so few octets tell nothing about a path, and what a connection remembered of them would be states.
        path_mtu: PathMtuConfig::OFF,
        // The reference knows of no loss but by its timer.
        recovery: RecoveryConfig::timeouts_only(),
        // Which segments come first after a pause, and how fast, is no part of what the reference knows.
        acks: AckConfig::STEADY,
        ..TcpConfig::default()
    };
    config.rto.after_lost_syn = Micros::from_secs(1);
    let [local, remote] = [side, 1 - side].map(|side| (ADDRESSES[side], PORTS[side]).into());
    let secret = IsnSecret::from_random(SECRETS[side]).unwrap();
    let at_zero = Seq::new(initial_sequence_number(&secret, local, remote, Instant::ZERO));
    let first_iss = Seq::new(FIRST_ISS[side]);
    let ticks = u64::from(first_iss.forward_from(at_zero));
    let epoch = Instant::from_micros(ticks * ISS_TICK.get());
    Setting { table: Table::repaired(), config, epoch, first_iss }
}

/// `from` tells `to` where it is.
fn arp_reply(from: usize, to: usize) -> Vec<u8> {
    let packet = ArpPacket {
        operation: ArpOperation::Reply,
        sender_mac: MACS[from],
        sender_ip: ADDRESSES[from],
        target_mac: MACS[to],
        target_ip: ADDRESSES[to],
    };
    let mut frame = vec![0; ethernet::HEADER_LEN + arp::PACKET_LEN];
    let header = EthernetHeader { destination: MACS[to], source: MACS[from], ethertype: EtherType::ARP };
    let at = header.emit(&mut frame);
    packet.emit(&mut frame[at..]);
    frame
}
