//! DNS, and whether anybody takes a connection.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use url::{Host, Url};

use super::super::finding::{Chart, Finding};

/// How long a name or a connection may take.
const LIMIT: Duration = Duration::from_secs(5);

/// A connection to where `url` leads.
pub(super) async fn look(url: &Url, chart: &mut Chart) -> Option<TcpStream> {
    let (host, port) = (url.host()?, url.port_or_known_default()?);
    let addresses: Vec<SocketAddr> = match host {
        Host::Ipv4(address) => vec![(address, port).into()],
        Host::Ipv6(address) => vec![(address, port).into()],
        Host::Domain(name) => match resolved(name, port).await {
            Ok(addresses) => {
                let shown: Vec<_> = addresses
                    .iter()
                    .map(|address| address.ip().to_string())
                    .collect();
                chart.add(Finding::ok(
                    "DNS",
                    format!("`{name}` is {}", shown.join(", ")),
                ));
                addresses
            }
            Err(error) => {
                chart.add(
                    Finding::broken("DNS", format!("the name `{name}` has no address: {error}"))
                        .cause("there is no record of this name, or it was made a moment ago")
                        .remedy(format!(
                            "behind a tunnel: cloudflared tunnel route dns NAME {name}; behind your own proxy: an A or AAAA record that leads to it; then wait a minute"
                        )),
                );
                return None;
            }
        },
    };
    let mut last = io::Error::other("there is no address");
    for address in &addresses {
        match timeout(LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                chart.add(Finding::ok(
                    "connection",
                    format!("`{address}` takes connections"),
                ));
                return Some(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, "no answer in time"),
        }
    }
    chart.add(refused(url, port, &last));
    None
}

async fn resolved(name: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    match timeout(LIMIT, lookup_host((name, port))).await {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no name server answers in time".to_owned()),
    }
}

fn refused(url: &Url, port: u16, error: &io::Error) -> Finding {
    let host = url.host_str().unwrap_or_default();
    let finding = Finding::broken(
        "connection",
        format!("nothing takes connections at `{host}:{port}`: {error}"),
    );
    if error.kind() == io::ErrorKind::TimedOut {
        finding
            .cause("a firewall drops them, or the record leads to a machine that is off")
            .remedy(format!("open port {port} in every firewall on the way, and compare the address with that of the proxy's machine"))
    } else {
        finding
            .cause("neither a proxy nor a server is running there")
            .remedy("start what should listen: the proxy (systemctl status caddy, nginx), or the server where nothing is in front")
    }
}
