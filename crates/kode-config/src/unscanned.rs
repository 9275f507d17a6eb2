//! Who may accept touched code that the scan can't read: the managed and the user's
//! lists and flags, and a word from any layer that nobody else may.

use std::path::Path;

use kode_base::Layer;
use kode_gate::{AcceptedGlob, UnscannedPolicy};

use crate::file::{ConfigFile, UnscannedAnswer};
use crate::project;
use crate::resolve::only_above_project;
use crate::values::PathGlob;

/// Joins the layers; what is taken from none of them is said.
pub(crate) fn unscanned_policy(
    managed: &mut ConfigFile,
    user: &mut ConfigFile,
    flags: Vec<PathGlob>,
    project: &mut ConfigFile,
    notices: &mut Vec<String>,
) -> UnscannedPolicy {
    if taken(project).next().is_some() {
        let text = only_above_project(Path::new(project::FILE_NAME), "scan.accept_unscanned");
        notices.push(text);
    }
    let denies = |file: &ConfigFile| {
        file.scan.as_ref().and_then(|scan| scan.unscanned) == Some(UnscannedAnswer::Deny)
    };
    let layers = [
        (Layer::Managed, denies(managed)),
        (Layer::User, denies(user)),
        (Layer::Project, denies(project)),
    ];
    let forbidden_by = layers.into_iter().find(|(_, denies)| *denies).map(|(layer, _)| layer);
    let of = |layer| move |glob: PathGlob| AcceptedGlob { layer, glob: glob.into_string() };
    let users: Vec<AcceptedGlob> = taken(user).chain(flags).map(of(Layer::User)).collect();
    if forbidden_by == Some(Layer::Managed) && !users.is_empty() {
        notices.push(
            "`scan.accept_unscanned` and --accept-unscanned are ignored: managed policy lets \
             nobody else accept files that were not scanned"
                .to_owned(),
        );
    }
    let accepted = taken(managed).map(of(Layer::Managed)).chain(users).collect();
    UnscannedPolicy { accepted, forbidden_by }
}

fn taken(file: &mut ConfigFile) -> impl Iterator<Item = PathGlob> + use<> {
    let scan = file.scan.as_mut();
    scan.and_then(|scan| scan.accept_unscanned.take()).unwrap_or_default().into_iter()
}
