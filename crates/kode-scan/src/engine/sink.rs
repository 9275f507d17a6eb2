//! Sinks: whether what reaches them is input that can do harm there.

use kode_base::Severity;

use super::call::Site;
use super::guard::is_fixed_host;
use super::value::{HOLE, Taint, Value};
use super::{Answer, Engine};
use crate::category::Category;
use crate::ir::{ExprId, Kind, Name};
use crate::model::{ArgumentChoice, Context, Sink};
use crate::raw::{RawFinding, RawStep, squeezed};

/// Steps of a flow that are shown.
const FLOW_STEPS_MAX: usize = 16;

impl Engine<'_> {
    /// Checks a call against the sinks its API is.
    pub(super) fn check_sinks(&mut self, sinks: &[Sink], site: &Site) {
        for sink in sinks {
            if let Some(option) = &sink.when
                && !self.option_is_on(site, option)
            {
                continue;
            }
            if sink.context == Context::Call {
                self.report_call(sink.category, site);
                continue;
            }
            for value in chosen(sink, site) {
                self.check(
                    sink.category,
                    sink.context,
                    &value,
                    (site.start, site.end),
                    &site.method,
                );
            }
        }
    }

    /// Reports `value` at a sink when it is input that harms there.
    pub(super) fn check(
        &mut self,
        category: Category,
        context: Context,
        value: &Value,
        (start, end): (u32, u32),
        name: &str,
    ) {
        if category == Category::CrossSiteScripting
            && self.frames.last().is_some_and(|frame| frame.not_html)
        {
            return;
        }
        if context == Context::Body && self.is_container(value) {
            return;
        }
        if let Some(taint) = harmful(category, context, value) {
            self.report(category, &taint, start, end, name);
        }
    }

    /// A request's whole body or query is an object: it is sent as JSON.
    fn is_container(&self, value: &Value) -> bool {
        let place = value.data().filter(|data| data.text.is_none()).and_then(|data| data.place);
        let known = place.and_then(|place| self.models.know(place));
        known.is_some_and(|known| known.source.as_deref() == Some("the request's data"))
    }

    fn report(&mut self, category: Category, taint: &Taint, start: u32, end: u32, name: &str) {
        let known = self.findings.iter().any(|finding| {
            (finding.file, finding.start, finding.rule.as_str())
                == (self.file, start as usize, category.rule())
        });
        if known {
            return;
        }
        let mut flow = flow_of(taint);
        flow.push(RawStep {
            file: self.file,
            start: start as usize,
            end: end as usize,
            text: format!("it reaches `{name}` here"),
        });
        self.push(category, start, end, flow);
    }

    fn report_call(&mut self, category: Category, site: &Site) {
        let known = self.findings.iter().any(|finding| {
            (finding.file, finding.start) == (self.file, site.start as usize)
                && finding.rule == category.rule()
        });
        if !known {
            self.push(category, site.start, site.end, Vec::new());
        }
    }

    fn push(&mut self, category: Category, start: u32, end: u32, flow: Vec<RawStep>) {
        let source = self.unit(self.file).source;
        let (start, end) = (start as usize, end as usize);
        self.findings.push(RawFinding {
            rule: category.rule().to_owned(),
            cwe: category.cwe(),
            severity: category.severity(),
            file: self.file,
            start,
            end,
            message: category.message().to_owned(),
            remedy: category.remedy().to_owned(),
            flow,
            identity: squeezed(source.get(start..end).unwrap_or_default()),
        });
        debug_assert!(category.severity() == Severity::Fatal);
    }

    /// Sinks recognised by what they are handed: text that is SQL, given to a
    /// query method of something unknown.
    pub(super) fn guessed_sinks(&mut self, site: &Site) {
        const METHODS: &[&str] = &[
            "batchUpdate",
            "addBatch",
            "prepareCall",
            "query",
            "execute",
            "exec",
            "run",
            "all",
            "get",
            "each",
            "raw",
            "prepare",
            "executemany",
            "executescript",
            "queryRaw",
            "none",
            "one",
            "oneOrNone",
            "many",
            "manyOrNone",
            "any",
            "Query",
            "QueryRow",
            "Exec",
            "QueryContext",
            "QueryRowContext",
            "ExecContext",
            "Raw",
            "executeQuery",
            "executeUpdate",
            "prepareStatement",
            "createQuery",
            "createNativeQuery",
            "queryForObject",
            "queryForList",
            "fetch",
            "fetchrow",
        ];
        if site.receiver.is_none()
            && !matches!(&*site.method, "query" | "execute" | "runQuery" | "executeQuery")
        {
            return;
        }
        if !METHODS.contains(&&*site.method) && !site.method.to_ascii_lowercase().contains("query")
        {
            return;
        }
        let first = site.value(0);
        // Go's `QueryContext(ctx, text)`.
        let second = site.value(1);
        let is_second = second.skeleton().is_some_and(looks_like_sql) && first.skeleton().is_none();
        let text = if is_second { second } else { first };
        let text = text.field("sql").or_else(|| text.field("text")).cloned().unwrap_or(text);
        if text.skeleton().is_some_and(looks_like_sql) {
            let category = Category::SqlInjection;
            self.check(category, Context::Text, &text, (site.start, site.end), &site.method);
        }
    }

    /// `element.innerHTML = value`, `location.href = value`.
    pub(super) fn assigned_sink(
        &mut self,
        object: ExprId,
        name: &Name,
        value: &Value,
        from: Option<ExprId>,
    ) {
        let receiver = self.evaluate(object);
        let at = self.program().expression(from.unwrap_or(object));
        let place = receiver.data().and_then(|data| data.place);
        let place = match place {
            Some(place) => self.models.step(place, name),
            None if matches!(&**name, "innerHTML" | "outerHTML" | "srcdoc") => {
                self.place(&format!("global.Element().{name}"))
            }
            None => None,
        };
        let Some(known) = place.and_then(|place| self.models.know(place)) else { return };
        let start = self.program().expression(object).start;
        for sink in &known.sinks {
            if sink.argument == ArgumentChoice::Named("value".to_owned()) {
                self.check(sink.category, sink.context, value, (start, at.end), name);
            }
        }
        if known.content_type {
            self.note_content_type(value);
        }
    }

    /// `exec.Cmd{Path: …}`: fields that are dangerous when they are set.
    pub(super) fn filled_in(&mut self, value: &Value, id: ExprId) {
        let Some(data) = value.data() else { return };
        let (Some(place), Some(fields)) = (data.place, data.fields.clone()) else { return };
        let at = self.program().expression(id);
        for (name, field) in fields.iter() {
            let known = self.models.step(place, name).and_then(|place| self.models.know(place));
            for sink in known.map_or(&[][..], |known| &known.sinks) {
                if sink.argument == ArgumentChoice::Named("value".to_owned()) {
                    self.check(sink.category, sink.context, field, (at.start, at.end), name);
                }
            }
        }
    }

    /// JSX attributes and other markup.
    pub(super) fn markup(
        &mut self,
        name: &Name,
        attributes: &[(Name, ExprId)],
        children: &[ExprId],
        id: ExprId,
    ) -> Value {
        let at = self.program().expression(id);
        for (attribute, value) in attributes {
            let value = self.evaluate(*value);
            if &**attribute == "dangerouslySetInnerHTML" {
                let inner = value.field("__html").cloned().unwrap_or(value);
                let category = Category::CrossSiteScripting;
                self.check(category, Context::Text, &inner, (at.start, at.end), attribute);
            } else if &**attribute == "srcDoc" && &**name == "iframe" {
                let category = Category::CrossSiteScripting;
                self.check(category, Context::Text, &value, (at.start, at.end), attribute);
            }
        }
        for child in children {
            self.evaluate(*child);
        }
        Value::default()
    }

    /// What a function that answers requests returns: markup, or where to go.
    pub(super) fn answered(&mut self, answer: Answer, value: &Value, expression: ExprId) {
        if answer == Answer::Nothing {
            return;
        }
        let value = match value.field("0") {
            Some(first) if value.data().is_some_and(|data| data.length.is_some()) => first.clone(),
            _ => value.clone(),
        };
        let at = self.program().expression(expression);
        let place = (at.start, at.end);
        if let Some(value) = redirected(&value) {
            self.check(Category::OpenRedirect, Context::Url, &value, place, "the redirect");
            return;
        }
        if answer == Answer::View {
            return;
        }
        let category = Category::CrossSiteScripting;
        self.check(category, Context::Body, &value, (at.start, at.end), "the response");
    }

    /// A call that sets a header or type of the response.
    pub(super) fn content_type(&mut self, site: &Site) {
        for given in &site.given {
            self.note_content_type(&given.value);
            // `MediaType.APPLICATION_JSON`
            let named = given.expression.map(|named| &self.program().expression(named).kind);
            if let Some(Kind::Field(_, name)) = named {
                let text = Value::text(&name.to_ascii_lowercase().replace('_', "/"));
                self.note_content_type(&text);
            }
        }
    }

    fn note_content_type(&mut self, value: &Value) {
        let text = value.known_text().unwrap_or_default().to_ascii_lowercase();
        if text.contains("html")
            && let Some(frame) = self.frames.last_mut()
        {
            frame.is_html = true;
        }
        let harmless = ["json", "text/plain", "csv", "octet-stream", "image/", "pdf", "txt"];
        if harmless.iter().any(|kind| text.contains(kind))
            && let Some(frame) = self.frames.last_mut()
        {
            frame.not_html = true;
        }
    }
}

/// The input in a value that harms in a context.
fn harmful(category: Category, context: Context, value: &Value) -> Option<Taint> {
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
            let inner = ["__html", "sql", "text", "query"].iter().find_map(|key| value.field(key));
            inner.unwrap_or(value).harm(category).cloned()
        }
        Context::Url => {
            let prefix = value.skeleton().unwrap_or_default();
            if is_local(prefix) || is_fixed_host(prefix) {
                return None;
            }
            value.harm(category).cloned()
        }
        Context::Argv => argv(category, value),
        Context::Parts => {
            value.deep_taints().into_iter().find(|taint| !taint.cleaned.holds(category))
        }
        Context::View => harmful(category, Context::Url, &redirected(value)?),
    }
}

/// Where a view's name sends the browser, if it does.
fn redirected(value: &Value) -> Option<Value> {
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
        return value.harm(category).cloned();
    }
    let program = items.first()?;
    if let Some(taint) = program.harm(category) {
        return Some(taint.clone());
    }
    let scripts = items.iter().skip(1);
    match program.known_text() {
        Some(name) if is_shell(name) => {
            scripts.into_iter().find_map(|item| item.harm(category).cloned())
        }
        Some(_) => None,
        // The program is one of several: what begins like a command line is one.
        None => scripts
            .into_iter()
            .filter(|item| item.skeleton().is_some_and(|text| text.contains(' ')))
            .find_map(|item| item.harm(category).cloned()),
    }
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
fn chosen(sink: &Sink, site: &Site) -> Vec<Value> {
    if let Some(value) = sink.keyword.as_ref().and_then(|keyword| site.keyword(keyword)) {
        return vec![value.clone()];
    }
    match &sink.argument {
        ArgumentChoice::At(at) => vec![site.value(*at)],
        ArgumentChoice::Named(name) => match name.as_str() {
            "all" => site.values(),
            "from-1" => site.values().into_iter().skip(1).collect(),
            "list-from-1" => {
                let rest: Vec<Value> = site.values().into_iter().skip(1).collect();
                vec![Value::list(flat(&rest))]
            }
            "list" => vec![Value::list(flat(&site.values()))],
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
            Some((true, _)) => found.extend(super::builtin::items(value)),
            Some((false, true)) => {}
            _ => found.push(value.clone()),
        }
    }
    found
}

impl Engine<'_> {
    /// Conditions of a sink that look at the response; then those of its call.
    fn option_is_on(&self, site: &Site, option: &str) -> bool {
        match option {
            "@declared-html" => self.frames.last().is_some_and(|frame| frame.is_html),
            "@html-1" => site.value(1).known_text().is_none_or(|kind| kind.contains("html")),
            _ => option_is_on(site, option),
        }
    }
}

/// Whether an option is given as true: a keyword, or a field of an argument.
/// `@no-root`, `@writer`, `@location` and `@html` are conditions of their own.
fn option_is_on(site: &Site, option: &str) -> bool {
    if option == "@no-root" {
        return !site.given.iter().any(|given| given.value.field("root").is_some());
    }
    if option == "@writer" {
        return site.value(0).data().is_some_and(|data| data.place.is_some());
    }
    if option == "@context" {
        // A text in the second place, behind something that is none.
        return site.value(0).skeleton().is_none() && site.value(1).skeleton().is_some();
    }
    if option == "@location" {
        let header = site.value(0);
        return header.known_text().is_some_and(|name| name.eq_ignore_ascii_case("location"));
    }
    if option == "@html" {
        let kinds = ["content_type", "mimetype", "media_type"];
        let kind = kinds.iter().find_map(|name| site.keyword(name)).and_then(Value::known_text);
        return kind.is_none_or(|kind| kind.contains("html") || kind.contains("xml"));
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

fn flow_of(taint: &Taint) -> Vec<RawStep> {
    let mut steps = Vec::new();
    let mut current = Some(&taint.step);
    while let Some(step) = current {
        steps.push(RawStep {
            file: step.file,
            start: step.start as usize,
            end: step.end as usize,
            text: step.text.clone(),
        });
        current = step.before.as_ref();
    }
    steps.reverse();
    if steps.len() > FLOW_STEPS_MAX {
        let tail = steps.split_off(steps.len() - FLOW_STEPS_MAX / 2);
        steps.truncate(FLOW_STEPS_MAX / 2);
        steps.extend(tail);
    }
    steps
}
