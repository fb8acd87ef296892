//! SYN cookies: RFC 4987 §3.6, appendix A.
//!
//! When the SYN queue is full, a SYN is answered and forgotten. All that is needed to go on when the answer is acknowledged
//! is in the number of our SYN,ACK: `ISS = IRS + (t << 27 | m << 24 | MAC)`. t counts periods of 64 seconds, m is a place
//! in [`MSS`], and the MAC of 24 bits is SipHash-2-4 over the pair, IRS, t and m under a secret key. At any time 16 numbers
//! (two periods, eight sizes) of 2^32 are valid for a pair and an IRS, so that a guess succeeds with probability 2^-28.
//!
//! If the peer has offered timestamps, his window scale, and whether he understands selective acknowledgments, are in the
//! low bits of the timestamp that he will echo; if not, they are not agreed on (as in Linux).

use std::hash::{Hash, Hasher};

use lockstep_model::{Seq, SeqNum};
use siphasher::sip::SipHasher24;

use crate::tcp::demux::Pair;
use crate::tcp::options::DEFAULT_SEND_MSS;
use crate::time::{Instant, Micros};
use crate::wire::{TcpOptions, Timestamps};

/// How long a cookie is one of the present period.
const PERIOD: Micros = Micros::from_secs(64);

/// The sizes of segments that fit into three bits: the largest that is not larger than the peer's counts.
const MSS: [u16; 8] = [48, 256, 536, 1200, 1360, 1440, 1460, 8960];

/// The bits of a timestamp that say something else.
const STAMP_BITS: u32 = 0x3f;
const SACK_BIT: u32 = 0x10;
/// A window scale that cannot be: windows are not scaled.
const NOT_SCALED: u32 = 0x0f;

/// Makes cookies and knows them again.
#[derive(Clone)]
pub(in crate::tcp) struct Cookies {
    key: [u8; 16],
    /// When the last was sent: for longer than cookies last, no acknowledgment can be of one.
    last_sent: Option<Instant>,
}

/// What a cookie says: the number before its acknowledgment, and what the SYN offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tcp) struct Redeemed {
    pub iss: Seq,
    pub irs: Seq,
    pub options: TcpOptions,
}

impl Cookies {
    pub fn new(key: [u8; 16]) -> Self {
        Self { key, last_sent: None }
    }

    /// The ISS that answers a SYN with these options, of which [`keepable`] are kept.
    pub fn bake(&mut self, now: Instant, pair: &Pair, irs: Seq, options: &TcpOptions) -> Seq {
        self.last_sent = Some(now);
        let offered = options.mss.filter(|&mss| mss > 0).unwrap_or(DEFAULT_SEND_MSS);
        let place = MSS.iter().rposition(|&mss| mss <= offered).unwrap_or(0);
        self.cookie(pair, irs, period(now), u32::try_from(place).unwrap_or(0))
    }

    /// What the acknowledgment `ack` of a SYN,ACK to the SYN `irs` says, if it is of a cookie that is still good; `options`
    /// are those of the segment that brings it.
    pub fn redeem(&self, now: Instant, pair: &Pair, irs: Seq, ack: Seq, options: &TcpOptions) -> Option<Redeemed> {
        self.last_sent.filter(|&at| now.since(at) < PERIOD.saturating_mul(2))?;
        let iss = ack.minus(1);
        let bits = iss.forward_from(irs);
        let place = bits >> 24 & 7;
        let present = period(now);
        let fresh = [present, present.saturating_sub(1)];
        fresh.into_iter().find(|&t| self.cookie(pair, irs, t, place) == iss)?;
        let mss = MSS.get(usize::try_from(place).ok()?).copied();
        Some(Redeemed { iss, irs, options: TcpOptions { mss, ..unstamped(options.timestamps) } })
    }

    fn cookie(&self, pair: &Pair, irs: Seq, period: u64, place: u32) -> Seq {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        (pair, irs.raw(), period, place).hash(&mut hasher);
        let [.., a, b, c] = hasher.finish().to_be_bytes();
        let mac = u32::from_be_bytes([0, a, b, c]);
        let t = u32::try_from(period & 0x1f).unwrap_or(0);
        irs.plus(t << 27 | place << 24 | mac)
    }
}

impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cookies").field("last_sent", &self.last_sent).finish_non_exhaustive()
    }
}

fn period(now: Instant) -> u64 {
    now.as_micros() / PERIOD.get()
}

/// What of a SYN's options a cookie keeps, and our SYN,ACK may therefore agree to, if it has a timestamp or has none.
pub(in crate::tcp) fn keepable(offered: &TcpOptions, stamped: bool) -> TcpOptions {
    match offered.timestamps {
        Some(_) if stamped => *offered,
        Some(_) | None => TcpOptions { mss: offered.mss, ..TcpOptions::default() },
    }
}

/// The timestamp of a SYN,ACK that keeps the options `offered`: the latest that is not later than `value` and says so.
pub(in crate::tcp) fn stamped(value: u32, offered: &TcpOptions) -> u32 {
    let scale = offered.window_scale.map_or(NOT_SCALED, |scale| u32::from(scale.min(14)));
    let said = scale | if offered.sack_permitted { SACK_BIT } else { 0 };
    let stamp = value & !STAMP_BITS | said;
    if Seq::new(stamp).after(Seq::new(value)) { stamp.wrapping_sub(STAMP_BITS + 1) } else { stamp }
}

/// The options of the SYN whose SYN,ACK had the timestamp that is echoed here.
fn unstamped(timestamps: Option<Timestamps>) -> TcpOptions {
    let Some(Timestamps { echo, .. }) = timestamps else { return TcpOptions::default() };
    let scale = echo & NOT_SCALED;
    TcpOptions {
        window_scale: u8::try_from(scale).ok().filter(|_| scale != NOT_SCALED),
        sack_permitted: echo & SACK_BIT != 0,
        timestamps,
        ..TcpOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cookies() -> Cookies {
        Cookies::new(*b"a key of 16 byte")
    }

    fn pair(port: u16) -> Pair {
        Pair { local: ([192, 0, 2, 1], 80).into(), remote: ([192, 0, 2, 2], port).into() }
    }

    fn at(secs: u64) -> Instant {
        Instant::ZERO + Micros::from_secs(secs)
    }

    fn with_mss(mss: u16) -> TcpOptions {
        TcpOptions { mss: Some(mss), ..TcpOptions::default() }
    }

    #[test]
    fn a_cookie_lasts_for_two_periods() {
        let (mut cookies, irs) = (cookies(), Seq::new(7));
        let iss = cookies.bake(at(64), &pair(1), irs, &with_mss(1460));
        let redeem = |cookies: &Cookies, secs, port, irs, ack| {
            cookies.redeem(at(secs), &pair(port), irs, ack, &TcpOptions::default())
        };
        let ack = iss.plus(1);
        assert_eq!(redeem(&cookies, 64, 1, irs, ack), Some(Redeemed { iss, irs, options: with_mss(1460) }));
        assert!(redeem(&cookies, 191, 1, irs, ack).is_some());
        assert_eq!(redeem(&cookies, 192, 1, irs, ack), None);
        // Nor later, when others are sent.
        cookies.bake(at(192), &pair(2), irs, &with_mss(1460));
        assert_eq!(redeem(&cookies, 192, 1, irs, ack), None);
        // Nor when the bits that say the period come round.
        let later = 64 * (1 + 32);
        cookies.bake(at(later), &pair(2), irs, &with_mss(1460));
        assert_eq!(redeem(&cookies, later, 1, irs, ack), None);
        // It is good for this pair and this SYN only.
        assert_eq!(redeem(&cookies, 64, 2, irs, ack), None);
        assert_eq!(redeem(&cookies, 64, 1, irs.plus(1), ack.plus(1)), None);
    }

    #[test]
    fn without_a_cookie_sent_none_is_redeemed() {
        let (mut baker, irs) = (cookies(), Seq::new(7));
        let ack = baker.bake(at(1), &pair(1), irs, &with_mss(1460)).plus(1);
        assert!(baker.redeem(at(2), &pair(1), irs, ack, &TcpOptions::default()).is_some());
        assert_eq!(cookies().redeem(at(2), &pair(1), irs, ack, &TcpOptions::default()), None);
        // Nor is one of somebody with another key.
        let mut stranger = Cookies::new(*b"another such key");
        stranger.bake(at(1), &pair(1), irs, &with_mss(1460));
        assert_eq!(stranger.redeem(at(2), &pair(1), irs, ack, &TcpOptions::default()), None);
    }

    /// Of all that has the right period and size, one MAC in 2^24; of all sizes, eight; of all periods, two of 32.
    #[test]
    fn sixteen_of_four_thousand_million_guesses_succeed() {
        let (mut cookies, irs, now) = (cookies(), Seq::new(0x8765_4321), at(64 * 40));
        cookies.bake(now, &pair(1), irs, &with_mss(1460));
        let good = |bits| cookies.redeem(now, &pair(1), irs, irs.plus(bits).plus(1), &TcpOptions::default()).is_some();
        let (t, place) = (40 % 32, 6);
        assert_eq!((0..1 << 24).filter(|mac| good(t << 27 | place << 24 | mac)).count(), 1);
        let mut random = 1_u32;
        let lucky = (0..1 << 20).filter(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            good(random)
        });
        assert_eq!(lucky.count(), 0);
        let periods = (0..32).filter(|&t| {
            let iss = cookies.cookie(&pair(1), irs, t + 32, 6);
            good(iss.forward_from(irs))
        });
        assert_eq!(periods.count(), 2);
    }

    proptest! {
        /// What is kept is what was offered, but for sizes between the eight.
        #[test]
        fn options_survive(
            now in 64_000_u64..1 << 40,
            irs in any::<u32>(),
            mss in prop::option::of(any::<u16>()),
            scale in prop::option::of(0_u8..=14),
            sack_permitted in any::<bool>(),
            clock in any::<u32>(),
            stamps in any::<bool>(),
        ) {
            let timestamps = stamps.then_some(Timestamps { value: 5, echo: 0 });
            let offered = TcpOptions { mss, window_scale: scale, sack_permitted, timestamps, ..TcpOptions::default() };
            let (mut cookies, now, irs) = (cookies(), Instant::from_micros(now), Seq::new(irs));
            let iss = cookies.bake(now, &pair(1), irs, &offered);
            let echo = stamped(clock, &offered);
            prop_assert!(clock.wrapping_sub(echo) < 64);
            let brought = TcpOptions { timestamps: stamps.then_some(Timestamps { value: 9, echo }), ..TcpOptions::default() };
            let redeemed = cookies.redeem(now, &pair(1), irs, iss.plus(1), &brought).unwrap();
            let kept = TcpOptions { mss: redeemed.options.mss, timestamps: brought.timestamps, ..keepable(&offered, true) };
            prop_assert_eq!(redeemed, Redeemed { iss, irs, options: kept });
            let (size, mss) = (redeemed.options.mss.unwrap(), mss.filter(|&mss| mss > 0).unwrap_or(536));
            prop_assert!(size <= mss.max(48) && MSS.iter().all(|&m| m <= size || m > mss));
        }
    }
}
