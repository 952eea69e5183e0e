//! The kernel's own way: a process gives up files for good, itself (landlock(7)).

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};

use super::{given::Given, places};
use crate::wire::Specification;

/// The least that is worth to be called required: before it, a file that cannot be written can be
/// truncated.
const REQUIRED: ABI = ABI::V3;

/// The newest whose every right is used here; what came since then is about the network and logs.
const USED: ABI = ABI::V6;

/// Restricts this process, and what it becomes and starts.
///
/// # Errors
/// Where it is required and the kernel has not enough of it, or where the kernel refuses what it has.
pub(crate) fn restrict(
    specification: &Specification,
    is_required: bool,
) -> Result<(), RulesetError> {
    let level = if is_required {
        CompatLevel::HardRequirement
    } else {
        CompatLevel::BestEffort
    };
    let read = AccessFs::from_read(REQUIRED);
    // Devices cannot be made: whoever may make them may reach everything.
    let write = AccessFs::from_all(REQUIRED) & !(AccessFs::MakeBlock | AccessFs::MakeChar);
    let device: BitFlags<_> =
        AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::ReadDir | AccessFs::IoctlDev;
    let given = Given::by(specification);
    Ruleset::default()
        .set_compatibility(level)
        .handle_access(AccessFs::from_all(REQUIRED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(USED))?
        .scope(Scope::from_all(USED))?
        .create()?
        // What it would see there of other processes, the kernel keeps from it.
        .add_rules(path_beneath_rules(["/proc"], read))?
        // It counts for what is below, too: names, but nothing that has one.
        .add_rules(path_beneath_rules(given.listed, AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(given.readable, read))?
        .add_rules(path_beneath_rules(places::devices(), device))?
        // Semaphores and shared memory are files there; nearly all parallel programs need them.
        .add_rules(path_beneath_rules(["/dev/shm"], write))?
        .add_rules(path_beneath_rules(given.writable, write))?
        .restrict_self()?;
    Ok(())
}

/// The version of the interface that would be used here.
pub(super) fn version() -> Option<u32> {
    let versions = [
        (6, ABI::V6),
        (5, ABI::V5),
        (3, ABI::V3),
        (2, ABI::V2),
        (1, ABI::V1),
    ];
    versions
        .into_iter()
        .find(|(_, version)| is_offered(*version).is_ok())
        .map(|(number, _)| number)
}

/// Asks for all of a version, and applies nothing.
fn is_offered(version: ABI) -> Result<(), RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(version))?;
    let scope = Scope::from_all(version);
    if !scope.is_empty() {
        ruleset = ruleset.scope(scope)?;
    }
    ruleset.create()?;
    Ok(())
}
