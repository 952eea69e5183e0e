//! Where metrics are read without a credential.

use std::net::SocketAddr;

use crate::{Fault, Source, reader::Reader, variables};

/// Where metrics are read without a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// An address of its own, beside the server's; nowhere by default.
    pub address: Option<SocketAddr>,
}

impl Metrics {
    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Self {
        Self {
            address: Reader { source, faults }.parsed(
                &variables::FARCALL_METRICS,
                |text| text.parse().ok(),
                "an address and a port",
                "write both, for example 127.0.0.1:9100, or [::1]:9100",
            ),
        }
    }

    /// Whether others than this machine would reach it.
    pub(crate) fn is_beyond_loopback(self) -> bool {
        let address = self.address.map(|address| address.ip().to_canonical());
        address.is_some_and(|address| !address.is_loopback())
    }
}
