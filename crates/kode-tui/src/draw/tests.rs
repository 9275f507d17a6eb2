//! Pictures of the screen, and sizes at which it must hold.

mod speed;

use kode_base::{ChangeKind, ProjectPath, TouchedFile, Untrusted, escape::is_deceptive};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::*;
use crate::exchange::{FileContents, FileEntry, Hunk, Input};
use crate::theme::{Background, Theme};

fn entry(path: &str, change: ChangeKind) -> FileEntry {
    let path = ProjectPath::new(path).unwrap();
    let file = TouchedFile { path, change, added: 1, removed: 1, binary: false };
    FileEntry::new(file, true, "1".to_owned())
}

fn review() -> App {
    let mut app = App::new(Mode::Review, Theme::PLAIN);
    app.input(Input::Files(vec![
        entry("a\u{1b}[2Jb\u{202e}.py", ChangeKind::New),
        entry("src/deeply/nested/folder/with/a/long/name.rs", ChangeKind::Deleted),
        entry("z.py", ChangeKind::Changed),
    ]));
    let side = |text: &str| Some(Untrusted::new(text.as_bytes().to_vec()));
    let contents = FileContents {
        version: "1".to_owned(),
        before: side("def f(x):\n\treturn x # old\n日本語\n"),
        after: side("def f(x):\n\treturn x # new\u{1b}[31m\n日本語\nend"),
        hunks: vec![Hunk { before: 1..2, after: 1..2 }, Hunk { before: 3..3, after: 3..4 }],
        note: None,
        met: None,
    };
    let path = ProjectPath::new("a\u{1b}[2Jb\u{202e}.py").unwrap();
    app.input(Input::Contents { path, contents: Ok(contents) });
    app
}

fn picture(app: &mut App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(app, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| row(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_review_with_hostile_names_and_text_at_80_by_24() {
    insta::assert_snapshot!(picture(&mut review(), 80, 24));
}

#[test]
fn side_by_side_at_300_columns() {
    insta::assert_snapshot!(picture(&mut review(), 300, 12));
}

/// The picture with each cell's style as a letter below it.
fn styled(app: &mut App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(app, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let mut shown = String::new();
    for y in 0..height {
        let cells: Vec<_> = (0..width).map(|x| buffer[(x, y)].clone()).collect();
        let text: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        let colours: String = cells.iter().map(letter_of).collect();
        shown.push_str(&format!("{}\n{}\n", text.trim_end(), colours.trim_end()));
    }
    shown
}

/// A letter for the colours of a cell: foreground in small, a tint in capitals.
fn letter_of(cell: &ratatui::buffer::Cell) -> char {
    use ratatui::style::{Color, Modifier};
    match (cell.fg, cell.bg) {
        (_, Color::Indexed(22 | 194)) => 'G',
        (_, Color::Indexed(52 | 224)) => 'R',
        (Color::Red, _) => 'r',
        (Color::Green, _) => 'g',
        (Color::Yellow | Color::Indexed(_), _) => 'y',
        (Color::Magenta, _) => 'm',
        (Color::Cyan, _) => 'c',
        _ if cell.modifier.contains(Modifier::REVERSED) => '#',
        _ if cell.modifier.contains(Modifier::UNDERLINED) => '_',
        _ if cell.modifier.contains(Modifier::BOLD) => '*',
        _ if cell.modifier.contains(Modifier::DIM) => '.',
        _ => ' ',
    }
}

fn coloured(background: Background) -> String {
    let mut app = review();
    app.theme = Theme { colour: true, background };
    styled(&mut app, 90, 11)
}

#[test]
fn colours_on_an_unknown_background() {
    insta::assert_snapshot!(coloured(Background::Unknown));
}

#[test]
fn colours_on_dark_and_light_differ_in_tints_only() {
    let (dark, light) = (coloured(Background::Dark), coloured(Background::Light));
    assert!(dark.contains('G') && dark.contains('R'));
    assert_eq!(dark, light);
}

#[test]
fn without_colour_no_cell_has_one() {
    let shown = styled(&mut review(), 90, 11);
    let styles = shown.lines().skip(1).step_by(2);
    assert!(styles.flat_map(str::chars).all(|letter| " *._#".contains(letter)), "{shown}");
}

#[test]
fn wide_characters_tabs_and_resizing_keep_every_column() {
    let mut app = review();
    for width in (41..130).chain((41..130).rev()) {
        let shown = picture(&mut app, width, 12);
        for line in shown.lines() {
            assert!(crate::shown::cells(line) <= usize::from(width) * 2, "{width}: {line}");
        }
        assert!(shown.contains("日 本 語") || width < 64, "{width}:\n{shown}");
    }
}

/// A name and text that would act on a terminal or deceive a reader.
const HOSTILE: &str = "a\u{1b}[2Jb\u{202e}.py";

fn hostile_session() -> App {
    let mut app = App::new(Mode::Session, Theme::PLAIN);
    app.input(Input::Files(vec![entry(HOSTILE, ChangeKind::New)]));
    let call = |text: &str| kode_base::Event::ToolCall {
        call: "1".to_owned(),
        tool: "read_file".into(),
        arguments: format!("{{\"path\": {}}}", serde_json::to_string(text).unwrap()).into(),
    };
    for event in [
        kode_base::Event::Text { text: format!("I see {HOSTILE} and \u{1b}]0;title\u{7}.").into() },
        call(HOSTILE),
    ] {
        app.input(Input::Event(Box::new(event)));
    }
    app
}

#[test]
fn hostile_names_are_shown_not_run_in_list_transcript_and_approval() {
    let mut app = hostile_session();
    let before = picture(&mut app, 100, 14);
    let reason = kode_base::Reason {
        class: kode_base::RiskClass::Install,
        rule: "npm".to_owned(),
        layer: kode_base::Layer::BuiltIn,
        text: "it installs".to_owned(),
    };
    app.input(Input::Question(Box::new(crate::exchange::Question {
        label: "Run: ",
        id: 1,
        reason,
        subject: format!("cat '{HOSTILE}'").into(),
        why: Some(format!("to see {HOSTILE}").into()),
        context: Untrusted::default(),
        trust: None,
        lapsed: None,
        type_approve: false,
        opens: Vec::new(),
        focus: Vec::new(),
    })));
    insta::assert_snapshot!(format!("{before}\n=====\n{}", picture(&mut app, 100, 14)));
}

#[test]
fn queued_messages_and_proposals_stand_above_the_prompt() {
    let mut app = hostile_session();
    app.is_working = true;
    app.pending.extend(["first\nof two".to_owned(), "second".to_owned()]);
    "/s".chars().for_each(|c| app.terminal(&[key(c)], std::time::Instant::now()));
    insta::assert_snapshot!(picture(&mut app, 80, 16));
}

#[test]
fn a_long_message_is_folded_and_the_cursor_follows() {
    let mut app = App::new(Mode::Session, Theme::PLAIN);
    let text = "words 日本 ".repeat(10);
    text.chars().for_each(|c| app.terminal(&[key(c)], std::time::Instant::now()));
    let mut terminal = Terminal::new(TestBackend::new(60, 12)).unwrap();
    terminal.draw(|frame| draw(&mut app, frame)).unwrap();
    let shown = picture(&mut app, 60, 12);
    assert_eq!(shown.matches('日').count(), 10, "{shown}");
    let cursor = terminal.get_cursor_position().unwrap();
    assert_eq!((cursor.x, cursor.y), (2 + 110 - 58, 10));
}

#[test]
fn the_help_fits_and_scrolls_at_80_by_24() {
    let mut app = App::new(Mode::Session, Theme::PLAIN);
    app.terminal(&[key('?')], std::time::Instant::now());
    let top = picture(&mut app, 80, 24);
    for _ in 0..60 {
        app.terminal(&[special(1)], std::time::Instant::now());
    }
    insta::assert_snapshot!(format!("{top}\n=====\n{}", picture(&mut app, 80, 24)));
    app.terminal(&[key('x')], std::time::Instant::now());
    assert_eq!((app.main, app.focus), (Main::Transcript, Focus::Prompt));
}

#[test]
fn lines_that_both_changed_stand_above_the_hunks() {
    let mut app = review();
    let text = |text: &str| Untrusted::new(text.to_owned());
    let Shown::Diff(diff) = &app.shown else { panic!("no diff") };
    let path = diff.path.clone();
    let contents = FileContents {
        version: String::new(),
        before: Some(Untrusted::new(b"one\n".to_vec())),
        after: Some(Untrusted::new(b"one\n".to_vec())),
        hunks: Vec::new(),
        note: None,
        met: Some(Box::new(crate::exchange::Met {
            place: "z.py, line 1".to_owned(),
            parts: [text("one\n"), text("ONE\n"), text("one \u{1b}[2J\n")],
        })),
    };
    app.input(Input::Contents { path, contents: Ok(contents) });
    let shown = picture(&mut app, 120, 24);
    for expected in [
        "‼ z.py, line 1: you edited the agent's lines; they count as yours",
        "before",
        "the agent wrote",
        "you made of it",
        "    ONE",
        "    one \\e[2J",
    ] {
        assert!(shown.contains(expected), "{expected} in:\n{shown}");
    }
}

#[test]
fn a_terminal_that_is_too_small_says_so() {
    assert_eq!(
        picture(&mut review(), 20, 5).trim_end(),
        "kode needs a\nterminal of 40×10;\nthis one is 20×5. q\nleaves"
    );
}

#[test]
fn no_size_breaks_it_and_nothing_hostile_reaches_a_cell() {
    let mut app = review();
    for (width, height) in
        [(1, 1), (20, 5), (40, 10), (63, 11), (64, 12), (80, 24), (119, 30), (300, 60)]
    {
        for main in [Main::Diff, Main::Help, Main::Transcript] {
            app.main = main;
            let shown = picture(&mut app, width, height);
            assert!(
                !shown.chars().any(|c| c != '\n' && is_deceptive(c)),
                "{width}×{height}: {shown}"
            );
        }
    }
}

#[test]
fn five_thousand_files_and_two_hundred_thousand_lines_draw_only_the_screen() {
    let mut app = App::new(Mode::Review, Theme { colour: true, background: Background::Dark });
    let files = (0..5000).map(|n| entry(&format!("src/file_{n:05}.rs"), ChangeKind::Changed));
    app.input(Input::Files(files.collect()));
    let lines = |word: &str| (0..200_000).map(|n| format!("{word} {n}\n")).collect::<String>();
    let contents = FileContents {
        version: "1".to_owned(),
        before: Some(Untrusted::new(lines("old").into_bytes())),
        after: Some(Untrusted::new(lines("new").into_bytes())),
        hunks: vec![Hunk { before: 0..200_000, after: 0..200_000 }],
        note: None,
        met: None,
    };
    let path = ProjectPath::new("src/file_00000.rs").unwrap();
    app.input(Input::Contents { path, contents: Ok(contents) });
    app.scroll_main(i32::MAX / 2);
    let shown = picture(&mut app, 100, 30);
    assert!(shown.contains("new 199999"), "{shown}");
    assert!(shown.contains("5000 files"), "{shown}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]
    #[test]
    fn any_keys_clicks_and_sizes_in_any_order_draw(
        steps in proptest::collection::vec((0_u8..6, 0_u16..200, 0_u16..70), 1..40),
        session in proptest::prelude::any::<bool>(),
    ) {
        let mut app = review();
        if session {
            app.mode = Mode::Session;
        }
        for (kind, x, y) in steps {
            let event = match kind {
                0 | 1 => key(char::from(32 + (x % 95) as u8)),
                2 => special(x),
                3 => click(x, y),
                4 => Event::Paste("two\nlines\u{1b}".to_owned()),
                _ => {
                    picture(&mut app, x.max(1), y.max(1));
                    continue;
                }
            };
            app.terminal(&[event], std::time::Instant::now());
            picture(&mut app, 100, 30);
        }
    }
}

fn key(character: char) -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE))
}

fn special(number: u16) -> Event {
    let codes = [
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Tab,
        KeyCode::Esc,
        KeyCode::Enter,
        KeyCode::Backspace,
        KeyCode::PageDown,
        KeyCode::End,
    ];
    let code = codes[usize::from(number) % codes.len()];
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn click(column: u16, row: u16) -> Event {
    let kind = MouseEventKind::Down(MouseButton::Left);
    Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
}

#[test]
fn blanks_and_letters_that_pass_for_others_are_seen_in_names() {
    let mut app = App::new(Mode::Review, Theme { colour: true, background: Background::Unknown });
    let names = [
        "a\u{a0}b\u{3000}c.txt",
        "d\te.txt",
        "p\u{430}ypal.py",
        "отчёт за май.txt",
        "日本 語.md",
        "end .txt ",
    ];
    let mut entries: Vec<_> = names.map(|name| entry(name, ChangeKind::New)).into();
    entries[0].renamed = Some(ProjectPath::new("o\u{2003}ld").unwrap());
    entries.sort_by(|one, two| one.file.path.cmp(&two.file.path));
    app.input(Input::Files(entries));
    let shown = styled(&mut app, 160, 10);
    for expected in [
        "o\\u{2003}ld → a\\u{a0}b\\u{3000}c.txt",
        "d\\te.txt",
        "p\\u{430}ypal.py",
        "отчёт за май.txt",
        "end .txt\\u{20}",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let rows: Vec<&str> = shown.lines().collect();
    let at = rows.iter().position(|row| row.contains("paypal") || row.contains("ypal.py")).unwrap();
    let column = rows[at].chars().position(|c| c == '\\').unwrap();
    let letter = |column| rows[at + 1].chars().nth(column);
    assert_ne!(letter(column), letter(column + 9), "an escape stands out: {shown}");
    let narrow = picture(&mut app, 70, 10);
    assert!(narrow.contains("…") && narrow.lines().all(|row| cells(row) <= 70), "{narrow}");
}

#[test]
fn nothing_is_said_of_files_before_they_are_known() {
    let mut app = App::new(Mode::Review, Theme::PLAIN);
    let first = picture(&mut app, 80, 12);
    assert!(!first.contains("nothing") && !first.contains("0 files"), "{first}");
    app.input(Input::Files(Vec::new()));
    let then = picture(&mut app, 80, 12);
    assert!(then.contains("nothing was touched") && then.contains("0 files"), "{then}");
}

#[test]
fn a_binary_file_has_no_hunks_in_its_headline() {
    let mut app = App::new(Mode::Review, Theme::PLAIN);
    app.input(Input::Files(vec![entry("a", ChangeKind::Changed)]));
    let side = |text: &str| Some(Untrusted::new(text.as_bytes().to_vec()));
    let hunks = vec![Hunk { before: 0..1, after: 0..1 }];
    let contents = FileContents {
        version: "1".to_owned(),
        before: side("a\n"),
        after: side("a\0b\n"),
        hunks,
        note: None,
        met: None,
    };
    app.input(Input::Contents { path: ProjectPath::new("a").unwrap(), contents: Ok(contents) });
    let shown = picture(&mut app, 80, 12);
    assert!(shown.contains("a · binary") && !shown.contains("1 hunk"), "{shown}");
}

#[test]
fn the_turns_to_choose_from_at_80_by_24() {
    let mut app = review();
    let turn = |id: u64| {
        let names = ["a\u{1b}[2J\u{a0}.py", "b.py", "c.py", "d.py", "e.py", "f.py"];
        let paths = names[..1 + usize::try_from(id).unwrap() % 6].iter();
        let paths = paths.map(|name| ProjectPath::new(name).unwrap()).collect();
        let number = u32::try_from(id).unwrap();
        crate::exchange::TurnEntry { id, number, time: "12:04 UTC".to_owned(), paths }
    };
    app.input(Input::Turns((1..40).rev().map(turn).collect()));
    let press = |app: &mut App, code| {
        let key = Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
        app.terminal(&[key], std::time::Instant::now());
    };
    press(&mut app, KeyCode::Char('t'));
    (0..25).for_each(|_| press(&mut app, KeyCode::Down));
    insta::assert_snapshot!(picture(&mut app, 80, 24));
}
