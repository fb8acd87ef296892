//! The hosts, the network between them, and the order in which things happen.

mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use lockstep::device::impair::{Chance, Impairment};
use lockstep::device::prng::SplitMix64;
use lockstep::device::{Device, Impaired, Pipe};
use lockstep::stack::{Config, Event, KeepAlive, ListenerId, OptionsConfig, Stack};
use lockstep::time::{Instant, Micros};
use lockstep_model::{SeqNum, Table};

use crate::attacker::{self, Licence, Target};
use crate::observer::{Heard, Observer};
use crate::user::{Account, Ledger, User};

/// The ports of listeners; connections go to them, or to one on which nobody listens.
pub const LISTENED: [u16; 2] = [80, 81];
pub const SILENT_PORT: u16 = 99;

/// No frame lives longer: an MSL is at least this.
///
/// The network keeps a frame for half a second at most, and then it may wait three for an address to be resolved.
const LIFETIME: Micros = Micros::from_secs(4);

/// One host: its stack, its end of the wire, and its users.
pub struct Host {
    config: Config,
    table: &'static Table,
    secret: [u8; 16],
    pub stack: Stack,
    device: Impaired<Pipe>,
    pub listeners: Vec<ListenerId>,
    pub users: BTreeMap<u64, User>,
    pub ledger: Ledger,
    observer: Observer,
    /// Its numbers must not come back while frames of before a power cut are about (RFC 9293 §3.4.3).
    quiet_until: Instant,
    /// When it last sent a segment.
    spoke_at: Option<Instant>,
}

/// What a seed decides about the world.
#[derive(Clone, Copy, Debug)]
pub struct Climate {
    /// Nobody aborts or cuts the power, the network is tolerable, attackers are blind: nothing may fail.
    pub calm: bool,
    attacks: bool,
    power_cuts: bool,
    impairment: Impairment,
    pub sessions: u64,
    pub most_text: u64,
}

/// Something that happens at a moment of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Somebody connects, from this host.
    Open(usize),
    /// A user does something.
    Use(usize, u64),
    /// A listener goes away and comes back.
    Relisten(usize),
    /// A frame is forged, towards this host.
    Attack(usize),
    /// Somebody else answers what this host has accepted.
    Interfere(usize),
    /// A host loses all it knew.
    PowerCut(usize),
}

pub struct World {
    pub now: Instant,
    pub random: SplitMix64,
    pub climate: Climate,
    pub hosts: [Host; 2],
    plans: BTreeMap<(Instant, u64), Plan>,
    planned: u64,
    /// A frame that each host has sent, for the attacker to imitate.
    overheard: [Vec<Vec<u8>>; 2],
    /// The last SYN,ACK of each host that the attacker cares for.
    accepted: [Vec<u8>; 2],
    seed: u64,
    verbose: bool,
    result: Outcome,
}

/// What came of one world, or of many.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub fired: BTreeMap<&'static str, u64>,
    pub worlds: u64,
    pub connections: u64,
    pub octets: u64,
    pub failures: BTreeMap<String, u64>,
    pub virtual_time: u64,
    pub most_events: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { fired, worlds, connections, octets, failures, virtual_time, most_events } = self;
        writeln!(f, "{worlds} worlds, {connections} ends of connections, {octets} octets received,")?;
        writeln!(f, "{} rules fired, {} hours of virtual time,", fired.len(), virtual_time / 3_600_000_000)?;
        writeln!(f, "at most {most_events} events in a world,")?;
        writeln!(f, "ends: {failures:?}")?;
        let mut rarest: Vec<_> = fired.iter().map(|(rule, count)| (count, rule)).collect();
        rarest.sort();
        rarest.truncate(5);
        write!(f, "rarest: {rarest:?}")
    }
}

pub fn address(host: usize) -> Ipv4Addr {
    [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)][host]
}

impl World {
    pub fn new(seed: u64, table: &'static Table, verbose: bool) -> World {
        let mut random = SplitMix64::new(seed);
        let climate = Climate::random(&mut random);
        let mtu = [296, 576, 1500][usize::try_from(random.below(3)).unwrap()];
        let (one, two) = Pipe::pair(1500, 4096);
        let devices =
            [one, two].map(|pipe| Impaired::new(pipe, random.next_u64(), Impairment::default(), climate.impairment));
        let configs = [0, 1].map(|host| config(host, mtu, &climate, &mut random));
        let mut devices = devices.into_iter();
        let hosts = configs.map(|config| Host::new(config, table, devices.next().unwrap()));
        let mut world = World {
            now: Instant::ZERO,
            random,
            climate,
            hosts,
            plans: BTreeMap::new(),
            planned: 0,
            overheard: [Vec::new(), Vec::new()],
            accepted: [Vec::new(), Vec::new()],
            seed,
            verbose,
            result: Outcome { worlds: 1, ..Outcome::default() },
        };
        world.say(|world| format!("{:?}", world.climate));
        world.prepare();
        world
    }

    /// Lives until all is over.
    pub fn run(mut self) -> Outcome {
        // RFC 9293 has no bound: a timeout may back off to a minute, many times over.
        let doomsday = Instant::ZERO + Micros::from_secs(4 * 3600);
        for event in 0..500_000_u64 {
            self.result.most_events = event;
            self.flush();
            match self.next_moment() {
                Some(at) => self.happen(at),
                None if self.is_over() => return self.finish(),
                None => panic!("seed {}: stalled at {}: {}", self.seed, self.now, self.unfinished()),
            }
            assert!(self.now < doomsday, "seed {}: no end in sight: {}", self.seed, self.unfinished());
        }
        panic!("seed {}: too many events until {}: {}", self.seed, self.now, self.unfinished());
    }

    // ---- Setting the stage -----------------------------------------------------------------------------------------------

    fn prepare(&mut self) {
        for host in 0..2 {
            self.hosts[host].listen(self.now, &mut self.random);
        }
        let span = 20_000_000;
        for _ in 0..self.climate.sessions {
            let host = usize::try_from(self.random.below(2)).unwrap();
            self.plan_within(span, Plan::Open(host));
        }
        for host in 0..2 {
            if self.climate.attacks {
                for _ in 0..60 {
                    self.plan_within(span, Plan::Attack(host));
                }
            }
            if self.climate.power_cuts {
                self.plan_within(span, Plan::PowerCut(host));
            }
            if !self.climate.calm {
                self.plan_within(span, Plan::Relisten(host));
            }
        }
    }

    fn plan_within(&mut self, micros: u64, plan: Plan) {
        let delay = Micros::new(self.random.below(micros));
        self.plan(delay, plan);
    }

    fn plan(&mut self, delay: Micros, plan: Plan) {
        self.planned += 1;
        self.plans.insert((self.now + delay, self.planned), plan);
    }

    // ---- What happens next -------------------------------------------------------------------------------------------------

    fn next_moment(&self) -> Option<Instant> {
        let of_hosts = self.hosts.iter().flat_map(|host| [host.stack.poll_timeout(), host.device.poll_timeout()]);
        of_hosts.flatten().chain(self.plans.keys().next().map(|&(at, _)| at)).min()
    }

    fn happen(&mut self, at: Instant) {
        self.now = self.now.max(at);
        self.deliver();
        for host in &mut self.hosts {
            if host.stack.poll_timeout().is_some_and(|due| due <= self.now) {
                host.stack.timeout(self.now);
            }
        }
        while let Some(entry) = self.plans.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let plan = entry.remove();
            self.carry_out(plan);
        }
    }

    fn deliver(&mut self) {
        let mut buf = [0; 1600];
        for host in [0, 1, 0] {
            while let Some(len) = self.hosts[host].device.recv(self.now, &mut buf).unwrap() {
                self.arrive(host, &buf[..len]);
            }
        }
    }

    /// What the stacks have to send goes to the network, what they have to tell to their users.
    fn flush(&mut self) {
        for index in 0..2 {
            self.transmit(index);
            self.transitions(index);
            self.hear(index);
        }
    }

    fn hear(&mut self, index: usize) {
        while let Some(event) = self.hosts[index].stack.poll_event() {
            let Event::Acceptable(listener) = event else {
                continue;
            };
            while let Ok(Some(accepted)) = self.hosts[index].stack.accept(listener) {
                let user = User::new(accepted.connection, &self.climate, &mut self.random);
                self.join(index, user);
            }
        }
    }

    fn join(&mut self, host: usize, user: User) {
        self.planned += 1;
        let name = self.planned;
        self.result.connections += 1;
        self.hosts[host].users.insert(name, user);
        self.plan_within(5_000, Plan::Use(host, name));
    }

    fn carry_out(&mut self, plan: Plan) {
        match plan {
            Plan::Open(host) if self.now < self.hosts[host].quiet_until => {
                self.plan(LIFETIME, plan);
            }
            Plan::Open(host) => self.open(host),
            Plan::Use(host, name) => self.use_connection(host, name),
            Plan::Relisten(host) => {
                self.hosts[host].stop_listening(self.now);
                self.hosts[host].listen(self.now, &mut self.random);
            }
            Plan::Attack(host) => self.attack(host),
            Plan::Interfere(host) => self.interfere(host),
            Plan::PowerCut(host) => self.cut_power(host),
        }
    }

    fn open(&mut self, host: usize) {
        let other = 1 - host;
        let crossing = self.random.below(3) == 0 && self.now >= self.hosts[other].quiet_until;
        let (from, to) = if crossing {
            let n = u16::try_from(self.random.below(3)).unwrap();
            if host == 0 { (5000 + n, 6000 + n) } else { (6000 + n, 5000 + n) }
        } else {
            let from = [0, 4000, 4001, 4002][usize::try_from(self.random.below(4)).unwrap()];
            let to = match self.random.below(10) {
                0 => SILENT_PORT,
                n => LISTENED[usize::try_from(n % 2).unwrap()],
            };
            (from, to)
        };
        self.open_from(host, from, to);
        if crossing {
            self.open_from(other, to, from);
        }
    }

    fn open_from(&mut self, host: usize, from: u16, to: u16) {
        let local: SocketAddr = (address(host), from).into();
        let remote: SocketAddr = (address(1 - host), to).into();
        match self.hosts[host].stack.connect_from(self.now, local, remote) {
            Ok(id) => {
                self.say(|_| format!("{host} connects {from} to {to}"));
                let user = User::new(id, &self.climate, &mut self.random);
                self.join(host, user);
            }
            Err(error) => self.say(|_| format!("{host} cannot connect {from} to {to}: {error}")),
        }
    }

    fn use_connection(&mut self, index: usize, name: u64) {
        let [a, b] = &mut self.hosts;
        let (host, peer) = if index == 0 { (a, &*b) } else { (b, &*a) };
        let Some(user) = host.users.get_mut(&name) else {
            return;
        };
        let seed = self.seed;
        let account = Account { stack: &mut host.stack, now: self.now, ledger: &mut host.ledger, peer: &peer.ledger };
        match user.act(account, &mut self.random, seed) {
            None => {
                let delay = user.pause(&mut self.random);
                self.plan(delay, Plan::Use(index, name));
                self.look_at(index, name);
            }
            Some(end) => {
                assert!(!self.climate.calm || end.is_good(), "seed {seed}: {end} in a calm world at {}", self.now);
                self.result.octets += end.received;
                *self.result.failures.entry(end.to_string()).or_default() += 1;
                self.say(|_| format!("{index} user {name} leaves: {end}"));
                self.hosts[index].users.remove(&name);
            }
        }
    }

    fn attack(&mut self, victim: usize) {
        let heard = u64::try_from(self.overheard[1 - victim].len()).unwrap();
        let at = usize::try_from(self.random.below(heard)).unwrap();
        let Some(frame) = self.overheard[1 - victim].get(at) else {
            return;
        };
        let calm = self.climate.calm;
        let host = &mut self.hosts[victim];
        // In a calm world he spares what has no user to notice.
        let licence = |local, remote| match host.target(self.now, local, remote) {
            target if !calm => Some(Licence::Everything(target)),
            target => target.map(Licence::Blind),
        };
        if let Some(forged) = attacker::forge(frame, licence, &mut self.random) {
            self.say(|_| format!("{victim} is attacked: {:?}", Heard::parse(&forged)));
            self.arrive_twice(victim, &forged);
        }
    }

    /// The stack forgets everything, its users are gone, and it keeps quiet for a while (RFC 9293 §3.4.3).
    fn cut_power(&mut self, host: usize) {
        self.say(|_| format!("{host} loses power"));
        self.count_rules(host);
        let quiet = self.now + LIFETIME + LIFETIME;
        let there = &mut self.hosts[host];
        there.stack = fresh_stack(&there.config, there.table, there.secret);
        there.users.clear();
        there.observer = Observer::default();
        there.quiet_until = quiet;
        there.spoke_at = None;
        there.listeners.clear();
        there.listen(self.now, &mut self.random);
    }

    // ---- The end ---------------------------------------------------------------------------------------------------------

    fn is_over(&self) -> bool {
        self.hosts.iter().all(|host| host.users.is_empty() && host.stack.connections() == 0)
    }

    fn finish(mut self) -> Outcome {
        for host in 0..2 {
            self.count_rules(host);
        }
        self.result.virtual_time = self.now.as_micros();
        self.result
    }

    fn count_rules(&mut self, host: usize) {
        for (rule, count) in self.hosts[host].stack.fired() {
            *self.result.fired.entry(rule.name()).or_default() += count;
        }
    }

    fn unfinished(&self) -> String {
        let of_host = |host: &Host| format!("{} connections, users {:?}", host.stack.connections(), host.users);
        self.hosts.iter().map(of_host).collect::<Vec<_>>().join("; ")
    }

    fn say(&self, what: impl FnOnce(&World) -> String) {
        if self.verbose {
            println!("{} {}", self.now, what(self));
        }
    }
}

impl Host {
    fn new((config, secret): (Config, [u8; 16]), table: &'static Table, device: Impaired<Pipe>) -> Host {
        Host {
            stack: fresh_stack(&config, table, secret),
            config,
            table,
            secret,
            device,
            listeners: Vec::new(),
            users: BTreeMap::new(),
            ledger: Ledger::default(),
            observer: Observer::default(),
            quiet_until: Instant::ZERO,
            spoke_at: None,
        }
    }

    fn listen(&mut self, now: Instant, random: &mut SplitMix64) {
        for port in LISTENED {
            let backlog = usize::try_from(1 + random.below(4)).unwrap();
            let local = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            self.listeners.push(self.stack.listen(now, local, backlog).unwrap());
            assert!(self.stack.listen(now, local, backlog).is_err());
        }
    }

    /// The established connection that a user has with these ports.
    fn target(&mut self, now: Instant, local: u16, remote: u16) -> Option<Target> {
        let status = self.status(now, |pair| (pair.local.port(), pair.remote.port()) == (local, remote))?;
        let target = Target { rcv_nxt: status.tcb.rcv_nxt().raw(), snd_nxt: status.tcb.snd_nxt().raw() };
        status.tcb.syn_acked().then_some(target)
    }

    fn stop_listening(&mut self, now: Instant) {
        for listener in std::mem::take(&mut self.listeners) {
            self.stack.close_listener(now, listener).unwrap();
        }
    }
}

fn fresh_stack(config: &Config, table: &'static Table, secret: [u8; 16]) -> Stack {
    let mut stack = Stack::new(config.clone(), table, secret).unwrap();
    stack.set_tracing(true);
    stack
}

/// A host with habits of its own.
fn config(host: usize, mtu: u16, climate: &Climate, random: &mut SplitMix64) -> (Config, [u8; 16]) {
    let mut config = Config::new(address(host), 24);
    config.mtu = mtu;
    let tcp = &mut config.tcp;
    tcp.msl = LIFETIME + Micros::from_secs(random.below(3));
    // A window of one octet takes a round trip for each.
    let least = if climate.most_text > 100 { 300 } else { 1 };
    tcp.receive_buffer = [least, 700, 5_000, 65_535][usize::try_from(random.below(4)).unwrap()];
    tcp.send_buffer = [100, 5_000, 65_535][usize::try_from(random.below(3)).unwrap()];
    // The observer takes windows as they stand in the header.
    tcp.options = OptionsConfig { timestamps: random.below(4) > 0, sack: random.below(4) > 0, ..OptionsConfig::NONE };
    // Nobody's patience hides a handshake that a wrong table does not let end.
    tcp.listen.syn_ack_retries = u8::MAX;
    tcp.nagle = random.below(3) > 0;
    tcp.reopen_time_wait = random.below(4) > 0;
    if !climate.calm {
        tcp.rfc5961 = random.below(4) > 0;
        tcp.rfc1337 = random.below(2) > 0;
    }
    if random.below(4) == 0 {
        let idle = Micros::from_secs(2);
        tcp.keep_alive = Some(KeepAlive { idle, interval: idle, probes: 20 });
    }
    let mut secret = [0; 16];
    secret[..8].copy_from_slice(&random.next_u64().to_be_bytes());
    (config, secret)
}

impl Climate {
    fn random(random: &mut SplitMix64) -> Climate {
        let calm = random.below(4) == 0;
        let mut percent = |most: u64| Chance::percent(u32::try_from(random.below(most)).unwrap());
        let worst = if calm { 8 } else { 25 };
        let impairment = Impairment {
            loss: percent(worst),
            duplicate: percent(10),
            corrupt: percent(4),
            reorder: percent(25),
            reorder_by: Micros::from_millis(random.below(200)),
            delay: Micros::from_millis(random.below(100)),
            jitter: Micros::from_millis(random.below(100)),
            ..Impairment::default()
        };
        Climate {
            calm,
            attacks: random.below(3) > 0,
            power_cuts: !calm && random.below(4) == 0,
            impairment,
            sessions: 4 + random.below(16),
            most_text: [1, 100, 3_000, 50_000][usize::try_from(random.below(4)).unwrap()],
        }
    }
}
