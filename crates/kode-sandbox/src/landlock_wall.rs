//! Landlock, the second wall: even if a mount were wrong, only the named
//! folders can be written, and no signal or abstract socket leaves.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};

/// Confines this process and its children for good. Called in the new root.
/// Returns the kernel's version of Landlock (0 for none) and whether all that
/// was asked for is in force.
pub(crate) fn confine(writable: &[String]) -> Result<(i32, bool), String> {
    build(writable).map_err(|error| error.to_string())
}

fn build(writable: &[String]) -> Result<(i32, bool), landlock::RulesetError> {
    // ABI 6 (Linux 6.12) brings scopes; older kernels get what they have.
    let abi = ABI::V6;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    let reading = AccessFs::from_read(abi);
    let everything = AccessFs::from_all(abi);
    let in_proc = reading | AccessFs::WriteFile | AccessFs::Truncate;
    let others = writable.iter().map(|folder| (folder.as_str(), everything));
    for (folder, access) in [("/", reading), ("/proc", in_proc)].into_iter().chain(others) {
        if !Path::new(folder).exists() {
            continue;
        }
        if let Ok(descriptor) = PathFd::new(folder) {
            rules = rules.add_rule(PathBeneath::new(descriptor, access))?;
        }
    }
    let status = rules.restrict_self()?;
    let version = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as i32,
        _ => 0,
    };
    Ok((version, status.ruleset == RulesetStatus::FullyEnforced))
}
