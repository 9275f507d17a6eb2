//! `kode doctor`: every layer and dependency, its state, and the remedy where
//! something is wrong. Changes nothing.

use kode_base::escape::escape_line;
use kode_base::{ExitStatus, Interrupt};
use kode_config::{FlagOverrides, Settings};
use kode_model::{ProviderKind, ServerFacts};
use kode_sandbox::{Layer, LayerState, ProjectRoot, diagnose, diagnose_docker};
use serde::Serialize;

use crate::cli::DoctorArguments;
use crate::failure::Failure;
use crate::places::Places;
use crate::render::Style;
use crate::wiring::{connect_settings, protocol, sandbox_settings, settings, weakest_wall};

/// How one part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Works.
    Ok,
    /// Works, but a person should know something.
    Warning,
    /// Does not work.
    Failed,
}

/// One line of the report.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    detail: String,
    remedy: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Ok, detail: detail.into(), remedy: None }
    }

    fn of(name: &'static str, state: State, detail: impl Into<String>, remedy: &str) -> Self {
        Self { name, state, detail: detail.into(), remedy: Some(remedy.to_owned()) }
    }

    fn failed(name: &'static str, failure: Failure) -> Self {
        let (detail, remedy) = failure.into_parts();
        Self { name, state: State::Failed, detail, remedy }
    }
}

/// Looks at everything a run needs.
pub(crate) fn run(arguments: &DoctorArguments) -> Result<ExitStatus, Failure> {
    let places = Places::from_environment()?;
    let mut checks = vec![
        Check::ok("kode", format!("{} on {}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH)),
        home(&places),
    ];
    match places.project_root() {
        Ok(root) => {
            checks.push(Check::ok("project", root.path().display().to_string()));
            with_project(&places, &root, arguments.offline, &mut checks);
        }
        Err(failure) => checks.push(Check::failed("project", failure)),
    }
    checks.push(audit(&places));
    checks.push(terminal());
    show(&checks, arguments.json)?;
    let failed = checks.iter().any(|check| check.state == State::Failed);
    Ok(if failed { ExitStatus::Error } else { ExitStatus::Success })
}

fn with_project(places: &Places, root: &ProjectRoot, offline: bool, checks: &mut Vec<Check>) {
    let mut sandbox = sandbox_settings(places, false, &[]);
    match settings(places, root.path(), FlagOverrides::default()) {
        Ok(settings) => {
            sandbox.weakest = weakest_wall(&settings);
            checks.push(configuration(&settings));
            checks.extend(model(&settings, offline));
        }
        Err(failure) => checks.push(Check::failed("configuration", failure)),
    }
    checks.push(sandbox_layer(diagnose_docker(root, &sandbox)));
    checks.extend(diagnose(root, sandbox).into_iter().map(sandbox_layer));
}

fn sandbox_layer(layer: Layer) -> Check {
    let state = match layer.state {
        LayerState::Holds => State::Ok,
        LayerState::Weaker => State::Warning,
        LayerState::Missing => State::Failed,
    };
    let detail = format!("{}: {}", layer.name, layer.detail);
    Check { name: "sandbox", state, detail, remedy: layer.remedy }
}

fn home(places: &Places) -> Check {
    let shown = places.kode_home.display().to_string();
    if !places.kode_home.exists() {
        return Check::ok("kode home", format!("{shown} (made at the first run)"));
    }
    match kode_config::prepare_home(&places.kode_home) {
        Ok(()) => Check::ok("kode home", shown),
        Err(error) => Check::failed("kode home", error.into()),
    }
}

fn configuration(settings: &Settings) -> Check {
    let layers: Vec<&str> =
        settings.policy.layers.iter().map(|layer| layer.layer.as_str()).collect();
    let layers = if layers.is_empty() { "built-in only".to_owned() } else { layers.join(", ") };
    if settings.notices.is_empty() {
        return Check::ok("configuration", layers);
    }
    Check::of(
        "configuration",
        State::Warning,
        format!("{layers}; {}", settings.notices.join("; ")),
        "look at the file, then run `kode trust` if you want it to count",
    )
}

fn model(settings: &Settings, offline: bool) -> Vec<Check> {
    let mut provider = match connect_settings(settings) {
        Ok(provider) => provider,
        Err(failure) => return vec![Check::failed("model", failure)],
    };
    let (kind, why) = protocol(settings);
    let name = if kind == ProviderKind::Anthropic {
        "Anthropic Messages"
    } else {
        "OpenAI Chat Completions"
    };
    let model = escape_line(provider.model());
    let mut checks = vec![Check::ok("model", format!("{model} over {name}: {why}"))];
    if !offline {
        checks.push(match provider.facts(&Interrupt::new()) {
            Ok(facts) => server(&facts),
            Err(error) => Check::failed("server", error.into()),
        });
    }
    checks
}

fn server(facts: &ServerFacts) -> Check {
    let window = facts.context_window.map(|tokens| format!("window of {} tokens", tokens.0));
    let tools = facts.native_tools.map(|native| {
        if native { "calls tools" } else { "no native tools: JSON actions are used" }.to_owned()
    });
    let known: Vec<String> = window.into_iter().chain(tools).collect();
    let software = format!("{:?}", facts.software);
    let detail = [vec![software], known].concat().join(", ");
    match facts.warnings.split_first() {
        None => Check::ok("server", detail),
        Some((first, _)) => Check::of("server", State::Warning, detail, first),
    }
}

fn audit(places: &Places) -> Check {
    if !places.audit_folder().exists() {
        return Check::ok("audit log", "no record yet");
    }
    match kode_audit::verify(&places.audit_folder()) {
        Ok(report) => Check::ok("audit log", format!("{} records, chain whole", report.records)),
        Err(error) => Check::of(
            "audit log",
            State::Failed,
            error.to_string(),
            "keep a copy of the folder; docs/audit.md says what this can mean",
        ),
    }
}

fn terminal() -> Check {
    match std::fs::File::open("/dev/tty") {
        Ok(_) => Check::ok("terminal", "prompts can be answered"),
        Err(_) => Check::of(
            "terminal",
            State::Warning,
            "none: prompts are answered by dangerous.non_interactive",
            "set dangerous.non_interactive to allow or deny (docs/configuration.md)",
        ),
    }
}

fn show(checks: &[Check], json: bool) -> Result<(), Failure> {
    if json {
        say!("{}", serde_json::to_string(checks).map_err(std::io::Error::from)?);
        return Ok(());
    }
    let style = Style::detect(std::io::IsTerminal::is_terminal(&std::io::stdout()));
    for check in checks {
        let mark = match check.state {
            State::Ok => style.green("✔"),
            State::Warning => style.yellow("!"),
            State::Failed => style.red("✖"),
        };
        say!("{mark} {:14} {}", check.name, escape_line(&check.detail));
        if let Some(remedy) = &check.remedy {
            say!("  {:14} → {}", "", escape_line(remedy));
        }
    }
    Ok(())
}
