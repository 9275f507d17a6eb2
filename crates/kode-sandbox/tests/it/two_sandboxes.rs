//! Two sandboxes of one project, or of one within the other, at the same time: what a command of one does while
//! kode tidies up after the other stays inside the project.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use kode_base::Interrupt;
use kode_sandbox::{Backend, Incident, ProjectRoot, Sandbox};

use crate::support::Place;

/// Exchanges the folder `d` for a link out of the project, and keeps making there what
/// kode takes away after commands.
const EXCHANGE: &str = r#"
import ctypes, os, time
libc = ctypes.CDLL(None)
end = time.time() + 20
while time.time() < end and not os.path.exists("done"):
    for name in ("d", "link"):
        if not os.path.islink(name):
            os.makedirs(name + "/sub/.git", exist_ok=True)
            with open(name + "/sub/open", "a"): pass
            os.chmod(name + "/sub/open", 0o666)
    for _ in range(500):
        libc.renameat2(-100, b"d", -100, b"link", 2)
    open("up", "w").close()
"#;

#[test]
fn what_one_sandbox_tidies_up_is_never_outside_whatever_the_other_exchanges() {
    let place = Place::new();
    let outside = place.path().join("outside");
    fs::create_dir_all(outside.join("sub/.git")).unwrap();
    fs::create_dir_all(place.project().join("d/sub/.git")).unwrap();
    fs::write(outside.join("sub/.git/config"), "canary").unwrap();
    fs::write(outside.join("sub/open"), "canary").unwrap();
    fs::set_permissions(outside.join("sub/open"), fs::Permissions::from_mode(0o666)).unwrap();
    std::os::unix::fs::symlink(&outside, place.project().join("link")).unwrap();
    fs::write(place.project().join("exchange.py"), EXCHANGE).unwrap();
    let up = place.project().join("up");
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let sandbox = place.sandbox(Backend::Native);
            let interrupt = Interrupt::new();
            place.run_with(&sandbox, "python3 exchange.py", Duration::from_secs(60), &interrupt)
        });
        let begun = Instant::now();
        while !up.exists() && begun.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let sandbox = place.sandbox(Backend::Native);
        let until = Instant::now() + Duration::from_secs(3);
        let mut acted = 0;
        while Instant::now() < until {
            acted += place.run(&sandbox, "true").incidents.len();
        }
        fs::write(place.project().join("done"), "").unwrap();
        other.join().unwrap();
        assert!(up.exists() && acted > 0, "{acted}");
    });
    assert_eq!(fs::read_to_string(outside.join("sub/.git/config")).unwrap(), "canary");
    let mode = fs::metadata(outside.join("sub/open")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
    assert_eq!(fs::read_dir(outside.join("sub")).unwrap().count(), 2);
}

/// The inner one's command plants a repository, the outer one's hides it while the inner
/// one's guard looks.
#[test]
fn projects_within_one_another_hide_nothing_for_each_other() {
    const PLANT: &str = "mkdir -p src/.git/hooks; touch planted; \
                         until [ -e hidden ]; do sleep 0.02; done";
    const HIDE: &str = "mv inner/src/.git inner/src/x; touch inner/hidden; \
                        until [ -e done ]; do sleep 0.02; done; mv inner/src/x inner/src/.git";
    let place = Place::new();
    let project = place.project();
    let inner = project.join("inner");
    for folder in [".git", "inner/.git"] {
        fs::create_dir_all(project.join(folder)).unwrap();
    }
    let home = place.home();
    let inner_root = ProjectRoot::exactly(&inner, &home, &home.join(".kode")).unwrap();
    let run = |root: &ProjectRoot, command: &str| {
        let sandbox = Sandbox::start(root, place.settings(Backend::Native)).unwrap();
        place.run_with(&sandbox, command, Duration::from_secs(60), &Interrupt::new())
    };
    let (planted, hidden) = std::thread::scope(|scope| {
        let planting = scope.spawn(|| {
            let ended = run(&inner_root, PLANT);
            fs::write(project.join("done"), "").unwrap();
            ended
        });
        while !inner.join("planted").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let hidden = run(&place.root(), HIDE);
        (planting.join().unwrap(), hidden)
    });
    assert_eq!(planted.incidents, []);
    let [Incident::Quarantined { path, .. }] = &hidden.incidents[..] else { panic!("{hidden:?}") };
    assert_eq!(path.as_str(), "inner/src/.git");
}
