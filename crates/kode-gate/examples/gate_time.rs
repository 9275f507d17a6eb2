//! Times the gate in process: median, p99 and slowest command of the lines
//! `{"id","cmd"}` on standard input. Reported, never asserted.

#![allow(clippy::print_stdout, reason = "an example's output")]

use std::io::BufRead;
use std::time::{Duration, Instant};

use kode_gate::{Policy, SessionState, policy_check};

fn main() -> std::io::Result<()> {
    let state = SessionState {
        project_root: "/work/project".to_owned(),
        home: "/home/dev".to_owned(),
        kode_home: "/home/dev/.kode".to_owned(),
        ..SessionState::default()
    };
    let policy = Policy::default();
    let lines: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let first = Instant::now();
    for line in &lines {
        policy_check::check_line(line, &policy, &state);
    }
    println!("first pass, tables read on the way: {:?} for {} lines", first.elapsed(), lines.len());
    let mut times: Vec<(Duration, &String)> = Vec::new();
    for line in &lines {
        let best = (0..5).map(|_| {
            let start = Instant::now();
            policy_check::check_line(line, &policy, &state);
            start.elapsed()
        });
        times.push((best.min().unwrap_or_default(), line));
    }
    times.sort();
    let at =
        |part: usize| times.get(times.len() * part / 1000).map_or(Duration::ZERO, |each| each.0);
    println!("median {:?}, p90 {:?}, p99 {:?}, p99.9 {:?}", at(500), at(900), at(990), at(999));
    for (time, line) in times.iter().rev().take(5) {
        println!("{time:?} {}", line.chars().take(160).collect::<String>());
    }
    Ok(())
}
