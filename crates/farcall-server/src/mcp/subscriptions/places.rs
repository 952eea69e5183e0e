//! How many subscriptions there are at once: each is a connection that stays.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use farcall_core::principal::Principal;

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
    by_caller: HashMap<String, usize>,
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
    /// Who is let in without a name stands for any number of clients, so only the server's limit
    /// holds for it.
    pub(super) fn take(&self, caller: &Principal) -> Result<Place, Full> {
        let mut taken = self.taken();
        if taken.all >= MAX {
            return Err(Full::Server);
        }
        let id = caller.id();
        let of_caller = taken.by_caller.get(id).copied().unwrap_or_default();
        if of_caller >= MAX_OF_A_CALLER && *caller != Principal::anonymous() {
            return Err(Full::Caller);
        }
        taken.by_caller.insert(id.to_owned(), of_caller + 1);
        taken.all += 1;
        Ok(Place {
            places: self.clone(),
            caller: id.to_owned(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one subscription.
pub(super) struct Place {
    places: Places,
    caller: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(of_caller) = taken.by_caller.get_mut(&self.caller) {
            *of_caller -= 1;
            if *of_caller == 0 {
                taken.by_caller.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(places: &Places, caller: &Principal) -> Vec<Place> {
        std::iter::from_fn(|| places.take(caller).ok()).collect()
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
        assert_eq!(places.take(&another).err(), Some(Full::Server));
        all.clear();
        assert_eq!(filled(&places, &another).len(), MAX_OF_A_CALLER);
        assert!(places.taken().by_caller.is_empty());
    }

    #[test]
    fn whoever_has_no_name_has_all_that_are_left() {
        let places = Places::default();
        let mine = filled(&places, &Principal::new("me"));
        let theirs = filled(&places, &Principal::anonymous());
        assert_eq!(mine.len() + theirs.len(), MAX);
    }
}
