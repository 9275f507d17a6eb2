//! Structural search and replace on one file, on ast-grep's matcher: `$X` is one
//! node, `$$$X` any number; outermost matches first, none overlapping.

use std::borrow::Cow;
use std::ops::Range;

use ast_grep_core::matcher::{PatternBuilder, PatternNode};
use ast_grep_core::meta_var::MetaVariable;
use ast_grep_core::replacer::TemplateFix;
use ast_grep_core::tree_sitter::{LanguageExt, StrDoc, TSLanguage};
use ast_grep_core::{AstGrep, Node, Pattern, PatternError};
use kode_base::ProjectPath;
use kode_base::escape::escape_line;
use kode_syntax::{Language, SourceTree, Tree, parse};
use memchr::memmem::Finder;

use crate::exact::check_size;
use crate::guard::{Change, Declared, Trees, check_parsed};
use crate::newline::{ending_at, to_lf, with_ending};
use crate::refusal::{EditRefusal, refuse};
use crate::undecodable::Decoded;

/// What to look for and what it becomes.
pub(crate) struct Rewrite<'a> {
    pub(crate) pattern: &'a str,
    pub(crate) template: &'a str,
    /// The language by name or extension, where the path does not tell.
    pub(crate) language: Option<&'a str>,
}

/// Rewrites every match in the file.
pub(crate) fn rewrite(
    path: &ProjectPath,
    before: &[u8],
    request: &Rewrite<'_>,
) -> Result<Vec<u8>, EditRefusal> {
    match Rewriter::new(path, before, request)?.rewrite(path, before)? {
        Some(after) => Ok(after),
        None => refuse!(
            "nothing in {path} matches `{}`; a pattern is code with $NAME for a node and $$$NAME \
             for any number of them",
            escape_line(request.pattern)
        ),
    }
}

/// A compiled pattern and template for one language.
pub(crate) struct Rewriter<'a> {
    language: Grammar,
    pattern: Pattern,
    fix: TemplateFix,
    template: &'a str,
    /// Text that every match holds, to pass over files without parsing them.
    fixed: Finder<'static>,
}

impl<'a> Rewriter<'a> {
    pub(crate) fn new(
        path: &ProjectPath,
        source: &[u8],
        request: &Rewrite<'a>,
    ) -> Result<Self, EditRefusal> {
        let language = match request.language {
            Some(name) => language_named(name)?,
            None => match Language::detect(path, source) {
                Some(language) => language,
                None => {
                    return refuse!("{path} is in no language kode can parse; name it in `lang`");
                }
            },
        };
        Self::for_language(language, request)
    }

    pub(crate) fn for_language(
        language: Language,
        request: &Rewrite<'a>,
    ) -> Result<Self, EditRefusal> {
        let grammar = Grammar::of(language)?;
        let pattern = match grammar.pattern(request.pattern) {
            Ok(pattern) if !pattern.has_error() => pattern,
            Ok(_) => {
                return refuse!(
                    "the pattern `{}` is no valid {} by itself",
                    escape_line(request.pattern),
                    language.name()
                );
            }
            Err(error) => {
                return refuse!("the pattern can't be used: {}", escape_line(&error.to_string()));
            }
        };
        let fix = TemplateFix::with_transform(request.template, &grammar, &[]);
        let defined = pattern.defined_vars();
        if let Some(unknown) = fix.used_vars().into_iter().find(|name| !defined.contains(name)) {
            return refuse!("the template uses ${unknown}, which the pattern does not capture");
        }
        let fixed = Finder::new(pattern.fixed_string().as_bytes()).into_owned();
        Ok(Self { language: grammar, pattern, fix, template: request.template, fixed })
    }

    /// Whether a file can have a match at all.
    pub(crate) fn may_match(&self, source: &[u8]) -> bool {
        self.fixed.find(source).is_some()
    }

    /// The rewritten bytes; `None` when nothing matches.
    pub(crate) fn rewrite(
        &self,
        path: &ProjectPath,
        before: &[u8],
    ) -> Result<Option<Vec<u8>>, EditRefusal> {
        check_size(path, before.len())?;
        let Some(decoded) = Decoded::new(before) else {
            return refuse!("{path} mixes bytes that are not UTF-8 with private-use characters");
        };
        let parsed = parse(self.language.language, decoded.text().as_bytes());
        let tree = parsed.map_err(|error| EditRefusal(error.to_string()))?.tree;
        let (src, lang) = (decoded.text().to_owned(), self.language.clone());
        let grep = AstGrep::doc(StrDoc { src, lang, tree: tree.clone() });
        let edits = grep.root().replace_all(&self.pattern, &self.fix);
        if edits.is_empty() {
            return Ok(None);
        }
        let source = decoded.text().as_bytes();
        let mut after = Vec::with_capacity(source.len());
        let (mut copied, mut quoted) = (0, String::new());
        let mut replacements = Vec::with_capacity(edits.len());
        for edit in edits {
            let end = (edit.position + edit.deleted_length).min(source.len());
            after.extend_from_slice(&source[copied..edit.position]);
            let inserted = String::from_utf8_lossy(&edit.inserted_text);
            let ending = ending_at(source, edit.position);
            let lf = to_lf(&inserted);
            let text = with_ending(&lf, ending);
            after.extend_from_slice(text.as_bytes());
            replacements.push((edit.position..end, text.len()));
            quoted.push_str(&String::from_utf8_lossy(&source[edit.position..end]));
            quoted.push('\n');
            copied = end;
        }
        after.extend_from_slice(&source[copied..]);
        let after = decoded.encode(after);
        let change = Change { path, before: Some(before), after: &after, written: self.template };
        let declared = Declared { shrink: false, quoted: Some(&quoted), named_place: true };
        let trees = match decoded.is_exact() {
            true => self.trees_for_the_guard(&change, tree, &replacements)?,
            false => None,
        };
        check_parsed(&change, &declared, trees)?;
        Ok(Some(after))
    }

    /// The matcher's tree and what becomes of it, where the guard would parse the
    /// file with the same grammar.
    fn trees_for_the_guard(
        &self,
        change: &Change<'_>,
        tree: Tree,
        replacements: &[(Range<usize>, usize)],
    ) -> Result<Option<Trees>, EditRefusal> {
        let language = self.language.language;
        let source = change.before.unwrap_or_default();
        let same = Language::detect(change.path, source) == Some(language);
        if !same {
            return Ok(None);
        }
        let before = SourceTree { language, tree };
        Trees::reparsed(before, change, replacements).map(Some)
    }
}

/// The language a person's word stands for: an extension or its name.
pub(crate) fn language_named(name: &str) -> Result<Language, EditRefusal> {
    let lower = name.to_lowercase();
    let by_name = match lower.as_str() {
        "javascript" => Some(Language::JavaScript),
        "typescript" => Some(Language::TypeScript),
        "python" => Some(Language::Python),
        "golang" => Some(Language::Go),
        "rust" => Some(Language::Rust),
        "csharp" | "c#" => Some(Language::CSharp),
        "ruby" => Some(Language::Ruby),
        "c++" => Some(Language::Cpp),
        other => Language::from_extension(other),
    };
    by_name.ok_or_else(|| {
        EditRefusal::new(format!("`{}` is no language kode can parse", escape_line(name)))
    })
}

/// A letter that stands for the `$` of a metavariable in most languages.
const PLAIN_EXPANDO: char = 'µ';

/// A grammar as ast-grep wants it.
#[derive(Clone)]
struct Grammar {
    language: Language,
    grammar: TSLanguage,
}

impl Grammar {
    fn of(language: Language) -> Result<Self, EditRefusal> {
        match language.grammar() {
            Some(grammar) => Ok(Self { language, grammar }),
            None => refuse!("this build of kode has no {} grammar", language.name()),
        }
    }

    fn pattern(&self, text: &str) -> Result<Pattern, PatternError> {
        // The matcher's own parser has no bounds.
        let bounded = parse(self.language, text.as_bytes());
        bounded.map_err(|error| PatternError::Parse(error.to_string()))?;
        if self.language == Language::Php {
            return php_pattern(text, self);
        }
        Pattern::try_new(text, self.clone())
    }
}

/// Outside of a tag everything is text to PHP, so the pattern is read behind one; the
/// one node left then is the pattern, as `Pattern::try_new` has it.
fn php_pattern(text: &str, grammar: &Grammar) -> Result<Pattern, PatternError> {
    let source = format!("<?php {}", spell_out(text, PLAIN_EXPANDO));
    let document = StrDoc::try_new(&source, grammar.clone()).map_err(PatternError::Parse)?;
    let grep = AstGrep::doc(document);
    let there = |node: &Node<'_, _>| !node.is_missing() && !node.kind().is_empty();
    let statements: Vec<_> = grep.root().children().skip(1).filter(there).collect();
    let mut node = match statements.as_slice() {
        [] => return Err(PatternError::NoContent(text.to_owned())),
        [node] => node.clone(),
        _ => return Err(PatternError::MultipleNode(text.to_owned())),
    };
    loop {
        let parts: Vec<_> = node.children().filter(there).take(2).collect();
        let [only] = parts.as_slice() else { break };
        node = only.clone();
    }
    let pattern = Pattern::from(node);
    match pattern.node {
        PatternNode::MetaVar {
            meta_var: MetaVariable::MultiCapture(_) | MetaVariable::Multiple,
        } => Err(PatternError::RootMultiMetaVar(text.to_owned())),
        _ => Ok(pattern),
    }
}

impl ast_grep_core::Language for Grammar {
    fn pre_process_pattern<'q>(&self, query: &'q str) -> Cow<'q, str> {
        let expando = self.expando_char();
        if expando == '$' { Cow::Borrowed(query) } else { Cow::Owned(spell_out(query, expando)) }
    }

    /// A letter the grammar takes in identifiers, where it does not take `$`.
    fn expando_char(&self) -> char {
        match self.language {
            Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Java => '$',
            Language::C | Language::Cpp => '\u{10000}',
            _ => PLAIN_EXPANDO,
        }
    }

    fn kind_to_id(&self, kind: &str) -> u16 {
        self.grammar.id_for_node_kind(kind, true)
    }

    fn field_to_id(&self, field: &str) -> Option<u16> {
        self.grammar.field_id_for_name(field).map(std::num::NonZero::get)
    }

    fn build_pattern(&self, builder: &PatternBuilder<'_>) -> Result<Pattern, PatternError> {
        builder.build(|source| StrDoc::try_new(source, self.clone()))
    }
}

impl LanguageExt for Grammar {
    fn get_ts_language(&self) -> TSLanguage {
        self.grammar.clone()
    }
}

/// Writes the `$`s of metavariables as `expando`; other `$`s stay (PHP variables).
fn spell_out(query: &str, expando: char) -> String {
    let mut spelled = String::with_capacity(query.len());
    let mut rest = query;
    while let Some(at) = rest.find('$') {
        spelled.push_str(&rest[..at]);
        let run = rest[at..].bytes().take_while(|&byte| byte == b'$').count();
        rest = &rest[at + run..];
        let named = rest.starts_with(|next: char| next.is_ascii_uppercase() || next == '_');
        let sigil = if named || run == 3 { expando } else { '$' };
        spelled.extend(std::iter::repeat_n(sigil, run));
    }
    spelled.push_str(rest);
    spelled
}

#[cfg(test)]
mod tests;
