//! Tables of a header and rows (CSV, TSV): values below a column whose name
//! promises a password or a key. Columns that are something else are not read.

use kode_base::ProjectPath;

use super::SecretHit;
use super::generic::{Promise, is_test_path, promise_of};
use super::placeholder::is_placeholder;
use super::shape::{is_key, is_password};

/// The most rows and columns that are looked at.
const ROWS_MAX: usize = 100_000;
const COLUMNS_MAX: usize = 64;

/// Finds credentials in the columns that are named for them.
pub(super) fn find(path: &ProjectPath, content: &[u8]) -> Vec<SecretHit> {
    if !matches!(path.extension(), Some("csv" | "tsv")) || is_test_path(path) {
        return Vec::new();
    }
    let mut lines = content.split_inclusive(|byte| *byte == b'\n');
    let Some(header) = lines.next() else { return Vec::new() };
    let separator =
        [b'\t', b';', b','].into_iter().find(|mark| header.contains(mark)).unwrap_or(b',');
    let columns: Vec<(usize, Promise)> = fields(header, separator)
        .enumerate()
        .filter_map(|(index, (from, to))| Some((index, promise_of(&header[from..to])?)))
        .filter(|(_, promise)| *promise != Promise::AnyKey)
        .collect();
    let mut hits = Vec::new();
    let mut start = header.len();
    for line in lines.take(if columns.is_empty() { 0 } else { ROWS_MAX }) {
        let cells: Vec<(usize, usize)> = fields(line, separator).collect();
        for (column, promise) in &columns {
            let Some((from, to)) = cells.get(*column).copied() else { continue };
            if is_secret(&line[from..to], *promise) {
                hits.push(hit(start + from, start + to));
            }
        }
        start += line.len();
    }
    hits
}

fn is_secret(value: &[u8], promise: Promise) -> bool {
    let real = match promise {
        Promise::Password => is_password(value, true),
        Promise::Key | Promise::AnyKey => is_key(value),
    };
    real && !is_placeholder(value)
}

fn hit(start: usize, end: usize) -> SecretHit {
    let title = "a credential in a table".to_owned();
    SecretHit { start, end, rule: "table-credential".to_owned(), title }
}

/// The cells of a line, without their quotes. A separator inside quotes divides too: the
/// cell is then no plain value.
fn fields(line: &[u8], separator: u8) -> impl Iterator<Item = (usize, usize)> {
    let mut start = 0;
    line.trim_ascii_end().split(move |byte| *byte == separator).take(COLUMNS_MAX).map(move |cell| {
        let from = start;
        start += cell.len() + 1;
        let trimmed = cell.trim_ascii();
        let inner = trimmed.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\""));
        let value = inner.unwrap_or(trimmed);
        let lead = usize::from(inner.is_some())
            + cell.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        (from + lead, from + lead + value.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let path = ProjectPath::new("accounts.csv").unwrap();
        find(&path, text.as_bytes()).iter().map(|hit| &text[hit.start..hit.end]).collect()
    }

    #[test]
    fn values_below_a_secret_column_are_found() {
        let text = "user,Password,role\nbob,k3Jd82hTq,admin\nann, \"p9Xv41mQz\" ,user\n";
        assert_eq!(found(text), ["k3Jd82hTq", "p9Xv41mQz"]);
    }

    #[test]
    fn other_columns_words_and_hashes_are_none() {
        for text in [
            "user,password_hash\nbob,k3Jd82hTq\n",
            "user,password\nbob,welcome\n",
            "name,code\nbob,k3Jd82hTq\n",
            "password\n\n",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
