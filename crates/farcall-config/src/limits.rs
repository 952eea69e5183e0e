//! How often callers may do what, and who says where they come from.

use std::net::IpAddr;

use farcall_core::rate::Rate;
use ipnet::IpNet;

use crate::{
    Fault, Source,
    reader::Reader,
    units,
    variables::{self, Variable},
};

/// How often callers may do what, and who says where they come from. What is `None` is not limited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Everything that one caller asks for, but for polls; 1,000 a second by default.
    pub calls: Option<Rate>,
    /// Calls of one tool by one caller; 500 a second by default.
    pub tool: Option<Rate>,
    /// How often one caller asks how its jobs are doing; 5,000 a second by default.
    pub polls: Option<Rate>,
    /// Wrong credentials from one address; 30 a minute by default.
    pub failures: Option<Rate>,
    /// Whoever may say for whom it asks, in `X-Forwarded-For` or `CF-Connecting-IP`; nobody by default.
    pub trusted_proxies: Vec<IpNet>,
}

impl Limits {
    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Self {
        let mut rate = |variable: &Variable| {
            let text = source.filled(variable).unwrap_or(variable.default);
            if text == "off" {
                return None;
            }
            let mut reader = Reader { source, faults };
            let read = reader.parsed(
                variable,
                units::rate,
                "a rate",
                "write a whole number, a slash and s, m or h, for example 60/m, or off",
            );
            read.or_else(|| units::rate(variable.default))
        };
        Self {
            calls: rate(&variables::FARCALL_CALL_RATE),
            tool: rate(&variables::FARCALL_TOOL_RATE),
            polls: rate(&variables::FARCALL_POLL_RATE),
            failures: rate(&variables::FARCALL_FAILURE_RATE),
            trusted_proxies: proxies(source, faults),
        }
    }
}

fn proxies(source: &Source, faults: &mut Vec<Fault>) -> Vec<IpNet> {
    let listed = source.list(&variables::FARCALL_TRUSTED_PROXIES);
    let mut networks = Vec::new();
    for entry in listed {
        match network(&entry) {
            Some(network) => networks.push(network),
            None => faults.push(Fault::new(
                format!("`FARCALL_TRUSTED_PROXIES` lists `{entry}`, which is no address and no network of proxies"),
                "write addresses and networks, and never all there are, for example 127.0.0.1, 10.0.0.0/8",
            )),
        }
    }
    networks
}

/// A network, or one address; whoever trusts all addresses believes everybody, and that is no answer
/// to who is calling.
fn network(entry: &str) -> Option<IpNet> {
    let network = entry.parse::<IpNet>();
    let network = network.or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
    network.ok().filter(|network| network.prefix_len() > 0)
}
