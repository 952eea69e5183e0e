//! A block of addresses.

use std::net::IpAddr;

/// An address with the number of bits that count, as CIDR writes it (RFC 4632).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = width(address);
        let prefix = prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?;
        (prefix <= bits).then_some(Self { address, prefix })
    }

    /// Whether `address` is one of them; the two families have none in common.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        let shift = u32::from(width(address) - self.prefix.min(width(address)));
        let head = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
        self.address.is_ipv4() == address.is_ipv4()
            && head(bits(self.address)) == head(bits(address))
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        Network::parse(network)
            .unwrap()
            .contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_ends_where_its_bits_do() {
        assert!(contains("10.0.0.0/8", "10.255.255.255"));
        assert!(!contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("10.1.2.3", "10.1.2.3"));
        assert!(!contains("10.1.2.3", "10.1.2.4"));
        assert!(contains("fd00::/8", "fdff::1"));
        assert!(!contains("fd00::/8", "fe00::1"));
        assert!(contains("0.0.0.0/0", "255.255.255.255"));
        assert!(contains("::/0", "::1"));
        assert!(!contains("::/0", "127.0.0.1"));
        assert!(!contains("127.0.0.0/8", "::ffff:127.0.0.1"));
    }

    #[test]
    fn what_is_no_network_is_none() {
        for text in [
            "",
            "10",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "a/8",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
