//! Sees to it that the name of a service leads nowhere it should not: server-side request forgery.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use farcall_core::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{
    address::{Special, special},
    network::Network,
};

/// Finds the addresses of a name.
pub(super) type Lookup = Arc<dyn Fn(String) -> BoxFuture<io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Judges where one service's requests go. As a resolver it is asked once for each connection, and
/// the connection is made to the very addresses that it judged.
///
/// The host that is written in the base URL may be nearby: on this machine, or in a private network. But a
/// name that has led into the public internet never leads nearby any more while this process runs: whoever
/// owns it could lead it to anything here (DNS rebinding). No name ever leads to what is neither public
/// nor nearby, such as a cloud's metadata.
#[derive(Clone)]
pub(super) struct Guard(Arc<Rules>);

struct Rules {
    lookup: Lookup,
    /// The host of the base URL, where it is a name.
    home: Option<String>,
    /// Other names that may lead nearby.
    names: Vec<String>,
    /// Addresses that may be reached whatever they are.
    networks: Vec<Network>,
    /// Whether `home` has led into the public internet.
    was_public: AtomicBool,
}

/// Why a request is not sent.
#[derive(Debug, thiserror::Error)]
#[error("`{host}` leads to {address}, {} address{reason}", .special.as_str())]
pub(super) struct Refused {
    host: String,
    address: IpAddr,
    special: Special,
    reason: &'static str,
}

impl Guard {
    /// The guard of the service at `base_url`; `allowed` are addresses, networks such as `10.0.0.0/8`, and
    /// names.
    ///
    /// # Errors
    /// One sentence for each entry that is none of these, and one where the base URL itself leads to
    /// where no service can be.
    pub(super) fn new(base_url: &Url, allowed: &[String]) -> Result<Self, Vec<String>> {
        Self::resolving(base_url, allowed, Arc::new(|host| Box::pin(look_up(host))))
    }

    /// The same with another way to find addresses.
    pub(super) fn resolving(
        base_url: &Url,
        allowed: &[String],
        lookup: Lookup,
    ) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut rules = Rules {
            lookup,
            home: base_url.domain().map(plain),
            names: Vec::new(),
            networks: Vec::new(),
            was_public: AtomicBool::new(false),
        };
        for entry in allowed {
            match (Network::parse(entry), Host::parse(entry)) {
                (Some(network), _) => rules.networks.push(network),
                (None, Ok(Host::Domain(name))) if !entry.contains('/') => {
                    rules.names.push(plain(&name));
                }
                _ => faults.push(format!(
                    "`{}` in `allowed_addresses` is no address, network or name; write it like `10.1.2.3`, `10.0.0.0/8` or `farm.lan`",
                    entry.escape_debug()
                )),
            }
        }
        faults.extend(rules.home_fault(base_url));
        if faults.is_empty() {
            Ok(Self(Arc::new(rules)))
        } else {
            Err(faults)
        }
    }

    /// Whether `address` may be connected to although a name led there.
    fn judge(&self, host: &str, addresses: &[IpAddr]) -> Result<(), Refused> {
        let rules = &*self.0;
        let host = plain(host);
        let is_home = rules.home.as_ref() == Some(&host);
        for &address in addresses {
            let Some(special) = special(address) else {
                continue;
            };
            if rules
                .networks
                .iter()
                .any(|network| network.contains(address))
            {
                continue;
            }
            let reason = if !special.is_nearby() {
                "; if it is meant, name the address in `allowed_addresses`"
            } else if rules.names.contains(&host) {
                continue;
            } else if !is_home {
                "; if it is meant, name the host in `allowed_addresses`"
            } else if rules.was_public.load(Ordering::Relaxed) {
                ", and was public before; if it is meant, name the host in `allowed_addresses`"
            } else {
                continue;
            };
            return Err(Refused {
                host,
                address,
                special,
                reason,
            });
        }
        if is_home && addresses.iter().any(|&address| special(address).is_none()) {
            rules.was_public.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Rules {
    /// What is wrong with a base URL whose host is an address; nobody resolves it later.
    fn home_fault(&self, base_url: &Url) -> Option<String> {
        let address = match base_url.host()? {
            Host::Domain(_) => return None,
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
        };
        let special = special(address)?;
        let hint = match special {
            Special::Loopback | Special::Private | Special::LinkLocal => return None,
            _ if self
                .networks
                .iter()
                .any(|network| network.contains(address)) =>
            {
                return None;
            }
            Special::Unspecified => "write `127.0.0.1` or `[::1]` for this machine",
            _ => "if it is meant, name the address in `allowed_addresses`, too",
        };
        let kind = special.as_str();
        Some(format!(
            "`base_url` leads to {address}, {kind} address; {hint}"
        ))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = (guard.0.lookup)(name.as_str().to_owned()).await?;
            guard.judge(name.as_str(), &addresses)?;
            // The connection sets the port.
            let addresses = addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

async fn look_up(host: String) -> io::Result<Vec<IpAddr>> {
    let addresses = tokio::net::lookup_host((host, 0)).await?;
    Ok(addresses.map(|address| address.ip()).collect())
}

/// A name without the dot that may end it, in small letters.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn guard(base_url: &str, allowed: &[&str]) -> Result<Guard, Vec<String>> {
        let allowed: Vec<_> = allowed.iter().map(|&entry| entry.to_owned()).collect();
        Guard::new(&base_url.parse().unwrap(), &allowed)
    }

    fn verdict(guard: &Guard, host: &str, addresses: &[&str]) -> Result<(), String> {
        let addresses: Vec<_> = addresses.iter().map(|a| a.parse().unwrap()).collect();
        let verdict = guard.judge(host, &addresses);
        verdict.map_err(|refused| refused.to_string())
    }

    #[test]
    fn the_host_of_the_base_url_may_be_nearby() {
        for address in ["127.0.0.1", "10.1.2.3", "100.64.0.1", "::1", "fd12::1"] {
            let guard = guard("http://Farm.lan:9000", &[]).unwrap();
            assert_eq!(verdict(&guard, "farm.lan", &[address]), Ok(()), "{address}");
            assert_eq!(
                verdict(&guard, "farm.lan.", &[address]),
                Ok(()),
                "{address}"
            );
            assert!(
                verdict(&guard, "other.lan", &[address]).is_err(),
                "{address}"
            );
        }
    }

    #[test]
    fn no_name_leads_to_where_no_service_has_one() {
        let guard = guard("http://farm.lan", &["other.lan"]).unwrap();
        for address in [
            "0.0.0.0",
            "169.254.169.254",
            "169.254.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            for host in ["farm.lan", "other.lan"] {
                let verdict = verdict(&guard, host, &[address]);
                assert!(
                    verdict.unwrap_err().contains("name the address"),
                    "{address}"
                );
            }
        }
    }

    #[test]
    fn one_address_that_is_refused_is_enough() {
        let guard = guard("http://farm.lan", &[]).unwrap();
        assert!(verdict(&guard, "farm.lan", &["8.8.8.8", "169.254.169.254"]).is_err());
        assert!(verdict(&guard, "elsewhere.example", &["8.8.8.8", "127.0.0.1"]).is_err());
    }

    #[test]
    fn what_is_allowed_by_name_or_by_network_passes() {
        let guard = guard(
            "https://api.example",
            &["farm.lan", "169.254.169.254", "10.0.0.0/8"],
        )
        .unwrap();
        assert_eq!(verdict(&guard, "farm.lan", &["127.0.0.1"]), Ok(()));
        assert_eq!(verdict(&guard, "any.example", &["169.254.169.254"]), Ok(()));
        assert_eq!(verdict(&guard, "any.example", &["10.9.9.9"]), Ok(()));
        assert!(verdict(&guard, "any.example", &["192.168.0.1"]).is_err());
        assert!(verdict(&guard, "any.example", &["169.254.169.253"]).is_err());
    }

    #[test]
    fn a_name_that_was_public_never_leads_nearby() {
        let guard = guard("https://api.example", &[]).unwrap();
        assert_eq!(verdict(&guard, "api.example", &["93.184.216.34"]), Ok(()));
        let refused = verdict(&guard, "api.example", &["127.0.0.1"]).unwrap_err();
        assert_eq!(
            refused,
            "`api.example` leads to 127.0.0.1, a loopback address, and was public before; if it is meant, name the host in `allowed_addresses`"
        );
        assert_eq!(verdict(&guard, "api.example", &["93.184.216.34"]), Ok(()));
    }

    #[test]
    fn addresses_in_the_base_url_are_judged_at_load() {
        for base_url in [
            "http://127.0.0.1:9000",
            "http://[::1]:9000",
            "http://192.168.1.1",
            "http://8.8.8.8",
            "http://localhost",
        ] {
            assert!(guard(base_url, &[]).is_ok(), "{base_url}");
        }
        for base_url in [
            "http://0.0.0.0:9000",
            "http://[::]",
            "http://169.254.169.254/latest",
            // The same, as browsers read it.
            "http://2852039166/",
            "http://0xa9.0xfe.0xa9.0xfe/",
            "http://[::ffff:169.254.169.254]/",
            "http://224.0.0.1",
            "http://192.0.2.1",
        ] {
            let faults = guard(base_url, &[]).map(drop).unwrap_err();
            assert!(
                faults[0].contains("`base_url` leads to"),
                "{base_url}: {faults:?}"
            );
        }
        assert!(guard("http://169.254.169.254", &["169.254.169.254"]).is_ok());
    }

    #[test]
    fn every_entry_that_means_nothing_is_told() {
        let faults = guard("http://a.example", &["10.0.0.0/40", "a b", "ok.example"]).map(drop);
        assert_eq!(faults.unwrap_err().len(), 2);
    }

    #[tokio::test]
    async fn each_connection_asks_once_and_gets_what_was_judged() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let lookup: Lookup = Arc::new(move |host| {
            seen.lock().unwrap().push(host);
            Box::pin(async { Ok(vec![IpAddr::from([8, 8, 8, 8])]) })
        });
        let base_url = "http://api.example".parse().unwrap();
        let guard = Guard::resolving(&base_url, &[], lookup).unwrap();
        let addresses = guard.resolve("api.example".parse().unwrap()).await.unwrap();
        assert_eq!(
            addresses.collect::<Vec<_>>(),
            ["8.8.8.8:0".parse().unwrap()]
        );
        assert_eq!(*asked.lock().unwrap(), ["api.example"]);
    }
}
