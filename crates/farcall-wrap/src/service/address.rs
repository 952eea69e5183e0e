//! Which addresses a request may go to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not one of the public internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// A benchmark's, a documentation's, or one that nobody has been given.
    Unassigned,
    /// Within one link, such as a cable.
    LinkLocal,
    /// The machine itself.
    Loopback,
    /// Where a cloud tells its machines their credentials.
    Metadata,
    /// Many machines at once.
    Multicast,
    /// Within one organisation or one provider.
    Private,
    /// No machine at all; systems take it for themselves.
    Unspecified,
}

impl Special {
    /// Whether people give names to machines with such addresses; nobody does to the others.
    pub(super) fn is_nearby(self) -> bool {
        matches!(self, Self::Loopback | Self::Private)
    }

    /// What it is called in a sentence.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Unassigned => "an unassigned",
            Self::LinkLocal => "a link-local",
            Self::Loopback => "a loopback",
            Self::Metadata => "a cloud's metadata",
            Self::Multicast => "a multicast",
            Self::Private => "a private",
            Self::Unspecified => "an unspecified",
        }
    }
}

/// What is special about `address`; `None` where it is public.
///
/// The ranges are those of IANA's registries of special-purpose addresses, RFC 6890. An IPv6 address that
/// stands for one of IPv4 is judged as that one.
pub(super) fn special(address: IpAddr) -> Option<Special> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

/// Services of clouds that answer with credentials, by no name and to everybody on the machine:
/// nearly all clouds, Alibaba, Azure, Oracle.
const METADATA_V4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// The same over IPv6: Amazon, Google.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

#[expect(
    clippy::unnested_or_patterns,
    reason = "a line is a range of the registry"
)]
fn special_v4(address: Ipv4Addr) -> Option<Special> {
    if METADATA_V4.contains(&address) {
        return Some(Special::Metadata);
    }
    match address.octets() {
        [0, 0, 0, 0] => Some(Special::Unspecified),
        [127, ..] => Some(Special::Loopback),
        [10, ..] | [100, 64..=127, ..] | [172, 16..=31, ..] | [192, 168, ..] => {
            Some(Special::Private)
        }
        [169, 254, ..] => Some(Special::LinkLocal),
        [224..=239, ..] => Some(Special::Multicast),
        // This network; protocols, documentation, 6to4 relays, benchmarks, the future, everybody.
        [0, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [240..=255, ..] => Some(Special::Unassigned),
        _ => None,
    }
}

fn special_v6(address: Ipv6Addr) -> Option<Special> {
    if METADATA_V6.contains(&address) {
        return Some(Special::Metadata);
    }
    if address.is_unspecified() {
        return Some(Special::Unspecified);
    }
    if address.is_loopback() {
        return Some(Special::Loopback);
    }
    if let Some(inner) = embedded(address) {
        return special_v4(inner);
    }
    match address.segments() {
        // Unique local, and site-local, as it was before RFC 3879.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Some(Special::Private),
        [0xfe80..=0xfebf, ..] => Some(Special::LinkLocal),
        [0xff00..=0xffff, ..] => Some(Special::Multicast),
        // Nothing else has been given to anybody, RFC 4291 section 2.4.
        [0x2000..=0x3fff, ..] if !is_for_protocols(address) => None,
        _ => Some(Special::Unassigned),
    }
}

/// Whether no machine of the internet has such an address: among them are Teredo, benchmarks and
/// ORCHID, and two blocks for documentation.
fn is_for_protocols(address: Ipv6Addr) -> bool {
    matches!(
        address.segments(),
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..]
    )
}

/// The address of IPv4 that packets to `address` end up at.
#[expect(clippy::unnested_or_patterns, reason = "a line is a form of its own")]
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        // Compatible, mapped (RFC 4291), translated (RFC 2765), NAT64 (RFC 6052), 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(Ipv4Addr::from_bits(
            (u32::from(high) << 16) | u32::from(low),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        Special::{LinkLocal, Loopback, Metadata, Multicast, Private, Unassigned, Unspecified},
        *,
    };

    fn of(address: &str) -> Option<Special> {
        special(address.parse().unwrap())
    }

    /// The first and the last address of every range, and the neighbours that are none of it.
    const RANGES: &[(&str, &str, Special, &[&str])] = &[
        ("0.0.0.0", "0.0.0.0", Unspecified, &[]),
        ("0.0.0.1", "0.255.255.255", Unassigned, &["1.0.0.0"]),
        (
            "10.0.0.0",
            "10.255.255.255",
            Private,
            &["9.255.255.255", "11.0.0.0"],
        ),
        (
            "100.64.0.0",
            "100.127.255.255",
            Private,
            &["100.63.255.255", "100.128.0.0"],
        ),
        ("100.100.100.200", "100.100.100.200", Metadata, &[]),
        (
            "127.0.0.0",
            "127.255.255.255",
            Loopback,
            &["126.255.255.255", "128.0.0.0"],
        ),
        (
            "168.63.129.16",
            "168.63.129.16",
            Metadata,
            &["168.63.129.15", "168.63.129.17"],
        ),
        (
            "169.254.0.0",
            "169.254.255.255",
            LinkLocal,
            &["169.253.255.255", "169.255.0.0"],
        ),
        ("169.254.169.254", "169.254.169.254", Metadata, &[]),
        (
            "172.16.0.0",
            "172.31.255.255",
            Private,
            &["172.15.255.255", "172.32.0.0"],
        ),
        (
            "192.0.0.0",
            "192.0.0.255",
            Unassigned,
            &["191.255.255.255", "192.0.1.0"],
        ),
        ("192.0.0.192", "192.0.0.192", Metadata, &[]),
        (
            "192.0.2.0",
            "192.0.2.255",
            Unassigned,
            &["192.0.1.255", "192.0.3.0"],
        ),
        (
            "192.88.99.0",
            "192.88.99.255",
            Unassigned,
            &["192.88.98.255", "192.88.100.0"],
        ),
        (
            "192.168.0.0",
            "192.168.255.255",
            Private,
            &["192.167.255.255", "192.169.0.0"],
        ),
        (
            "198.18.0.0",
            "198.19.255.255",
            Unassigned,
            &["198.17.255.255", "198.20.0.0"],
        ),
        (
            "198.51.100.0",
            "198.51.100.255",
            Unassigned,
            &["198.51.99.255", "198.51.101.0"],
        ),
        (
            "203.0.113.0",
            "203.0.113.255",
            Unassigned,
            &["203.0.112.255", "203.0.114.0"],
        ),
        (
            "224.0.0.0",
            "239.255.255.255",
            Multicast,
            &["223.255.255.255"],
        ),
        ("240.0.0.0", "255.255.255.255", Unassigned, &[]),
        ("::", "::", Unspecified, &[]),
        ("::1", "::1", Loopback, &[]),
        (
            "64:ff9b:1::",
            "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
            Unassigned,
            &[],
        ),
        ("100::", "100::ffff:ffff:ffff:ffff", Unassigned, &[]),
        (
            "2001::",
            "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            Unassigned,
            &["2001:200::"],
        ),
        (
            "2001:db8::",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            Unassigned,
            &["2001:db7::", "2001:db9::"],
        ),
        (
            "3fff::",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            Unassigned,
            &["3ffe::", "3fff:1000::"],
        ),
        (
            "5f00::",
            "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            Unassigned,
            &[],
        ),
        (
            "fc00::",
            "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            Private,
            &[],
        ),
        ("fd00:ec2::254", "fd00:ec2::254", Metadata, &[]),
        ("fd20:ce::254", "fd20:ce::254", Metadata, &[]),
        (
            "fe80::",
            "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            LinkLocal,
            &[],
        ),
        (
            "fec0::",
            "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            Private,
            &[],
        ),
        (
            "ff00::",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            Multicast,
            &[],
        ),
    ];

    #[test]
    fn every_special_range_is_known_to_its_ends() {
        for (first, last, expected, neighbours) in RANGES {
            assert_eq!(of(first), Some(*expected), "{first}");
            assert_eq!(of(last), Some(*expected), "{last}");
            for neighbour in *neighbours {
                assert_eq!(of(neighbour), None, "{neighbour}");
            }
        }
    }

    #[test]
    fn public_addresses_pass() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.216.34",
            "2606:4700:4700::1111",
            "2a00:1450:4001:82f::200e",
            // Through the translator of a network without IPv4.
            "64:ff9b::8.8.8.8",
        ] {
            assert_eq!(of(address), None, "{address}");
        }
    }

    /// All ways in which IPv6 can say an address of IPv4.
    fn disguises(address: Ipv4Addr) -> [IpAddr; 5] {
        let [a, b, c, d] = address.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        [
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        ]
        .map(IpAddr::V6)
    }

    proptest! {
        #[test]
        fn a_disguise_changes_nothing(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            // `::` and `::1` are addresses of their own.
            prop_assume!(bits > 1);
            for disguise in disguises(address) {
                prop_assert_eq!(special(disguise), special_v4(address), "{}", disguise);
            }
        }

        /// The standard library knows part of the ranges; what it knows, this knows.
        #[test]
        fn what_std_calls_special_is(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let is_special = address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_documentation()
                || address.is_unspecified();
            prop_assert!(!is_special || special_v4(address).is_some());
        }

        #[test]
        fn beyond_global_unicast_nothing_of_ipv6_is_public(bits: u128) {
            let address = Ipv6Addr::from_bits(bits);
            let is_global_unicast = address.segments()[0] & 0xe000 == 0x2000;
            prop_assume!(!is_global_unicast && embedded(address).is_none());
            prop_assert!(special_v6(address).is_some());
        }
    }
}
