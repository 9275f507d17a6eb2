//! A person works on the repository while a command runs: what only they can
//! have changed stays, and what either can have changed is never lost.

use std::fs;
use std::path::Path;
use std::time::Duration;

use kode_base::Interrupt;
use kode_sandbox::{Backend, Incident};

use crate::support::{Ended, Place};

const BEFORE: &str = "[core]\n\tbare = false\n";
const HOOK: &str = "#!/bin/sh\necho the person's\n";

fn repository() -> Place {
    let place = Place::new();
    fs::create_dir_all(place.project().join(".git/hooks")).unwrap();
    fs::write(place.project().join(".git/config"), BEFORE).unwrap();
    place
}

/// Runs a command that waits for `person` to be done, then does `after`.
fn during(place: &Place, person: impl Fn(&Path) + Sync, after: &str) -> Ended {
    let sandbox = place.sandbox(Backend::Native);
    let command = format!("touch up; until [ -e done ]; do sleep 0.02; done; {after}");
    let project = place.project();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !project.join("up").exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            person(&project);
            fs::write(project.join("done"), "").unwrap();
        });
        place.run_with(&sandbox, &command, Duration::from_secs(60), &Interrupt::new())
    })
}

#[test]
fn what_a_person_writes_where_commands_can_not_stays() {
    let place = repository();
    let person = |project: &Path| {
        fs::write(project.join(".git/config"), format!("{BEFORE}[user]\n\tname = A\n")).unwrap();
        fs::write(project.join(".git/hooks/pre-commit"), HOOK).unwrap();
    };
    let ended = during(&place, person, "true");
    assert_eq!(ended.incidents, []);
    let config = fs::read_to_string(place.project().join(".git/config")).unwrap();
    assert!(config.ends_with("name = A\n"));
    assert_eq!(fs::read_to_string(place.project().join(".git/hooks/pre-commit")).unwrap(), HOOK);
}

/// As `git config` does it: another file, renamed over. The sandbox's mount goes
/// with the old one, so from then on the command can write there.
#[test]
fn what_a_person_replaces_is_kept_beside_and_what_was_there_is_put_back() {
    for after in ["true", "echo '[core]\n\tsshCommand = evil' >> .git/config"] {
        let place = repository();
        let person = |project: &Path| {
            fs::write(project.join("config.lock"), "[user]\n\tname = A\n").unwrap();
            fs::rename(project.join("config.lock"), project.join(".git/config")).unwrap();
        };
        let ended = during(&place, person, after);
        let [Incident::PutBack { path, moved_to }] = &ended.incidents[..] else {
            panic!("{after}: {ended:?}");
        };
        assert_eq!(path.as_str(), ".git/config");
        let kept = fs::read_to_string(place.project().join(moved_to.as_str())).unwrap();
        assert!(kept.starts_with("[user]\n\tname = A\n"), "{kept}");
        let config = fs::read_to_string(place.project().join(".git/config")).unwrap();
        assert_eq!(config, BEFORE);
    }
}

#[test]
fn a_file_with_a_second_name_where_commands_write_is_not_taken_for_a_persons() {
    let place = repository();
    fs::hard_link(place.project().join(".git/config"), place.project().join("alias")).unwrap();
    let ended = during(&place, |_| {}, "echo '[alias]' >> alias");
    assert!(matches!(&ended.incidents[..], [Incident::PutBack { .. }]), "{ended:?}");
    let config = fs::read_to_string(place.project().join(".git/config")).unwrap();
    assert_eq!(config, BEFORE);
}

#[test]
fn hooks_that_a_command_makes_elsewhere_are_still_caught() {
    let place = repository();
    let ended = during(
        &place,
        |_| {},
        "mkdir -p sub/.git/hooks .git/modules/m; touch sub/.git/hooks/a .git/modules/m/HEAD .git/modules/m/config",
    );
    let quarantined = |incident: &&Incident| matches!(incident, Incident::Quarantined { .. });
    assert!(ended.incidents.iter().filter(quarantined).count() >= 2, "{ended:?}");
}

/// The first one's command writes to what the person replaced, and the second one begins
/// with that: neither puts it back.
#[test]
fn what_the_command_of_another_sandbox_wrote_is_never_put_back() {
    const EVIL: &str = "touch up; until grep -q mine .git/config; do sleep 0.02; done; \
                        cp .git/config c; echo '[core] fsmonitor = evil' >> c; cat c > .git/config; \
                        touch wrote; until [ -e second ]; do sleep 0.02; done";
    const SECOND: &str = "touch second; until [ -e done ]; do sleep 0.02; done";
    let place = repository();
    let project = place.project();
    let wait_for = |name: &str| {
        while !project.join(name).exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let run = |command: &str| {
        let sandbox = place.sandbox(Backend::Native);
        place.run_with(&sandbox, command, Duration::from_secs(60), &Interrupt::new())
    };
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            let ended = run(EVIL);
            fs::write(project.join("done"), "").unwrap();
            ended
        });
        wait_for("up");
        fs::write(project.join("config.lock"), "[user]\n\tname = mine\n").unwrap();
        fs::rename(project.join("config.lock"), project.join(".git/config")).unwrap();
        wait_for("wrote");
        let second = run(SECOND);
        (first.join().unwrap(), second)
    });
    let [Incident::PutBack { moved_to, .. }] = &first.incidents[..] else { panic!("{first:?}") };
    let aside = fs::read_to_string(project.join(moved_to.as_str())).unwrap();
    assert!(aside.contains("name = mine") && aside.contains("evil"), "{aside}");
    assert_eq!(second.incidents, []);
    assert_eq!(fs::read_to_string(project.join(".git/config")).unwrap(), BEFORE);
}
