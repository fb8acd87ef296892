//! `struct tcp_info`, field by field.

use crate::system::TcpInfo;

/// More than any kernel's `struct tcp_info` has.
pub(super) const LONGEST: usize = 1_024;

/// Reads what getsockopt(2) wrote. A kernel writes as much of the structure as it knows, so what is not there is not a
/// field of this kernel.
pub(super) fn decode(bytes: &[u8]) -> TcpInfo {
    let mut info = TcpInfo::default();
    let mut rest = bytes;
    for (field, width) in FIELDS {
        let Some((value, after)) = rest.split_at_checked(*width) else { break };
        rest = after;
        match *field {
            WINDOW_SCALES => {
                let (low, high) = (value[0] & 0x0f, value[0] >> 4);
                let (snd, rcv) = if cfg!(target_endian = "little") { (low, high) } else { (high, low) };
                info.set("snd_wscale", snd);
                info.set("rcv_wscale", rcv);
            }
            PACKED_FLAGS => {
                let bits = if cfg!(target_endian = "little") { value[0] } else { value[0].reverse_bits() };
                info.set("delivery_rate_app_limited", bits & 1);
                info.set("fastopen_client_fail", bits >> 1 & 3);
            }
            field => info.set(field, number(value)),
        }
    }
    info
}

/// Writes what a system knows as Linux would; what it does not know is zero.
#[must_use]
pub fn encode(info: &TcpInfo) -> Vec<u8> {
    let field = |name| u64::try_from(info.get(name).unwrap_or(0)).unwrap_or(0);
    let octet = |value: u64| u8::try_from(value & 0xff).unwrap_or(0);
    let mut bytes = Vec::new();
    for (name, width) in FIELDS {
        match *name {
            WINDOW_SCALES => {
                let (snd, rcv) = (octet(field("snd_wscale") & 0x0f), octet(field("rcv_wscale") & 0x0f));
                bytes.push(if cfg!(target_endian = "little") { rcv << 4 | snd } else { snd << 4 | rcv });
            }
            PACKED_FLAGS => {
                let limited = field("delivery_rate_app_limited") & 1;
                let bits = octet(limited | (field("fastopen_client_fail") & 3) << 1);
                bytes.push(if cfg!(target_endian = "little") { bits } else { bits.reverse_bits() });
            }
            name => {
                let value = field(name).to_ne_bytes();
                let unused = value.len() - width;
                bytes.extend(if cfg!(target_endian = "little") { &value[..*width] } else { &value[unused..] });
            }
        }
    }
    bytes
}

/// An unsigned number of one, two, four or eight octets.
fn number(value: &[u8]) -> u64 {
    match value {
        [a] => u64::from(*a),
        [a, b] => u16::from_ne_bytes([*a, *b]).into(),
        [a, b, c, d] => u32::from_ne_bytes([*a, *b, *c, *d]).into(),
        [a, b, c, d, e, f, g, h] => u64::from_ne_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
        // FIELDS has no other widths.
        _ => 0,
    }
}

/// Two of four bits each.
const WINDOW_SCALES: &str = "wscale";
/// One bit and two.
const PACKED_FLAGS: &str = "flags";

/// The structure as `uapi/linux/tcp.h` declares it, which has no holes.
const FIELDS: &[(&str, usize)] = &[
    ("state", 1),
    ("ca_state", 1),
    ("retransmits", 1),
    ("probes", 1),
    ("backoff", 1),
    ("options", 1),
    (WINDOW_SCALES, 1),
    (PACKED_FLAGS, 1),
    ("rto", 4),
    ("ato", 4),
    ("snd_mss", 4),
    ("rcv_mss", 4),
    ("unacked", 4),
    ("sacked", 4),
    ("lost", 4),
    ("retrans", 4),
    ("fackets", 4),
    ("last_data_sent", 4),
    ("last_ack_sent", 4),
    ("last_data_recv", 4),
    ("last_ack_recv", 4),
    ("pmtu", 4),
    ("rcv_ssthresh", 4),
    ("rtt", 4),
    ("rttvar", 4),
    ("snd_ssthresh", 4),
    ("snd_cwnd", 4),
    ("advmss", 4),
    ("reordering", 4),
    ("rcv_rtt", 4),
    ("rcv_space", 4),
    ("total_retrans", 4),
    ("pacing_rate", 8),
    ("max_pacing_rate", 8),
    ("bytes_acked", 8),
    ("bytes_received", 8),
    ("segs_out", 4),
    ("segs_in", 4),
    ("notsent_bytes", 4),
    ("min_rtt", 4),
    ("data_segs_in", 4),
    ("data_segs_out", 4),
    ("delivery_rate", 8),
    ("busy_time", 8),
    ("rwnd_limited", 8),
    ("sndbuf_limited", 8),
    ("delivered", 4),
    ("delivered_ce", 4),
    ("bytes_sent", 8),
    ("bytes_retrans", 8),
    ("dsack_dups", 4),
    ("reord_seen", 4),
    ("rcv_ooopack", 4),
    ("snd_wnd", 4),
    ("rcv_wnd", 4),
    ("rehash", 4),
    ("total_rto", 2),
    ("total_rto_recoveries", 2),
    ("total_rto_time", 4),
    ("received_ce", 4),
    ("delivered_e1_bytes", 4),
    ("delivered_e0_bytes", 4),
    ("delivered_ce_bytes", 4),
    ("received_e1_bytes", 4),
    ("received_e0_bytes", 4),
    ("received_ce_bytes", 4),
    ("accecn_fail_mode", 2),
    ("accecn_opt_seen", 2),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_structure_has_fewer_fields() {
        let mut bytes = vec![0; 8];
        bytes[0] = 1;
        bytes[5] = 7;
        bytes[6] = if cfg!(target_endian = "little") { 0x87 } else { 0x78 };
        bytes.extend(204_000_u32.to_ne_bytes());
        bytes.extend([0xff; 3]);
        let info = decode(&bytes);
        let seen: Vec<_> = info.iter().filter(|(_, value)| *value != 0).collect();
        let wanted = [("options", 7), ("rcv_wscale", 8), ("rto", 204_000), ("snd_wscale", 7), ("state", 1)];
        assert_eq!(seen, wanted);
        assert_eq!(info.get("ato"), None, "three octets are no field");
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let mut info = decode(&[0; LONGEST]);
        for (place, (field, _)) in info.clone().iter().enumerate() {
            info.set(field, place % 2);
        }
        assert_eq!(decode(&encode(&info)), info);
        info.set("bytes_acked", 1_u64 << 40);
        info.set("snd_wscale", 14_u8);
        assert_eq!(decode(&encode(&info)), info);
    }

    #[test]
    fn eight_octets_are_aligned_as_in_c() {
        let mut at = 0;
        for (field, width) in FIELDS {
            assert!(at % width == 0, "{field} at {at}");
            at += width;
        }
    }
}
