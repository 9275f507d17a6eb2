//! The repository of a linked worktree, which lies outside the project: what commands
//! may write there is looked after as well. Its other parts are read-only inside.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};

use super::doubt::{self, Doubt};
use super::ground::Ground;
use super::inner::{Found, Look};
use super::others::{Known, Other};
use super::sensitive::Stamp;
use super::{beneath, changed, left_by_killed, names, put_aside, strange, tighten};
use crate::ProjectRoot;
use crate::incident::Incident;
use crate::plan::{self, Linked};

/// A folder of the repository, and what stood there before a command.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    ground: Ground,
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
    /// Finds it. `gitfile` is the project's own, if it has one.
    pub(super) fn open(&mut self, root: &ProjectRoot, gitfile: Option<Stamp>) {
        if self.gitfile != gitfile || gitfile.is_some() && self.places.is_empty() {
            self.gitfile = gitfile;
            let linked = gitfile.and_then(|_| plan::linked(root));
            self.places = linked.map(|linked| places(&linked)).unwrap_or_default();
        }
    }

    /// Where commands can write.
    pub(super) fn grounds(&self) -> impl Iterator<Item = &Ground> {
        self.places.iter().map(|place| &place.ground)
    }

    /// Takes in the present state.
    pub(super) fn look_before(&mut self) {
        for place in &mut self.places {
            place.before = place.look(Look::before()).found;
        }
    }

    /// Takes nothing for there before that `others` may have planted.
    pub(super) fn doubt(&mut self, others: &[Other]) {
        for Place { folder, ground, before, .. } in &mut self.places {
            let mut sensitive = std::mem::take(&mut before.sensitive);
            Doubt::new(folder, ground, others.iter()).sift(&mut sensitive, before);
            before.sensitive = sensitive;
        }
    }

    /// What changed since others began whose kode was `killed`; what was not judged since is
    /// judged when this command ends.
    pub(super) fn left_by(&mut self, killed: &[Other]) -> Vec<Incident> {
        let left = |place: &mut Place| {
            let doubt = Doubt::new(&place.folder, &place.ground, killed.iter());
            let left = doubt.of(&place.before.sensitive, &place.before.odd);
            killed.iter().for_each(|other| place.before.doubt(other.since_ns));
            left_by_killed(&left).map(|incident| place.tell(incident))
        };
        self.places.iter_mut().filter_map(left).collect()
    }

    /// What of it others are told was there before.
    pub(super) fn known(&self) -> HashSet<Known> {
        let known = |place: &Place| {
            let before = &place.before;
            doubt::known(&place.folder, &place.ground, &before.sensitive, &before.odd)
        };
        self.places.iter().flat_map(known).collect()
    }

    /// Puts aside what the command made or changed there; false when not all could be
    /// looked at. Of the absolute paths `held` nothing was the command's doing. For the
    /// times see [`Look::after`].
    pub(super) fn after_command(
        &self,
        held: &[String],
        times: (i128, i128),
        incidents: &mut Vec<Incident>,
    ) -> bool {
        let mut all = true;
        for place in &self.places {
            let below = |path: &String| {
                let below = std::path::Path::new(path).strip_prefix(&place.path).ok()?;
                Some(below.to_str()?.as_bytes().to_vec())
            };
            let held: Vec<Vec<u8>> = held.iter().filter_map(below).collect();
            let mut look = place.look(Look::after(&place.before, None, times, &held));
            all &= look.complete;
            let changed = changed(&place.before.sensitive, &look.found.sensitive, &held, times.0);
            look.leave_out(&changed);
            let mut told = tighten(&place.folder, &look.loose);
            let aside = look.new.iter().chain(&changed);
            told.extend(aside.map(|path| put_aside(&place.folder, path, None)));
            told.extend(strange(&look.strange));
            incidents.extend(told.into_iter().map(|incident| place.tell(incident)));
        }
        all
    }
}

impl Place {
    fn tell(&self, incident: Incident) -> Incident {
        let folder = self.path.to_string_lossy().into_owned();
        Incident::InRepository { folder, incident: Box::new(incident) }
    }

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
        let path = linked.common.join(name);
        let ground = Ground::of(&path)?;
        Some(Place { path, ground, folder, is, before: Found::default() })
    };
    parts.into_iter().filter_map(place).collect()
}
