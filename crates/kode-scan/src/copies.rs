//! Files that were built of others that are scanned beside them (`table.min.js` of
//! `table.js`): what the source has is reported there, and of the copy only warned.

use std::collections::HashMap;

use kode_base::Severity;

use crate::ScanFile;
use crate::raw::RawFinding;

/// How the names of built files end, and those of their sources.
const BUILT: [(&str, &str); 3] = [(".min.js", ".js"), (".min.mjs", ".mjs"), (".min.cjs", ".cjs")];

/// Makes warnings of what a built file has of its source. A copy with more findings of a
/// rule than its source is no copy of it.
pub(crate) fn soften(findings: &mut [RawFinding], files: &[ScanFile<'_>]) {
    let is_built = |finding: &RawFinding| source_name(files[finding.file].path.as_str()).is_some();
    if !findings.iter().any(is_built) {
        return;
    }
    let paths: HashMap<&str, usize> =
        files.iter().enumerate().map(|(at, file)| (file.path.as_str(), at)).collect();
    let mut counts: HashMap<(usize, String), usize> = HashMap::new();
    for finding in findings.iter().filter(|finding| is_grave(finding)) {
        *counts.entry((finding.file, finding.rule.clone())).or_default() += 1;
    }
    let count = |file: usize, rule: &str| counts.get(&(file, rule.to_owned())).copied();
    for finding in findings.iter_mut().filter(|finding| is_grave(finding)) {
        let name = source_name(files[finding.file].path.as_str());
        let Some(source) = name.and_then(|name| paths.get(name.as_str()).copied()) else {
            continue;
        };
        if count(source, &finding.rule) >= count(finding.file, &finding.rule) {
            finding.severity = Severity::Warning;
            let path = &files[source].path;
            finding.message = format!("Built of `{path}`, which has it too. {}", finding.message);
        }
    }
}

fn is_grave(finding: &RawFinding) -> bool {
    finding.severity == Severity::Fatal
}

fn source_name(path: &str) -> Option<String> {
    let (built, source) = BUILT.iter().find(|(built, _)| path.ends_with(built))?;
    Some(format!("{}{source}", path.strip_suffix(built)?))
}
