//! Code files: which are analysed, which can't be and why.

use kode_syntax::Language;

use crate::ScanFile;
use crate::raw::RawFinding;

/// Code files above this size are listed instead of analysed.
const CODE_BYTES_MAX: usize = 2 << 20;

/// Findings of the code analysis and the files it could not do, with why.
pub(crate) fn inspect(files: &[ScanFile<'_>]) -> (Vec<RawFinding>, Vec<(usize, String)>) {
    let mut unscanned = Vec::new();
    for (index, file) in files.iter().enumerate() {
        if let Some(language) = Language::of(file.path) {
            if let Some(why) = obstacle(file.content) {
                unscanned.push((index, why));
            } else {
                unscanned.push((index, format!("no security rules for {} yet", language.name())));
            }
        }
    }
    (Vec::new(), unscanned)
}

/// Why bytes can't be analysed as code.
fn obstacle(content: &[u8]) -> Option<String> {
    if content.len() > CODE_BYTES_MAX {
        return Some(format!("larger than {} MiB", CODE_BYTES_MAX >> 20));
    }
    if content.contains(&0) {
        return Some("binary: it holds NUL bytes".to_owned());
    }
    std::str::from_utf8(content).err().map(|_| "not UTF-8 text".to_owned())
}
