//! Pictures of the screen, and sizes at which it must hold.

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

#[test]
fn a_terminal_that_is_too_small_says_so() {
    assert_eq!(
        picture(&mut review(), 20, 5).trim_end(),
        "kode needs a\nterminal of 40×10;\nthis one is 20×5"
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
