//! The gate's whole judgement beside tree-sitter-bash's parsing alone.

use std::time::Instant;

use kode_gate::{Policy, SessionState, policy_check};

/// Each command is timed so often; its best time counts.
const ROUNDS: usize = 5;

fn main() {
    let path = std::env::args().nth(1).expect("a file of {\"cmd\": …} lines");
    let text = std::fs::read_to_string(path).expect("a readable file");
    let commands: Vec<String> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|value| value["cmd"].as_str().map(str::to_owned))
        .collect();
    let state = SessionState { project_root: "/work/app".into(), home: "/home/u".into(), ..SessionState::default() };
    let policy = Policy::default();
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).expect("the grammar fits");
    let mut gate = times(&commands, |command| {
        std::hint::black_box(policy_check::check(command, &policy, &state));
    });
    let mut peer = times(&commands, |command| {
        std::hint::black_box(parser.parse(command, None));
    });
    gate.sort_by(f64::total_cmp);
    peer.sort_by(f64::total_cmp);
    println!("{} commands", commands.len());
    for (name, share) in [("median", 0.5), ("p90", 0.9), ("p99", 0.99)] {
        let (ours, theirs) = (at(&gate, share), at(&peer, share));
        println!("{name:7} judged {ours:6.1} µs   tree-sitter-bash parse {theirs:6.1} µs   ratio {:.2}", ours / theirs);
    }
}

fn times(commands: &[String], mut run: impl FnMut(&str)) -> Vec<f64> {
    commands
        .iter()
        .map(|command| {
            (0..ROUNDS)
                .map(|_| {
                    let start = Instant::now();
                    run(command);
                    start.elapsed().as_secs_f64() * 1e6
                })
                .fold(f64::MAX, f64::min)
        })
        .collect()
}

fn at(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}
