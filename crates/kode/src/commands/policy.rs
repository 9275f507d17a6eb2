//! `kode policy`: asks the gate without running anything. Neither
//! `non_interactive` nor session trust answers here.

use std::io::{BufWriter, stdin, stdout};

use kode_base::ExitStatus;
use kode_base::escape::escape_line;
use kode_config::FlagOverrides;
use kode_gate::policy_check::{answer_lines, check, check_line, explain};
use kode_gate::{Policy, SessionState};
use serde_json::json;

use crate::cli::{PolicyCheckArguments, PolicyCommand};
use crate::failure::Failure;
use crate::places::Places;
use crate::wiring::{session_state, settings, settings_without_project};

/// Judges what it is given.
pub(crate) fn run(command: &PolicyCommand) -> Result<ExitStatus, Failure> {
    let (policy, state) = working_policy()?;
    match command {
        PolicyCommand::Check(arguments) => answer(arguments, &policy, &state)?,
        PolicyCommand::Explain { command } => say_part!("{}", explain(command, &policy, &state)),
    }
    Ok(ExitStatus::Success)
}

/// The policy as it stands in the working folder. Nothing runs here, so a
/// folder that could be no project (a home, `/tmp`, `/`) is no error: commands
/// are judged as they would be in a project below it.
fn working_policy() -> Result<(Policy, SessionState), Failure> {
    let places = Places::from_environment()?;
    let flags = FlagOverrides::default();
    let (root, settings) = match places.project_root() {
        Ok(root) => (root.path().to_owned(), settings(&places, root.path(), flags)?),
        Err(_) => (places.working.join("project"), settings_without_project(&places, flags)?),
    };
    let state = session_state(&places, &root, &settings);
    Ok((settings.policy, state))
}

fn answer(
    arguments: &PolicyCheckArguments,
    policy: &Policy,
    state: &SessionState,
) -> Result<(), Failure> {
    let Some(command) = &arguments.command else {
        let out = BufWriter::new(stdout().lock());
        return Ok(answer_lines(stdin().lock(), out, policy, state)?);
    };
    if arguments.json {
        let line = json!({"id": null, "cmd": command}).to_string();
        say!("{}", check_line(&line, policy, state));
        return Ok(());
    }
    let judgement = check(command, policy, state);
    let reason = &judgement.reason;
    let why = escape_line(&reason.text);
    say!("{} {} ({}, {} layer): {why}", judgement.verdict, reason.class, reason.rule, reason.layer);
    Ok(())
}
