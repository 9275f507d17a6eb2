//! Script kept in texts: timers and `eval` handed source, `javascript:` addresses,
//! handlers set as attributes, markup with handlers. Only the browser's dialogs are
//! sought in it; what input does in such texts is for the sinks.

use kode_syntax::{Language, parse};

use super::Engine;
use super::site::Site;
use super::value::{HOLE, Value};
use crate::category::Category;
use crate::ir::{ExprId, Kind, Program};
use crate::markup::Form;

/// The browser's dialogs.
pub(super) const DIALOGS: [&str; 4] = ["alert", "confirm", "prompt", "showModalDialog"];
/// Names of the window.
pub(super) const WINDOWS: [&str; 6] = ["window", "self", "top", "parent", "globalThis", "frames"];

/// What a text is run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Statements.
    Source,
    /// An address, whose scheme may be `javascript:`.
    Address,
    /// Markup with handlers and scripts in it.
    Markup,
}

impl Engine<'_> {
    /// Reports a call that is handed a text in which a dialog is called.
    pub(super) fn scripted_call(&mut self, site: &Site) {
        let script = |at: usize, kind: Script| Some((site.value(at), kind));
        let found = match &*site.method {
            "setTimeout" | "setInterval" | "eval" | "execScript" => script(0, Script::Source),
            "@tag" => {
                let tag = site.receiver.as_ref().map(|(object, value)| (*object, value.clone()));
                if let Some((object, value)) = tag {
                    self.passed_on_dialog(&value, Some(object));
                }
                None
            }
            "Function" | "constructor" => {
                script(site.given.len().saturating_sub(1), Script::Source)
            }
            "setAttribute" | "attr" | "prop" => {
                let name = site.value(0);
                let kind = attribute_script(name.known_text().unwrap_or_default());
                kind.and_then(|kind| script(1, kind))
            }
            "open" | "assign" | "replace" => script(0, Script::Address),
            "write" | "writeln" | "html" | "append" | "prepend" | "after" | "before"
            | "replaceWith" => script(0, Script::Markup),
            "insertAdjacentHTML" => script(1, Script::Markup),
            // A browser's extension, which is given `{ code: '…' }`.
            "executeScript" => site
                .values()
                .iter()
                .find_map(|given| given.field("code").cloned())
                .map(|code| (code, Script::Source)),
            // Sagas call a method by `[object, 'method']`.
            "call" | "fork" | "spawn" => {
                self.called_by_pair(site);
                None
            }
            _ => None,
        };
        if let Some((value, kind)) = found {
            self.scripted(&value, kind, (site.start, site.end));
        }
    }

    fn called_by_pair(&mut self, site: &Site) {
        let Some(Kind::List(pair)) = site.argument(0).map(|at| &self.program().expression(at).kind)
        else {
            return;
        };
        let [object, name] = pair[..] else { return };
        let program = self.program();
        let is_named = matches!(&program.expression(name).kind,
            Kind::Text(name) if DIALOGS.contains(&&**name));
        if is_named && is_window(program, object) {
            self.report_call(Category::BlockingDialog, site.start, site.end);
        }
    }

    /// Reports a text that is run, where a dialog is called in it.
    pub(super) fn scripted(&mut self, value: &Value, kind: Script, (start, end): (u32, u32)) {
        if value.skeleton().is_some_and(|text| calls_dialog(text, kind)) {
            self.report_call(Category::BlockingDialog, start, end);
        }
    }
}

/// What the text of an attribute is run as.
pub(super) fn attribute_script(name: &str) -> Option<Script> {
    match name.to_ascii_lowercase().as_str() {
        "href" | "src" | "action" | "formaction" | "xlink:href" | "xlinkhref" | "location" => {
            Some(Script::Address)
        }
        "srcdoc" | "innerhtml" | "outerhtml" => Some(Script::Markup),
        name => name.starts_with("on").then_some(Script::Source),
    }
}

/// Whether a text that is run calls one of the browser's dialogs.
fn calls_dialog(text: &str, kind: Script) -> bool {
    if !DIALOGS.iter().any(|name| text.contains(name)) {
        return false;
    }
    let text = text.replace(HOLE, "_");
    match kind {
        Script::Source => is_dialog_script(text.as_bytes()),
        Script::Address => crate::page::script_address(&text)
            .is_some_and(|script| is_dialog_script(script.as_bytes())),
        Script::Markup => is_dialog_script(&crate::page::scripts_only(text.as_bytes(), Form::Html)),
    }
}

fn is_dialog_script(script: &[u8]) -> bool {
    let Ok(tree) = parse(Language::JavaScript, script) else { return false };
    let program = crate::lower::lower(Language::JavaScript, script, &tree.tree);
    program.expressions.iter().any(|expression| match &expression.kind {
        Kind::Call(call) => is_dialog(&program, call.callee),
        _ => false,
    })
}

/// `alert`, `window.alert`, `(0, top.alert)`.
fn is_dialog(program: &Program, callee: ExprId) -> bool {
    match &program.expression(callee).kind {
        Kind::Global(name) => DIALOGS.contains(&&**name),
        Kind::Field(object, name) if DIALOGS.contains(&&**name) => is_window(program, *object),
        Kind::Sequence(_, last) => is_dialog(program, *last),
        _ => false,
    }
}

fn is_window(program: &Program, object: ExprId) -> bool {
    match &program.expression(object).kind {
        Kind::Global(name) => WINDOWS.contains(&&**name),
        Kind::Field(object, name) => WINDOWS.contains(&&**name) && is_window(program, *object),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_call_of_the_browsers_own_dialog_counts() {
        for text in ["alert(1)", "if (x) window.confirm('y')", "(0,self.top.prompt)()"] {
            assert!(calls_dialog(text, Script::Source), "{text}");
        }
        for text in
            ["log('alert(1)')", "ui.alert(1)", "var alert = f; alert(1)", "alerts(1)", "alert"]
        {
            assert!(!calls_dialog(text, Script::Source), "{text}");
        }
        assert!(calls_dialog(" JavaScript:alert(1)", Script::Address));
        assert!(!calls_dialog("/alert(1)", Script::Address));
        assert!(calls_dialog("<a onclick='alert(1)'>x</a>", Script::Markup));
        assert!(!calls_dialog("<a title='alert(1)'>alert(1)</a>", Script::Markup));
    }
}
