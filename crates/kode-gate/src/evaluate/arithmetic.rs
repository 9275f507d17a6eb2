//! Arithmetic: expansions inside are walked, and a value that holds a command
//! substitution counts as running it, because bash evaluates it again.

use super::text::Text;
use super::{Evaluator, Taint};
use crate::shell::syntax::Word;

impl Evaluator<'_> {
    /// Walks an arithmetic expression; the result is known for a plain number.
    pub(crate) fn arithmetic(&mut self, word: &Word) -> Text {
        let text = self.expand_joined(word);
        self.reevaluate_names(&text.known);
        match text.as_exact().map(str::trim) {
            Some(number)
                if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Text::exact(number)
            }
            _ => Text::unknown(Taint::LITERAL),
        }
    }

    /// Bash evaluates the values of names in arithmetic as arithmetic, array
    /// subscripts and their command substitutions included.
    pub(crate) fn reevaluate_names(&mut self, text: &str) {
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let names: Vec<String> = text
            .split(|character| !is_name(character))
            .filter(|name| name.starts_with(|first: char| !first.is_ascii_digit()))
            .map(str::to_owned)
            .collect();
        let mut hidden: Vec<String> = Vec::new();
        if runs_code(text) {
            hidden.push(text.to_owned());
        }
        for name in names {
            let Some(variable) = self.state.variables.get(&name) else { continue };
            let running = variable.values.iter().filter(|value| runs_code(&value.known));
            hidden.extend(running.map(|value| value.known.clone()));
        }
        for value in hidden {
            self.evaluate_substitutions(&value);
        }
    }

    /// Walks the command substitutions that stand in `value`.
    pub(crate) fn evaluate_substitutions(&mut self, value: &str) {
        let quoted = value.replace('"', "\\\"");
        self.text_script(&format!(": \"{quoted}\""), super::Stream::default());
    }
}

fn runs_code(text: &str) -> bool {
    text.contains("$(") || text.contains('`')
}
