//! `outline` and `find_symbol`: what the model needs to name a symbol.

use kode_base::{ProjectPath, Search, Untrusted};
use kode_edit::render_outline;
use serde::Deserialize;

use super::output::cap;
use super::workspace::shown;
use super::{ToolOutcome, Workspace};
use crate::editing::EditedProject;

/// Arguments of `outline`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outline {
    pub(crate) path: String,
}

/// Arguments of `find_symbol`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindSymbol {
    pub(crate) name: String,
}

impl Outline {
    /// Reads through the gate and lists the file's symbols.
    pub(crate) fn run(&self, workspace: &mut Workspace) -> ToolOutcome {
        let (path, bytes, decision) = match workspace.read(&self.path) {
            Ok(read) => read,
            Err(outcome) => return *outcome,
        };
        #[expect(clippy::disallowed_methods, reason = "names of symbols stay untrusted")]
        match kode_edit::outline(&path, bytes.expose()) {
            Ok(symbols) if symbols.is_empty() => ToolOutcome::done("[no symbols]".into(), decision),
            Ok(symbols) => ToolOutcome::done(cap(render_outline(&symbols).into()), decision),
            Err(refusal) => ToolOutcome::failed(refusal.to_string()).with_decision(decision),
        }
    }
}

impl FindSymbol {
    /// Looks through the whole project, through the gate.
    pub(crate) fn run(&self, workspace: &mut Workspace) -> ToolOutcome {
        if self.name.trim().is_empty() {
            return ToolOutcome::failed("the name is empty");
        }
        let action = Search {
            pattern: Untrusted::from(self.name.as_str()),
            path: ProjectPath::root(),
            glob: None,
        };
        let decision = match workspace.gate.authorize(action) {
            Ok((permit, decision)) => {
                let _search = permit.redeem();
                decision
            }
            Err(denial) => return ToolOutcome::denied(denial),
        };
        let nothing_read = std::collections::HashMap::new();
        let project = EditedProject::new(&workspace.files, &nothing_read);
        match kode_edit::find_symbol(&project, &self.name) {
            Ok(found) if found.is_empty() => {
                let text = format!("[no definition of {}]", shown(&self.name));
                ToolOutcome::done(text.into(), decision)
            }
            Ok(found) => {
                let lines = found.iter().map(|(path, symbol)| {
                    format!(
                        "{path}:{}: {} {}\n",
                        symbol.line,
                        symbol.kind.name(),
                        shown(&symbol.path)
                    )
                });
                ToolOutcome::done(cap(Untrusted::from(lines.collect::<String>())), decision)
            }
            Err(refusal) => ToolOutcome::failed(refusal.to_string()).with_decision(decision),
        }
    }
}
