//! How many connections one address has at once.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::edge::network;

/// The connections of all addresses, of IPv6 of all /64; cheap to clone.
#[derive(Clone)]
pub(super) struct Peers {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    max: usize,
}

impl Peers {
    pub(super) fn new(max: usize) -> Self {
        Self {
            taken: Arc::default(),
            max,
        }
    }

    /// One more connection of `peer`, until it is dropped; `None` where it has all that it may have.
    pub(super) fn take(&self, peer: IpAddr) -> Option<Place> {
        let network = network(peer);
        let mut taken = self.taken();
        let its = taken.entry(network).or_default();
        if *its >= self.max {
            return None;
        }
        *its += 1;
        Some(Place {
            peers: self.clone(),
            network,
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one connection.
pub(super) struct Place {
    peers: Peers,
    network: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.peers.taken();
        if let Some(its) = taken.get_mut(&self.network) {
            *its -= 1;
            if *its == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_so_many_and_nothing_is_kept_of_those_that_left() {
        let peers = Peers::new(2);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let mine = [
            peers.take(address("2001:db8::1")),
            peers.take(address("2001:db8::2")),
        ];
        assert!(mine.iter().all(Option::is_some));
        // A neighbour in the same /64 is the same peer.
        assert!(peers.take(address("2001:db8::3")).is_none());
        let other = peers.take(address("2001:db8:0:1::1"));
        assert!(other.is_some());
        drop(mine);
        assert!(peers.take(address("2001:db8::3")).is_some());
        drop(other);
        assert!(peers.taken().is_empty());
    }

    #[test]
    fn an_address_of_ipv4_is_the_same_however_it_is_written() {
        let peers = Peers::new(1);
        let _taken = peers.take("203.0.113.7".parse().unwrap());
        assert!(peers.take("::ffff:203.0.113.7".parse().unwrap()).is_none());
        assert!(peers.take("203.0.113.8".parse().unwrap()).is_some());
    }
}
