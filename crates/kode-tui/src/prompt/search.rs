//! Looking through earlier messages for words typed now, the newest first. It changes
//! nothing that is remembered, and sends nothing.

use super::Prompt;

/// Characters looked for at most.
const WANTED_MAX: usize = 200;

/// A search that goes on.
#[derive(Debug)]
pub(super) struct Search {
    wanted: String,
    /// The remembered message that is shown; `None` when none fits.
    found: Option<usize>,
    draft: Vec<char>,
}

impl Prompt {
    /// What is looked for, and whether a message holds it; `None` when nothing is.
    pub(crate) fn searched(&self) -> Option<(&str, bool)> {
        let search = self.search.as_ref()?;
        Some((&search.wanted, search.found.is_some() || search.wanted.is_empty()))
    }

    /// Begins a search, or goes on to the next older message.
    pub(crate) fn search(&mut self) {
        match &mut self.search {
            None => {
                let draft = self.text.clone();
                self.search = Some(Search { wanted: String::new(), found: None, draft });
            }
            Some(search) => {
                let before = search.found;
                if let Some(older) = self.older(before) {
                    self.found(Some(older));
                }
            }
        }
    }

    /// Looks for one character more; where the shown message still fits, it stays.
    pub(crate) fn search_for(&mut self, character: char) {
        let Some(search) = &mut self.search else { return };
        if search.wanted.chars().count() >= WANTED_MAX {
            return;
        }
        search.wanted.push(character);
        let from = search.found.map(|found| found + 1);
        self.found(self.older(from));
    }

    /// Looks for one character less, from the newest message again.
    pub(crate) fn search_less(&mut self) {
        let Some(search) = &mut self.search else { return };
        search.wanted.pop();
        self.found(self.older(None));
    }

    /// Takes the message that was found into the line, or gives the draft back.
    pub(crate) fn end_search(&mut self, takes_it: bool) {
        let Some(search) = self.search.take() else { return };
        if !takes_it || search.found.is_none() {
            self.show(search.draft);
        }
    }

    /// The newest message before the place `before` that holds what is looked for, in
    /// either case.
    fn older(&self, before: Option<usize>) -> Option<usize> {
        let wanted = self.search.as_ref()?.wanted.to_lowercase();
        let end = before.unwrap_or(self.history.len()).min(self.history.len());
        let fits = |text: &String| text.to_lowercase().contains(&wanted);
        self.history[..end].iter().rposition(fits).filter(|_| !wanted.is_empty())
    }

    fn found(&mut self, found: Option<usize>) {
        let Some(search) = &mut self.search else { return };
        search.found = found;
        let shown = match found {
            Some(at) => self.history[at].chars().collect(),
            None => search.draft.clone(),
        };
        self.show(shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Edit;

    fn prompt() -> Prompt {
        let mut prompt = Prompt::default();
        for text in ["run the tests", "read Cargo.toml", "run the linter"] {
            prompt.remember(text);
        }
        "draft".chars().for_each(|character| prompt.edit(Edit::Insert(character)));
        prompt.search();
        prompt
    }

    fn typed(prompt: &mut Prompt, text: &str) -> String {
        text.chars().for_each(|character| prompt.search_for(character));
        prompt.text()
    }

    #[test]
    fn the_newest_that_fits_comes_first_and_older_ones_after_it() {
        let mut prompt = prompt();
        assert_eq!((prompt.text().as_str(), prompt.searched()), ("draft", Some(("", true))));
        assert_eq!(typed(&mut prompt, "RUN"), "run the linter");
        prompt.search();
        assert_eq!(prompt.text(), "run the tests");
        prompt.search();
        assert_eq!(prompt.text(), "run the tests", "there is no older one");
        prompt.end_search(true);
        assert_eq!((prompt.text().as_str(), prompt.searched()), ("run the tests", None));
    }

    #[test]
    fn a_letter_less_looks_from_the_newest_again() {
        let mut prompt = prompt();
        assert_eq!(typed(&mut prompt, "run the t"), "run the tests");
        prompt.search_less();
        assert_eq!(prompt.text(), "run the linter");
    }

    #[test]
    fn what_nothing_holds_says_so_and_the_draft_comes_back() {
        let mut prompt = prompt();
        assert_eq!(typed(&mut prompt, "cargo"), "read Cargo.toml");
        assert_eq!(typed(&mut prompt, "x"), "draft");
        assert_eq!(prompt.searched(), Some(("cargox", false)));
        prompt.end_search(true);
        assert_eq!(prompt.text(), "draft");
        prompt.search();
        typed(&mut prompt, "cargo");
        prompt.end_search(false);
        assert_eq!(prompt.text(), "draft");
    }
}
