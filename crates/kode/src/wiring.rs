//! Puts a run together from settings: provider, sandbox, gate, session.

use std::path::{Path, PathBuf};

use kode_agent::context::{credential_test, secret_in};
use kode_agent::{Agent, AgentParts, Limits, Observer, audit_witness};
use kode_audit::{AuditLog, Record};
use kode_base::{ExitStatus, Interrupt, Secret, Untrusted};
use kode_config::{AcceptedWall, FlagOverrides, Settings, Sources};
use kode_gate::{Approver, Gate, GateMemory, SessionState};
use kode_model::{Provider, ProviderChoice, ProviderKind};
use kode_sandbox::{Backend, Host, ProjectFiles, ProjectRoot, Sandbox, SandboxSettings, Wall};
use kode_session::{Session, SessionStore};

use crate::cli::ContainerArguments;
use crate::commands::reviewing::wishes_left;
use crate::container::{KeptContainer, take_dockerfile};
use crate::failure::Failure;
use crate::places::{MANAGED_FILE, Places};

/// Reads every configuration layer for the project at `root`.
pub(crate) fn settings(
    places: &Places,
    root: &Path,
    flags: FlagOverrides,
) -> Result<Settings, Failure> {
    Ok(kode_config::load(&Sources {
        managed: MANAGED_FILE.into(),
        kode_home: places.kode_home.clone(),
        project_root: root.to_owned(),
        environment: environment(),
        flags,
    })?)
}

/// Reads the layers above the project's, where no project is at hand.
pub(crate) fn settings_without_project(
    places: &Places,
    flags: FlagOverrides,
) -> Result<Settings, Failure> {
    // kode's own home holds no kode.json.
    settings(places, &places.kode_home, flags)
}

/// kode's own environment; what is not UTF-8 is left out.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The scripted model with `script`.
pub(crate) fn connect_scripted(script: String) -> Result<Box<dyn Provider>, Failure> {
    Ok(kode_model::connect(ProviderChoice {
        kind: ProviderKind::Scripted { script },
        base_url: None,
        model: String::new(),
        api_key: None,
    })?)
}

/// Which protocol the settings mean, and why.
pub(crate) fn protocol(settings: &Settings) -> (ProviderKind, &'static str) {
    match settings.provider {
        Some(kode_config::ProviderKind::Anthropic) => (ProviderKind::Anthropic, "you said so"),
        Some(_) => (ProviderKind::OpenAi, "you said so"),
        None => {
            let model = settings.model.as_deref().unwrap_or_default();
            let guess = kode_model::guess_provider(settings.base_url.as_deref(), model);
            (guess.kind, guess.reason)
        }
    }
}

/// The model that the settings name.
pub(crate) fn connect_settings(settings: &Settings) -> Result<Box<dyn Provider>, Failure> {
    let model = settings.model.clone().ok_or_else(|| {
        Failure::new(ExitStatus::Usage, "no model is set").hint(
            "name one with --model, KODE_MODEL or \"model\" in ~/.kode/config.json; `kode init` \
             walks you through it, `kode demo` needs none",
        )
    })?;
    let (kind, _) = protocol(settings);
    let keys_of = match kind {
        ProviderKind::Anthropic => kode_config::ProviderKind::Anthropic,
        _ => kode_config::ProviderKind::OpenAi,
    };
    let key = settings.api_key_for(keys_of);
    let api_key = key.map(|key| Secret::new(key.reveal().to_owned()));
    let base_url = settings.base_url.clone();
    Ok(kode_model::connect(ProviderChoice { kind, base_url, model, api_key })?)
}

/// What the sandbox must know of the host.
pub(crate) fn sandbox_settings(
    places: &Places,
    no_sandbox: bool,
    open_hosts: &[String],
) -> SandboxSettings {
    SandboxSettings {
        backend: if no_sandbox { Backend::BareHost } else { Backend::Native },
        open_hosts: open_hosts.to_vec(),
        credential_test: Some(credential_test()),
        host: Host {
            home: places.home.clone(),
            kode_home: places.kode_home.clone(),
            variables: environment(),
            ..Host::default()
        },
        ..SandboxSettings::default()
    }
}

/// The weakest wall that the settings accept.
pub(crate) fn weakest_wall(settings: &Settings) -> Option<Wall> {
    settings.accepted_wall.map(|wall| match wall {
        AcceptedWall::Full => Wall::Full,
        AcceptedWall::Bubblewrap => Wall::Bubblewrap,
        AcceptedWall::Partial => Wall::Partial,
    })
}

/// Which session a run belongs to.
pub(crate) enum Start {
    /// A new one.
    Fresh,
    /// This one, or the newest of the project.
    Saved(Option<String>),
}

/// What a run is besides its settings.
pub(crate) struct RunRequest {
    pub(crate) start: Start,
    pub(crate) task: String,
    /// Files and input handed over with the task, by name.
    pub(crate) data: Vec<(String, Untrusted<String>)>,
    pub(crate) role: Option<String>,
    pub(crate) read_agents_md: bool,
    /// Sensitive places that the person says the task is about.
    pub(crate) may_change: Vec<String>,
}

/// Everything a run needs that could be missing, checked before anything is
/// written.
pub(crate) struct Prepared {
    pub(crate) places: Places,
    pub(crate) root: ProjectRoot,
    pub(crate) settings: Settings,
    pub(crate) provider: Box<dyn Provider>,
    pub(crate) interrupt: Interrupt,
    pub(crate) approver: Box<dyn Approver>,
    /// What the gate of the message before learned.
    pub(crate) memory: GateMemory,
    /// Where commands run, if not in the native sandbox.
    pub(crate) container: ContainerArguments,
    /// Files that commands in a container find copies of.
    pub(crate) context: Vec<PathBuf>,
    /// The container of the session's tasks before this one.
    pub(crate) kept: KeptContainer,
}

/// Starts sandbox, audit log and session, then runs the task.
pub(crate) fn run_agent(
    prepared: Prepared,
    request: RunRequest,
    observer: &mut dyn Observer,
) -> Result<kode_agent::RunReport, Failure> {
    let (task, data) = (request.task.clone(), request.data.clone());
    Ok(agent(prepared, request, observer)?.run(&task, &data))
}

/// An agent with everything around it, nothing sent or changed yet.
pub(crate) fn agent(
    prepared: Prepared,
    request: RunRequest,
    observer: &mut dyn Observer,
) -> Result<Agent<'_>, Failure> {
    let Prepared {
        places,
        root,
        settings,
        provider,
        interrupt,
        approver,
        memory,
        container,
        context,
        kept,
    } = prepared;
    kode_config::prepare_home(&places.kode_home)?;
    let mut chosen = sandbox_settings(&places, settings.no_sandbox, &settings.listed_hosts);
    container.choose(settings.container_network, &mut chosen)?;
    chosen.docker.context_files = context;
    if let Some(text) = take_dockerfile(&places, &root, &mut chosen)? {
        observer.observe(&kode_base::Event::Notice { text });
    }
    chosen.weakest = weakest_wall(&settings);
    let sandbox = kept.start(&root, chosen)?;
    let files = ProjectFiles::open(&root)?;
    let session = open_session(&places, &root, &request, observer)?;
    let mut audit = AuditLog::open(&places.audit_folder(), session.id())?;
    sandbox.seen_by(audit_witness(AuditLog::open(&places.audit_folder(), session.id())?));
    record_start(&mut audit, &root, &sandbox, settings.no_sandbox)?;
    let weaker = sandbox.warning();
    for text in weaker.iter().chain(&settings.notices) {
        observer.observe(&kode_base::Event::Notice { text: text.clone() });
    }
    let state = SessionState {
        may_change: request.may_change.clone(),
        ..session_state(&places, root.path(), &settings)
    };
    let state = if container.wanted { inside_container(state) } else { state };
    let secrets = known_secrets(&settings);
    let gate = Gate::new(settings.policy, audit, approver, !settings.no_sandbox, state)
        .remembering(memory);
    Ok(Agent::new(AgentParts {
        provider,
        gate,
        sandbox,
        files,
        directory: places.directory_below(&root),
        root,
        session,
        interrupt,
        secrets,
        role: request.role,
        read_agents_md: request.read_agents_md,
        checks: settings.checks,
        limits: Limits {
            iterations_max: settings.max_iterations,
            gate_rounds_max: settings.max_gate_rounds,
        },
        observer,
    }))
}

/// Opens the session; says when another kode works on the same project.
fn open_session(
    places: &Places,
    root: &ProjectRoot,
    request: &RunRequest,
    observer: &mut dyn Observer,
) -> Result<Session, Failure> {
    let store = SessionStore::open(&places.kode_home)?;
    for (session, process) in store.open_elsewhere(root.path())? {
        let text = format!(
            "process {process} works on this project too (session {session}); the two can \
             overwrite each other's changes"
        );
        observer.observe(&kode_base::Event::Notice { text });
    }
    Ok(match &request.start {
        Start::Fresh => store.create(root.path(), &request.task)?,
        Start::Saved(id) => {
            let session = store.resume(id.as_deref(), root.path())?;
            if let Some(text) = wishes_left(&store, session.id()) {
                observer.observe(&kode_base::Event::Notice { text });
            }
            session
        }
    })
}

fn record_start(
    audit: &mut AuditLog,
    root: &ProjectRoot,
    sandbox: &Sandbox,
    no_sandbox: bool,
) -> Result<(), Failure> {
    audit.append(&Record::SessionStarted {
        project: root.path().to_string_lossy().into_owned(),
        sandbox: sandbox.name().to_owned(),
    })?;
    if no_sandbox {
        audit.append(&Record::Notice {
            name: "sandbox.off".to_owned(),
            text: "commands of this session run on the bare host".to_owned(),
        })?;
    }
    if let Some(text) = sandbox.warning() {
        audit.append(&Record::Notice { name: "sandbox.weaker".to_owned(), text })?;
    }
    Ok(())
}

/// What the judge knows at the start of a session.
pub(crate) fn session_state(places: &Places, root: &Path, settings: &Settings) -> SessionState {
    SessionState {
        project_root: root.to_string_lossy().into_owned(),
        home: places.home.to_string_lossy().into_owned(),
        kode_home: places.kode_home.to_string_lossy().into_owned(),
        listed_hosts: settings.listed_hosts.clone(),
        git_remotes: kode_sandbox::git_remotes(root),
        ..SessionState::default()
    }
}

/// In a container commands call the project and the home by other names.
fn inside_container(state: SessionState) -> SessionState {
    let (project_root, home) = kode_sandbox::CONTAINER_PLACES;
    SessionState { project_root: project_root.to_owned(), home: home.to_owned(), ..state }
}

/// Credentials in kode's own environment and configuration, for the redactor.
fn known_secrets(settings: &Settings) -> Vec<Secret> {
    let mut secrets: Vec<Secret> =
        environment().iter().filter_map(|(name, value)| secret_in(name, value)).collect();
    let kinds = [kode_config::ProviderKind::OpenAi, kode_config::ProviderKind::Anthropic];
    let keys = kinds.into_iter().filter_map(|kind| settings.api_key_for(kind));
    secrets.extend(keys.map(|key| Secret::new(key.reveal().to_owned())));
    secrets
}
