//! The security scan: rules, taint analysis, secrets, reports.
//!
//! Pure: bytes in, findings out. It touches no file, clock, process or network,
//! and it never calls a file clean that it could not analyse: such files are
//! listed in [`ScanReport::unscanned`].

mod bound;
mod category;
mod code;
mod code_kind;
mod comments;
pub mod compare;
mod component;
mod copies;
mod coverage;
mod encoding;
mod engine;
mod expression_language;
mod given_handlers;
mod input;
mod introduced;
mod ir;
mod loading;
mod lower;
mod lowered;
mod mappers;
mod markup;
mod model;
mod page;
mod prefilter;
mod printed;
mod pug;
mod raw;
mod repeated;
pub mod report;
mod scan;
mod secrets;
mod server_page;
mod suppression;
mod surroundings;
mod tables;
mod template;

pub use category::Category;
pub use code_kind::{CodeKind, Reading, code_kind};
pub use coverage::{NO_RULES, has_rules};
pub use input::{ScanFile, ScanReport};
pub use scan::{scan, scan_with};
pub use suppression::{ScanOptions, Suppressed};
pub use surroundings::surroundings;
