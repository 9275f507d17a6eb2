//! Times wrapping (redact, inspect, neutralise, demarcate) of tool output by
//! kind and size. Reported, never asserted. Run with
//! `cargo bench -p kode-agent --bench wrapping`; words behind `--` choose texts.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark reports")]

use std::time::{Duration, Instant};

use kode_agent::context::{Redactor, wrap};
use kode_base::{Secret, Untrusted};

/// Runs of each text; the best counts.
const RUNS: usize = 40;

fn main() {
    let secrets: Vec<Secret> =
        (0..10).map(|number| Secret::new(format!("a-secret-value-{number:08}"))).collect();
    let redactor = Redactor::new(&secrets).with_canary("kode-mark-0123456789abcdef01234567");
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    for (name, line) in [
        ("build log", "   Compiling some-crate v1.2.3 (/work/app/crates/some-crate)\n"),
        (
            "source",
            "        let value = self.table.get(&key).map_or(0, |entry| entry.count + 1);\n",
        ),
        (
            "lock file",
            "      \"integrity\": \"sha512-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08AA==\",\n",
        ),
        (
            "test log, coloured",
            "\u{1b}[32mPASS\u{1b}[0m src/app.test.ts (12 tests) user: ok, system: ok\n",
        ),
        (
            "markup",
            "<p class=\"row\" data-id=\"7\">text <!-- cell --> <a href=\"/x\" title=\"more\">more</a></p>\n",
        ),
        ("Arabic and Japanese", "// مرحبا بالعالم — 日本語のコメント\n"),
        ("Russian", "// Проверяет ответ сервера и пишет его в журнал, если user задан.\n"),
        ("Chinese", "// 检查服务器的响应，并将其写入日志（如果 user 已设置）。\n"),
    ] {
        if !chosen.is_empty() && !chosen.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let sizes = [100_000, 200_000, 400_000];
        let times: Vec<String> = sizes
            .iter()
            .map(|size| {
                let text = Untrusted::from(line.repeat(size / line.len()));
                format!(
                    "{:>7.3} ms for {} KB",
                    best(&text, &redactor).as_secs_f64() * 1e3,
                    size / 1000
                )
            })
            .collect();
        println!("{name:20} {}", times.join(", "));
    }
}

fn best(text: &Untrusted<String>, redactor: &Redactor) -> Duration {
    (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let wrapped = wrap("shell", text, redactor).unwrap();
            assert!(!wrapped.as_str().is_empty());
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}
