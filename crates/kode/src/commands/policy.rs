//! `kode policy`: asks the gate without running anything. Neither
//! `non_interactive` nor session trust answers here.

use std::io::{BufRead, BufWriter, Write, stdin, stdout};
use std::time::Duration;

use kode_base::escape::{escape_block, escape_line};
use kode_base::{Action, ExitStatus, ProjectPath, ShellCommand, Untrusted};
use kode_config::FlagOverrides;
use kode_gate::{Judgement, Policy, SessionState, judge};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::{PolicyCheckArguments, PolicyCommand};
use crate::failure::Failure;
use crate::places::Places;
use crate::wiring::{session_state, settings};

/// Judges what it is given.
pub(crate) fn run(command: &PolicyCommand) -> Result<ExitStatus, Failure> {
    let judge = Judge::for_working_folder()?;
    match command {
        PolicyCommand::Check(arguments) => check(&judge, arguments),
        PolicyCommand::Explain { command } => Ok(explain(&judge, command)),
    }
}

/// The policy as it stands in the working folder.
struct Judge {
    policy: Policy,
    state: SessionState,
}

impl Judge {
    fn for_working_folder() -> Result<Self, Failure> {
        let places = Places::from_environment()?;
        let root = places.project_root()?;
        let settings = settings(&places, &root, FlagOverrides::default())?;
        let state = session_state(&places, &root, &settings);
        Ok(Self { policy: settings.policy, state })
    }

    fn judge(&self, command: &str) -> Judgement {
        let action = Action::Shell(ShellCommand {
            command: Untrusted::from(command),
            description: None,
            directory: ProjectPath::root(),
            timeout: Duration::from_secs(1),
        });
        judge(&action, &self.policy, &self.state)
    }
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn check(judge: &Judge, arguments: &PolicyCheckArguments) -> Result<ExitStatus, Failure> {
    let Some(command) = &arguments.command else { return check_lines(judge) };
    let judgement = judge.judge(command);
    if arguments.json {
        println!("{}", answer(&Value::Null, &judgement));
    } else {
        let reason = &judgement.reason;
        println!(
            "{} {} ({}, {} layer): {}",
            judgement.verdict,
            reason.class,
            reason.rule,
            reason.layer,
            escape_line(&reason.text)
        );
    }
    Ok(ExitStatus::Success)
}

/// One line of `--stdin`.
#[derive(Deserialize)]
struct Line {
    id: Value,
    cmd: String,
}

fn check_lines(judge: &Judge) -> Result<ExitStatus, Failure> {
    let mut out = BufWriter::new(stdout().lock());
    for (number, line) in stdin().lock().lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&line).map_err(|error| {
            Failure::new(ExitStatus::Usage, format!("standard input, line {}: {error}", number + 1))
                .hint("each line is {\"id\": …, \"cmd\": \"…\"}")
        })?;
        writeln!(out, "{}", answer(&line.id, &judge.judge(&line.cmd)))?;
    }
    out.flush()?;
    Ok(ExitStatus::Success)
}

fn answer(id: &Value, judgement: &Judgement) -> Value {
    let reason = &judgement.reason;
    json!({
        "id": id,
        "verdict": judgement.verdict,
        "class": reason.class,
        "reason": reason.text,
        "rule": reason.rule,
        "layer": reason.layer,
    })
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn explain(judge: &Judge, command: &str) -> ExitStatus {
    let judgement = judge.judge(command);
    let reason = &judgement.reason;
    println!("command  {}", escape_line(command));
    println!("verdict  {}", judgement.verdict);
    println!("class    {}", reason.class);
    println!("rule     {} ({} layer)", reason.rule, reason.layer);
    println!("why      {}", escape_line(&reason.text));
    if !judgement.context.is_empty() {
        println!("\n{}", escape_block(&judgement.context));
    }
    ExitStatus::Success
}
