//! Commands run, stream, end and leave nothing behind.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use kode_base::Interrupt;
use kode_sandbox::{Backend, CommandEnd, Incident};

use crate::support::Place;

const BOTH: [Backend; 2] = [Backend::Native, Backend::BareHost];

#[test]
fn a_command_runs_in_the_project_and_its_streams_are_interleaved() {
    for backend in BOTH {
        let place = Place::new();
        let sandbox = place.sandbox(backend);
        let text = place.run(&sandbox, "echo one; echo two >&2; pwd; echo x > made").worked();
        assert_eq!(text, format!("one\ntwo\n{}\n", place.project().display()));
        assert_eq!(fs::read_to_string(place.project().join("made")).unwrap(), "x\n");
    }
}

#[test]
fn what_is_made_inside_belongs_to_the_project_owner() {
    use std::os::unix::fs::MetadataExt;
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    place.run(&sandbox, "mkdir -p a/b && touch a/b/c").worked();
    let owner = fs::metadata(place.project()).unwrap().uid();
    assert_eq!(fs::metadata(place.project().join("a/b/c")).unwrap().uid(), owner);
}

#[test]
fn exit_codes_and_signals_come_back() {
    for backend in BOTH {
        let place = Place::new();
        let sandbox = place.sandbox(backend);
        assert_eq!(place.run(&sandbox, "exit 7").end, CommandEnd::Exited(7));
        assert_eq!(place.run(&sandbox, "kill -TERM $$").end, CommandEnd::Signalled(15));
    }
}

#[test]
fn standard_input_is_empty_and_keys_are_not_in_the_environment() {
    for backend in BOTH {
        let place = Place::new();
        let sandbox = place.sandbox(backend);
        let text = place.run(&sandbox, "cat; env").worked();
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("PATH="));
    }
}

#[test]
fn the_time_limit_kills_everything() {
    for backend in BOTH {
        let place = Place::new();
        let sandbox = place.sandbox(backend);
        let ended = place.run_with(
            &sandbox,
            "echo begun; sleep 60 & sleep 60",
            Duration::from_millis(300),
            &Interrupt::new(),
        );
        assert_eq!(ended.end, CommandEnd::TimedOut);
        assert_eq!(ended.text, "begun\n");
        assert!(ended.elapsed < Duration::from_secs(5));
        place.run(&sandbox, "true").worked();
    }
}

#[test]
fn an_interrupt_ends_the_command_soon() {
    for backend in BOTH {
        let place = Place::new();
        let sandbox = place.sandbox(backend);
        let interrupt = Interrupt::new();
        let raised = interrupt.clone();
        let raiser = thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            raised.raise();
        });
        let started = Instant::now();
        let ended = place.run_with(&sandbox, "sleep 60", Duration::from_secs(60), &interrupt);
        raiser.join().unwrap();
        assert_eq!(ended.end, CommandEnd::Interrupted);
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn the_private_home_lasts_for_the_session_and_no_longer() {
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    place.run(&sandbox, "echo kept > ~/note; echo kept > /tmp/note").worked();
    assert_eq!(place.run(&sandbox, "cat ~/note /tmp/note").worked(), "kept\nkept\n");
    drop(sandbox);
    let again = place.sandbox(Backend::Native);
    assert_eq!(place.run(&again, "ls -d ~/note /tmp/note 2>/dev/null").text, "");
    assert!(!place.home().join("note").exists());
}

#[test]
fn background_processes_end_with_their_command() {
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    place.run(&sandbox, "(setsid nohup bash -c 'sleep 0.5; echo late > late' &) ; true").worked();
    let text = place.run(&sandbox, "sleep 1; ls; ps ax -o comm= 2>/dev/null | grep sleep").text;
    assert_eq!(text, "");
}

#[test]
fn a_missing_directory_is_an_error_and_the_sandbox_goes_on() {
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    let command = kode_base::ShellCommand {
        command: "true".into(),
        description: None,
        directory: kode_base::ProjectPath::new("not/here").unwrap(),
        timeout: Duration::from_secs(5),
    };
    let permit = place.permit(command);
    let error = sandbox.run(permit, &Interrupt::new(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("not found"), "{error}");
    place.run(&sandbox, "true").worked();
}

#[test]
fn a_read_only_sandbox_does_not_write_the_project() {
    let place = Place::new();
    let settings =
        kode_sandbox::SandboxSettings { read_only: true, ..place.settings(Backend::Native) };
    let sandbox = kode_sandbox::Sandbox::start(&place.root(), settings).unwrap();
    assert_ne!(place.run(&sandbox, "echo x > made").end, CommandEnd::Exited(0));
    assert!(!place.project().join("made").exists());
    sandbox.end_processes().unwrap();
}

#[test]
fn processes_that_use_too_much_memory_together_are_killed() {
    let place = Place::new();
    let settings = kode_sandbox::SandboxSettings {
        memory_bytes_max: Some(256 * 1024 * 1024),
        ..place.settings(Backend::Native)
    };
    let sandbox = kode_sandbox::Sandbox::start(&place.root(), settings).unwrap();
    let hog = "x=$(yes | head -c 40M); y=$x$x; sleep 20";
    let ended = place.run(&sandbox, &format!("for i in 1 2 3 4 5 6; do ({hog}) & done; wait"));
    assert!(ended.elapsed < Duration::from_secs(20));
    let expected = [Incident::MemoryLimit { bytes_max: 256 * 1024 * 1024 }];
    assert_eq!(ended.incidents, expected, "{}", ended.text);
    let full =
        place.run(&sandbox, "for at in /tmp ~ /dev/shm; do head -c 90M /dev/zero > $at/x; done");
    assert!(full.text.contains("No space left"), "{}", full.text);
    place.run(&sandbox, "true").worked();
}

/// Memory that no process has to itself: mapped for several, and a segment that is
/// attached nowhere.
const SHARED: &str = r#"
import ctypes, mmap, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
size = int(sys.argv[2]) << 20
if sys.argv[1] == "mapped":
    memory = mmap.mmap(-1, size)
    ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(memory)), 1, size)
else:
    segment = libc.shmget(0, ctypes.c_size_t(size), 0o1600)
    at = libc.shmat(segment, None, 0)
    ctypes.memset(at, 1, size)
    libc.shmdt(ctypes.c_void_p(at))
for sharer in range(int(sys.argv[3])):
    if os.fork() == 0:
        if sys.argv[1] == "mapped": sum(memory[::4096])
        time.sleep(float(sys.argv[4])); os._exit(0)
time.sleep(float(sys.argv[4]))
"#;

#[test]
fn memory_that_is_shared_counts_once_and_does_not_outlive_its_command() {
    let place = Place::new();
    let bytes_max = 256 * 1024 * 1024;
    let settings = kode_sandbox::SandboxSettings {
        memory_bytes_max: Some(bytes_max),
        ..place.settings(Backend::Native)
    };
    let sandbox = kode_sandbox::Sandbox::start(&place.root(), settings).unwrap();
    fs::write(place.project().join("shared.py"), SHARED).unwrap();
    for kind in ["mapped", "segment"] {
        let ended = place.run(&sandbox, &format!("python3 shared.py {kind} 400 0 20"));
        assert!(ended.elapsed < Duration::from_secs(20), "{kind}: {ended:?}");
        assert_eq!(ended.incidents, [Incident::MemoryLimit { bytes_max }], "{kind}: {ended:?}");
        // Seen by five processes it is still no more than it is.
        let small = format!("python3 shared.py {kind} 90 4 1; grep -c . /proc/sysvipc/shm");
        let count = place.run(&sandbox, &small).worked();
        assert_eq!(count.trim(), if kind == "segment" { "2" } else { "1" });
    }
    assert_eq!(place.run(&sandbox, "grep -c . /proc/sysvipc/shm").worked().trim(), "1");
}

#[test]
fn process_1_keeps_its_limits() {
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    let change = "grep open /proc/1/limits > before; ni=$(ps -o ni= -p 1); prlimit --pid 1 --nofile=3:3; renice 19 1; \
                  ionice -c3 -p 1; taskset -p 1 1; chrt -b -p 0 1; renice 19 -u $(id -u); \
                  grep open /proc/1/limits | cmp - before; echo $(($(ps -o ni= -p 1) - ni))";
    let ended = place.run(&sandbox, change);
    assert_eq!(ended.text.trim().lines().last(), Some("0"), "{ended:?}");
    assert!(!ended.text.contains("differ"), "{ended:?}");
    let own = "sleep 5 & prlimit --pid $! --nofile=64 && renice 5 $! && ionice -c3 -p $! && \
               taskset -p 1 $! && taskset -c 0 true && nice -n 5 true && kill $!";
    place.run(&sandbox, own).worked();
}

#[test]
fn sanitized_programs_work() {
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    let program = "#include <stdio.h>\n#include <stdlib.h>\nint main() { char *p = malloc(3); \
                   p[2] = 1; printf(\"%d\\n\", p[2]); free(p); return 0; }\n";
    fs::write(place.project().join("a.c"), program).unwrap();
    let build = "gcc -fsanitize=address,undefined -o a a.c && ./a";
    assert_eq!(place.run(&sandbox, build).worked().trim(), "1");
}

#[test]
fn a_fork_bomb_meets_its_limit_and_ends_with_the_command() {
    let place = Place::new();
    let settings = kode_sandbox::SandboxSettings {
        processes_max: Some(50),
        ..place.settings(Backend::Native)
    };
    let sandbox = kode_sandbox::Sandbox::start(&place.root(), settings).unwrap();
    // Bounded by itself: 200 sleepers at most, not endless forking.
    let many = "perl -e '$| = 1; for (1..200) { $p = fork; \
                unless (defined $p) { print \"refused\"; last } sleep 30, exit unless $p }'";
    let ended = place.run_with(&sandbox, many, Duration::from_secs(20), &Interrupt::new());
    assert_eq!(ended.text, "refused");
    // Process 1, the shell, ls and wc.
    let left = place.run(&sandbox, "ls -d /proc/[0-9]* | wc -l").worked();
    assert!(left.trim().parse::<u32>().unwrap() <= 4, "{left}");
}

#[test]
fn forged_git_files_are_reported() {
    let place = Place::new();
    fs::create_dir_all(place.project().join(".git/hooks")).unwrap();
    let sandbox = place.sandbox(Backend::Native);
    let ended = place.run(&sandbox, "mkdir -p a/.git && echo x > .git/hooks/pre-commit; true");
    assert!(ended.text.contains("Read-only file system"), "{}", ended.text);
    assert_eq!(ended.incidents.len(), 1, "{:?}", ended.incidents);
    assert!(!place.project().join("a/.git").exists());
}

#[test]
fn every_layer_is_reported_and_holds_on_a_full_kernel() {
    let place = Place::new();
    let layers = kode_sandbox::diagnose(&place.root(), place.settings(Backend::Native));
    assert!(layers.len() >= 6, "{layers:?}");
    let missing = |layer: &&kode_sandbox::Layer| layer.state == kode_sandbox::LayerState::Missing;
    // Landlock alone may be missing, with a remedy.
    for layer in layers.iter().filter(missing) {
        assert_eq!(layer.name, "Landlock");
        assert!(layer.remedy.is_some());
    }
}

#[test]
fn a_helper_that_is_none_leaves_no_sandbox_and_says_what_to_do() {
    let place = Place::new();
    for program in ["/bin/true", "/nonexistent/helper"] {
        let mut settings = place.settings(Backend::Native);
        settings.host.helper = kode_sandbox::HelperImage::Program(program.into());
        let error = kode_sandbox::Sandbox::start(&place.root(), settings).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, kode_sandbox::SandboxError::Unavailable { .. }), "{text}");
        assert!(text.contains("kode doctor"), "{text}");
    }
}

#[test]
fn a_caller_that_panics_while_listening_leaves_a_usable_sandbox() {
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    let command = kode_base::ShellCommand {
        command: "echo heard; sleep 60".into(),
        description: None,
        directory: kode_base::ProjectPath::root(),
        timeout: Duration::from_secs(60),
    };
    let permit = place.permit(command);
    let listening = std::panic::AssertUnwindSafe(|| {
        sandbox.run(permit, &Interrupt::new(), &mut |_| panic!("on purpose"))
    });
    assert!(std::panic::catch_unwind(listening).is_err());
    assert_eq!(place.run(&sandbox, "echo again").worked(), "again\n");
    sandbox.end_processes().unwrap();
}

#[test]
fn a_time_limit_that_meets_the_end_of_the_command_leaves_a_usable_sandbox() {
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    for step in 0..60 {
        let limit = Duration::from_micros(500 + 100 * step);
        let ended = place.run_with(&sandbox, "true", limit, &Interrupt::new());
        assert!(matches!(ended.end, CommandEnd::Exited(0) | CommandEnd::TimedOut), "{ended:?}");
    }
    place.run(&sandbox, "true").worked();
}

#[test]
fn a_command_that_leaves_too_little_of_the_disk_is_killed() {
    let place = Place::new();
    let keep = |free_bytes_min| kode_sandbox::SandboxSettings {
        free_bytes_min: Some(free_bytes_min),
        ..place.settings(Backend::Native)
    };
    let sandbox = kode_sandbox::Sandbox::start(&place.root(), keep(u64::MAX)).unwrap();
    let ended = place.run(&sandbox, "echo begun; sleep 30");
    assert_eq!(ended.end, CommandEnd::Signalled(9), "{}", ended.text);
    assert_eq!(ended.incidents, [Incident::LowSpace { free_bytes_min: u64::MAX }]);
    assert!(ended.elapsed < Duration::from_secs(10));
    let sandbox = kode_sandbox::Sandbox::start(&place.root(), keep(1)).unwrap();
    place.run(&sandbox, "head -c 8M /dev/zero > big; sleep 0.3").worked();
}

#[test]
fn a_program_that_everybody_could_change_is_no_longer_that_after_the_command() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    let ended = place.run(&sandbox, "umask 0; echo x > made; mkdir -p a/b; cp /bin/true a/b/tool");
    assert_eq!(ended.incidents.len(), 3, "{:?}", ended.incidents);
    for name in ["made", "a", "a/b"] {
        let mode = fs::metadata(place.project().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o002, 0, "{name}");
    }
}

#[test]
fn a_sandbox_that_lives_for_a_moment_is_in_a_control_group_where_one_can_be_made() {
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    let group = |path: &str| {
        let own = format!("/kode-{}-", std::process::id());
        path.lines().filter(|line| line.contains(&own)).count()
    };
    let inside = place.run(&sandbox, "sleep 0.4; cat /proc/self/cgroup").worked();
    let layers = sandbox.layers();
    let layer = layers.iter().find(|layer| layer.name == "control group").unwrap();
    if layer.state == kode_sandbox::LayerState::Holds {
        assert!(group(&inside) > 0, "{inside}");
        assert!(layer.detail.contains("pids") && layer.detail.contains("memory"), "{layer:?}");
    } else {
        assert_eq!(group(&inside), 0, "{inside}");
        assert!(layer.remedy.is_some());
    }
    drop(sandbox);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let tops = mounts.lines().filter(|line| line.contains(" - cgroup"));
    for top in tops.filter_map(|line| line.split(' ').nth(4)) {
        let left = fs::read_dir(top).into_iter().flatten().flatten();
        let own = format!("kode-{}-", std::process::id());
        assert!(!left.into_iter().any(|e| e.file_name().to_string_lossy().starts_with(&own)));
    }
}

/// What one user has of these on the whole host counts inside as well.
#[test]
fn a_command_leaves_the_person_something_to_watch_files_with() {
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    let take = "import ctypes\nl = ctypes.CDLL(None)\nheld = 0\n\
                while held < 200 and l.inotify_init1(0) >= 0: held += 1\nprint(held)";
    fs::write(place.project().join("take.py"), take).unwrap();
    let held: u32 = place.run(&sandbox, "python3 take.py").worked().trim().parse().unwrap();
    assert!((10..=64).contains(&held), "{held}");
}
