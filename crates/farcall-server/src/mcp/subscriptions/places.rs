//! How many subscriptions there are at once: each is a connection that stays.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use farcall_core::principal::Principal;

use crate::edge::{ClientAddress, Owner};

/// The most that there may be, of all callers.
const MAX: usize = 256;

/// The most of one caller.
const MAX_OF_A_CALLER: usize = 8;

/// The subscriptions of all callers; cheap to clone.
#[derive(Clone, Default)]
pub(in crate::mcp) struct Places(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    all: usize,
    by_owner: HashMap<String, usize>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// This caller has all that it may have.
    Caller,
    /// The server has all that it may have.
    Server,
}

impl Places {
    /// A place, which is free again when it is dropped.
    ///
    /// Who is let in without a name is told apart by address; whoever has neither stands for any number
    /// of clients, so only the server's limit holds for it.
    pub(super) fn take(
        &self,
        caller: &Principal,
        address: Option<ClientAddress>,
    ) -> Result<Place, Full> {
        let mut taken = self.taken();
        if taken.all >= MAX {
            return Err(Full::Server);
        }
        let owner = Owner::of(caller, address).map(|owner| format!("{owner:?}"));
        if let Some(owner) = &owner {
            let its = taken.by_owner.entry(owner.clone()).or_default();
            if *its >= MAX_OF_A_CALLER {
                return Err(Full::Caller);
            }
            *its += 1;
        }
        taken.all += 1;
        Ok(Place {
            places: self.clone(),
            owner,
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one subscription.
pub(super) struct Place {
    places: Places,
    /// The caller, or its address, where it is told apart from others.
    owner: Option<String>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        let Some(owner) = &self.owner else { return };
        if let Some(its) = taken.by_owner.get_mut(owner) {
            *its -= 1;
            if *its == 0 {
                taken.by_owner.remove(owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(places: &Places, caller: &Principal) -> Vec<Place> {
        filled_from(places, caller, "127.0.0.1")
    }

    fn filled_from(places: &Places, caller: &Principal, address: &str) -> Vec<Place> {
        let address = ClientAddress::of_peer(address.parse().unwrap());
        std::iter::from_fn(|| places.take(caller, Some(address)).ok()).collect()
    }

    #[test]
    fn a_caller_has_so_many_and_all_of_them_so_many_more() {
        let places = Places::default();
        let mut all = Vec::new();
        for number in 0..MAX / MAX_OF_A_CALLER {
            let caller = Principal::new(format!("caller {number}"));
            let its = filled(&places, &caller);
            assert_eq!(its.len(), MAX_OF_A_CALLER);
            all.extend(its);
        }
        let another = Principal::new("another");
        assert_eq!(places.take(&another, None).err(), Some(Full::Server));
        all.clear();
        assert_eq!(filled(&places, &another).len(), MAX_OF_A_CALLER);
        assert!(places.taken().by_owner.is_empty());
    }

    #[test]
    fn whoever_has_no_name_and_no_address_has_all_that_are_left() {
        let places = Places::default();
        let there = filled_from(&places, &Principal::anonymous(), "203.0.113.7");
        assert_eq!(there.len(), MAX_OF_A_CALLER);
        drop(there);
        let mine = filled(&places, &Principal::new("me"));
        let theirs = filled(&places, &Principal::anonymous());
        assert_eq!(mine.len() + theirs.len(), MAX);
    }
}
