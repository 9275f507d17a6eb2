//! How long frames take, at sizes nobody should meet. Reported, never asserted:
//! `cargo test --release -p kode-tui speed -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use kode_base::{ChangeKind, ProjectPath, Untrusted};
use ratatui::Terminal;
use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::{TerminalOptions, Viewport};

use super::super::*;
use crate::exchange::{FileContents, FileEntry, Hunk, Input};
use crate::theme::{Background, Theme};

const FILES: usize = 5000;
const LINES: usize = 200_000;
const FRAMES: usize = 2000;

/// Lines as code has them; every 20th is another on the two sides.
fn code(word: &str) -> String {
    let line = |n: usize| match n % 20 {
        0 => format!("    let {word}_{n} = fetch(\"/api/{word}\", {n})?; // of {word}\n"),
        7 => "    /* a comment that goes on\n".to_owned(),
        9 => "       and ends here */\n".to_owned(),
        _ => format!("\tif rows[{n}].name == \"日本 {n}\" {{ return Some({n}) }}\n"),
    };
    (0..LINES).map(line).collect()
}

fn opened() -> App {
    let mut app = App::new(Mode::Review, Theme { colour: true, background: Background::Dark });
    let entry = |n: usize| {
        let path = ProjectPath::new(&format!("src/folder_{}/file_{n:05}.rs", n % 50)).unwrap();
        let change = ChangeKind::Changed;
        let file = kode_base::TouchedFile { path, change, added: 9, removed: 9, binary: false };
        FileEntry::new(file, true, n.to_string())
    };
    app.input(Input::Files((0..FILES).map(entry).collect()));
    let side = |word| Some(Untrusted::new(code(word).into_bytes()));
    let hunks = (0..LINES).step_by(20).map(|n| Hunk { before: n..n + 1, after: n..n + 1 });
    let contents = FileContents {
        version: "1".to_owned(),
        before: side("old"),
        after: side("new"),
        hunks: hunks.collect(),
        note: None,
        met: None,
    };
    let path = app.files.current().unwrap().entry.file.path.clone();
    app.input(Input::Contents { path, contents: Ok(contents) });
    app
}

/// A terminal that takes the bytes of every frame, as a real one must.
fn terminal(width: u16, height: u16) -> Terminal<CrosstermBackend<Vec<u8>>> {
    let viewport = Viewport::Fixed(Rect { x: 0, y: 0, width, height });
    let backend = CrosstermBackend::new(Vec::new());
    Terminal::with_options(backend, TerminalOptions { viewport }).unwrap()
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!("{what:<44} p50 {:6.2} ms  p99 {:6.2} ms  max {:6.2} ms", at(50), at(99), at(100));
}

fn scrolled(what: &str, size: (u16, u16), mut app: App, keys: &[KeyCode]) {
    let mut terminal = terminal(size.0, size.1);
    terminal.draw(|frame| draw(&mut app, frame)).unwrap();
    let mut times = Vec::new();
    for key in keys.iter().cycle().take(FRAMES) {
        let begun = Instant::now();
        let event = Event::Key(KeyEvent::new(*key, KeyModifiers::NONE));
        app.terminal(&[event], begun);
        terminal.draw(|frame| draw(&mut app, frame)).unwrap();
        terminal.backend_mut().flush().unwrap();
        times.push(begun.elapsed());
        app.commands();
    }
    report(&format!("{what}, {}×{}", size.0, size.1), times);
}

#[test]
#[ignore = "reports figures"]
fn frames_of_five_thousand_files_and_two_hundred_thousand_lines() {
    let begun = Instant::now();
    let mut app = App::new(Mode::Session, Theme::PLAIN);
    terminal(120, 40).draw(|frame| draw(&mut app, frame)).unwrap();
    report("first frame of a session", vec![begun.elapsed()]);
    let texts = (code("old"), code("new"));
    let begun = Instant::now();
    let mut app = opened();
    terminal(120, 40).draw(|frame| draw(&mut app, frame)).unwrap();
    let made = begun.elapsed();
    drop(texts);
    report("5,000 files and 200,000 lines, made and drawn", vec![made]);
    for size in [(80, 24), (120, 40), (300, 80)] {
        let in_diff = || {
            let mut app = opened();
            app.focus = Focus::Diff;
            app
        };
        scrolled("the diff, by pages", size, in_diff(), &[KeyCode::PageDown]);
        scrolled("the diff, by lines", size, in_diff(), &[KeyCode::Down]);
        scrolled("the diff, end and beginning", size, in_diff(), &[KeyCode::End, KeyCode::Home]);
        scrolled("hunk by hunk", size, in_diff(), &[KeyCode::Char(']')]);
        scrolled("fold and unfold", size, in_diff(), &[KeyCode::Char('z')]);
        scrolled("the list", size, opened(), &[KeyCode::Down, KeyCode::End, KeyCode::Home]);
    }
}
