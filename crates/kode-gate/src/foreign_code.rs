//! Code that a file would load from a host when it is used: a planted script
//! tag runs where no sandbox holds it. Lexical, by `data/foreign_code.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

/// One way of loading.
#[derive(Deserialize)]
struct Loader {
    all: Vec<String>,
    #[cfg(test)]
    example: String,
    #[cfg(test)]
    harmless: String,
}

#[derive(Deserialize)]
struct Table {
    loader: Vec<Loader>,
}

static TABLE: LazyLock<Option<Table>> =
    LazyLock::new(|| toml::from_str(include_str!("../data/foreign_code.toml")).ok());

/// Hosts that `text` loads code from, in order, each once.
pub(crate) fn hosts(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.to_ascii_lowercase();
        if !line.contains("//") && !line.contains("curl ") && !line.contains("wget ") {
            continue;
        }
        if !loads(&line) {
            continue;
        }
        for host in named_hosts(&line) {
            if !found.contains(&host) {
                found.push(host);
            }
        }
    }
    found
}

fn loads(line: &str) -> bool {
    let Some(table) = TABLE.as_ref() else { return true };
    table.loader.iter().any(|loader| loader.all.iter().all(|part| line.contains(part.as_str())))
}

/// Hosts after `//`, and first words of a fetch without a scheme.
fn named_hosts(line: &str) -> Vec<String> {
    let after_slashes = line.match_indices("//").map(|(at, _)| &line[at + 2..]);
    let words = line.split_whitespace().skip_while(|word| !matches!(*word, "curl" | "wget"));
    let bare = words.filter(|word| !word.starts_with('-') && !word.contains("://"));
    after_slashes
        .chain(bare)
        .map(|rest| {
            let rest = rest
                .rsplit_once('@')
                .filter(|(user, _)| !user.contains('/'))
                .map_or(rest, |(_, host)| host);
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'));
            rest[..end.unwrap_or(rest.len())].trim_matches('.').to_owned()
        })
        .filter(|host| host.contains('.') && host.len() <= 253)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loader_finds_its_example_and_leaves_the_harmless_line_alone() {
        for loader in &TABLE.as_ref().unwrap().loader {
            let hosts_found = hosts(&loader.example);
            assert!(
                hosts_found.iter().any(|host| host.ends_with(".example.net")),
                "{}: {hosts_found:?}",
                loader.example
            );
            assert_eq!(hosts(&loader.harmless), Vec::<String>::new(), "{}", loader.harmless);
        }
    }

    #[test]
    fn own_files_are_no_hosts() {
        assert!(hosts("<script src=\"./app.js\"></script> // local").is_empty());
        assert_eq!(hosts("<script src=//a.example/x.js></script>"), ["a.example"]);
    }
}
