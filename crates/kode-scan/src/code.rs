//! Code files: which are analysed, which can't be and why.

use kode_syntax::{Language, parse};

use crate::ScanFile;
use crate::engine::{Engine, Outcome, Unit};
use crate::lower::{lower, lower_moved, supports};
use crate::raw::RawFinding;
use crate::{component, coverage, encoding, page, prefilter, template};

/// Code files above this size are listed instead of analysed.
const CODE_BYTES_MAX: usize = 2 << 20;
/// Stack of an analysing thread: the interpreter recurses as deep as the code nests.
const STACK_BYTES: usize = 256 << 20;
/// Up to this many files all are lowered, for flows from one into another; of
/// more only those that hold the name of a sink.
const ALWAYS_LOWERED: usize = 64;
/// Analysing threads at most.
const THREADS_MAX: usize = 8;

/// Findings of the code analysis and the files it could not do, with why.
pub(crate) fn inspect(files: &[ScanFile<'_>]) -> (Vec<RawFinding>, Vec<(usize, String)>) {
    let selective = files.len() > ALWAYS_LOWERED;
    let prepared = in_parallel(files.len(), |at| vec![(at, prepare(&files[at], selective))]);
    let mut units: Vec<Option<Unit<'_>>> = (0..files.len()).map(|_| None).collect();
    let mut unscanned = Vec::new();
    for (at, (unit, why)) in prepared {
        units[at] = unit;
        unscanned.extend(why.map(|why| (at, why)));
    }
    let outcomes = analyse(&units);
    let mut findings = Vec::new();
    for (at, outcome) in outcomes {
        findings.extend(outcome.findings);
        unscanned.extend(outcome.incomplete.map(|why| (at, why)));
    }
    unscanned.sort_by_key(|(at, _)| *at);
    (findings, unscanned)
}

/// Lowers a file, or says why it can't be analysed.
fn prepare<'a>(file: &ScanFile<'a>, selective: bool) -> (Option<Unit<'a>>, Option<String>) {
    if page::is_page(file.path) {
        return prepare_page(file);
    }
    let Some(language) = coverage::language(file.path, file.content) else {
        return (None, coverage::without_rules(file.path, file.content));
    };
    if let Some(why) = obstacle(file.content) {
        return (None, Some(why));
    }
    if !supports(language) {
        return (None, Some(format!("no security rules for {} yet", language.name())));
    }
    if selective && !prefilter::may_hold_sink(file.content) {
        return (None, None);
    }
    let text = encoding::readable(file.content);
    let Ok(tree) = parse(language, &text) else {
        return (None, Some(format!("the {} parser gave up", language.name())));
    };
    let root = tree.tree.root_node();
    let why = (root.has_error() && broken_share(root) > 0.1)
        .then(|| format!("it does not parse as {}", language.name()));
    let program = lower(language, &text, &tree.tree);
    let (path, source) = (file.path.as_str(), file.content);
    let unit = Unit { path, language, source, program, outputs: Vec::new() };
    (Some(unit), why)
}

/// Lowers the scripts of a page. TypeScript's grammar also reads JavaScript.
fn prepare_page<'a>(file: &ScanFile<'a>) -> (Option<Unit<'a>>, Option<String>) {
    if let Some(why) = obstacle(file.content) {
        return (None, page::is_code(file.path, file.content).then_some(why));
    }
    let why = coverage::server_side(file.path, file.content);
    let readable = encoding::readable(file.content);
    let scripts = page::scripts_only(&readable);
    let (scripts, moved) = match coverage::extension(file.path).as_str() {
        "vue" | "svelte" => component::with_outputs(&readable, scripts),
        _ => (scripts, Vec::new()),
    };
    let language = match coverage::extension(file.path).as_str() {
        "vue" | "svelte" => Language::TypeScript,
        _ => Language::JavaScript,
    };
    let Ok(tree) = parse(language, &scripts) else {
        return (None, Some("the scripts in it do not parse".to_owned()));
    };
    let program = lower_moved(language, &scripts, &tree.tree, moved);
    let outputs = match coverage::extension(file.path).as_str() {
        "vue" | "svelte" => Vec::new(),
        _ => template::raw_outputs(Some(file.path), file.content),
    };
    let (path, source) = (file.path.as_str(), file.content);
    (Some(Unit { path, language, source, program, outputs }), why)
}

/// Why bytes can't be analysed as code.
fn obstacle(content: &[u8]) -> Option<String> {
    if content.len() > CODE_BYTES_MAX {
        return Some(format!("larger than {} MiB", CODE_BYTES_MAX >> 20));
    }
    encoding::halved_utf16(content).map(|_| "it is UTF-16, which no rule reads".to_owned())
}

/// The share of a file's bytes in error nodes.
fn broken_share(root: kode_syntax::Node<'_>) -> f64 {
    let mut broken = 0;
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        if node.is_error() {
            broken += node.end_byte() - node.start_byte();
        } else if node.has_error() {
            let mut cursor = node.walk();
            stack.extend(node.children(&mut cursor));
        }
    }
    broken as f64 / root.end_byte().max(1) as f64
}

/// Runs the engine over every file; each thread has one of its own.
fn analyse(units: &[Option<Unit<'_>>]) -> Vec<(usize, Outcome)> {
    let wanted: Vec<usize> = (0..units.len()).filter(|at| units[*at].is_some()).collect();
    let share = |thread: usize, threads: usize| {
        let mut engine = Engine::new(units);
        let mine = wanted.iter().skip(thread).step_by(threads);
        mine.map(|at| (*at, engine.analyse(*at))).collect()
    };
    on_threads(wanted.len(), share)
}

/// Runs `work` for every index on a few threads.
fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> Vec<T> + Sync) -> Vec<T> {
    on_threads(count, |thread, threads| {
        (0..count).skip(thread).step_by(threads).flat_map(&work).collect()
    })
}

/// Shares work among threads with a deep stack. A thread that could not be
/// started or that died is an error nobody may overlook, so it is not caught.
fn on_threads<T: Send>(count: usize, share: impl Fn(usize, usize) -> Vec<T> + Sync) -> Vec<T> {
    let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = available.min(THREADS_MAX).min(count.div_ceil(4)).max(1);
    std::thread::scope(|scope| {
        let share = &share;
        let handles: Vec<_> = (0..threads)
            .map(|thread| {
                std::thread::Builder::new()
                    .stack_size(STACK_BYTES)
                    .spawn_scoped(scope, move || share(thread, threads))
            })
            .collect();
        let mut results = Vec::new();
        for handle in handles {
            match handle.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(part)) => results.extend(part),
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => results.extend(share(0, 1)),
            }
        }
        results
    })
}
