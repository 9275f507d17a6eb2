//! Dialogs that a file itself shows to be none of a browser's: a test puts a stub in their
//! place, a program its own function, or the file runs in a console, where Deno and Bun
//! have functions of these names that ask there. It refuses to believe what only some
//! branch does.

use crate::engine::scripted::{DIALOGS, WINDOWS};
use crate::ir::{Call, ExprId, Kind, Program, Statement, Target};
use crate::raw::RawFinding;

/// Takes out of a file's findings those of dialogs that are its own.
pub(super) fn remove_own(
    findings: &mut Vec<RawFinding>,
    file: usize,
    program: &Program,
    source: &[u8],
) {
    let is_here = |it: &RawFinding| it.file == file && it.rule == "blocking-dialog";
    if !findings.iter().any(is_here) {
        return;
    }
    let in_console = is_in_console(program, source);
    let replaced = replaced(program);
    findings.retain(|finding| {
        let named = is_here(finding).then(|| named(source, finding.start)).flatten();
        named.is_none_or(|name| {
            let is_own = |(own, from): &(&str, usize)| *own == name && *from <= finding.start;
            !in_console && !replaced.iter().any(is_own)
        })
    });
}

/// The dialog that is named where a finding begins: `alert`, `window.alert`.
fn named(source: &[u8], start: usize) -> Option<&'static str> {
    let mut text = source.get(start..)?;
    let rest = WINDOWS.iter().find_map(|name| {
        let rest = text.strip_prefix(name.as_bytes())?;
        rest.strip_prefix(b"?.").or_else(|| rest.strip_prefix(b"."))
    });
    text = rest.unwrap_or(text);
    let is_end = |rest: &[u8]| !rest.first().is_some_and(|it| it.is_ascii_alphanumeric());
    DIALOGS.into_iter().find(|name| text.strip_prefix(name.as_bytes()).is_some_and(is_end))
}

/// Whether a file is a program of Deno's or Bun's, and shows no page.
fn is_in_console(program: &Program, source: &[u8]) -> bool {
    let first = source.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_run =
        |name: &[u8]| first.starts_with(b"#!") && memchr::memmem::find(first, name).is_some();
    if is_run(b"deno") || is_run(b"bun") {
        return true;
    }
    let mut shows_page = false;
    let mut uses = false;
    for expression in &program.expressions {
        match &expression.kind {
            Kind::Global(name) => shows_page |= matches!(&**name, "document" | "$" | "jQuery"),
            Kind::Import(name) => {
                let is_of = |start| name.starts_with(start);
                uses |= &**name == "bun"
                    || ["bun:", "jsr:", "https://deno.land/"].into_iter().any(is_of);
            }
            Kind::Field(object, _) => {
                let object = &program.expression(*object).kind;
                uses |= matches!(object, Kind::Global(name) if matches!(&**name, "Deno" | "Bun"));
            }
            _ => {}
        }
    }
    uses && !shows_page
}

/// Names of dialogs that something else is put in the place of, and from where on.
fn replaced(program: &Program) -> Vec<(&'static str, usize)> {
    let mut found = Vec::new();
    for expression in &program.expressions {
        match &expression.kind {
            Kind::Assign(target, value) if is_stub(program, *value) => {
                found.extend(dialog_target(program, target).map(|name| (name, 0)));
            }
            Kind::Call(call) => found.extend(stubbed(program, call).map(|name| (name, 0))),
            _ => {}
        }
    }
    // A program's own function counts where nothing decides whether it is put there.
    for statement in &program.functions[0].body {
        let Statement::Expression(at) = statement else { continue };
        let Kind::Assign(target, value) = &program.expression(*at).kind else { continue };
        if matches!(program.expression(*value).kind, Kind::Function(_)) {
            let from = program.expression(*at).end as usize;
            found.extend(dialog_target(program, target).map(|name| (name, from)));
        }
    }
    found
}

/// The dialog that is set: `window.alert = …`.
fn dialog_target(program: &Program, target: &Target) -> Option<&'static str> {
    let Target::Field(object, name) = target else { return None };
    let dialog = DIALOGS.into_iter().find(|dialog| *dialog == &**name)?;
    is_window(program, *object).then_some(dialog)
}

fn is_window(program: &Program, object: ExprId) -> bool {
    match &program.expression(object).kind {
        Kind::Global(name) => WINDOWS.contains(&&**name) || &**name == "global",
        Kind::Typed(_, value) => is_window(program, *value),
        _ => false,
    }
}

/// Whether a value is what test libraries make: `jest.fn()`, `sinon.stub()`.
fn is_stub(program: &Program, value: ExprId) -> bool {
    let Kind::Call(call) = &program.expression(value).kind else { return false };
    match &program.expression(call.callee).kind {
        Kind::Field(object, name) => match &**name {
            "fn" | "stub" | "spy" | "fake" | "createSpy" => true,
            // `jest.fn().mockReturnValue(true)`
            name => name.starts_with("mock") && is_stub(program, *object),
        },
        _ => false,
    }
}

/// The dialog that a call of a test library puts a stub in the place of:
/// `sinon.stub(window, 'alert')`, `vi.stubGlobal('alert', f)`.
fn stubbed(program: &Program, call: &Call) -> Option<&'static str> {
    let (Kind::Field(_, method) | Kind::Global(method)) = &program.expression(call.callee).kind
    else {
        return None;
    };
    let at = match &**method {
        "stubGlobal" => 0,
        "stub" | "spyOn" | "replace" | "method" => {
            let window = call.arguments.first()?;
            is_window(program, window.value).then_some(1)?
        }
        _ => return None,
    };
    let Kind::Text(name) = &program.expression(call.arguments.get(at)?.value).kind else {
        return None;
    };
    DIALOGS.into_iter().find(|dialog| *dialog == &**name)
}
