//! The question itself: show, wait for a deliberate key, say what was
//! understood. Whatever goes wrong is an error, and the gate then denies.

use std::io;
use std::time::{Duration, Instant};

use kode_base::Interrupt;
use kode_gate::{Answer, ApprovalError, ApprovalRequest, Approver};

use crate::Appearance;
use crate::keys::{END_OF_FILE, ESCAPE, INTERRUPT, KeyFilter};
use crate::raw::{RawMode, restore_on_panic};
use crate::render::Page;
use crate::tty::{Input, Terminal};

/// Keys pressed sooner than this after a question appeared, or after something
/// that was no key, were meant for something else.
const GRACE: Duration = Duration::from_millis(200);

/// How often the interrupt is looked at.
const TICK: Duration = Duration::from_millis(50);

/// Silence after which an unfinished escape sequence is over.
const SETTLE: Duration = Duration::from_secs(1);

/// The word to type where one key is not enough.
const APPROVE_WORD: &str = "approve";

/// Asks on `/dev/tty`.
#[derive(Debug)]
pub struct TtyPrompt {
    appearance: Appearance,
    interrupt: Interrupt,
}

/// What a key meant.
enum Reply {
    Answer(Answer),
    Context,
}

impl TtyPrompt {
    /// A prompt that looks like `appearance` and gives up, which denies, once
    /// `interrupt` ends the step: raise it from the handlers of `SIGINT`,
    /// `SIGTERM` and `SIGHUP`, and the terminal is restored before kode ends. A
    /// panic hook that restores it too goes before the one that is set.
    pub fn new(appearance: Appearance, interrupt: Interrupt) -> Self {
        restore_on_panic();
        Self { appearance, interrupt }
    }

    fn question(&self, terminal: &Terminal, request: &ApprovalRequest) -> io::Result<Answer> {
        let page = Page {
            columns: terminal.columns(),
            rows: terminal.rows(),
            appearance: self.appearance,
        };
        let mut filter = KeyFilter::default();
        let mut seen = page.is_whole(request);
        loop {
            terminal.flush_input()?;
            terminal.write(&page.question(request, seen))?;
            Self::ignore_early_keys(terminal, &mut filter)?;
            let reply = if !seen {
                self.unseen_reply(terminal, &mut filter)?
            } else if request.type_approve {
                self.word_reply(terminal, &mut filter)?
            } else {
                self.key_reply(terminal, &mut filter, request.trust.is_some())?
            };
            match reply {
                Reply::Answer(answer) => {
                    terminal.write(said(answer))?;
                    return Ok(answer);
                }
                Reply::Context => {
                    terminal.write("context\n")?;
                    let pages = page.context(request);
                    if !self.pages(terminal, &mut filter, &pages)? {
                        terminal.write(said(Answer::Deny))?;
                        return Ok(Answer::Deny);
                    }
                    seen = true;
                }
            }
        }
    }

    /// Shows page after page, a key between two; `false` when the person denied.
    fn pages(
        &self,
        terminal: &Terminal,
        filter: &mut KeyFilter,
        pages: &[String],
    ) -> io::Result<bool> {
        for (number, page) in pages.iter().enumerate() {
            terminal.write(page)?;
            if number + 1 == pages.len() {
                break;
            }
            let more =
                format!("page {} of {}, Space shows more, [D]eny: ", number + 1, pages.len());
            terminal.write(&self.appearance.strong(&more))?;
            terminal.flush_input()?;
            Self::ignore_early_keys(terminal, filter)?;
            loop {
                match self.next_key(terminal, filter)? {
                    b' ' | b'\r' | b'\n' | b'?' => break,
                    key if matches!(common_reply(key), Some(Reply::Answer(_))) => return Ok(false),
                    _ => {}
                }
            }
            terminal.write("\n")?;
        }
        Ok(true)
    }

    /// While rows of the request are hidden, all a key can do is show them, or deny.
    fn unseen_reply(&self, terminal: &Terminal, filter: &mut KeyFilter) -> io::Result<Reply> {
        loop {
            let key = self.next_key(terminal, filter)?;
            match key {
                b'a' | b'A' => return Ok(Reply::Context),
                _ => {
                    if let Some(reply) = common_reply(key) {
                        return Ok(reply);
                    }
                }
            }
        }
    }

    fn ignore_early_keys(terminal: &Terminal, filter: &mut KeyFilter) -> io::Result<()> {
        let shown = Instant::now();
        while let Some(left) = GRACE.checked_sub(shown.elapsed()) {
            match terminal.read_burst(left)? {
                // The filter still learns of a paste that begins here.
                Input::Burst(burst) => drop(filter.feed(&burst)),
                Input::Silence => {}
                Input::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(())
    }

    /// The next deliberate key; a closed terminal counts as Ctrl-D.
    fn next_key(&self, terminal: &Terminal, filter: &mut KeyFilter) -> io::Result<u8> {
        let mut quiet_since = Instant::now();
        let mut noise: Option<Instant> = None;
        loop {
            if self.interrupt.step_ended() {
                return Err(io::Error::other("interrupted"));
            }
            match terminal.read_burst(TICK)? {
                Input::Burst(burst) => {
                    quiet_since = Instant::now();
                    // The last byte of a paste may come late, and alone.
                    let late = noise.is_some_and(|noise| noise.elapsed() < GRACE);
                    match filter.feed(&burst) {
                        Some(key) if !late || key == INTERRUPT => return Ok(key),
                        _ => noise = Some(quiet_since),
                    }
                }
                Input::Silence if quiet_since.elapsed() >= SETTLE => filter.settle(),
                Input::Silence => {}
                Input::Closed => return Ok(END_OF_FILE),
            }
        }
    }

    fn key_reply(
        &self,
        terminal: &Terminal,
        filter: &mut KeyFilter,
        trust_offered: bool,
    ) -> io::Result<Reply> {
        loop {
            match self.next_key(terminal, filter)? {
                b'a' | b'A' => return Ok(Reply::Answer(Answer::Approve)),
                b't' | b'T' if trust_offered => return Ok(Reply::Answer(Answer::TrustSession)),
                key => {
                    if let Some(reply) = common_reply(key) {
                        return Ok(reply);
                    }
                }
            }
        }
    }

    /// Where approving takes a whole word: its letters are echoed, and only
    /// the exact word counts.
    fn word_reply(&self, terminal: &Terminal, filter: &mut KeyFilter) -> io::Result<Reply> {
        let mut typed = String::new();
        loop {
            let key = self.next_key(terminal, filter)?;
            match key {
                b'\r' | b'\n' if typed.eq_ignore_ascii_case(APPROVE_WORD) => {
                    return Ok(Reply::Answer(Answer::Approve));
                }
                b'\r' | b'\n' | 0x7f | 0x08 => {
                    terminal.write(&"\u{8} \u{8}".repeat(typed.len()))?;
                    typed.clear();
                }
                _ if typed.is_empty() || !key.is_ascii_alphabetic() => {
                    if let Some(reply) = common_reply(key) {
                        return Ok(reply);
                    }
                    self.echo(terminal, key, &mut typed)?;
                }
                _ => self.echo(terminal, key, &mut typed)?,
            }
        }
    }

    fn echo(&self, terminal: &Terminal, key: u8, typed: &mut String) -> io::Result<()> {
        if key.is_ascii_alphabetic() && typed.len() < APPROVE_WORD.len() {
            typed.push(char::from(key));
            terminal.write(&char::from(key).to_string())?;
        }
        Ok(())
    }
}

/// Keys that mean the same in every question.
fn common_reply(key: u8) -> Option<Reply> {
    match key {
        b'd' | b'D' | INTERRUPT | END_OF_FILE | ESCAPE => Some(Reply::Answer(Answer::Deny)),
        b'?' => Some(Reply::Context),
        _ => None,
    }
}

fn said(answer: Answer) -> &'static str {
    match answer {
        Answer::Approve => "approved\n",
        Answer::Deny => "denied\n",
        Answer::TrustSession => "approved, trusted for this session\n",
    }
}

impl Approver for TtyPrompt {
    fn is_interactive(&self) -> bool {
        Terminal::open().is_ok()
    }

    fn ask(&mut self, request: &ApprovalRequest) -> Result<Answer, ApprovalError> {
        let terminal = Terminal::open()?;
        terminal.require_foreground()?;
        let mode = RawMode::enter(terminal.file(), self.appearance.control_sequences)?;
        let answer = self.question(&terminal, request);
        if answer.is_err() {
            // The question's last line is still open.
            let _ = terminal.write("denied\n");
        }
        drop(mode);
        Ok(answer?)
    }
}
