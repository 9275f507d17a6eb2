//! Parses a model's tool call. Unknown tools, unknown fields, wrong types and
//! missing arguments become a sentence the model can act on.

use kode_base::Untrusted;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::edit_file::EditFile;
use super::finish::Finish;
use super::list_files::ListFiles;
use super::read_file::ReadFile;
use super::search::SearchFiles;
use super::shell::Shell;
use super::specs;
use super::write_file::WriteFile;

/// A call whose arguments fit.
#[derive(Debug)]
pub(crate) enum ToolRequest {
    ReadFile(ReadFile),
    ListFiles(ListFiles),
    Search(SearchFiles),
    WriteFile(WriteFile),
    Edit(EditFile),
    Shell(Shell),
    Finish(Finish),
}

impl ToolRequest {
    /// The path argument of a tool that writes one file.
    pub(crate) fn written_path(&self) -> Option<&str> {
        match self {
            Self::WriteFile(tool) => Some(&tool.path),
            Self::Edit(tool) => Some(&tool.path),
            _ => None,
        }
    }
}

/// Parses tool `name` with JSON `arguments`.
///
/// # Errors
/// A sentence for the model.
#[expect(clippy::disallowed_methods, reason = "parsing the call is what this is for")]
pub(crate) fn parse(
    name: &Untrusted<String>,
    arguments: &Untrusted<String>,
) -> Result<ToolRequest, String> {
    let text = arguments.expose();
    match name.expose().as_str() {
        "read_file" => decode("read_file", text).map(ToolRequest::ReadFile),
        "list_files" => decode("list_files", text).map(ToolRequest::ListFiles),
        "search" => decode("search", text).map(ToolRequest::Search),
        "write_file" => decode("write_file", text).map(ToolRequest::WriteFile),
        "edit" => decode("edit", text).map(ToolRequest::Edit),
        "shell" => decode("shell", text).map(ToolRequest::Shell),
        "finish" => decode("finish", text).map(ToolRequest::Finish),
        other => {
            let known: Vec<String> = specs().into_iter().map(|spec| spec.name).collect();
            let shown: String = kode_base::escape::escape_line(other).chars().take(80).collect();
            Err(format!("there is no tool `{shown}`; the tools are {}", known.join(", ")))
        }
    }
}

/// Models send `""`, `null` or nothing for "no arguments".
fn decode<T: DeserializeOwned>(tool: &str, text: &str) -> Result<T, String> {
    let text = if matches!(text.trim(), "" | "null") { "{}" } else { text };
    serde_json::from_str(text).map_err(|error| {
        let spec = specs().into_iter().find(|spec| spec.name == tool);
        let schema = spec.map(|spec| spec.parameters.to_string()).unwrap_or_default();
        format!("bad arguments for {tool}: {error}. Nothing was done. Expected: {schema}")
    })
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
        parse(&name.into(), &arguments.into()).unwrap_err()
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
        let request = parse(&"read_file".into(), &r#"{"path":"a","offset":"3"}"#.into()).unwrap();
        assert!(matches!(request, ToolRequest::ReadFile(read) if read.offset == Some(3)));
    }
}
