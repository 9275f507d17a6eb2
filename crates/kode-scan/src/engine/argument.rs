//! What a sink looks at in its arguments, and whether it does harm there: SQL text,
//! argument lists, URLs, options. It reports nothing by itself.

use super::guard::is_fixed_host;
use super::site::Site;
use super::value::{HOLE, Taint, Value};
use crate::category::{Category, CategorySet};
use crate::model::{ArgumentChoice, Context, Sink};

/// The input in a value that harms in a context.
pub(super) fn harmful(category: Category, context: Context, value: &Value) -> Option<Taint> {
    match context {
        Context::Text | Context::Call => {
            let items = super::builtin::items(value);
            let in_list = items.iter().find_map(|item| item.harm(category));
            value.harm(category).or(in_list).cloned()
        }
        Context::Body => {
            let is_object =
                value.data().is_some_and(|data| data.fields.is_some() && data.text.is_none());
            if is_object { None } else { value.harm(category).cloned() }
        }
        Context::Options => {
            let inner =
                ["__html", "sql", "text", "query", "value"].iter().find_map(|key| value.field(key));
            inner.unwrap_or(value).harm(category).cloned()
        }
        Context::Url => {
            let prefix = value.skeleton().unwrap_or_default();
            if is_local(prefix) || is_fixed_host(prefix) {
                return None;
            }
            let is_address = |taint: &Taint| {
                let marks = [CategorySet::OWN_PAGE, CategorySet::ADDRESS];
                marks.iter().any(|mark| taint.cleaned.covers(*mark))
            };
            let harms = |taint: &&Taint| !taint.cleaned.holds(category) && !is_address(taint);
            value.taints().iter().find(harms).cloned()
        }
        Context::Argv => argv(category, value),
        Context::Parts => {
            value.deep_taints().into_iter().find(|taint| !taint.cleaned.holds(category))
        }
        Context::View => harmful(category, Context::Url, &redirected(value)?),
        // `$("#" + x)` selects; only what may begin with `<` is markup.
        Context::Selector => {
            let text = value.skeleton().unwrap_or_default().trim_start();
            let selects = !text.is_empty() && !text.starts_with(['<', HOLE]);
            let harms = |taint: &&Taint| {
                is_direct(category, taint) && !taint.cleaned.covers(CategorySet::ANCHOR)
            };
            if selects { None } else { value.taints().iter().find(harms).cloned() }
        }
        Context::Document => super::document::operator_in(value),
    }
}

/// Where a view's name sends the browser, if it does.
pub(super) fn redirected(value: &Value) -> Option<Value> {
    let target = value.skeleton()?.strip_prefix("redirect:")?.to_owned();
    Some(value.with(|data| data.text = Some(target.into())))
}

/// Whether a URL with unknown parts stays on the host it is on: a path below
/// the root, or one relative to the page (`list?page=`, `items/`).
fn is_local(prefix: &str) -> bool {
    let mut characters = prefix.chars();
    let rooted = characters.next() == Some('/')
        && characters.next().is_some_and(|next| !matches!(next, '/' | '\\' | HOLE));
    let known = prefix.split(HOLE).next().unwrap_or_default();
    let relative = known.find(['?', '#', '/']).is_some_and(|at| {
        let first = &known[..at];
        known.as_bytes()[at] != b'/' && first.is_empty()
            || first.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.')
                && !first.contains([':', '\\'])
    });
    rooted || relative
}

/// In an argument list the program matters, and the script after a shell's `-c`.
fn argv(category: Category, value: &Value) -> Option<Taint> {
    let items = super::builtin::items(value);
    if items.is_empty() {
        return direct(category, value);
    }
    let starter = |item: &&Value| item.known_text().is_some_and(is_starter);
    let items = &items[items.iter().take_while(starter).count()..];
    let program = items.first()?;
    if let Some(taint) = direct(category, program) {
        return Some(taint);
    }
    let scripts = items.iter().skip(1);
    match program.known_text() {
        Some(name) if is_shell(name) => {
            let script = scripts.into_iter().find_map(|item| item.harm(category));
            script.or_else(|| value.harm(category)).cloned()
        }
        Some(_) => None,
        // The program is one of several: what begins like a command line is one.
        None => scripts
            .into_iter()
            .filter(|item| item.skeleton().is_some_and(|text| text.contains(' ')))
            .find_map(|item| item.harm(category).cloned()),
    }
}

/// Programs that run the program named by their next argument.
fn is_starter(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    matches!(name, "env" | "sudo" | "nohup" | "setsid" | "xargs" | "command")
}

/// Input that is not the person's own at the machine or page.
fn direct(category: Category, value: &Value) -> Option<Taint> {
    value.taints().iter().find(|taint| is_direct(category, taint)).cloned()
}

fn is_direct(category: Category, taint: &Taint) -> bool {
    !taint.cleaned.holds(category) && !taint.cleaned.covers(CategorySet::INDIRECT)
}

/// Whether a program runs text it is handed as a script.
pub(super) fn is_shell(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let name = name.trim_end_matches(".exe");
    [
        "sh",
        "bash",
        "zsh",
        "dash",
        "ksh",
        "cmd",
        "powershell",
        "pwsh",
        "python",
        "python3",
        "node",
        "perl",
        "ruby",
        "ssh",
        "eval",
    ]
    .contains(&name)
}

/// Whether a text begins like an SQL (or object query) statement.
pub(super) fn looks_like_sql(text: &str) -> bool {
    const STARTS: [&str; 19] = [
        "select", "insert", "update", "delete", "replace", "create", "drop", "alter", "with",
        "merge", "truncate", "exec", "call", "grant", "from", "explain", "show", "use", "{call",
    ];
    let text = text.trim_start_matches([' ', '\n', '\t', '(', '\r', HOLE]);
    let word: String =
        text.chars().take_while(|c| !c.is_whitespace() && *c != HOLE).take(12).collect();
    STARTS.contains(&word.to_ascii_lowercase().as_str()) && text.len() > word.len()
}

/// The values a sink looks at.
pub(super) fn chosen(sink: &Sink, site: &Site) -> Vec<Value> {
    let mut keywords = sink.keyword.iter().flat_map(|names| names.split('|'));
    if let Some(value) = keywords.find_map(|keyword| site.keyword(keyword)) {
        return vec![value.clone()];
    }
    match &sink.argument {
        ArgumentChoice::At(at) => vec![site.value(*at)],
        ArgumentChoice::Named(name) => match name.as_str() {
            "all" => site.values(),
            "from-1" => site.values().into_iter().skip(1).collect(),
            "list" => vec![Value::list(flat(&site.values()))],
            "list-from-1" => vec![Value::list(flat(&site.values()[1.min(site.given.len())..]))],
            "properties" => {
                let markup = site.value(1).field("dangerouslySetInnerHTML").cloned();
                markup.iter().filter_map(|markup| markup.field("__html").cloned()).collect()
            }
            "location" => {
                let objects = site.given.iter().map(|given| &given.value);
                let objects = objects.map(|value| value.field("headers").unwrap_or(value));
                objects.filter_map(|value| super::header::header(value, "location")).collect()
            }
            "receiver" => site.receiver.iter().map(|(_, value)| value.clone()).collect(),
            _ => Vec::new(),
        },
    }
}

/// Arguments with lists among them taken apart, options left out.
fn flat(values: &[Value]) -> Vec<Value> {
    let mut found = Vec::new();
    for value in values {
        match value.data().map(|data| (data.length.is_some(), data.fields.is_some())) {
            Some((true, _)) => {
                found.extend(super::builtin::items(value));
                // What was put into a slot that nobody knows.
                let anywhere = Value::carrying(value.taints().to_vec());
                found.extend((!anywhere.is_unknown()).then_some(anywhere));
            }
            Some((false, true)) => {}
            _ => found.push(value.clone()),
        }
    }
    found
}

/// Whether an option is given as true: a keyword, or a field of an argument.
/// `@no-root`, `@no-filter`, `@location`, `@markup-attribute`, `@writer` and `@html` are conditions of their own.
pub(super) fn option_is_on(site: &Site, option: &str) -> bool {
    if option == "@no-root" {
        return !site.given.iter().any(|given| given.value.field("root").is_some());
    }
    if option == "@url-attribute" {
        let name = site.value(0);
        return name.known_text().is_some_and(|name| super::elements::ADDRESSES.contains(&name));
    }
    if option == "@markup-attribute" {
        let name = site.value(0);
        let is_script =
            |name: &str| name.starts_with("on") || matches!(name, "srcdoc" | "innerHTML");
        return name.known_text().is_some_and(is_script);
    }
    if option == "@no-filter" {
        return site.keyword("filter").is_none();
    }
    if option == "@location" {
        let name = site.value(0);
        return name.known_text().is_some_and(|name| name.eq_ignore_ascii_case("location"));
    }
    if option == "@writer" {
        return site.value(0).data().is_some_and(|data| data.place.is_some());
    }
    if option == "@context" {
        // A text in the second place, behind something that is none.
        return site.value(0).skeleton().is_none() && site.value(1).skeleton().is_some();
    }
    if option == "@html-1" {
        return site.value(1).known_text().is_none_or(|kind| kind.contains("html"));
    }
    if option == "@html" {
        let kinds = ["content_type", "mimetype", "media_type"];
        let kind = kinds.iter().find_map(|name| site.keyword(name)).and_then(Value::known_text);
        return kind.is_none_or(|kind| kind.contains("html") || kind.contains("xml"));
    }
    if option == "autoescape" {
        // `select_autoescape()` says which files; text is a page by default.
        return site.keyword(option).is_some_and(|value| value.truth() != Some(false));
    }
    let on = |value: &Value| match value.truth() {
        Some(truth) => truth,
        None => value.known_text().is_some_and(|text| !text.is_empty()),
    };
    if let Some(value) = site.keyword(option) {
        return on(value);
    }
    site.given.iter().any(|given| given.value.field(option).is_some_and(on))
}
