//! The options of a connection: what the two SYNs agree on, and what each segment carries because of it.
//!
//! Maximum segment size (RFC 9293 §3.7.1, RFC 6691), window scale (RFC 7323 §2), timestamps (RFC 7323 §3 to §5), and that
//! selective acknowledgments are permitted (RFC 2018 §2). [`Flow::agree`] reads the peer's SYN, [`Flow::dress`] makes the
//! options of whatever leaves, [`TimestampClock`] judges and echoes the peer's clock.

use lockstep_model::table::TimestampClass;
use lockstep_model::{Flag, Segment, Seq, SeqNum};

use super::congestion::Controller;
use super::connection::{Common, Flow};
use super::demux::Pair;
use super::isn::timestamp_offset;
use super::recv::UNSCALED_CAPACITY;
use crate::ip::Handling;
use crate::time::{Instant, Micros};
use crate::wire::{MAX_OPTIONS_LEN, OptionLayout, SackBlocks, TcpFlags, TcpOptions, Timestamps};

/// The largest shift there is; who offers more means this one (RFC 7323 §2.3).
const MOST_SHIFT: u8 = 14;

/// The send MSS before the peer has named his (RFC 9293 §3.7.1, MUST-15).
pub(super) const DEFAULT_SEND_MSS: u16 = 536;

/// The least send MSS that is believed: whoever asks for less wants us to send headers (as Linux's `tcp_min_snd_mss`).
const LEAST_SEND_MSS: u16 = 48;

/// What the timestamps option takes of every segment, aligned (RFC 7323 appendix A).
const TIMESTAMPS_LEN: u16 = 12;

/// After so long without a timestamp the peer's clock may have gone half round: 24 days (RFC 7323 §5.5).
const TS_RECENT_LASTS: Micros = Micros::from_secs(24 * 86_400);

/// Which options our SYNs offer, and accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OptionsConfig {
    /// Windows of more than 65,535 octets (RFC 7323 §2).
    pub window_scaling: bool,
    /// Timestamps: every segment measures a round trip, and old duplicates are told from new segments (RFC 7323 §3).
    pub timestamps: bool,
    /// Selective acknowledgments (RFC 2018).
    pub sack: bool,
    /// A segment without the timestamp that was agreed on is dropped, unless it is a RST (RFC 7323 §3.2: SHOULD). Some
    /// middleboxes take options away; whoever has to live with one accepts such segments, and gives up their protection.
    pub require_timestamps: bool,
    /// In which order they are written.
    pub layout: OptionLayout,
}

impl OptionsConfig {
    /// RFC 793 and nothing else: segments as in its figures.
    pub const NONE: Self = Self {
        window_scaling: false,
        timestamps: false,
        sack: false,
        require_timestamps: true,
        layout: OptionLayout::Linux,
    };
}

impl Default for OptionsConfig {
    fn default() -> Self {
        Self { window_scaling: true, timestamps: true, sack: true, ..Self::NONE }
    }
}

/// What both SYNs have offered, and is therefore in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Agreed {
    /// Windows are scaled, in every segment but a SYN.
    pub window_scaling: bool,
    /// Snd.Wind.Shift: by so much are the peer's windows to be shifted.
    pub snd_wind_shift: u8,
    /// Rcv.Wind.Shift: by so much ours are.
    pub rcv_wind_shift: u8,
    /// Both may send SACK blocks.
    pub sack: bool,
    /// Every segment carries timestamps.
    pub timestamps: bool,
}

impl Agreed {
    /// What we offer.
    fn offered(common: &Common) -> Self {
        let OptionsConfig { window_scaling, timestamps, sack, .. } = common.config.options;
        let shift = if window_scaling { shift_for(common.config.most_receive_buffer()) } else { 0 };
        Self { window_scaling, snd_wind_shift: 0, rcv_wind_shift: shift, sack, timestamps }
    }

    /// What is in use if the peer offers this in answer, or before: each option only if both have it (RFC 7323 §2.2, §3.2,
    /// RFC 2018 §2).
    fn with(self, theirs: &TcpOptions) -> Self {
        let shift = theirs.window_scale.filter(|_| self.window_scaling);
        Self {
            window_scaling: shift.is_some(),
            snd_wind_shift: shift.unwrap_or(0).min(MOST_SHIFT),
            rcv_wind_shift: shift.map_or(0, |_| self.rcv_wind_shift),
            sack: self.sack && theirs.sack_permitted,
            timestamps: self.timestamps && theirs.timestamps.is_some(),
        }
    }

    /// Octets that options take of every segment with text.
    pub fn options_len(self) -> u16 {
        if self.timestamps { TIMESTAMPS_LEN } else { 0 }
    }

    /// SEG.WND in octets (RFC 7323 §2.3): a SYN's is never scaled.
    pub fn octets_of(self, window: u16, syn: bool) -> u32 {
        let shift = if syn { 0 } else { self.snd_wind_shift };
        u32::from(window) << shift
    }

    /// A window of ours as the header says it: rounded down, so that no more is promised than there is.
    fn header_of(self, octets: u32, syn: bool) -> u16 {
        let shift = if syn { 0 } else { self.rcv_wind_shift };
        u16::try_from(octets >> shift).unwrap_or(u16::MAX)
    }
}

/// The least shift with which a header can say the window of an empty buffer of this capacity (RFC 7323 §2.2).
fn shift_for(capacity: usize) -> u8 {
    (0..MOST_SHIFT).find(|shift| capacity >> shift <= UNSCALED_CAPACITY).unwrap_or(MOST_SHIFT)
}

/// A segment ready to be written: what leaves with its header fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Dressed {
    pub segment: Segment<Seq>,
    /// Its window as the header says it.
    pub window: u16,
    pub options: TcpOptions,
    /// ECE and CWR (RFC 3168).
    pub congestion: TcpFlags,
    /// How routers are to handle it.
    pub handling: Handling,
}

impl Flow {
    /// The peer's SYN is accepted: its options say how large segments are (MUST-15, MUST-16) and what both may use.
    pub fn agree(&mut self, common: &Common, now: Instant, theirs: &TcpOptions) {
        self.agreed = Agreed::offered(common).with(theirs);
        if let Some(timestamps) = theirs.timestamps.filter(|_| self.agreed.timestamps) {
            self.clock.begin(now, timestamps.value);
        }
        let send_mss = match theirs.mss {
            None | Some(0) => DEFAULT_SEND_MSS,
            Some(mss) => mss.max(LEAST_SEND_MSS),
        };
        self.use_send_mss(common, send_mss);
    }

    /// The peer takes segments of this size: congestion control begins with it.
    pub fn use_send_mss(&mut self, common: &Common, send_mss: u16) {
        self.send_mss = send_mss;
        self.smss = self.effective_send_mss();
        if common.config.round_receive_buffer {
            let whole = self.recv.capacity().next_multiple_of(usize::from(send_mss.min(common.mss)).max(1));
            self.recv.grow(whole.min(common.config.most_receive_buffer()));
        }
        self.congestion = Controller::new(self.smss, common.config.congestion);
    }

    /// What the timestamp of an arriving segment says.
    pub fn timestamp_class(&self, common: &Common, now: Instant, options: Option<&TcpOptions>) -> TimestampClass {
        if !self.agreed.timestamps {
            return TimestampClass::NotInUse;
        }
        match options.and_then(|options| options.timestamps) {
            Some(timestamps) => self.clock.classify(now, timestamps.value),
            None if common.config.options.require_timestamps => TimestampClass::Missing,
            None => TimestampClass::NotInUse,
        }
    }

    /// What `segment` carries besides its text, if it leaves now. It is about to: what it acknowledges counts as said.
    pub fn dress(&mut self, common: &Common, now: Instant, segment: Segment<Seq>) -> Dressed {
        let syn = segment.has(Flag::Syn);
        let ack = segment.has(Flag::Ack);
        // A SYN offers; a SYN,ACK answers, and has what was offered to it.
        let carried = if syn && !ack { Agreed::offered(common) } else { self.agreed };
        if ack {
            self.clock.last_ack_sent = segment.ack;
        }
        let options = TcpOptions {
            mss: syn.then_some(common.mss),
            window_scale: (syn && carried.window_scaling).then_some(carried.rcv_wind_shift),
            sack_permitted: syn && carried.sack,
            timestamps: carried.timestamps.then(|| self.clock.stamp(now, ack)),
            sack: if ack && !syn && carried.sack { self.sack_blocks(&segment) } else { SackBlocks::default() },
            layout: common.config.options.layout,
        };
        let offered = if common.config.exact_windows && segment.has(Flag::Rst) { 0 } else { segment.wnd };
        let window = self.agreed.header_of(offered, syn);
        let settings = self.settings(common);
        let congestion = self.ecn.flags(&segment, settings.ecn && !self.syn_repeated);
        Dressed {
            segment,
            window,
            options,
            congestion,
            handling: Handling { route: self.route().copied(), ..settings.handling() },
        }
    }
}

impl Flow {
    /// What there is to say in a SACK option, as far as options may take so much room beside the text of this segment.
    fn sack_blocks(&mut self, segment: &Segment<Seq>) -> SackBlocks {
        let beside_text = u32::from(self.smss).saturating_sub(segment.text);
        let of_options = MAX_OPTIONS_LEN - usize::from(self.agreed.options_len());
        let room = usize::try_from(beside_text).unwrap_or(usize::MAX).min(of_options);
        self.sack.blocks(segment.ack, &self.recv, room)
    }
}

/// Our clock as the peer sees it, and the peer's as we do (RFC 7323 §3 to §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TimestampClock {
    /// By how many milliseconds our timestamps are ahead of the stack's clock: different for every pair of sockets and always the same for
    /// one, so that they tell nobody how long the host has been up, and grow from one incarnation to the next (§5.4, §7).
    ahead: u32,
    /// TS.Recent: the timestamp to echo.
    ts_recent: u32,
    /// When it was recorded.
    ts_recent_at: Instant,
    /// Last.ACK.sent
    pub last_ack_sent: Seq,
    /// Timestamps are agreed on, and TS.Recent is one.
    running: bool,
}

impl TimestampClock {
    /// The clock of a connection that has agreed on nothing yet.
    pub fn new(common: &Common, pair: Pair) -> Self {
        Self {
            ahead: timestamp_offset(&common.secret, pair.local, pair.remote),
            ts_recent: 0,
            ts_recent_at: Instant::ZERO,
            last_ack_sent: Seq::new(0),
            running: false,
        }
    }

    /// Timestamps are agreed on; this is the first of the peer's.
    fn begin(&mut self, now: Instant, value: u32) {
        self.running = true;
        self.ts_recent = value;
        self.ts_recent_at = now;
    }

    /// The clock of a connection with this TS.Recent, of which that alone was kept for a while.
    pub fn resume(&mut self, at: Instant, ts_recent: u32, last_ack_sent: Seq) {
        self.begin(at, ts_recent);
        self.last_ack_sent = last_ack_sent;
    }

    /// TS.Recent, if timestamps are agreed on.
    pub fn ts_recent(&self) -> Option<u32> {
        self.running.then_some(self.ts_recent)
    }

    /// TSval: milliseconds, which lets the clock go round in 49 days (§5.4: between 1 ms and 1 s).
    pub fn value(&self, now: Instant) -> u32 {
        let [_, _, _, _, a, b, c, d] = (now.as_micros() / 1_000).to_be_bytes();
        u32::from_be_bytes([a, b, c, d]).wrapping_add(self.ahead)
    }

    /// The option of a segment that leaves now; without an ACK nothing is echoed (§3.2).
    fn stamp(&self, now: Instant, ack: bool) -> Timestamps {
        Timestamps { value: self.value(now), echo: if ack { self.ts_recent } else { 0 } }
    }

    /// The peer's timestamp is recorded if it is not older, and the segment lies across what was last acknowledged: with
    /// delayed acknowledgments the earliest is echoed, with a hole the last before it (§4.3).
    pub fn record(&mut self, now: Instant, seq: Seq, options: &TcpOptions) {
        let Some(Timestamps { value, .. }) = options.timestamps else { return };
        let is_older = self.classify(now, value) == TimestampClass::Older;
        if self.running && !seq.after(self.last_ack_sent) && !is_older {
            self.ts_recent = value;
            self.ts_recent_at = now;
        }
    }

    /// What SEG.TSval says, on the circle, and as long as TS.Recent says anything.
    fn classify(&self, now: Instant, value: u32) -> TimestampClass {
        let (value, ts_recent) = (Seq::new(value), Seq::new(self.ts_recent));
        if value == ts_recent {
            TimestampClass::Same
        } else if value.before(ts_recent) && self.is_valid(now) {
            TimestampClass::Older
        } else {
            TimestampClass::Newer
        }
    }

    /// Whether TS.Recent still says something: not after 24 days in which nothing was heard (§5.5).
    fn is_valid(&self, now: Instant) -> bool {
        now.since(self.ts_recent_at) <= TS_RECENT_LASTS
    }

    /// The round trip that this acknowledgment measures (§4.1): how long ago the segment left whose timestamp it echoes.
    /// Only one that acknowledges new data may be asked. `None` without timestamps, or if the echo is none of ours.
    pub fn echoed_rtt(&self, now: Instant, options: &TcpOptions) -> Option<Micros> {
        let Timestamps { echo, .. } = options.timestamps.filter(|_| self.running)?;
        let millis = self.value(now).wrapping_sub(echo);
        (millis <= u32::MAX / 2).then(|| Micros::from_millis(millis.into()))
    }

    /// The same clock at the moment [`Instant::ZERO`]; without timestamps there is nothing to tell it by.
    pub fn project(&self, now: Instant) -> Self {
        if self.running {
            Self { ahead: self.value(now), ts_recent_at: Instant::ZERO + now.since(self.ts_recent_at), ..*self }
        } else {
            Self { ts_recent_at: Instant::ZERO, last_ack_sent: Seq::new(0), ..*self }
        }
    }
}
