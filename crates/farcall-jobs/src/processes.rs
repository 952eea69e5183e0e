//! What tells processes apart, here and on other machines.

use std::fs;

/// The name of this machine, for people.
pub(crate) fn host() -> String {
    system("/proc/sys/kernel/hostname")
}

/// What tells this process from every other one; empty where the system does not say.
pub(crate) fn identity() -> String {
    let process = std::process::id();
    match started(process) {
        Some(started) => format!("{}{process}/{started}", place()),
        None => String::new(),
    }
}

/// Whether the process of this identity ran where this one does, and is no more. Of processes
/// elsewhere nothing is known.
pub(crate) fn is_dead(identity: &str) -> bool {
    let Some((process, began)) = identity
        .strip_prefix(&place())
        .and_then(|process| process.split_once('/'))
    else {
        return false;
    };
    // Where not even this process can be seen, an absent one says nothing.
    let sees = started(std::process::id()).is_some();
    let now = process.parse().map(started);
    sees && now.is_ok_and(|now| now.as_deref() != Some(began))
}

/// Where process ids mean the same as here: containers on one machine share its boot and use the
/// same ids, so their namespace belongs to it.
fn place() -> String {
    let machine = system("/etc/machine-id");
    let boot = system("/proc/sys/kernel/random/boot_id");
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{machine}/{boot}/{}/", namespace.display())
}

/// When a process began, as its system counts; ids are used again, these moments are not.
fn started(process: u32) -> Option<String> {
    let status = system(&format!("/proc/{process}/stat"));
    // The name before it may hold anything, also spaces and parentheses.
    let (_, after_name) = status.rsplit_once(')')?;
    after_name.split_whitespace().nth(19).map(str::to_owned)
}

fn system(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().to_owned()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_what_tells_it_from_others() {
        let identity = identity();
        assert_eq!(identity.split('/').count(), 5, "{identity}");
        assert!(identity.contains(&format!("/{}/", std::process::id())));
        let started = identity.rsplit('/').next().unwrap();
        assert!(started.parse::<u64>().is_ok(), "{identity}");
    }

    #[test]
    fn only_a_process_of_this_place_is_known_to_be_dead() {
        let identity = identity();
        assert!(!is_dead(&identity), "it runs");
        let (process, began) = identity.rsplit_once('/').unwrap();
        let later = began.parse::<u64>().unwrap() + 1;
        assert!(
            is_dead(&format!("{process}/{later}")),
            "the id is used again"
        );
        let (place, _) = process.rsplit_once('/').unwrap();
        // Above the highest id that Linux gives.
        let gone = format!("{place}/{}/1", 1 << 30);
        assert!(is_dead(&gone), "it is gone");
        assert!(!is_dead(&format!("x{gone}")), "it was elsewhere");
        assert!(!is_dead(""), "nothing is known of it");
    }
}
