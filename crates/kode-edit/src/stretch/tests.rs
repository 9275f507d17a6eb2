use kode_base::ProjectPath;
use kode_syntax::parse;
use proptest::prelude::*;

use super::*;
use crate::guard::syntax_harm;
use crate::loss::lost_definitions;
use kits::*;

mod kits;

fn at(language: Language) -> ProjectPath {
    let extension = match language {
        Language::JavaScript => "js",
        Language::TypeScript => "ts",
        Language::Tsx => "tsx",
        Language::Php => "php",
        Language::Ruby => "rb",
        Language::Python => "py",
        Language::Go => "go",
        Language::Java => "java",
        Language::CSharp => "cs",
        Language::C => "c",
        Language::Cpp => "cpp",
        _ => "rs",
    };
    ProjectPath::new(&format!("a.{extension}")).unwrap()
}

/// Statements or members, and what stands before and behind them.
type Kit = (Language, &'static [&'static str], [&'static str; 2]);

fn kit() -> impl Strategy<Value = Kit> {
    const NONE: [&str; 2] = ["", ""];
    const CLASS: [&str; 2] = ["class K {\n", "}\n"];
    prop_oneof![
        Just((Language::JavaScript, ELEMENTS, NONE)),
        Just((Language::Tsx, ELEMENTS, NONE)),
        Just((Language::Php, PHP, ["<?php\n", ""])),
        Just((Language::Php, PHP_MEMBERS, ["<?php\nclass K\n{\n", "}\n"])),
        Just((Language::Php, PHP_MEMBERS, ["<?php\nenum K\n{\n", "}\n"])),
        Just((Language::Ruby, RUBY, NONE)),
        Just((Language::Ruby, RUBY, ["class K\n", "end\n"])),
        Just((Language::JavaScript, SCRIPT, NONE)),
        Just((Language::TypeScript, SCRIPT, NONE)),
        Just((Language::Tsx, SCRIPT, NONE)),
        Just((Language::Python, PYTHON, NONE)),
        Just((Language::Go, GO, NONE)),
        Just((Language::Rust, RUST, NONE)),
        Just((Language::Java, JAVA, CLASS)),
        Just((Language::CSharp, JAVA, CLASS)),
        Just((Language::C, C, NONE)),
        Just((Language::Cpp, C, NONE)),
    ]
}

/// Statements of a kit, mostly from its first ones, which are sound.
fn picks(at_most: usize) -> impl Strategy<Value = Vec<(bool, prop::sample::Index)>> {
    let pick = (prop::bool::weighted(0.85), any::<prop::sample::Index>());
    prop::collection::vec(pick, 0..=at_most)
}

fn assembled(kit: &[&str], picks: &[(bool, prop::sample::Index)]) -> String {
    let pick = |(is_sound, index): &(bool, prop::sample::Index)| {
        *index.get(if *is_sound { &kit[..6] } else { kit })
    };
    picks.iter().map(pick).collect()
}

/// What whole trees say of the change; `None` where the file was broken before: what
/// recovery makes of the same errors is no measure.
fn verdict_by_whole_file(language: Language, change: &Change<'_>) -> Option<Verdict> {
    let before = parse(language, change.before.unwrap()).unwrap();
    let after = parse(language, change.after).unwrap();
    let sound = is_sound(&before);
    let whole = Trees { before: Some(before), after, differing: None, stretch: None };
    sound.then(|| (syntax_harm(change, Some(&whole)), lost_definitions(change, Some(&whole))))
}

/// The line of the first new error, and the definitions that are gone.
type Verdict = (Option<usize>, Option<String>);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_passes_by_its_stretch_passes_by_the_whole_file(
        (language, kit, [open, close]) in kit(),
        head in picks(9),
        was in picks(3),
        is in picks(3),
        tail in picks(9),
        cut in any::<prop::sample::Index>(),
    ) {
        let (head, tail) = (assembled(kit, &head), assembled(kit, &tail));
        let (was, mut is) = (assembled(kit, &was), assembled(kit, &is));
        is.truncate(cut.index(2 * is.len() + 1));
        let whole = |middle: &str| format!("{open}{head}{middle}{tail}{close}");
        let (before, after) = (whole(&was), whole(&is));
        let path = at(language);
        let (old, new) = (before.as_bytes(), after.as_bytes());
        let change = Change { path: &path, before: Some(old), after: new, written: "" };
        if let Some(trees) = trees_around_change(language, &change)
            && let Some(verdict) = verdict_by_whole_file(language, &change)
        {
            let lost = lost_definitions(&change, Some(&trees));
            prop_assert_eq!((None, lost), verdict, "{:?}\n{}-----\n{}", language, before, after);
        }
    }
}

/// A text that leaves something open is no sound head: what follows it is not at the top.
#[test]
fn an_open_string_comment_or_bracket_is_no_sound_head() {
    let open: [(Language, &[&str]); 4] = [
        (
            Language::TypeScript,
            &["/*", "`", "x = '", "x = (", "{", "class A {", "x = `${", "if (x)"],
        ),
        (Language::Python, &["\"\"\"", "r'''", "x = (", "x = [", "@deco", "x = {"]),
        (Language::Go, &["/*", "`", "var x = (", "func f() {", "var x = \"", "import ("]),
        (Language::Rust, &["/*", "/* /* */", "const X: &str = r#\"", "fn f() {", "x!("]),
    ];
    for (language, texts) in open {
        for text in texts {
            let tree = parse(language, format!("{text}\n").as_bytes()).unwrap();
            assert!(!is_sound(&tree), "{language:?} {text}");
        }
    }
}

#[test]
fn an_edit_of_a_large_file_takes_the_short_way_and_a_broken_one_the_long() {
    let function = |n: usize| format!("/** {n} */\nfunction f{n}() {{\n  return {n};\n}}\n");
    let file: String = (0..800).map(function).collect();
    let path = at(Language::JavaScript);
    let trees_after = |old: &str, new: &str| {
        let after = file.replace(old, new);
        let (old, new) = (file.as_bytes(), after.as_bytes());
        let change = Change { path: &path, before: Some(old), after: new, written: "" };
        trees(Language::JavaScript, &change)
    };
    for n in [0, 1, 400, 799] {
        let trees = trees_after(&format!("return {n};"), "return g(1);").unwrap();
        let stretch = trees.stretch.unwrap();
        assert_eq!(&file[stretch.before.clone()], function(n));
        assert_eq!(stretch.after.len(), stretch.before.len() + 4 - n.to_string().len());
    }
    assert!(trees_after("return 400;", "return (;").is_none());
    assert!(trees_after("return 400;", "return 1; /*").is_none());
    assert!(trees_after("/** 0 */", "/* `").is_none());
    assert_eq!(open_brackets(Language::JavaScript, file.as_bytes()), Some(0));
}

#[test]
fn a_function_taken_out_behind_one_like_it_is_lost() {
    let function = "func one(a int) int {\n\treturn a\n}\n\n";
    let before = format!("package a\n\n{}", function.repeat(4));
    let after = format!("package a\n\n{}", function.repeat(3));
    let path = at(Language::Go);
    let (old, new) = (before.as_bytes(), after.as_bytes());
    let change = Change { path: &path, before: Some(old), after: new, written: "" };
    let trees = trees_around_change(Language::Go, &change).unwrap();
    assert_eq!(lost_definitions(&change, Some(&trees)).as_deref(), Some("one"));
}

#[test]
fn members_without_a_modifier_take_the_short_way() {
    let method = |mark: &str, n: usize| {
        format!(
            "    {mark}\n    int f{n}(int a) {{\n        int b = {n};\n        return b;\n    }}\n\n"
        )
    };
    let methods = |mark: &str| (0..400).map(|n| method(mark, n)).collect::<String>();
    let inner = "    interface B {\n        int x();\n    }\n";
    let java = format!("package a;\n\nclass A {{\n{}{inner}}}\n", methods("@Test"));
    let class = "namespace A {\nclass A<T> where T : class {\n";
    let sharp = format!("{class}{}}}\n}}\n", methods("[Test]"));
    let files = [(Language::Java, java, "@Test"), (Language::CSharp, sharp, "[Test]")];
    for (language, file, mark) in files {
        for n in [0, 200, 399] {
            let after = file.replace(&format!("int b = {n};"), "int b = g(1);");
            let path = at(language);
            let (old, new) = (file.as_bytes(), after.as_bytes());
            let change = Change { path: &path, before: Some(old), after: new, written: "" };
            let stretch = trees(language, &change).unwrap().stretch.unwrap();
            assert_eq!(file[stretch.before].trim(), method(mark, n).trim(), "{language:?}");
        }
    }
}

#[test]
fn php_ruby_and_elements_take_the_short_way() {
    let php = |n: usize| {
        format!(
            "    public function f{n}($a)\n    {{\n        return \"x {{$a['b']}}\" . {n};\n    }}\n\n"
        )
    };
    let ruby = |n: usize| {
        format!(
            "  def f{n}(a)\n    if a =~ /x'/\n      b\n    end\n    return \"x #{{a}}\" + {n}\n  end\n\n"
        )
    };
    let elements =
        |n: usize| format!("export function F{n}() {{\n  return <p>don't {{a + {n}}}</p>;\n}}\n");
    let all = |one: &dyn Fn(usize) -> String| (0..200).map(one).collect::<String>();
    let files = [
        (Language::Php, format!("<?php\nclass A\n{{\n{}}}\n", all(&php)), php(150)),
        (Language::Ruby, format!("class A\n{}end\n", all(&ruby)), ruby(150)),
        (Language::Ruby, all(&ruby), ruby(150)),
        (Language::Tsx, all(&elements), elements(150)),
        (Language::JavaScript, all(&elements), elements(150)),
    ];
    for (language, file, changed) in files {
        let after = file.replace(" 150", " g(1)");
        let path = at(language);
        let (old, new) = (file.as_bytes(), after.as_bytes());
        let change = Change { path: &path, before: Some(old), after: new, written: "" };
        let trees = trees(language, &change).unwrap_or_else(|| panic!("{file}"));
        let stretch = trees.stretch.unwrap();
        assert_eq!(file[stretch.before].trim(), changed.trim(), "{language:?}");
    }
}

/// Lines of real files taken out, doubled and moved. Prints how often the short way
/// was taken. Wants a folder in `KODE_SOURCES`, and how many changes a file in `KODE_CHANGES`.
#[test]
#[ignore = "reads the folder of sources that KODE_SOURCES names"]
fn changes_of_real_files_pass_by_their_stretch_as_by_the_whole_file() {
    let mut folders = vec![std::path::PathBuf::from(std::env::var("KODE_SOURCES").unwrap())];
    let changes: usize = std::env::var("KODE_CHANGES").map_or(4, |text| text.parse().unwrap());
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts = std::collections::BTreeMap::<&str, [usize; 3]>::new();
    let mut differing = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            let name = entry.path().to_string_lossy().into_owned();
            let extension = name.rsplit('.').next().unwrap();
            let Some(language) = Language::from_extension(extension) else { continue };
            let Ok(before) = std::fs::read(entry.path()) else { continue };
            let size = WORTH_CUTTING_BYTES..200_000;
            if !size.contains(&before.len()) || !is_sound(&parse(language, &before).unwrap()) {
                continue;
            }
            let count = counts.entry(language.name()).or_default();
            count[0] += 1;
            for _ in 0..changes {
                let after = changed_lines(&before, runner.rng());
                let path = ProjectPath::new(&format!("a.{extension}")).unwrap();
                let change =
                    Change { path: &path, before: Some(&before), after: &after, written: "" };
                count[1] += 1;
                let Some(trees) = trees_around_change(language, &change) else { continue };
                count[2] += 1;
                let verdict = verdict_by_whole_file(language, &change).unwrap();
                let lost = lost_definitions(&change, Some(&trees));
                if (None, lost.clone()) != verdict {
                    differing += 1;
                    println!("{name}: {lost:?} {verdict:?}\n{}", String::from_utf8_lossy(&after));
                }
            }
        }
    }
    for (language, [files, tried, short]) in counts {
        println!("{language}: {files} files, {tried} changes, {short} the short way");
    }
    assert_eq!(differing, 0);
}

/// Some lines from one place taken out, doubled or moved to another; bytes now and then.
fn changed_lines(before: &[u8], rng: &mut proptest::test_runner::TestRng) -> Vec<u8> {
    let mut below = |bound: usize| rng.next_u64() as usize % bound.max(1);
    let mut lines: Vec<&[u8]> = before.split_inclusive(|byte| *byte == b'\n').collect();
    let start = below(lines.len());
    let end = (start + 1 + below(4)).min(lines.len());
    let some: Vec<&[u8]> = lines[start..end].to_vec();
    match below(4) {
        0 => drop(lines.drain(start..end)),
        1 => drop(lines.splice(start..start, some)),
        2 => {
            lines.drain(start..end);
            let to = start.saturating_sub(below(12)).min(lines.len());
            lines.splice(to..to, some);
        }
        _ => {
            let mut text = lines.concat();
            let at = below(text.len());
            let mark = b"\"'`{}()[]/<>;:,=#%a1\n"[below(21)];
            match below(2) {
                0 => drop(text.remove(at)),
                _ => text.insert(at, mark),
            }
            return text;
        }
    }
    lines.concat()
}

/// What a grammar makes of a comment that never ends: a regular expression, a division.
#[test]
fn a_comment_left_open_is_seen_in_large_files_and_small_ones() {
    let kits = [
        (
            Language::JavaScript,
            "function f",
            "() {\n  /* it's */ return a / b;\n}\n",
            "*/ r",
            "/ r",
        ),
        (Language::Go, "func f", "() {\n\tx := a /* b */\n}\n", "*/\n", "\n"),
        (Language::C, "int f", "(int *b) {\n  int x = a / 2; /* b */ return x;\n}\n", "*/ r", " r"),
    ];
    for (language, open, rest, closed, left_open) in kits {
        for count in [1, 400] {
            let package = if language == Language::Go { "package a\n\n" } else { "" };
            let function = |n: usize| format!("{open}{n}{rest}");
            let file: String = (0..count).map(function).collect();
            let last = file.rfind(closed).unwrap();
            let before = format!("{package}{file}");
            let last = package.len() + last;
            let after = [&before[..last], left_open, &before[last + closed.len()..]].concat();
            let path = at(language);
            let (old, new) = (before.as_bytes(), after.as_bytes());
            let change = Change { path: &path, before: Some(old), after: new, written: "" };
            let trees = Trees::of(&change).unwrap();
            assert!(syntax_harm(&change, trees.as_ref()).is_some(), "{language:?} {count}");
        }
    }
}
