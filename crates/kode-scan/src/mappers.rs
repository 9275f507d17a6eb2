//! MyBatis' mapper files: which parameters become part of a statement's text (`${name}`)
//! instead of being bound (`#{name}`). By themselves they warn; who hands them input is
//! for the engine.

use std::collections::HashMap;
use std::sync::LazyLock;

use kode_base::Severity;
use regex::Regex;

use crate::category::Category;
use crate::raw::{RawFinding, squeezed};
use crate::{ScanFile, coverage};

/// What a mapper's file begins with.
const HEAD_BYTES: usize = 4 << 10;
/// Larger files and further ones are passed over.
const FILE_BYTES_MAX: usize = 512 << 10;
const FILES_MAX: usize = 500;

/// A statement with its name and its text, up to the end of its element.
static STATEMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?s)<(?:select|insert|update|delete|sql)\b([^>]*)>(.*?)</(?:select|insert|update|delete|sql)>"#).ok()
});
static ID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\bid\s*=\s*["']([\w.-]+)["']"#).ok());
static NAMESPACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"<mapper\b[^>]*\bnamespace\s*=\s*["']([\w.$-]+)["']"#).ok());
static INCLUDED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"<include\b[^>]*\brefid\s*=\s*["'](?:[\w.-]*\.)?([\w-]+)["']"#).ok()
});
static TAKEN_IN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\$\{\s*([A-Za-z_][\w.]*)[^}]{0,80}\}").ok());
static COMMENT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?s)<!--.*?-->").ok());

/// The names that statements take in as text, by the simple name of their interface and
/// their own.
#[derive(Debug, Default)]
pub(crate) struct Mappers {
    statements: HashMap<(String, String), Vec<String>>,
    /// What warns by itself.
    pub(crate) warnings: Vec<RawFinding>,
}

impl Mappers {
    /// What the mapper files among the scanned ones say.
    pub(crate) fn of(files: &[ScanFile<'_>]) -> Self {
        let mut mappers = Self::default();
        let found = files.iter().enumerate().filter(|(_, file)| is_mapper(file));
        for (at, file) in found.take(FILES_MAX) {
            if let Ok(text) = std::str::from_utf8(file.content) {
                mappers.read(at, text);
            }
        }
        mappers
    }

    /// What a method's statement takes in as text.
    pub(crate) fn taken_in(&self, interface: &str, method: &str) -> &[String] {
        if self.statements.is_empty() {
            return &[];
        }
        let key = (interface.to_owned(), method.to_owned());
        self.statements.get(&key).map_or(&[], Vec::as_slice)
    }

    fn read(&mut self, file: usize, text: &str) {
        // Comments become blanks, so that everything stays where it is.
        let text = match COMMENT.as_ref() {
            Some(comment) => comment
                .replace_all(text, |found: &regex::Captures<'_>| " ".repeat(found[0].len()))
                .into_owned(),
            None => text.to_owned(),
        };
        let captured = |pattern: &LazyLock<Option<Regex>>, text: &str| {
            let found = pattern.as_ref().and_then(|pattern| pattern.captures(text));
            found.map(|found| found[1].to_owned())
        };
        let Some(namespace) = captured(&NAMESPACE, &text) else { return };
        let interface = namespace.rsplit('.').next().unwrap_or_default().to_owned();
        let mut parts: HashMap<String, (Vec<String>, Vec<String>)> = HashMap::new();
        for statement in STATEMENT.iter().flat_map(|pattern| pattern.captures_iter(&text)) {
            let (Some(head), Some(body)) = (statement.get(1), statement.get(2)) else { continue };
            let Some(id) = captured(&ID, head.as_str()) else { continue };
            let entry = parts.entry(id).or_default();
            for taken in TAKEN_IN.iter().flat_map(|pattern| pattern.captures_iter(body.as_str())) {
                let (Some(whole), name) = (taken.get(0), &taken[1]) else { continue };
                if is_harmless(name) {
                    continue;
                }
                entry.0.push(name.to_owned());
                let start = body.start() + whole.start();
                self.warnings.push(warning(file, (start, start + whole.len()), whole.as_str()));
            }
            let included = INCLUDED.iter().flat_map(|p| p.captures_iter(body.as_str()));
            entry.1.extend(included.map(|found| found[1].to_owned()));
        }
        for (id, (own, included)) in &parts {
            let others = included.iter().filter_map(|id| parts.get(id)).flat_map(|(own, _)| own);
            let names: Vec<String> = own.iter().chain(others).cloned().collect();
            if !names.is_empty() {
                self.statements.insert((interface.clone(), id.clone()), names);
            }
        }
    }
}

/// What MyBatis-Plus puts together by itself, with its values bound.
fn is_harmless(name: &str) -> bool {
    name.starts_with("ew.")
}

fn is_mapper(file: &ScanFile<'_>) -> bool {
    if coverage::extension(file.path) != "xml" || file.content.len() > FILE_BYTES_MAX {
        return false;
    }
    let head = &file.content[..file.content.len().min(HEAD_BYTES)];
    memchr::memmem::find(head, b"<mapper").is_some()
}

fn warning(file: usize, (start, end): (usize, usize), text: &str) -> RawFinding {
    let category = Category::SqlInjection;
    RawFinding {
        rule: category.rule().to_owned(),
        cwe: category.cwe(),
        severity: Severity::Warning,
        file,
        start,
        end,
        message: category.warning().to_owned(),
        remedy: category.remedy().to_owned(),
        flow: Vec::new(),
        identity: squeezed(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use kode_base::ProjectPath;

    use super::*;

    #[test]
    fn what_a_statement_takes_in_is_known_by_interface_and_name() {
        let text = r#"<?xml version="1.0"?><mapper namespace="a.b.UserMapper">
          <sql id="sorted">ORDER BY ${order}</sql>
          <select id="find" resultType="User">SELECT * FROM t WHERE n = '${name}' AND i = #{id}
            <include refid="sorted"/> <!-- ${not} --></select>
          <select id="plain">SELECT * FROM t WHERE n = #{name} ${ew.customSqlSegment}</select></mapper>"#;
        let path = ProjectPath::new("UserMapper.xml").unwrap();
        let file = ScanFile { path: &path, content: text.as_bytes(), base: None };
        let mappers = Mappers::of(&[file]);
        assert_eq!(mappers.taken_in("UserMapper", "find"), ["name", "order"]);
        assert!(mappers.taken_in("UserMapper", "plain").is_empty());
        assert_eq!(mappers.warnings.len(), 2);
        let first = &mappers.warnings[0];
        assert_eq!(&text[first.start..first.end], "${order}");
    }
}
