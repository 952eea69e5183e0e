//! What a process may do beyond what its user may (capabilities(7)).

use std::io;

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};

/// Gives up, for this process and what it becomes and starts, all privileges but those over files, and the
/// way back to them.
///
/// A server that is root, as it is in most containers, would else hand programs the means to leave every
/// sandbox: to load a module into the kernel, to look into other processes. What it may do with files,
/// landlock bounds.
pub(crate) fn give_up() -> io::Result<()> {
    set_no_new_privs(true)?;
    let files = CapabilitySet::CHOWN
        | CapabilitySet::DAC_OVERRIDE
        | CapabilitySet::FOWNER
        | CapabilitySet::FSETID;
    let held = capabilities(None)?;
    set_capabilities(
        None,
        CapabilitySets {
            effective: held.effective & files,
            permitted: held.permitted & files,
            inheritable: CapabilitySet::empty(),
        },
    )?;
    Ok(())
}
