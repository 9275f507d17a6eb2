//! Arithmetic: expansions inside are walked, and a value that holds a command
//! substitution counts as running it, because bash evaluates it again.

use super::text::Text;
use super::{Evaluator, Taint};
use crate::effects::environment;
use crate::shell::syntax::Word;

/// Names followed from value to value; a value that holds more is not walked
/// on, since what bash would evaluate of it is arithmetic alone.
const NAMES_MAX: usize = 64;

impl Evaluator<'_> {
    /// Walks an arithmetic expression; the result is known for a plain number.
    pub(crate) fn arithmetic(&mut self, word: &Word) -> Text {
        let text = self.expand_joined(word);
        self.reevaluate_names(&text.known);
        self.judge_assigned(&text.known);
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
    /// subscripts and their command substitutions included, and again the
    /// names those values hold.
    pub(crate) fn reevaluate_names(&mut self, text: &str) {
        let mut hidden: Vec<String> = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        let mut waiting = vec![text.to_owned()];
        while let Some(text) = waiting.pop() {
            if runs_code(&text) {
                hidden.push(text.clone());
            }
            for name in names_in(&text) {
                if seen.len() >= NAMES_MAX || seen.iter().any(|each| each == name) {
                    continue;
                }
                seen.push(name.to_owned());
                if let Some(variable) = self.state.variables.get(name) {
                    waiting.extend(variable.values.iter().map(|value| value.known.clone()));
                }
            }
        }
        for value in hidden {
            self.evaluate_substitutions(&value);
        }
    }

    /// Assignments inside arithmetic, `((PATH=1))`: the number may be a folder.
    pub(crate) fn judge_assigned(&mut self, text: &str) {
        if !text.contains(['=', '+', '-']) {
            return;
        }
        for name in names_in(text) {
            if environment::meaning(name, "1") == environment::Meaning::Searched {
                self.judge_value(name, &Text::exact("1"));
            }
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

fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    text.split(move |character| !is_name(character))
        .filter(|name| name.starts_with(|first: char| !first.is_ascii_digit()))
}
