//! `search`: a regular expression over file contents. Binary and ignored files
//! are left out; what was left out is said.

use std::ops::ControlFlow;

use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::sinks::Lossy;
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder};
use kode_base::{ProjectPath, Search, Untrusted};
use kode_gate::looks_secret;
use kode_sandbox::{EntryKind, FileError, WalkEnd, WalkEntry};
use serde::Deserialize;

use super::list_files::PathFilter;
use super::output::cap;
use super::{ToolOutcome, Workspace};

/// Lines shown at most.
const MATCHES_MAX: usize = 500;
/// Larger files are not searched.
const SEARCHED_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Longer lines are cut.
const LINE_CHARACTERS_MAX: usize = 400;

/// Arguments of `search`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchFiles {
    pub(crate) pattern: String,
    #[serde(default)]
    pub(crate) path: Option<String>,
    #[serde(default)]
    pub(crate) glob: Option<String>,
}

impl SearchFiles {
    /// Searches through the gate.
    pub(crate) fn run(&self, workspace: &mut Workspace) -> ToolOutcome {
        let prepared = workspace.path(self.path.as_deref().unwrap_or(".")).and_then(|path| {
            Ok((path, PathFilter::new(self.glob.as_deref())?, matcher(&self.pattern)?))
        });
        let (path, filter, matcher) = match prepared {
            Ok(prepared) => prepared,
            Err(why) => return ToolOutcome::failed(why),
        };
        let action = Search {
            pattern: Untrusted::from(self.pattern.as_str()),
            path: path.clone(),
            glob: self.glob.clone().map(Untrusted::from),
        };
        let decision = match workspace.gate.authorize(action) {
            Ok((permit, decision)) => {
                let _search = permit.redeem();
                decision
            }
            Err(denial) => return ToolOutcome::denied(denial),
        };
        let mut run = SearchRun::new(matcher);
        match run.search(workspace, &path, &filter) {
            Ok(()) => ToolOutcome::done(cap(run.render()), decision),
            Err(why) => ToolOutcome::failed(why).with_decision(decision),
        }
    }
}

fn matcher(pattern: &str) -> Result<RegexMatcher, String> {
    RegexMatcherBuilder::new()
        .line_terminator(Some(b'\n'))
        .size_limit(10 * 1024 * 1024)
        .build(pattern)
        .map_err(|error| format!("bad pattern: {error}"))
}

struct SearchRun {
    matcher: RegexMatcher,
    searcher: Searcher,
    text: String,
    shown: usize,
    skipped_large: usize,
    skipped_secret: usize,
    truncated: bool,
}

impl SearchRun {
    fn new(matcher: RegexMatcher) -> Self {
        let searcher = SearcherBuilder::new()
            .binary_detection(BinaryDetection::quit(0))
            .line_number(true)
            .build();
        Self {
            matcher,
            searcher,
            text: String::new(),
            shown: 0,
            skipped_large: 0,
            skipped_secret: 0,
            truncated: false,
        }
    }

    fn search(
        &mut self,
        workspace: &Workspace,
        path: &ProjectPath,
        filter: &PathFilter,
    ) -> Result<(), String> {
        let mut candidates = Vec::new();
        let end = workspace.files.walk(path, false, &mut |entry: WalkEntry| {
            if entry.kind == EntryKind::File && filter.matches(&entry.path) {
                // `read_file` asks about these; a search doesn't go around it.
                if looks_secret(&entry.path) {
                    self.skipped_secret += 1;
                } else {
                    candidates.push(entry.path);
                }
            }
            ControlFlow::Continue(())
        });
        self.truncated = end.map_err(|error| error.to_string())? == WalkEnd::Truncated;
        for candidate in candidates {
            if self.shown >= MATCHES_MAX || workspace.interrupt.step_ended() {
                self.truncated = true;
                break;
            }
            match workspace.files.snapshot_read(&candidate, SEARCHED_BYTES_MAX) {
                Ok(bytes) => self.search_file(&candidate, &bytes),
                Err(FileError::TooLarge { .. }) => self.skipped_large += 1,
                Err(_) => {} // Gone or replaced since the walk: nothing to search.
            }
        }
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "searching; the lines found stay untrusted")]
    fn search_file(&mut self, path: &ProjectPath, bytes: &Untrusted<Vec<u8>>) {
        let Self { matcher, searcher, text, shown, .. } = self;
        let found = searcher.search_slice(
            &*matcher,
            bytes.expose(),
            Lossy(|number, line| {
                let line = line.trim_end();
                let cut =
                    line.char_indices().nth(LINE_CHARACTERS_MAX).map_or(line.len(), |(at, _)| at);
                text.push_str(&format!("{}:{number}:{}\n", path.as_str(), &line[..cut]));
                *shown += 1;
                Ok(*shown < MATCHES_MAX)
            }),
        );
        if found.is_err() {
            self.truncated = true;
        }
    }

    fn render(mut self) -> Untrusted<String> {
        if self.shown == 0 {
            self.text.push_str("[no match]\n");
        }
        if self.truncated {
            self.text.push_str("[more was not searched or shown; narrow the path or pattern]\n");
        }
        if self.skipped_large > 0 {
            self.text
                .push_str(&format!("[{} files over 4 MiB not searched]\n", self.skipped_large));
        }
        if self.skipped_secret > 0 {
            let skipped = self.skipped_secret;
            self.text.push_str(&format!(
                "[{skipped} files that look like credentials not searched; read_file asks]\n"
            ));
        }
        Untrusted::from(self.text)
    }
}
