//! What could complete the word that is being typed: the project's files after
//! `@`, the commands after `/`. It proposes; only a key takes a proposal.

use kode_base::ProjectPath;
use kode_base::escape::escape_name;

use crate::prompt::Prompt;

/// Proposals shown at most.
const SHOWN_MAX: usize = 8;
/// Files looked through at most.
const FILES_MAX: usize = 100_000;

/// One proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// What is shown, and beside it.
    pub(crate) shown: String,
    pub(crate) about: &'static str,
    /// What is put in the word's place.
    pub(crate) text: String,
}

/// The proposals for the word before the cursor.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    files: Option<Vec<String>>,
    is_asked_for: bool,
    proposals: Vec<Proposal>,
    pub(crate) chosen: usize,
}

impl Completion {
    pub(crate) fn proposals(&self) -> &[Proposal] {
        &self.proposals
    }

    pub(crate) fn set_files(&mut self, files: &[ProjectPath]) {
        self.files =
            Some(files.iter().take(FILES_MAX).map(|path| path.as_str().to_owned()).collect());
        self.is_asked_for = false;
    }

    /// Files may have come and gone: they are asked for again.
    pub(crate) fn forget_files(&mut self) {
        (self.files, self.is_asked_for) = (None, false);
    }

    /// Looks at the prompt anew. Whether the project's files are wanted.
    pub(crate) fn update(&mut self, prompt: &Prompt, commands: &[(&str, &'static str)]) -> bool {
        let word = prompt.word();
        self.chosen = 0;
        self.proposals = match (word.strip_prefix('@'), word.starts_with('/')) {
            (Some(wanted), _) => self.fitting_files(wanted.trim_start_matches('"')),
            (None, true) if prompt.is_in_first_word() => fitting_commands(&word, commands),
            _ => Vec::new(),
        };
        let is_wanted = word.starts_with('@') && self.files.is_none() && !self.is_asked_for;
        self.is_asked_for |= is_wanted;
        is_wanted
    }

    pub(crate) fn close(&mut self) {
        self.proposals.clear();
    }

    pub(crate) fn step(&mut self, down: bool) {
        let count = self.proposals.len().max(1);
        self.chosen = (self.chosen + if down { 1 } else { count - 1 }) % count;
    }

    /// The chosen proposal, and none are open any more.
    pub(crate) fn take(&mut self) -> Option<Proposal> {
        let chosen = self.proposals.get(self.chosen).cloned();
        self.proposals.clear();
        chosen
    }

    /// Whether `word` is `@` and the whole name of a file.
    pub(crate) fn is_file(&self, word: &str) -> bool {
        let Some(name) = word.strip_prefix('@') else { return false };
        let files = self.files.as_deref().unwrap_or_default();
        files.iter().any(|file| file == name)
    }

    fn fitting_files(&self, wanted: &str) -> Vec<Proposal> {
        let files = self.files.as_deref().unwrap_or_default();
        let wanted = wanted.to_lowercase();
        let mut ranked: Vec<(usize, usize, &String)> = files
            .iter()
            .filter_map(|file| Some((rank(&file.to_lowercase(), &wanted)?, file.len(), file)))
            .collect();
        ranked.sort_unstable();
        ranked.truncate(SHOWN_MAX);
        ranked.into_iter().map(|(_, _, file)| file_proposal(file)).collect()
    }
}

fn file_proposal(file: &str) -> Proposal {
    let needs_quotes = file.contains(|c: char| c.is_whitespace() || c == '"');
    let text = if needs_quotes {
        format!("@\"{}\" ", file.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("@{file} ")
    };
    Proposal { shown: escape_name(file), about: "", text }
}

/// How well a path fits, 0 the best; none where it does not.
fn rank(file: &str, wanted: &str) -> Option<usize> {
    let name = file.rsplit('/').next().unwrap_or(file);
    match () {
        () if name == wanted => Some(0),
        () if name.starts_with(wanted) => Some(1),
        () if file.starts_with(wanted) => Some(2),
        () if name.contains(wanted) => Some(3),
        () if file.contains(wanted) => Some(4),
        () if is_subsequence(file, wanted) => Some(5),
        () => None,
    }
}

fn is_subsequence(text: &str, wanted: &str) -> bool {
    let mut characters = text.chars();
    wanted.chars().all(|wanted| characters.any(|character| character == wanted))
}

fn fitting_commands(word: &str, commands: &[(&str, &'static str)]) -> Vec<Proposal> {
    let fitting = commands
        .iter()
        .filter(|(name, _)| name.split(' ').next().is_some_and(|n| n.starts_with(word)));
    let proposal = |(name, about): &(&str, &'static str)| Proposal {
        shown: (*name).to_owned(),
        about,
        text: name.split(' ').next().unwrap_or(name).to_owned(),
    };
    fitting.map(proposal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Edit;

    fn prompt(text: &str) -> Prompt {
        let mut prompt = Prompt::default();
        text.chars().for_each(|c| prompt.edit(Edit::Insert(c)));
        prompt
    }

    fn shown(completion: &Completion) -> Vec<&str> {
        completion.proposals().iter().map(|proposal| proposal.shown.as_str()).collect()
    }

    #[test]
    fn files_are_asked_for_once_and_the_best_fit_comes_first() {
        let mut completion = Completion::default();
        assert!(completion.update(&prompt("see @li"), &[]));
        assert!(!completion.update(&prompt("see @lib"), &[]));
        let files = ["docs/library.md", "src/lib.rs", "src/deep/alib.rs", "l/i/b", "x"];
        let files: Vec<_> = files.iter().map(|name| ProjectPath::new(name).unwrap()).collect();
        completion.set_files(&files);
        completion.update(&prompt("see @lib"), &[]);
        assert_eq!(
            shown(&completion),
            ["src/lib.rs", "docs/library.md", "src/deep/alib.rs", "l/i/b"]
        );
        completion.step(false);
        assert_eq!(completion.take().unwrap().text, "@l/i/b ");
        assert!(completion.proposals().is_empty());
    }

    #[test]
    fn a_name_with_quotes_is_taken_so_that_it_is_found() {
        let mut completion = Completion::default();
        completion.update(&prompt("see @we"), &[]);
        completion.set_files(&[ProjectPath::new(r#"we "ird" \.txt"#).unwrap()]);
        completion.update(&prompt("see @we"), &[]);
        let taken = completion.take().unwrap().text;
        assert_eq!(taken, r#"@"we \"ird\" \\.txt" "#);
        assert_eq!(prompt(&taken).take().unwrap().files[0].as_str(), r#"we "ird" \.txt"#);
    }

    #[test]
    fn commands_are_proposed_in_the_first_word_only() {
        let commands = [("/diff", "look"), ("/model [NAME]", "which")];
        let mut completion = Completion::default();
        completion.update(&prompt("/"), &commands);
        assert_eq!(shown(&completion), ["/diff", "/model [NAME]"]);
        completion.update(&prompt("/mo"), &commands);
        assert_eq!(completion.take().unwrap().text, "/model");
        completion.update(&prompt("what of /d"), &commands);
        assert!(completion.proposals().is_empty());
    }
}
