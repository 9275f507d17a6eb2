//! The security scan: rules, taint analysis, secrets, reports.
//!
//! Pure: bytes in, findings out. It touches no file, clock, process or network,
//! and it never calls a file clean that it could not analyse: such files are
//! listed in [`ScanReport::unscanned`].

mod category;
mod code;
mod engine;
mod input;
mod introduced;
mod ir;
mod lower;
mod model;
mod raw;
mod scan;
mod secrets;

pub use category::Category;
pub use input::{ScanFile, ScanReport};
pub use scan::scan;
