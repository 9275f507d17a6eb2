//! Times the gate in process on the fixture lists: median, p99 and slowest
//! command. Reported, never asserted. Run with `cargo bench -p kode-gate`.

#![allow(clippy::print_stdout, reason = "a benchmark reports")]

use std::time::{Duration, Instant};

use kode_gate::{Policy, SessionState, policy_check};

/// Runs of each command; the best counts, so that another process on the
/// machine does not.
const RUNS: usize = 9;

fn main() {
    let state = SessionState {
        project_root: "/work/app".to_owned(),
        home: "/home/dev".to_owned(),
        kode_home: "/home/dev/.kode".to_owned(),
        ..SessionState::default()
    };
    let policy = Policy::default();
    let lists = [
        include_str!("../fixtures/refused.txt"),
        include_str!("../fixtures/asked.txt"),
        include_str!("../fixtures/everyday.txt"),
    ];
    let commands: Vec<String> =
        lists.iter().flat_map(|list| list.lines()).map(|line| line.replace('⏎', "\n")).collect();
    let first = Instant::now();
    for command in &commands {
        policy_check::check(command, &policy, &state);
    }
    println!("first pass, tables read on the way: {:?} for {}", first.elapsed(), commands.len());
    let mut times: Vec<(Duration, &String)> =
        commands.iter().map(|command| (best(command, &policy, &state), command)).collect();
    times.sort();
    let at =
        |part: usize| times.get(times.len() * part / 1000).map_or(Duration::ZERO, |each| each.0);
    println!("median {:?}, p90 {:?}, p99 {:?}", at(500), at(900), at(990));
    let total: Duration = times.iter().map(|each| each.0).sum();
    let a_second = commands.len() as f64 / total.as_secs_f64();
    println!("{a_second:.0} commands a second");
    for (time, command) in times.iter().rev().take(3) {
        println!("slowest: {time:?} {command:?}");
    }
}

fn best(command: &str, policy: &Policy, state: &SessionState) -> Duration {
    let runs = (0..RUNS).map(|_| {
        let start = Instant::now();
        policy_check::check(command, policy, state);
        start.elapsed()
    });
    runs.min().unwrap_or_default()
}
