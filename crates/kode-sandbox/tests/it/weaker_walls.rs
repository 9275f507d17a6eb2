//! Where less than the full wall is allowed: bubblewrap stops every attempt too,
//! and what Landlock and the filter alone do not stop is written down, each with
//! why.

use std::collections::{BTreeMap, BTreeSet};

use kode_sandbox::{Backend, LayerState, Sandbox, SandboxError, SandboxSettings, Wall};
use serde::Deserialize;

use crate::escapes::{THROWAWAY, attempts, breaches, failures, in_throwaway_namespaces};
use crate::support::Place;

const PARTIAL: &str = include_str!("fixtures/partial.toml");

/// What the partial wall does not hold, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    not_stopped: BTreeMap<String, String>,
    not_working: BTreeMap<String, String>,
    not_working_in_bubblewrap: BTreeMap<String, String>,
}

fn written() -> Written {
    toml::from_str(PARTIAL).unwrap()
}

pub(crate) fn only(place: &Place, wall: Wall) -> SandboxSettings {
    SandboxSettings { strongest: wall, weakest: Some(wall), ..place.settings_with_toolchains() }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn weaker_walls_do_not_hold_root_and_nothing_runs() {
    if !is_root() || std::env::var_os(THROWAWAY).is_some() {
        return;
    }
    for wall in [Wall::Bubblewrap, Wall::Partial] {
        let place = Place::new();
        let refused = Sandbox::start(&place.root(), only(&place, wall)).unwrap_err();
        assert!(matches!(refused, SandboxError::Unavailable { .. }), "{refused:?}");
    }
}

// The next ones run as `nobody`, see `ordinary_user`.

#[test]
fn no_attempt_leaves_bubblewrap() {
    if is_root() {
        return;
    }
    let breaches = breaches(|arena| {
        let settings = arena.place.settings(Backend::Native);
        SandboxSettings { strongest: Wall::Bubblewrap, ..settings }
    });
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn ordinary_things_keep_working_in_bubblewrap() {
    if is_root() {
        return;
    }
    let (done, failures) = failures(|place| only(place, Wall::Bubblewrap));
    let failed: BTreeSet<String> = failures.iter().map(|(name, _)| name.clone()).collect();
    let known: BTreeSet<String> = written().not_working_in_bubblewrap.into_keys().collect();
    let unknown: Vec<_> = failures.iter().filter(|(name, _)| !known.contains(name)).collect();
    assert!(done >= 45 && unknown.is_empty(), "{unknown:#?} {failed:?}");
}

#[test]
fn bubblewrap_and_partial_are_told_apart_in_the_report() {
    if is_root() {
        return;
    }
    for (wall, name) in [(Wall::Bubblewrap, "bubblewrap"), (Wall::Partial, "partial")] {
        let place = Place::new();
        let sandbox = Sandbox::start(&place.root(), only(&place, wall)).unwrap();
        assert_eq!(sandbox.name(), name);
        assert!(sandbox.warning().is_some());
        let layers = sandbox.layers();
        assert_eq!((layers[0].name, layers[0].state), ("wall", LayerState::Weaker));
        assert_eq!(place.run(&sandbox, "echo $((1 + 1)); ls").worked(), "2\n");
    }
}

#[test]
fn bits_that_let_everybody_write_are_taken_away_behind_each_wall() {
    use std::os::unix::fs::PermissionsExt;
    if is_root() {
        return;
    }
    for wall in [Wall::Full, Wall::Bubblewrap, Wall::Partial] {
        let place = Place::new();
        std::fs::write(place.project().join("readme"), "text").unwrap();
        let sandbox = Sandbox::start(&place.root(), only(&place, wall)).unwrap();
        let ended = place.run(&sandbox, "umask 0; echo x > open1; mkdir open2; chmod 777 readme");
        assert_eq!(ended.incidents.len(), 3, "{wall:?}: {ended:?}");
        for name in ["open1", "open2", "readme"] {
            let mode = std::fs::metadata(place.project().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o002, 0, "{wall:?}: {name} {mode:o}");
        }
    }
}

#[test]
fn what_the_partial_wall_does_not_stop_is_written_down() {
    if std::env::var_os(THROWAWAY).is_none() {
        if is_root() {
            return;
        }
        let test = "weaker_walls::what_the_partial_wall_does_not_stop_is_written_down";
        println!("{}", in_throwaway_namespaces(test));
        return;
    }
    let breaches = breaches(|arena| {
        let settings = arena.place.settings(Backend::Native);
        SandboxSettings { strongest: Wall::Partial, weakest: Some(Wall::Partial), ..settings }
    });
    let (known, all) = (written().not_stopped, attempts());
    println!("{} of {} attempts stopped", all.len() - breaches.len(), all.len());
    let unknown: BTreeMap<_, _> =
        breaches.iter().filter(|(name, _)| !known.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    for name in known.keys() {
        assert!(all.iter().any(|attempt| attempt.name == *name), "{name} is no attempt");
    }
}

#[test]
fn what_does_not_work_behind_the_partial_wall_is_written_down() {
    if is_root() {
        return;
    }
    let (done, failures) = failures(|place| only(place, Wall::Partial));
    let known = written().not_working;
    let unknown: Vec<_> = failures.iter().filter(|(name, _)| !known.contains_key(name)).collect();
    assert!(done >= 45 && unknown.is_empty(), "{unknown:#?}");
}
