//! The repository of a linked worktree, which lies outside the project: what commands
//! may write there is looked after as well. Its other parts are read-only inside.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};

use super::inner::{self, Look, Odd};
use super::sensitive::{self, Part, Stamp};
use super::{beneath, changed, put_aside};
use crate::ProjectRoot;
use crate::incident::Incident;
use crate::plan::{self, Linked};

/// A folder of the repository, and what stood there before a command.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    folder: OwnedFd,
    part: Part,
    before: BTreeMap<Vec<u8>, Stamp>,
    odd: Odd,
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
            (place.before, _) = sensitive::find_in(&place.folder, place.part, false);
            place.odd = place.look(Look::before()).odd;
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
            let (after, complete) = sensitive::find_in(&place.folder, place.part, true);
            all &= complete;
            let below = |path: &String| {
                let below = std::path::Path::new(path).strip_prefix(&place.path).ok()?;
                Some(below.to_str()?.as_bytes().to_vec())
            };
            let held: Vec<Vec<u8>> = held.iter().filter_map(below).collect();
            let look = place.look(Look::after(&place.odd, since_ns));
            all &= look.complete;
            let mut aside = look.new;
            let changed = changed(&place.before, &after, &held, since_ns);
            aside.extend(
                changed.into_iter().filter(|path| !aside.contains(path)).collect::<Vec<_>>(),
            );
            for path in aside {
                incidents.push(Incident::InRepository {
                    folder: place.path.to_string_lossy().into_owned(),
                    incident: Box::new(put_aside(&place.folder, &path, None)),
                });
            }
        }
        all
    }
}

impl Place {
    fn look<'a>(&self, mut look: Look<'a>) -> Look<'a> {
        let place = match self.part {
            Part::Own => inner::Place::Git,
            Part::Objects => inner::Place::Objects,
            Part::Names => inner::Place::Inside,
        };
        match beneath::subfolder(&self.folder, b".") {
            Ok(open) => look.folder(&open, b"", place, 0),
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
        (linked.own.as_str(), Part::Own),
        ("objects", Part::Objects),
        ("refs", Part::Names),
        ("logs", Part::Names),
    ];
    let place = |(name, part): (&str, Part)| {
        let folder = beneath::folder(&common, name.as_bytes()).ok()?;
        Some(Place {
            path: linked.common.join(name),
            folder,
            part,
            before: BTreeMap::new(),
            odd: Odd::new(),
        })
    };
    parts.into_iter().filter_map(place).collect()
}
