//! Checks of a text's characters one by one: `all(c.isalnum() for c in text)`,
//! `set(text) <= set("abc")`, `text.chars().allMatch(Character::isDigit)`.

use super::Engine;
use super::guard::is_strict;
use super::site::Site;
use super::value::Value;
use crate::category::{Category, CategorySet};
use crate::ir::{ExprId, Kind, Name, Operator, Target, VariableId};

/// Questions about one character that only harmless ones pass.
const HARMLESS: [&str; 10] = [
    "isalnum",
    "isalpha",
    "isdigit",
    "isdecimal",
    "isnumeric",
    "isidentifier",
    "isLetterOrDigit",
    "isDigit",
    "isLetter",
    "isAlphabetic",
];

impl Engine<'_> {
    /// What a call says of a text, all of whose characters it looks at.
    pub(super) fn characters_asked(&mut self, site: &Site) -> Option<Value> {
        match &*site.method {
            "all" | "any" if site.receiver.is_none() => self.each_asked(site),
            "issubset" => {
                let object = site.receiver.as_ref()?.0;
                self.subset(object, &site.value(0))
            }
            "allMatch" => {
                let text = self.characters_of(site.receiver.as_ref()?.0)?;
                let asked = &self.program().expression(site.argument(0)?).kind;
                let is_harmless =
                    matches!(asked, Kind::Field(_, name) if HARMLESS.contains(&&**name));
                is_harmless.then(|| self.fact(text, true, CategorySet::EVERY))
            }
            // `stream.filter(value::equals)`: elements of the stream.
            "filter" => {
                let asked = &self.program().expression(site.argument(0)?).kind;
                let equals = matches!(asked, Kind::Field(_, name) if &**name == "equals" || &**name == "equalsIgnoreCase");
                let (_, receiver) = site.receiver.as_ref()?;
                (equals && !receiver.is_tainted()).then(|| receiver.clone())
            }
            _ => None,
        }
    }

    /// The text whose characters `text.chars()` goes through.
    fn characters_of(&self, expression: ExprId) -> Option<ExprId> {
        let Kind::Call(call) = &self.program().expression(expression).kind else { return None };
        match &self.program().expression(call.callee).kind {
            Kind::Field(text, name) if matches!(&**name, "chars" | "codePoints") => Some(*text),
            _ => None,
        }
    }

    fn each_asked(&mut self, site: &Site) -> Option<Value> {
        let given = &self.program().expression(site.argument(0)?).kind;
        let Kind::Each(target, text, conditions, verdict) = given else { return None };
        let Target::Variable(character) = **target else { return None };
        let (text, verdict) = (*text, *verdict);
        let is_all = &*site.method == "all";
        if !conditions.is_empty() {
            return None;
        }
        // `all(…)` of what lets harmless ones through, `any(…)` of what finds others.
        let cleans = self.passes(verdict, character, is_all)?;
        Some(self.fact(text, is_all, cleans))
    }

    /// What a text is harmless for of whose every character an expression is `truth`.
    fn passes(&mut self, asked: ExprId, character: VariableId, truth: bool) -> Option<CategorySet> {
        let program = self.program();
        let is_it = |id: ExprId| matches!(program.expression(id).kind, Kind::Variable(one) if one == character);
        match &program.expression(asked).kind {
            Kind::Not(inner) => self.passes(*inner, character, !truth),
            Kind::Either(one, other) if truth => self.passes_either(*one, *other, character, truth),
            Kind::Both(one, other) if !truth => self.passes_either(*one, *other, character, truth),
            Kind::Binary(operator @ (Operator::In | Operator::NotIn), left, right)
                if is_it(*left) && (*operator == Operator::In) == truth =>
            {
                let listed = self.evaluate(*right);
                listed_cleans(&listed)
            }
            Kind::Call(call) => match &program.expression(call.callee).kind {
                Kind::Field(object, name) if truth && is_it(*object) => {
                    HARMLESS.contains(&&**name).then_some(CategorySet::EVERY)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn passes_either(
        &mut self,
        one: ExprId,
        other: ExprId,
        character: VariableId,
        truth: bool,
    ) -> Option<CategorySet> {
        let one = self.passes(one, character, truth)?;
        Some(one.intersection(self.passes(other, character, truth)?))
    }

    /// Go's patterns and pairs: `regexp.MatchString(pattern, text)`, `pattern.ReplaceAllString`.
    pub(super) fn go_pattern(
        &mut self,
        site: &Site,
        receiver: &Value,
        first: &Value,
    ) -> Option<Value> {
        let regex = receiver.data().and_then(|data| data.regex.clone());
        match &*site.method {
            "MatchString" => match regex {
                Some(pattern) => Some(self.matched(&pattern, false, site.argument(0)?)),
                None => {
                    let pattern = pattern_of(first)?;
                    Some(self.matched(&pattern, false, site.argument(1)?))
                }
            },
            "ReplaceAllString" | "ReplaceAllLiteralString" => {
                let by = site.value(1);
                let cleans = super::builtin::removal_cleans(&regex?, &by);
                Some(super::expression::mixed(&[first.clone(), by]).cleaned(cleans))
            }
            "NewReplacer" => Some(Value::list(site.values())),
            "Replace" if site.given.len() == 1 => {
                let pairs = super::builtin::items(receiver);
                (!pairs.is_empty()).then(|| replaced_by_pairs(&pairs, first))
            }
            _ => None,
        }
    }

    /// `set(text) <= letters`
    pub(super) fn subset(&mut self, of: ExprId, letters: &Value) -> Option<Value> {
        let Kind::Call(call) = &self.program().expression(of).kind else { return None };
        let makes_set = matches!(&self.program().expression(call.callee).kind, Kind::Global(name) if &**name == "set");
        let text = call.arguments.first().filter(|_| makes_set)?.value;
        let cleans = listed_cleans(letters)?;
        Some(self.fact(text, true, cleans))
    }
}

/// What a text of nothing but listed characters is harmless for.
fn listed_cleans(listed: &Value) -> Option<CategorySet> {
    if listed.is_tainted() {
        return None;
    }
    // A name from elsewhere: `string.ascii_letters`.
    let Some(text) = listed.known_text() else { return Some(CategorySet::EVERY) };
    if text.contains(['\'', '"', ';', '<', '>', '`', '&', '|', '$']) {
        return None;
    }
    let climbs = text.contains('.') && text.contains('/');
    let harmful = [Category::PathTraversal, Category::OpenRedirect];
    Some(if climbs { CategorySet::of(&harmful).complement() } else { CategorySet::EVERY })
}

/// What a text is harmless for in which a pattern finds nothing: `/[^a-z]/`, `/\.\.|[/\\]/`.
pub(super) fn unmatched_cleans(pattern: &str) -> CategorySet {
    if pattern.starts_with('^') || pattern.ends_with('$') {
        return CategorySet::NONE;
    }
    let listed = pattern.strip_prefix("[^").and_then(|rest| rest.strip_suffix(']'));
    if let Some(listed) = listed.filter(|listed| !listed.replace("\\]", "").contains(']')) {
        let strict = format!("^[{listed}]+$");
        return match is_strict(&strict, false) {
            true => super::guard::strict_cleans(&strict),
            false => CategorySet::NONE,
        };
    }
    let set = |category: Category| CategorySet::of(&[category]);
    let pieces = pattern.split('|').map(|piece| match piece {
        "\\.\\." | "\\.{2}" | "\\.{2,}" | "\\.\\.+" | "\\/" | "/" | "\\.\\.\\/" => {
            set(Category::PathTraversal)
        }
        "<" => set(Category::CrossSiteScripting),
        _ => {
            let inside = piece.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let inside = inside.filter(|inside| !inside.starts_with('^')).unwrap_or_default();
            let path =
                if inside.contains('/') { set(Category::PathTraversal) } else { CategorySet::NONE };
            let markup = inside.contains('<').then(|| set(Category::CrossSiteScripting));
            path.union(markup.unwrap_or(CategorySet::NONE))
        }
    });
    // Any of the pieces would have been found.
    pieces.fold(CategorySet::NONE, CategorySet::union)
}

/// `strings.NewReplacer("<", "&lt;", …).Replace(text)`
fn replaced_by_pairs(pairs: &[Value], text: &Value) -> Value {
    let replaces = pairs.iter().step_by(2).any(|from| from.known_text() == Some("<"));
    let set =
        if replaces { CategorySet::of(&[Category::CrossSiteScripting]) } else { CategorySet::NONE };
    super::expression::mixed(std::slice::from_ref(text)).cleaned(set)
}

/// Java's and Go's patterns are texts where they are replaced.
pub(super) fn pattern_of(from: &Value) -> Option<Name> {
    from.known_text().map(Name::from)
}

/// Whether a pattern with `<` in it matches tags of any name, not only `<script>`.
pub(super) fn takes_any_tag(pattern: &str) -> bool {
    pattern.match_indices('<').any(|(at, _)| {
        let mut rest = &pattern[at + 1..];
        for mark in ["\\s", "*", "(?:", "(", "\\/", "/", "?", "\\s", "*", "(?:", "("] {
            rest = rest.strip_prefix(mark).unwrap_or(rest);
        }
        !rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '!')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_finds_nothing_says_what_is_not_there() {
        let path = CategorySet::of(&[Category::PathTraversal]);
        assert_eq!(unmatched_cleans(r"[\/\\]|\.\."), path);
        assert_eq!(unmatched_cleans(r"\.\."), path);
        assert_eq!(unmatched_cleans("[^a-z0-9]"), CategorySet::EVERY);
        for loose in ["^\\.\\.", "[a-z]", "foo", "[^a-z;]", "."] {
            assert_eq!(unmatched_cleans(loose), CategorySet::NONE, "{loose}");
        }
    }
}
