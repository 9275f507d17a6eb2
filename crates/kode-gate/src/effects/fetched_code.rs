//! What code in other languages gets over the network, and what it does with
//! that: runs it, or puts it into files that are run later. It never clears code.

use super::code::{has, head, strings};

const FETCHERS: &[&str] = &[
    "urlopen",
    "requests.get",
    "urllib",
    "http.get",
    "https.get",
    "fetch(",
    "Net::HTTP",
    "open-uri",
    "URI.open",
    "LWP",
    "file_get_contents('http",
    "file_get_contents(\"http",
    "curl",
    "wget",
    "httpx",
    "http.request",
    "socket.http",
    "https.request",
    "WWW::Mechanize",
    "HTTP::",
    "download(",
];

/// Whether the code gets something over the network.
pub(crate) fn fetches(code: &str) -> bool {
    let code = head(code);
    has(code, FETCHERS) || code.contains("import requests") && code.contains(".get(")
}

/// Whether the code hands to a shell, or loads, what it got: the call's own
/// arguments fetch, as in `system(URI.open(…).read)`.
pub(super) fn runs_fetched(code: &str) -> bool {
    const CALLS: [&str; 12] = [
        "system(",
        "popen(",
        "run(",
        "call(",
        "check_output(",
        "getoutput(",
        "Popen(",
        "shell_exec(",
        "passthru(",
        "execSync(",
        "include ",
        "require ",
    ];
    const GETTERS: &[&str] = &[
        "urlopen(",
        "requests.get(",
        "httpx.get(",
        "URI.open(",
        "Net::HTTP.get",
        "HTTP::Tiny",
        "LWP::",
        "file_get_contents(\"http",
        "file_get_contents('http",
    ];
    const LOADED: [&str; 4] = ["\"http", "'http", "(\"http", "('http"];
    let arguments = CALLS.iter().flat_map(|call| {
        let after = |(at, _)| (*call, code.get(at + call.len()..).unwrap_or_default());
        code.match_indices(call).take(16).map(after)
    });
    arguments.into_iter().any(|(call, rest)| {
        let statement = rest.split([';', '\n']).next().unwrap_or_default().trim_start();
        if call.ends_with(' ') {
            return LOADED.iter().any(|start| statement.starts_with(start));
        }
        let literal = statement.starts_with(['"', '\'', '[']);
        !literal && has(statement, GETTERS)
    })
}

/// The names of files that code which fetches something may put it into.
pub(crate) fn fetched_into(code: &str) -> Vec<String> {
    const WRITERS: [&str; 8] = [
        "open(",
        "urlretrieve",
        "writeFile",
        "write_bytes",
        "file_put_contents",
        "getstore",
        "copy(",
        "createWriteStream",
    ];
    let code = head(code);
    if !fetches(code) || !has(code, &WRITERS) {
        return Vec::new();
    }
    let name = |text: &String| {
        !text.is_empty()
            && text.len() < 128
            && !text.contains([' ', '\n', '('])
            && !text.contains("://")
    };
    strings(code).into_iter().filter(name).take(16).collect()
}

/// PowerShell's `iex (iwr ADDRESS)` in its spellings, which ignore case.
pub(crate) fn fetches_and_invokes(code: &str) -> bool {
    let lower = head(code).to_ascii_lowercase();
    let fetches = [
        "iwr",
        "irm",
        "invoke-webrequest",
        "invoke-restmethod",
        "downloadstring",
        "downloadfile",
        "curl ",
        "wget ",
    ];
    let invokes = ["iex", "invoke-expression", "scriptblock]::create", "&(", "& ("];
    has(&lower, &fetches) && has(&lower, &invokes)
}
