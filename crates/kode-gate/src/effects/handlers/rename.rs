//! `rename`: its expression is Perl, of which a substitution is harmless.

use kode_base::RiskClass;

use crate::effects::code::Language;
use crate::effects::dispatch::Invocation;
use crate::evaluate::{Evaluator, Stream};

impl Evaluator<'_> {
    /// `rename 's/a/b/' FILE…`: anything but a plain substitution is code.
    pub(super) fn rename(&mut self, call: &Invocation<'_>) -> Option<Stream> {
        let expression = call.arguments.operands.first()?.text.clone();
        if expression.open || !only_renames(&expression.known) {
            self.raise(RiskClass::CodeExecution, "the expression of rename is Perl code");
            self.perhaps(|walk| walk.code(Language::Perl, &expression));
        }
        None
    }
}

/// `s/…/…/gi`, `y/…/…/`, or a plain piece of a name.
fn only_renames(expression: &str) -> bool {
    if ["(?{", "(??{", "@{", "`", ";"].iter().any(|code| expression.contains(code)) {
        return false;
    }
    let body = ["s", "y", "tr"].iter().find_map(|operator| expression.strip_prefix(operator));
    let delimited = body.and_then(|body| {
        let delimiter = body.chars().next().filter(char::is_ascii_punctuation)?;
        body.rfind(delimiter).map(|at| &body[at + delimiter.len_utf8()..])
    });
    match delimited {
        Some(flags) => flags.bytes().all(|flag| b"gixmsr".contains(&flag)),
        None => !expression.contains(['(', '$', '{', '<', '|']),
    }
}
