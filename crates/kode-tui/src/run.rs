//! The loop around the state machine: the terminal in its mode, events in,
//! frames and commands out. However it ends, the terminal is given back.

use std::io::{self, stdout};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event,
};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};
use rustix::process::{Signal, kill_current_process_group};

use crate::app::App;
use crate::draw::draw;
use crate::exchange::{Command, Input};
use crate::reader::Reader;

/// Inputs taken before a frame is drawn again.
const INPUTS_PER_FRAME: usize = 2000;
/// Inputs are gathered no longer than this before a frame is drawn.
const GATHER_MAX: Duration = Duration::from_millis(8);

/// What wakes the loop.
#[derive(Debug)]
pub enum Wake {
    /// From the binary.
    Input(Input),
    /// From the terminal, all that came at once.
    Terminal(Vec<Event>),
    /// The terminal is gone.
    Gone,
}

/// Hands inputs to the interface, from any thread.
#[derive(Debug, Clone)]
pub struct Inputs(Sender<Wake>);

impl Inputs {
    /// Hands one over; an interface that has ended takes no more.
    pub fn send(&self, input: Input) {
        // Nobody is left to tell.
        let _ = self.0.send(Wake::Input(input));
    }
}

/// The two ends of what the interface learns.
pub fn channel() -> (Inputs, Receiver<Wake>) {
    let (sender, receiver) = std::sync::mpsc::channel();
    (Inputs(sender), receiver)
}

/// Runs the interface until it is left; `handle` gets every command but
/// [`Command::Quit`] and [`Command::Suspend`].
///
/// # Errors
/// When the terminal can't be set up or is gone; it is restored all the same. While `handle`
/// works off [`Command::Edit`] the terminal is in its ordinary mode.
pub fn run(
    mut app: App,
    inputs: &Inputs,
    wakes: &Receiver<Wake>,
    mut handle: impl FnMut(Command),
) -> io::Result<()> {
    restore_on_panic(thread::current().id());
    let mut screen = Some(Screen::enter()?);
    // Its own drop prints when the terminal is gone, where a print panics; `Screen`
    // shows the cursor in its stead.
    let mut terminal = ManuallyDrop::new(Terminal::new(CrosstermBackend::new(stdout()))?);
    let mut reader = Reader::start(inputs.0.clone())?;
    loop {
        // Terminals that know it show the frame at once when it is whole; others ignore it.
        queue!(stdout(), BeginSynchronizedUpdate)?;
        terminal.draw(|frame| draw(&mut app, frame))?;
        execute!(stdout(), EndSynchronizedUpdate)?;
        app.drawn(Instant::now());
        gather(&mut app, wakes)?;
        reader.set_asking(app.is_asking());
        for command in app.commands() {
            match command {
                Command::Quit => return Ok(()),
                Command::Edit(_) | Command::Suspend => {
                    // The editor, or the shell, has the terminal to itself.
                    reader.park()?;
                    drop(screen.take());
                    match command {
                        // As the terminal itself would, to all that it started: the kernel
                        // leaves them running where no shell could let them go on.
                        Command::Suspend => kill_current_process_group(Signal::TSTP)?,
                        command => handle(command),
                    }
                    screen = Some(Screen::enter()?);
                    reader.resume();
                    terminal.clear()?;
                }
                command => handle(command),
            }
        }
    }
}

/// Waits for something, then takes what else is there.
fn gather(app: &mut App, wakes: &Receiver<Wake>) -> io::Result<()> {
    let gone = || io::Error::new(io::ErrorKind::UnexpectedEof, "the terminal is gone");
    let mut next = wakes.recv().ok();
    let since = Instant::now();
    for _ in 0..INPUTS_PER_FRAME {
        match next {
            Some(Wake::Input(input)) => app.input(input),
            Some(Wake::Terminal(events)) => app.terminal(&events, Instant::now()),
            Some(Wake::Gone) => return Err(gone()),
            None => break,
        }
        if since.elapsed() > GATHER_MAX {
            break;
        }
        next = wakes.try_recv().ok();
    }
    Ok(())
}

/// The terminal in the mode this needs; given back when dropped, and when the
/// thread that entered it panics.
struct Screen;

/// Whether the terminal is in our mode: it is given back once, so that what is
/// written after a panic stays.
static ENTERED: AtomicBool = AtomicBool::new(false);

impl Screen {
    fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        let screen = Self;
        execute!(stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back if an interface has it, from any thread: for signals that end
/// the process without the loop.
pub fn restore_terminal() {
    restore();
}

/// Nothing can be done about a terminal that refuses: it is gone.
fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(
        stdout(),
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        DisableMouseCapture,
        LeaveAlternateScreen,
        ratatui::crossterm::cursor::Show
    );
    let _ = disable_raw_mode();
}

/// A panic elsewhere is caught there and must not write over the screen.
fn restore_on_panic(owner: ThreadId) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().id() == owner {
            restore();
            before(panic);
        }
    }));
}
