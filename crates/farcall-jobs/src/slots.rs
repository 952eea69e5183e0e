//! What jobs need of a worker, and what it has left.

use std::collections::BTreeMap;

/// Things by name, of which there is a number: graphics cards, gigabytes of memory.
pub(crate) type Slots = BTreeMap<String, u32>;

/// What is left of `supply` where all of `taken` have what they need.
pub(crate) fn left<'a>(supply: &Slots, taken: impl IntoIterator<Item = &'a Slots>) -> Slots {
    let mut left = supply.clone();
    for (name, count) in taken.into_iter().flatten() {
        if let Some(has) = left.get_mut(name) {
            *has = has.saturating_sub(*count);
        }
    }
    left
}

/// Whether `needs` is there.
pub(crate) fn hold(left: &Slots, needs: &Slots) -> bool {
    let is_there = |(name, count): (&String, &u32)| left.get(name).is_some_and(|has| has >= count);
    needs.iter().all(is_there)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots<const N: usize>(slots: [(&str, u32); N]) -> Slots {
        slots.map(|(name, count)| (name.to_owned(), count)).into()
    }

    #[test]
    fn what_is_taken_is_not_there() {
        let supply = slots([("gpu", 2), ("ram_gb", 64)]);
        let (one, both) = (slots([("gpu", 1)]), slots([("gpu", 2)]));
        let large = slots([("gpu", 1), ("ram_gb", 48)]);
        assert!(hold(&supply, &both) && hold(&supply, &large));
        let after = left(&supply, [&large]);
        assert_eq!(after, slots([("gpu", 1), ("ram_gb", 16)]));
        assert!(hold(&after, &one) && !hold(&after, &both) && !hold(&after, &large));
        assert!(!hold(&left(&supply, [&large, &one]), &one));
    }

    #[test]
    fn what_nobody_supplies_is_never_there_and_nothing_always_is() {
        let supply = slots([("gpu", 1)]);
        assert!(!hold(&supply, &slots([("tpu", 1)])));
        assert!(hold(&supply, &Slots::new()));
        assert!(hold(&Slots::new(), &Slots::new()));
        // Taken without being supplied, by a worker that was told something else before.
        assert_eq!(
            left(&supply, [&slots([("tpu", 3), ("gpu", 5)])]),
            slots([("gpu", 0)])
        );
    }
}
