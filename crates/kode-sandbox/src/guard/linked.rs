//! The repository of a linked worktree, which lies outside the project: what commands
//! may write there is looked after as well. Its other parts are read-only inside.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};

use super::inner::{Found, Look};
use super::sensitive::Stamp;
use super::{beneath, changed, is_since, names, put_aside, strange, tighten};
use crate::ProjectRoot;
use crate::incident::Incident;
use crate::plan::{self, Linked};

/// A folder of the repository, and what stood there before a command.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    folder: OwnedFd,
    is: names::Place,
    before: Found,
}

/// Those of one project; none unless it is a linked worktree.
#[derive(Debug, Default)]
pub(super) struct Repository {
    /// The gitfile that led there.
    gitfile: Option<Stamp>,
    places: Vec<Place>,
}

impl Repository {
    /// Takes in the present state. `gitfile` is the project's own, if it has one.
    pub(super) fn before_command(&mut self, root: &ProjectRoot, gitfile: Option<Stamp>) {
        if self.gitfile != gitfile || gitfile.is_some() && self.places.is_empty() {
            self.gitfile = gitfile;
            let linked = gitfile.and_then(|_| plan::linked(root));
            self.places = linked.map(|linked| places(&linked)).unwrap_or_default();
        }
        for place in &mut self.places {
            place.before = place.look(Look::before()).found;
        }
    }

    /// Takes nothing for there before that another command may have planted since then.
    pub(super) fn doubt(&mut self, since_ns: i128) {
        for place in &mut self.places {
            let before = &mut place.before;
            before.doubt(since_ns);
            before.odd.retain(|(path, ..)| !is_since(&place.folder, path, since_ns));
            before.sensitive.retain(|path, _| !is_since(&place.folder, path, since_ns));
        }
    }

    /// Puts aside what the command made or changed there; false when not all could be
    /// looked at. Of the absolute paths `held` nothing was the command's doing.
    pub(super) fn after_command(
        &self,
        held: &[String],
        since_ns: i128,
        incidents: &mut Vec<Incident>,
    ) -> bool {
        let mut all = true;
        for place in &self.places {
            let below = |path: &String| {
                let below = std::path::Path::new(path).strip_prefix(&place.path).ok()?;
                Some(below.to_str()?.as_bytes().to_vec())
            };
            let held: Vec<Vec<u8>> = held.iter().filter_map(below).collect();
            let mut look = place.look(Look::after(&place.before, None, since_ns));
            all &= look.complete;
            let changed = changed(&place.before.sensitive, &look.found.sensitive, &held, since_ns);
            look.leave_out(&changed);
            let mut told = tighten(&place.folder, &look.loose);
            let aside = look.new.iter().chain(&changed);
            told.extend(aside.map(|path| put_aside(&place.folder, path, None)));
            told.extend(strange(&look.strange));
            incidents.extend(told.into_iter().map(|incident| Incident::InRepository {
                folder: place.path.to_string_lossy().into_owned(),
                incident: Box::new(incident),
            }));
        }
        all
    }
}

impl Place {
    fn look<'a>(&self, mut look: Look<'a>) -> Look<'a> {
        match beneath::subfolder(&self.folder, b".") {
            Ok(open) => look.folder(&open, b"", self.is, 0),
            Err(_) => look.complete = false,
        }
        look
    }
}

fn places(linked: &Linked) -> Vec<Place> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(common) = rustix::fs::open(&linked.common, flags, Mode::empty()) else {
        return Vec::new();
    };
    let parts = [
        (linked.own.as_str(), names::Place::Git),
        ("objects", names::Place::Objects),
        ("refs", names::Place::Refs),
        ("logs", names::Place::Inside),
    ];
    let place = |(name, is): (&str, names::Place)| {
        let folder = beneath::folder(&common, name.as_bytes()).ok()?;
        Some(Place { path: linked.common.join(name), folder, is, before: Found::default() })
    };
    parts.into_iter().filter_map(place).collect()
}
