//! Landlock, the second wall: even if a mount were wrong, only the named
//! folders can be written, and no signal or abstract socket leaves.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};

/// From this version on nothing that is asked for is missing.
pub(crate) const COMPLETE_FROM: i32 = 6;

/// Confines this process and its children for good. Called in the new root.
/// Returns the kernel's version of Landlock (0 for none) and whether all that
/// was asked for is in force.
pub(crate) fn confine(writable: &[String]) -> Result<(i32, bool), String> {
    build(writable).map_err(|error| error.to_string())
}

/// Rules for commands that nothing hides the host from: what is not named can be
/// neither read nor written. `None` where this kernel has no Landlock.
pub(crate) fn rules_alone(
    readable: &[String],
    writable: &[String],
    devices: &[String],
) -> Result<Option<RulesetCreated>, String> {
    build_alone(readable, writable, devices).map_err(|error| error.to_string())
}

fn build_alone(
    readable: &[String],
    writable: &[String],
    devices: &[String],
) -> Result<Option<RulesetCreated>, landlock::RulesetError> {
    let abi = ABI::V6;
    let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    // The least that counts as a wall; newer kernels add to it.
    let Ok(rules) = rules.handle_access(AccessFs::from_all(ABI::V1)) else { return Ok(None) };
    let mut rules = rules
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    let reading = AccessFs::from_read(abi);
    let using = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let kinds = [(readable, reading), (devices, using), (writable, AccessFs::from_all(abi))];
    for (paths, access) in kinds {
        for path in paths {
            let Ok(descriptor) = PathFd::new(path) else { continue };
            let of_file = AccessFs::from_file(abi);
            let access = if Path::new(path).is_dir() { access } else { access & of_file };
            rules = rules.add_rule(PathBeneath::new(descriptor, access))?;
        }
    }
    Ok(Some(rules))
}

/// Confines this process for good by rules made earlier.
pub(crate) fn confine_by(rules: RulesetCreated) -> Result<(), String> {
    rules.restrict_self().map(|_| ()).map_err(|error| error.to_string())
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
        // A folder that is not there needs no rule.
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
