//! Code files: which are analysed, which can't be and why.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kode_base::ProjectPath;
use kode_syntax::{Language, parse};

use crate::ScanFile;
use crate::engine::{Aliases, Engine, Named, Outcome, Unit};
use crate::loading::loaded_languages;
use crate::lower::{lower, lower_moved, supports};
use crate::lowered::lowered;
use crate::mappers::Mappers;
use crate::model::{family, models};
use crate::raw::RawFinding;
use crate::{
    comments, component, coverage, encoding, expression_language, page, prefilter, pug, secrets,
    server_page, template,
};

/// Code files above this size are listed instead of analysed.
const CODE_BYTES_MAX: usize = 2 << 20;
/// Stack of an analysing thread: the interpreter recurses as deep as the code nests.
const STACK_BYTES: usize = 256 << 20;
/// Up to this many files all are lowered, for flows from one into another; of
/// more only those that hold the name of a sink.
const ALWAYS_LOWERED: usize = 64;
/// The same where files are read for what flows through them.
const ALWAYS_LOWERED_AROUND: usize = 512;
/// Files are analysed a second time, for what they leave each other, only where they
/// have no more expressions than this together.
const TOGETHER_MAX: usize = 300_000;
/// Analysing threads at most.
const THREADS_MAX: usize = 8;
/// Memory that a thread's allocator is given at its start, in blocks of this size:
/// grown bit by bit, it asks the kernel for every page.
const ARENA_BLOCK_BYTES: usize = 96 << 10;
const ARENA_BLOCKS: usize = 24;

/// Findings of every inspector, and the files the code analysis could not do, with why.
pub(crate) fn inspect(
    files: &[ScanFile<'_>],
    has_around: bool,
    named: &[ProjectPath],
) -> (Vec<RawFinding>, Vec<(usize, String)>) {
    let always = if has_around { ALWAYS_LOWERED_AROUND } else { ALWAYS_LOWERED };
    let selective = files.len() > always;
    let next = AtomicUsize::new(0);
    let order = largest_first(files);
    let languages = loaded_languages(files);
    let loaded = |at: usize| languages.iter().find(|(file, _)| *file == at).map(|(_, l)| *l);
    let prepared = on_threads(files.len(), |thread, _| {
        taken(&next, files.len())
            .map(|place| {
                let at = order[place];
                let file = &files[at];
                let secrets =
                    || secrets::inspect(at, file.path, &below(file.path, named), file.content);
                // No two threads begin with what only one of them can set up.
                if thread % 2 == 1 {
                    let unit = prepare(file, selective, loaded(at));
                    return (at, unit, secrets());
                }
                let found = secrets();
                (at, prepare(file, selective, loaded(at)), found)
            })
            .collect()
    });
    let mut units: Vec<Option<Unit<'_>>> = (0..files.len()).map(|_| None).collect();
    let (mut unscanned, mut findings) = (Vec::new(), Vec::new());
    for (at, (unit, why), found) in prepared {
        units[at] = unit;
        unscanned.extend(why.map(|why| (at, why)));
        findings.extend(found);
    }
    let mut mappers = Mappers::of(files);
    findings.append(&mut mappers.warnings);
    let named = Named { aliases: Aliases::of(files), mappers };
    let outcomes = analyse(&units, &named, always);
    for (at, outcome) in outcomes {
        findings.extend(outcome.findings);
        unscanned.extend(outcome.incomplete.map(|why| (at, why)));
    }
    unscanned.sort_by_key(|(at, _)| *at);
    (findings, unscanned)
}

/// A file's path as seen from what a person named, if they named any folder above it.
fn below(path: &ProjectPath, named: &[ProjectPath]) -> ProjectPath {
    let text = path.as_str();
    let rest = |named: &ProjectPath| {
        let rest = text.strip_prefix(named.as_str())?;
        if rest.is_empty() { Some(path.file_name()) } else { rest.strip_prefix('/') }
    };
    let shortest = named.iter().filter_map(rest).min_by_key(|rest| rest.len());
    shortest.and_then(|rest| ProjectPath::new(rest).ok()).unwrap_or_else(|| path.clone())
}

/// The order in which files are taken: no thread is left with a large one at the end.
fn largest_first(files: &[ScanFile<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(files[*at].content.len()));
    order
}

/// Lowers a file, or says why it can't be analysed. `loaded` is the language as which
/// another file loads it.
fn prepare<'a>(
    file: &ScanFile<'a>,
    selective: bool,
    loaded: Option<Language>,
) -> (Option<Unit<'a>>, Option<String>) {
    if page::is_page(file.path) {
        return prepare_page(file);
    }
    if server_page::is_server_page(file.path) {
        return prepare_server_page(file);
    }
    match (coverage::language(file.path, file.content), loaded) {
        (Some(language), _) => prepare_code(file, selective, language),
        // What its name says is no code is prose where it does not parse.
        (None, Some(language)) => match prepare_code(file, selective, language) {
            (unit, None) => (unit, None),
            _ => (None, None),
        },
        (None, None) => (None, coverage::without_rules(file.path, file.content)),
    }
}

/// Lowers a file of a language.
fn prepare_code<'a>(
    file: &ScanFile<'a>,
    selective: bool,
    language: Language,
) -> (Option<Unit<'a>>, Option<String>) {
    if !supports(language) {
        return (None, coverage::without_rules(file.path, file.content));
    }
    if let Some(why) = obstacle(file.content) {
        return (None, Some(why));
    }
    let codec = encoding::unreadable_python(file.content).filter(|_| language == Language::Python);
    if let Some(codec) = codec {
        return (None, Some(format!("it is written in {codec}, which no rule reads")));
    }
    if selective && !prefilter::may_hold_sink(file.content) {
        return (None, None);
    }
    let lower_file = || {
        let mut text = encoding::readable(file.content);
        if matches!(language, Language::Python | Language::Java)
            && let Some(ended) = encoding::line_ends(&text)
        {
            text = ended.into();
        }
        if language == Language::Java
            && let Some(named) = encoding::java_names(&text)
        {
            text = named.into();
        }
        let tree = parse(language, &text).ok()?;
        let root = tree.tree.root_node();
        let why = (root.has_error() && broken_share(root) > 0.1)
            .then(|| format!("it does not parse as {}", language.name()));
        Some((Arc::new(lower(language, &text, &tree.tree)), why))
    };
    // Of many files too little would be kept to be met again.
    let made = if selective { lower_file() } else { lowered(language, file.content, lower_file) };
    let Some((program, why)) = made else {
        return (None, Some(format!("the {} parser gave up", language.name())));
    };
    // What the analysis will need is set up while other files are still parsed.
    models(family(language));
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
    let mut shown = comments::without_comments(file.path, &readable);
    if coverage::extension(file.path) == "ejs" {
        // Only its outputs are looked at, and those by themselves.
        shown = Some(server_page::without_server(shown.as_deref().unwrap_or(&readable)));
    }
    let shown = shown.as_deref().unwrap_or(&readable);
    let scripts = match coverage::extension(file.path).as_str() {
        "pug" => pug::scripts_only(shown),
        _ => page::scripts_only(shown, page::form(file.path)),
    };
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
    let program = Arc::new(lower_moved(language, &scripts, &tree.tree, moved));
    let outputs = match coverage::extension(file.path).as_str() {
        "vue" | "svelte" => Vec::new(),
        _ => template::raw_outputs(Some(file.path), file.content),
    };
    let (path, source) = (file.path.as_str(), file.content);
    (Some(Unit { path, language, source, program, outputs }), why)
}

/// Lowers the scripts of a page whose other parts no rule reads, which is said all the same.
fn prepare_server_page<'a>(file: &ScanFile<'a>) -> (Option<Unit<'a>>, Option<String>) {
    let why = coverage::without_rules(file.path, file.content);
    let scripts = obstacle(file.content)
        .is_none()
        .then(|| server_page::scripts(file.path, &encoding::readable(file.content)))
        .flatten();
    let language = Language::JavaScript;
    let outputs = expression_language::outputs(file.path, file.content);
    // A page without scripts is looked at for what it puts out.
    let scripts = scripts.or_else(|| (!outputs.is_empty()).then(Vec::new));
    let Some((scripts, tree)) =
        scripts.and_then(|scripts| parse(language, &scripts).ok().map(|tree| (scripts, tree)))
    else {
        return (None, why);
    };
    let program = Arc::new(lower_moved(language, &scripts, &tree.tree, Vec::new()));
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
fn analyse(
    units: &[Option<Unit<'_>>],
    named: &Named,
    together_max: usize,
) -> Vec<(usize, Outcome)> {
    let wanted: Vec<usize> = (0..units.len()).filter(|at| units[*at].is_some()).collect();
    let share = |thread: usize, threads: usize| {
        let mut engine = Engine::new(units, named);
        let mine = wanted.iter().skip(thread).step_by(threads);
        mine.map(|at| (*at, engine.analyse(*at))).collect()
    };
    let mut outcomes = on_threads(wanted.len(), share);
    let sizes = units.iter().flatten().map(|unit| unit.program.expressions.len());
    let is_small = wanted.len() <= together_max && sizes.sum::<usize>() <= TOGETHER_MAX;
    if wanted.len() > 1 && is_small && outcomes.iter().any(|(_, outcome)| outcome.shares) {
        outcomes.extend(on_threads(1, |_, _| together(units, named, &wanted)));
    }
    outcomes
}

/// Files that leave each other something, by one engine: all of them once, then again
/// with what the others left.
fn together(units: &[Option<Unit<'_>>], named: &Named, wanted: &[usize]) -> Vec<(usize, Outcome)> {
    let mut engine = Engine::new(units, named);
    for at in wanted {
        engine.analyse(*at);
    }
    wanted.iter().map(|at| (*at, engine.analyse_again(*at))).collect()
}

/// The numbers below `count` that no other thread has taken, as they are asked for.
fn taken(next: &AtomicUsize, count: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        (at < count).then_some(at)
    })
}

/// Shares work among threads with a deep stack. A thread that could not be
/// started or that died is an error nobody may overlook, so it is not caught.
fn on_threads<T: Send>(count: usize, share: impl Fn(usize, usize) -> Vec<T> + Sync) -> Vec<T> {
    let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = available.min(THREADS_MAX).min(count.div_ceil(2)).max(1);
    std::thread::scope(|scope| {
        let share = &share;
        let handles: Vec<_> = (0..threads)
            .map(|thread| {
                std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, move || {
                    // What is freed before the last block stays with the thread.
                    let mut blocks = vec![Vec::<u8>::with_capacity(64)];
                    let grown = (0..ARENA_BLOCKS).map(|_| Vec::with_capacity(ARENA_BLOCK_BYTES));
                    blocks.extend(grown);
                    blocks.push(Vec::with_capacity(64));
                    blocks.drain(..=ARENA_BLOCKS);
                    let done = share(thread, threads);
                    drop(blocks);
                    done
                })
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
