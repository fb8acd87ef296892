//! The names of ICMP's types and codes, as both dialects of the language write them.

use thiserror::Error;

use super::ast::IcmpVersion;

/// Type and code of an ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Numbers {
    /// The type.
    pub kind: u8,
    /// The code.
    pub code: u8,
}

/// Why an ICMP message has no meaning here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IcmpError {
    /// A type that is not known.
    #[error("{0} is not a type of ICMP that is known here")]
    Kind(String),
    /// A code that is not known, or not one of this type.
    #[error("{code} is not a code of the ICMP type {kind} that is known here")]
    Code {
        /// The type.
        kind: String,
        /// The code.
        code: String,
    },
    /// IPv6.
    #[error("ICMPv6 is not supported")]
    Version,
    /// It is about no segment.
    #[error("an ICMP message that quotes no segment, as in [1:11(10)], is not supported")]
    Unquoted,
}

/// A type: its name, its number, and its codes by name from 0 on, several names for one after `|`, none where nobody names it.
type Kind = (&'static str, u8, &'static [&'static str]);

const V4: &[Kind] = &[
    ("echo_reply", 0, &[]),
    (
        "unreachable",
        3,
        &[
            "net_unreachable|net_unreach",
            "host_unreachable|host_unreach",
            "protocol_unreachable|prot_unreachable|prot_unreach",
            "port_unreachable|port_unreach",
            "frag_needed|fragmentation_needed",
            "source_route_failed|src_route_failed",
            "net_unknown",
            "host_unknown",
            "source_host_isolated|host_isolated",
            "net_prohibited",
            "host_prohibited",
            "bad_tos_for_net|net_unreachable_for_tos",
            "bad_tos_for_host|host_unreachable_for_tos",
            "packet_filtered|admin_prohibited|pkt_filtered",
            "precedence_violation|prec_violation",
            "precedence_cutoff|prec_cutoff",
        ],
    ),
    ("source_quench", 4, &[]),
    (
        "redirect",
        5,
        &[
            "net_redirect|redirect_net",
            "host_redirect|redirect_host",
            "net_tos_redirect|redirect_nettos",
            "host_tos_redirect|redirect_hosttos",
        ],
    ),
    ("echo_request|echo", 8, &[]),
    ("time_exceeded", 11, &["exceeded_ttl|ttl_exceeded|exc_ttl", "exceeded_fragtime|fragtime_exceeded|exc_fragtime"]),
    ("parameter_problem|param_problem", 12, &["pointer_error", "missing_option|required_option_missing", "bad_length"]),
    ("timestamp_request", 13, &[]),
    ("timestamp_reply", 14, &[]),
];

const V6: &[Kind] = &[
    (
        "unreachable|destination_unreachable",
        1,
        &[
            "no_route|noroute",
            "admin_prohibited|adm_prohibited",
            "beyond_scope|not_neighbour",
            "addr_unreachable|address_unreachable",
            "port_unreachable",
            "policy_fail|source_policy_failed",
            "reject_route",
        ],
    ),
    ("packet_too_big", 2, &[]),
    ("time_exceeded", 3, &["exceed_hop_limit|hop_limit_exceeded|exc_hoplimit", "exceed_reassembly|exc_fragtime"]),
    ("parameter_problem|param_problem", 4, &["header_field", "unknown_next_header", "unknown_option"]),
    ("echo_request", 128, &[]),
    ("echo_reply", 129, &[]),
];

/// The numbers of the type and the code of these names. Numbers are names too; without a code it is 0.
pub(super) fn numbers(version: IcmpVersion, kind: &str, code: Option<&str>) -> Result<Numbers, IcmpError> {
    let kinds = match version {
        IcmpVersion::V4 => V4,
        IcmpVersion::V6 => V6,
    };
    let named = kinds.iter().find(|(names, number, _)| is(names, kind) || number.to_string() == kind);
    let number = named.map(|(_, number, _)| *number).or_else(|| kind.parse().ok());
    let number = number.ok_or_else(|| IcmpError::Kind(kind.to_owned()))?;
    let Some(code) = code else { return Ok(Numbers { kind: number, code: 0 }) };
    let codes = named.map_or(&[][..], |(_, _, codes)| codes);
    let position = codes.iter().position(|names| is(names, code)).and_then(|position| u8::try_from(position).ok());
    let wrong = || IcmpError::Code { kind: kind.to_owned(), code: code.to_owned() };
    let code = position.or_else(|| code.parse().ok()).ok_or_else(wrong)?;
    Ok(Numbers { kind: number, code })
}

/// Whether `name` is among `names`.
fn is(names: &str, name: &str) -> bool {
    names.split('|').any(|known| known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_the_same() {
        let of = |version, kind: &str, code| numbers(version, kind, code).map(|numbers| (numbers.kind, numbers.code));
        assert_eq!(of(IcmpVersion::V4, "unreachable", Some("frag_needed")), Ok((3, 4)));
        assert_eq!(of(IcmpVersion::V4, "unreachable", Some("precedence_cutoff")), Ok((3, 15)));
        assert_eq!(of(IcmpVersion::V4, "3", Some("frag_needed")), Ok((3, 4)));
        assert_eq!(of(IcmpVersion::V4, "time_exceeded", None), Ok((11, 0)));
        assert_eq!(of(IcmpVersion::V4, "200", Some("9")), Ok((200, 9)));
        assert_eq!(of(IcmpVersion::V6, "unreachable", Some("address_unreachable")), Ok((1, 3)));
        assert_eq!(of(IcmpVersion::V6, "packet_too_big", None), Ok((2, 0)));
        assert!(of(IcmpVersion::V4, "packet_too_big", None).is_err());
        assert!(of(IcmpVersion::V4, "redirect", Some("frag_needed")).is_err());
    }
}
