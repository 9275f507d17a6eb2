//! Parses a model's tool call. Unknown tools, unknown fields, wrong types and
//! missing arguments become a sentence the model can act on.

use kode_base::{ProjectPath, Untrusted};
use kode_edit::Operation;
use kode_session::Session;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::finish::Finish;
use super::list_files::ListFiles;
use super::read_file::ReadFile;
use super::search::SearchFiles;
use super::shell::Shell;
use super::symbols::{FindSymbol, Outline};
use super::web_fetch::Fetch;
use super::workspace::shown;
use super::{ToolOutcome, Workspace, edit, specs};

/// A call whose arguments fit.
#[derive(Debug)]
pub(crate) enum ToolRequest {
    ReadFile(ReadFile),
    ListFiles(ListFiles),
    Search(SearchFiles),
    Outline(Outline),
    FindSymbol(FindSymbol),
    Edit(Box<Operation>),
    Shell(Shell),
    WebFetch(Fetch),
    Finish(Finish),
}

impl ToolRequest {
    /// Does it; `finish` is the turn loop's.
    pub(crate) fn run(&self, workspace: &mut Workspace, session: &mut Session) -> ToolOutcome {
        match self {
            Self::ReadFile(tool) => tool.run(workspace),
            Self::ListFiles(tool) => tool.run(workspace),
            Self::Search(tool) => tool.run(workspace),
            Self::Outline(tool) => tool.run(workspace),
            Self::FindSymbol(tool) => tool.run(workspace),
            Self::Edit(operation) => edit::run(operation, workspace, session),
            Self::Shell(tool) => tool.run(workspace, session),
            Self::WebFetch(tool) => tool.run(workspace),
            Self::Finish(_) => ToolOutcome::failed("finish ends the turn"),
        }
    }
}

/// Parses tool `name` with JSON `arguments`; `root` is the project root, for
/// absolute paths.
///
/// # Errors
/// A sentence for the model.
#[expect(clippy::disallowed_methods, reason = "parsing the call is what this is for")]
pub(crate) fn parse(
    name: &Untrusted<String>,
    arguments: &Untrusted<String>,
    root: &str,
) -> Result<ToolRequest, String> {
    let text = arguments.expose();
    match name.expose().as_str() {
        "read_file" => decode("read_file", text).map(ToolRequest::ReadFile),
        "list_files" => decode("list_files", text).map(ToolRequest::ListFiles),
        "search" => decode("search", text).map(ToolRequest::Search),
        "outline" => decode("outline", text).map(ToolRequest::Outline),
        "find_symbol" => decode("find_symbol", text).map(ToolRequest::FindSymbol),
        "shell" => decode("shell", text).map(ToolRequest::Shell),
        "web_fetch" => decode("web_fetch", text).map(ToolRequest::WebFetch),
        "finish" => decode("finish", text).map(ToolRequest::Finish),
        tool if edit::EDIT_TOOLS.contains(&tool) => {
            operation(tool, text, root).map(|operation| ToolRequest::Edit(Box::new(operation)))
        }
        other => {
            let known: Vec<String> = specs().into_iter().map(|spec| spec.name).collect();
            let shown: String = kode_base::escape::escape_line(other).chars().take(80).collect();
            Err(format!("there is no tool `{shown}`; the tools are {}", known.join(", ")))
        }
    }
}

/// An edit tool's arguments as one operation; paths may be absolute below the
/// root.
fn operation(tool: &str, text: &str, root: &str) -> Result<Operation, String> {
    let mut arguments: Map<String, Value> = decode(tool, text)?;
    if arguments.contains_key("type") {
        return Err(bad_arguments(tool, "unknown field `type`"));
    }
    let several = arguments.get_mut("paths").and_then(Value::as_array_mut);
    for path in several.into_iter().flatten() {
        make_relative(path, root)?;
    }
    if let Some(path) = arguments.get_mut("path") {
        make_relative(path, root)?;
    }
    arguments.insert("type".to_owned(), Value::String(tool.to_owned()));
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| bad_arguments(tool, &error.to_string()))
}

fn make_relative(path: &mut Value, root: &str) -> Result<(), String> {
    let Some(text) = path.as_str() else { return Ok(()) };
    let relative = ProjectPath::below(root, text).map_err(|error| {
        format!("{}: {error}; give a path relative to the project root", shown(text))
    })?;
    *path = Value::String(relative.into());
    Ok(())
}

fn bad_arguments(tool: &str, why: &str) -> String {
    let spec = specs().into_iter().find(|spec| spec.name == tool);
    let schema = spec.map(|spec| spec.parameters.to_string()).unwrap_or_default();
    format!("bad arguments for {tool}: {why}. Nothing was done. Expected: {schema}")
}

/// Models send `""`, `null` or nothing for "no arguments".
fn decode<T: DeserializeOwned>(tool: &str, text: &str) -> Result<T, String> {
    let text = if matches!(text.trim(), "" | "null") { "{}" } else { text };
    serde_json::from_str(text).map_err(|error| bad_arguments(tool, &error.to_string()))
}

/// A whole number that some models send as a string or a float.
pub(super) fn lenient_number<'de, D>(deserializer: D) -> Result<Option<u64>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Whole(u64),
        Float(f64),
        Text(String),
    }
    let number: Option<Number> = Option::deserialize(deserializer)?;
    let bad = || serde::de::Error::custom("expected a whole number of at least 0");
    match number {
        None => Ok(None),
        Some(Number::Whole(value)) => Ok(Some(value)),
        Some(Number::Float(value)) if value >= 0.0 && value.fract() == 0.0 && value < 1e15 => {
            Ok(Some(value as u64))
        }
        Some(Number::Text(text)) => text.trim().parse().map(Some).map_err(|_| bad()),
        Some(Number::Float(_)) => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(name: &str, arguments: &str) -> String {
        parse(&name.into(), &arguments.into(), "/p").unwrap_err()
    }

    #[test]
    fn a_missing_argument_is_named_with_the_schema() {
        let text = error("read_file", "{}");
        assert!(text.contains("missing field `path`") && text.contains("\"path\""), "{text}");
    }

    #[test]
    fn invalid_json_and_unknown_fields_are_errors() {
        assert!(error("read_file", "{\"path\": ").contains("EOF"));
        assert!(error("read_file", "{\"path\":\"a\",\"x\":1}").contains("unknown field `x`"));
    }

    #[test]
    fn an_unknown_tool_names_the_known_ones() {
        assert!(error("bash", "{}").contains("shell"));
    }

    #[test]
    fn numbers_as_text_are_understood() {
        let arguments = r#"{"path":"a","offset":"3"}"#.into();
        let request = parse(&"read_file".into(), &arguments, "/p").unwrap();
        assert!(matches!(request, ToolRequest::ReadFile(read) if read.offset == Some(3)));
    }

    #[test]
    fn edit_tools_become_operations_with_relative_paths() {
        let arguments = r#"{"path":"/p/src/a.py","old":"x","new":"y"}"#.into();
        let request = parse(&"edit".into(), &arguments, "/p").unwrap();
        let ToolRequest::Edit(operation) = request else { panic!("not an edit") };
        assert_eq!(operation.path().unwrap().as_str(), "src/a.py");
        assert!(error("edit", r#"{"path":"../a","old":"x","new":"y"}"#).contains("outside"));
        assert!(error("edit", r#"{"path":"a","old":"x"}"#).contains("missing field `new`"));
        assert!(error("edit", r#"{"type":"write","path":"a","content":"y"}"#).contains("type"));
    }
}
