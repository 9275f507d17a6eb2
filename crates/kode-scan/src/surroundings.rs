//! Which files that nobody touched belong with those that were: what they import,
//! and what imports them. Told by names alone, since every language has its own way
//! from a name to a file; one too many costs time and finds nothing more.

use std::collections::{HashMap, VecDeque};

use kode_base::ProjectPath;
use kode_syntax::Language;

use crate::coverage;

/// Files taken in at most, nearest first.
const FILES_MAX: usize = 400;
/// Their bytes together at most.
const BYTES_MAX: usize = 8 << 20;
/// A file that more others name is a place where everything meets: who names it is
/// not followed unless it was touched itself.
const NAMED_BY_MAX: usize = 40;
/// Names shorter than this are in every file.
const NAME_BYTES_MIN: usize = 2;

/// Numbers of the files among `others` that go with `touched`, nearest first. Each
/// is a path with its content.
pub fn surroundings(
    touched: &[(&ProjectPath, &[u8])],
    others: &[(&ProjectPath, &[u8])],
) -> Vec<usize> {
    let all: Vec<(&ProjectPath, &[u8])> = touched.iter().chain(others).copied().collect();
    let links = Links::between(&all);
    let mut near: Vec<bool> = vec![false; all.len()];
    near[..touched.len()].fill(true);
    let mut queue: VecDeque<usize> = (0..touched.len()).collect();
    let (mut found, mut bytes) = (Vec::new(), 0_usize);
    while let Some(at) = queue.pop_front() {
        let is_hub = links.named_by[at].len() > NAMED_BY_MAX && at >= touched.len();
        let naming = if is_hub { &[][..] } else { &links.named_by[at] };
        for &next in links.names[at].iter().chain(naming) {
            if std::mem::replace(&mut near[next], true) {
                continue;
            }
            bytes += all[next].1.len();
            if found.len() >= FILES_MAX || bytes > BYTES_MAX {
                return found;
            }
            found.push(next - touched.len());
            queue.push_back(next);
        }
    }
    found
}

/// Who names whom.
struct Links {
    names: Vec<Vec<usize>>,
    named_by: Vec<Vec<usize>>,
}

impl Links {
    fn between(all: &[(&ProjectPath, &[u8])]) -> Self {
        let kinds: Vec<Kind> = all.iter().map(|(path, content)| Kind::of(path, content)).collect();
        let mut by_name: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut packages: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, (path, _)) in all.iter().enumerate() {
            for name in names_of(path, kinds[at]) {
                by_name.entry(hash(name.as_bytes())).or_default().push(at);
            }
            if kinds[at] == Kind::Go {
                packages.entry(folder(path)).or_default().push(at);
            }
        }
        let mut links = Self { names: vec![vec![]; all.len()], named_by: vec![vec![]; all.len()] };
        for (at, (path, content)) in all.iter().enumerate() {
            let mut met = vec![at];
            let own = packages.get(folder(path)).filter(|_| kinds[at] == Kind::Go);
            let named = words(content).filter_map(|word| by_name.get(&hash(word)));
            for &other in own.into_iter().chain(named).flatten() {
                if kinds[at].goes_with(kinds[other]) && !met.contains(&other) {
                    met.push(other);
                    links.names[at].push(other);
                    links.named_by[other].push(at);
                }
            }
        }
        links
    }
}

/// What names files: a language with its own, and pages that any may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    JavaScript,
    Python,
    Java,
    Go,
    Page,
}

impl Kind {
    fn of(path: &ProjectPath, content: &[u8]) -> Self {
        match coverage::language(path, content) {
            Some(Language::Python) => Self::Python,
            Some(Language::Java) => Self::Java,
            Some(Language::Go) => Self::Go,
            Some(_) => Self::JavaScript,
            None => Self::Page,
        }
    }

    fn goes_with(self, other: Self) -> bool {
        self == other || self == Self::Page || other == Self::Page
    }
}

fn folder(path: &ProjectPath) -> &str {
    path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What others call the file: its name, or its folder's where it stands for that.
fn names_of(path: &ProjectPath, kind: Kind) -> Vec<&str> {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(name);
    let package = folder(path).rsplit('/').next().unwrap_or_default();
    let stands_for_folder = ["index", "__init__", "mod", "main", "package"].contains(&stem);
    let names = match kind {
        Kind::Go => vec![package],
        _ if stands_for_folder => vec![stem, package],
        _ => vec![stem],
    };
    let last = |name| <str>::rsplit(name, ['-', '+', '@']).next().unwrap_or(name);
    names.into_iter().map(last).filter(|name| name.len() >= NAME_BYTES_MIN).collect()
}

fn words(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..);
    content.split(move |byte| !is_word(byte)).filter(|word| word.len() >= NAME_BYTES_MIN)
}

/// FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>): two names that fall together
/// only take in one file more.
fn hash(name: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    name.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(touched: &[(&str, &str)], others: &[(&str, &str)]) -> Vec<String> {
        let paths = |files: &[(&str, &str)]| -> Vec<ProjectPath> {
            files.iter().map(|(path, _)| ProjectPath::new(path).unwrap()).collect()
        };
        let (one, two) = (paths(touched), paths(others));
        let touched: Vec<(&ProjectPath, &[u8])> =
            one.iter().zip(touched.iter().map(|(_, text)| text.as_bytes())).collect();
        let others: Vec<(&ProjectPath, &[u8])> =
            two.iter().zip(others.iter().map(|(_, text)| text.as_bytes())).collect();
        surroundings(&touched, &others).into_iter().map(|at| two[at].as_str().to_owned()).collect()
    }

    #[test]
    fn what_a_file_imports_and_what_imports_it_go_with_it() {
        let others = [
            ("src/store.ts", "export const find = 1"),
            ("src/web.ts", "import { go } from './user-service'"),
            ("src/guard/index.ts", "export const allowed = 1"),
            ("src/apart.ts", "export const x = 1"),
            ("web/guard.py", "pass"),
        ];
        let service = [("src/user-service.ts", "import './store'; import '@/guard'")];
        assert_eq!(found(&service, &others), ["src/store.ts", "src/guard/index.ts", "src/web.ts"]);
    }

    #[test]
    fn packages_of_go_and_classes_of_java_go_together() {
        let go = [("shop/b.go", "package shop"), ("web/main.go", "import \"acme/shop\"")];
        assert_eq!(found(&[("shop/a.go", "package shop")], &go), ["shop/b.go", "web/main.go"]);
        let java = [("a/Ping.java", "class Ping {}"), ("b/Apart.java", "class Apart {}")];
        assert_eq!(found(&[("b/Web.java", "new Ping()")], &java), ["a/Ping.java"]);
    }

    #[test]
    fn whoever_names_what_everybody_names_is_left_out() {
        let names: Vec<String> = (0..60).map(|at| format!("m{at}.py")).collect();
        let mut others: Vec<(&str, &str)> =
            names.iter().map(|name| (name.as_str(), "import hub")).collect();
        others.push(("hub.py", "x = 1"));
        assert_eq!(found(&[("new.py", "import hub")], &others), ["hub.py"]);
        assert_eq!(found(&[("hub.py", "x = 2")], &others[..60]).len(), 60);
    }
}
