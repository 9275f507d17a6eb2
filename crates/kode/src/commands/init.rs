//! `kode init`: asks for provider, model and key source, makes a test call, and
//! writes the user's first configuration.

use std::io::{BufRead, Write, stdin, stdout};

use kode_base::escape::escape_line;
use kode_base::{ExitStatus, Interrupt};
use kode_config::FlagOverrides;
use kode_model::{Message, Provider, Request};
use serde_json::{Map, Value};

use super::terminal::require_terminal;
use crate::failure::Failure;
use crate::places::Places;
use crate::wiring::{connect_settings, settings_without_project};

/// A provider that can be chosen.
struct Choice {
    name: &'static str,
    provider: &'static str,
    base_url: Option<&'static str>,
    model: &'static str,
    key_variable: Option<&'static str>,
}

const CHOICES: [Choice; 4] = [
    Choice {
        name: "Anthropic",
        provider: "anthropic",
        base_url: None,
        model: "claude-sonnet-4-5",
        key_variable: Some("ANTHROPIC_API_KEY"),
    },
    Choice {
        name: "OpenAI",
        provider: "openai",
        base_url: None,
        model: "gpt-5",
        key_variable: Some("OPENAI_API_KEY"),
    },
    Choice {
        name: "a local server (Ollama, llama.cpp, vLLM)",
        provider: "openai",
        base_url: Some("http://localhost:11434/v1"),
        model: "qwen3-coder",
        key_variable: None,
    },
    Choice {
        name: "another server that speaks OpenAI Chat Completions",
        provider: "openai",
        base_url: Some("https://example.com/v1"),
        model: "",
        key_variable: Some("KODE_API_KEY"),
    },
];

/// Walks through it.
pub(crate) fn run() -> Result<ExitStatus, Failure> {
    require_terminal("init")?;
    let places = Places::from_environment()?;
    let path = places.kode_home.join("config.json");
    if path.exists() {
        return Err(Failure::new(
            ExitStatus::Usage,
            format!("{} is there already", path.display()),
        )
        .hint("edit it, or move it away and run `kode init` again; `kode doctor` checks it"));
    }
    say!("Who answers?");
    for (index, choice) in CHOICES.iter().enumerate() {
        say!("  {}  {}", index + 1, choice.name);
    }
    let choice = &CHOICES[chosen(&ask("number", "1")?)?];
    let mut keys = Map::new();
    keys.insert("provider".to_owned(), Value::from(choice.provider));
    if let Some(base_url) = choice.base_url {
        keys.insert("base_url".to_owned(), Value::from(ask("base URL", base_url)?));
    }
    keys.insert("model".to_owned(), Value::from(ask("model", choice.model)?));
    if let Some(variable) = choice.key_variable {
        tell_about_key(variable);
    }
    let path = kode_config::create_user_file(&places.kode_home, keys)?;
    say!("wrote {}", path.display());
    test_call(&places)
}

fn chosen(answer: &str) -> Result<usize, Failure> {
    let number: Option<usize> = answer.parse().ok();
    number
        .and_then(|number| number.checked_sub(1))
        .filter(|index| *index < CHOICES.len())
        .ok_or_else(|| {
            Failure::new(
                ExitStatus::Usage,
                format!("{} is none of the numbers", escape_line(answer)),
            )
        })
}

/// A line from the person; empty means the default.
fn ask(what: &str, default: &str) -> Result<String, Failure> {
    say_part!("{what} [{default}]: ");
    stdout().flush()?;
    let mut line = String::new();
    if stdin().lock().read_line(&mut line)? == 0 {
        return Err(Failure::new(ExitStatus::Interrupted, "nothing was written"));
    }
    let line = line.trim();
    Ok(if line.is_empty() { default.to_owned() } else { line.to_owned() })
}

/// Keys stay in the environment: a key in a file outlives its purpose.
fn tell_about_key(variable: &str) {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("KODE_API_KEY") || set(variable) {
        say!("The key comes from the environment.");
    } else {
        say!("No key is set: export {variable}=… in your shell before you run kode.");
    }
}

fn test_call(places: &Places) -> Result<ExitStatus, Failure> {
    let settings = settings_without_project(places, FlagOverrides::default())?;
    let mut provider = connect_settings(&settings)?;
    say_part!("asking {} to say hello … ", escape_line(provider.model()));
    stdout().flush()?;
    greet(provider.as_mut())?;
    say!("it answered.\nTry: kode run \"explain this project\"");
    Ok(ExitStatus::Success)
}

fn greet(provider: &mut dyn Provider) -> Result<(), Failure> {
    let messages = [
        Message::System { text: "Answer with one short sentence.".to_owned() },
        Message::User { text: "Say hello.".to_owned() },
    ];
    let request = Request { messages: &messages, tools: &[] };
    let reply = provider.respond(&request, &Interrupt::new(), &mut |_| {});
    reply.map(|_| ()).map_err(Failure::provider)
}
