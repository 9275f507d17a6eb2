//! How long snapshots and comparisons take; reported, never asserted. Run with
//! `cargo test --release -p kode-session --test it speed -- --ignored --nocapture`.

use std::time::Instant;

use super::workspace::Workspace;

const FILES: usize = 10_000;

#[test]
#[ignore = "a measurement"]
fn base_and_compare_of_ten_thousand_files() {
    let work = Workspace::new();
    for number in 0..FILES {
        let name = format!("src/m{}/f{number}.rs", number % 100);
        work.write(&name, format!("// {number}\n{}", "fn line() {}\n".repeat(number % 300)));
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    let timed = |name: &str, work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        println!("{name:45} {:8.1} ms", start.elapsed().as_secs_f64() * 1000.0);
    };
    timed("first base snapshot (all read and kept)", &mut || drop(work.session()));
    timed("second base snapshot (cache)", &mut || drop(work.session()));
    let mut session = work.session();
    timed("compare, nothing changed", &mut || drop(session.compare(&work.files).unwrap()));
    work.write("src/m1/f1.rs", "changed\n");
    timed("compare, one file changed", &mut || drop(session.compare(&work.files).unwrap()));
    for number in 0..500 {
        work.write(&format!("src/m{}/f{number}.rs", number % 100), format!("other {number}\n"));
    }
    timed("compare, 500 files changed", &mut || drop(session.compare(&work.files).unwrap()));
    for number in 0..5000 {
        work.write(&format!("src/m{}/f{number}.rs", number % 100), "x\n".repeat(40));
    }
    timed("compare, 5,000 files changed", &mut || drop(session.compare(&work.files).unwrap()));
    let id = session.id().to_owned();
    timed("review of 5,000 files", &mut || {
        assert!(work.store.review(&id).unwrap().files().len() >= 4900);
    });
    drop(session);
    timed("resume", &mut || drop(work.resume(&id)));
}

#[test]
#[ignore = "a measurement"]
fn the_steps_of_one_turn_in_a_small_project() {
    const ROUNDS: u32 = 50;
    let work = Workspace::new();
    (0..30)
        .for_each(|number| work.write(&format!("src/f{number}.rs"), "fn line() {}\n".repeat(50)));
    std::thread::sleep(std::time::Duration::from_millis(200));
    let mut session = work.session();
    let timed = |name: &str, step: &mut dyn FnMut(u32)| {
        let mut times: Vec<f64> = (0..ROUNDS)
            .map(|round| {
                let start = Instant::now();
                step(round);
                start.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{name:45} {:8.2} ms (median of {ROUNDS})", times[times.len() / 2]);
    };
    timed("the disk's own write and flush", &mut |_| {
        let file = std::fs::File::create(work.home.join("probe")).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, b"x", 0).unwrap();
        file.sync_data().unwrap();
    });
    timed("journal append", &mut |round| session.append(&round).unwrap());
    timed("compare, nothing changed", &mut |_| drop(session.compare(&work.files).unwrap()));
    timed("compare, one file changed", &mut |round| {
        work.write("src/f1.rs", format!("{round}\n"));
        session.compare(&work.files).unwrap();
    });
}
