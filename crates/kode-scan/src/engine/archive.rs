//! Files that an archive's entry names: what is written there may replace any file, what is
//! only read there replaces none.

use super::site::Site;
use super::value::{Taint, Value};
use crate::category::Category;

/// How the first step of input out of an archive begins.
pub(super) const ARCHIVE_ENTRY: &str = "an archive's entry";

/// Functions that read, or tell of a file what it is.
const READING: [&str; 29] = [
    "listdir",
    "scandir",
    "walk",
    "chdir",
    "read_text",
    "read_bytes",
    "iterdir",
    "glob",
    "getsize",
    "getmtime",
    "stat",
    "lstat",
    "statSync",
    "lstatSync",
    "readFile",
    "readFileSync",
    "readdir",
    "readdirSync",
    "createReadStream",
    "ReadFile",
    "ReadDir",
    "Stat",
    "Lstat",
    "Open",
    "FileInputStream",
    "FileReader",
    "newInputStream",
    "readAllBytes",
    "readString",
];
/// Functions that copy from their first argument to the second.
const COPYING: [&str; 7] =
    ["copytree", "copy", "copy2", "copyfile", "copyFile", "copyFileSync", "cpSync"];

/// Whether all that does harm at a call came out of an archive, and is only read there.
pub(super) fn only_read(category: Category, value: &Value, site: &Site) -> bool {
    if category != Category::PathTraversal || value.taints().is_empty() {
        return false;
    }
    let harms = |taint: &&Taint| !taint.cleaned.holds(category);
    let mut taints = value.taints().iter().filter(harms);
    taints.all(|taint| taint.step.begins_as(ARCHIVE_ENTRY)) && only_reads(site)
}

/// Whether a call changes no file below the name that it is handed.
fn only_reads(site: &Site) -> bool {
    let method = &*site.method;
    let mode = site.keyword("mode").cloned().unwrap_or_else(|| site.value(1));
    let opens = || match mode.known_text() {
        Some(mode) => !mode.contains(['w', 'a', 'x', '+']),
        None => mode.is_unknown(),
    };
    READING.contains(&method)
        || method == "open" && site.receiver.is_none() && opens()
        || COPYING.contains(&method) && !site.value(1).is_tainted()
}
