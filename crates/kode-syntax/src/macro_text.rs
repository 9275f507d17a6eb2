//! C's macros as text: what a definition's name, body, `#` and `##` do to names that
//! code passes or declares. Read line by line; conditions are not evaluated.

use std::collections::{HashMap, HashSet};

/// How many macros of one file are looked at.
const MAX_MACROS: usize = 20_000;
/// How long the arguments of one call may be, in bytes.
const MAX_ARGUMENTS: usize = 16 * 1024;

/// One `#define`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroDefinition<'a> {
    /// Its name.
    pub name: &'a str,
    parameters: Vec<&'a str>,
    body: &'a str,
}

/// The macros that a file defines.
pub fn macro_definitions(source: &str) -> Vec<MacroDefinition<'_>> {
    let mut found = Vec::new();
    let mut rest = source;
    while !rest.is_empty() && found.len() < MAX_MACROS {
        let line = &rest[..logical_line(rest)];
        rest = &rest[line.len()..];
        found.extend(definition(line));
    }
    found
}

/// What macros do to the names in some code.
#[derive(Debug, Default)]
pub struct MacroHazards<'a> {
    bodies: HashSet<&'a str>,
    strings: HashSet<&'a str>,
    pasted: HashSet<&'a str>,
}

impl<'a> MacroHazards<'a> {
    /// Reads `code` once for what it passes to these macros.
    pub fn of(macros: &'a [MacroDefinition<'a>], code: &'a str) -> Self {
        let mut hazards = Self::default();
        let mut hashing: HashMap<&str, Vec<(bool, bool)>> = HashMap::new();
        for one in macros {
            hazards.bodies.extend(words(one.body).filter(|word| !one.parameters.contains(word)));
            let uses: Vec<_> = one.parameters.iter().map(|name| one.hashed(name)).collect();
            if uses.iter().any(|&(string, paste)| string || paste) {
                hashing.insert(one.name, uses);
            }
        }
        if hashing.is_empty() {
            return hazards;
        }
        for word in words(code) {
            let Some(uses) = hashing.get(word) else { continue };
            let end = word.as_ptr() as usize - code.as_ptr() as usize + word.len();
            if let Some(passed) = code[end..].trim_start().strip_prefix('(') {
                hazards.note(uses, &arguments(passed));
            }
        }
        hazards
    }

    fn note(&mut self, uses: &[(bool, bool)], arguments: &[&'a str]) {
        for (index, argument) in arguments.iter().enumerate() {
            let Some(&(string, paste)) = uses.get(index).or(uses.last()) else { return };
            if string {
                self.strings.extend(words(argument));
            }
            if paste {
                self.pasted.extend(words(argument));
            }
        }
    }

    /// Why `name` can't be renamed in that code, if so.
    pub fn why_not(&self, name: &str) -> Option<&'static str> {
        let pasted = || {
            name.char_indices().any(|(at, _)| {
                self.pasted.contains(&name[at..]) || self.pasted.contains(&name[..at])
            })
        };
        if self.bodies.contains(name) {
            Some("a macro's body mentions the name")
        } else if self.strings.contains(name) {
            Some("a macro writes it into a string (`#`)")
        } else if pasted() {
            Some("a macro may put the name together (`##`)")
        } else {
            None
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character| !is_word(character))
        .filter(|word| word.starts_with(|first: char| first.is_alphabetic() || first == '_'))
}

/// The length of a line with those that a `\` continues it on.
fn logical_line(text: &str) -> usize {
    let mut end = 0;
    loop {
        let Some(newline) = text[end..].find('\n') else { return text.len() };
        let line = &text[end..end + newline];
        end += newline + 1;
        if !line.trim_end_matches('\r').ends_with('\\') {
            return end;
        }
    }
}

fn definition(line: &str) -> Option<MacroDefinition<'_>> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("define")?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let (name, rest) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
    let Some((parameters, body)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'))
    else {
        return Some(MacroDefinition { name, parameters: Vec::new(), body: rest });
    };
    let parameters = parameters.split(',').map(|one| one.trim_matches(is_layout)).collect();
    Some(MacroDefinition { name, parameters, body })
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn is_layout(character: char) -> bool {
    character.is_whitespace() || character == '\\'
}

impl MacroDefinition<'_> {
    /// Whether the body makes nothing but a string of the parameter, and whether it pastes it.
    /// `, ##__VA_ARGS__` only swallows a comma.
    fn hashed(&self, parameter: &str) -> (bool, bool) {
        let variadic = parameter == "..." || parameter.ends_with("...");
        let name = if parameter == "..." { "__VA_ARGS__" } else { parameter.trim_end_matches('.') };
        let (mut string, mut paste, mut value) = (false, false, false);
        for (at, _) in self.body.match_indices(name).filter(|_| !name.is_empty()) {
            let before = self.body[..at].trim_end_matches(is_layout);
            let after = &self.body[at + name.len()..];
            if after.starts_with(is_word) || self.body[..at].ends_with(is_word) {
                continue;
            }
            let joined = before.ends_with("##");
            string |= before.ends_with('#') && !joined;
            value |= !before.ends_with('#');
            paste |= joined && !variadic || after.trim_start_matches(is_layout).starts_with("##");
        }
        (string && !value, paste)
    }
}

/// The arguments up to the closing parenthesis.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0usize, 0, Vec::new());
    for (at, character) in text.char_indices().take_while(|(at, _)| *at < MAX_ARGUMENTS) {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => {
                found.push(&text[start..at]);
                break;
            }
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hazard(definitions: &str, code: &str, name: &str) -> Option<&'static str> {
        MacroHazards::of(&macro_definitions(definitions), code).why_not(name)
    }

    #[test]
    fn definitions_are_read_over_continued_lines() {
        let found =
            macro_definitions("int x;\n # define A(b, \\\n c) b \\\n + d\n#define E\n#defineF");
        let names: Vec<&str> = found.iter().map(|one| one.name).collect();
        assert_eq!(names, ["A", "E"]);
        assert_eq!(found[0].parameters, ["b", "c"]);
        assert_eq!(words(found[0].body).collect::<Vec<_>>(), ["b", "d"]);
    }

    #[test]
    fn names_that_are_pasted_or_made_strings_are_hazards() {
        let paste = "#define P(a, b) f(b, a ## _t)\n";
        assert!(hazard(paste, "P(foo, bar)", "foo_t").is_some());
        assert!(hazard(paste, "P(foo, bar)", "foo").is_some());
        assert!(hazard(paste, "P(foo, bar)", "bar").is_none());
        let string = "#define S(x) puts(#x)\n";
        assert!(hazard(string, "S(n == f(m))", "m").is_some());
        assert!(hazard(string, "S(n); T(m)", "m").is_none());
        let both = "#define S(x) do { if (!(x)) puts(#x); } while (0)\n";
        assert!(hazard(both, "S(n == f(m))", "m").is_none());
        let log = "#define LOG(f, ...) printf(f, ##__VA_ARGS__)\n";
        assert!(hazard(log, "LOG(\"%d\", n)", "n").is_none());
        assert!(hazard("#define A(...) s(#__VA_ARGS__)\n", "A(1, n)", "n").is_some());
        assert!(hazard("#define G (n+1)\n", "", "n").is_some());
    }
}
