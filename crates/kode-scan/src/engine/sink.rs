//! Sinks: whether what reaches them is input that can do harm there.

use std::collections::BTreeMap;

use kode_base::Severity;

use super::argument::{chosen, harmful, looks_like_sql, option_is_on, redirected};
use super::elements::{ATTRIBUTE, ELEMENT_NAME, OWN_TEXT, WRITTEN};
use super::scripted::{Script, attribute_script};
use super::site::Site;
use super::unknown::GUESSED;
use super::value::{Open, Taint, Value};
use super::{Answer, Engine};
use crate::category::Category;
use crate::ir::{COMPONENT, ExprId, Kind, Name};
use crate::model::{ArgumentChoice, Context, Keeping, Sink};
use crate::raw::{RawFinding, RawStep, squeezed};

/// Steps of a flow that are shown.
const FLOW_STEPS_MAX: usize = 16;

/// Calls and changes of file on one way; longer ways hold so many guesses that they
/// are no proof.
const CROSSINGS_MAX: usize = 10;

/// How the step of a call begins.
pub(super) const PASSED: &str = "it is passed to";

/// Calls and changes of file on a way from the page's own attributes or text to its markup:
/// over more it is no proof that anybody else's words go it.
const OWN_CROSSINGS_MAX: usize = 2;
/// The same for all steps, such as variables and fields that it is put into.
const OWN_STEPS_MAX: u32 = 5;

/// Findings of one file; one with more is listed as incomplete.
pub(super) const FINDINGS_MAX: usize = 1_000;

impl Engine<'_> {
    /// Checks a call against the sinks its API is.
    pub(super) fn check_sinks(&mut self, sinks: &[Sink], site: &Site) {
        for sink in sinks {
            if let Some(option) = &sink.when
                && !self.condition_holds(site, option)
            {
                continue;
            }
            if sink.context == Context::Call {
                self.report_call(sink.category, site.start, site.end);
                continue;
            }
            if sink.context == Context::Body && self.is_sent_as_data(site) {
                continue;
            }
            for value in chosen(sink, site) {
                let place = (site.start, site.end);
                let is_read = super::archive::only_read(sink.category, &value, site);
                let of = (sink.category, sink.context);
                self.check_surely(of, &value, place, &site.method, !is_read);
            }
        }
    }

    /// Whether what a sink depends on holds; `@declared-html` is of the frames.
    pub(super) fn condition_holds(&self, site: &Site, condition: &str) -> bool {
        if condition == "@declared-html" {
            return self.frames.iter().any(|frame| frame.content == Some(true))
                || super::header::declares_html(site);
        }
        let is_at = |at: usize, path: &str| {
            let place = site.value(at).data().and_then(|data| data.place);
            place.is_some() && place == self.place(path)
        };
        if condition == "@writer" && is_at(0, "github_com/valyala/fasthttp.RequestCtx()") {
            // What it sends is plain text unless something says otherwise.
            return memchr::memmem::find(self.unit(self.file).source, b"text/html").is_some();
        }
        match condition {
            "@location" => self.header_name(site).is_some_and(|name| name == "location"),
            "@around-response" => is_at(0, "global.PageWriter()"),
            "@second-responds" => is_at(1, "global.PageWriter()"),
            "@file" => is_at(0, "global.File()") || is_at(0, "global.Path()"),
            "@text" => site.value(0).skeleton().is_some(),
            "@texts" => site.value(0).skeleton().is_some() && site.value(1).skeleton().is_some(),
            _ => option_is_on(site, condition),
        }
    }

    /// Reports `value` at a sink when it is input that harms there.
    pub(super) fn check(
        &mut self,
        category: Category,
        context: Context,
        value: &Value,
        place: (u32, u32),
        name: &str,
    ) {
        self.check_surely((category, context), value, place, name, true);
    }

    /// The same; where it is not `sure` that it harms, it is a warning.
    fn check_surely(
        &mut self,
        (category, context): (Category, Context),
        value: &Value,
        (start, end): (u32, u32),
        name: &str,
        sure: bool,
    ) {
        if category == Category::CrossSiteScripting
            && self.frames.iter().any(|frame| frame.content == Some(false))
        {
            return;
        }
        // A page that is sent runs what stands in it.
        if category == Category::CrossSiteScripting
            && matches!(context, Context::Text | Context::Body)
        {
            self.scripted(value, Script::Markup, (start, end));
        }
        let streamed = self.streamed_text(context, name, value);
        let value = streamed.as_ref().unwrap_or(value);
        if context == Context::Body && self.is_container(value)
            || category == Category::PathTraversal && self.is_upload(value)
        {
            return;
        }
        if let Some(taint) = harmful(category, context, value) {
            let is_new = self.report(category, &taint, start, end, name);
            // jQuery takes a text for markup only where it begins with a tag, and what the
            // page's own attributes hold seldom does.
            let is_own = is_of_page(&taint);
            let is_selector = context == Context::Selector && is_own;
            let is_far = match is_own {
                true => crossings(&taint) > OWN_CROSSINGS_MAX || taint.step.depth > OWN_STEPS_MAX,
                false => crossings(&taint) > CROSSINGS_MAX,
            };
            if is_new
                && (!sure
                    || is_selector
                    || is_guessed(&taint)
                    || is_far
                    || is_own_query(category, value, &taint))
            {
                self.soften();
            }
        } else if is_open(category, context, value) {
            self.warn(category, start, end);
        }
    }

    /// An object of a framework, such as a response that was checked when it was made.
    fn is_response(&self, value: &Value) -> bool {
        let place = value.data().filter(|data| data.text.is_none()).and_then(|data| data.place);
        place
            .is_some_and(|place| self.models.know(place).is_none_or(|known| known.source.is_none()))
            && self.unit(self.file).language == kode_syntax::Language::Python
    }

    /// A file that came with a request is no name of one; its `filename` is.
    fn is_upload(&self, value: &Value) -> bool {
        let place = value.data().filter(|data| data.text.is_none()).and_then(|data| data.place);
        place.is_some() && place == self.place("global.Upload()")
    }

    /// A request's whole body or query is an object: it is sent as JSON.
    fn is_container(&self, value: &Value) -> bool {
        let place = value.data().filter(|data| data.text.is_none()).and_then(|data| data.place);
        let known = place.and_then(|place| self.models.know(place));
        known.is_some_and(|known| known.source.as_deref() == Some("the request's data"))
    }

    /// Whether it is reported now, and was not before.
    fn report(
        &mut self,
        category: Category,
        taint: &Taint,
        start: u32,
        end: u32,
        name: &str,
    ) -> bool {
        self.findings.retain(|finding| {
            (finding.file, finding.start, finding.severity, finding.rule.as_str())
                != (self.file, start as usize, Severity::Warning, category.rule())
        });
        if self.is_reported(category, start) {
            return false;
        }
        let mut flow = flow_of(taint);
        flow.push(RawStep {
            file: self.file,
            start: start as usize,
            end: end as usize,
            text: format!("it reaches `{name}` here"),
        });
        self.push(category, start, end, flow);
        true
    }

    /// Makes a warning of what was just reported: something in it is guessed.
    fn soften(&mut self) {
        if let Some(finding) = self.findings.last_mut() {
            finding.severity = Severity::Warning;
        }
    }

    pub(super) fn report_call(&mut self, category: Category, start: u32, end: u32) {
        if !self.is_reported(category, start) {
            self.push(category, start, end, Vec::new());
        }
    }

    /// Whether a place is reported already, or too many others are.
    fn is_reported(&self, category: Category, start: u32) -> bool {
        let is_same = |finding: &RawFinding| {
            (finding.file, finding.start) == (self.file, start as usize)
                && finding.rule == category.rule()
        };
        self.findings.len() >= FINDINGS_MAX || self.findings.iter().any(is_same)
    }

    /// Something risky of which no input is known.
    pub(super) fn warn(&mut self, category: Category, start: u32, end: u32) {
        if self.is_reported(category, start) {
            return;
        }
        self.push(category, start, end, Vec::new());
        if let Some(warning) = self.findings.last_mut() {
            warning.severity = Severity::Warning;
            warning.message = category.warning().to_owned();
        }
    }

    pub(super) fn push(&mut self, category: Category, start: u32, end: u32, flow: Vec<RawStep>) {
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
    }

    /// A function that may be the browser's own dialog: `window.confirm || own`.
    pub(super) fn maybe_dialog(&mut self, site: &Site) {
        let place = site.callee.data().and_then(|data| data.place);
        let known = place.and_then(|place| self.models.know(place));
        let is_dialog = |sink: &Sink| sink.context == Context::Call;
        if known.is_some_and(|known| known.sinks.iter().any(is_dialog)) {
            self.report_call(Category::BlockingDialog, site.start, site.end);
        }
    }

    /// A dialog handed to something is as good as called.
    pub(super) fn passed_on_dialog(&mut self, value: &Value, expression: Option<ExprId>) {
        let place = value.data().and_then(|data| data.place);
        let known = place.and_then(|place| self.models.know(place));
        let (Some(known), Some(expression)) = (known, expression) else { return };
        if known.sinks.iter().any(|sink| sink.context == Context::Call) {
            let at = self.program().expression(expression);
            self.report_call(Category::BlockingDialog, at.start, at.end);
        }
    }

    /// `{ onError: alert }`: a dialog that is handed on to be called when something happens.
    pub(super) fn passed_on_handlers(&mut self, value: &Value, expression: Option<ExprId>) {
        const HANDLERS: [&str; 8] =
            ["success", "error", "complete", "fail", "callback", "handler", "next", "then"];
        let is_handler = |name: &str| {
            let event = name.strip_prefix("on").and_then(|rest| rest.chars().next());
            event.is_some_and(char::is_uppercase) || HANDLERS.contains(&name)
        };
        let Some(fields) = value.data().and_then(|data| data.fields.clone()) else { return };
        if self.is_javascript() {
            // Most are no function that a model knows, which costs least to see.
            let known =
                fields.iter().filter(|(_, it)| it.data().is_some_and(|it| it.place.is_some()));
            let handlers = known.filter(|(name, _)| is_handler(name));
            handlers.for_each(|(_, handler)| self.passed_on_dialog(handler, expression));
        }
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
            "execute_sql",
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
        if &*site.method == "extra" && site.receiver.is_some() {
            for name in ["where", "select", "tables", "order_by"] {
                let value = site.keyword(name).cloned().unwrap_or_default();
                let place = (site.start, site.end);
                self.check(Category::SqlInjection, Context::Parts, &value, place, "extra");
            }
        }
        if site.receiver.is_none()
            && !matches!(&*site.method, "query" | "execute" | "runQuery" | "executeQuery")
        {
            return;
        }
        self.guessed_literal(site);
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

    /// `sequelize.literal(text)` of an instance that another file gives.
    fn guessed_literal(&mut self, site: &Site) {
        let Some((object, _)) = site.receiver.as_ref().filter(|_| &*site.method == "literal")
        else {
            return;
        };
        let program = self.program();
        let name = match &program.expression(*object).kind {
            Kind::Variable(variable) => &program.variables[variable.0 as usize],
            Kind::Field(_, name) | Kind::Global(name) => name,
            _ => return,
        };
        if name.eq_ignore_ascii_case("sequelize") {
            let (category, value) = (Category::SqlInjection, site.value(0));
            self.check(category, Context::Text, &value, (site.start, site.end), "literal");
        }
    }

    /// `location = value`: a name of the window's that is set.
    pub(super) fn assigned_global(&mut self, name: &Name, value: &Value, from: Option<ExprId>) {
        let Some(from) = from.filter(|_| self.is_javascript()) else { return };
        let at = self.program().expression(from);
        let (start, end) = (at.start, at.end);
        self.unload_property(name, value, (start, end));
        if &**name != "location" {
            return;
        }
        self.scripted(value, Script::Address, (start, end));
        self.check(Category::OpenRedirect, Context::Url, value, (start, end), name);
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
        if matches!(&**name, "mimetype" | "content_type") {
            self.declared_plain(object, value);
        }
        if let Some(kind) = attribute_script(name).filter(|kind| *kind != Script::Source) {
            self.scripted(value, kind, (self.program().expression(object).start, at.end));
        }
        if name.starts_with("on") && self.is_javascript() {
            self.passed_on_dialog(value, from);
            self.unload_property(name, value, (self.program().expression(object).start, at.end));
        }
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
        let is_harmless = &**name == "href" && self.only_takes_apart(object);
        for sink in known.sinks.iter().filter(|_| !is_harmless) {
            if sink.argument == ArgumentChoice::Named("value".to_owned()) {
                self.check(sink.category, sink.context, value, (start, at.end), name);
            }
        }
        if known.content_type {
            self.note_content_type(value);
        }
        if let Some(Keeping::Receive(channel, _, field)) = known.keeps {
            self.received(channel, field, value);
        }
        let closure = value.data().and_then(|data| data.function.clone());
        if let (Some(closure), Some((_, kinds))) = (closure, known.callbacks.first()) {
            let handed = kinds.iter().map(|place| self.at_place(*place, start, at.end)).collect();
            self.run_callback(&closure, Some(handed));
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
        let (mut component, mut properties) = (None, BTreeMap::new());
        for (attribute, expression) in attributes {
            let value = self.evaluate(*expression);
            if &**attribute == COMPONENT {
                component = value.data().map(|data| (data.function.clone(), data.class));
                continue;
            }
            self.attribute((name, attribute), &value, *expression, (at.start, at.end));
            properties.insert(attribute.clone(), value);
        }
        let inner: Vec<Value> = children.iter().map(|child| self.evaluate(*child)).collect();
        if name.eq_ignore_ascii_case("script") {
            let place = self.program().expression(id);
            let place = (place.start, place.end);
            inner.iter().for_each(|text| self.scripted(text, Script::Source, place));
        }
        let given = Value::record(properties, false);
        match component.filter(|_| given.is_tainted() || !inner.is_empty()) {
            Some((Some(closure), _)) => {
                let given = given.with_field(&Name::from("children"), Value::list(inner));
                if given.is_tainted() {
                    self.run_callback(&closure, Some(vec![given]));
                }
            }
            Some((None, Some(class))) => {
                self.class_fields.entry(class).or_default().insert(Name::from("props"), given);
            }
            _ => {}
        }
        Value::default()
    }

    /// One attribute of markup: what it makes of its value.
    fn attribute(
        &mut self,
        (element, attribute): (&Name, &Name),
        value: &Value,
        expression: ExprId,
        place: (u32, u32),
    ) {
        let category = Category::CrossSiteScripting;
        if attribute.starts_with("on") {
            self.passed_on_dialog(value, Some(expression));
            let event = self.kind("global.DomEvent()");
            if let Some(closure) = value.data().and_then(|data| data.function.clone()) {
                self.run_callback(&closure, Some(vec![event]));
            }
        }
        let is_plain = element.starts_with(|first: char| first.is_ascii_lowercase());
        if let Some(kind) = attribute_script(attribute).filter(|kind| *kind != Script::Source) {
            self.scripted(value, kind, place);
        }
        match &**attribute {
            "dangerouslySetInnerHTML" => {
                let inner = value.field("__html").unwrap_or(value);
                let is_script = element.eq_ignore_ascii_case("script");
                let kind = if is_script { Script::Source } else { Script::Markup };
                self.scripted(inner, kind, place);
                self.check(category, Context::Text, inner, place, attribute);
            }
            // Vue's functions that make elements.
            "innerHTML" if is_plain => {
                self.check(category, Context::Text, value, place, attribute);
            }
            "srcDoc" if &**element == "iframe" => {
                self.check(category, Context::Text, value, place, attribute);
            }
            // `javascript:…` runs when it is followed.
            "href" | "action" | "formAction" | "xlinkHref" if is_plain => {
                self.check(category, Context::Url, value, place, attribute);
            }
            _ => {}
        }
    }

    /// What a function that answers requests returns: markup, or where to go.
    pub(super) fn answered(&mut self, answer: Answer, value: &Value, expression: ExprId) {
        if answer == Answer::Nothing {
            return self.answered_by_type(value, expression);
        }
        if answer == Answer::Text && value.data().is_none_or(|data| data.text.is_none()) {
            return;
        }
        if answer == Answer::Location {
            let url = value.field("url").cloned().unwrap_or_default();
            let at = self.program().expression(expression);
            let place = (at.start, at.end);
            return self.check(Category::OpenRedirect, Context::Url, &url, place, "the redirect");
        }
        self.location_beside(value, expression);
        // `return text, 200, {"Content-Type": "text/plain"}`
        let parts = ["1", "2"].iter().filter_map(|at| value.field(at));
        let declared = parts.filter_map(|part| super::header::header(part, "content-type")).next();
        if declared.is_some_and(|kind| super::header::is_markup_type(&kind) == Some(false)) {
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
        if answer == Answer::View || self.is_response(&value) {
            return;
        }
        let category = Category::CrossSiteScripting;
        self.check(category, Context::Body, &value, (at.start, at.end), "the response");
    }
}

impl Engine<'_> {
    /// Python: a response that is made of what a generator gives, piece by piece.
    fn streamed_text(&self, context: Context, name: &str, value: &Value) -> Option<Value> {
        let is_python = self.unit(self.file).language == kode_syntax::Language::Python;
        let fields = value.data()?.fields.as_ref()?;
        let is_stream = context == Context::Body && is_python && name != "the response";
        (is_stream && fields.len() == 1).then(|| value.field("*").cloned())?
    }

    /// Fastify: what a handler returns after it has set the type to markup.
    fn answered_by_type(&mut self, value: &Value, expression: ExprId) {
        let is_markup = self.frames.last().is_some_and(|frame| frame.content == Some(true));
        let is_text = value.data().is_some_and(|data| data.text.is_some());
        if is_markup && is_text && self.is_javascript() {
            let at = self.program().expression(expression);
            let place = (at.start, at.end);
            self.check(Category::CrossSiteScripting, Context::Body, value, place, "the response");
        }
    }
}

/// Whether a parameter of unknown origin is put into text that is interpreted.
fn is_open(category: Category, context: Context, value: &Value) -> bool {
    let value = match context {
        Context::Text => value,
        Context::Options => value.field("sql").or_else(|| value.field("text")).unwrap_or(value),
        _ => return false,
    };
    let text = value.skeleton().unwrap_or_default();
    let is_built = value.open() == Open::Part && value.taints().is_empty();
    is_built
        && match category {
            Category::SqlInjection => looks_like_sql(text),
            Category::CrossSiteScripting => text.contains('<'),
            Category::CommandInjection => text.contains(' '),
            _ => false,
        }
}

/// Calls on the way of a taint, and stretches of it within one file.
fn crossings(taint: &Taint) -> usize {
    let (mut count, mut stretch) = (0, None);
    let mut current = Some(&taint.step);
    while let Some(step) = current {
        let is_call = step.text.starts_with(PASSED);
        count += usize::from(is_call || stretch != Some(step.file));
        stretch = (!is_call).then_some(step.file);
        current = step.before.as_ref();
    }
    count
}

/// Whether it went through something unknown in an object, or is a name or data of the page's.
fn is_guessed(taint: &Taint) -> bool {
    let mut current = Some(&taint.step);
    while let Some(step) = current {
        if [GUESSED, WRITTEN, ELEMENT_NAME].iter().any(|guess| step.text.starts_with(guess)) {
            return true;
        }
        current = step.before.as_ref();
    }
    false
}

fn is_of_page(taint: &Taint) -> bool {
    taint.step.begins_as(ATTRIBUTE) || taint.step.begins_as(OWN_TEXT)
}

/// A whole query that somebody gives a program on its command line is theirs to give: there
/// is nothing that it was put into.
fn is_own_query(category: Category, value: &Value, taint: &Taint) -> bool {
    category == Category::SqlInjection
        && value
            .skeleton()
            .is_none_or(|text| text.chars().all(|character| character == super::value::HOLE))
        && taint.step.begins_as("the command line")
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
