//! The host of a URL or of an address to bind.

use std::net::IpAddr;

/// Whether a host is this very machine by its own words: a loopback address, in brackets or not, or `localhost`. No
/// name is looked up, so whoever answers for names changes nothing about it.
///
/// ```
/// use farcall_core::host::is_loopback;
///
/// assert!(is_loopback("127.0.0.2") && is_loopback("[::1]") && is_loopback("LocalHost"));
/// // An address of IPv4, written as one of IPv6.
/// assert!(is_loopback("::ffff:127.0.0.1"));
/// assert!(!is_loopback("0.0.0.0") && !is_loopback("localhost.example.com"));
/// ```
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}
