//! Where a request comes from: the other end of its connection, or whom a trusted proxy names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

const CF_CONNECTING_IP: HeaderName = HeaderName::from_static("cf-connecting-ip");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Networks, as an operator lists them.
#[derive(Clone, Debug, Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// These networks.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// This machine itself.
    pub fn loopback() -> Self {
        let loopback: [(IpAddr, u8); 2] = [
            (Ipv4Addr::LOCALHOST.into(), 8),
            (Ipv6Addr::LOCALHOST.into(), 128),
        ];
        let networks = loopback
            .into_iter()
            .filter_map(|(address, prefix)| IpNet::new(address, prefix).ok());
        Self::new(networks)
    }

    /// These and those of `other`.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.0.extend_from_slice(&other.0);
        self
    }

    /// Whether `address` is in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// The address of the client that sent a request, an extension of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientAddress {
    address: IpAddr,
    /// Whether a trusted proxy named it; else it is the other end of the connection.
    is_named: bool,
}

impl ClientAddress {
    /// That of the request with these extensions.
    pub(crate) fn among(extensions: &Extensions) -> Option<IpAddr> {
        extensions.get().copied().map(Self::address)
    }

    /// The whole of it.
    pub(crate) fn address(self) -> IpAddr {
        self.address
    }

    /// The other end of a connection.
    pub(crate) fn of_peer(peer: IpAddr) -> Self {
        Self {
            address: peer.to_canonical(),
            is_named: false,
        }
    }

    /// Whether it may be anybody's: what comes from this machine itself without a trusted proxy's word
    /// on it is one tool or, through a tunnel, everybody.
    pub(crate) fn may_be_anybodys(self) -> bool {
        self.address.is_loopback() && !self.is_named
    }

    /// What is told apart by address: of IPv6 the first half, because whoever has one address there
    /// has 2^64.
    pub(crate) fn network(self) -> IpAddr {
        network(self.address)
    }

    /// Whose request it is that came from `peer` with these headers.
    ///
    /// Proxies append to `X-Forwarded-For`, so what stands right of the first address that is no
    /// proxy's was written by proxies, and what stands left of it by anybody. Cloudflare's own header
    /// counts where there is no such list.
    pub(crate) fn of(peer: IpAddr, proxies: &Networks, headers: &HeaderMap) -> Self {
        let of_peer = Self::of_peer(peer);
        if !proxies.contain(peer) {
            return of_peer;
        }
        let named = |address| Self {
            address,
            is_named: true,
        };
        let mut nearest = of_peer;
        let lists = headers.get_all(&X_FORWARDED_FOR).iter().rev();
        let mut is_listed = false;
        for list in lists {
            is_listed = true;
            for entry in list.to_str().unwrap_or_default().rsplit(',') {
                let Some(address) = parse(entry) else {
                    return nearest;
                };
                nearest = named(address);
                if !proxies.contain(address) {
                    return nearest;
                }
            }
        }
        let alone = headers.get(&CF_CONNECTING_IP).filter(|_| !is_listed);
        let alone = alone.and_then(|value: &HeaderValue| parse(value.to_str().ok()?));
        alone.map_or(nearest, named)
    }

    /// Whether a proxy that is not trusted says for whom it asks, as far as headers tell.
    pub(crate) fn is_disregarded(peer: IpAddr, proxies: &Networks, headers: &HeaderMap) -> bool {
        let is_said = [X_FORWARDED_FOR, CF_CONNECTING_IP]
            .iter()
            .any(|name| headers.contains_key(name));
        is_said && !proxies.contain(peer)
    }
}

/// The address itself, or of IPv6 the first of its /64.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let first_half = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(first_half))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// An address, with a port where some proxies write one.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let address = entry.parse().ok().or_else(|| {
        let socket: SocketAddr = entry.parse().ok()?;
        Some(socket.ip())
    });
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let proxies = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"];
        let proxies = Networks::new(proxies.map(|network| network.parse().unwrap()));
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            sent.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let client = ClientAddress::of(peer.parse().unwrap(), &proxies, &sent);
        client.address.to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let forged = [
            ("x-forwarded-for", "8.8.8.8"),
            ("cf-connecting-ip", "8.8.4.4"),
        ];
        assert_eq!(client("203.0.113.7", &forged), "203.0.113.7");
        assert_eq!(client("::ffff:203.0.113.7", &forged), "203.0.113.7");
    }

    #[test]
    fn a_proxy_names_the_rightmost_address_that_is_no_proxys() {
        for (list, named) in [
            ("203.0.113.7", "203.0.113.7"),
            ("8.8.8.8, 203.0.113.7", "203.0.113.7"),
            ("8.8.8.8,203.0.113.7,10.1.2.3", "203.0.113.7"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            // Proxies alone: the farthest of them.
            ("10.0.0.9, 10.0.0.8", "10.0.0.9"),
            // What no proxy writes ends the list.
            ("8.8.8.8, unknown, 10.0.0.8", "10.0.0.8"),
            ("8.8.8.8, ", "127.0.0.1"),
            ("", "127.0.0.1"),
        ] {
            assert_eq!(
                client("127.0.0.1", &[("x-forwarded-for", list)]),
                named,
                "{list}"
            );
        }
    }

    #[test]
    fn only_what_no_proxy_has_named_may_be_anybodys() {
        let proxies = Networks::loopback();
        let may_be_anybodys = |proxies: &Networks, named: Option<&'static str>| {
            let mut sent = HeaderMap::new();
            sent.extend(named.map(|named| (X_FORWARDED_FOR, HeaderValue::from_static(named))));
            let peer = Ipv4Addr::LOCALHOST.into();
            ClientAddress::of(peer, proxies, &sent).may_be_anybodys()
        };
        assert!(may_be_anybodys(&Networks::default(), Some("203.0.113.7")));
        assert!(may_be_anybodys(&proxies, None));
        assert!(!may_be_anybodys(&proxies, Some("203.0.113.7")));
        // Whoever could have a proxy say this would else be free of every limit.
        assert!(!may_be_anybodys(&proxies, Some("127.0.0.1")));
    }

    #[test]
    fn several_lists_are_one() {
        let lists = [
            ("x-forwarded-for", "8.8.8.8"),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-for", "10.0.0.8"),
        ];
        assert_eq!(client("fd00::1", &lists), "203.0.113.7");
    }

    #[test]
    fn cloudflares_header_counts_where_there_is_no_list() {
        let cloudflare = ("cf-connecting-ip", "203.0.113.7");
        assert_eq!(client("127.0.0.1", &[cloudflare]), "203.0.113.7");
        let list = ("x-forwarded-for", "198.51.100.1");
        assert_eq!(client("127.0.0.1", &[cloudflare, list]), "198.51.100.1");
        assert_eq!(
            client("127.0.0.1", &[("cf-connecting-ip", "x")]),
            "127.0.0.1"
        );
    }

    #[test]
    fn of_ipv6_half_an_address_is_told_apart() {
        let of = |address: &str| network(address.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("203.0.113.7"), "203.0.113.7");
        assert_eq!(of("::ffff:203.0.113.7"), "203.0.113.7");
    }
}
