//! Before, keys and clicks, after.

use std::time::Duration;

use kode_base::{ChangeKind, TouchedFile, Untrusted};
use ratatui::crossterm::event::{
    KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::*;
use crate::exchange::{Answer, Done, FileContents, FileEntry, Hunk, Input, Question, UserMessage};

fn path(text: &str) -> ProjectPath {
    ProjectPath::new(text).unwrap()
}

fn entry(name: &str) -> FileEntry {
    let change = ChangeKind::Changed;
    let file = TouchedFile { path: path(name), change, added: 1, removed: 1, binary: false };
    FileEntry::new(file, true, "1".to_owned())
}

fn contents(version: &str) -> FileContents {
    let side = |text: &str| Some(Untrusted::new(text.as_bytes().to_vec()));
    FileContents {
        version: version.to_owned(),
        before: side("a\nb\nc\n"),
        after: side("A\nb\nC\n"),
        hunks: vec![Hunk { before: 0..1, after: 0..1 }, Hunk { before: 2..3, after: 2..3 }],
        note: None,
        met: None,
    }
}

/// A review of three files, the first one's diff on the screen.
fn review() -> App {
    let mut app = App::new(Mode::Review, Theme::PLAIN);
    app.input(Input::Files(vec![entry("a"), entry("b"), entry("c")]));
    app.input(Input::Contents { path: path("a"), contents: Ok(contents("v1")) });
    app.areas.list = Rect { x: 0, y: 1, width: 30, height: 20 };
    app.areas.main = Rect { x: 31, y: 1, width: 49, height: 20 };
    app.commands();
    app
}

fn press(app: &mut App, keys: &str) -> Vec<Command> {
    for key in keys.chars() {
        type_key(app, KeyCode::Char(key));
    }
    app.commands()
}

fn type_key(app: &mut App, code: KeyCode) {
    let key = TerminalEvent::Key(KeyEvent::new(code, KeyModifiers::NONE));
    app.terminal(&[key], Instant::now());
}

fn click(app: &mut App, column: u16, row: u16) -> Vec<Command> {
    let kind = MouseEventKind::Down(MouseButton::Left);
    let mouse = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    app.terminal(&[TerminalEvent::Mouse(mouse)], Instant::now());
    app.commands()
}

fn changes(commands: Vec<Command>) -> Vec<Change> {
    let change = |command| match command {
        Command::Change(change) => Some(change),
        _ => None,
    };
    commands.into_iter().filter_map(change).collect()
}

#[test]
fn two_clicks_on_the_same_cross_reject_that_file() {
    let mut app = review();
    assert!(changes(click(&mut app, 28, 2)).is_empty());
    assert_eq!(changes(click(&mut app, 28, 2)), [Change::RejectFile(path("b"))]);
}

#[test]
fn clicks_on_two_places_reject_nothing() {
    let mut app = review();
    for (column, row) in [(28, 2), (28, 1), (5, 1), (28, 1), (28, 3), (40, 5), (28, 3)] {
        assert!(changes(click(&mut app, column, row)).is_empty());
    }
}

#[test]
fn a_key_between_two_clicks_disarms() {
    let mut app = review();
    click(&mut app, 28, 2);
    press(&mut app, "a");
    assert!(changes(click(&mut app, 28, 2)).is_empty());
}

#[test]
fn the_chosen_hunk_is_rejected_with_the_version_that_was_shown() {
    let mut app = review();
    let expected = Change::RejectHunk { path: path("a"), hunk: 1, version: "v1".to_owned() };
    assert_eq!(changes(press(&mut app, "]X")), [expected]);
}

#[test]
fn moving_asks_for_the_other_file_and_ignores_late_answers() {
    let mut app = review();
    assert_eq!(press(&mut app, "j"), [Command::Load(path("b"))]);
    app.input(Input::Contents { path: path("a"), contents: Ok(contents("late")) });
    assert!(matches!(&app.shown, Shown::Loading(shown) if *shown == path("b")));
    assert!(changes(press(&mut app, "X")).is_empty());
}

#[test]
fn rejecting_everything_takes_the_key_twice() {
    let mut app = review();
    assert!(changes(press(&mut app, "Rj")).is_empty());
    assert!(changes(press(&mut app, "R")).is_empty());
    assert_eq!(changes(press(&mut app, "R")), [Change::RejectRun]);
}

#[test]
fn a_rejected_file_is_brought_back_by_u_and_by_its_arrow() {
    let mut app = review();
    let change = Change::RejectFile(path("a"));
    app.input(Input::Done(Ok(Done { change, paths: vec![path("a")], not_done: vec![] })));
    app.input(Input::Files(vec![entry("b"), entry("c")]));
    app.commands();
    let undo = [Change::UndoReject(path("a"))];
    assert_eq!(changes(press(&mut app, "x")), []);
    assert_eq!(changes(press(&mut app, "u")), undo);
    assert_eq!(changes(click(&mut app, 28, 1)), undo);
}

#[test]
fn what_could_not_be_done_stays_until_a_key() {
    let mut app = review();
    app.input(Input::Done(Err("a: hunk 1 was edited since".to_owned())));
    assert!(app.refused.is_some());
    assert!(changes(press(&mut app, "x")).is_empty());
    assert!(app.refused.is_none());
    assert_eq!(changes(press(&mut app, "x")), [Change::RejectFile(path("a"))]);
}

fn session() -> App {
    App::new(Mode::Session, Theme::PLAIN)
}

fn question() -> Question {
    let reason = kode_base::Reason {
        class: kode_base::RiskClass::Install,
        rule: "npm".to_owned(),
        layer: kode_base::Layer::BuiltIn,
        text: "it installs".to_owned(),
    };
    let (subject, context) = ("npm i left-pad".into(), Untrusted::default());
    Question {
        label: "Run: ",
        id: 7,
        reason,
        subject,
        why: None,
        context,
        opens: Vec::new(),
        focus: Vec::new(),
        trust: None,
        lapsed: None,
        type_approve: false,
    }
}

#[test]
fn a_message_is_sent_and_the_next_one_queued() {
    let mut app = session();
    let mut sent = press(&mut app, "do it");
    type_key(&mut app, KeyCode::Enter);
    sent.extend(app.commands());
    let message = UserMessage { text: "do it".to_owned(), pasted: Vec::new(), files: Vec::new() };
    assert_eq!(sent, [Command::Send(message)]);
    assert!(app.is_working());
    press(&mut app, "more");
    type_key(&mut app, KeyCode::Enter);
    assert_eq!(app.pending, ["do it", "more"]);
    app.input(Input::Taken);
    app.input(Input::RunEnded);
    assert!(app.is_working(), "the second message waits");
    app.input(Input::Taken);
    app.input(Input::RunEnded);
    assert!(!app.is_working() && app.pending.is_empty());
}

#[test]
fn escape_interrupts_only_while_the_agent_works() {
    let mut app = session();
    type_key(&mut app, KeyCode::Esc);
    assert!(app.commands().is_empty());
    press(&mut app, "x");
    type_key(&mut app, KeyCode::Enter);
    app.commands();
    type_key(&mut app, KeyCode::Esc);
    assert_eq!(app.commands(), [Command::Interrupt]);
}

#[test]
fn slash_commands_are_not_sent_to_the_agent() {
    let mut app = session();
    press(&mut app, "/undo");
    type_key(&mut app, KeyCode::Enter);
    assert_eq!(app.commands(), [Command::Change(Change::Undo)]);
    press(&mut app, "/nothing");
    type_key(&mut app, KeyCode::Enter);
    assert!(app.commands().is_empty() && app.said.is_some());
}

#[test]
fn typing_ahead_pasting_and_bursts_never_approve() {
    let mut app = session();
    app.input(Input::Question(Box::new(question())));
    let key = |c| TerminalEvent::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    let mut screen = ratatui::Terminal::new(ratatui::backend::TestBackend::new(80, 24)).unwrap();
    screen.draw(|frame| crate::draw::draw(&mut app, frame)).unwrap();
    let shown = Instant::now();
    app.drawn(shown);
    let later = shown + Duration::from_secs(1);
    app.terminal(&[key('a')], shown + Duration::from_millis(100));
    app.terminal(&[key('a'), key('a')], later);
    app.terminal(&[key('a')], later + Duration::from_millis(50));
    app.terminal(&[TerminalEvent::Paste("a".to_owned())], later + Duration::from_millis(300));
    app.terminal(&[key('a')], later + Duration::from_millis(400));
    assert!(app.commands().is_empty() && app.is_asking());
    assert!(app.prompt.is_empty());
    app.terminal(&[key('a')], later + Duration::from_millis(900));
    let answer = Command::Answer { question: 7, answer: Answer::Approve };
    assert_eq!(app.commands(), [answer]);
}

#[test]
fn a_question_without_room_on_the_screen_is_not_answered() {
    let mut app = session();
    app.input(Input::Question(Box::new(question())));
    app.is_too_small = true;
    let start = Instant::now();
    for seconds in 1..5 {
        app.drawn(start);
        let key = TerminalEvent::Key(KeyEvent::new(KeyCode::Char('a'), KeyModifiers::NONE));
        app.terminal(&[key], start + Duration::from_secs(seconds));
    }
    assert!(app.is_asking() && app.commands().is_empty());
}

#[test]
fn a_paste_that_the_terminal_does_not_mark_is_a_paste() {
    let mut app = session();
    let key = |code| TerminalEvent::Key(KeyEvent::new(code, KeyModifiers::NONE));
    let burst = |text: &str| -> Vec<TerminalEvent> {
        let code = |c| if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
        text.chars().map(|c| key(code(c))).collect()
    };
    app.terminal(&burst("first line\nsecond line\n"), Instant::now());
    assert!(app.commands().is_empty());
    assert_eq!(app.prompt.text(), "[pasted text 1, 2 lines]");
    app.terminal(&burst(" typed fast\n"), Instant::now());
    assert!(matches!(app.commands().as_slice(), [Command::Send(_)]));
}

#[test]
fn a_withdrawn_question_goes_away() {
    let mut app = session();
    app.input(Input::Question(Box::new(question())));
    app.input(Input::QuestionOver(6));
    assert!(app.is_asking());
    app.input(Input::QuestionOver(7));
    assert!(!app.is_asking());
}

#[test]
fn while_the_agent_works_a_reject_is_marked_as_queued() {
    let mut app = session();
    app.input(Input::Files(vec![entry("a")]));
    app.is_working = true;
    type_key(&mut app, KeyCode::Tab);
    app.commands();
    assert_eq!(changes(press(&mut app, "x")), [Change::RejectFile(path("a"))]);
    assert!(app.files.rows()[0].queued);
}

#[test]
fn keys_and_clicks_on_a_screen_without_room_do_nothing_but_leave() {
    let mut app = review();
    app.is_too_small = true;
    assert!(press(&mut app, "xXuaetRjrt").is_empty());
    assert!(press(&mut app, "RRtt").is_empty());
    click(&mut app, 28, 2);
    assert!(click(&mut app, 28, 2).is_empty());
    assert_eq!(press(&mut app, "q"), [Command::Quit]);
    app.is_too_small = false;
    assert!(changes(click(&mut app, 28, 2)).is_empty(), "clicks nobody saw arm nothing");
}

#[test]
fn rejecting_the_hunk_of_a_mere_rename_rejects_the_file() {
    let mut app = review();
    let renamed = FileEntry { renamed: Some(path("old")), ..entry("a") };
    app.input(Input::Files(vec![renamed]));
    let mere = FileContents { hunks: Vec::new(), ..contents("v2") };
    app.input(Input::Contents { path: path("a"), contents: Ok(mere) });
    app.commands();
    assert_eq!(changes(press(&mut app, "X")), [Change::RejectFile(path("a"))]);
    app.input(Input::Files(vec![entry("a")]));
    app.commands();
    assert!(changes(press(&mut app, "X")).is_empty());
}

fn turn(id: u64, paths: &[&str]) -> crate::exchange::TurnEntry {
    let paths = paths.iter().map(|name| path(name)).collect();
    crate::exchange::TurnEntry {
        id,
        number: u32::try_from(id).unwrap(),
        time: String::new(),
        paths,
    }
}

#[test]
fn any_turn_can_be_chosen_and_the_newest_of_the_file_comes_first() {
    let mut app = review();
    app.input(Input::Turns(vec![turn(9, &["c"]), turn(7, &["b", "a"]), turn(3, &["a"])]));
    let rejected = |turn, number| vec![Change::RejectTurn { turn, number }];
    assert_eq!(changes(press(&mut app, "tt")), rejected(7, 7));
    assert_eq!(changes(press(&mut app, "tjjjt")), rejected(3, 3));
    assert_eq!(changes(press(&mut app, "tkkt")), rejected(9, 9));
    press(&mut app, "t");
    type_key(&mut app, KeyCode::Down);
    type_key(&mut app, KeyCode::Enter);
    assert_eq!(changes(app.commands()), rejected(3, 3));
    // Another key leads back and does nothing else.
    assert!(changes(press(&mut app, "tx")).is_empty());
    assert_eq!(changes(press(&mut app, "x")), [Change::RejectFile(path("a"))]);
    // The turn in hand goes: nothing else takes its place.
    press(&mut app, "t");
    app.input(Input::Turns(vec![turn(9, &["c"])]));
    assert!(changes(press(&mut app, "t")).is_empty());
    app.input(Input::Turns(vec![]));
    press(&mut app, "q");
    press(&mut app, "t");
    assert!(app.said.as_ref().unwrap().contains("no turn"));
}

#[test]
fn what_was_done_and_what_was_not_is_said_together() {
    let mut app = review();
    let not_done = vec!["b stays".to_owned(), "c too".to_owned()];
    let paths = vec![path("a")];
    let done = Done { change: Change::RejectRun, paths, not_done: not_done.clone() };
    app.input(Input::Done(Ok(done)));
    let told = app.refused.as_ref().unwrap();
    assert_eq!(told.headline, "rejected a; u brings it back, but:");
    assert_eq!(told.why, "b stays\nc too");
    press(&mut app, " ");
    let done = Done { change: Change::RejectRun, paths: vec![], not_done };
    app.input(Input::Done(Ok(done)));
    assert_eq!(app.refused.as_ref().unwrap().headline, "Nothing was changed");
}

#[test]
fn x_on_a_file_that_waits_takes_the_wish_back() {
    let mut app = review();
    app.mode = Mode::Session;
    app.is_working = true;
    assert_eq!(changes(press(&mut app, "x")), [Change::RejectFile(path("a"))]);
    assert!(app.files.current().unwrap().queued);
    assert_eq!(press(&mut app, "x"), [Command::Cancel(path("a"))]);
    assert!(!app.files.current().unwrap().queued);
    // A refused change of another file leaves the marks of those that still wait.
    press(&mut app, "x");
    let (change, not_done) = (Change::RejectFile(path("b")), vec!["no".to_owned()]);
    app.input(Input::Done(Ok(Done { change, paths: vec![], not_done })));
    assert!(app.files.current().unwrap().queued);
}

#[test]
fn enter_sends_a_file_name_that_is_typed_whole_and_tab_still_takes_a_proposal() {
    let mut app = App::new(Mode::Session, Theme::PLAIN);
    press(&mut app, "see @li");
    app.input(Input::ProjectFiles(vec![path("lib.rs"), path("li"), path("lib.rs.orig")]));
    type_key(&mut app, KeyCode::Enter);
    let sent = |commands: Vec<Command>| {
        commands.into_iter().find_map(|command| match command {
            Command::Send(UserMessage { text, files, .. }) => Some((text, files)),
            _ => None,
        })
    };
    assert_eq!(sent(app.commands()), Some(("see @li".to_owned(), vec![path("li")])));
    app.input(Input::ProjectFiles(vec![path("lib.rs"), path("lib.rs.orig")]));
    press(&mut app, "see @lib.rs");
    type_key(&mut app, KeyCode::Down);
    type_key(&mut app, KeyCode::Tab);
    type_key(&mut app, KeyCode::Enter);
    assert_eq!(sent(app.commands()).unwrap().1, [path("lib.rs.orig")]);
    press(&mut app, "see @lib.r");
    type_key(&mut app, KeyCode::Enter);
    assert_eq!(sent(app.commands()), None, "a name that is begun is completed");
}

#[test]
fn control_z_suspends_wherever_it_is_pressed() {
    let mut app = review();
    let key = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
    app.terminal(&[TerminalEvent::Key(key)], Instant::now());
    assert_eq!(app.commands(), [Command::Suspend]);
    app.input(Input::Question(Box::new(question())));
    app.terminal(&[TerminalEvent::Key(key)], Instant::now());
    assert_eq!(app.commands(), [Command::Suspend]);
    assert!(app.dialog.is_some(), "the question stays open");
    let mut app = review();
    let next = TerminalEvent::Key(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::NONE));
    app.terminal(&[TerminalEvent::Key(key), next], Instant::now());
    assert_eq!(changes(app.commands()), [Change::RejectFile(path("a"))]);
}

#[test]
fn files_rejected_before_are_listed_and_brought_back() {
    let mut app = App::new(Mode::Review, Theme::PLAIN);
    app.input(Input::Rejected(vec![entry("b")]));
    app.input(Input::Files(vec![entry("a")]));
    let rows: Vec<_> =
        app.files.rows().iter().map(|row| (row.entry.file.path.as_str(), row.rejected)).collect();
    assert_eq!(rows, [("a", false), ("b", true)]);
    assert_eq!(app.files.totals().0, 1);
    assert_eq!(changes(press(&mut app, "ju")), [Change::UndoReject(path("b"))]);
    app.input(Input::Rejected(vec![]));
    app.input(Input::Files(vec![entry("a"), entry("b")]));
    assert!(app.files.rows().iter().all(|row| !row.rejected));
}

#[test]
fn nothing_untrue_is_said_of_a_saved_session_before_it_is_read() {
    let mut app = App::new(Mode::Session, Theme::PLAIN).with_session("01a2");
    type_key(&mut app, KeyCode::Tab);
    assert_eq!(app.said.as_deref(), Some("the session is still being read"));
    app.input(Input::Files(vec![]));
    type_key(&mut app, KeyCode::Tab);
    assert_eq!(app.said.as_deref(), Some("no file was touched yet"));
    app.input(Input::Opened("other".to_owned()));
    type_key(&mut app, KeyCode::Tab);
    assert_eq!(app.said.as_deref(), Some("the session is still being read"));
    app.input(Input::Opened(String::new()));
    type_key(&mut app, KeyCode::Tab);
    assert_eq!(app.said.as_deref(), Some("no file was touched yet"));
}

#[test]
fn what_is_said_of_an_interrupt_goes_with_the_step_it_was_for() {
    let notice = "step interrupted; press Ctrl-C again to end the run".to_owned();
    for over in [
        Input::RunEnded,
        Input::Event(Box::new(kode_base::Event::TurnStarted { turn: 2 })),
        Input::Event(Box::new(kode_base::Event::Notice { text: notice })),
    ] {
        let mut app = session();
        app.is_working = true;
        type_key(&mut app, KeyCode::Esc);
        assert_eq!(app.commands(), [Command::Interrupt]);
        assert!(app.said.as_deref().is_some_and(|said| said.contains("once more ends the run")));
        app.input(over);
        assert_eq!(app.said, None);
        let told = app.transcript.visible(Theme::PLAIN, 80, 20);
        let told: String = told.iter().map(ToString::to_string).collect();
        assert!(!told.contains("press Ctrl-C again"), "{told}");
    }
}

fn control(app: &mut App, letter: char) -> Vec<Command> {
    let key = TerminalEvent::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
    app.terminal(&[key], Instant::now());
    app.commands()
}

#[test]
fn control_c_clears_a_draft_before_it_leaves() {
    let mut app = App::new(Mode::Session, Theme::PLAIN);
    press(&mut app, "a draft");
    assert!(control(&mut app, 'c').is_empty());
    assert!(app.prompt.is_empty());
    assert!(control(&mut app, 'c').is_empty(), "the first one cleared, and nothing else");
    assert_eq!(control(&mut app, 'c'), [Command::Quit]);
    type_key(&mut app, KeyCode::Up);
    assert_eq!(app.prompt.text(), "a draft");
}

#[test]
fn earlier_messages_are_searched_and_none_is_sent_by_it() {
    let mut app = App::new(Mode::Session, Theme::PLAIN);
    for text in ["run the tests", "read it"] {
        app.prompt.remember(text);
    }
    press(&mut app, "draft");
    control(&mut app, 'r');
    press(&mut app, "test");
    assert_eq!(app.prompt.text(), "run the tests");
    assert!(control(&mut app, 'c').is_empty());
    assert_eq!(app.prompt.text(), "draft", "given up");
    control(&mut app, 'r');
    press(&mut app, "run");
    type_key(&mut app, KeyCode::Enter);
    assert!(app.commands().is_empty());
    assert_eq!((app.prompt.text().as_str(), app.prompt.searched()), ("run the tests", None));
    type_key(&mut app, KeyCode::Enter);
    assert!(matches!(app.commands().as_slice(), [Command::Send(_)]));
}

#[test]
fn a_row_says_that_its_file_was_edited_since_until_the_next_list() {
    let mut app = review();
    app.input(Input::Newer(vec![path("b")]));
    let newer = |app: &App| app.files.rows().iter().map(|row| row.newer).collect::<Vec<_>>();
    assert_eq!(newer(&app), [false, true, false]);
    app.input(Input::Files(vec![entry("a"), entry("b"), entry("c")]));
    assert_eq!(newer(&app), [false, false, false]);
}

#[test]
fn only_a_model_that_is_not_called_so_is_called_scripted() {
    assert_eq!(model_name("test", true), "test (scripted)");
    assert_eq!(model_name("scripted", true), "scripted");
    assert_eq!(model_name("other", false), "other");
}
