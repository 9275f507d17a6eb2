//! The `kode` binary as a person or a script meets it: real processes, a real
//! sandbox, a real model server, a real terminal.

#![allow(clippy::disallowed_methods, reason = "tests prepare folders and start kode")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test may panic")]
#![allow(missing_docs, unreachable_pub, reason = "tests read as sentences")]

mod after_command;
mod audit_log;
mod bad_input;
mod completion_gate;
mod container;
mod demo;
mod denied;
mod edit_command;
mod edit_kills;
mod events_page;
mod git_objects;
mod hard_output;
mod held;
mod inside_docker;
mod interactive;
mod interrupt;
mod killed_commands;
mod kills;
mod lab;
mod labels;
mod llmock;
mod long_run;
mod network;
mod one_command;
mod ordinary;
mod persons_edits;
mod persons_files;
mod provider_faults;
mod refactoring;
mod rejects_screen;
mod renames_screen;
mod requests;
mod review;
mod scan_command;
mod scan_gate;
mod security_model;
mod session_screen;
mod sessions;
mod story;
mod terminal;
mod tmux;
mod trust;
mod unscanned;
mod walls;
mod workspace;
