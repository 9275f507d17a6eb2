//! Reports as text, JSON and SARIF. Pure: strings out.

mod sarif;
mod text;

pub use sarif::sarif;
pub use text::text;

use serde_json::json;

use crate::ScanReport;

/// The report as JSON: `introduced`, `older` and `suppressed` findings, and
/// `unscanned` files with why.
pub fn json(report: &ScanReport) -> String {
    let unscanned: Vec<_> =
        report.unscanned.iter().map(|(path, why)| json!({ "path": path, "reason": why })).collect();
    let suppressed: Vec<_> = report
        .suppressed
        .iter()
        .map(|one| json!({ "finding": one.finding, "reason": one.reason, "until": one.until }))
        .collect();
    let value = json!({
        "version": 1,
        "introduced": report.introduced,
        "older": report.older,
        "suppressed": suppressed,
        "unscanned": unscanned,
    });
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests;
