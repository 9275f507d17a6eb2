//! Reads the terminal on a thread of its own, which sleeps until something
//! comes. It can be parked, so that an editor has the terminal to itself.

use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _, stdin};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::SIGWINCH;

use crate::run::Wake;

/// Bytes closer together than this were not pressed one by one: the fastest
/// key repeat is about 30 ms.
const BURST_GAP: Duration = Duration::from_millis(15);
/// Terminal events taken as one burst at most.
const BURST_MAX: usize = 4096;
/// The terminal has bytes that are no whole event yet: look again this soon
/// rather than at once.
const HALF_EVENT_WAIT: Duration = Duration::from_millis(20);

/// crossterm hears of a new window size at about the same time.
const RESIZE_WAIT: Duration = Duration::from_millis(5);

/// The reading thread, as the loop sees it. It ends with the process.
pub(crate) struct Reader {
    bell: PipeWriter,
    wants_parking: Arc<AtomicBool>,
    is_asking: Arc<AtomicBool>,
    parked: Receiver<()>,
    resume: Sender<()>,
}

impl Reader {
    /// Begins to read; everything goes to `wakes`.
    pub(crate) fn start(wakes: Sender<Wake>) -> io::Result<Self> {
        let (listen, bell) = io::pipe()?;
        signal_hook::low_level::pipe::register(SIGWINCH, bell.try_clone()?)?;
        let (wants_parking, is_asking) = (Arc::default(), Arc::default());
        let (parked_sender, parked) = channel();
        let (resume, resumed) = channel();
        let reading = Reading {
            wakes,
            listen,
            wants_parking: Arc::clone(&wants_parking),
            is_asking: Arc::clone(&is_asking),
            parked: parked_sender,
            resumed,
        };
        thread::Builder::new().name("terminal".to_owned()).spawn(move || reading.read())?;
        Ok(Self { bell, wants_parking, is_asking, parked, resume })
    }

    /// Whether keys must be told apart from pastes by their timing.
    pub(crate) fn set_asking(&self, is_asking: bool) {
        self.is_asking.store(is_asking, Ordering::SeqCst);
    }

    /// Leaves the terminal to someone else until [`Self::resume`]. A thread that
    /// has ended reads nothing either.
    pub(crate) fn park(&mut self) -> io::Result<()> {
        self.wants_parking.store(true, Ordering::SeqCst);
        self.bell.write_all(b"p")?;
        // An error says that the thread is gone.
        let _ = self.parked.recv();
        Ok(())
    }

    pub(crate) fn resume(&self) {
        self.wants_parking.store(false, Ordering::SeqCst);
        // As above.
        let _ = self.resume.send(());
    }
}

/// The thread's own part.
struct Reading {
    wakes: Sender<Wake>,
    listen: PipeReader,
    wants_parking: Arc<AtomicBool>,
    is_asking: Arc<AtomicBool>,
    parked: Sender<()>,
    resumed: Receiver<()>,
}

/// What there is to do.
enum Heard {
    Terminal,
    Bell,
    Gone,
}

impl Reading {
    fn read(mut self) {
        loop {
            let wake = match self.wait().and_then(|heard| self.answer(&heard)) {
                Ok(Some(events)) => Wake::Terminal(events),
                Ok(None) => continue,
                Err(_) => Wake::Gone,
            };
            let over = matches!(wake, Wake::Gone);
            if self.wakes.send(wake).is_err() || over {
                return;
            }
        }
    }

    fn wait(&self) -> io::Result<Heard> {
        let input = stdin();
        let mut both = [
            PollFd::new(&input, PollFlags::IN),
            PollFd::from_borrowed_fd(self.listen.as_fd(), PollFlags::IN),
        ];
        match poll(&mut both, None) {
            Err(rustix::io::Errno::INTR) => return self.wait(),
            other => other?,
        };
        let [terminal, bell] = both.each_ref().map(PollFd::revents);
        Ok(match () {
            () if terminal.intersects(PollFlags::HUP | PollFlags::ERR) => Heard::Gone,
            () if bell.contains(PollFlags::IN) => Heard::Bell,
            () if terminal.contains(PollFlags::IN) => Heard::Terminal,
            () => Heard::Gone,
        })
    }

    /// The events that came; none when there is nothing to tell.
    fn answer(&mut self, heard: &Heard) -> io::Result<Option<Vec<Event>>> {
        match heard {
            Heard::Gone => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            Heard::Terminal => self.burst(),
            Heard::Bell => {
                // How many rings there were does not matter.
                let _ = self.listen.read(&mut [0; 64])?;
                if self.wants_parking.load(Ordering::SeqCst) {
                    let _ = self.parked.send(());
                    let _ = self.resumed.recv();
                }
                // The window changed: a frame. What crossterm has to say of it is taken
                // now: it would swallow a key that came with the next look.
                Ok(Some(self.taken(RESIZE_WAIT)?))
            }
        }
    }

    /// The next event and what came together with it.
    fn burst(&self) -> io::Result<Option<Vec<Event>>> {
        let events = self.taken(HALF_EVENT_WAIT)?;
        Ok((!events.is_empty()).then_some(events))
    }

    /// What comes within `gap`, and what comes together with it.
    fn taken(&self, mut gap: Duration) -> io::Result<Vec<Event>> {
        let mut events = Vec::new();
        while events.len() < BURST_MAX && event::poll(gap)? {
            events.push(event::read()?);
            let is_asking = self.is_asking.load(Ordering::SeqCst);
            gap = if is_asking { BURST_GAP } else { Duration::ZERO };
        }
        Ok(events)
    }
}
