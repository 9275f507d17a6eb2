//! Setting variables: every way the shell has leads through here, so that
//! none changes what programs load, run or write without being judged.

use kode_base::RiskClass;

use super::text::{Stream, Text};
use super::{Evaluator, Taint, Variable};
use crate::assessment::QuestionKind;
use crate::effects::environment::{self, Meaning};
use crate::paths::Zone;

/// Values of one variable that are judged one by one.
const JUDGED_MAX: usize = 16;

impl Evaluator<'_> {
    /// Sets `name`, or what it refers to, and judges what that means.
    pub(crate) fn set(&mut self, name: &str, variable: Variable) {
        let mut name = name.to_owned();
        if let Some(target) = self.state.references.get(&name).cloned() {
            if target.is_empty() {
                // The first value of a reference is the name it stands for.
                let value = variable.values.first().map(|value| value.known.clone());
                self.state.references.insert(name, value.unwrap_or_default());
                return;
            }
            name = target;
        }
        if self.state.integers.contains(&name) {
            for value in variable.values.iter().take(JUDGED_MAX) {
                self.reevaluate_names(&value.known);
            }
        }
        let values = variable.values.clone();
        self.state.variables.insert(name.clone(), variable);
        for value in values.iter().take(JUDGED_MAX) {
            self.judge_value(&name, value);
        }
        self.judge_traps(false);
    }

    /// Puts back what a variable was before; nothing new happens by that.
    pub(crate) fn put_back(&mut self, name: &str, variable: Option<Variable>) {
        match variable {
            Some(variable) => self.state.variables.insert(name.to_owned(), variable),
            None => self.state.variables.remove(name),
        };
    }

    /// What a variable that this command never set holds from outside.
    pub(crate) fn inherited(&self, name: &str) -> Text {
        let values = self.value_of(name).unwrap_or_default();
        values.into_iter().next().unwrap_or_else(|| Text::unknown(Taint::LITERAL))
    }

    /// Judges what it means that `name` gets `value`: a variable that programs
    /// take commands or libraries from counts as running its value.
    pub(crate) fn judge_value(&mut self, name: &str, value: &Text) {
        // The user's own environment, not anything this command chose.
        let theirs = value.open && value.parts().next().is_none() && value.taint == Taint::LITERAL;
        self.judge_history(name, value);
        if value.as_exact() == Some("") {
            return;
        }
        if value.as_exact().is_some_and(|value| environment::only_tunes(name, value)) {
            return;
        }
        // What stands behind an unknown part counts as well: `$GOFLAGS -toolexec=x`.
        let whole = value.parts().collect::<Vec<_>>().join(" ");
        if matches!(name, "PS0" | "PS1" | "PS2" | "RPROMPT" | "PROMPT") {
            // The next prompt of a shell runs what stands in it.
            let prompt = whole.clone();
            self.refusals_only(|walk| walk.evaluate_substitutions(&prompt));
        }
        if name == "PS4" {
            // What `set -x` puts before each line is expanded in this shell.
            self.perhaps(|walk| {
                walk.evaluate_substitutions(&whole);
                Stream::default()
            });
        }
        // An exported function, as shells before 2014 read it, and ran what follows.
        if whole.starts_with("() {") {
            self.raise(RiskClass::CodeExecution, "the value is a function that shells may run");
            let rest = whole.split_once("};").map_or("", |(_, rest)| rest).to_owned();
            self.refusals_only(|walk| {
                walk.text_script(&rest, Stream::default());
            });
        }
        match environment::meaning(name, &whole) {
            Meaning::Plain => {}
            Meaning::Searched | Meaning::Loads | Meaning::Writes if theirs => {}
            Meaning::Searched => {
                let begins = value.open && value.taint == Taint::LITERAL;
                let known = if begins { Some(value.known.as_str()) } else { value.as_exact() };
                if !known.is_some_and(environment::is_ordinary_path) {
                    let text = format!("{name} decides which programs run");
                    self.raise(RiskClass::CodeExecution, &text);
                }
            }
            Meaning::Loads => self.judge_loaded(name, value),
            Meaning::Writes => self.judge_written(name, value),
            Meaning::Reaches => self.egress(value),
            Meaning::FlagsOf(tool) => {
                let script = format!("{tool} {whole}");
                self.perhaps(|walk| walk.text_script(&script, Stream::default()));
            }
            Meaning::Runs => {
                self.raise(RiskClass::CodeExecution, &format!("programs run what {name} holds"));
                self.refuse_foreign_code(value.taint, "a shell");
                // `LESSOPEN='|PROGRAM %s'`.
                let place = self.place_of(value).path;
                let file = self.files.get(&place).filter(|_| matches!(name, "BASH_ENV" | "ENV"));
                if let Some(content) = file.cloned() {
                    self.refusals_only(|walk| {
                        walk.shell_text(&content.text, Stream::default());
                    });
                }
                let script = value.known.trim_start_matches(['|', '-', ' ']).to_owned();
                self.perhaps(|walk| walk.text_script(&script, Stream::default()));
            }
        }
    }

    /// Folders that code is loaded from: the project's own are ordinary.
    fn judge_loaded(&mut self, name: &str, value: &Text) {
        let foreign = value.known.split(':').filter(|folder| !folder.is_empty()).any(|folder| {
            let zone = self.place_of(&Text::exact(folder)).zone;
            !matches!(zone, Zone::Project | Zone::ProjectRoot)
        });
        if foreign || value.open && value.taint != Taint::LITERAL {
            let text = format!("{name} loads code from outside the project");
            self.raise(RiskClass::CodeExecution, &text);
        }
    }

    /// `unset HISTFILE` is an empty one.
    pub(crate) fn judge_history_kept(&mut self, name: &str) {
        if name == "HISTFILE" {
            self.judge_history(name, &Text::exact(""));
        }
    }

    /// A shell that keeps no history hides what was done.
    fn judge_history(&mut self, name: &str, value: &Text) {
        let none = match name {
            "HISTFILE" => matches!(value.as_exact(), Some("" | "/dev/null")),
            "HISTSIZE" | "HISTFILESIZE" => value.as_exact() == Some("0"),
            _ => false,
        };
        if none {
            self.found.ask(QuestionKind::Guard, "the shell would no longer keep its history");
        }
    }

    /// A trace goes to a file when its variable holds an absolute path.
    fn judge_written(&mut self, name: &str, value: &Text) {
        if value.known.starts_with('/') {
            self.write_path(&value.clone(), "write");
        } else if value.open {
            let text = format!("{name} may name a file that is written");
            self.raise(RiskClass::SystemWrite, &text);
        }
    }
}
