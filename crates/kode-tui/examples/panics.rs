//! Opens the review screen and panics while it works off a command: what the
//! terminal looks like afterwards is what a test looks at.

use kode_base::{ChangeKind, ProjectPath, TouchedFile};
use kode_tui::{App, FileEntry, Input, Mode, Theme};

#[expect(clippy::panic, reason = "a panic is what this is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (inputs, wakes) = kode_tui::channel();
    let path = ProjectPath::new("a.txt")?;
    let file = TouchedFile { path, change: ChangeKind::New, added: 1, removed: 0, binary: false };
    inputs.send(Input::Files(vec![FileEntry::new(file, true, "1".to_owned())]));
    let app = App::new(Mode::Review, Theme::PLAIN);
    let mut commands = 0;
    kode_tui::run(app, &inputs, &wakes, |_| {
        commands += 1;
        if commands > 1 {
            panic!("the sky fell");
        }
    })?;
    Ok(())
}
