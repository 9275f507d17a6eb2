//! Functions that answer requests: which do, and whether what they return is
//! markup, the name of a page, or data no browser reads as a page.

use super::{Answer, Engine};
use crate::ir::{Call, ExprId, Function, Kind};
use crate::model::family;

/// How a function answers requests.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// Its parameters are input.
    pub(super) input: bool,
    /// What it returns.
    pub(super) answer: Answer,
    /// Parameters that the route converts to numbers and the like.
    pub(super) converted: Vec<String>,
}

/// Annotations that say who sees a method's result.
#[derive(Debug, Default)]
struct Declared {
    /// The result is the body of the answer.
    body: bool,
    /// The result names a page.
    view: bool,
    /// What is produced, as written.
    produces: Option<String>,
}

impl Engine<'_> {
    /// Whether a function answers requests, what its route converts, what it returns.
    pub(super) fn route(&mut self, function: &Function) -> Route {
        let mut route = Route { input: self.is_handler(function), ..Route::default() };
        let mut markup = self.is_hapi(function);
        for decorator in &function.decorators {
            let (name, arguments) = match &self.program().expression(*decorator).kind {
                Kind::Call(call) => (call.callee, call.arguments.as_slice()),
                _ => (*decorator, &[][..]),
            };
            let Some((input, returns)) = self.decorator(name) else { continue };
            route.input |= input;
            markup |= returns;
            for argument in arguments {
                let value = self.evaluate(argument.value);
                if let Some(text) = value.known_text() {
                    route.converted.extend(super::framework::converted_names(text));
                }
                let is_class = argument.name.as_deref() == Some("response_class");
                let place = value.data().and_then(|data| data.place).filter(|_| is_class);
                let known = place.and_then(|place| self.models.know(place));
                markup |= known.is_some_and(|known| !known.sinks.is_empty());
            }
        }
        if self.is_javascript() && !function.decorators.is_empty() {
            route.answer = self.answer_of_nest(function, markup);
            return route;
        }
        route.answer = match (markup, family(self.unit(self.file).language)) {
            (true, "java") => self.declared_answer(function),
            (true, _) => Answer::Markup,
            _ => Answer::Nothing,
        };
        route
    }

    /// Nest sends the text a method returns as a page, unless decorators say otherwise.
    fn answer_of_nest(&mut self, function: &Function, markup: bool) -> Answer {
        let mut answer = if markup { Answer::Text } else { Answer::Nothing };
        for decorator in &function.decorators {
            let Some((name, call)) = self.annotation(*decorator) else { continue };
            match name {
                "Redirect" => return Answer::Location,
                "Render" | "Sse" => return Answer::Nothing,
                "Header" => {
                    let kind = call.and_then(|call| call.arguments.get(1)).map(|kind| kind.value);
                    let kind = kind.map(|kind| &self.program().expression(kind).kind);
                    if let Some(Kind::Text(kind)) = kind
                        && super::header::is_markup_type(&super::value::Value::text(kind))
                            == Some(false)
                    {
                        answer = Answer::Nothing;
                    }
                }
                _ => {}
            }
        }
        answer
    }

    /// Hapi's handlers `(request, h)` return what is sent.
    fn is_hapi(&self, function: &Function) -> bool {
        let name = function.parameters.get(1).and_then(|parameter| parameter.name.as_deref());
        name == Some("h") && self.is_javascript()
    }

    fn decorator(&mut self, name: ExprId) -> Option<(bool, bool)> {
        let value = self.evaluate(name);
        let place = value.data().and_then(|data| data.place);
        if let Some(known) = place.and_then(|place| self.models.know(place)) {
            return Some((known.route, known.returns_markup));
        }
        // `@app.route` on something imported from a file that is not here.
        let Kind::Field(_, method) = &self.program().expression(name).kind else { return None };
        let place = self.place(&format!("global.Routes().{method}"))?;
        // `@router.get` is FastAPI's more often than Flask's.
        let is_page = &**method == "route";
        self.models.know(place).map(|known| (known.route, known.returns_markup && is_page))
    }

    /// What the annotations and the declared type of a Java method say.
    fn declared_answer(&self, function: &Function) -> Answer {
        let declared = self.declared(function);
        let returns = function.returns.as_deref().unwrap_or("String");
        let is_jax = declared.produces.is_none() && self.is_annotated(function, &JAX_METHODS);
        if !holds_text(returns) || is_jax {
            return Answer::Nothing;
        }
        match declared.produces {
            Some(kind) if !is_page(&kind) => Answer::Nothing,
            None if declared.view && !declared.body && returns == "String" => Answer::View,
            _ => Answer::Markup,
        }
    }

    fn declared(&self, function: &Function) -> Declared {
        let mut found = Declared::default();
        for decorator in &function.decorators {
            let Some((name, call)) = self.annotation(*decorator) else { continue };
            match name {
                "ResponseBody" | "RestController" | "RestControllerAdvice" => found.body = true,
                "Controller" => found.view = true,
                _ => {}
            }
            for argument in call.map_or(&[][..], |call| &call.arguments) {
                let says = name == "Produces" || argument.name.as_deref() == Some("produces");
                if says && found.produces.is_none() {
                    let at = self.program().expression(argument.value);
                    let source = self.unit(self.file).source;
                    let text = source.get(at.start as usize..at.end as usize).unwrap_or_default();
                    found.produces = Some(String::from_utf8_lossy(text).to_ascii_lowercase());
                }
            }
        }
        found
    }

    fn annotation(&self, decorator: ExprId) -> Option<(&str, Option<&Call>)> {
        let program = self.program();
        let named = |expression: ExprId| match &program.expression(expression).kind {
            Kind::Global(name) => Some(&**name),
            Kind::Variable(variable) => Some(&*program.variables[variable.0 as usize]),
            _ => None,
        };
        match &program.expression(decorator).kind {
            Kind::Call(call) => Some((named(call.callee)?, Some(call))),
            _ => Some((named(decorator)?, None)),
        }
    }

    fn is_annotated(&self, function: &Function, names: &[&str]) -> bool {
        let mut named = function.decorators.iter().filter_map(|d| self.annotation(*d));
        named.any(|(name, _)| names.contains(&name))
    }
}

/// JAX-RS's methods: what they give is only a page where they say so.
const JAX_METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

/// Whether a media type, as written in an annotation, is one browsers render.
fn is_page(kind: &str) -> bool {
    kind.contains("html") || kind.contains("*/*") || kind.contains("svg") || kind.contains("all")
}

/// Whether a declared result may be text that is sent as it is.
fn holds_text(returns: &str) -> bool {
    const TEXTS: [&str; 6] = ["String", "CharSequence", "Object", "?", "byte[]", "Response"];
    const WRAPPERS: [&str; 8] = [
        "ResponseEntity",
        "HttpEntity",
        "Mono",
        "Flux",
        "Callable",
        "CompletableFuture",
        "DeferredResult",
        "Optional",
    ];
    let returns = returns.trim();
    match returns.split_once('<') {
        Some((outer, inner)) => {
            WRAPPERS.contains(&outer.trim()) && holds_text(inner.strip_suffix('>').unwrap_or(inner))
        }
        None => TEXTS.contains(&returns) || WRAPPERS.contains(&returns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_and_what_wraps_it_is_sent_as_it_is() {
        for text in ["String", "ResponseEntity<String>", "Mono<ResponseEntity<String>>", "Object"] {
            assert!(holds_text(text), "{text}");
        }
        for data in ["User", "List<String>", "ResponseEntity<User>", "void", "int"] {
            assert!(!holds_text(data), "{data}");
        }
    }

    #[test]
    fn media_types_are_pages_or_data() {
        assert!(is_page("mediatype.text_html_value") && is_page("\"text/html;charset=utf-8\""));
        assert!(!is_page("mediatype.application_json_value") && !is_page("\"text/plain\""));
    }
}
