//! What the model is told of each tool. Names and arguments are design §4's.

use kode_model::ToolSpec;
use serde_json::{Value, json};

/// Every tool, in the order the model sees them.
pub fn specs() -> Vec<ToolSpec> {
    vec![read_file(), list_files(), search(), write_file(), edit(), shell(), finish()]
}

fn spec(name: &str, description: &str, properties: Value, required: &[&str]) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters: json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        }),
    }
}

fn read_file() -> ToolSpec {
    spec(
        "read_file",
        "Read a text file of the project. Lines come numbered from 1, at most 2000 at a time; \
         use offset and limit for the rest.",
        json!({
            "path": {"type": "string", "description": "Path relative to the project root"},
            "offset": {"type": "integer", "minimum": 1, "description": "First line to show"},
            "limit": {"type": "integer", "minimum": 1, "description": "How many lines to show"},
        }),
        &["path"],
    )
}

fn list_files() -> ToolSpec {
    spec(
        "list_files",
        "List the project's files below a folder, ignored ones left out.",
        json!({
            "path": {"type": "string", "description": "Folder, default the project root"},
            "glob": {"type": "string", "description": "Only paths that match, such as src/**/*.rs"},
        }),
        &[],
    )
}

fn search() -> ToolSpec {
    spec(
        "search",
        "Search file contents with a regular expression (Rust syntax), ignored files left out. \
         Prints path:line:text.",
        json!({
            "pattern": {"type": "string", "description": "Regular expression"},
            "path": {"type": "string", "description": "Folder or file, default the project root"},
            "glob": {"type": "string", "description": "Only paths that match, such as *.py"},
        }),
        &["pattern"],
    )
}

fn write_file() -> ToolSpec {
    spec(
        "write_file",
        "Write a whole file, creating its folders. For a change to an existing file use edit. \
         A write that drops most of an existing file needs allow_shrink.",
        json!({
            "path": {"type": "string", "description": "Path relative to the project root"},
            "content": {"type": "string", "description": "The whole new content"},
            "allow_shrink": {"type": "boolean", "description": "The loss is intended"},
        }),
        &["path", "content"],
    )
}

fn edit() -> ToolSpec {
    spec(
        "edit",
        "Replace exact text in a file. `old` must be there exactly once, unless `all` is true. \
         Whitespace counts; line endings do not.",
        json!({
            "path": {"type": "string", "description": "Path relative to the project root"},
            "old": {"type": "string", "description": "Text to replace, with enough context to be unique"},
            "new": {"type": "string", "description": "Text to put in its place"},
            "all": {"type": "boolean", "description": "Replace every occurrence"},
            "expect_count": {"type": "integer", "minimum": 1, "description": "Refuse unless exactly this many are replaced"},
        }),
        &["path", "old", "new"],
    )
}

fn shell() -> ToolSpec {
    spec(
        "shell",
        "Run a command line with bash in the sandbox, at the project root. No network; only the \
         project is writable; no standard input; background processes end with the command.",
        json!({
            "command": {"type": "string", "description": "The command line"},
            "description": {"type": "string", "description": "Why, in a few words; a person may read it before approving"},
            "timeout_s": {"type": "integer", "minimum": 1, "maximum": 3600, "description": "Seconds, default 120"},
        }),
        &["command"],
    )
}

fn finish() -> ToolSpec {
    spec(
        "finish",
        "End the task. kode then scans every touched file; fatal findings come back to you.",
        json!({
            "summary": {"type": "string", "description": "What was done, for the user"},
            "blocked": {"type": "string", "description": "Set when the task could not be done: what was needed and denied"},
        }),
        &["summary"],
    )
}
