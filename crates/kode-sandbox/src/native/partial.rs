//! A plan for the wall without namespaces: what is shown elsewhere is what may be
//! read here, and private folders are one real folder that goes with the
//! sandbox.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::SandboxSettings;
use crate::plan::{Identity, Plan, Step, variable};

/// Toolchains that look for their root below home, which is another one here.
const ROOTS: &[(&str, &str)] = &[("RUSTUP_HOME", ".rustup"), ("PYENV_ROOT", ".pyenv")];

const BYTECODE_FOLDER: &str = "PYTHONPYCACHEPREFIX";

/// Home and temporary folder of one sandbox; removed when dropped.
#[derive(Debug)]
pub(super) struct PrivateFolder(PathBuf);

impl PrivateFolder {
    fn new(settings: &SandboxSettings) -> io::Result<Self> {
        let named = variable(&settings.host.variables, "TMPDIR").map(Path::new);
        let parent = named.filter(|path| path.is_absolute()).unwrap_or(Path::new("/tmp"));
        let number = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        let folder = fs::canonicalize(parent)?.join(format!("kode-partial-{number:016x}"));
        // Fails when it is there already, so a prepared folder is never used.
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let folder = Self(folder);
        for name in ["home", "tmp"] {
            fs::DirBuilder::new().mode(0o700).create(folder.0.join(name))?;
        }
        Ok(folder)
    }
}

impl Drop for PrivateFolder {
    #[expect(clippy::disallowed_methods, reason = "the sandbox's own folder")]
    fn drop(&mut self) {
        // One that can't be removed stays in the temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Changes `plan` into one for this wall.
pub(super) fn adapt(plan: &mut Plan, settings: &SandboxSettings) -> io::Result<PrivateFolder> {
    let folder = PrivateFolder::new(settings)?;
    let text = |name: &str| folder.0.join(name).to_string_lossy().into_owned();
    let (home, temporary) = (text("home"), text("tmp"));
    let host_home = settings.host.home.to_string_lossy().into_owned();
    keep_git_identity(plan, &home)?;
    let Identity { host_user, host_group, .. } = plan.identity;
    (plan.identity.inside_user, plan.identity.inside_group) = (host_user, host_group);
    plan.writable.retain(|path| plan.steps.iter().any(|step| is_project(step, path)));
    plan.writable.push(folder.0.to_string_lossy().into_owned());
    plan.steps.retain(|step| matches!(step, Step::Bind(_)));
    for (name, default) in ROOTS {
        let root = format!("{host_home}/{default}");
        let shown = plan.steps.iter().any(
            |step| matches!(step, Step::Bind(bind) if Path::new(&bind.target).starts_with(&root)),
        );
        if shown && variable(&plan.environment, name).is_none() {
            plan.environment.push(((*name).to_owned(), root));
        }
    }
    for (name, value) in &mut plan.environment {
        match name.as_str() {
            "HOME" => value.clone_from(&home),
            "TMPDIR" => value.clone_from(&temporary),
            _ => {}
        }
    }
    // Without the system's own bytecode Python reads what commands may not.
    for (name, value) in &mut plan.environment {
        if name == BYTECODE_FOLDER {
            (*name, *value) = ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned());
        }
    }
    Ok(folder)
}

/// Whether this step shows `path` writable, as only the project is.
fn is_project(step: &Step, path: &str) -> bool {
    use crate::plan::Access;
    matches!(step, Step::Bind(bind) if bind.access == Access::ReadWrite && bind.target == path)
}

fn keep_git_identity(plan: &Plan, home: &str) -> io::Result<()> {
    for step in &plan.steps {
        if let Step::File { path, content } = step
            && path.ends_with("/.gitconfig")
        {
            #[expect(clippy::disallowed_methods, reason = "the sandbox's own folder")]
            fs::write(format!("{home}/.gitconfig"), content)?;
        }
    }
    Ok(())
}
