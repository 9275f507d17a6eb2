//! `kode demo`: a whole run on a sample project in a folder of its own, with
//! the built-in scripted model. No key, no network, no configuration of yours.

use std::path::Path;

use kode_agent::Observer;
use kode_base::{ExitStatus, Interrupt};
use kode_config::{FlagOverrides, Sources};
use kode_gate::{GateMemory, NoTerminal};
use kode_sandbox::ProjectRoot;

use super::run::conclude;
use crate::cli::{ContainerArguments, DemoArguments};
use crate::container::KeptContainer;
use crate::failure::Failure;
use crate::places::Places;
use crate::render::{Human, Json};
use crate::wiring::{Prepared, RunRequest, Start, connect_scripted, run_agent};

const SCRIPT: &str = include_str!("../../demo/script.yaml");
const TASK: &str = "Add a member search endpoint and a client for our mail API.";

/// The sample project, file by file.
const PROJECT: [(&str, &str); 5] = [
    ("README.md", include_str!("../../demo/project/README.md")),
    ("AGENTS.md", include_str!("../../demo/project/AGENTS.md")),
    ("package.json", include_str!("../../demo/project/package.json")),
    ("src/database.js", include_str!("../../demo/project/src/database.js")),
    ("src/server.js", include_str!("../../demo/project/src/server.js")),
];

/// Runs the demo and leaves its folder for a look.
pub(crate) fn run(arguments: &DemoArguments) -> Result<ExitStatus, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("kode-demo-")
        .tempdir()
        .map_err(|error| Failure::error(format!("no temporary folder: {error}")))?
        .keep();
    let project = folder.join("project");
    write_project(&project)?;
    let kode_home = folder.join("home");
    let places =
        Places { home: kode_home.clone(), kode_home, start: project.clone(), working: project };
    let root = places.project_root()?;
    let prepared = prepare(places.clone(), root)?;
    let request = RunRequest {
        start: Start::Fresh,
        task: TASK.to_owned(),
        data: Vec::new(),
        role: None,
        read_agents_md: true,
        may_change: Vec::new(),
    };
    let mut observer: Box<dyn Observer> =
        if arguments.json { Box::new(Json::default()) } else { Box::new(Human::new()) };
    if !arguments.json {
        introduce();
    }
    let report = run_agent(prepared, request, observer.as_mut())?;
    conclude(&report, arguments.json);
    if !arguments.json {
        point_on(&places);
    }
    Ok(report.end.status())
}

/// Built-in policy only: the demo is the same on every machine.
fn prepare(places: Places, root: ProjectRoot) -> Result<Prepared, Failure> {
    let settings = kode_config::load(&Sources {
        managed: places.kode_home.join("no-managed-policy"),
        kode_home: places.kode_home.clone(),
        project_root: root.path().to_owned(),
        environment: Vec::new(),
        flags: FlagOverrides::default(),
    })?;
    let provider = connect_scripted(SCRIPT.to_owned())?;
    let (interrupt, approver) = (Interrupt::new(), Box::new(NoTerminal));
    crate::signals::connect(&interrupt)?;
    let memory = GateMemory::default();
    Ok(Prepared {
        places,
        root,
        settings,
        provider,
        interrupt,
        approver,
        memory,
        container: ContainerArguments::default(),
        context: Vec::new(),
        kept: KeptContainer::default(),
    })
}

#[expect(clippy::disallowed_methods, reason = "a fresh folder of kode's own, before any session")]
fn write_project(project: &Path) -> Result<(), Failure> {
    for (name, content) in PROJECT {
        let path = project.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, content)?;
    }
    Ok(())
}

fn introduce() {
    tell!("This is a demonstration: a SCRIPTED model plays a coding agent that makes mistakes.");
    tell!("The gate, the sandbox, the scan and the audit log are real.\nTask: {TASK}\n");
}

fn point_on(places: &Places) {
    let (home, project) = (places.kode_home.display(), places.working.display());
    tell!("\nLook around:");
    tell!("  cd {project} && KODE_HOME={home} kode review");
    tell!("  KODE_HOME={home} kode audit list");
}
