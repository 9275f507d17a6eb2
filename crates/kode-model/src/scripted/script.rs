//! A script as it is written, checked into what can be played: labels resolved,
//! patterns compiled, every turn with at least one case.

use std::collections::HashMap;

use kode_base::{TokenCount, Usage};
use serde::Deserialize;

use super::condition::{Seen, When};
use crate::StopReason;

/// Longest `pause_ms`: a script must not stall a session.
const PAUSE_MS_MAX: u64 = 60_000;

/// A checked script.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) model: Option<String>,
    /// Tokens of the window the model plays to have.
    pub(super) context_window: Option<u64>,
    pub(super) turns: Vec<Turn>,
}

/// One turn; its first fitting case is the answer.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) cases: Vec<Case>,
}

/// One possible answer.
#[derive(Debug)]
pub(super) struct Case {
    when: Option<When>,
    text: String,
    pub(super) calls: Vec<Call>,
    pub(super) usage: Option<Usage>,
    pub(super) stop: Option<StopReason>,
    pub(super) pause_ms: u64,
    /// Index of the turn that follows, where it isn't the next one.
    pub(super) next: Option<usize>,
}

/// One tool call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) tool: String,
    pub(super) arguments: Arguments,
}

/// What a call sends.
#[derive(Debug)]
pub(super) enum Arguments {
    /// A JSON object, its strings filled in.
    Object(serde_json::Map<String, serde_json::Value>),
    /// Text sent as it is.
    Raw(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenScript {
    model: Option<String>,
    context_window: Option<u64>,
    turns: Vec<WrittenStep>,
}

/// A turn or, inside `cases`, one case of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStep {
    label: Option<String>,
    when: Option<When>,
    cases: Option<Vec<WrittenStep>>,
    text: Option<String>,
    #[serde(default)]
    calls: Vec<WrittenCall>,
    usage: Option<WrittenUsage>,
    stop: Option<StopReason>,
    pause_ms: Option<u64>,
    goto: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCall {
    tool: String,
    args: Option<serde_json::Map<String, serde_json::Value>>,
    raw_args: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUsage {
    #[serde(default)]
    input: u64,
    #[serde(default)]
    output: u64,
    #[serde(default)]
    cache_read: u64,
    #[serde(default)]
    cache_write: u64,
}

impl Script {
    /// Reads and checks; the error says where and what.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let written: WrittenScript = serde_norway::from_str(text).map_err(|error| {
            // Its text already names line and column.
            error.to_string()
        })?;
        if written.turns.is_empty() {
            return Err("`turns` is empty".to_owned());
        }
        let (model, context_window) = (written.model, written.context_window);
        let mut labels = HashMap::new();
        for (at, step) in written.turns.iter().enumerate() {
            if let Some(label) = &step.label
                && labels.insert(label.clone(), at).is_some()
            {
                return Err(format!("turn {}: the label `{label}` is used twice", at + 1));
            }
        }
        let turns = written.turns.into_iter().enumerate();
        let turns = turns
            .map(|(at, step)| turn(step, &labels).map_err(|why| format!("turn {}: {why}", at + 1)));
        Ok(Self { model, context_window, turns: turns.collect::<Result<_, _>>()? })
    }
}

fn turn(mut step: WrittenStep, labels: &HashMap<String, usize>) -> Result<Turn, String> {
    let Some(cases) = step.cases.take() else {
        if step.when.is_some() {
            return Err("`when` belongs into an entry of `cases`".to_owned());
        }
        return Ok(Turn { cases: vec![case(step, labels)?] });
    };
    let answers = step.text.is_some() || !step.calls.is_empty() || step.goto.is_some();
    if answers || step.when.is_some() || step.usage.is_some() || step.stop.is_some() {
        return Err("a turn with `cases` has nothing beside them but `label`".to_owned());
    }
    if cases.is_empty() {
        return Err("`cases` is empty".to_owned());
    }
    let last = cases.len() - 1;
    let mut checked = Vec::new();
    for (at, step) in cases.into_iter().enumerate() {
        if step.label.is_some() || step.cases.is_some() {
            return Err(format!("case {}: a case has no `label` or `cases`", at + 1));
        }
        if step.when.is_none() && at < last {
            return Err(format!("case {}: only the last case may lack `when`", at + 1));
        }
        checked.push(case(step, labels).map_err(|why| format!("case {}: {why}", at + 1))?);
    }
    Ok(Turn { cases: checked })
}

fn case(step: WrittenStep, labels: &HashMap<String, usize>) -> Result<Case, String> {
    if step.text.is_none() && step.calls.is_empty() && step.stop.is_none() {
        return Err("needs `text`, `calls` or `cases`".to_owned());
    }
    let next = match &step.goto {
        Some(label) => {
            Some(*labels.get(label).ok_or_else(|| format!("no turn has the label `{label}`"))?)
        }
        None => None,
    };
    let pause_ms = step.pause_ms.unwrap_or(0);
    if pause_ms > PAUSE_MS_MAX {
        return Err(format!("`pause_ms` is over {PAUSE_MS_MAX}"));
    }
    Ok(Case {
        when: step.when,
        text: step.text.unwrap_or_default(),
        calls: step.calls.into_iter().map(call).collect::<Result<_, _>>()?,
        usage: step.usage.map(usage),
        stop: step.stop,
        pause_ms,
        next,
    })
}

fn call(written: WrittenCall) -> Result<Call, String> {
    let arguments = match (written.args, written.raw_args) {
        (Some(_), Some(_)) => return Err("give `args` or `raw_args`, not both".to_owned()),
        (args, None) => Arguments::Object(args.unwrap_or_default()),
        (None, Some(raw)) => Arguments::Raw(raw),
    };
    Ok(Call { tool: written.tool, arguments })
}

fn usage(written: WrittenUsage) -> Usage {
    Usage {
        input: TokenCount(written.input),
        output: TokenCount(written.output),
        cache_read: TokenCount(written.cache_read),
        cache_write: TokenCount(written.cache_write),
    }
}

impl Case {
    /// Whether this case answers.
    pub(super) fn fits(&self, seen: &Seen<'_>) -> bool {
        self.when.as_ref().is_none_or(|when| when.holds(seen))
    }

    /// The text, with what the case's pattern found.
    pub(super) fn text(&self, results: &str) -> String {
        self.fill(&self.text, results)
    }

    /// A call's arguments, with what the case's pattern found.
    pub(super) fn arguments(&self, call: &Call, results: &str) -> String {
        match &call.arguments {
            Arguments::Raw(text) => text.clone(),
            Arguments::Object(fields) => {
                let mut value = serde_json::Value::Object(fields.clone());
                self.fill_strings(&mut value, results);
                value.to_string()
            }
        }
    }

    fn fill_strings(&self, value: &mut serde_json::Value, results: &str) {
        use serde_json::Value;
        match value {
            Value::String(text) => *text = self.fill(text, results),
            Value::Array(items) => {
                items.iter_mut().for_each(|item| self.fill_strings(item, results))
            }
            Value::Object(fields) => {
                fields.values_mut().for_each(|field| self.fill_strings(field, results));
            }
            _ => {}
        }
    }

    /// Replaces `{{name}}` by what the group of that name or number matched.
    /// Other braces stay, since code is full of them.
    fn fill(&self, text: &str, results: &str) -> String {
        let Some(pattern) = self.when.as_ref().and_then(When::pattern) else {
            return text.to_owned();
        };
        let Some(captures) = pattern.captures(results) else { return text.to_owned() };
        let mut filled = text.to_owned();
        for (number, name) in pattern.capture_names().enumerate() {
            let found = captures.get(number).map_or("", |found| found.as_str());
            filled = filled.replace(&format!("{{{{{number}}}}}"), found);
            if let Some(name) = name {
                filled = filled.replace(&format!("{{{{{name}}}}}"), found);
            }
        }
        filled
    }
}
