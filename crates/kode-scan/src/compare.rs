//! Comparing two SARIF logs: what both tools report, and what only one does.
//! Results are paired one to one by file, CWE family and nearness.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use thiserror::Error;

/// Lines apart at which two results may still mean the same.
const LINES_APART_MAX: u64 = 6;

/// Why two logs can't be compared.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum CompareError {
    /// The text is no JSON.
    #[error("the {which} file is no JSON: {reason}")]
    NotJson {
        /// `first` or `second`.
        which: &'static str,
        /// The parser's words.
        reason: String,
    },
    /// The JSON is no SARIF log.
    #[error("the {which} file is no SARIF log: it has no `runs` list")]
    NotSarif {
        /// `first` or `second`.
        which: &'static str,
    },
}

/// One result of a log, reduced to what is compared.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reported {
    /// The normalised path.
    pub path: String,
    /// The first line, from 1.
    pub line: u64,
    /// The last line.
    pub end_line: u64,
    /// The CWE family, such as `injection:89`, or the rule where none is known.
    pub family: String,
    /// The tool's own rule name.
    pub rule: String,
}

/// How two logs overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Comparison {
    /// The same file, family and line.
    pub exact: Vec<(Reported, Reported)>,
    /// The same file and family, near each other.
    pub likely: Vec<(Reported, Reported)>,
    /// Only in the first log.
    pub only_first: Vec<Reported>,
    /// Only in the second log.
    pub only_second: Vec<Reported>,
}

/// Compares two SARIF logs.
///
/// # Errors
/// When either is no JSON or no SARIF log.
pub fn compare(first: &str, second: &str) -> Result<Comparison, CompareError> {
    let first = results(first, "first")?;
    let second = results(second, "second")?;
    let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
    for (a, left) in first.iter().enumerate() {
        for (b, right) in second.iter().enumerate() {
            if let Some(distance) = distance(left, right) {
                pairs.push((distance, a, b));
            }
        }
    }
    pairs.sort_unstable();
    let (mut used_first, mut used_second) = (vec![false; first.len()], vec![false; second.len()]);
    let mut comparison = Comparison::default();
    for (distance, a, b) in pairs {
        if used_first[a] || used_second[b] {
            continue;
        }
        used_first[a] = true;
        used_second[b] = true;
        let pair = (first[a].clone(), second[b].clone());
        if distance == 0 { comparison.exact.push(pair) } else { comparison.likely.push(pair) }
    }
    comparison.only_first = unused(first, &used_first);
    comparison.only_second = unused(second, &used_second);
    Ok(comparison)
}

impl Comparison {
    /// A table by family, then the gaps.
    pub fn text(&self) -> String {
        let mut rows: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
        let pairs = [(&self.exact, 0), (&self.likely, 1)];
        for (pairs, column) in pairs {
            for (left, _) in pairs {
                rows.entry(&left.family).or_default()[column] += 1;
            }
        }
        for (list, column) in [(&self.only_first, 2), (&self.only_second, 3)] {
            for one in list {
                rows.entry(&one.family).or_default()[column] += 1;
            }
        }
        let mut out = format!(
            "{:24} {:>6} {:>6} {:>6} {:>6}\n",
            "category", "exact", "likely", "only A", "only B"
        );
        for (family, [exact, likely, first, second]) in rows {
            // Writing to a String can't fail.
            let _ = writeln!(out, "{family:24} {exact:>6} {likely:>6} {first:>6} {second:>6}");
        }
        for (title, list) in [("only A", &self.only_first), ("only B", &self.only_second)] {
            for one in list {
                let shown = format!("{title}: {}:{} {}", one.path, one.line, one.rule);
                let _ = writeln!(out, "{}", kode_base::escape::escape_line(&shown));
            }
        }
        out
    }
}

fn unused(all: Vec<Reported>, used: &[bool]) -> Vec<Reported> {
    all.into_iter().zip(used).filter(|(_, used)| !**used).map(|(one, _)| one).collect()
}

/// Zero for the same line; `None` when they can't mean the same.
fn distance(a: &Reported, b: &Reported) -> Option<u64> {
    if a.family != b.family || !same_file(&a.path, &b.path) {
        return None;
    }
    if a.line == b.line {
        return Some(0);
    }
    let overlap = a.line <= b.end_line && b.line <= a.end_line;
    let apart = a.line.abs_diff(b.line);
    (overlap || apart <= LINES_APART_MAX).then_some(apart.max(1))
}

/// Whether one path ends in the other, part by part.
fn same_file(a: &str, b: &str) -> bool {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    long == short || (long.ends_with(short) && long[..long.len() - short.len()].ends_with('/'))
}

fn results(text: &str, which: &'static str) -> Result<Vec<Reported>, CompareError> {
    let log: Value = serde_json::from_str(text)
        .map_err(|error| CompareError::NotJson { which, reason: error.to_string() })?;
    let runs = log["runs"].as_array().ok_or(CompareError::NotSarif { which })?;
    let mut found = Vec::new();
    for run in runs {
        let families = rule_families(run);
        let results = run["results"].as_array().map(Vec::as_slice).unwrap_or_default();
        found.extend(results.iter().filter_map(|result| reported(result, &families)));
    }
    Ok(found)
}

/// The family of each rule, from its tags and names.
fn rule_families(run: &Value) -> BTreeMap<String, String> {
    let rules = run["tool"]["driver"]["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = rules.iter().filter_map(|rule| {
        let id = rule["id"].as_str()?;
        Some((id.to_owned(), family(&rule.to_string(), id)))
    });
    named.collect()
}

fn reported(result: &Value, families: &BTreeMap<String, String>) -> Option<Reported> {
    let rule = result["ruleId"].as_str().or_else(|| result["rule"]["id"].as_str())?.to_owned();
    let location = &result["locations"][0]["physicalLocation"];
    let path = normal(location["artifactLocation"]["uri"].as_str()?);
    let line = location["region"]["startLine"].as_u64().unwrap_or(1);
    let end_line = location["region"]["endLine"].as_u64().unwrap_or(line);
    let known = families.get(&rule).cloned();
    let family = known.unwrap_or_else(|| family(&result["properties"].to_string(), &rule));
    Some(Reported { path, line, end_line, family, rule })
}

/// The family of the first CWE a text names, else of the rule's own words.
fn family(text: &str, rule: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let numbers = lower.match_indices("cwe-").chain(lower.match_indices("cwe_"));
    for (at, _) in numbers {
        let digits: String = lower[at + 4..].chars().take_while(char::is_ascii_digit).collect();
        if let Some(name) = digits.parse().ok().and_then(cwe_family) {
            return name.to_owned();
        }
    }
    let rule_lower = rule.to_ascii_lowercase();
    let words: [(&str, &str); 9] = [
        ("sql", "sql"),
        ("xss", "markup"),
        ("scripting", "markup"),
        ("command", "command"),
        ("traversal", "path"),
        ("redirect", "redirect"),
        ("secret", "secret"),
        ("password", "secret"),
        ("dialog", "dialog"),
    ];
    let word = words.iter().find(|(word, _)| rule_lower.contains(word));
    word.map_or(rule_lower.clone(), |(_, family)| (*family).to_owned())
}

/// CWE numbers that name the same flaw more or less exactly.
fn cwe_family(number: u32) -> Option<&'static str> {
    Some(match number {
        89 | 564 | 943 | 90 => "sql",
        79 | 80 | 81 | 83 | 87 | 116 => "markup",
        77 | 78 | 88 => "command",
        22 | 23 | 36 | 73 | 99 => "path",
        601 => "redirect",
        798 | 259 | 321 | 312 | 540 => "secret",
        _ => return None,
    })
}

/// `file:///root/x`, `./x` and `x` as plain text, percent-decoding done.
fn normal(uri: &str) -> String {
    let plain = uri.strip_prefix("file://").unwrap_or(uri);
    let mut bytes = Vec::with_capacity(plain.len());
    let mut rest = plain.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits: Vec<u8> = rest.by_ref().take(2).collect();
        let value = std::str::from_utf8(&digits).ok().and_then(|d| u8::from_str_radix(d, 16).ok());
        bytes.push(value.unwrap_or(b'%'));
    }
    let text = String::from_utf8_lossy(&bytes).replace('\\', "/");
    text.trim_start_matches("./").trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(results: &[(&str, &str, u64)]) -> String {
        let results: Vec<Value> = results
            .iter()
            .map(|(rule, uri, line)| {
                serde_json::json!({ "ruleId": rule, "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": uri }, "region": { "startLine": line } } }] })
            })
            .collect();
        serde_json::json!({ "version": "2.1.0", "runs": [{ "results": results }] }).to_string()
    }

    #[test]
    fn results_are_paired_one_to_one() {
        let first =
            log(&[("sql-injection", "src/a.js", 3), ("js/sql", "src/a.js", 5), ("xss", "b.js", 1)]);
        let second = log(&[("SQLI", "file:///home/x/src/a.js", 3), ("sql", "./src/a.js", 8)]);
        let comparison = compare(&first, &second).unwrap();
        assert_eq!((comparison.exact.len(), comparison.likely.len()), (1, 1));
        assert_eq!(comparison.only_first.len(), 1);
        assert!(comparison.only_second.is_empty());
        assert!(comparison.text().contains("markup"));
    }

    #[test]
    fn bad_logs_are_named() {
        assert!(matches!(compare("x", "{}"), Err(CompareError::NotJson { which: "first", .. })));
        let fine = log(&[]);
        assert_eq!(compare(&fine, "{}"), Err(CompareError::NotSarif { which: "second" }));
    }
}
