//! Who can own what is begun here.

/// Longer names are nobody's: RFC 5321 has 254 characters for an address.
pub(super) const LONGEST: usize = 320;

/// Whether a name that somebody else vouches for can be an owner's: it is written into records, logs
/// and lists.
pub(super) fn is_owner(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST
        && name.trim() == name
        && !name.chars().any(char::is_control)
}
