//! Parameter expansion: values of variables and the operators of `${…}`.

use super::text::Text;
use super::{Evaluator, Taint, Variable, glob};
use crate::shell::escapes::{Dialect, decode};
use crate::shell::syntax::Parameter;

impl Evaluator<'_> {
    /// The values of a parameter expansion; several for `$@` and arrays.
    pub(crate) fn parameter(&mut self, parameter: &Parameter) -> Vec<Text> {
        if let Some(index) = &parameter.index {
            let index = self.expand_joined(index);
            self.reevaluate_names(&index.known);
        }
        let values = self.lookup(parameter);
        let arguments: Vec<Text> =
            parameter.arguments.iter().map(|word| self.expand_joined(word)).collect();
        if parameter.length {
            let known = values.as_ref().filter(|values| values.len() == 1);
            let count =
                known.and_then(|values| values[0].as_exact()).map(|text| text.chars().count());
            return vec![
                count
                    .map_or(Text::unknown(Taint::LITERAL), |count| Text::exact(&count.to_string())),
            ];
        }
        self.operate(parameter, values, &arguments)
    }

    /// `None` when the parameter may or may not be set in the environment.
    fn lookup(&mut self, parameter: &Parameter) -> Option<Vec<Text>> {
        if parameter.operator == "names" {
            return None;
        }
        let mut name = parameter.name.clone();
        if parameter.indirect {
            let target = self.value_of(&name)?.into_iter().next()?;
            // `${!x}` evaluates the subscript that `x` names.
            self.reevaluate_names(&target.known);
            name = target.as_exact()?.to_owned();
        }
        let base = name.split('[').next().unwrap_or(&name).to_owned();
        if let Some(element) = self.element(&base, parameter) {
            return Some(vec![element]);
        }
        let values = self.value_of(&base)?;
        let is_array = self.state.variables.get(&base).is_some_and(|variable| variable.array);
        if !is_array {
            return Some(vec![one_of(&values)])
                .filter(|_| !matches!(name.as_str(), "@" | "*"))
                .or(Some(values));
        }
        let subscript =
            parameter.index.as_ref().and_then(|index| index.as_plain().map(str::to_owned));
        match (parameter.index.is_some(), subscript.as_deref()) {
            (false, _) => Some(values.into_iter().take(1).collect()),
            (true, Some("@" | "*")) => Some(values),
            (true, Some(number)) => {
                let at = number.parse::<usize>().ok().and_then(|at| values.get(at).cloned());
                Some(vec![at.unwrap_or_else(|| one_of(&values))])
            }
            (true, None) => Some(vec![one_of(&values)]),
        }
    }

    /// An element that was given its own subscript: `m=([key]=value)`.
    fn element(&self, base: &str, parameter: &Parameter) -> Option<Text> {
        let subscript = parameter.index.as_ref()?.as_plain()?;
        let variable = self.state.variables.get(&format!("{base}[{subscript}]"))?;
        Some(one_of(&variable.values))
    }

    /// The value of a variable or special parameter.
    pub(crate) fn value_of(&self, name: &str) -> Option<Vec<Text>> {
        let name = self.state.references.get(name).map_or(name, String::as_str);
        if let Some(Variable { values, .. }) = self.state.variables.get(name) {
            return Some(values.clone());
        }
        let exact = |text: &str| Some(vec![Text::exact(text)]);
        match name {
            "@" | "*" => Some(self.state.positional.clone()),
            "#" => exact(&self.state.positional.len().to_string()),
            "0" | "BASH" | "SHELL" => exact("/bin/bash"),
            "HOME" => exact(&self.session.home),
            "PWD" => self.state.directory.as_deref().and_then(exact),
            "IFS" => exact(" \t\n"),
            "PATH" => exact("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            "TMPDIR" => exact("/tmp"),
            // What a CI runner reads back as data; `GITHUB_ENV` and `GITHUB_PATH`
            // decide what later steps run and stay unknown.
            "GITHUB_OUTPUT" | "GITHUB_STEP_SUMMARY" | "GITHUB_STATE" | "RUNNER_TEMP" => {
                exact(&format!("/tmp/{}", name.to_ascii_lowercase()))
            }
            "-" => exact("hBc"),
            "_" => exact(""),
            "UID" | "EUID" | "PPID" | "RANDOM" | "SECONDS" | "LINENO" | "?" | "$" | "!" => {
                Some(vec![Text::unknown(Taint::LITERAL)])
            }
            _ if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                let at = name.parse::<usize>().ok()?.checked_sub(1)?;
                let given = self.state.positional.get(at).cloned();
                if given.is_none() {
                    self.met_unset.set(true);
                }
                let unset = if self.unset_is_named { stand_in(name) } else { String::new() };
                Some(vec![given.unwrap_or_else(|| Text::exact(&unset))])
            }
            _ if self.unset_is_named => exact(&stand_in(name)),
            _ => {
                self.met_unset.set(true);
                None
            }
        }
    }

    fn operate(
        &mut self,
        parameter: &Parameter,
        values: Option<Vec<Text>>,
        arguments: &[Text],
    ) -> Vec<Text> {
        let argument = arguments.first().cloned().unwrap_or_default();
        let operator = parameter.operator.as_str();
        let unset = values.is_none();
        let empty = values.as_ref().is_none_or(|values| {
            values.is_empty() || values.iter().all(|value| value.as_exact() == Some(""))
        });
        match operator {
            ":-" | "-" if empty => return vec![argument],
            ":=" | "=" if empty => {
                let variable = Variable { values: vec![argument.clone()], array: false };
                self.set(&parameter.name, variable);
                return vec![argument];
            }
            // Set here, as far as kode knows; it may not be where this runs.
            ":=" | "=" => self.judge_value(&parameter.name, &argument),
            // Offset and length are arithmetic.
            ":" => {
                for each in arguments {
                    self.reevaluate_names(&each.known);
                }
            }
            ":+" | "+" => {
                return if unset || !empty { vec![argument] } else { vec![Text::default()] };
            }
            _ => {}
        }
        let Some(values) = values else {
            return vec![Text::unknown(Taint::LITERAL)];
        };
        if operator == "@P" {
            for value in &values {
                let prompt = value.known.clone();
                self.evaluate_substitutions(&prompt);
            }
        }
        let all = match parameter.index.as_ref().and_then(|index| index.as_plain()) {
            Some(index) => matches!(index, "@" | "*"),
            None => matches!(parameter.name.as_str(), "@" | "*"),
        };
        if all && operator == ":" {
            return slice(values, &parameter.name, arguments);
        }
        values.into_iter().map(|value| transform(value, operator, arguments)).collect()
    }
}

/// `${a[@]:offset:length}` and `${@:offset}`, which counts from 1. What is not
/// plain leaves all elements, as one of which nothing is certain.
fn slice(values: Vec<Text>, name: &str, arguments: &[Text]) -> Vec<Text> {
    let mut bounds = arguments.first().and_then(Text::as_exact).unwrap_or("?").splitn(2, ':');
    let offset = bounds.next().and_then(|text| text.trim().parse::<usize>().ok());
    let length = bounds.next().map(|text| text.trim().parse::<usize>().ok());
    let (Some(offset), None | Some(Some(_))) = (offset, length) else {
        return vec![Text { open: true, ..one_of(&values) }];
    };
    let skipped = if matches!(name, "@" | "*") { offset.saturating_sub(1) } else { offset };
    values.into_iter().skip(skipped).take(length.flatten().unwrap_or(usize::MAX)).collect()
}

/// One value that stands for several alternatives: their common beginning.
pub(crate) fn one_of(values: &[Text]) -> Text {
    let Some((first, rest)) = values.split_first() else { return Text::default() };
    let mut joined = first.clone();
    for other in rest {
        let same = joined.known.chars().zip(other.known.chars()).take_while(|(a, b)| a == b);
        let length: usize = same.map(|(character, _)| character.len_utf8()).sum();
        let equal = *other == joined;
        joined.known.truncate(length);
        joined.open |= !equal || other.open;
        if !equal {
            joined.after.clear();
        }
        joined.taint |= other.taint;
    }
    joined
}

/// Applies `#`, `%`, `/`, `^`, `,`, `:` and `@` operators.
fn transform(value: Text, operator: &str, arguments: &[Text]) -> Text {
    if operator.is_empty() {
        return value;
    }
    let taint = value.taint;
    // What is cut from the end, or changed in the name, leaves the folder.
    if value.open && matches!(operator, "%" | "%%" | "^" | "^^" | "," | ",,") {
        return Text::beginning(super::fold::folder_of(&value.known), taint);
    }
    if value.open
        && let Some(name) = still_below(&value, operator, arguments)
    {
        return name;
    }
    let argument = arguments.first().map_or(Some(""), Text::as_exact);
    let (Some(text), Some(argument)) = (value.as_exact(), argument) else {
        // A removed suffix or a new ending leaves the known beginning uncertain.
        return Text::unknown(taint);
    };
    let changed = match operator {
        "#" | "##" => {
            let cut = glob::prefix(argument, text, operator == "##").unwrap_or(0);
            text[cut..].to_owned()
        }
        "%" | "%%" => {
            let cut = glob::suffix(argument, text, operator == "%%").unwrap_or(text.len());
            text[..cut].to_owned()
        }
        "/" | "//" | "/#" | "/%" => {
            let Some(new) = arguments.get(1).map_or(Some(""), Text::as_exact) else {
                return Text::unknown(taint);
            };
            replace(text, argument, new, operator)
        }
        "^" => first_letter(text, str::to_uppercase),
        "^^" | "@U" => text.to_uppercase(),
        "," => first_letter(text, str::to_lowercase),
        "~" => first_letter(text, other_case),
        "~~" => other_case(text),
        ",," | "@L" => text.to_lowercase(),
        ":" => match substring(text, argument) {
            Some(part) => part,
            None => return Text::unknown(taint),
        },
        "@E" => decode(text, Dialect::AnsiC),
        "@Q" | "@A" | "@K" | "@k" => return Text::unknown(taint),
        "@u" => first_letter(text, str::to_uppercase),
        _ => text.to_owned(),
    };
    Text::known(changed, taint)
}

/// A name of which only the folder is known, with its beginning cut off or
/// something in it replaced: without slashes in what is put in, it stays there.
fn still_below(value: &Text, operator: &str, arguments: &[Text]) -> Option<Text> {
    let first = arguments.first()?.as_exact()?;
    let folder = super::fold::folder_of(&value.known);
    match operator {
        "##" if first == "*/" && !value.known.is_empty() => {
            Some(Text::beginning("./".to_owned(), value.taint))
        }
        "#" | "##" => {
            let rest = value.known.strip_prefix(first)?;
            (first == "./" && !rest.starts_with('/'))
                .then(|| Text::beginning(format!("./{rest}"), value.taint))
        }
        "/" | "//" | "/#" | "/%" => {
            let put = arguments.get(1).map_or(Some(""), Text::as_exact)?;
            let plain = !put.contains(['/', '.']) && !first.contains('/');
            (plain && !folder.is_empty()).then(|| Text::beginning(folder, value.taint))
        }
        _ => None,
    }
}

/// Large letters small and small ones large.
fn other_case(text: &str) -> String {
    let swap = |letter: char| {
        if letter.is_uppercase() {
            letter.to_lowercase().collect::<String>()
        } else {
            letter.to_uppercase().collect()
        }
    };
    text.chars().map(swap).collect()
}

fn first_letter(text: &str, change: impl Fn(&str) -> String) -> String {
    let end = text.chars().next().map_or(0, char::len_utf8);
    format!("{}{}", change(&text[..end]), &text[end..])
}

fn replace(text: &str, pattern: &str, new: &str, operator: &str) -> String {
    if pattern.is_empty() {
        return text.to_owned();
    }
    match operator {
        "/#" => match glob::prefix(pattern, text, true) {
            Some(cut) => format!("{new}{}", &text[cut..]),
            None => text.to_owned(),
        },
        "/%" => match glob::suffix(pattern, text, true) {
            Some(cut) => format!("{}{new}", &text[..cut]),
            None => text.to_owned(),
        },
        _ => {
            let mut changed = String::new();
            let mut rest = text;
            let mut budget = 1_000;
            while !rest.is_empty() {
                budget -= 1;
                match glob::prefix(pattern, rest, true).filter(|cut| *cut > 0 && budget > 0) {
                    Some(cut) => {
                        changed.push_str(new);
                        rest = &rest[cut..];
                        if operator == "/" {
                            break;
                        }
                    }
                    None => {
                        let step = rest.chars().next().map_or(1, char::len_utf8);
                        changed.push_str(&rest[..step]);
                        rest = &rest[step..];
                    }
                }
            }
            changed + rest
        }
    }
}

/// `offset` or `offset:length`, both plain numbers.
fn substring(text: &str, argument: &str) -> Option<String> {
    let (offset, length) = match argument.split_once(':') {
        Some((offset, length)) => (offset, Some(length)),
        None => (argument, None),
    };
    let count = text.chars().count();
    let offset: i64 = offset.trim().parse().ok()?;
    let back = usize::try_from(offset.unsigned_abs()).ok()?;
    let start = if offset < 0 { count.checked_sub(back)? } else { back.min(count) };
    let end = match length {
        None => count,
        Some(length) => {
            let length: i64 = length.trim().parse().ok()?;
            let size = usize::try_from(length.unsigned_abs()).ok()?;
            if length < 0 { count.checked_sub(size)? } else { (start + size).min(count) }
        }
    };
    Some(text.chars().skip(start).take(end.saturating_sub(start)).collect())
}

/// What stands for the value of a variable that was never set: the name of no
/// command, function or host.
pub(super) fn stand_in(name: &str) -> String {
    format!("unset-{name}")
}
